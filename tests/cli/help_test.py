"""Help, wrong flags, wrong settings and wrong paths, for every command there is."""

import json
import re
import unittest

from command import DONE, ROOT, SCRATCH, SETTINGS, commands, sqpsych, write

COMMANDS = ["new-model", "profiles", "generate", "dataset", "inspect", "tokenize", "render", "logits",
            "complete", "train", "export", "verify", "chat", "report"]


class Help(unittest.TestCase):
    def test_lists_every_command_with_a_sentence(self):
        result = sqpsych("--help")
        self.assertEqual(result.code, DONE, result)
        self.assertEqual(sorted(commands()), sorted(COMMANDS))
        for name in COMMANDS:
            self.assertRegex(result.out, rf"(?m)^  {name} +\S.*\S")
        self.assertIn("not for patients", result.out)

    def test_every_command_shows_a_working_example(self):
        for name in COMMANDS:
            with self.subTest(name):
                result = sqpsych(name, "--help")
                self.assertEqual(result.code, DONE, result)
                self.assertIn("Example", result.out)
                self.assertRegex(result.out, rf"sqpsych {name}\b")

    def test_examples_name_flags_and_configs_that_exist(self):
        for name in COMMANDS:
            text = sqpsych(name, "--help").out
            options, _, example = text.partition("Example")
            with self.subTest(name):
                for flag in re.findall(r"(?<=\s)--[a-z][a-z-]*", example):
                    self.assertIn(flag, options)
                for config in re.findall(r"\bconfigs/[\w./-]+", example):
                    self.assertTrue((ROOT / config).exists(), config)

    def test_version(self):
        result = sqpsych("--version")
        self.assertEqual(result.code, DONE)
        self.assertRegex(result.out, r"^\d+\.\d+\.\d+")


class WrongArguments(unittest.TestCase):
    def assert_refused(self, result, *parts):
        """Exit code 2, the parts on stderr, and no more than a screen of text."""
        self.assertEqual(result.code, SETTINGS, result)
        for part in parts:
            self.assertIn(part, result.err + result.out)
        self.assertLess(len((result.err + result.out).splitlines()), 25, result)

    def test_no_command(self):
        self.assert_refused(sqpsych(), "subcommand")

    def test_unknown_command(self):
        self.assert_refused(sqpsych("generte"), "generte")

    def test_unknown_flag_of_every_command(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.assert_refused(sqpsych(name, "--no-such-flag"))

    def test_missing_arguments_of_every_command(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.assert_refused(sqpsych(name))


class WrongSettings(unittest.TestCase):
    """For every command that takes --config."""

    def with_config(self):
        names = [name for name in COMMANDS if "--config" in sqpsych(name, "--help").out]
        self.assertGreaterEqual(len(names), 5)
        return names

    def required(self, name):
        """Arguments that let the command get as far as its settings."""
        absent = SCRATCH / "absent"
        return {"profiles": [absent], "dataset": [absent, "--output", SCRATCH / "o"],
                "generate": [absent, "--output", SCRATCH / "o"],
                "train": ["--model", absent, "--data", absent, "--output", SCRATCH / "o"],
                "report": [absent, "--output", SCRATCH / "o"],
                "inspect": [absent, "--model", absent], "complete": ["--model", absent, "--text", "x"],
                "chat": ["--model", absent], "new-model": ["--text", absent, "--output", SCRATCH / "o"],
                "export": ["--model", absent, "--format", "gguf", "--output", SCRATCH / "o"],
                "logits": ["--model", absent, "--ids", "1", "--output", SCRATCH / "o"],
                "render": ["--model", absent, absent], "tokenize": ["--model", absent, "--text", "x"]}[name]

    def test_unknown_key(self):
        config = write("unknown_key.json", {"no_such_key": 1})
        for name in self.with_config():
            with self.subTest(name):
                result = sqpsych(name, *self.required(name), "--config", config)
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn("no_such_key", result.err)

    def test_near_key_is_named(self):
        config = write("near_key.json", {"learning_rat": 1})
        result = sqpsych("train", *self.required("train"), "--config", config)
        self.assertEqual(result.code, SETTINGS, result)
        self.assertIn("learning_rate", result.err)

    def test_all_problems_together(self):
        config = write("many.json", {"learning_rat": 1, "lora_r": 0, "seed": "x"})
        result = sqpsych("train", *self.required("train"), "--config", config)
        self.assertEqual(result.code, SETTINGS, result)
        for key in ("learning_rat", "lora_r", "seed"):
            self.assertIn(key, result.err)

    def test_config_that_is_not_there(self):
        for name in self.with_config():
            with self.subTest(name):
                result = sqpsych(name, *self.required(name), "--config", SCRATCH / "absent.json")
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn("absent.json", result.err)

    def test_config_that_is_not_json(self):
        config = write("broken.json", '{"seed": 1,,}')
        for name in self.with_config():
            with self.subTest(name):
                result = sqpsych(name, *self.required(name), "--config", config)
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn("broken.json", result.err)

    def test_print_config_reads_back(self):
        shipped = {"profiles": ROOT / "configs/profiles/example.json", "generate": ROOT / "configs/generate/demo.json"}
        for name in self.with_config():
            with self.subTest(name):
                config = shipped.get(name, write("empty.json", {}))
                printed = sqpsych(name, *self.required(name), "--config", config, "--print-config")
                self.assertEqual(printed.code, DONE, printed)
                again = write(f"{name}.json", json.loads(printed.out))
                echoed = sqpsych(name, *self.required(name), "--config", again, "--print-config")
                self.assertEqual(echoed.out, printed.out, echoed)


class WrongPaths(unittest.TestCase):
    def test_the_path_is_named(self):
        absent = SCRATCH / "no" / "such" / "place"
        for arguments in (["verify", absent], ["tokenize", "--model", absent, "--text", "x"],
                          ["complete", "--model", absent, "--text", "x"],
                          ["export", "--model", absent, "--format", "gguf", "--output", SCRATCH / "o.gguf"],
                          ["dataset", absent, "--config", ROOT / "configs/dataset/auto.json", "--output", SCRATCH / "d"],
                          ["new-model", "--text", absent, "--output", SCRATCH / "m"],
                          ["report", absent, "--output", SCRATCH / "o.html"]):
            with self.subTest(arguments[0]):
                result = sqpsych(*arguments)
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn(str(absent), result.err)
                self.assertEqual(len(result.err.strip().splitlines()), 1, result)


if __name__ == "__main__":
    unittest.main()
