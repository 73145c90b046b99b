"""scripts/demo.sh from beginning to end: what it leaves, what it prints, run again, and with other inputs."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, contents, ended  # noqa: E402

OUT = SCRATCH / "demo"
ANSWERS = ROOT / "configs/examples/answers.csv"
MAPPING = ROOT / "configs/profiles/example.json"
RESULTS = """inputs.txt profiles/manifest.json profiles/profiles.jsonl
    sessions-base/sessions.jsonl sessions/sessions.jsonl
    dataset-base/train.jsonl dataset-base/validation.jsonl dataset-base/manifest.json
    dataset/train.jsonl dataset/validation.jsonl dataset/manifest.json
    new-model/manifest.json train-base/model/config.json train-base/metrics.jsonl
    train-lora/adapter/adapter_config.json train-lora/adapter/adapter_model.safetensors train-lora/metrics.jsonl
    model.gguf question.json reply.json report.html""".split()


def run(*command):
    # The model is too small for a second thread, and other tests run beside this one.
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, text=True, errors="replace",
                               env=dict(os.environ, OMP_NUM_THREADS="1"), start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        return ended(process, timeout=2400)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return ended(process)


def demo(*arguments):
    return run("scripts/demo.sh", *arguments)


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def eval_losses(training):
    return [record["eval_loss"] for record in records(training / "metrics.jsonl") if "eval_loss" in record]


def utterances(path):
    return [message["content"] for row in records(path) for message in row["messages"]
            if message["role"] in ("user", "assistant")]


def table(printed):
    """The rows below 'What came out', by name."""
    rows = printed.split("== What came out")[1].split("Where it lies")[0]
    return dict(re.findall(r"(?m)^  (\S.*?)  +(.*)$", rows))


def kept_results():
    """What a second run leaves as it is, with the hash of its bytes."""
    kept = ("profiles/", "sessions-base/sessions.jsonl", "sessions/sessions.jsonl", "dataset-base/", "dataset/",
            "new-model/", "train-base/model/", "train-lora/adapter/", "model.gguf", "inputs.txt")
    return {path: digest for path, digest in contents(OUT).items() if path.startswith(kept)}


def first_answers(name, people):
    path = SCRATCH / name
    path.write_text("".join(ANSWERS.read_text().splitlines(keepends=True)[:people + 1]))
    return path


def model_without_template():
    model = SCRATCH / "without-template"
    shutil.copytree(OUT / "new-model", model)
    (model / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((model / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    return model


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.first = demo("--output", OUT)
        assert cls.first.code == DONE, cls.first

    def test_every_step_has_its_result(self):
        for name in RESULTS:
            with self.subTest(name):
                self.assertGreater((OUT / name).stat().st_size, 0)

    def test_tuning_lowers_the_validation_loss(self):
        losses = eval_losses(OUT / "train-lora")
        self.assertLess(losses[-1], 0.9 * losses[0])

    def test_the_file_is_verified(self):
        self.assertIn(f"{OUT}/model.gguf: sound: ", self.first.out)

    def test_validation_is_not_train_repeated(self):
        for name in ("dataset", "dataset-base"):
            with self.subTest(name):
                known = set(utterances(OUT / name / "train.jsonl"))
                held_out = utterances(OUT / name / "validation.jsonl")
                self.assertGreater(len(held_out), 50)
                repeated = [text for text in held_out if text in known]
                self.assertLessEqual(len(repeated), 0.05 * len(held_out), repeated[:5])

    def test_the_table_tells_what_is_in_the_files(self):
        sessions = len(records(OUT / "sessions/sessions.jsonl")) + len(records(OUT / "sessions-base/sessions.jsonl"))
        rows = [len(records(OUT / f"dataset/{split}.jsonl")) for split in ("train", "validation")]
        losses = eval_losses(OUT / "train-lora")
        printed = table(self.first.out)
        self.assertEqual(printed["profiles"], str(len(records(OUT / "profiles/profiles.jsonl"))))
        self.assertEqual(printed["sessions"], str(sessions))
        self.assertEqual(printed["rows for LoRA, train + validation"], f"{rows[0]} + {rows[1]}")
        self.assertEqual(float(printed["validation loss, untrained"]), eval_losses(OUT / "train-base")[0])
        self.assertEqual(float(printed["validation loss, base model"]), losses[0])
        self.assertEqual(float(printed["validation loss, after LoRA"]), losses[-1])

    def test_the_printed_inspection_runs(self):
        self.assert_inspection_runs(self.first)

    def assert_inspection_runs(self, result):
        (command,) = re.findall(r"(?m)^  (build/ci/cli/sqpsych inspect .*)$", result.out)
        inspected = run("bash", "-c", command)
        self.assertEqual(inspected.code, DONE, f"{command}\n{inspected}")

    def test_a_second_run_keeps_everything(self):
        before = kept_results()
        again = demo("--output", OUT)
        self.assertEqual(again.code, DONE, again)
        for name in ("profiles/manifest.json", "dataset-base/manifest.json", "dataset/manifest.json", "model.gguf"):
            self.assertIn(f"there already: {OUT}/{name}\n", again.out)
        self.assertEqual(kept_results(), before)
        self.assertEqual(table(again.out), table(self.first.out))

    def test_tuning_that_does_not_help_is_a_failure(self):
        metrics = OUT / "train-lora/metrics.jsonl"
        before = metrics.read_text()
        for value in ("99.5", "null"):
            with self.subTest(value):
                metrics.write_text(before + f'{{"step": 1000, "eval_loss": {value}}}\n')
                result = demo("--output", OUT)
                metrics.write_text(before)
                self.assertEqual(result.code, FAILED, result)
                self.assertIn(f"demo: {OUT}/train-lora: found a validation loss of {value} after LoRA, expected less",
                              result.err)

    def assert_refused(self, output, expected, *arguments):
        before = contents(output)
        result = demo("--output", output, *arguments)
        self.assertEqual(result.code, SETTINGS, result)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.err.splitlines()), 1, result)
        self.assertIn(f"demo: '{output}': found {expected}, expected ", result.err)
        self.assertIn(f"--output {output}-2.", result.err)
        self.assertEqual(contents(output), before)

    def test_other_inputs_are_refused(self):
        answers = ("--answers", first_answers("other.csv", people=80))
        mapping = SCRATCH / "other.json"
        mapping.write_text(MAPPING.read_text() + "\n")
        self.assert_refused(OUT, "results of inputs that differ in answers", *answers)
        self.assert_refused(OUT, "results of inputs that differ in mapping", "--mapping", mapping)
        self.assert_refused(OUT, "results of inputs that differ in model", "--model", OUT / "train-base/model")
        self.assert_refused(OUT, "results of inputs that differ in answers and mapping", *answers, "--mapping", mapping)

    def test_results_of_unknown_inputs_are_refused(self):
        folder = SCRATCH / "unknown"
        (folder / "profiles").mkdir(parents=True)
        self.assert_refused(folder, "results but no inputs.txt")

    def test_missing_inputs_are_refused(self):
        for flag in ("--model", "--answers", "--mapping"):
            with self.subTest(flag):
                result = demo("--output", SCRATCH / "never", flag, SCRATCH / "nothing")
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn(f"demo: '{SCRATCH}/nothing': found no", result.err)
                self.assertFalse((SCRATCH / "never").exists())

    def test_a_model_without_template(self):
        result = demo("--model", model_without_template(), "--answers", first_answers("few.csv", people=12),
                      "--output", SCRATCH / "tuned")
        self.assertEqual(result.code, DONE, result)
        self.assertIn("--set chat_template=chatml\n", result.out.split("What to try next")[1])
        self.assert_inspection_runs(result)


if __name__ == "__main__":
    unittest.main()
