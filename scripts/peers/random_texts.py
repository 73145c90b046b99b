"""Random strings of a fixed seed, and our ids of them against another program's."""

import json
import random
import unicodedata

from support import WORK, sqpsych

COUNT = 2000
WORDS = ["the", "client", " felt", " tired", "I've", "I'LL", "don't", "Ünïcode", "naïve", "日本語", "Привет", "مرحبا",
         "3", "42", "2026", "1,000.5", "==>", "...", "?!", "\r\n", "\n", "\n\n", " ", "  ", "   ", "\t", "\u00a0", "\u3000",
         "\u180e", "\u200b", "\u200d", "e\u0301", "\uac01", "\u1100\u1161\u11a8", "🦙", "👩‍👩‍👧", "<0x0A>", "▁", "_", "'", "'s", "é"]


def random_texts(seed, markers=()):
    """COUNT strings of assigned characters, words and markers."""
    generator = random.Random(seed)
    assigned = [chr(code) for code in range(1, 0x110000)
                if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
    common = [chr(code) for code in range(1, 0x250)]
    sources = [lambda: generator.choice(WORDS), lambda: generator.choice(common), lambda: generator.choice(assigned)]
    if markers:
        sources.append(lambda: generator.choice(markers))
    return ["".join(generator.choice(sources)() for _ in range(generator.randrange(1, 40))) for _ in range(COUNT)]


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
        i = different[0]
        raise AssertionError(f"{len(different)} of {len(texts)} differ, first {texts[i]!r}: {ours[i]} is not {expected[i]}")
