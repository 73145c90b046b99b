#!/usr/bin/env python3
"""Session files as others read them: `datasets`, plain JSON, and hashes and seeds computed a second time.

usage: check_generate.py WORK_FOLDER   (run by scripts/test_peers.sh)
"""

import hashlib
import json

from support import ROOT, WORK, case, finish, sqpsych

CONFIGS = ROOT / "configs"
MESSAGE_KEYS = {"speaker", "text", "agent", "model", "prompt_sha256", "sampling", "seed", "prompt_tokens",
                "completion_tokens", "seconds", "steps"}
SESSION_KEYS = {"schema", "id", "client_id", "occasion", "strategy", "replicate", "seed", "status", "stop_reason",
                "messages", "risk", "failure"}


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def derived_seed(*parts):
    """core/random.h: the first 63 bits of SHA-256 over the parts, each with its type in front."""
    tagged = "".join(f"t{len(part.encode())}:{part}" if isinstance(part, str) else f"n{part};" for part in parts)
    return int(hashlib.sha256(tagged.encode()).hexdigest()[:16], 16) >> 1


def generate(name, answers, mapping, *arguments):
    sqpsych("profiles", CONFIGS / f"examples/{answers}.csv", "--config", CONFIGS / f"profiles/{mapping}.json",
            "--output", WORK / name / "profiles")
    sqpsych("generate", WORK / name / "profiles", "--config", CONFIGS / "generate/sqpsych.json",
            "--output", WORK / name / "run", "--limit", "24", *arguments)
    profiles = [(line, json.loads(line)) for line in lines(WORK / name / "profiles/profiles.jsonl")]
    return profiles, [json.loads(line) for line in lines(WORK / name / "run/sessions.jsonl")]


profiles, sessions = generate("english", "answers", "example", "--set", "sessions_per_profile=2")
german_profiles, german = generate("german", "answers_german", "example_german")

with case("every key of the schema is there, and speakers alternate from the counselor on"):
    for session in sessions + german:
        assert session["schema"] == "sqpsych.session/1" and SESSION_KEYS <= set(session), session.keys()
        assert session["status"] == "complete" and session["stop_reason"] in ("end_token", "max_turns")
        assert [message["speaker"] for message in session["messages"]] == \
            ["counselor", "client"] * (len(session["messages"]) // 2)
        assert all(MESSAGE_KEYS == set(message) for message in session["messages"])

with case("session ids: hash of profile, strategy, replicate and run seed"):
    for known, made, replicates in ((profiles, sessions, 2), (german_profiles, german, 1)):
        expected = []
        for line, profile in known:
            if profile["risk"]["positive"]:
                continue
            key = hashlib.sha256(line.encode()).hexdigest()
            expected += [hashlib.sha256(compact([key, "sqpsych", replicate, 666]).encode()).hexdigest()[:24]
                         for replicate in range(replicates)]
        assert [session["id"] for session in made] == expected[:24]

with case("seeds: hash of run seed, client, replicate, turn, agent and try"):
    for session in sessions + german:
        client = session["client_id"] + (f"/{session['occasion']}" if session["occasion"] else "")
        for number, message in enumerate(session["messages"]):
            tries = sum(step["step"] == "rejected" for step in message["steps"])
            assert message["seed"] == derived_seed(666, client, session["replicate"], number // 2 + 1,
                                                   message["agent"], tries)

with case("prompts: the copies in RUN/prompts hash to what the messages name"):
    for run in ("english", "german"):
        copies = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (WORK / run / "run/prompts").iterdir()}
        made = sessions if run == "english" else german
        assert {message["prompt_sha256"] for session in made for message in session["messages"]} <= copies

with case("protocol: minimum turns by group, hard stop, no end token in any text"):
    for session in sessions + german:
        turns = len(session["messages"]) // 2
        least = {"control": 7}.get(session["group"], 12)
        assert least <= turns <= 33, (session["group"], turns)
        assert not any("END" in message["text"] for message in session["messages"])

with case("datasets reads the file as it is"):
    from datasets import load_dataset
    rows = load_dataset("json", data_files=str(WORK / "english/run/sessions.jsonl"), split="train",
                        cache_dir=str(WORK / "cache"))
    assert rows.num_rows == len(sessions) == 24
    assert rows[3]["messages"][1]["text"] == sessions[3]["messages"][1]["text"]

with case("German sessions are German"):
    words = " ".join(message["text"] for session in german for message in session["messages"]).split()
    assert sum(word in ("und", "ich", "nicht", "das", "Sie") for word in words) > len(words) / 20
    assert not {"the", "and", "you"} & set(words)

finish()
