#!/usr/bin/env python3
"""Every part of tokenizer.json that we read, one small vocabulary each, against Hugging Face tokenizers."""

import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE

from random_texts import WORDS, compare, random_texts
from support import WORK, case, finish

TOKENS = [AddedToken("<x>", special=True, normalized=False), AddedToken("<left>", lstrip=True, normalized=False),
          AddedToken("<right>", rstrip=True, special=True, normalized=False), AddedToken("word", single_word=True, normalized=False),
          AddedToken("the ", normalized=True), AddedToken("é", normalized=True), AddedToken("<x>y", normalized=False)]
MARKERS = ["<x>", " <left>", "<right> \n", "word", " word ", "the ", "é", "<x>y", "e\u0301"]
PATTERN = Regex(r"\p{L}+|\p{N}{1,2}")


def byte_level(prefix, regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def split(behavior, invert=False, pattern=PATTERN):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, behavior, invert), byte_level(False, False)])


def metaspace(scheme, cut):
    return pre_tokenizers.Metaspace(prepend_scheme=scheme, split=cut)


BYTES = {"unk_token": None}
PIECES = {"unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True}
VARIANTS = {
    "ByteLevel with prefix space": (BYTES, None, byte_level(True, True)),
    "ByteLevel": (BYTES, None, byte_level(False, True)),
    "ByteLevel whole pieces": ({**BYTES, "ignore_merges": True}, None, byte_level(False, True)),
    "NFC": (BYTES, normalizers.NFC(), byte_level(False, True)),
    "NFD": (BYTES, normalizers.NFD(), byte_level(False, True)),
    "NFKC": (BYTES, normalizers.NFKC(), byte_level(False, True)),
    "NFKD": (BYTES, normalizers.NFKD(), byte_level(False, True)),
    "Replace": (BYTES, normalizers.Sequence([normalizers.Replace(Regex(r"\s+"), "_"), normalizers.Replace("e", "EE"),
                                             normalizers.Prepend("~")]), byte_level(False, False)),
    "Split of a text": (BYTES, None, split("merged_with_previous", pattern=" ")),
    "Digits": (BYTES, None, pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(False, False)])),
    "Digits together": (BYTES, None, pre_tokenizers.Sequence([pre_tokenizers.Digits(False), byte_level(False, False)])),
    "unknown, fused": ({"unk_token": "<unk>", "fuse_unk": True}, None, None),
    "unknown, single": ({"unk_token": "<unk>"}, None, None),
}
for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
    VARIANTS[f"Split {behavior}"] = (BYTES, None, split(behavior))
    VARIANTS[f"Split {behavior}, inverted"] = (BYTES, None, split(behavior, True))
for scheme in ("always", "first", "never"):
    for cut in (True, False):
        VARIANTS[f"Metaspace {scheme}{', split' if cut else ''}"] = (PIECES, None, metaspace(scheme, cut))


def of_old_unicode(text):
    """False for a character that Hugging Face's tables, older than Unicode 13, do not decompose yet."""
    return all(unicodedata.normalize("NFKD", character) == character
               or normalizers.NFKD().normalize_str(character) != character for character in text)


def check_variant(number, model, normalizer, pre_tokenizer):
    tokenizer = Tokenizer(BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    special = [model["unk_token"]] if model["unk_token"] else []
    special += [f"<0x{byte:02X}>" for byte in range(256)] if model.get("byte_fallback") else []
    alphabet = pre_tokenizers.ByteLevel.alphabet() if "unk_token" not in model or not model["unk_token"] else []
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3 + random_texts(8)[:50], trainer)
    tokenizer.add_tokens(TOKENS)
    folder = WORK / f"variant-{number}"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    texts = [text.replace("<0x0A>", "") for text in random_texts(9, MARKERS) if of_old_unicode(text)]
    compare(folder, texts, [tokenizer.encode(text).ids for text in texts])


for index, (title, variant) in enumerate(VARIANTS.items()):
    with case(f"tokenizer.json: {title}"):
        check_variant(index, *variant)
finish()
