#!/usr/bin/env python3
"""Our dataset folders through the eyes of others: `datasets.load_dataset`, TRL's shapes, LLaMA-Factory's file."""

import collections
import json
import os
import pathlib

from support import WORK, case, finish, shared, sqpsych

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
import datasets  # noqa: E402 - the variables must stand before

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs" / "dataset"
SPLITS = ("train", "validation", "test")


def build(name, files, *extra):
    output = WORK / f"{name}-{len(extra)}"
    sqpsych("dataset", *[shared(file) for file in files], "--config", CONFIGS / f"{name}.json", "--output", output, *extra)
    return output


def load(folder):
    """Split -> list of rows, as the card's front matter names them; all splits must have the same features."""
    loaded = datasets.load_dataset(str(folder), cache_dir=str(WORK / "cache"))
    features = {str(split.features) for split in loaded.values()}
    assert len(features) == 1, f"features differ between splits: {features}"
    return {name: split.to_list() for name, split in loaded.items()}


def check_messages(rows):
    weights = collections.Counter()
    for split in rows.values():
        for row in split:
            roles = [message["role"] for message in row["messages"]]
            turns = roles[1:] if roles[0] == "system" else roles
            # LLaMA-Factory: user and assistant in turn, an even number of them.
            assert turns == ["user", "assistant"] * (len(turns) // 2) and turns, f"{row['id']}: {roles}"
            assert all(message["content"] for message in row["messages"]), row["id"]
            weights.update("weight" in message and message["weight"] is not None for message in row["messages"])
    assert len(weights) == 1, f"weights on some messages only: {weights}"


def check_clients(rows):
    split_of = {}
    for split, entries in rows.items():
        for row in entries:
            assert split_of.setdefault(row["client_id"], split) == split, f"{row['client_id']} is in two splits"
    return split_of


def check_llama_factory(folder):
    info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    assert info
    for name, entry in info.items():
        assert (folder / entry["file_name"]).stat().st_size > 0, name
        first = json.loads((folder / entry["file_name"]).open(encoding="utf-8").readline())
        for column in entry["columns"].values():
            assert column in first, f"{name}: no column {column}"


with case("MAGneT: 150 clients, no client in two splits"):
    folder = build("magnet", ["data/magnet/magnet_sessions.jsonl"], "--set", "filters.max_placeholders=null")
    rows = load(folder)
    assert sum(len(split) for split in rows.values()) == 442
    assert len(check_clients(rows)) == 150
    check_messages(rows)
    check_llama_factory(folder)

for name, files in {
    "esconv": [f"data/esconv/{split}.txt" for split in ("train", "valid", "test")],
    "annomi": ["data/annomi/AnnoMI-simple.csv"],
    "cpsycoun": ["data/cpsycoun/cpsycound.jsonl"],
    "counsel_chat": ["data/counsel-chat/counsel_chat.jsonl"],
}.items():
    with case(f"{name}: alternating messages, one schema, clients apart"):
        folder = build(name, files)
        rows = load(folder)
        assert set(rows) == set(SPLITS)
        check_clients(rows)
        check_messages(rows)
        check_llama_factory(folder)

with case("rows: turn carry weights in one schema"):
    folder = build("annomi", ["data/annomi/AnnoMI-simple.csv"], "--set", "rows=turn")
    rows = load(folder)
    check_messages(rows)
    for split in rows.values():
        for row in split:
            trained = [message["weight"] for message in row["messages"]]
            assert trained[-1] == 1 and sum(trained) == 1, row["id"]

with case("rows: raw are prompt and completion texts, one space between them"):
    folder = build("counsel_chat", ["data/counsel-chat/counsel_chat.jsonl"], "--set", "rows=raw", "--set", "system.text=S")
    rows = load(folder)
    assert all(row["completion"].startswith(" ") and row["prompt"].endswith("Therapist:") for row in rows["train"])
    check_llama_factory(folder)

with case("the same command makes the same bytes"):
    again = WORK / "annomi-again"
    sqpsych("dataset", shared("data/annomi/AnnoMI-simple.csv"), "--config", CONFIGS / "annomi.json", "--output", again)
    for split in SPLITS:
        assert (WORK / "annomi-0" / f"{split}.jsonl").read_bytes() == (again / f"{split}.jsonl").read_bytes(), split

finish()
