"""Bad models, tokenizers and adapters, end to end: one clear sentence and the right exit status for each row."""

import struct
import unittest

import gguf_draft
import hostile_files as hostile
import material
from command import DONE, FAILED, SCRATCH, SETTINGS, sqpsych
from refusal import RefusalTest


class Models(RefusalTest):
    @classmethod
    def setUpClass(cls):
        cls.base, cls.gguf = material.model(), material.gguf()

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
            ("size is not whole", lambda f: hostile.change_json(f / "config.json", hidden_size=32.5), ["hidden_size"]),
            ("enormous size", lambda f: hostile.change_json(f / "config.json", intermediate_size=1 << 40), []),
            ("enormous vocabulary", lambda f: hostile.change_json(f / "config.json", vocab_size=1 << 62), []),
            ("endless layers", lambda f: hostile.change_json(f / "config.json", num_hidden_layers=1 << 40), []),
            ("duplicate key", lambda f: hostile.in_bytes(f / "config.json", b"{", b'{"model_type": "llama", '), ["twice"]),
            ("bad UTF-8", lambda f: hostile.in_bytes(f / "config.json", b"{", b'{"\xff": 1, '), ["utf-8"]),
            ("a list", lambda f: (f / "config.json").write_text("[]"), ["config.json"]),
            ("bottomless", lambda f: (f / "config.json").write_text("[" * 100000), ["nested"]),
            ("odd heads", lambda f: hostile.change_json(f / "config.json", num_attention_heads=3), []),
            ("generation config is no JSON", lambda f: (f / "generation_config.json").write_text("{"),
             ["generation_config.json"]),
            ("end token outside", lambda f: hostile.change_json(f / "config.json", eos_token_id=1 << 30), ["eos_token_id"]),
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
            ("zeros", lambda f: (remove(f), (f / "tokenizer.model").write_bytes(bytes(5000)))[0], ["tokenizer.model"]),
            ("no JSON", lambda f: (remove(f), (f / "tokenizer.json").write_text('{"model": '))[0], ["tokenizer.json"]),
            ("duplicate key", lambda f: (remove(f), (f / "tokenizer.json").write_text(
                '{"model": {}, "model": {}}'))[0], ["tokenizer.json", "twice"]),
            ("bad UTF-8", lambda f: (remove(f), (f / "tokenizer.json").write_bytes(
                b'{"model": {"type": "BPE", "vocab": {"\xff": 0}, "merges": []}}'))[0], ["tokenizer.json", "utf-8"]),
            ("merge of nothing", lambda f: (remove(f), (f / "tokenizer.json").write_text(
                '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["b c"]}}'))[0], ["tokenizer.json"]),
            ("ids far apart", lambda f: (remove(f), (f / "tokenizer.json").write_text(
                '{"model": {"type": "BPE", "vocab": {"a": 4000000000000}, "merges": []}}'))[0], ["tokenizer.json"]),
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

    def assert_bad_gguf(self, file, *rules, code=FAILED):
        """verify names the rules; running the file ends with `code`, and DONE only with a warning of the same words."""
        verified = sqpsych("verify", file)
        self.assertEqual(verified.code, FAILED, verified)
        said = verified.out + verified.err
        self.assertIn(file.name, said)
        self.assertNotIn("bug in sqpsych", said)
        for rule in rules:
            self.assertIn(rule.lower(), said.lower(), verified)
        result = sqpsych("complete", "--model", file, "--text", "hi", "--n", "1")
        if code != DONE:
            return self.assert_refused(result, code, file.name)
        self.assertEqual(result.code, DONE, result)
        for word in ["warning", *rules]:
            self.assertIn(word, result.err.lower())

    def test_gguf_bytes(self):
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
                is_gguf = name not in ("empty", "wrong magic")
                self.assert_bad_gguf(file, code=FAILED if is_gguf else SETTINGS)

    def test_gguf_parts(self):
        """(name, fault of the file's parts, words of the finding)"""
        def second_at_first(draft):
            draft.tensors[1]["offset"] = draft.tensors[0]["offset"]

        def last_outside(draft):
            draft.tensors[-1]["offset"] += 1 << 40

        def between_alignments(draft):
            draft.tensors[1]["offset"] += 4

        def tensor_twice(draft):
            draft.tensors[1]["name"] = draft.tensors[0]["name"]

        def of_type(kind):
            return lambda draft: draft.tensor(b"blk.0.attn_q.weight").update(type=kind)

        def of_shape(shape):
            return lambda draft: draft.tensor(b"blk.0.attn_q.weight").update(shape=shape)

        def without_tensor(draft):
            draft.tensors.remove(draft.tensor(b"blk.0.attn_q.weight"))

        def not_a_number(draft):
            at = draft.tensor(b"output_norm.weight")["offset"]
            draft.data = draft.data[:at] + struct.pack("<f", float("nan")) + draft.data[at + 4:]

        def key_twice(draft):
            draft.keys.append(draft.key(b"general.architecture"))

        def of_architecture(name):
            return lambda draft: draft.key(b"general.architecture").__setitem__(2, name)

        def other_key_type(draft):
            key = draft.key(b"llama.block_count")
            key[1:] = [7, True]

        def without_key(name):
            return lambda draft: draft.keys.remove(draft.key(name))

        def bad_text(draft):
            draft.key(b"general.name")[2] = b"\xff\xfe"

        def bad_token(draft):
            draft.key(b"tokenizer.ggml.tokens")[2][1][50] = b"\xff\xfe"

        def fewer_tokens(draft):
            draft.key(b"tokenizer.ggml.tokens")[2][1].pop()

        def unknown_tokenizer(draft):
            draft.key(b"tokenizer.ggml.model")[2] = b"unheard"

        def token_outside(draft):
            draft.key(b"tokenizer.ggml.eos_token_id")[2] = 1 << 30

        def crooked_alignment(draft):
            draft.keys.append([b"general.alignment", 4, 24])

        table = [
            ("overlapping offsets", second_at_first, ["offset"]),
            ("offset outside the file", last_outside, ["offset"]),
            ("offset between alignments", between_alignments, ["offset"]),
            ("one tensor twice", tensor_twice, ["twice"]),
            ("unknown type", of_type(199), ["199"]),
            ("type of another size", of_type(1), []),
            ("shape of another size", of_shape([32, 31]), []),
            ("shape that overflows", of_shape([1 << 40, 1 << 40]), []),
            ("missing tensor", without_tensor, ["tensor-offset"]),
            ("not a number", not_a_number, ["output_norm.weight"]),
            ("one key twice", key_twice, ["general.architecture"]),
            ("unknown architecture", of_architecture(b"mamba9"), ["mamba9"]),
            ("no architecture", without_key(b"general.architecture"), ["general.architecture"]),
            ("key of another type", other_key_type, ["block_count"]),
            ("no layer count", without_key(b"llama.block_count"), ["block_count"]),
            ("bad UTF-8 in a text", bad_text, ["utf-8"]),
            ("bad UTF-8 in a token", bad_token, ["utf-8"]),
            ("fewer tokens than rows", fewer_tokens, ["token"]),
            ("unknown tokenizer", unknown_tokenizer, ["unheard"]),
            ("end token outside", token_outside, ["eos_token_id"]),
            ("crooked alignment", crooked_alignment, ["align"]),
        ]
        for name, edit, words in table:
            with self.subTest(name):
                file = hostile.copy_of(self.gguf, "broken.gguf")
                gguf_draft.change(file, edit)
                # Runtimes ignore a special token outside the vocabulary.
                self.assert_bad_gguf(file, *words, code=DONE if name == "end token outside" else FAILED)

    def test_gguf_draft_changes_nothing_by_itself(self):
        file = hostile.copy_of(self.gguf, "same.gguf")
        gguf_draft.change(file, lambda draft: None)
        self.assertEqual(file.read_bytes(), self.gguf.read_bytes())

    def test_gguf_without_a_tokenizer_needs_ids(self):
        def remove(draft):
            draft.keys = [key for key in draft.keys if not key[0].startswith(b"tokenizer.")]

        file = hostile.copy_of(self.gguf, "wordless.gguf")
        gguf_draft.change(file, remove)
        self.assertEqual(sqpsych("verify", file).code, FAILED)
        self.assert_refused(sqpsych("complete", "--model", file, "--text", "hi"), SETTINGS, "tokenizer")
        self.assert_refused(sqpsych("chat", "--model", file), SETTINGS, "tokenizer")
        self.assert_refused(sqpsych("tokenize", "--model", file, "--text", "hi"), FAILED, "tokenizer")
        result = sqpsych("complete", "--model", file, "--ids", "1,2", "--n", "1")
        self.assertEqual(result.code, DONE, result)

    def test_adapters(self):
        weights = "adapter_model.safetensors"
        table = [
            ("truncated", lambda f: hostile.cut(f / weights, -10), [weights]),
            ("no weights", lambda f: (f / weights).unlink(), [weights]),
            ("no config", lambda f: (f / "adapter_config.json").unlink(), ["adapter_config.json"]),
            ("another method", lambda f: hostile.change_json(f / "adapter_config.json", peft_type="IA3"), ["IA3"]),
            ("another rank", lambda f: hostile.change_json(f / "adapter_config.json", r=3), []),
            ("missing tensor", lambda f: hostile.without_tensor(f / weights), ["lora_"]),
            ("not a number", lambda f: hostile.not_finite(f / weights), ["finite"]),
            ("wrong dtype", lambda f: hostile.dtype(f / weights, "F64"), [weights]),
            ("overlapping offsets", lambda f: hostile.overlapping(f / weights), [weights]),
            ("huge header", lambda f: hostile.huge_header(f / weights), [weights, "header"]),
            ("duplicate key", lambda f: hostile.duplicate_key(f / weights), [weights]),
            ("config is no JSON", lambda f: (f / "adapter_config.json").write_text("{"), ["adapter_config.json"]),
        ]
        for name, spoil, parts in table:
            with self.subTest(name):
                folder = hostile.copy_of(material.adapter(), "adapter")
                spoil(folder)
                result = sqpsych("export", "--model", self.base, "--adapter", folder, "--format", "gguf",
                                 "--output", SCRATCH / "x.gguf")
                self.assert_refused(result, FAILED, *parts)
                self.assertFalse((SCRATCH / "x.gguf").exists())

    def test_adapters_on_experts_have_no_gguf(self):
        model = SCRATCH / "experts"
        made = sqpsych("new-model", "--family", "mixtral", "--text", material.text(), "--output", model,
                       *material.sets(*material.SMALL))
        self.assertEqual(made.code, DONE, made)
        expert = "model.layers.0.block_sparse_moe.experts.0.w1"
        folder = hostile.copy_of(material.adapter(), "adapter")
        hostile.change_json(folder / "adapter_config.json", target_modules=["w1"], r=2)
        header = {f"base_model.model.{expert}.lora_A.weight": {"dtype": "F32", "shape": [2, 32], "data_offsets": [0, 256]},
                  f"base_model.model.{expert}.lora_B.weight": {"dtype": "F32", "shape": [64, 2], "data_offsets": [256, 768]}}
        hostile.write_safetensors(folder / "adapter_model.safetensors", header, bytes(768))
        export = ["export", "--model", model, "--adapter", folder, "--format"]
        result = sqpsych(*export, "gguf-adapter", "--output", SCRATCH / "x.gguf")
        self.assert_refused(result, FAILED, expert, "one expert")
        self.assertFalse((SCRATCH / "x.gguf").exists())
        self.assertEqual(sqpsych(*export, "gguf", "--output", SCRATCH / "merged.gguf").code, DONE)


if __name__ == "__main__":
    unittest.main()
