#!/usr/bin/env python3
"""Training against transformers + PEFT + torch: the same rows, the same start, the same numbers.

usage: check_training.py WORK_FOLDER    (environment: see support.py)
"""

import json
import math

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, get_scheduler

from support import MODEL, WORK, case, close, finish, lines, logits, shared, sqpsych

MAX_LENGTH = 128
STEPS = 10
torch.manual_seed(0)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def texts(count):
    """Beginnings of counselor replies of MAGneT, each with what the client said before."""
    rows = []
    for session in lines(shared("data/magnet/magnet_sessions.jsonl")):
        turns = session["dialogue"]
        for before, turn in zip(turns, turns[1:]):
            if turn["role"] == "counselor":
                rows.append((before["message"][:80].strip(), turn["message"][:100].strip()))
            if len(rows) == count:
                return rows
    raise AssertionError(f"only {len(rows)} turns found")


def write_data(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "train.jsonl", "w") as out:
        for number, (prompt, completion) in enumerate(rows):
            out.write(json.dumps({"prompt": prompt, "completion": " " + completion, "id": f"r{number}",
                                  "client_id": f"c{number}", "meta": {}}) + "\n")
    return folder / "train.jsonl"


BASE_CONFIG = {"max_steps": STEPS, "per_device_train_batch_size": 12, "gradient_accumulation_steps": 1,
               "learning_rate": 3e-3, "lr_scheduler_type": "cosine", "warmup_steps": 3, "weight_decay": 0.01,
               "max_grad_norm": 0.5, "lora_r": 4, "lora_alpha": 8, "max_length": MAX_LENGTH, "logging_steps": 1,
               "eval_strategy": "no", "save_strategy": "no", "device": "cpu", "dtype": "float32"}


def train(name, data, **changes):
    """Our run folder and its per-step records."""
    run = WORK / name
    config = write_json(WORK / f"{name}.json", {**BASE_CONFIG, **changes})
    sqpsych("train", "--config", config, "--model", MODEL, "--data", data, "--output", run)
    return run, [record for record in lines(run / "metrics.jsonl") if "loss" in record]


def reference_loop(model, rows, config):
    """A plain PyTorch loop over whole batches of (ids, supervised): losses and gradient norms."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    decays = [p for p in parameters if p.dim() > 1]
    others = [p for p in parameters if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decays, "weight_decay": config["weight_decay"]},
                                   {"params": others, "weight_decay": 0.0}], lr=config["learning_rate"])
    schedule = get_scheduler(config["lr_scheduler_type"], optimizer, config["warmup_steps"], config["max_steps"])
    losses, norms = [], []
    for _ in range(config["max_steps"]):
        total = sum(sum(mask[1:]) for _, mask in rows)
        value = 0.0
        for ids, mask in rows:
            scores = model(input_ids=torch.tensor([ids])).logits[0, :-1].float()
            targets = torch.tensor([i if m else -100 for i, m in zip(ids[1:], mask[1:])])
            loss = torch.nn.functional.cross_entropy(scores, targets, reduction="sum") / total
            loss.backward()
            value += loss.item()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, config["max_grad_norm"])))
        losses.append(value)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return losses, norms


def tokenized(rows, only_completion):
    """Ids by Hugging Face's tokenizer: text, then the end token; the first token is never predicted."""
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    result = []
    for prompt, completion in rows:
        coded = tokenizer(prompt + " " + completion, return_offsets_mapping=True)
        ids, ends = coded["input_ids"], [end for _, end in coded["offset_mapping"]]
        mask = [1 if not only_completion or end > len(prompt) else 0 for end in ends]
        if ids[-1] != tokenizer.eos_token_id:
            ids, mask = ids + [tokenizer.eos_token_id], mask + [1]
        result.append((ids, mask))
    return result


def base():
    return AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)


def compare(records, losses, norms):
    close([record["loss"] for record in records], losses, atol=1e-4)
    close([record["grad_norm"] for record in records], norms, atol=1e-4, rtol=1e-3)


def start_of(data, **changes):
    """The adapter before its first step: one step with a learning rate of 0."""
    return train("start", data, max_steps=1, learning_rate=0.0, **changes)[0] / "adapter"


def main():
    rows = texts(12)
    data = write_data(WORK / "data", rows)
    ids = tokenized(rows, only_completion=False)

    with case("LoRA: ten losses and gradient norms equal a plain PEFT loop"):
        start = start_of(data)
        run, records = train("lora", data)
        model = PeftModel.from_pretrained(base(), start, is_trainable=True)
        compare(records, *reference_loop(model, ids, BASE_CONFIG))

    with case("LoRA: the trained factors equal PEFT's"):
        ours = load_file(run / "adapter" / "adapter_model.safetensors")
        theirs = {name.replace(".default", ""): value for name, value in model.state_dict().items() if "lora_" in name}
        if set(ours) != set(theirs):
            raise AssertionError(f"names differ: {sorted(set(ours) ^ set(theirs))[:4]}")
        for name, value in ours.items():
            close(value.numpy(), theirs[name].detach().numpy(), atol=2e-3)

    with case("LoRA: the adapter folder loads in PEFT with our logits"):
        tuned = PeftModel.from_pretrained(base(), run / "adapter").eval()
        with torch.no_grad():
            theirs = tuned(input_ids=torch.tensor([ids[0][0]])).logits[0].numpy()
            plain = base()(input_ids=torch.tensor([ids[0][0]])).logits[0].numpy()
        close(logits(MODEL, ids[0][0], adapter=run / "adapter"), theirs, atol=1e-4)
        if abs(theirs - plain).max() < 1e-2:
            raise AssertionError("the adapter changes nothing")

    with case("every checkpoint loads in PEFT"):
        PeftModel.from_pretrained(base(), run / f"checkpoint-{STEPS}")

    with case("loss on completions only equals a masked loop"):
        _, masked = train("masked", data, raw_loss="completion")
        model = PeftModel.from_pretrained(base(), start, is_trainable=True)
        compare(masked, *reference_loop(model, tokenized(rows, only_completion=True), BASE_CONFIG))

    with case("rsLoRA and a pattern of modules equal PEFT"):
        changes = {"use_rslora": True, "lora_target_modules": r"model\.layers\.0\..*_proj"}
        start = train("rs-start", data, max_steps=1, learning_rate=0.0, **changes)[0] / "adapter"
        _, found = train("rs", data, **changes)
        model = PeftModel.from_pretrained(base(), start, is_trainable=True)
        compare(found, *reference_loop(model, ids, BASE_CONFIG))

    with case("gradient accumulation and packing change no loss"):
        for number, (batch, accumulation, packing) in enumerate([(6, 2, False), (3, 4, False), (1, 12, True)]):
            _, other = train(f"layout-{number}", data, per_device_train_batch_size=batch,
                             gradient_accumulation_steps=accumulation, packing=packing)
            close([r["loss"] for r in other], [r["loss"] for r in records], atol=0, rtol=1e-4)

    with case("full training: ten losses equal a plain loop, the folder loads in transformers"):
        changes = {"method": "full", "learning_rate": 1e-3}
        run, found = train("full", data, **changes)
        model = base()
        model.train()
        compare(found, *reference_loop(model, ids, {**BASE_CONFIG, **changes}))
        loaded = AutoModelForCausalLM.from_pretrained(run / "model", dtype=torch.float32).eval()
        with torch.no_grad():
            theirs = loaded(input_ids=torch.tensor([ids[1][0]])).logits[0].numpy()
        close(logits(run / "model", ids[1][0]), theirs, atol=1e-4)
        AutoTokenizer.from_pretrained(run / "model")

    with case("learning rates and epochs are those of the Trainer"):
        expected = [3e-3 * min(1, s / 3) if s < 3 else 3e-3 * 0.5 * (1 + math.cos(math.pi * (s - 3) / 7))
                    for s in range(STEPS)]
        close([r["learning_rate"] for r in records], expected, atol=1e-12)
        close([r["epoch"] for r in records], list(range(1, STEPS + 1)), atol=1e-12)

    finish()


if __name__ == "__main__":
    main()
