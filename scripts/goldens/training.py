#!/usr/bin/env python3
"""Writes tests/train/goldens/{schedules,adamw}.json from transformers' get_scheduler and torch.optim.AdamW.

usage: training.py OUTPUT_FOLDER       (needs torch and transformers; versions go into the files)
"""

import json
import pathlib
import re
import sys

import torch
import transformers

SEED = 7


def versions():
    return {"script": "scripts/goldens/training.py", "seed": SEED, "torch": torch.__version__,
            "transformers": transformers.__version__}


def schedule(name, warmup, total, steps):
    """Learning rate of each step, as a training loop sees it."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.25)
    scheduler = transformers.get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def schedules():
    cases = []
    for name in ("constant", "constant_with_warmup", "linear", "cosine"):
        for warmup, total in ((0, 10), (3, 10), (10, 10), (0, 1), (2, 7)):
            cases.append({"lr_scheduler_type": name, "warmup_steps": warmup, "total_steps": total,
                          "learning_rate": 0.25, "rates": schedule(name, warmup, total, total)})
    return {**versions(), "cases": cases}


def adamw(weight_decay, max_norm):
    """Two parameters (one without decay) through five steps of given gradients."""
    generator = torch.Generator().manual_seed(SEED)
    start = [torch.randn(2, 3, generator=generator), torch.randn(3, generator=generator)]
    parameters = [torch.nn.Parameter(value.clone()) for value in start]
    optimizer = torch.optim.AdamW([{"params": parameters[:1], "weight_decay": weight_decay},
                                   {"params": parameters[1:], "weight_decay": 0.0}],
                                  lr=1e-2, betas=(0.9, 0.99), eps=1e-8, foreach=False, fused=False)
    steps = []
    for step in range(5):
        gradients = [torch.randn(p.shape, generator=generator) * (step + 1) for p in parameters]
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm) if max_norm else torch.nn.utils.get_total_norm(gradients)
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = 1e-2 / (step + 1)
        optimizer.step()
        steps.append({"learning_rate": 1e-2 / (step + 1), "gradients": [g.flatten().tolist() for g in gradients],
                      "grad_norm": float(norm), "parameters": [p.detach().flatten().tolist() for p in parameters]})
    return {"weight_decay": weight_decay, "max_grad_norm": max_norm, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8,
            "start": [value.flatten().tolist() for value in start], "steps": steps}


def write(path, document):
    """Indented, every list of plain values on one line."""
    text = json.dumps(document, indent=1) + "\n"
    path.write_text(re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text))


def main(folder):
    folder = pathlib.Path(folder)
    write(folder / "schedules.json", schedules())
    cases = [adamw(0.0, 0.0), adamw(0.1, 0.0), adamw(0.1, 1.0)]
    write(folder / "adamw.json", {**versions(), "shapes": [[2, 3], [3]], "cases": cases})


if __name__ == "__main__":
    main(sys.argv[1])
