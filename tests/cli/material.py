"""What the tests work on, made once per test program by the commands themselves."""

import functools

from command import DONE, ROOT, SCRATCH, sqpsych, write

WORDS = "sleep work family tired morning evening friend worry hope week talk feel better slowly again".split()
SMALL = ["hidden_size=32", "num_hidden_layers=1", "intermediate_size=64", "vocabulary_size=300"]
QUICK_TRAINING = {"method": "lora", "lora_r": 2, "max_steps": 1, "per_device_train_batch_size": 1,
                  "gradient_accumulation_steps": 1, "eval_strategy": "no", "seed": 1}


def conversation(number):
    """A short invented exchange; every one is a little different."""
    pick = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 2, 3, 5)]
    return [{"role": "user", "content": f"I think about {pick[0]} and {pick[1]} number {number}."},
            {"role": "assistant", "content": f"You say {pick[2]}. What does {pick[3]} mean to you?"}]


def rows(count):
    return [{"id": f"r{i}", "client_id": f"c{i}", "messages": conversation(i), "meta": {}} for i in range(count)]


def sets(*settings):
    """--set for each."""
    return [part for setting in settings for part in ("--set", setting)]


def made(path, *arguments):
    """The path, after the command that makes it succeeded."""
    result = sqpsych(*arguments)
    assert result.code == DONE, result
    return path


@functools.cache
def text():
    return write("material/text.jsonl", rows(60))


@functools.cache
def model(context=256):
    folder = SCRATCH / "material" / f"model-{context}"
    return made(folder, "new-model", "--text", text(), "--output", folder,
                *sets(*SMALL, f"max_position_embeddings={context}"))


@functools.cache
def data():
    write("material/data/validation.jsonl", rows(4))
    return write("material/data/train.jsonl", rows(8)).parent


@functools.cache
def adapter():
    run = SCRATCH / "material" / "run"
    config = write("material/train.json", dict(QUICK_TRAINING, max_steps=20, learning_rate=0.05))
    return made(run / "adapter", "train", "--config", config, "--model", model(), "--data", data(), "--output", run)


@functools.cache
def gguf():
    file = SCRATCH / "material" / "model.gguf"
    return made(file, "export", "--model", model(), "--format", "gguf", "--type", "F32", "--output", file)


@functools.cache
def profiles():
    folder = SCRATCH / "material" / "profiles"
    return made(folder, "profiles", ROOT / "configs/examples/answers.csv", "--config",
                ROOT / "configs/profiles/example.json", "--output", folder)


@functools.cache
def sessions():
    folder = SCRATCH / "material" / "sessions"
    return made(folder, "generate", profiles(), "--config", ROOT / "configs/generate/demo.json", "--limit", "12",
                "--output", folder)
