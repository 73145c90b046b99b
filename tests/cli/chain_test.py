"""One command's output is the next one's input: what runs as it is, and what is said where the wrong thing comes."""

import json
import re
import unittest

import material
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, config, sqpsych, write
from refusal import RefusalTest


class Chain(RefusalTest):
    def test_a_run_folder_stands_for_its_sessions(self):
        sources = {"by_folder": material.sessions(), "by_file": material.sessions() / "sessions.jsonl"}
        made = [material.made(SCRATCH / name, "dataset", source, *config("dataset", "sessions"), "--output",
                              SCRATCH / name) for name, source in sources.items()]
        rows = [(folder / "train.jsonl").read_bytes() for folder in made]
        self.assertEqual(rows[0], rows[1])
        result = sqpsych("dataset", material.data(), "--output", SCRATCH / "none")
        self.assert_refused(result, SETTINGS, "found a folder without sessions.jsonl")

    def test_the_manifests_form_a_chain(self):
        folder = material.made(SCRATCH / "linked", "dataset", material.sessions(), *config("dataset", "sessions"),
                               "--output", SCRATCH / "linked")
        for child, parent in ((folder, material.sessions()), (material.sessions(), material.profiles())):
            parents = json.loads((child / "manifest.json").read_text())["parents"]
            self.assertEqual([entry["path"] for entry in parents], [str(parent)])
            self.assertEqual(len(parents[0]["manifest_sha256"]), 64)

    def test_an_unfinished_run_is_named(self):
        run = SCRATCH / "unfinished"
        run.mkdir()
        (run / "sessions.jsonl").write_bytes((material.sessions() / "sessions.jsonl").read_bytes())
        (run / "journal.jsonl").write_text("")
        result = sqpsych("dataset", run, *config("dataset", "sessions"), "--check")
        self.assertEqual(result.code, DONE, result)
        self.assertIn("journal.jsonl", result.err)

    def test_sessions_are_no_training_rows(self):
        settings = write("quick.json", material.QUICK_TRAINING)
        result = sqpsych("train", "--config", settings, "--model", material.model(), "--data",
                         material.sessions() / "sessions.jsonl", "--output", SCRATCH / "no_rows")
        self.assert_refused(result, FAILED, "found a session, expected a training row", "sqpsych dataset")

    def test_training_tells_its_plan_and_one_warning_of_missing_markers(self):
        settings = write("markers.json", dict(material.QUICK_TRAINING, chat_template="llama3"))
        result = sqpsych("train", "--config", settings, "--model", material.model(), "--data", material.data(),
                         "--output", SCRATCH / "markers")
        self.assertEqual(result.code, DONE, result)
        self.assertEqual(result.err.count("not in the vocabulary"), 1, result)
        before_the_first_step = result.err.split("1 steps done")[0]
        for part in ("8 rows -> 8 token rows", "steps: 1 (8 per epoch)", "of them supervised", "memory: about"):
            self.assertIn(part, before_the_first_step)

    def test_the_way_to_train_without_validation_is_one(self):
        alone = write("alone/train.jsonl", material.rows(8)).parent
        for name in ("lora", "debug", "demo_lora"):
            command = ["train", *config("train", name), "--model", material.model(1024), "--data", alone, "--output",
                       SCRATCH / "never", "--check"]
            result = sqpsych(*command)
            self.assert_refused(result, SETTINGS, "no validation.jsonl")
            sets = re.findall(r"--set (\S+)", result.err)
            self.assertIn("eval_strategy=no", sets)
            with self.subTest(name, sets=sets):
                followed = sqpsych(*command, *material.sets(*sets))
                self.assertEqual(followed.code, DONE, followed)

    def test_an_empty_validation_split_is_named(self):
        folder = write("empty/train.jsonl", material.rows(8)).parent
        write("empty/validation.jsonl", "")
        result = sqpsych("train", *config("train", "lora"), "--model", material.model(), "--data", folder, "--output",
                         SCRATCH / "never", "--check")
        self.assert_refused(result, FAILED, "validation.jsonl", "a larger split.validation", "eval_strategy=no")

    def test_a_folder_is_no_settings_file(self):
        result = sqpsych("profiles", ROOT / "configs/examples/answers.csv", "--config", ROOT / "configs", "--check")
        self.assert_refused(result, SETTINGS, "found no regular file")


if __name__ == "__main__":
    unittest.main()
