"""Bad rows, sessions, answers and settings, end to end: one clear sentence and the right exit status for each row."""

import json
import os
import pathlib
import shutil
import unittest

import material
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, sqpsych, write
from material import rows
from refusal import RefusalTest

SHARED = pathlib.Path(os.environ.get("SQPSYCH_SHARED", ROOT.parent / "shared"))


class Data(RefusalTest):
    def train(self, data, *sets):
        run = SCRATCH / "run"
        shutil.rmtree(run, ignore_errors=True)
        config = write("train.json", material.QUICK_TRAINING)
        return sqpsych("train", "--config", config, "--model", material.model(), "--data", data, "--output", run,
                       *(part for setting in sets for part in ("--set", setting)))

    def test_training_data(self):
        good = rows(4)
        silent = dict(good[0], messages=[dict(message, weight=0) for message in good[0]["messages"]], id="silent")
        table = [
            ("empty", "", FAILED, ["train.jsonl"]),
            ("blank lines", "\n\n", FAILED, ["train.jsonl"]),
            ("no JSON", "hello\n", FAILED, ["train.jsonl:1"]),
            ("a list", "[1, 2]\n", FAILED, ["train.jsonl", "object"]),
            ("bad UTF-8", b'{"messages": [{"role": "user", "content": "\xff"}]}\n', FAILED, ["train.jsonl:1", "UTF-8"]),
            ("duplicate key", '{"id": "a", "id": "b", "messages": []}\n', FAILED, ["train.jsonl:1"]),
            ("unknown role", [dict(good[0], messages=[{"role": "doctor", "content": "x"}])], FAILED,
             ["train.jsonl:1", "doctor"]),
            ("content is a number", [dict(good[0], messages=[{"role": "user", "content": 7}])], FAILED,
             ["train.jsonl:1", "content"]),
            ("no supervised token", good + [silent], FAILED, ["silent"]),
            ("half a last line", '{"messages": [{"role": "us', FAILED, ["train.jsonl:1"]),
            ("bottomless", "[" * 100000 + "\n", FAILED, ["train.jsonl", "nested"]),
            ("zeros", b"\x00" * 64 + b"\n", FAILED, ["train.jsonl:1"]),
            ("no messages", '{"messages": []}\n', FAILED, ["train.jsonl:1"]),
            ("neither kind of row", '{"text": "hello"}\n', FAILED, ["train.jsonl:1"]),
            ("weight is a text", [dict(good[0], messages=[dict(good[0]["messages"][1], weight="1")])], FAILED,
             ["train.jsonl:1", "weight"]),
            ("the 1000th row", "".join(json.dumps(row) + "\n" for row in rows(999)) + "{}\n", FAILED,
             ["train.jsonl:1000"]),
        ]
        for name, content, code, parts in table:
            with self.subTest(name):
                folder = write("data/train.jsonl", content).parent
                self.assert_refused(self.train(folder), code, *parts)

    def test_one_token_rows_train(self):
        short = [{"id": f"s{i}", "client_id": f"s{i}", "messages": [
            {"role": "user", "content": ""}, {"role": "assistant", "content": "a"}]} for i in range(3)]
        folder = write("short/train.jsonl", short).parent
        result = self.train(folder)
        self.assertEqual(result.code, DONE, result)
        raw = [{"id": f"s{i}", "client_id": f"s{i}", "prompt": "", "completion": "a"} for i in range(3)]
        result = self.train(write("raw/train.jsonl", raw).parent)
        self.assertIn(result.code, (DONE, FAILED), result)
        if result.code != DONE:
            self.assert_refused(result, FAILED)

    def test_answers(self):
        mapping = ROOT / "configs/profiles/example.json"
        header, first = (ROOT / "configs/examples/answers.csv").read_bytes().splitlines()[:2]
        table = [
            ("empty", b"", ["answers.csv"]),
            ("header only", header + b"\n", ["answers.csv"]),
            ("ragged row", header + b"\n" + first + b",7,7\n", ["answers.csv"]),
            ("open quote", header + b'\n"' + first + b"\n", ["answers.csv"]),
            ("no such column", header.replace(b"phq9_1,", b"other,", 1) + b"\n" + first + b"\n", ["phq9_1"]),
            ("column twice", header.replace(b"phq9_2,", b"phq9_1,", 1) + b"\n" + first + b"\n", ["phq9_1"]),
            ("zeros", b"\x00" * 64, ["answers.csv"]),
            ("bad UTF-8 behind a byte order mark", b"\xef\xbb\xbf" + header + b"\n\xff" + first + b"\n", ["answers.csv"]),
            ("a quote of 20 MB", header + b'\n"' + b"x" * (20 << 20), ["answers.csv"]),
            ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ["answers.csv"]),
            ("every value out of range", header + b"\n" + b",".join([b"99"] * (header.count(b",") + 1)) + b"\n",
             ["answers.csv"]),
        ]
        for name, content, parts in table:
            with self.subTest(name):
                answers = write("answers.csv", content)
                shutil.rmtree(SCRATCH / "profiles", ignore_errors=True)
                result = sqpsych("profiles", answers, "--config", mapping, "--output", SCRATCH / "profiles")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, *parts)

    def test_statistics_files(self):
        """(name, content): whole files of other programs, cut or filled with something else."""
        transport = SHARED / "data/nhanes-phq9/P_DPQ.xpt"
        if not transport.exists():
            self.assertNotEqual(os.environ.get("CI"), "true", f"{transport} is missing")
            self.skipTest(f"{transport} is not there")
        good = transport.read_bytes()
        columns = b"NAMESTR HEADER RECORD!!!!!!!0000000011"
        self.assertIn(columns, good)
        table = [
            ("cut.xpt", good[:-1000]), ("head.xpt", good[:600]), ("empty.xpt", b""), ("spaces.xpt", b" " * 4000),
            ("text.xpt", b"SEQN,DPQ010\n1,2\n"), ("names.xpt", good[:700] + b"\xff" * 400 + good[1100:]),
            ("count.xpt", good.replace(columns, columns[:-4] + b"9999")), ("none.xpt", good.replace(columns, columns[:-4] + b"0000")),
            ("junk.sav", b"$FL2" + bytes(range(256)) * 8), ("empty.sav", b""), ("transport.sav", good),
            ("junk.dta", b"<stata_dta><header>" + bytes(range(256)) * 8), ("old.dta", b"\x71\x02\x01" + b"\xff" * 400),
        ]
        mapping = ROOT / "configs/profiles/nhanes.json"
        for name, content in table:
            with self.subTest(name):
                result = sqpsych("profiles", write(name, content), "--config", mapping, "--check")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                # What a file holds counts, not its name: this one is read, and its columns are others.
                self.assert_refused(result, result.code, "columns there are" if name == "transport.sav" else name)

    def test_mappings_and_other_settings(self):
        """(name, content of the settings file, part of the sentence), for a command of every kind."""
        table = [
            ("empty", b"", "settings.json"), ("zeros", bytes(64), "settings.json"), ("a list", b"[]", "settings.json"),
            ("no JSON", b"method = lora", "settings.json"), ("two values", b"{} {}", "settings.json"),
            ("duplicate key", b'{"seed": 1, "seed": 2}', "seed"), ("bad UTF-8", b'{"seed": "\xff"}', "utf-8"),
            ("bottomless", b"[" * 100000, "nested"), ("infinite", b'{"seed": 1e999}', "settings.json"),
            ("beyond 64 bits", b'{"seed": 99999999999999999999}', "seed"), ("null", b"null", "settings.json"),
        ]
        commands = [["profiles", ROOT / "configs/examples/answers.csv", "--check"],
                    ["generate", material.profiles(), "--check"],
                    ["dataset", material.sessions() / "sessions.jsonl", "--check"],
                    ["train", "--model", material.model(), "--data", material.data(), "--output", SCRATCH / "none"],
                    ["complete", "--model", material.model(), "--text", "hi"]]
        for name, content, part in table:
            for command in commands:
                with self.subTest(name, command=command[0]):
                    settings = write("settings.json", content)
                    self.assert_refused(sqpsych(*command, "--config", settings), SETTINGS, part)
        for command in commands:
            self.assert_refused(sqpsych(*command, "--config", SCRATCH), SETTINGS, str(SCRATCH))

    def test_profiles_for_generate(self):
        good = json.loads((material.profiles() / "profiles.jsonl").read_text().splitlines()[0])
        table = [
            ("empty", ""), ("no JSON", "hello\n"), ("another schema", [dict(good, schema="sqpsych.session/1")]),
            ("no client", [{key: value for key, value in good.items() if key != "client_id"}]),
            ("twice the same", [good, good]), ("questionnaires are a text", [dict(good, questionnaires="phq9")]),
            ("half a line", json.dumps(good)[:300]), ("bad UTF-8", json.dumps(good).encode().replace(b"en", b"\xff\xfe", 1)),
        ]
        for name, content in table:
            with self.subTest(name):
                result = sqpsych("generate", write("profiles.jsonl", content), "--config",
                                 ROOT / "configs/generate/demo.json", "--output", SCRATCH / "never")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, "profiles.jsonl")
                self.assertFalse((SCRATCH / "never" / "sessions.jsonl").exists())

    def test_sessions(self):
        config = write("dataset.json", {})
        table = [
            ("empty", "", ["sessions.jsonl"]),
            ("no JSON", "hello\n", ["sessions.jsonl"]),
            ("unknown shape", [{"a": 1}], ["sessions.jsonl"]),
            ("duplicate key", '{"messages": [], "messages": []}\n', ["sessions.jsonl", "twice"]),
            ("bad UTF-8", b'{"messages": "\xff"}\n', ["sessions.jsonl", "utf-8"]),
            ("half a line", '{"messages": [{"role": "us', ["sessions.jsonl"]),
            ("bottomless", "[" * 100000, ["sessions.jsonl"]),
            ("a folder of nothing", None, [str(SCRATCH / "nothing")]),
        ]
        for name, content, parts in table:
            with self.subTest(name):
                sessions = SCRATCH / "nothing" if content is None else write("sessions.jsonl", content)
                (SCRATCH / "nothing").mkdir(exist_ok=True)
                shutil.rmtree(SCRATCH / "dataset", ignore_errors=True)
                result = sqpsych("dataset", sessions, "--config", config, "--output", SCRATCH / "dataset")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, *parts)


if __name__ == "__main__":
    unittest.main()
