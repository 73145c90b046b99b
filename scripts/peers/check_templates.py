#!/usr/bin/env python3
"""Chat templates against transformers: every template of the real inputs and our own, fixed and random conversations."""

import json
import pathlib
import random
import shutil
import sys

import jinja2.exceptions
import transformers
from transformers.utils.chat_template_utils import render_jinja_template

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import template_cases as cases  # noqa: E402
from support import SHARED, WORK, case, finish, shared, sqpsych  # noqa: E402

PIECES = ["Hi", " ", "\n", "\n\n", "{{ x }}", "{% if %}", "</think>", "<think>", "ü", "日本", "🦙", "<|im_end|>", "'", '"', "\\n",
          "\u2028", "\u00a0", "</s>", "a b", "\r\n", "#", "[INST]", "\t", "<b>", "0"]


def random_conversations(seed, count=60):
    source = random.Random(seed)
    conversations = []
    for _ in range(count):
        turns = [("system", text(source))] if source.random() < 0.4 else []
        for i in range(source.randrange(1, 8)):
            turns.append(("user" if i % 2 == 0 else "assistant", text(source)))
        conversations.append(turns)
    return conversations


def text(source):
    return "".join(source.choice(PIECES) for _ in range(source.randrange(0, 6)))


def folder_with(name, source, tokens):
    """A tokenizer that has the template's special tokens, and the template."""
    folder = WORK / name
    folder.mkdir()
    tokenizer = json.loads(shared("data/tok-phi3/tokenizer.json").read_text(encoding="utf-8"))
    known = set(tokenizer["model"]["vocab"]) | {token["content"] for token in tokenizer["added_tokens"]}
    next_id = max(token["id"] for token in tokenizer["added_tokens"]) + 1
    for token in sorted(set(tokens.values()) - known):
        tokenizer["added_tokens"].append({"id": next_id, "content": token, "single_word": False, "lstrip": False,
                                          "rstrip": False, "normalized": False, "special": True})
        next_id += 1
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokens, "tokenizer_class": "PreTrainedTokenizerFast"}))
    (folder / "chat_template.jinja").write_text(source, encoding="utf-8")
    return folder


def rendered(folder, conversations, prompt, variables, expect=0):
    rows = WORK / "rows.jsonl"
    rows.write_text("".join(json.dumps({"messages": cases.messages(turns)}) + "\n" for turns in conversations), encoding="utf-8")
    flags = ["--generation-prompt"] if prompt else []
    settings = ["--set", "chat_template_kwargs=" + json.dumps(variables)] if variables else []
    return sqpsych("render", "--model", folder, rows, *flags, *settings, expect=expect)


def tokenized(folder, texts, *flags):
    file = WORK / "texts.jsonl"
    file.write_text("".join(json.dumps(entry) + "\n" for entry in texts), encoding="utf-8")
    return [json.loads(line) for line in sqpsych("tokenize", "--model", folder, "--file", file, *flags).split("\n")[:-1]]


def compare(folder, source, tokens, variables):
    for prompt in (False, True):
        accepted, expected = [], []
        for turns in cases.CONVERSATIONS + random_conversations(7):
            try:
                texts, _ = render_jinja_template([cases.messages(turns)], chat_template=source, add_generation_prompt=prompt,
                                                 **tokens, **variables)
                accepted.append(turns)
                expected.append(texts[0])
            except jinja2.exceptions.TemplateError:
                if turns in cases.CONVERSATIONS:
                    rendered(folder, [turns], prompt, variables, expect=2)
        found = [json.loads(line) for line in rendered(folder, accepted, prompt, variables).split("\n")[:-1]]
        for turns, ours, theirs in zip(accepted, found, expected, strict=True):
            assert ours == theirs, f"{turns}: {ours!r} is not {theirs!r}"
        assert len(accepted) >= 12, f"only {len(accepted)} conversations were rendered"


def check_ids():
    """Ids of a folder as it is: where contents hold no special token they are transformers' own."""
    folder = WORK / "phi3-folder"
    folder.mkdir()
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(shared(f"data/tok-phi3/{file}"), folder / file)
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(str(folder))
    conversations = [turns for turns in cases.CONVERSATIONS[:12] if not any("<|" in content for _, content in turns)]
    texts = [json.loads(line) for line in rendered(folder, conversations, False, {}).split("\n")[:-1]]
    for turns, ours in zip(conversations, texts, strict=True):
        assert ours == theirs.apply_chat_template(cases.messages(turns), tokenize=False), turns
    for turns, ours in zip(conversations, tokenized(folder, texts, "--no-special"), strict=True):
        assert ours == theirs.apply_chat_template(cases.messages(turns), tokenize=True)["input_ids"], turns


def check_named_tokens():
    """Every way in which the small files name special tokens; some of them the vocabulary has not."""
    folder = WORK / "named-tokens"
    folder.mkdir()
    shutil.copy(shared("data/tok-phi3/tokenizer.json"), folder / "tokenizer.json")
    flagged = {"__type": "AddedToken", "content": "\u2581the", "lstrip": True, "rstrip": False, "normalized": False,
               "single_word": False}
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "mask_token": flagged,
        "pad_token": "[PAD]", "image_token": "<img>", "add_bos_token": False, "additional_special_tokens": ["ing"],
        "extra_special_tokens": {"video_token": "<vid>", "odd": "<odd>"}}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|end|>", "sep_token": "and"}))
    names = ["bos_token", "eos_token", "unk_token", "pad_token", "mask_token", "sep_token", "cls_token", "image_token",
             "video_token", "odd"]
    (folder / "chat_template.jinja").write_text("".join("{{ %s }}|" % name for name in names) + "{{ messages[0].content }}")
    theirs = transformers.AutoTokenizer.from_pretrained(str(folder))
    talk = [("user", "Hi")]
    assert json.loads(rendered(folder, [talk], False, {})) == theirs.apply_chat_template(cases.messages(talk), tokenize=False)
    texts = ["bringing and\u2581the sand", "  \u2581the<|end|>and", " ing[PAD"]
    for entry, ours in zip(texts, tokenized(folder, texts), strict=True):
        assert ours == theirs(entry)["input_ids"], (entry, ours, theirs(entry)["input_ids"])


for name in cases.SHARED_TEMPLATES:
    with case(f"chat template of {name}: fixed and random conversations as transformers"):
        source, tokens, variables = cases.shared_template(SHARED / "data", name)
        compare(folder_with(name, source, tokens), source, tokens, variables)
for name, source in cases.own_templates().items():
    with case(f"our template {name}: fixed and random conversations as transformers"):
        tokens = cases.own_special_tokens(name)
        compare(folder_with("own-" + name, source, tokens), source, tokens, {})
with case("phi-3's folder: text and ids as transformers"):
    check_ids()
with case("tokens that the small files name: template and ids as transformers"):
    check_named_tokens()
finish()
