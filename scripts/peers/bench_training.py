#!/usr/bin/env python3
"""Tokens per second of LoRA training, ours and a plain transformers + PEFT loop, one after the other.

usage: bench_training.py WORK_FOLDER     (environment: see support.py)

8 layers, hidden 512, vocabulary 8,000; rows of 32 to 256 tokens. The PEFT loop pads each batch, as
the usual data collator does; both count real tokens only. Best of two rounds taken in turn.
"""

import json
import os
import random
import shutil
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from support import MODEL, WORK, case, finish, lines, sqpsych

ROWS_PER_STEP = 8
STEPS = 12
ROUNDS = 2


def write_model(folder):
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=8000, hidden_size=512, intermediate_size=1408, num_hidden_layers=8,
                         num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=512,
                         tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(MODEL / name, folder / name)


def write_rows(path, count):
    """Texts of very different lengths, made of words that are one token each or nearly so."""
    rng = random.Random(0)
    words = "the little girl was sad and her mom said do you want to talk about it".split()
    rows = [{"prompt": " ".join(rng.choices(words, k=rng.randint(10, 60))),
             "completion": " " + " ".join(rng.choices(words, k=rng.randint(15, 160))), "id": str(i)} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def ours(model, data, dtype):
    config = WORK / f"bench-{dtype}.json"
    config.write_text(json.dumps({"max_steps": STEPS, "per_device_train_batch_size": ROWS_PER_STEP, "lora_r": 16,
                                  "lora_alpha": 32, "max_length": 512, "logging_steps": 1, "eval_strategy": "no",
                                  "save_strategy": "no", "device": "cpu", "dtype": dtype}))
    run = WORK / f"bench-{dtype}"
    sqpsych("train", "--config", config, "--model", model, "--data", data, "--output", run, "--restart")
    rates = [record["tokens_per_second"] for record in lines(run / "metrics.jsonl") if "loss" in record][2:]
    return len(rates) / sum(1 / rate for rate in rates)


def theirs(folder, rows, dtype):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-4, fused=True)
    tokens, started = 0, 0.0
    for step in range(STEPS):
        if step == 2:
            tokens, started = 0, time.monotonic()
        batch = [rows[(step * ROWS_PER_STEP + i) % len(rows)] for i in range(ROWS_PER_STEP)]
        coded = [tokenizer(row["prompt"] + row["completion"])["input_ids"] + [2] for row in batch]
        width = max(map(len, coded))
        ids = torch.tensor([ids + [2] * (width - len(ids)) for ids in coded])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in coded])
        model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += sum(map(len, coded))
    return tokens / (time.monotonic() - started)


model = WORK / "model"
write_model(model)
data = WORK / "rows.jsonl"
rows = write_rows(data, ROWS_PER_STEP * STEPS)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))))
for dtype in ("float32", "bfloat16"):
    with case(f"LoRA training in {dtype} is no slower than transformers and PEFT"):
        peer = mine = 0
        for _ in range(ROUNDS):
            peer = max(peer, theirs(model, rows, dtype))
            mine = max(mine, ours(model, data, dtype))
        print(f"   {dtype}, {torch.get_num_threads()} threads: ours {mine:.0f} tokens/s, theirs {peer:.0f}, {mine / peer:.2f} x",
              flush=True)
        assert mine >= peer, f"{mine / peer:.2f} x"
finish()
