#!/usr/bin/env python3
"""Writes configs/SETTINGS.md: every setting of every command, as `sqpsych COMMAND --settings` prints them.

usage: scripts/make_settings_page.py [--check] [SQPSYCH]
  --check    write nothing; fail when the page is not what it would be
  SQPSYCH    the program (default: build/ci/cli/sqpsych)
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "configs" / "SETTINGS.md"
HEAD = """# Settings

Every key that a settings file (`--config`) or `--set a.b=value` may have: its default, below it the meaning and what
the value may be. `[]` stands for any entry of a list, `NAME` for a name of your own. Settings that are not named keep
their defaults. Paths inside a file are relative to that file.

This page is what `sqpsych COMMAND --settings` prints; `scripts/make_settings_page.py` writes it.
"""


def output_of(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def commands_with_settings(program):
    names = re.findall(r"^  ([a-z][a-z-]*)", output_of(program, "--help").split("Commands:")[1], re.MULTILINE)
    return [name for name in names if "--settings" in output_of(program, name, "--help")]


def page(program):
    """Commands with the same settings share a section."""
    sections = {}
    for name in commands_with_settings(program):
        sections.setdefault(output_of(program, name, "--settings"), []).append(f"`sqpsych {name}`")
    return HEAD + "".join(f"\n## {', '.join(names)}\n\n```text\n{text}```\n" for text, names in sections.items())


def main(arguments):
    paths = [argument for argument in arguments if argument != "--check"]
    wanted = page(paths[0] if paths else ROOT / "build" / "ci" / "cli" / "sqpsych")
    if "--check" not in arguments:
        PAGE.write_text(wanted)
        print(f"written: {PAGE.relative_to(ROOT)}")
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    print(f"{PAGE.relative_to(ROOT)}: found another text than the program's settings. Run scripts/make_settings_page.py.",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
