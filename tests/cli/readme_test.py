"""Every example of the README runs: the fenced blocks marked `sh example`, in order, in one folder."""

import re
import shutil
import tempfile
import unittest

from command import DONE, ROOT, SCRATCH, commands, shell

EXAMPLE = re.compile(r"^```sh example\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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

    def test_every_command_has_an_example(self):
        text = "\n".join(EXAMPLE.findall((ROOT / "README.md").read_text()))
        for name in commands():
            self.assertRegex(text, rf"\bsqpsych {name}\b")


if __name__ == "__main__":
    unittest.main()
