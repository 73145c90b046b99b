#!/usr/bin/env python3
"""Sessions through `transformers serve`, a server with the chat completions protocol that is not ours.

usage: check_openai.py WORK_FOLDER   (run by scripts/test_peers.sh)
Server and engine get one exported folder with its chat template and speak greedily, so a session through
the server says what our own engine says.
"""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

from support import ROOT, WORK, case, finish, shared, sqpsych

TURNS, TOKENS = 2, 24
PROTOCOL = {
    "strategy": "peer",
    "graph": {"order": ["counselor", "client"], "min_turns": {"default": 1}, "max_turns": TURNS,
              "nudge_after_turn": TURNS, "max_retries": 1, "on_truncated": "keep"},
    "agents": {name: {"speaker": name, "backend": "peer", "prompts": {"default": f"{name}.md"},
                      "may_read": ["demographics.age"], "sampling": {"temperature": 0, "max_tokens": TOKENS}}
               for name in ("counselor", "client")},
    "seed": 666,
}
PROMPTS = {
    "counselor": "[[system]]\nTell story {{turn}} about Tom.\n[[opening]]\nOnce upon a time\n",
    "client": "[[system]]\nTell story {{turn}} about Lily, who is {{demographics.age}}.\n[[retry]]\nAnd then?\n",
}


@contextlib.contextmanager
def server(model):
    """`transformers serve` on a free port of this machine; yields its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve", str(model),
               "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with open(WORK / "server.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HOME": str(WORK / "hub")})
    try:
        for _ in range(3000):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            if process.poll() is not None:
                raise RuntimeError("the server ended: " + (WORK / "server.log").read_text()[-800:])
            time.sleep(0.2)
        else:
            raise RuntimeError("the server does not answer: " + (WORK / "server.log").read_text()[-800:])
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=60)


def sessions(name, backend, *arguments, expect=0):
    """Runs the protocol with this backend over three profiles."""
    folder = WORK / "protocol"
    folder.mkdir(exist_ok=True)
    for speaker, text in PROMPTS.items():
        (folder / f"{speaker}.md").write_text(text)
    config = folder / f"{name}.json"
    config.write_text(json.dumps({**PROTOCOL, "backends": {"peer": backend}}))
    sqpsych("generate", WORK / "profiles", "--config", config, "--output", WORK / name, "--limit", "3", *arguments,
            expect=expect)
    return [json.loads(line) for line in (WORK / name / "sessions.jsonl").read_text(encoding="utf-8").splitlines()]


model = WORK / "model"
sqpsych("export", "--model", shared("data/tinystories-656k"), "--format", "huggingface", "--output", model,
        "--set", "chat_template=chatml")
sqpsych("profiles", ROOT / "configs/examples/answers.csv", "--config", ROOT / "configs/profiles/example.json",
        "--output", WORK / "profiles")
ours = sessions("embedded", {"type": "embedded", "model": str(model), "chat_template": "chatml"})

with server(model) as url:
    there = {"type": "openai", "base_url": url, "model": str(model), "max_retries": 1, "backoff_seconds": 0.1,
             "timeout_seconds": 120}

    with case("sessions through transformers serve, word for word those of our engine"):
        theirs = sessions("served", there)
        assert [record["status"] for record in theirs] == ["complete"] * 3, theirs
        for mine, other in zip(ours, theirs, strict=True):
            assert mine["id"] == other["id"]
            assert [m["text"] for m in mine["messages"]] == [m["text"] for m in other["messages"]], (mine, other)

    with case("their provenance: not reproducible, the served model, its token counts, the prompts' hashes"):
        hashes = {speaker: hashlib.sha256(text.encode()).hexdigest() for speaker, text in PROMPTS.items()}
        for mine, other in zip(ours, theirs, strict=True):
            assert other["reproducible"] is False and mine["reproducible"] is True
            assert other["backends"]["peer"]["base_url"] == url
            for message, reference in zip(other["messages"], mine["messages"], strict=True):
                assert message["model"].startswith(str(model)), message["model"]
                assert message["seconds"] > 0 and message["seed"] == reference["seed"]
                assert message["prompt_tokens"] == reference["prompt_tokens"], (message, reference)
                assert message["completion_tokens"] in range(1, TOKENS + 1)
                assert message["prompt_sha256"] == hashes[message["agent"]]

    with case("what the server refuses is a counted failure with its words, asked once"):
        refused = sessions("refused", {**there, "extra_body": {"no_such_key": 1}}, expect=3)
        assert {record["failure"]["reason"].split(":")[0] for record in refused} == {"http 422"}, refused
        assert all("no_such_key" in record["failure"]["reason"] for record in refused)
        log = (WORK / "server.log").read_text()
        assert log.count(" 422 ") == 3, log[-500:]
        wrong = sessions("wrong-model", {**there, "model": "somebody/else"}, expect=3)
        assert {record["failure"]["reason"].split(":")[0] for record in wrong} == {"http 400"}, wrong

with case("a server that is gone is said before the first session"):
    sqpsych("generate", WORK / "profiles", "--config", WORK / "protocol/served.json", "--output", WORK / "gone", expect=1)
    assert not (WORK / "gone/sessions.jsonl").exists()

finish()
