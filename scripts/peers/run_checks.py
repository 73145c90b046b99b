#!/usr/bin/env python3
"""Runs every check_*.py of this folder (or the ones named) and prints `N passed, N failed`.

usage: run_checks.py WORK_FOLDER [NAME ...]     NAME: of check_NAME.py; or bench_NAME
A check that ends badly, or that states nothing, counts as one failure more than its own.
"""

import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def run_check(script, work):
    """(passed, failed) of one check; its output passes through."""
    print(f"== {script.name}", flush=True)
    started = time.monotonic()
    work.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, str(script), str(work)], stdout=subprocess.PIPE, text=True)
    passed = failed = 0
    for line in process.stdout:
        print("   " + line, end="", flush=True)
        passed += line.startswith("ok ")
        failed += line.startswith("FAILED ")
    status = process.wait()
    if (status != 0 and not failed) or (status == 0 and not passed):
        print(f"   FAILED {script.name}: exit status {status} after {passed} cases", flush=True)
        failed += 1
    print(f"   {passed} passed, {failed} failed, {time.monotonic() - started:.0f} s", flush=True)
    return passed, failed


def main(arguments):
    work, names = pathlib.Path(arguments[0]), arguments[1:]
    if names:
        scripts = [script for script in sorted(HERE.glob("*_*.py"))
                   if script.stem.removeprefix("check_") in names and script.stem.startswith(("check_", "bench_"))]
    else:
        scripts = sorted(HERE.glob("check_*.py"))
    if not scripts:
        print(f"FAILED no check {' or '.join(names) or 'check_*.py'} in {HERE}")
    counts = [run_check(script, work / script.stem) for script in scripts]
    passed, failed = (sum(column) for column in zip(*counts)) if counts else (0, 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
