#!/usr/bin/env python3
"""Speed and memory of loading a model, beside `cat` of the same files, both from a warm cache.

usage: bench_loading.py WORK_FOLDER     (environment: see support.py; SQPSYCH_BENCH: the benchmark program, default
build/ci/tests/benchmarks/loading_benchmark, built with -DSQPSYCH_BENCHMARKS=ON)

A random bf16 model of 2.2 GB in three shards. Best of five rounds taken in turn. A case fails below 80 % of cat's
speed, or when the resident memory at its peak is more than 1.1 times the weights.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

import torch
from safetensors.torch import save_file

from support import MODEL, ROOT, WORK, case, finish, run

BENCHMARK = pathlib.Path(os.environ.get("SQPSYCH_BENCH", ROOT / "build/ci/tests/benchmarks/loading_benchmark"))
ROUNDS = 5
HIDDEN, INNER, LAYERS, VOCABULARY = 2048, 5632, 20, 32000
SHARDS = 3


def shapes():
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        for name in "qkvo":
            yield f"{layer}self_attn.{name}_proj.weight", (HIDDEN, HIDDEN)
        for name, shape in (("gate", (INNER, HIDDEN)), ("up", (INNER, HIDDEN)), ("down", (HIDDEN, INNER))):
            yield f"{layer}mlp.{name}_proj.weight", shape
        for name in ("input", "post_attention"):
            yield f"{layer}{name}_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)


def make_model(folder):
    folder.mkdir()
    for file in MODEL.glob("tokenizer*"):
        shutil.copy(file, folder)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN,
              "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": 16,
              "num_key_value_heads": 16, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "hidden_act": "silu",
              "tie_word_embeddings": True, "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config))
    names = list(shapes())
    index = {}
    for shard in range(SHARDS):
        file = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        part = {name: torch.empty(shape, dtype=torch.bfloat16).normal_(std=0.02) for name, shape in names[shard::SHARDS]}
        save_file(part, folder / file, metadata={"format": "pt"})
        index |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return folder


def seconds_of_cat(files):
    with open(os.devnull, "w") as sink:
        started = time.perf_counter()
        subprocess.run(["cat", *files], stdout=sink, check=True)
        return time.perf_counter() - started


def measured(folder, dtype):
    """(seconds of cat, our best run)"""
    files = sorted(folder.glob("*.safetensors"))
    seconds_of_cat(files)
    cats, ours = [], []
    for _ in range(ROUNDS):
        cats.append(seconds_of_cat(files))
        ours.append(json.loads(run([BENCHMARK, folder, dtype])))
    return min(cats), min(ours, key=lambda answer: answer["seconds"])


folder = make_model(WORK / "large")
with case("a bf16 model loads at 80 % of cat's speed within 1.1 times its weights"):
    cat, ours = measured(folder, "bfloat16")
    ratio = cat / ours["seconds"]
    memory = ours["peak_bytes"] / ours["weight_bytes"]
    print(f"   {ours['weight_bytes'] / 1e9:.2f} GB: cat {cat:.3f} s, ours {ours['seconds']:.3f} s, {ratio:.2f} of its speed; "
          f"peak {memory:.3f} times the weights ({ours['before_bytes'] / 1e6:.0f} MB before loading)", flush=True)
    assert ratio >= 0.8 and memory <= 1.1, (ratio, memory)
finish()
