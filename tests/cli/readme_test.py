"""Every example of the README runs: the fenced blocks marked `sh example`, in order, in one folder."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from command import BINARY, DONE, ROOT, SCRATCH, commands, shell

EXAMPLE = re.compile(r"^```sh example\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOURCE_FOLDERS = ["core", "models", "data", "generate", "evaluate", "train", "cli", "scripts", "cmake"]
SOURCE_SUFFIXES = {".cpp", ".h", ".py", ".sh", ".cmake"}


def folders_with_sources():
    """Every folder outside tests/ that has a source file of its own."""
    files = [path for folder in SOURCE_FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SOURCE_SUFFIXES]
    return sorted({path.parent for path in files if path.parent.name != "__pycache__"})


class Readme(unittest.TestCase):
    def test_examples_run(self):
        examples = EXAMPLE.findall((ROOT / "README.md").read_text())
        self.assertGreater(len(examples), 5)
        folder = tempfile.mkdtemp(dir=SCRATCH)
        shutil.copytree(ROOT / "configs", f"{folder}/configs")
        for example in examples:
            with self.subTest(example.strip().splitlines()[0]):
                result = shell(example, cwd=folder)
                self.assertEqual(result.code, DONE, f"{example}\n{result}")

    def test_exit_codes_are_those_of_the_program(self):
        """The README's table and the enumeration in core/error.h name the same numbers."""
        table = re.findall(r"(?m)^\| (\d+) \| ", (ROOT / "README.md").read_text())
        listed = re.findall(r"(?m)^  k\w+ = (\d+),", (ROOT / "core/error.h").read_text())
        self.assertEqual(sorted(table), sorted(listed))

    def test_settings_pages_are_what_the_program_prints(self):
        script = ROOT / "scripts" / "make_settings_pages.py"
        checked = subprocess.run([sys.executable, script, "--check", BINARY], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_links_lead_somewhere(self):
        for page in [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md"), *ROOT.glob("*/*/*/README.md")]:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                with self.subTest(page=page.relative_to(ROOT), target=target):
                    self.assertTrue((page.parent / target).exists())

    def test_every_command_has_an_example(self):
        text = "\n".join(EXAMPLE.findall((ROOT / "README.md").read_text()))
        for name in commands():
            self.assertRegex(text, rf"\bsqpsych {name}\b")

    def test_every_command_has_a_row(self):
        """The README's table of commands, which stands before the first example, and --help name the same commands."""
        table = (ROOT / "README.md").read_text().split("\n## Commands\n")[1].split("```sh example")[0]
        listed = re.findall(r"(?m)^\| `([a-z-]+)` \| ", table)
        self.assertEqual(sorted(listed), sorted(commands()))

    def test_every_source_folder_has_a_page(self):
        folders = folders_with_sources()
        self.assertGreater(len(folders), 20)
        for folder in folders:
            with self.subTest(folder=folder.relative_to(ROOT)):
                self.assertTrue((folder / "README.md").exists())


if __name__ == "__main__":
    unittest.main()
