"""Outputs: never replaced unasked, whole or not at all, and a full disk is one sentence."""

import json
import os
import shutil
import unittest

import material
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, config, contents, shell, sqpsych, write


def writers():
    """Every command that writes a file or folder, without its output; the flag that takes the output."""
    export = ["export", "--model", material.model()]
    return {
        "new-model": (["new-model", "--text", material.text(), *material.sets(*material.SMALL)], "--output"),
        "profiles": (["profiles", ROOT / "configs/examples/answers.csv", *config("profiles", "example")], "--output"),
        "dataset": (["dataset", material.sessions() / "sessions.jsonl", *config("dataset", "sessions")], "--output"),
        "inspect": (["inspect", material.data(), "--model", material.model()], "--html"),
        "logits": (["logits", "--model", material.model(), "--ids", ",".join(["7"] * 60)], "--output"),
        "gguf": ([*export, "--format", "gguf"], "--output"),
        "gguf-adapter": ([*export, "--adapter", material.adapter(), "--format", "gguf-adapter"], "--output"),
        "huggingface": ([*export, "--format", "huggingface"], "--output"),
        "report": (["report", material.profiles(), material.sessions()], "--output"),
    }


def quoted(arguments):
    return " ".join("'" + str(argument) + "'" for argument in arguments)


def limited(kibibytes, arguments):
    """Runs a command that cannot write any file larger than this: a full disk as the command sees it."""
    return shell(f"ulimit -f {kibibytes}\nexec sqpsych {quoted(arguments)}", cwd=SCRATCH)


class Existing(unittest.TestCase):
    def test_is_refused_and_left_alone(self):
        for name, (command, flag) in writers().items():
            with self.subTest(name):
                folder = SCRATCH / "existing"
                folder.mkdir(exist_ok=True)
                taken = folder / "taken"
                taken.write_text("mine")
                result = sqpsych(*command, flag, taken)
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn(f"'{taken}' exists", result.err)
                self.assertIn("--overwrite", result.err)
                self.assertEqual([path.name for path in folder.iterdir()], ["taken"])
                self.assertEqual(taken.read_text(), "mine")

    def test_is_replaced_when_asked(self):
        for name, (command, flag) in writers().items():
            with self.subTest(name):
                output = SCRATCH / "replaced" / name
                first = sqpsych(*command, flag, output)
                self.assertEqual(first.code, DONE, first)
                again = sqpsych(*command, flag, output, "--overwrite")
                self.assertEqual(again.code, DONE, again)
                self.assertEqual([path.name for path in output.parent.iterdir() if path.name.startswith(".")], [])

    def test_a_folder_of_others_is_never_replaced(self):
        for name in ("profiles", "dataset", "new-model", "huggingface"):
            with self.subTest(name):
                command, flag = writers()[name]
                theirs = SCRATCH / "theirs"
                write("theirs/letter.txt", "dear")
                result = sqpsych(*command, flag, theirs, "--overwrite")
                self.assertEqual(result.code, SETTINGS, result)
                self.assertIn("manifest.json", result.err)
                self.assertEqual((theirs / "letter.txt").read_text(), "dear")

    def test_an_input_is_never_replaced(self):
        run = material.adapter().parent
        rows, model = material.data() / "train.jsonl", material.model()
        answers = material.profiles() / "answers.csv"
        shutil.copy(ROOT / "configs/examples/answers.csv", answers)
        shutil.copy(material.text(), model / "text.jsonl")
        for command in (["export", "--model", model, "--format", "huggingface", "--output", model, "--overwrite"],
                        ["export", "--model", model, "--adapter", material.adapter(), "--format", "huggingface",
                         "--output", run, "--overwrite"],
                        ["new-model", "--text", model / "text.jsonl", "--output", model, "--overwrite"],
                        ["profiles", answers, *config("profiles", "example"), "--output", answers.parent, "--overwrite"],
                        ["dataset", rows, "--output", rows, "--overwrite"],
                        ["inspect", rows, "--model", model, "--html", rows, "--overwrite"],
                        ["report", material.gguf(), "--output", material.gguf(), "--overwrite"],
                        ["train", *config("train", "debug"), "--model", run / "adapter", "--data", material.data(),
                         "--output", run, "--restart"]):
            with self.subTest(command[0]):
                before = contents(SCRATCH / "material")
                for last in ([], ["--check"]):
                    result = sqpsych(*command, *last)
                    self.assertEqual(result.code, SETTINGS, result)
                    self.assertIn("holds the input", result.err)
                self.assertEqual(contents(SCRATCH / "material"), before)

    def test_folders_may_be_named_with_a_slash(self):
        for name in ("profiles", "dataset", "new-model", "huggingface"):
            with self.subTest(name):
                command, flag = writers()[name]
                result = sqpsych(*command, flag, f"{SCRATCH}/slash/{name}/")
                self.assertEqual(result.code, DONE, result)
                self.assertTrue((SCRATCH / "slash" / name / "manifest.json").exists())

    def test_what_holds_client_text_is_its_owners(self):
        folder = SCRATCH / "private"
        config_file = write("private.json", dict(material.QUICK_TRAINING))
        commands = {"generate": ["generate", material.profiles(), *config("generate", "demo"), "--limit", "2", "--output"],
                    "train": ["train", "--config", config_file, "--model", material.model(), "--data", material.data(), "--output"],
                    **{name: [*writers()[name][0], writers()[name][1]] for name in ("profiles", "dataset", "inspect")}}
        before = os.umask(0o022)
        try:
            for name, command in commands.items():
                with self.subTest(name):
                    result = sqpsych(*command, folder / name)
                    self.assertEqual(result.code, DONE, result)
                    for path in [folder / name, *(folder / name).rglob("*")]:
                        self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        finally:
            os.umask(before)

    def test_a_device_is_no_output(self):
        for name, (command, flag) in writers().items():
            with self.subTest(name):
                for more in ([], ["--overwrite"]):
                    result = sqpsych(*command, flag, "/dev/full", *more)
                    self.assertEqual(result.code, SETTINGS, result)
                    self.assertIn("/dev/full", result.err)

    def test_an_impossible_place_is_no_bug(self):
        file = write("a_file", "x")
        for name, (command, flag) in writers().items():
            for place in (file / "below", SCRATCH / ("long" * 100), "/proc/nothing/here"):
                with self.subTest(name, place=place):
                    result = sqpsych(*command, flag, place)
                    self.assertIn(result.code, (FAILED, SETTINGS), result)
                    self.assertEqual(len(result.sentences()), 1, result)


class FullDisk(unittest.TestCase):
    def assert_failed(self, result):
        self.assertEqual(result.code, FAILED, result)
        sentences = result.sentences()
        self.assertEqual(len(sentences), 1, result)
        self.assertIn("File too large", sentences[0])

    def test_nothing_half_written_stays(self):
        for name, (command, flag) in writers().items():
            with self.subTest(name):
                folder = SCRATCH / "full" / name
                folder.mkdir(parents=True)
                self.assert_failed(limited(1, [*command, flag, folder / "out"]))
                self.assertEqual(contents(folder), {})

    def test_an_old_output_stays_as_it_was(self):
        for name, (command, flag) in writers().items():
            with self.subTest(name):
                folder = SCRATCH / "old" / name
                folder.mkdir(parents=True)
                made = sqpsych(*command, flag, folder / "out")
                self.assertEqual(made.code, DONE, made)
                before = contents(folder)
                self.assert_failed(limited(1, [*command, flag, folder / "out", "--overwrite"]))
                self.assertEqual(contents(folder), before)

    def test_generate_keeps_what_is_finished_and_goes_on(self):
        def generate(run):
            return ["generate", material.profiles(), *config("generate", "demo"), "--limit", "12", "--output", run]

        run = SCRATCH / "full_run"
        largest = max(len(line) for line in (material.sessions() / "sessions.jsonl").read_bytes().splitlines())
        self.assert_failed(limited(2 * largest // 1024 + 1, generate(run)))
        self.assertFalse((run / "sessions.jsonl").exists())
        again = sqpsych(*generate(run))
        self.assertEqual(again.code, DONE, again)
        self.assertEqual((run / "sessions.jsonl").read_bytes(), (material.sessions() / "sessions.jsonl").read_bytes())

    def test_train_leaves_no_half_checkpoint_and_goes_on(self):
        settings = write("full_train.json", dict(material.QUICK_TRAINING, max_steps=3, lora_r=16, save_strategy="steps",
                                                 save_steps=1))
        run = SCRATCH / "full_training"
        command = ["train", "--config", settings, "--model", material.model(), "--data", material.data(), "--output", run]
        self.assert_failed(limited(8, command))
        self.assertEqual([path for path in run.rglob("*") if "checkpoint" in path.name or ".tmp-" in path.name], [])
        again = sqpsych(*command)
        self.assertEqual(again.code, DONE, again)
        self.assertTrue((run / "adapter" / "adapter_model.safetensors").exists())

    def test_results_that_cannot_be_printed(self):
        result = shell(f"sqpsych tokenize --model '{material.model()}' --text hello > /dev/full || exit $?", cwd=SCRATCH)
        self.assertEqual(result.code, FAILED, result)
        self.assertRegex(result.err, r"^sqpsych: stdout: .*\n$")

    def test_a_reader_that_has_seen_enough(self):
        result = shell(f"sqpsych render '{material.text()}' --model '{material.model()}' | head -n 1", cwd=SCRATCH)
        self.assertEqual((result.code, result.err), (DONE, ""), result)
        self.assertEqual(len(result.out.splitlines()), 1)


class RoomOnTheDisk(unittest.TestCase):
    def test_is_asked_for_before_anything_is_written(self):
        """A sparse file of weights, far larger than any disk."""
        folder = SCRATCH / "huge"
        width, rows = 1 << 20, 1 << 20
        shapes = {"model.embed_tokens.weight": [rows, width], "model.norm.weight": [width]}
        layer = {"input_layernorm": [width], "post_attention_layernorm": [width], "self_attn.q_proj": [width, width],
                 "self_attn.k_proj": [width, width], "self_attn.v_proj": [width, width],
                 "self_attn.o_proj": [width, width], "mlp.gate_proj": [8, width], "mlp.up_proj": [8, width],
                 "mlp.down_proj": [width, 8]}
        shapes.update({f"model.layers.0.{name}.weight": shape for name, shape in layer.items()})
        header, position = {}, 0
        for name, shape in shapes.items():
            size = 2
            for extent in shape:
                size *= extent
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [position, position + size]}
            position += size
        text = json.dumps(header).encode()
        tokenizer = (material.model() / "tokenizer.model").read_bytes()
        small = json.loads((material.model() / "config.json").read_text())
        write("huge/config.json", dict(small, vocab_size=rows, hidden_size=width, intermediate_size=8,
                                       num_attention_heads=64, num_key_value_heads=64, head_dim=width // 64,
                                       num_hidden_layers=1, tie_word_embeddings=True))
        write("huge/tokenizer.model", tokenizer)
        weights = write("huge/model.safetensors", len(text).to_bytes(8, "little") + text)
        try:
            os.truncate(weights, 8 + len(text) + position)
        except OSError as error:
            self.skipTest(f"this file system has no sparse files of {position} bytes: {error}")
        for more in ([], ["--check"]):
            output = SCRATCH / "huge.gguf"
            result = sqpsych("export", "--model", folder, "--format", "gguf", "--type", "F16", "--output", output, *more)
            self.assertEqual(result.code, FAILED, result)
            self.assertRegex(result.err, r"sqpsych: export: '.*huge\.gguf': found \S+ \S+ of free disk space, expected 10\.0 TiB")
            self.assertFalse(output.exists())


if __name__ == "__main__":
    unittest.main()
