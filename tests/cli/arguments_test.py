"""Help, wrong flags, wrong settings and wrong paths, for every command there is."""

import functools
import json
import re
import shutil
import tempfile
import unittest

from command import DONE, ROOT, SCRATCH, SETTINGS, commands, shell, sqpsych, write
from terminal import Terminal

COMMANDS = ["new-model", "model", "profiles", "generate", "dataset", "inspect", "tokenize", "render", "logits",
            "complete", "train", "export", "verify", "chat", "report"]
# The examples build on each other in this order.
PIPELINE = ["profiles", "generate", "dataset", "new-model", "model", "inspect", "tokenize", "render", "logits", "complete",
            "train", "export", "verify", "chat", "report"]


@functools.cache
def help_of(name):
    return sqpsych(name, "--help").out


def example_of(name):
    return help_of(name).partition("Example:\n")[2]


class Help(unittest.TestCase):
    def test_lists_every_command_with_a_sentence(self):
        result = sqpsych("--help")
        self.assertEqual(result.code, DONE, result)
        self.assertEqual(sorted(commands()), sorted(COMMANDS))
        for name in COMMANDS:
            self.assertRegex(result.out, rf"(?m)^  {name} +\S.*\S")
        self.assertIn("not for patients", result.out)

    def test_every_command_shows_an_example_that_runs(self):
        self.assertEqual(sorted(PIPELINE), sorted(COMMANDS))
        folder = tempfile.mkdtemp(dir=SCRATCH)
        shutil.copytree(ROOT / "configs", f"{folder}/configs")
        for name in PIPELINE:
            with self.subTest(name):
                example = example_of(name)
                self.assertRegex(example, rf"^  sqpsych {name} ")
                result = shell(example, cwd=folder)
                self.assertEqual(result.code, DONE, f"{example}\n{result}")

    def test_fits_into_80_columns_and_breaks_between_words(self):
        for text in (sqpsych("--help").out, *map(help_of, COMMANDS)):
            for line in text.splitlines():
                self.assertLessEqual(len(line), 80, line)
            self.assertNotRegex(text, r"[ \t]\n")

    def test_short_and_long_form_agree(self):
        for name in COMMANDS:
            self.assertEqual(sqpsych(name, "-h").out, help_of(name))

    def test_version(self):
        result = sqpsych("--version")
        self.assertEqual(result.code, DONE)
        self.assertRegex(result.out, r"^\d+\.\d+\.\d+")


class WrongArguments(unittest.TestCase):
    def assert_refused(self, result, *parts):
        """Exit status 2, nothing on stdout, and one sentence with the parts on stderr."""
        self.assertEqual((result.code, result.out), (SETTINGS, ""), result)
        for part in parts:
            self.assertIn(part, result.err)
        self.assertEqual(len(result.err.splitlines()), 1, result)
        self.assertTrue(result.err.startswith("sqpsych: "), result)

    def test_no_command(self):
        self.assert_refused(sqpsych(), "command: found none", "'generate'", "sqpsych --help")

    def test_unknown_command(self):
        self.assert_refused(sqpsych("generte"), "command: found 'generte'", "Did you mean 'generate'?")

    def test_unknown_flag_of_every_command(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.assert_refused(sqpsych(name, "--no-such-flag"), f"{name}: found '--no-such-flag'",
                                    f"sqpsych {name} --help")

    def test_a_misspelt_flag_is_named_before_the_missing_one(self):
        tested = 0
        for name in COMMANDS:
            required = re.findall(r"--([a-z-]{5,}) TEXT (?:\.\.\. )?REQUIRED", help_of(name))
            for flag in required:
                tested += 1
                wrong = "--" + flag[:2] + flag[3:]
                with self.subTest(name, flag=wrong):
                    self.assert_refused(sqpsych(name, f"{wrong}=x"), f"found '{wrong}'", f"Did you mean '--{flag}'?")
        self.assertGreater(tested, 10)

    def test_missing_arguments_of_every_command(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.assert_refused(sqpsych(name), f"sqpsych: {name}: ", "found no")

    def test_flag_without_its_value(self):
        for name in COMMANDS:
            if name in ("verify",):
                continue
            flag = next(flag for flag in ("--model", "--output", "--adapter") if f"{flag} " in help_of(name))
            with self.subTest(name, flag=flag):
                self.assert_refused(sqpsych(name, flag), f"{name}: {flag}: found nothing, expected a value")

    def test_values_that_are_no_numbers(self):
        for arguments, part in ((["complete", "--model", "m", "--text", "t", "--n", "abc"], "--n: found 'abc'"),
                                (["complete", "--model", "m", "--text", "t", "--n", "0"], "--n: found 0, expected at least 1"),
                                (["complete", "--model", "m", "--text", "t", "--n", "-3"], "--n: found -3"),
                                (["complete", "--model", "m", "--text", "t", "--n", "99999999999999999999"], "--n: found"),
                                (["generate", "p", "--config", "c", "--limit", "0"], "--limit: found 0, expected at least 1"),
                                (["inspect", "r", "--model", "m", "--limit", "-1"], "--limit: found -1, expected at least 0")):
            with self.subTest(part):
                self.assert_refused(sqpsych(*arguments), part)

    def test_two_prompts_are_one_too_many(self):
        self.assert_refused(sqpsych("complete", "--model", "m", "--text", "a", "--ids", "1"), "--text", "--ids")
        self.assert_refused(sqpsych("complete", "--model", "m"), "--text", "--ids")

    def test_inputs_may_be_called_like_commands(self):
        result = sqpsych("report", "profiles", "dataset", "train", "--output", SCRATCH / "r.html")
        self.assert_refused(result, "profiles")
        self.assertNotIn("expected no further argument", result.err)

    def test_a_message_on_a_terminal_breaks_between_words(self):
        for columns in (80, 50):
            terminal = Terminal("export", "--model", SCRATCH / "no model here", "--format", "gguf", "--output", "x",
                                columns=columns)
            status, screen = terminal.ended()
            self.assertEqual(status, SETTINGS)
            lines = screen.splitlines()
            self.assertGreater(len(lines), 1)
            for line in lines:
                self.assertTrue(len(line) <= columns or " " not in line.strip(), line)
            whole = sqpsych("export", "--model", SCRATCH / "no model here", "--format", "gguf", "--output", "x")
            self.assertEqual(screen.split(), whole.err.split())
            self.assertEqual(len(whole.err.splitlines()), 1)


class WrongSettings(unittest.TestCase):
    """For every command that takes --config."""

    def with_config(self):
        names = [name for name in COMMANDS if "--config" in help_of(name)]
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
                "model": [absent], "render": ["--model", absent, absent], "tokenize": ["--model", absent, "--text", "x"]}[name]

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

    def test_a_model_without_heads(self):
        result = sqpsych("new-model", "--text", ROOT / "README.md", "--output", SCRATCH / "o",
                         "--set", "num_attention_heads=0")
        self.assertEqual(result.code, SETTINGS, result)
        self.assertIn("num_attention_heads", result.err)

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


    def test_wrong_values_name_key_value_and_choices(self):
        for name, setting, parts in (("train", "lora_r=0", ["lora_r: found 0, expected at least 1"]),
                                     ("train", "method=qlora", ["method: found 'qlora'", "'lora'", "'full'"]),
                                     ("train", "packing=yes", ["packing: found \"yes\", expected true or false"]),
                                     ("train", "learning_rate=fast", ["learning_rate: found \"fast\", expected a number"]),
                                     ("export", "device=tpu", ["device: found 'tpu', expected auto, cpu or cuda:N"]),
                                     ("complete", "temperature=-1", ["temperature: found -1, expected at least 0"]),
                                     ("train", "lora_r", ["--set: found 'lora_r', expected a.b=value"])):
            with self.subTest(setting):
                config = ["--config", write("empty.json", {})] if name == "train" else []
                result = sqpsych(name, *self.required(name), *config, "--set", setting)
                self.assertEqual(result.code, SETTINGS, result)
                for part in parts:
                    self.assertIn(part, result.err)

    def test_settings_are_listed_without_any_other_argument(self):
        for name in self.with_config():
            with self.subTest(name):
                result = sqpsych(name, "--settings")
                self.assertEqual((result.code, result.err), (DONE, ""), result)
                self.assertRegex(result.out, r"(?m)^[a-z][\w.]* = \S")
                for line in result.out.splitlines():
                    self.assertLessEqual(len(line), 80, line)

    def test_every_printed_key_is_a_listed_setting(self):
        for name in self.with_config():
            if name in ("profiles", "generate"):
                continue  # most of their keys are names of the user's
            printed = sqpsych(name, *self.required(name), "--print-config", "--config", write("empty.json", {}))
            listed = re.findall(r"(?m)^(\S+) = ", sqpsych(name, "--settings").out)
            for key, value in json.loads(printed.out).items():
                with self.subTest(name, key=key):
                    known = [path for path in listed if path == key or path.startswith(f"{key}.")]
                    self.assertTrue(known, f"{key} = {value}")


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
