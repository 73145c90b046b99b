"""--check: everything is validated, nothing is written, no model is asked."""

import json
import shutil
import unittest

import hostile_files as hostile
import material
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, commands, config, contents, sqpsych, write


def invocations():
    """Every command that has --check, with arguments that would make it work."""
    new = SCRATCH / "new"
    return {
        "new-model": ["--text", material.text(), "--output", new],
        "model": [material.model()],
        "profiles": [ROOT / "configs/examples/answers.csv", *config("profiles", "example"), "--output", new],
        "generate": [material.profiles(), *config("generate", "demo"), "--output", new],
        "dataset": [material.sessions() / "sessions.jsonl", *config("dataset", "sessions"), "--output", new],
        "inspect": [material.data(), "--model", material.model(), "--html", new],
        "tokenize": ["--model", material.model(), "--text", "I sleep badly."],
        "render": [material.data() / "train.jsonl", "--model", material.model()],
        "logits": ["--model", material.model(), "--ids", "1,2", "--output", new],
        "complete": ["--model", material.gguf(), "--adapter", material.adapter(), "--text", "I sleep"],
        "train": [*config("train", "debug"), "--model", material.model(), "--data", material.data(), "--output", new],
        "export": ["--model", material.model(), "--adapter", material.adapter(), "--format", "gguf", "--output", new],
        "report": [material.profiles(), material.sessions(), "--output", new],
        "chat": ["--model", material.model()],
    }


class Check(unittest.TestCase):
    def test_knows_every_command_that_has_it(self):
        with_check = [name for name in commands() if "--check" in sqpsych(name, "--help").out]
        self.assertEqual(sorted(with_check), sorted(invocations()))

    def test_says_what_would_happen_and_writes_nothing(self):
        invocations()
        before = contents(SCRATCH)
        for name, arguments in invocations().items():
            with self.subTest(name):
                result = sqpsych(name, *arguments, "--check")
                self.assertEqual(result.code, DONE, result)
                self.assertRegex(result.out, r"\S+ +\S+")
                self.assertEqual(contents(SCRATCH), before)

    def test_wrong_settings_are_found(self):
        for name, arguments in invocations().items():
            with self.subTest(name):
                result = sqpsych(name, *arguments, "--check", "--set", "no_such_key=1")
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn("no_such_key", result.err)

    def test_an_output_that_exists_is_found(self):
        taken = write("taken", "mine")
        for name, arguments in invocations().items():
            if SCRATCH / "new" not in arguments:
                continue
            with self.subTest(name):
                arguments = [taken if argument == SCRATCH / "new" else argument for argument in arguments]
                result = sqpsych(name, *arguments, "--check")
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn(str(taken), result.err)
        self.assertEqual(taken.read_text(), "mine")


class GenerateWithAModel(unittest.TestCase):
    """The model of an embedded backend is looked at without its weights."""

    def check(self, model, *settings):
        shipped = ROOT / "configs/generate/sqpsych_embedded.json"
        printed = sqpsych("generate", "--config", shipped, "--print-config")
        self.assertEqual(printed.code, DONE, printed)
        backends = json.loads(printed.out)["backends"]
        block = [f"backends.{name}.{setting}" for name in backends for setting in (f"model={model}", *settings)]
        return sqpsych("generate", material.profiles(), "--config", shipped, "--output", SCRATCH / "run", "--check",
                       *material.sets(*block))

    def test_good_models_pass(self):
        for model in (material.model(), material.gguf()):
            result = self.check(model)
            self.assertEqual(result.code, DONE, result)
            self.assertIn("sessions:", result.out)
        self.assertEqual(self.check(material.model(), f"adapter={material.adapter()}").code, DONE)

    def test_faults_are_named(self):
        """(name, fault of the folder, exit status, part of the sentence)"""
        table = [
            ("not there", shutil.rmtree, SETTINGS, "expected"),
            ("no config", lambda f: (f / "config.json").unlink(), FAILED, "config.json"),
            ("unknown architecture", lambda f: hostile.change_json(
                f / "config.json", model_type="mamba9", architectures=["MambaNineForCausalLM"]), FAILED, "mamba9"),
            ("no weights", lambda f: (f / "model.safetensors").unlink(), FAILED, "safetensors"),
            ("cut weights", lambda f: hostile.cut(f / "model.safetensors", -100), FAILED, "model.safetensors"),
            ("other shapes", lambda f: hostile.change_json(f / "config.json", intermediate_size=48), FAILED, "shape"),
            ("no tokenizer", lambda f: [path.unlink() for path in f.glob("tokenizer.*")], SETTINGS, "tokenizer"),
            ("no chat template", lambda f: hostile.change_json(
                f / "tokenizer_config.json", sqpsych_chat_template=None, chat_template=None), SETTINGS, "chatml"),
        ]
        for name, spoil, code, part in table:
            with self.subTest(name):
                folder = hostile.copy_of(material.model(), "embedded")
                spoil(folder)
                result = self.check(folder)
                self.assertEqual(result.code, code, result)
                self.assertIn(part, result.err)
                self.assertFalse((SCRATCH / "run").exists())

    def test_an_absent_adapter_is_named(self):
        result = self.check(material.model(), f"adapter={SCRATCH / 'absent'}")
        self.assertIn(result.code, (FAILED, SETTINGS), result)
        self.assertIn("absent", result.err)


if __name__ == "__main__":
    unittest.main()
