#!/usr/bin/env python3
"""Writes configs/settings/: every setting of every command, as `sqpsych COMMAND --settings` prints them.

usage: scripts/make_settings_pages.py [--check] [SQPSYCH]
  --check    write nothing; fail when a page is not what it would be
  SQPSYCH    the program (default: build/ci/cli/sqpsych)
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "configs" / "settings"
HEAD = """# Settings

Every key that a settings file (`--config`) or `--set a.b=value` may have: its default, below it the meaning and what
the value may be. `[]` stands for any entry of a list, `NAME` for a name of your own. Settings that are not named keep
their defaults. Paths inside a file are relative to that file.

These pages are what `sqpsych COMMAND --settings` prints; `scripts/make_settings_pages.py` writes them.

| page | commands |
|---|---|
"""


def output_of(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def commands_with_settings(program):
    names = re.findall(r"^  ([a-z][a-z-]*)", output_of(program, "--help").split("Commands:")[1], re.MULTILINE)
    return [name for name in names if "--settings" in output_of(program, name, "--help")]


def pages(program):
    """Text by file name. Commands with the same settings share a page, called after the first."""
    names_of = {}
    for name in commands_with_settings(program):
        names_of.setdefault(output_of(program, name, "--settings"), []).append(name)
    index, texts = HEAD, {}
    for text, names in names_of.items():
        page, titles = f"{names[0]}.md", ", ".join(f"`sqpsych {name}`" for name in names)
        index += f"| [{page}]({page}) | {titles} |\n"
        texts[page] = f"# Settings of {titles}\n\n```text\n{text}```\n"
    return {"README.md": index, **texts}


def main(arguments):
    paths = [argument for argument in arguments if argument != "--check"]
    wanted = pages(paths[0] if paths else ROOT / "build" / "ci" / "cli" / "sqpsych")
    written = {path.name: path.read_text() for path in FOLDER.glob("*")}
    if "--check" not in arguments:
        FOLDER.mkdir(exist_ok=True)
        for name in written.keys() - wanted.keys():
            (FOLDER / name).unlink()
        for name, text in wanted.items():
            (FOLDER / name).write_text(text)
        print(f"written: {len(wanted)} pages in {FOLDER.relative_to(ROOT)}")
        return 0
    wrong = sorted(name for name in wanted.keys() | written.keys() if wanted.get(name) != written.get(name))
    for name in wrong:
        print(f"{(FOLDER / name).relative_to(ROOT)}: found another text than the program's settings. "
              "Run scripts/make_settings_pages.py.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
