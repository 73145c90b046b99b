#!/usr/bin/env python3
"""Megabytes of text per second, ours and Hugging Face tokenizers, in one run on the same text.

usage: bench_tokenizers.py WORK_FOLDER     (environment: see support.py; SQPSYCH_BENCH: the benchmark program,
default build/ci/tests/benchmarks/tokenizer_benchmark, built with -DSQPSYCH_BENCHMARKS=ON)

Text: the sessions of CPsyCoun (Chinese) and MAGneT (English), one string each. One thread each, best of five rounds
taken in turn; then our threads against our one thread. Theirs is encode_batch_fast, which keeps no offsets; ours
keeps them. A case fails below twice their speed.
"""

import json
import os
import pathlib
import shutil
import time

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from support import ROOT, WORK, case, finish, run, shared
from tokenizer_variants import ENDINGS, led

BENCHMARK = pathlib.Path(os.environ.get("SQPSYCH_BENCH", ROOT / "build/ci/tests/benchmarks/tokenizer_benchmark"))
ROUNDS = 5
LEAST_RATIO = 2.0


def texts_of(name):
    if name == "cpsycoun":
        lines = shared("data/cpsycoun/cpsycound.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["text"] for line in lines]
    lines = shared("data/magnet/magnet_sessions.jsonl").read_text(encoding="utf-8").splitlines()
    return ["\n".join(text_parts(json.loads(line))) for line in lines]


def text_parts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from text_parts(part)


def byte_level(folder, vocabulary, merges, digits, whole, normalizer):
    lines = (folder / merges).read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    tokenizer = Tokenizer(BPE(json.loads((folder / vocabulary).read_text(encoding="utf-8")), pairs, ignore_merges=whole))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(led(ENDINGS, digits)), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


def folders():
    """Folders with a tokenizer.json: as it is published, or made of the published vocabulary."""
    phi3 = WORK / "phi3"
    phi3.mkdir()
    shutil.copy(shared("data/tok-phi3/tokenizer.json"), phi3)
    yield "phi-3", phi3
    for name, tokenizer in (
            ("qwen2", byte_level(shared("data/tok-qwen2"), "vocab.json", "merges.txt", r"\p{N}", False, normalizers.NFC())),
            ("llama-3", byte_level(shared("data/tok-llama3"), "encoder.json", "vocab.bpe", r"\p{N}{1,3}", True, None))):
        folder = WORK / name
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        yield name, folder


def ours(folder, texts_path, threads=1, rounds=1):
    output = run([BENCHMARK, folder, texts_path, "--threads", threads, "--rounds", rounds])
    return json.loads(output)


def theirs(tokenizer, texts):
    start = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return time.perf_counter() - start, sum(len(encoding.ids) for encoding in encodings)


def compare(name, folder, corpus, texts, path):
    start = time.perf_counter()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    load_theirs = time.perf_counter() - start
    best_ours = best_theirs = load_ours = float("inf")
    for _ in range(ROUNDS):
        mine = ours(folder, path)
        seconds, tokens = theirs(tokenizer, texts)
        assert mine["tokens"] == tokens, f"found {mine['tokens']} tokens, theirs are {tokens}"
        best_ours, best_theirs = min(best_ours, mine["seconds"]), min(best_theirs, seconds)
        load_ours = min(load_ours, mine["load_seconds"])
    size = mine["bytes"] / 1e6
    many = os.cpu_count()
    threaded = ours(folder, path, threads=many, rounds=ROUNDS)["seconds"]
    warm = ours(folder, path, rounds=ROUNDS)["seconds"]
    print(f"   {name} on {corpus} ({size:.1f} MB): ours {size / best_ours:.1f} MB/s, theirs {size / best_theirs:.1f} MB/s, "
          f"{best_theirs / best_ours:.1f} x; {many} threads {warm / threaded:.2f} x one; "
          f"loading {load_ours:.2f} s, theirs {load_theirs:.2f} s", flush=True)
    assert best_theirs / best_ours >= LEAST_RATIO, f"{best_theirs / best_ours:.2f} x, expected at least {LEAST_RATIO}"


os.environ["TOKENIZERS_PARALLELISM"] = "false"
for tokenizer_name, tokenizer_folder in folders():
    for corpus_name in ("cpsycoun", "magnet"):
        corpus_texts = texts_of(corpus_name)
        corpus_path = WORK / f"{corpus_name}.jsonl"
        corpus_path.write_text("".join(json.dumps(text) + "\n" for text in corpus_texts), encoding="utf-8")
        with case(f"{tokenizer_name} on {corpus_name}: at least {LEAST_RATIO} x Hugging Face tokenizers"):
            compare(tokenizer_name, tokenizer_folder, corpus_name, corpus_texts, corpus_path)
finish()
