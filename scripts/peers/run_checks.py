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
    known = {script.stem.removeprefix("check_"): script for script in sorted(HERE.glob("check_*.py"))}
    chosen = names or list(known)
    known |= {script.stem: script for script in HERE.glob("bench_*.py")}
    unknown = [name for name in chosen if name not in known]
    for name in unknown:
        print(f"FAILED {name}: found no such check in {HERE}, expected one of {', '.join(known)}")
    counts = [run_check(known[name], work / known[name].stem) for name in chosen if name in known]
    passed, failed = (sum(column) for column in zip((0, len(unknown) or not counts), *counts))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
