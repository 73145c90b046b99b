"""Runs the binary the way a user does: arguments in, exit status and texts out."""

import atexit
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

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

    def sentences(self):
        """Where each complaint of the program begins."""
        return [line for line in self.err.splitlines() if line.startswith("sqpsych: ")]

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


def command_line(arguments):
    return [str(BINARY), *(str(argument) for argument in arguments)]


def environment():
    return dict(os.environ, SQPSYCH_CONFIGS=str(ROOT / "configs"))


def sqpsych(*arguments, cwd=SCRATCH, timeout=600):
    return Result(subprocess.run(command_line(arguments), capture_output=True, text=True, errors="replace", cwd=cwd,
                                 env=environment(), stdin=subprocess.DEVNULL, timeout=timeout))


def start(*arguments, cwd=SCRATCH, **streams):
    """A running command; its signal handlers are in place when this returns."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    process = subprocess.Popen(command_line(arguments), text=True, errors="replace", cwd=cwd, env=environment(), **streams)
    wait_until(lambda: process.poll() is not None or catches(process.pid, signal.SIGINT), "signal handlers")
    return process


def catches(pid, number):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    mask = int(re.search(r"SigCgt:\s*(\w+)", status).group(1), 16)
    return bool(mask >> (number - 1) & 1)


def wait_until(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.002)


def ended(process, timeout=120):
    """The result of a started command."""
    out, err = process.communicate(timeout=timeout)
    return Result(subprocess.CompletedProcess(process.args, process.returncode, out, err))


def contents(folder):
    """Every path below a folder, hidden ones too, with the hash of its bytes."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in sorted(folder.rglob("*"))}


def shell(script, cwd, timeout=900):
    """A shell script in which `sqpsych` is the binary; stops at the first failure."""
    tools = SCRATCH / "bin"
    tools.mkdir(exist_ok=True)
    if not (tools / "sqpsych").exists():
        (tools / "sqpsych").symlink_to(BINARY)
    with_tools = dict(environment(), PATH=f"{tools}:{os.environ['PATH']}")
    return Result(subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True,
                                 errors="replace", cwd=cwd, env=with_tools, stdin=subprocess.DEVNULL, timeout=timeout))


def config(folder, name):
    return ["--config", ROOT / "configs" / folder / f"{name}.json"]


def commands():
    """Names of all commands, as --help lists them."""
    listed = sqpsych("--help").out.split("Commands:")[1]
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
