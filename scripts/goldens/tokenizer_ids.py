#!/usr/bin/env python3
"""Writes tests/models/tokenizers/goldens/{parts,files}.json: ids that Hugging Face tokenizers gives.

usage: tokenizer_ids.py OUTPUT_FOLDER SHARED_FOLDER       (needs tokenizers and sentencepiece; versions go into the files)
parts.json holds one small vocabulary for every part of tokenizer.json; files.json only ids of our own strings for
vocabularies that are not in this repository.
"""

import importlib.metadata
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
OUTPUT, SHARED = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.argv[1:] = [str(OUTPUT / "work")]

import sentencepiece  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers  # noqa: E402
from tokenizers.models import BPE  # noqa: E402

import tokenizer_variants as parts  # noqa: E402
from random_texts import OLD, WORDS, random_texts  # noqa: E402

SEED = 11
OLD_CHARACTERS = set(OLD)
EDGES = ["", " ", "  ", "\n", "a", " a", "a ", "I've SEEN it'S", "x\r\n\r\n y\t\tz", "1234567 ½ ⅷ 一二", "'ſ 'LL'd", "\u180e\u00a0\u3000\u2028",
         "e\u0301 é ﬁ Ａ", "🦙🦙 👩‍👩‍👧", "日本語のテキスト、そして。", "Привет, мир!", "<x>word<x>y <left> <right>  word", "▁a ▁▁b", "\U00010400\U000e0001\ue000\u0378"]


def versions():
    return {"script": "scripts/goldens/tokenizer_ids.py", "seed": SEED,
            **{name: importlib.metadata.version(name) for name in ("tokenizers", "sentencepiece")}}


def case(tokenizer, text):
    """[text, ids], and what the ids decode to where that is another text."""
    ids = tokenizer.encode(text).ids
    decoded = tokenizer.decode(ids, skip_special_tokens=False)
    return [text, ids] if decoded == text else [text, ids, decoded]


def part_goldens():
    training = [" ".join(WORDS)] * 3 + random_texts(SEED, count=30)
    models = parts.models(training, 500)
    variants, added = {}, {}
    for number, (name, variant) in enumerate(parts.variants(parts.small_charsmap(training)).items()):
        file = parts.tokenizer_file(models[variant["model"]], variant)
        tokenizer = Tokenizer.from_str(json.dumps(file))
        added[variant["model"]] = file["added_tokens"]
        random = [text[:40].replace("<0x0A>", "") for text in random_texts(SEED + 1 + number, parts.MARKERS, 4, variant["old"])]
        texts = [text for text in EDGES[4:] + random if not variant["old"] or set(text) <= OLD_CHARACTERS]
        if variant.get("normalizer"):
            texts = list(filter(parts.of_old_unicode, texts))
        sections = {key: file[key] for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder") if file[key]}
        variants[name] = {"model": variant["model"], "members": variant.get("members", {}), **sections,
                          "cases": [case(tokenizer, text) for text in texts]}
    return {"made_by": versions(), "models": models, "added_tokens": added, "variants": variants}


def split_tokenizer(folder, vocabulary, merges, digits, whole):
    lines = (folder / merges).read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    tokenizer = Tokenizer(BPE(json.loads((folder / vocabulary).read_text(encoding="utf-8")), pairs, ignore_merges=whole))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(parts.led(parts.ENDINGS, digits)), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def file_goldens():
    texts = EDGES + random_texts(SEED, count=40)
    data = SHARED / "data"
    files = {}

    def add(folder, file, split, ids_of):
        files[folder + "/" + file] = {"folder": folder, "file": file, "split": split, "ids": [ids_of(text) for text in texts]}

    for folder in ("tinystories-656k", "tok-phi3"):
        tokenizer = Tokenizer.from_file(str(data / folder / "tokenizer.json"))
        add(folder, "tokenizer.json", "", lambda text, t=tokenizer: t.encode(text, add_special_tokens=False).ids)
    qwen2 = split_tokenizer(data / "tok-qwen2", "vocab.json", "merges.txt", r"\p{N}", False)
    llama3 = split_tokenizer(data / "tok-llama3", "encoder.json", "vocab.bpe", r"\p{N}{1,3}", True)
    for folder, file, split, tokenizer in (("tok-qwen2", "vocab.json", "qwen2", qwen2), ("tok-qwen2", "qwen.tiktoken", "qwen2", qwen2),
                                           ("tok-llama3", "encoder.json", "llama3", llama3),
                                           ("tok-llama3", "tokenizer.model", "llama3", llama3)):
        add(folder, file, split, lambda text, t=tokenizer: t.encode(text).ids)
    for folder, file in (("tok-llama2", "tokenizer.model"), ("tok-mistral", "tokenizer.model.v1"),
                         ("tok-mistral", "mistral_instruct_tokenizer_240323.model.v3")):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(data / folder / file))
        add(folder, file, "", processor.encode)
    return {"made_by": versions(), "texts": texts, "files": list(files.values())}


def main():
    for name, goldens in (("parts", part_goldens()), ("files", file_goldens())):
        text = json.dumps(goldens, ensure_ascii=False, separators=(",", ":"))
        (OUTPUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (OUTPUT / "work").rmdir()


main()
