"""Bad files and data, end to end: one clear sentence and the right exit status for each row."""

import shutil
import unittest

import hostile_files as hostile
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, sqpsych, write

WORDS = "sleep work family tired morning evening friend worry hope week talk feel better slowly again".split()


def conversation(number):
    """A short invented exchange; every one is a little different."""
    pick = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 2, 3, 5)]
    return [{"role": "user", "content": f"I think about {pick[0]} and {pick[1]} number {number}."},
            {"role": "assistant", "content": f"You say {pick[2]}. What does {pick[3]} mean to you?"}]


def rows(count):
    return [{"id": f"r{i}", "client_id": f"c{i}", "messages": conversation(i), "meta": {}} for i in range(count)]


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = write("text.jsonl", rows(60))
        cls.base = SCRATCH / "base"
        small = ["hidden_size=32", "num_hidden_layers=1", "intermediate_size=64", "vocabulary_size=300",
                 "max_position_embeddings=256"]
        made = sqpsych("new-model", "--text", cls.text, "--output", cls.base,
                       *(part for setting in small for part in ("--set", setting)))
        assert made.code == DONE, made
        cls.gguf = SCRATCH / "base.gguf"
        made = sqpsych("export", "--model", cls.base, "--format", "gguf", "--type", "F32", "--output", cls.gguf)
        assert made.code == DONE, made
        assert sqpsych("verify", cls.gguf).code == DONE

    def assert_refused(self, result, code, *parts):
        self.assertEqual(result.code, code, result)
        said = result.err.splitlines()
        sentences = [line for line in said if line.startswith("sqpsych: ")]
        self.assertEqual(len(sentences), 1, result)
        complaint = result.err[result.err.index("sqpsych: "):]
        for part in parts:
            self.assertIn(part.lower(), complaint.lower(), result)
        self.assertLessEqual(len(complaint.splitlines()), 12, result)
        self.assertNotIn("bug in sqpsych", result.err)

    def test_weights(self):
        """(name, fault of model.safetensors, parts of the sentence)"""
        weights = "model.safetensors"
        table = [
            ("truncated", lambda p: hostile.cut(p, -100), [weights]),
            ("empty", lambda p: hostile.cut(p, 0), [weights]),
            ("seven bytes", lambda p: hostile.cut(p, 7), [weights]),
            ("huge header", hostile.huge_header, [weights, "header"]),
            ("overlapping offsets", hostile.overlapping, [weights]),
            ("offsets outside", hostile.outside, [weights]),
            ("reversed offsets", hostile.reversed_offsets, [weights]),
            ("unknown dtype", lambda p: hostile.dtype(p, "Q7"), [weights, "Q7"]),
            ("wrong dtype", lambda p: hostile.dtype(p, "F64"), [weights]),
            ("integer dtype", lambda p: hostile.dtype(p, "I32"), []),
            ("duplicate key", hostile.duplicate_key, [weights]),
            ("bad UTF-8", hostile.bad_utf8, [weights]),
            ("header is no JSON", lambda p: hostile.write_safetensors(p, b"{not json", b""), [weights]),
            ("missing tensor", hostile.without_tensor, ["model."]),
            ("wrong shape", hostile.reshaped, ["shape"]),
            ("not a number", hostile.not_finite, ["finite"]),
            ("no file", lambda p: p.unlink(), ["safetensors"]),
        ]
        for name, spoil, parts in table:
            with self.subTest(name):
                folder = hostile.copy_of(self.base, "weights")
                spoil(folder / "model.safetensors")
                result = sqpsych("logits", "--model", folder, "--ids", "1,2", "--output", SCRATCH / "x.safetensors")
                self.assert_refused(result, FAILED, *parts)
                self.assertFalse((SCRATCH / "x.safetensors").exists())

    def test_model_folders(self):
        """(name, fault of the folder, parts of the sentence)"""
        table = [
            ("unknown architecture", lambda f: hostile.change_json(
                f / "config.json", model_type="mamba9", architectures=["MambaNineForCausalLM"]), ["mamba9", "llama"]),
            ("no config", lambda f: (f / "config.json").unlink(), ["config.json"]),
            ("config is no JSON", lambda f: (f / "config.json").write_text('{"a": 1'), ["config.json"]),
            ("config without a size", lambda f: hostile.change_json(f / "config.json", hidden_size=None), ["hidden_size"]),
            ("size is a text", lambda f: hostile.change_json(f / "config.json", hidden_size="big"), ["hidden_size"]),
            ("size is negative", lambda f: hostile.change_json(f / "config.json", num_attention_heads=-4),
             ["num_attention_heads"]),
            ("size is zero", lambda f: hostile.change_json(f / "config.json", num_attention_heads=0), ["num_attention_heads"]),
            ("another size", lambda f: hostile.change_json(f / "config.json", hidden_size=48), ["shape"]),
        ]
        for name, spoil, parts in table:
            with self.subTest(name):
                folder = hostile.copy_of(self.base, "folder")
                spoil(folder)
                result = sqpsych("logits", "--model", folder, "--ids", "1,2", "--output", SCRATCH / "x.safetensors")
                self.assert_refused(result, FAILED, *parts)

    def test_tokenizers(self):
        def remove(folder):
            for name in ("tokenizer.model", "tokenizer.json"):
                (folder / name).unlink(missing_ok=True)

        table = [
            ("absent", remove, ["tokenizer"]),
            ("empty", lambda f: (remove(f), (f / "tokenizer.json").write_text(""))[0], ["tokenizer.json"]),
            ("of no known kind", lambda f: (remove(f), (f / "tokenizer.json").write_text(
                '{"model": {"type": "Unheard"}}'))[0], ["tokenizer.json"]),
            ("truncated", lambda f: ((f / "tokenizer.json").unlink(missing_ok=True),
                                     hostile.cut(f / "tokenizer.model", 200))[0], ["tokenizer.model"]),
        ]
        for name, spoil, parts in table:
            with self.subTest(name):
                folder = hostile.copy_of(self.base, "tokenizer")
                spoil(folder)
                self.assert_refused(sqpsych("tokenize", "--model", folder, "--text", "hello"), FAILED, *parts)
                result = sqpsych("complete", "--model", folder, "--text", "hello", "--n", "1")
                self.assert_refused(result, SETTINGS if name == "absent" else FAILED, "tokenizer")

    def test_token_ids(self):
        for ids, part in (("1,999999", "999999"), ("1,-2", "-2"), ("1,x", "x")):
            with self.subTest(ids):
                result = sqpsych("logits", "--model", self.base, f"--ids={ids}", "--output", SCRATCH / "x.safetensors")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, part)

    def test_gguf_files(self):
        """(name, fault): verify names it, and our engine does not run it."""
        table = [
            ("truncated", lambda p: hostile.cut(p, -64)),
            ("cut in the keys", lambda p: hostile.cut(p, 100)),
            ("empty", lambda p: hostile.cut(p, 0)),
            ("wrong magic", lambda p: hostile.patch(p, 0, b"GGML")),
            ("unknown version", lambda p: hostile.patch(p, 4, b"\x63\x00\x00\x00")),
            ("too many tensors", lambda p: hostile.patch(p, 8, b"\xff" * 7)),
            ("too many keys", lambda p: hostile.patch(p, 16, b"\xff" * 7)),
            ("endless key", lambda p: hostile.patch(p, 24, b"\xff" * 7)),
        ]
        for name, spoil in table:
            with self.subTest(name):
                file = hostile.copy_of(self.gguf, "bad.gguf")
                spoil(file)
                verified = sqpsych("verify", file)
                self.assertEqual(verified.code, FAILED, verified)
                self.assertIn("bad.gguf", verified.out + verified.err)
                self.assert_refused(sqpsych("complete", "--model", file, "--text", "hi", "--n", "1"), FAILED, "bad.gguf")

    def train(self, data, *sets):
        run = SCRATCH / "run"
        shutil.rmtree(run, ignore_errors=True)
        config = write("train.json", {"method": "lora", "lora_r": 2, "max_steps": 1, "per_device_train_batch_size": 1,
                                      "gradient_accumulation_steps": 1, "eval_strategy": "no", "seed": 1})
        return sqpsych("train", "--config", config, "--model", self.base, "--data", data, "--output", run,
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
        ]
        for name, content, parts in table:
            with self.subTest(name):
                answers = write("answers.csv", content)
                shutil.rmtree(SCRATCH / "profiles", ignore_errors=True)
                result = sqpsych("profiles", answers, "--config", mapping, "--output", SCRATCH / "profiles")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, *parts)

    def test_sessions(self):
        config = write("dataset.json", {})
        table = [
            ("empty", "", ["sessions.jsonl"]),
            ("no JSON", "hello\n", ["sessions.jsonl"]),
            ("unknown shape", [{"a": 1}], ["sessions.jsonl"]),
        ]
        for name, content, parts in table:
            with self.subTest(name):
                sessions = write("sessions.jsonl", content)
                shutil.rmtree(SCRATCH / "dataset", ignore_errors=True)
                result = sqpsych("dataset", sessions, "--config", config, "--output", SCRATCH / "dataset")
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assert_refused(result, result.code, *parts)

    def test_adapters(self):
        adapter = SCRATCH / "adapter"
        if not adapter.exists():
            trained = self.train(write("good/train.jsonl", rows(4)).parent)
            self.assertEqual(trained.code, DONE, trained)
            shutil.copytree(SCRATCH / "run" / "adapter", adapter)
        weights = "adapter_model.safetensors"
        table = [
            ("truncated", lambda f: hostile.cut(f / weights, -10), [weights]),
            ("no weights", lambda f: (f / weights).unlink(), [weights]),
            ("no config", lambda f: (f / "adapter_config.json").unlink(), ["adapter_config.json"]),
            ("another method", lambda f: hostile.change_json(f / "adapter_config.json", peft_type="IA3"), ["IA3"]),
            ("another rank", lambda f: hostile.change_json(f / "adapter_config.json", r=3), []),
            ("missing tensor", lambda f: hostile.without_tensor(f / weights), ["lora_"]),
            ("not a number", lambda f: hostile.not_finite(f / weights), ["finite"]),
        ]
        for name, spoil, parts in table:
            with self.subTest(name):
                folder = hostile.copy_of(adapter, "adapter")
                spoil(folder)
                result = sqpsych("export", "--model", self.base, "--adapter", folder, "--format", "gguf",
                                 "--output", SCRATCH / "x.gguf")
                self.assert_refused(result, FAILED, *parts)
                self.assertFalse((SCRATCH / "x.gguf").exists())


if __name__ == "__main__":
    unittest.main()
