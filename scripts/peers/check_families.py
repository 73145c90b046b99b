#!/usr/bin/env python3
"""Every family from a new model to a file that stock llama.cpp runs, and against transformers and PEFT on the way.

usage: check_families.py WORK_FOLDER    (environment: see support.py)
"""

import json
import re
import subprocess

from support import (BINARY, SMALL_PROMPTS, SMALL_ROW, WORK, agree_over_prompts, case, close, finish, logits, new_model, sqpsych,
                     their_logits, training_text)

NEW_TOKENS = 32
# Six layers show every pattern of windows; a quarter of the context is a window. Weights are large
# enough that the best token is clear.
SIZES = {"vocabulary_size": 400, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 6,
         "max_position_embeddings": 128, "initializer_range": 0.15}
# Architectures without windows in llama.cpp are compared where the model's own window does not act.
LONGER = {"mistral": {"max_position_embeddings": 1024}}


def families():
    """The list that the program itself gives for an unknown name."""
    done = subprocess.run([BINARY, "new-model", "--text", training_text(), "--family", "?", "--output", WORK / "none"],
                          capture_output=True, text=True)
    return re.findall(r"'([a-z0-9_]+)'", done.stderr.split("expected", 1)[1])


def train(family, base):
    data = WORK / "data"
    data.mkdir(exist_ok=True)
    with open(data / "train.jsonl", "w") as rows:
        for i in range(20):
            rows.write(json.dumps({"prompt": f"Sentence {i} speaks of", "completion": f" worries number {i * 7 % 101}.",
                                   "id": f"r{i}", "client_id": f"c{i}", "meta": {}}) + "\n")
    config = WORK / "train.json"
    config.write_text(json.dumps({"max_steps": 5, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1,
                                  "learning_rate": 1e-2, "lora_r": 4, "lora_alpha": 8, "max_length": 64,
                                  "logging_steps": 1, "eval_strategy": "no", "save_strategy": "no", "device": "cpu",
                                  "dtype": "float32", "num_sample_replies": 0}))
    run = WORK / family / "run"
    sqpsych("train", "--config", config, "--model", base, "--data", data / "train.jsonl", "--output", run)
    losses = [json.loads(line)["loss"] for line in open(run / "metrics.jsonl") if '"loss"' in line]
    assert len(losses) == 5 and losses[-1] < losses[0], losses
    return run / "adapter"


names = families()
assert len(names) > 10, names
for family in names:
    with case(f"{family}: a new model has transformers' logits beyond its window"):
        base = new_model(WORK / family / "base", {**SIZES, **LONGER.get(family, {})}, family)
        close(logits(base, SMALL_ROW), their_logits(base, SMALL_ROW))
    with case(f"{family}: five LoRA steps, PEFT loads the adapter with our logits"):
        adapter = train(family, base)
        tuned = logits(base, SMALL_ROW, adapter=adapter)
        assert abs(tuned - logits(base, SMALL_ROW)).max() > 1e-2, "the adapter does nothing"
        close(tuned, their_logits(base, SMALL_ROW, adapter), atol=2e-4)
    with case(f"{family}: the merged folder loads in transformers with the adapter's logits"):
        merged = WORK / family / "merged"
        sqpsych("export", "--model", base, "--adapter", adapter, "--format", "huggingface", "--output", merged)
        close(their_logits(merged, SMALL_ROW), tuned, atol=2e-4)
    with case(f"{family}: merged, as GGUF F32, agrees with stock llama.cpp and with our own reader"):
        gguf = WORK / family / "merged.gguf"
        sqpsych("export", "--model", merged, "--format", "gguf", "--type", "F32", "--output", gguf)
        sqpsych("verify", gguf)
        close(logits(gguf, SMALL_ROW), tuned, atol=2e-4)
        agree_over_prompts(gguf, SMALL_PROMPTS, merged, n=NEW_TOKENS)

finish()
