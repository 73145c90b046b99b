"""Random strings of a fixed seed, and our ids of them against another program's."""

import json
import random
import unicodedata

from support import WORK, sqpsych

COUNT = 20000
WORDS = ["the", "client", " felt", " tired", "I've", "I'LL", "don't", "Ünïcode", "naïve", "日本語", "Привет", "مرحبا",
         "3", "42", "2026", "1,000.5", "==>", "...", "?!", "\r\n", "\n", "\n\n", " ", "  ", "   ", "\t", "\u00a0", "\u3000",
         "\u180e", "\u200b", "\u200d", "e\u0301", "\uac01", "\u1100\u1161\u11a8", "🦙", "👩‍👩‍👧", "<0x0A>", "▁", "_", "'", "'s", "é",
         "camelCaseWord", "SHOUTING", "Title", "'ſ", "\u2028", "\x0b", "\x1f", "\u0085", "a/b", "/\n", "#tag", "東京タワー", "ǅ", "ʰ"]
COMMON = [chr(code) for code in range(0x250)]
ANY = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
ASSIGNED = [character for character in ANY if unicodedata.category(character) not in ("Cn", "Co")]
# What Unicode 3.2 knew as it is today: tables of any age agree on it.
OLD = [character for character in ANY
       if unicodedata.ucd_3_2_0.category(character) == unicodedata.category(character) not in ("Cn", "Co")]


def random_texts(seed, markers=(), count=COUNT, old=False):
    """`count` strings of words, markers and characters of all planes; only OLD characters when `old`."""
    generator = random.Random(seed)
    known = set(OLD) if old else None
    words = [word for word in WORDS if not old or known.issuperset(word)]
    common = [character for character in COMMON if not old or character in known]
    sources = [words, words, common, OLD if old else ASSIGNED, OLD if old else ANY]
    if markers:
        sources.append(list(markers))
    return ["".join(generator.choice(generator.choice(sources)) for _ in range(generator.randrange(1, 30)))
            for _ in range(count)]


def our_ids(folder, texts, *arguments):
    path = WORK / "texts.jsonl"
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    output = sqpsych("tokenize", "--model", folder, "--file", path, *arguments)
    return [json.loads(line) for line in output.splitlines()]


def compare(folder, texts, expected, *arguments):
    ours = our_ids(folder, texts, *arguments)
    assert len(ours) == len(texts), f"found {len(ours)} lines for {len(texts)} texts"
    different = [i for i in range(len(texts)) if ours[i] != expected[i]]
    if different:
        i = min(different, key=lambda index: len(texts[index]))
        raise AssertionError(f"{len(different)} of {len(texts)} differ, shortest {texts[i]!r}: {ours[i]} is not {expected[i]}")
