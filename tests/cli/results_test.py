"""What the commands print, line by line: other programs read it."""

import http.server
import json
import math
import re
import shutil
import struct
import threading
import unittest

import hostile_files as hostile
import material
from command import DONE, FAILED, ROOT, SCRATCH, SETTINGS, TOO_MANY_FAILURES, sqpsych, write

GREEDY = material.sets("temperature=0")


class Complete(unittest.TestCase):
    def reply(self, *arguments):
        result = sqpsych("complete", *arguments, *GREEDY)
        self.assertEqual(result.code, DONE, result)
        self.assertEqual(result.out.count("\n"), 1, result)
        return json.loads(result.out)

    def test_one_json_object_of_known_keys(self):
        reply = self.reply("--model", material.model(), "--ids", "1, 9,20", "--n", "7")
        self.assertEqual(sorted(reply), ["ids", "prompt_ids", "stop_reason", "text"])
        self.assertEqual(reply["prompt_ids"], [1, 9, 20])
        self.assertEqual(len(reply["ids"]), 7)
        self.assertEqual(reply["stop_reason"], "max_tokens")

    def test_the_context_ends_what_no_limit_does(self):
        reply = self.reply("--model", material.model(64), "--ids", "1,9", *material.sets(f"max_tokens={2**63 - 1}"))
        self.assertIn(reply["stop_reason"], ("context_full", "end_token"))
        self.assertLessEqual(len(reply["ids"]), 64)

    def test_folder_and_gguf_agree_with_and_without_adapter(self):
        adapter = ["--adapter", material.adapter()]
        plain = self.reply("--model", material.model(), "--text", "I sleep", "--n", "24")
        tuned = self.reply("--model", material.model(), *adapter, "--text", "I sleep", "--n", "24")
        self.assertNotEqual(plain["ids"], tuned["ids"])
        merged = SCRATCH / "merged.gguf"
        made = sqpsych("export", "--model", material.model(), *adapter, "--format", "gguf", "--type", "f32",
                       "--output", merged)
        self.assertEqual(made.code, DONE, made)
        for expected, arguments in ((plain, ["--model", material.gguf()]),
                                    (tuned, ["--model", material.gguf(), *adapter]),
                                    (tuned, ["--model", merged])):
            self.assertEqual(self.reply(*arguments, "--text", "I sleep", "--n", "24"), expected)

    def test_a_gguf_adapter_is_refused_by_name(self):
        file = SCRATCH / "adapter.gguf"
        made = sqpsych("export", "--model", material.model(), "--adapter", material.adapter(), "--format", "gguf-adapter",
                       "--output", file)
        self.assertEqual(made.code, DONE, made)
        self.assertEqual(sqpsych("verify", file).code, DONE)
        for command in (["complete", "--text", "I", "--model", material.gguf()], ["chat", "--model", material.gguf()],
                        ["logits", "--ids", "1", "--output", SCRATCH / "l", "--model", material.model()],
                        ["export", "--format", "gguf", "--output", SCRATCH / "e", "--model", material.model()]):
            result = sqpsych(*command, "--adapter", file)
            self.assertEqual(result.code, SETTINGS, result)
            self.assertIn("expected a PEFT adapter folder", result.err)
        result = sqpsych("complete", "--model", file, "--text", "I")
        self.assertEqual(result.code, FAILED, result)
        self.assertIn("found a GGUF adapter, expected a model", result.err)

    def test_messages_in_every_shape(self):
        messages = [{"role": "user", "content": "I sleep badly."}]
        shapes = [write("list.json", json.dumps(messages)), write("row.jsonl", [{"messages": messages}]),
                  write("answered.jsonl", [{"messages": messages + [{"role": "assistant", "content": "Oh."}]}])]
        replies = [self.reply("--model", material.model(), "--messages", shape, "--n", "8") for shape in shapes]
        self.assertEqual(replies[0], replies[1])
        self.assertEqual(replies[0], replies[2])
        for content in ("[]", "{}", "", '[{"role": "assistant", "content": "x"}]', '[{"role": "user"}]', "[1]"):
            with self.subTest(content):
                result = sqpsych("complete", "--model", material.model(), "--messages", write("bad.json", content))
                self.assertIn(result.code, (FAILED, SETTINGS), result)
                self.assertRegex(result.err, "messages|bad.json")

    def test_a_prompt_that_does_not_fit(self):
        result = sqpsych("complete", "--model", material.model(), "--ids", ",".join(["7"] * 256))
        self.assertEqual(result.code, SETTINGS, result)
        self.assertIn("256", result.err)

    def test_the_same_seed_gives_the_same_reply(self):
        def drawn(seed):
            return sqpsych("complete", "--model", material.model(), "--text", "I", "--n", "20",
                           *material.sets("temperature=1", f"seed={seed}")).out
        self.assertEqual(drawn(1), drawn(1))
        self.assertNotEqual(drawn(1), drawn(2))


class TextAndIds(unittest.TestCase):
    def test_tokenize_prints_one_list_per_line(self):
        texts = ["I sleep badly.", "", " two  spaces ", "line\nbreak", "Grüße 你好", "<s>"]
        file = write("texts.jsonl", "".join(json.dumps(text) + "\n" for text in texts))
        for model in (material.model(), material.gguf()):
            result = sqpsych("tokenize", "--model", model, "--file", file)
            self.assertEqual(result.code, DONE, result)
            lists = [json.loads(line) for line in result.out.splitlines()]
            self.assertEqual(len(lists), len(texts))
            for text, ids in zip(texts, lists):
                one = sqpsych("tokenize", "--model", model, "--text", text)
                self.assertEqual(json.loads(one.out), ids)
                bare = sqpsych("tokenize", "--model", model, "--text", text, "--no-special")
                self.assertEqual([1, *json.loads(bare.out)], ids)

    def test_tokenize_names_a_line_that_is_no_string(self):
        result = sqpsych("tokenize", "--model", material.model(), "--file", write("bad_texts.jsonl", '"a"\n{"b": 1}\n'))
        self.assertEqual(result.code, FAILED, result)
        self.assertIn("bad_texts.jsonl:2", result.err)
        self.assertEqual(len(result.out.splitlines()), 1)

    def test_tokenize_needs_one_source(self):
        for arguments in ([], ["--text", "a", "--file", write("t.jsonl", '"a"\n')]):
            result = sqpsych("tokenize", "--model", material.model(), *arguments)
            self.assertEqual(result.code, SETTINGS, result)
            self.assertIn("--text and --file", result.err)

    def test_render_prints_one_json_string_per_row(self):
        result = sqpsych("render", material.data() / "train.jsonl", "--model", material.model())
        self.assertEqual(result.code, DONE, result)
        texts = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual(len(texts), 8)
        for text, row in zip(texts, material.rows(8)):
            for message in row["messages"]:
                self.assertIn(message["content"], text)
        asked = sqpsych("render", material.data() / "train.jsonl", "--model", material.model(), "--generation-prompt")
        for text, longer in zip(texts, asked.out.splitlines()):
            self.assertTrue(json.loads(longer).startswith(text))
            self.assertGreater(len(json.loads(longer)), len(text))

    def test_render_agrees_between_folder_and_gguf(self):
        outs = [sqpsych("render", material.data() / "train.jsonl", "--model", model).out
                for model in (material.model(), material.gguf())]
        self.assertEqual(outs[0], outs[1])

    def test_raw_rows_have_nothing_to_render(self):
        raw = write("raw.jsonl", [{"prompt": "a", "completion": "b"}])
        result = sqpsych("render", raw, "--model", material.model())
        self.assertEqual(result.code, FAILED, result)
        self.assertIn("row 1", result.err)

    def test_inspect_without_a_terminal_has_no_colours_unless_asked(self):
        command = ["inspect", material.data(), "--model", material.model(), "--limit", "2"]
        plain, coloured = sqpsych(*command), sqpsych(*command, "--color")
        self.assertEqual((plain.code, coloured.code), (DONE, DONE))
        self.assertNotIn("\x1b[", plain.out)
        self.assertIn("\x1b[", coloured.out)
        page = SCRATCH / "inspect.html"
        self.assertEqual(sqpsych(*command, "--html", page).code, DONE)
        self.assertIn("<html", page.read_text())

    def test_logits_are_a_tensor_of_tokens_and_vocabulary(self):
        files = []
        for i, model in enumerate((material.model(), material.gguf())):
            files.append(SCRATCH / f"logits{i}.safetensors")
            result = sqpsych("logits", "--model", model, "--ids", "1,2,3", "--output", files[-1])
            self.assertEqual((result.code, result.out), (DONE, ""), result)
        header, data = hostile.read_safetensors(files[0])
        self.assertEqual(header["logits"]["dtype"], "F32")
        self.assertEqual(header["logits"]["shape"][0], 3)
        values = [struct.unpack(f"<{len(data) // 4}f", hostile.read_safetensors(file)[1]) for file in files]
        self.assertLess(max(abs(a - b) for a, b in zip(*values)), 1e-5)

    def test_logits_of_several_rows_are_those_of_each(self):
        alone, together = SCRATCH / "alone.safetensors", SCRATCH / "together.safetensors"
        command = ["logits", "--model", material.model(), "--ids", "1,2,3"]
        self.assertEqual(sqpsych(*command, "--output", alone).code, DONE)
        self.assertEqual(sqpsych(*command, "--ids", "4,5", "--output", together).code, DONE)
        header, data = hostile.read_safetensors(together)
        self.assertEqual(sorted(name for name in header if name != "__metadata__"), ["logits.0", "logits.1"])
        self.assertEqual(header["logits.1"]["shape"][0], 2)
        begin, end = header["logits.0"]["data_offsets"]
        self.assertEqual(data[begin:end], hostile.read_safetensors(alone)[1])


class Model(unittest.TestCase):
    def test_the_account_is_the_folders_own(self):
        folder = material.model()
        config = json.loads((folder / "config.json").read_text())
        config["mystery_gain"] = 3
        copy = SCRATCH / "accounted"
        shutil.copytree(folder, copy)
        (copy / "config.json").write_text(json.dumps(config))
        result = sqpsych("model", copy)
        self.assertEqual(result.code, DONE, result)
        header, _ = hostile.read_safetensors(copy / "model.safetensors")
        parameters = sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
        head_size = config["hidden_size"] // config["num_attention_heads"]
        cache = 2 * config["num_hidden_layers"] * config["num_key_value_heads"] * head_size * 256
        lines = dict(re.findall(r"(?m)^ *(\S+(?: r=16)?)  +(.*)$", result.out))
        self.assertEqual(lines["family"], "llama")
        self.assertTrue(lines["sizes"].startswith(f"{parameters:,} parameters; 1 layers, 32 wide"), result)
        self.assertEqual(lines["context"].split(";")[0], "256 tokens")
        self.assertEqual(lines["stored"], f"{4 * parameters / 1024:.1f} KiB F32")
        inference = f"{4 * (parameters + cache) / 1024:.1f} KiB with one sequence of 256 tokens"
        self.assertEqual(lines["inference"], inference)
        self.assertEqual(lines["template"], "built-in chatml")
        self.assertIn("</s>", lines["special"])
        self.assertIn("<|im_end|>", result.out.split("ends at")[1])
        self.assertIn("mystery_gain: 3", result.out)
        self.assertNotIn("mystery_gain", sqpsych("model", folder).out)


class Export(unittest.TestCase):
    def test_types_in_any_case(self):
        for kind, spellings in (("F32", ["f32", "F32"]), ("F16", ["f16", "F16"]), ("BF16", ["bf16", "Bf16"]),
                                ("Q8_0", ["q8_0", "Q8_0"])):
            for spelling in spellings:
                file = SCRATCH / "typed.gguf"
                result = sqpsych("export", "--model", material.model(), "--format", "gguf", "--type", spelling,
                                 "--output", file, "--overwrite")
                self.assertEqual(result.code, DONE, result)
                self.assertRegex(result.out, rf"^wrote {file}: \d+ tensors, \S+ \S+\n$")
                verified = sqpsych("verify", file)
                self.assertEqual(verified.code, DONE, verified)
                self.assertIn(kind, verified.out)

    def test_unknown_types_and_formats_name_the_known_ones(self):
        for flags, parts in ((["--format", "gguf", "--type", "Q3_X"], ["Q3_X", "'Q8_0'"]),
                             (["--format", "onnx"], ["onnx", "'gguf'", "'gguf-adapter'", "'huggingface'"]),
                             (["--format", "huggingface", "--type", "Q8_0"], ["Q8_0", "'BF16'"]),
                             (["--format", "gguf-adapter"], ["--adapter"])):
            result = sqpsych("export", "--model", material.model(), *flags, "--output", SCRATCH / "none")
            self.assertEqual(result.code, SETTINGS, result)
            for part in parts:
                self.assertIn(part, result.err)
        self.assertFalse((SCRATCH / "none").exists())

    def test_a_gguf_file_is_no_source(self):
        result = sqpsych("export", "--model", material.gguf(), "--format", "huggingface", "--output", SCRATCH / "none")
        self.assertEqual(result.code, SETTINGS, result)
        self.assertIn("material/model.gguf", result.err)

    def test_a_folder_where_a_file_is_expected(self):
        folder = SCRATCH / "a_folder"
        folder.mkdir(exist_ok=True)
        result = sqpsych("export", "--model", material.model(), "--format", "gguf", "--output", folder)
        self.assertEqual(result.code, SETTINGS, result)
        self.assertIn("a_folder/model.gguf", result.err)

    def test_merged_folder_reads_back(self):
        folder = SCRATCH / "merged"
        result = sqpsych("export", "--model", material.model(), "--adapter", material.adapter(), "--format", "huggingface",
                         "--output", folder)
        self.assertEqual(result.code, DONE, result)
        manifest = json.loads((folder / "manifest.json").read_text())
        self.assertEqual(manifest["schema"], "sqpsych.manifest/1")
        self.assertTrue(manifest["inputs"][0]["files"]["model.safetensors"])
        replies = [json.loads(sqpsych("complete", *model, "--text", "I sleep", "--n", "20", *GREEDY).out)
                   for model in (["--model", folder], ["--model", material.model(), "--adapter", material.adapter()])]
        self.assertEqual(replies[0], replies[1])


class Verify(unittest.TestCase):
    def test_what_is_no_file(self):
        for path in (SCRATCH / "absent.gguf", SCRATCH):
            result = sqpsych("verify", path)
            self.assertIn(result.code, (FAILED, SETTINGS), result)
            self.assertIn(str(path), result.out + result.err)

    def test_every_finding_is_a_line_that_names_file_and_rule(self):
        file = hostile.copy_of(material.gguf(), "found.gguf")
        content = file.read_bytes().replace(b"tokenizer.ggml.model", b"tokenizer.ggml.mode1", 1)
        file.write_bytes(content)
        result = sqpsych("verify", file)
        self.assertEqual(result.code, FAILED, result)
        self.assertTrue(result.out)
        for line in result.out.splitlines():
            self.assertRegex(line, rf"^{file}: [a-z0-9-]+: .*\.$")


class HangsUp(http.server.BaseHTTPRequestHandler):
    """A server that is there and answers no request for text."""

    def do_GET(self):
        content = b'{"object": "list", "data": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        self.close_connection = True

    def log_message(self, *arguments):
        pass


class Failures(unittest.TestCase):
    """Exit status 3: finished, with more failures than max_failures allows."""

    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HangsUp)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def generate(self, run, *settings):
        config = json.loads(sqpsych("generate", "--config", ROOT / "configs/generate/sqpsych_openai.json",
                                    "--print-config").out)
        for backend in config["backends"].values():
            backend.update(base_url=f"http://127.0.0.1:{self.server.server_port}/v1", max_retries=0, backoff_seconds=0)
        return sqpsych("generate", material.profiles(), "--config", write("hangs_up.json", config), "--limit", "3",
                       "--output", run, *material.sets("workers=1", *settings))

    def test_generate(self):
        result = self.generate(SCRATCH / "failed", "max_failures=2")
        self.assertEqual(result.code, TOO_MANY_FAILURES, result)
        self.assertRegex(result.out, r"failed: +3 \(3 connection\)")
        records = [json.loads(line) for line in (SCRATCH / "failed/sessions.jsonl").read_text().splitlines()]
        self.assertEqual([record["status"] for record in records], ["failed"] * 3)
        self.assertEqual(self.generate(SCRATCH / "allowed", "max_failures=3").code, DONE)

    def test_generate_stops_after_many_in_a_row(self):
        result = self.generate(SCRATCH / "in_a_row", "max_failures=100", "max_failures_in_a_row=2")
        self.assertEqual(result.code, TOO_MANY_FAILURES, result)
        self.assertIn("too many failures in a row", result.out)

    def test_profiles(self):
        answers = ROOT / "configs/examples/answers.csv"
        for allowed, code in (("0", TOO_MANY_FAILURES), ("3", DONE)):
            result = sqpsych("profiles", answers, "--config", ROOT / "configs/profiles/example.json", "--output",
                             SCRATCH / f"profiles{allowed}", "--set", f"max_failures={allowed}")
            self.assertEqual(result.code, code, result)
            self.assertTrue((SCRATCH / f"profiles{allowed}/profiles.jsonl").exists())
        self.assertIn("max_failures", sqpsych("profiles", answers, "--config", ROOT / "configs/profiles/example.json",
                                              "--check", "--set", "max_failures=0").err)

    def test_dataset(self):
        sessions = (material.sessions() / "sessions.jsonl").read_text()
        broken = json.loads(sessions.splitlines()[0])
        broken["messages"][0]["speaker"] = "nobody"
        file = write("some_bad.jsonl", sessions + json.dumps(broken) + "\n")
        for allowed, code in (("0", TOO_MANY_FAILURES), ("1", DONE)):
            result = sqpsych("dataset", file, "--config", ROOT / "configs/dataset/sessions.json", "--output",
                             SCRATCH / f"dataset{allowed}", "--set", f"max_failures={allowed}")
            self.assertEqual(result.code, code, result)


if __name__ == "__main__":
    unittest.main()
