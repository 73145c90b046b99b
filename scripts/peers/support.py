"""What every check_*.py shares: our binary, the other programs, comparisons, the account of cases.

A check is `scripts/peers/check_NAME.py WORK_FOLDER`; scripts/test_peers.sh runs all of them with
    SQPSYCH_BIN     our binary                    SQPSYCH_SHARED  folder of real inputs
    ORACLE_DIR      folder with stock llama.cpp   (node_modules/node-llama-cpp)
and counts the lines `ok NAME` and `FAILED NAME: reason` that `case` prints. A check looks like

    from support import MODEL, WORK, case, close, export, finish, logits, their_logits
    with case("merged folder loads in transformers"):
        merged = export(WORK / "merged", "--model", MODEL, "--adapter", adapter, "--format", "huggingface")
        close(their_logits(merged, ids), logits(MODEL, ids, adapter=adapter))
    finish()
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SQPSYCH_BIN", ROOT / "build" / "ci" / "cli" / "sqpsych"))
SHARED = pathlib.Path(os.environ.get("SQPSYCH_SHARED", ROOT.parent / "shared"))
ORACLE_DIR = pathlib.Path(os.environ.get("ORACLE_DIR", ROOT / ".peers" / "oracle"))
GREEDY_SCRIPT = pathlib.Path(__file__).with_name("llama_greedy.mjs").resolve()
WORK = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "peers-work").resolve()
WORK.mkdir(parents=True, exist_ok=True)

_passed = 0
_failed = 0


@contextlib.contextmanager
def case(name):
    """Runs the block as one counted case; an exception fails this case and the next one still runs."""
    global _passed, _failed
    started = time.monotonic()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every fault of a case is its result
        _failed += 1
        reason = " ".join(str(error).split())[:600] or type(error).__name__
        print(f"FAILED {name}: {reason}", flush=True)
        traceback.print_exc()
    else:
        _passed += 1
        print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)


def finish():
    """Ends the check: 0 only when at least one case passed and none failed."""
    sys.exit(0 if _passed and not _failed else 1)


def shared(relative):
    """A real input; its absence is a failure, never a skip."""
    path = SHARED / relative
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; set SQPSYCH_SHARED")
    return path


def lines(path):
    """The records of a JSON Lines file."""
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def run(command, expect=0, cwd=None, timeout=900):
    """Runs a program to its end and returns its stdout; another exit status is an error with its stderr."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, timeout=timeout)
    if done.returncode != expect:
        shown = " ".join(str(part) for part in command)
        raise AssertionError(f"`{shown}` ended with {done.returncode}, expected {expect}: "
                             f"{done.stderr[-1500:]} {done.stdout[-500:]}")
    return done.stdout


def sqpsych(*arguments, expect=0, timeout=900):
    """Our binary: sqpsych("export", "--model", folder, ...) -> stdout."""
    return run([BINARY, *arguments], expect=expect, timeout=timeout)


def export(output, *arguments):
    """Our export of a model or adapter -> the path written."""
    sqpsych("export", *arguments, "--output", output)
    return output


def training_text():
    """A file of sentences that a vocabulary can be trained on."""
    path = WORK / "text.txt"
    path.write_text("".join(f"Sentence {i} speaks of sleep, work and worries number {i * 37 % 101}.\n" for i in range(400)))
    return path


def new_model(folder, settings, family="llama"):
    """Our new model of a family, its vocabulary trained on training_text()."""
    sqpsych("new-model", "--text", training_text(), "--family", family, "--output", folder,
            *[part for key, value in settings.items() for part in ("--set", f"{key}={value}")])
    return folder


def ids_text(ids):
    return ",".join(str(int(i)) for i in ids)


def logits_of_rows(model, rows, adapter=None):
    """Our fp32 logits [tokens, vocabulary] of every row, as float32 arrays; each row is computed for itself."""
    from safetensors.numpy import load_file
    output = WORK / "logits.safetensors"
    output.unlink(missing_ok=True)
    extra = ["--adapter", adapter] if adapter else []
    sqpsych("logits", "--model", model, *extra, *[part for ids in rows for part in ("--ids", ids_text(ids))], "--output", output)
    tensors = load_file(output)
    names = ["logits"] if len(rows) == 1 else [f"logits.{i}" for i in range(len(rows))]
    assert sorted(tensors) == sorted(names), sorted(tensors)
    return [tensors[name].astype(np.float32) for name in names]


def logits(model, ids, adapter=None):
    return logits_of_rows(model, [ids], adapter)[0]


def their_logits(folder, ids, adapter=None):
    """The same from transformers, with PEFT for an adapter; every tensor of the folder must be used."""
    import torch
    from transformers import AutoModelForCausalLM
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    if adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model.eval()(torch.tensor([list(ids)])).logits[0].float().numpy()


def oracle_greedy(gguf, prompts, n=32, lora=None):
    """Stock llama.cpp's greedy continuations of prompts (ids or text): [{"prompt": ids, "greedy": ids, ...}]."""
    request = json.dumps({"prompts": prompts, "n": n, "lora": str(lora) if lora else None})
    return json.loads(run(["node", GREEDY_SCRIPT, gguf, request], cwd=ORACLE_DIR))


def oracle_refuses(gguf):
    """True when stock llama.cpp does not load the file."""
    command = ["node", str(GREEDY_SCRIPT), str(gguf), json.dumps({"prompts": [[1]], "n": 1})]
    return subprocess.run(command, capture_output=True, cwd=ORACLE_DIR, timeout=300).returncode != 0


def close(actual, expected, atol=1e-4, rtol=0.0):
    """Largest difference within the bound; the message gives index, both values and the bound."""
    actual = np.asarray(actual, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    if actual.shape != expected.shape:
        raise AssertionError(f"shape {actual.shape}, expected {expected.shape}")
    if not (np.isfinite(actual).all() and np.isfinite(expected).all()):
        raise AssertionError("a value is not finite")
    excess = np.abs(actual - expected) - (atol + rtol * np.abs(expected))
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    if excess[worst] > 0:
        raise AssertionError(f"at {worst}: found {actual[worst]:.8g}, expected {expected[worst]:.8g} within {atol} + {rtol} x |expected|")
    return float(np.abs(actual - expected).max())


def agree_with_greedy(our_logits, num_prompt, greedy, gap=1e-2):
    """Teacher-forced agreement: `our_logits` [prompt + greedy tokens, vocabulary] of the oracle's own
    sequence. Wherever our best two logits differ by more than `gap` the oracle must have taken our
    best token. Returns (qualifying, what differs, one sentence a step).
    """
    qualifying = 0
    differing = []
    for step, token in enumerate(greedy):
        row = our_logits[num_prompt - 1 + step]
        second, best = np.partition(row, -2)[-2:]
        if best - second <= gap:
            continue
        qualifying += 1
        if int(np.argmax(row)) != token:
            differing.append(f"step {step}: our best token is {int(np.argmax(row))} by {best - second:.4f}, llama.cpp took {token}")
    return qualifying, differing


def agree_over_prompts(gguf, prompts, model, adapter=None, n=64, lora=None, gap=1e-2, min_share=0.9):
    """10 prompts x 64 tokens as one statement: stock llama.cpp on `gguf` (+ `lora`) against our logits of `model`
    (+ `adapter`). Every difference is counted before the check fails, so that its message tells one step from many."""
    # An empty answer: llama.cpp stopped at once on an end token.
    answers = [answer for answer in oracle_greedy(gguf, prompts, n=n, lora=lora) if answer["greedy"]]
    total = sum(len(answer["greedy"]) for answer in answers)
    if total < len(prompts) * n // 2:
        raise AssertionError(f"llama.cpp gave {total} tokens for {len(prompts)} prompts, expected up to {n} for each")
    qualifying = 0
    differing = []
    ours = logits_of_rows(model, [answer["prompt"] + answer["greedy"] for answer in answers], adapter)
    for answer, our_logits in zip(answers, ours, strict=True):
        here, others = agree_with_greedy(our_logits, len(answer["prompt"]), answer["greedy"], gap)
        qualifying += here
        differing += others
    if differing:
        raise AssertionError(f"{len(differing)} of {qualifying} positions differ: {'; '.join(differing[:3])}")
    if qualifying < min_share * total:
        raise AssertionError(f"only {qualifying} of {total} positions have a clear best token, expected {min_share:.0%}")
    print(f"   {qualifying} of {total} positions compared", flush=True)


def agree_with_oracle(gguf, model, adapter=None, lora=None):
    agree_over_prompts(gguf, STORY_PROMPTS, model, adapter, lora=lora)


MODEL = shared("data/tinystories-656k")
STORY = json.loads((MODEL / "golden_greedy.json").read_text())["greedy_ids"]
# Of models with a vocabulary of some hundred tokens: prompts to go on with, and a row longer than their windows.
SMALL_PROMPTS = [[1, 7 * i + 5, 11 * i + 3, 200 - 9 * i] for i in range(10)]
SMALL_ROW = [(7 * i + i * i // 3) % 300 for i in range(100)]
# Any ids do as prompts; these begin stories in the model's training data or cut into their middle.
STORY_PROMPTS = [[1]] + [[1, *STORY[start:start + 4]] for start in range(0, 63, 7)]
