"""Runs the binary the way a user does: arguments in, exit status and texts out."""

import atexit
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SQPSYCH_BIN", ROOT / "build" / "ci" / "cli" / "sqpsych")).resolve()
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="sqpsych_cli_"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

DONE, FAILED, SETTINGS, TOO_MANY_FAILURES, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 75


class Result:
    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


def sqpsych(*arguments, cwd=SCRATCH, timeout=600):
    command = [str(BINARY), *(str(argument) for argument in arguments)]
    environment = dict(os.environ, SQPSYCH_CONFIGS=str(ROOT / "configs"))
    return Result(subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=cwd,
                                 env=environment, stdin=subprocess.DEVNULL, timeout=timeout))


def shell(script, cwd, timeout=900):
    """A shell script in which `sqpsych` is the binary; stops at the first failure."""
    tools = SCRATCH / "bin"
    tools.mkdir(exist_ok=True)
    if not (tools / "sqpsych").exists():
        (tools / "sqpsych").symlink_to(BINARY)
    environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", SQPSYCH_CONFIGS=str(ROOT / "configs"))
    return Result(subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True,
                                 errors="replace", cwd=cwd, env=environment, stdin=subprocess.DEVNULL, timeout=timeout))


def commands():
    """Names of all commands, as --help lists them."""
    listed = sqpsych("--help").out.split("Subcommands:")[1]
    return re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE)


def write(name, content):
    """A file below the scratch folder; dictionaries become JSON, lists of them JSON Lines."""
    path = SCRATCH / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, list):
        content = "".join(json.dumps(record) + "\n" for record in content)
    elif isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
