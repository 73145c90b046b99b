"""Every rule of scripts/check_layers.py finds its fault in a tree made for it, and only there."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import check_layers  # noqa: E402


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write("core/files.h", "#pragma once\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run_check(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = check_layers.main(["--root", str(self.root)])
        return code, output.getvalue()

    def assert_clean(self, path, text):
        self.write(path, text)
        code, output = self.run_check()
        self.assertEqual(code, 0, output)

    def assert_finds(self, path, text, expected):
        self.write(path, text)
        code, output = self.run_check()
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_include_to_the_left_is_allowed(self):
        self.assert_clean("data/a.cpp", '#include "core/files.h"\n#include "models/x.h"\n#include <vector>\n')

    def test_include_to_the_right(self):
        self.assert_finds("models/a.cpp", '\n  #  include "data/x.h"\n', "models/a.cpp:2: include-right")

    def test_product_includes_tests(self):
        self.assert_finds("core/a.cpp", '#include "tests/support/x.h"\n', "core/a.cpp:1: include-right")

    def test_tests_may_include_everything(self):
        self.assert_clean("tests/core/a.cpp", '#include "train/x.h"\n#include "tests/support/y.h"\n')

    def test_include_not_from_the_root(self):
        for target in ("files.h", "core/../core/files.h", "src/files.h"):
            with self.subTest(target):
                self.assert_finds("core/a.cpp", f'#include "{target}"\n', "core/a.cpp:1: include-root")

    def test_variant_with_a_header(self):
        self.write("models/families/family.h", "")
        self.write("models/families/dense.cpp", "")
        self.assertEqual(self.run_check()[0], 0)
        self.assert_finds("models/families/dense.h", "", "models/families/dense.h:1: variant-header")

    def test_family_name_in_identifiers(self):
        for name in ("is_llama", "Qwen3Config", "kMistral", "make_phi3", "LlamaRope"):
            with self.subTest(name):
                self.assert_finds("train/a.cpp", f"\nbool {name} = true;\n", "train/a.cpp:2: family-name")

    def test_family_name_in_comparisons(self):
        for line in ('if (name == "llama") {}', 'if ("gemma2" != name) {}', 'name.starts_with("qwen");',
                     'strcmp(name, "phi3");', 'name.find("Mixtral");'):
            with self.subTest(line):
                self.assert_finds("models/model.cpp", line + "\n", "models/model.cpp:1: family-name")

    def test_words_that_only_look_like_families(self):
        self.assert_clean("models/model.cpp", "int sophistic = 1'000;  // as llama does\n"
                          'const char* help = "e.g. llama, qwen";\nint morphing, write_llama_factory_info;\n'
                          'auto raw = R"x(if (a == "llama"))x";\n')

    def test_folders_that_know_families(self):
        self.assert_clean("models/families/a.cpp", 'bool is_llama = name == "llama";\n')
        self.assert_clean("models/exporters/a.cpp", 'constexpr int kLlamaFileType = 1; bool b = x == "llama";\n')

    def test_format_folders_know_constants_only(self):
        self.assert_finds("models/exporters/a.cpp", "bool is_llama = true;\n", "models/exporters/a.cpp:1: family-name")

    def test_long_file(self):
        self.assert_clean("core/a.cpp", "\n" * 400)
        self.assert_finds("tests/core/b.cpp", "\n" * 401, "tests/core/b.cpp:401: file-length")

    def test_empty_names(self):
        for name in ("utils.h", "file_helper.cpp", "misc/a.cpp", "session_manager.py", "common.h"):
            with self.subTest(name):
                self.assert_finds(f"core/{name}", "", "file-name")

    def test_product_points_outside(self):
        self.assert_finds("configs/a.json", '{"x": "../shared/data"}\n', "configs/a.json:1: outside")

    def test_empty_tree(self):
        (self.root / "core/files.h").unlink()
        code, output = self.run_check()
        self.assertEqual(code, 1)
        self.assertIn("no source file found", output)


if __name__ == "__main__":
    unittest.main()
