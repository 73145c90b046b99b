"""Ctrl-C and its relatives: exit status 75, what is said, what is kept, and that the same command goes on."""

import json
import shutil
import signal
import time
import unittest

import material
from command import DONE, INTERRUPTED, ROOT, SCRATCH, contents, ended, start, sqpsych, wait_until, write


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


class Interrupted(unittest.TestCase):
    def assert_interrupted(self, result, *parts):
        self.assertEqual(result.code, INTERRUPTED, result)
        sentences = result.sentences()
        self.assertEqual(len(sentences), 1, result)
        for part in ("interrupted", *parts):
            self.assertIn(part, sentences[0])

    def generate(self, run):
        return ["generate", material.profiles(), "--config", ROOT / "configs/generate/demo.json",
                "--set", "sessions_per_profile=40", "--output", run]

    def test_generate_keeps_finished_sessions_and_goes_on(self):
        whole, run = SCRATCH / "whole", SCRATCH / "stopped"
        self.assertEqual(sqpsych(*self.generate(whole)).code, DONE)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            finished = lines(run / "journal.jsonl")
            process = start(*self.generate(run))
            wait_until(lambda: process.poll() is not None or lines(run / "journal.jsonl") > finished, "a session")
            process.send_signal(number)
            self.assert_interrupted(ended(process), "same command")
            self.assertGreater(lines(run / "journal.jsonl"), finished)
            self.assertFalse((run / "sessions.jsonl").exists())
        resumed = sqpsych(*self.generate(run))
        self.assertEqual(resumed.code, DONE, resumed)
        self.assertRegex(resumed.out, r"found: +\d")
        self.assertEqual((run / "sessions.jsonl").read_bytes(), (whole / "sessions.jsonl").read_bytes())

    def test_train_saves_a_checkpoint_and_goes_on(self):
        config = write("train.json", dict(material.QUICK_TRAINING, max_steps=2000, logging_steps=1))
        run = SCRATCH / "run"
        command = ["train", "--config", config, "--model", material.model(), "--data", material.data(), "--output", run]
        process = start(*command)
        wait_until(lambda: process.poll() is not None or lines(run / "metrics.jsonl") > 2, "three steps")
        process.send_signal(signal.SIGINT)
        self.assert_interrupted(ended(process), "behind step", "of 2000", "a checkpoint is saved", "same command")
        (checkpoint,) = run.glob("checkpoint-*")
        step = int(checkpoint.name.split("-")[1])
        self.assertEqual(lines(run / "metrics.jsonl"), step)
        self.assertFalse((run / "adapter").exists())

        process = start(*command)
        wait_until(lambda: process.poll() is not None or lines(run / "metrics.jsonl") > step + 2, "three more steps")
        process.send_signal(signal.SIGTERM)
        again = ended(process)
        self.assert_interrupted(again)
        self.assertIn(f"going on from {checkpoint}", again.err)
        steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))

    def test_train_that_has_not_begun_leaves_nothing_half_done(self):
        config = write("train.json", dict(material.QUICK_TRAINING, max_steps=5))
        run = SCRATCH / "early"
        command = ["train", "--config", config, "--model", material.model(), "--data", material.data(), "--output", run]
        for _ in range(20):  # a test that sleeps too long finds a training that began
            shutil.rmtree(run, ignore_errors=True)
            process = start(*command)
            process.send_signal(signal.SIGINT)
            result = ended(process)
            if result.code != DONE and not list(run.glob("checkpoint-*")):
                break
        self.assert_interrupted(result)
        self.assertEqual(list(run.glob("checkpoint-*")), [])
        finished = sqpsych(*command)
        self.assertEqual(finished.code, DONE, finished)

    def test_complete_prints_what_it_has(self):
        """Too early a signal finds the model being loaded; the next try waits longer."""
        long = material.model(context=8192)
        for seconds in (0, 0.1, 0.3, 1, 3, 10, 30):
            process = start("complete", "--model", long, "--ids", "1,9", "--n", "8000", "--set", "temperature=0")
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            result = ended(process)
            self.assertEqual(result.code, INTERRUPTED, result)
            reply = json.loads(result.out or '{"ids": []}')
            if reply["ids"]:
                break
            self.assertTrue(result.out or "model: interrupted" in result.err, result)
        self.assertEqual(reply["stop_reason"], "interrupted")
        self.assertLess(len(reply["ids"]), 8000)

    def test_what_cannot_go_on_writes_nothing(self):
        sessions = write("many.jsonl", [{"messages": material.conversation(i)} for i in range(60000)])
        for command in (["dataset", sessions], ["export", "--model", material.model(), "--format", "gguf"]):
            with self.subTest(command[0]):
                folder = SCRATCH / f"interrupted_{command[0]}"
                for _ in range(20):  # a test that sleeps too long finds a finished export
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.mkdir()
                    process = start(*command, "--output", folder / "output.gguf")
                    process.send_signal(signal.SIGINT)
                    result = ended(process)
                    if result.code != DONE:
                        break
                self.assert_interrupted(result, "same command")
                self.assertEqual(contents(folder), {})


if __name__ == "__main__":
    unittest.main()
