#!/usr/bin/env python3
"""Every part of tokenizer.json that we read, one small vocabulary each, against Hugging Face tokenizers."""

import json

from tokenizers import Tokenizer

from random_texts import WORDS, compare, random_texts
from support import WORK, case, finish
from tokenizer_variants import MARKERS, models, of_old_unicode, small_charsmap, tokenizer_file, variants

STRINGS = 5000


def check_variant(number, variant):
    folder = WORK / f"variant-{number}"
    folder.mkdir()
    text = json.dumps(tokenizer_file(MODELS[variant["model"]], variant))
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    theirs = Tokenizer.from_str(text)
    texts = [text.replace("<0x0A>", "") for text in random_texts(9, MARKERS, STRINGS, variant["old"])]
    if variant.get("normalizer"):
        texts = list(filter(of_old_unicode, texts))
    compare(folder, texts, [theirs.encode(text).ids for text in texts])


TRAINING = [" ".join(WORDS)] * 3 + random_texts(8, count=50)
MODELS = models(TRAINING, 900)
for index, (title, parts) in enumerate(variants(small_charsmap(TRAINING)).items()):
    with case(f"tokenizer.json: {title}, {STRINGS} random strings"):
        check_variant(index, parts)
finish()
