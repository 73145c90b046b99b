#!/usr/bin/env python3
"""The main job on real input, end to end, each product judged by the program that reads it.

usage: check_pipeline.py WORK_FOLDER   (run by scripts/test_peers.sh)
"""

import numpy as np

from support import (MODEL, ROOT, STORY, WORK, agree_with_oracle, case, close, export, finish, lines, logits, shared, sqpsych,
                     their_logits)

CONFIGS = ROOT / "configs"
IDS = [1, *STORY]
adapter = WORK / "run/adapter"


with case("NHANES answers become profiles, scripted sessions and a data set"):
    folder = shared("data/nhanes-phq9")
    sqpsych("profiles", folder / "P_DPQ.xpt", folder / "P_DEMO.xpt", "--config", CONFIGS / "profiles/nhanes.json",
            "--output", WORK / "profiles")
    profiles = lines(WORK / "profiles/profiles.jsonl")
    skipped = lines(WORK / "profiles/skipped.jsonl")
    assert len(profiles) + len(skipped) == 8965, (len(profiles), len(skipped))
    totals = [profile["questionnaires"][0]["scores"][0] for profile in profiles
              if all(item["value"] is not None for item in profile["questionnaires"][0]["items"]
                     if item["id"] in [f"item{n}" for n in range(1, 10)])]
    assert len(totals) == 8276, len(totals)
    assert sum(total["value"] >= 10 for total in totals) == 767
    sqpsych("generate", WORK / "profiles", "--config", CONFIGS / "generate/demo.json", "--limit", "200",
            "--output", WORK / "sessions")
    sessions = lines(WORK / "sessions/sessions.jsonl")
    assert len(sessions) == 200 and all(session["status"] == "complete" for session in sessions)
    assert all(message["model"].startswith("scripted:") for session in sessions for message in session["messages"])
    sqpsych("dataset", WORK / "sessions/sessions.jsonl", "--config", CONFIGS / "dataset/sessions.json",
            "--output", WORK / "nhanes-rows")
    splits = [{row["client_id"] for row in lines(WORK / f"nhanes-rows/{name}.jsonl")}
              for name in ("train", "validation", "test")]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 200, [len(split) for split in splits]

with case("MAGneT becomes a data set of 150 clients, no client twice"):
    sqpsych("dataset", shared("data/magnet") / "magnet_sessions.jsonl", "--config", CONFIGS / "dataset/magnet.json",
            "--output", WORK / "magnet")
    splits = [{row["client_id"] for row in lines(WORK / f"magnet/{name}.jsonl")}
              for name in ("train", "validation", "test")]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 150, [len(split) for split in splits]

with case("30 LoRA steps on it: the loss falls, PEFT loads the adapter with our logits"):
    sqpsych("train", "--config", CONFIGS / "train/lora.json", "--model", MODEL, "--data", WORK / "magnet",
            "--output", WORK / "run", "--set", "chat_template=chatml", "--set", "max_steps=30",
            "--set", "per_device_train_batch_size=1", "--set", "gradient_accumulation_steps=2",
            "--set", "learning_rate=2e-3", "--set", "eval_strategy=no", "--set", "eval_on_start=false",
            "--set", "load_best_model_at_end=false",
            "--set", "logging_steps=1", "--set", "max_length=512", "--set", "num_sample_replies=0")
    losses = [row["loss"] for row in lines(WORK / "run/metrics.jsonl") if "loss" in row]
    assert len(losses) == 30 and np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3, losses
    export(WORK / "base", "--model", MODEL, "--format", "huggingface")
    ours = logits(MODEL, IDS, adapter=adapter)
    assert np.abs(ours - logits(MODEL, IDS)).max() > 0.1, "the adapter does nothing"
    close(ours, their_logits(WORK / "base", IDS, adapter))

with case("the merged folder loads in transformers with the adapter's logits"):
    export(WORK / "merged", "--model", MODEL, "--adapter", adapter, "--format", "huggingface")
    close(their_logits(WORK / "merged", IDS), ours)

with case("GGUF F32 of the base agrees with stock llama.cpp"):
    agree_with_oracle(export(WORK / "base.gguf", "--model", MODEL, "--format", "gguf", "--type", "F32"), MODEL)

with case("GGUF F32 of the merged model agrees with stock llama.cpp"):
    merged = export(WORK / "merged.gguf", "--model", MODEL, "--adapter", adapter, "--format", "gguf", "--type", "F32")
    agree_with_oracle(merged, MODEL, adapter=adapter)

with case("the GGUF adapter on the base agrees with stock llama.cpp"):
    lora = export(WORK / "adapter.gguf", "--model", MODEL, "--adapter", adapter, "--format", "gguf-adapter")
    agree_with_oracle(WORK / "base.gguf", MODEL, adapter=adapter, lora=lora)
    for name in ("base.gguf", "merged.gguf", "adapter.gguf"):
        sqpsych("verify", WORK / name)

finish()
