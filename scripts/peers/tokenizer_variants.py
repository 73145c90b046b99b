"""Small tokenizers, one for every part of tokenizer.json: what check_tokenizer_parts.py and scripts/goldens/tokenizer_ids.py share.

`models(texts)` trains the vocabularies; VARIANTS lists the parts that are put around them.
"""

import json
import pathlib
import tempfile
import unicodedata

import sentencepiece
from tokenizers import Tokenizer, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE, Unigram

MARK = "▁"
ADDED = [{"content": "<x>", "special": True}, {"content": "<left>", "lstrip": True}, {"content": "<right>", "rstrip": True, "special": True},
         {"content": "word", "single_word": True}, {"content": "the ", "normalized": True}, {"content": "é", "normalized": True},
         {"content": "<x>y"}, {"content": "<both>", "lstrip": True, "rstrip": True}]
MARKERS = ["<x>", " <left>", "<right> \n", "word", " word ", "the ", "é", "<x>y", "e\u0301", " <both>\t", "<right>  <left>", "Word", "wordⓐ"]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPELLED = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
LED = r"[^\r\n\p{L}\p{N}]?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CJK = "[一-龥ࠀ-一가-퟿]+"


def led(endings, digits):
    return rf"{endings}|{LED}\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}"


KNOWN_SPLITS = {
    "gpt2": [GPT2],
    "llama3": [led(ENDINGS, r"\p{N}{1,3}")],
    "llama3, written out": [led(SPELLED, r"\p{N}{1,3}")],
    "qwen2": [led(ENDINGS, r"\p{N}")],
    "qwen2, written out": [led(SPELLED, r"\p{N}")],
    "qwen35": [rf"{ENDINGS}|{LED}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{SPACES}"],
    "tekken": [rf"{LED}{UPPER}*{LOWER}+|{LED}{UPPER}+{LOWER}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}"],
    "gpt4o": [rf"{LED}{UPPER}*{LOWER}+{ENDINGS}?|{LED}{UPPER}+{LOWER}*{ENDINGS}?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}"],
    "smollm": [r"\p{N}", GPT2],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
                    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                    "| ?[\\p{P}\\p{S}]+[\r\n]*|" + SPACES],
}
# Patterns that no model has: they run through PCRE2. PCRE2 10.42 knows Unicode 14, Oniguruma 16.
OTHER_SPLITS = {
    "words": r"\w+|[^\w\s]+",
    "places without a character": r"(?=[A-Z])",
    "numbers from the right": r"(?=(\d{3})+(?!\d))",
    "lines": r"^\s+|\s+$",
    "scripts": r"\p{Latin}+|\p{Cyrillic}+|\p{Han}+|\p{Greek}+",
    "long names": r"\p{Uppercase_Letter}\p{Lowercase_Letter}*|\p{^Letter}",
    "an intersection": r"[\p{Lu}\p{Lo}&&[^\p{Han}]]+|\p{Han}+",
    "hexadecimal digits": r"\h+|[^\h]",
    "possessive": r"\p{L}++|\p{N}{1,3}+|\s*+",
    "a spaced word": r"[ ]?\S+|\s+?",
    "classes by name": r"[[:alpha:]]+|[[:punct:]]{,2}|[[:word:]_]|[^[:space:]]",
    "ends of words": r"\w+?\b|\B.",
    "dots over lines": r"(?m)[A-Z].{,3}|\v",
    "options on the way": r"a(?i)[a-f]|(e(?-i)R|N){1,2}+|(?m)x.",
}


def regex(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def text_split(text, behavior="Removed", invert=False):
    return {"type": "Split", "pattern": {"String": text}, "behavior": behavior, "invert": invert}


def letters(prefix=False, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": use_regex}


def steps(*pre_tokenizers_before):
    return {"type": "Sequence", "pretokenizers": [*pre_tokenizers_before, letters()]}


def replace(text, content):
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def sequence(*parts):
    return {"type": "Sequence", "normalizers": list(parts)}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": split}


def template(before, after):
    tokens = [*before, *after]
    return {"type": "TemplateProcessing",
            "single": [*({"SpecialToken": {"id": token, "type_id": 0}} for token in before), {"Sequence": {"id": "A", "type_id": 0}},
                       *({"SpecialToken": {"id": token, "type_id": 0}} for token in after)],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [TEMPLATE_IDS[token]], "tokens": [token]} for token in tokens}}


TEMPLATE_IDS = {"<s>": 0, "</s>": 1}


def post(*processors):
    return {"type": "Sequence", "processors": list(processors)}


SENTENCEPIECE_DECODER = {"type": "Sequence", "decoders": [
    replace(MARK, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")


def bert(clean, chinese, accents, lower):
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents, "lowercase": lower}


def variants(charsmap):
    """name -> {model, model members, normalizer, pre_tokenizer, post_processor, decoder, old}."""
    result = {}

    def add(name, model="bytes", old=False, **parts):
        assert name not in result
        result[name] = {"model": model, "old": old, **parts}

    for prefix in (False, True):
        for use_regex in (False, True):
            add(f"ByteLevel{', prefix space' if prefix else ''}{', split' if use_regex else ''}",
                pre_tokenizer=letters(prefix, use_regex), decoder=letters())
    add("whole pieces without merging", members={"ignore_merges": True}, pre_tokenizer=letters(False, True), decoder=letters())
    add("merges as texts", members={"merges_as_texts": True}, pre_tokenizer=letters(False, True), decoder=letters())
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        add(form, normalizer={"type": form}, pre_tokenizer=letters(), decoder=letters())
    for form in ("Lowercase", "Nmt"):
        add(form, normalizer={"type": form}, pre_tokenizer=letters())
    add("StripAccents", old=True, normalizer=sequence({"type": "NFD"}, {"type": "StripAccents"}), pre_tokenizer=letters())
    for left, right in ((True, True), (True, False), (False, True)):
        add(f"Strip {left} {right}", normalizer={"type": "Strip", "strip_left": left, "strip_right": right}, pre_tokenizer=letters())
    add("Replace", pre_tokenizer=letters(), normalizer=sequence(
        {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "_"}, replace("e", "EE"), {"type": "Prepend", "prepend": "~"}))
    add("ByteLevel normalizer", normalizer={"type": "ByteLevel"}, decoder=letters())
    for options in ((True, True, None, True), (True, False, False, False), (False, True, True, False), (False, False, None, True)):
        add(f"BertNormalizer {options}", old=True, normalizer=bert(*options), pre_tokenizer=letters())
    add("Precompiled", normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap}, pre_tokenizer=letters())
    for behavior in BEHAVIORS:
        for invert in (False, True):
            inverted = ", inverted" if invert else ""
            add(f"Split {behavior}{inverted}", pre_tokenizer=steps(regex(r"\p{L}+|\p{N}{1,2}", behavior, invert)))
            add(f"Split of a text {behavior}{inverted}", pre_tokenizer=steps(text_split(" ", behavior, invert)))
            add(f"Split at places {behavior}{inverted}", pre_tokenizer=steps(regex(r"(?=[A-Za-z])|\d", behavior, invert)))
        add(f"Punctuation {behavior}", old=True, pre_tokenizer=steps({"type": "Punctuation", "behavior": behavior}))
    for individual in (True, False):
        add(f"Digits {individual}", pre_tokenizer=steps({"type": "Digits", "individual_digits": individual}))
    for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"):
        add(name, old=True, pre_tokenizer=steps({"type": name}))
    add("CharDelimiterSplit", pre_tokenizer=steps({"type": "CharDelimiterSplit", "delimiter": "e"}))
    add("FixedLength", pre_tokenizer=steps({"type": "FixedLength", "length": 3}))
    for name, patterns in KNOWN_SPLITS.items():
        add(f"split of {name}", pre_tokenizer=steps(*map(regex, patterns)), decoder=letters())
    for name, pattern in OTHER_SPLITS.items():
        add(f"split by {name}", old=True, pre_tokenizer=steps(regex(pattern)))
    for scheme in ("always", "first", "never"):
        for cut in (True, False):
            add(f"Metaspace {scheme}{', split' if cut else ''}", "pieces", pre_tokenizer=metaspace(scheme, cut),
                decoder=metaspace(scheme, cut))
            add(f"Unigram, Metaspace {scheme}{', split' if cut else ''}", "unigram", pre_tokenizer=metaspace(scheme, cut),
                decoder=metaspace(scheme, cut))
    marked = sequence({"type": "Prepend", "prepend": MARK}, replace(" ", MARK))
    add("SentencePiece as BPE", "pieces", normalizer=marked, decoder=SENTENCEPIECE_DECODER)
    add("SentencePiece as BPE, whole pieces", "pieces", members={"ignore_merges": True}, normalizer=marked, decoder=SENTENCEPIECE_DECODER)
    add("spaces replaced, then split", "pieces", normalizer=replace(" ", MARK), pre_tokenizer=text_split(" ", "MergedWithPrevious"),
        decoder={"type": "Sequence", "decoders": [replace(MARK, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]})
    add("spaces made again behind their replacement", "pieces", normalizer=sequence(replace(" ", MARK), {"type": "NFKC"}),
        pre_tokenizer=text_split(" ", "Isolated"))
    for fuse in (True, False):
        add(f"unknown, fused {fuse}", "plain", members={"fuse_unk": fuse}, pre_tokenizer={"type": "WhitespaceSplit"},
            decoder={"type": "CTC", "pad_token": "<unk>", "word_delimiter_token": "|", "cleanup": True})
        add(f"unknown without a split, fused {fuse}", "plain", members={"fuse_unk": fuse})
        add(f"Unigram, unknown fused {fuse}", "unigram", members={"fuse_unk": fuse, "byte_fallback": False}, normalizer=marked)
    add("Unigram with bytes", "unigram", members={"byte_fallback": True}, normalizer=marked, decoder=SENTENCEPIECE_DECODER)
    add("Unigram, Precompiled", "unigram", pre_tokenizer=metaspace("always", True),
        normalizer=sequence({"type": "Precompiled", "precompiled_charsmap": charsmap},
                            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": MARK}))
    add("ends of words", "ends", pre_tokenizer={"type": "WhitespaceSplit"}, decoder={"type": "BPEDecoder", "suffix": "</w>"})
    add("beginnings of words", "beginnings", pre_tokenizer={"type": "WhitespaceSplit"},
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})
    add("TemplateProcessing", pre_tokenizer=letters(), post_processor=template(["<s>"], ["</s>", "</s>"]))
    add("two templates", pre_tokenizer=letters(), post_processor=post(letters(), template(["<s>"], []), template(["</s>"], ["<s>"])))
    for name in ("BertProcessing", "RobertaProcessing"):
        extra = {"trim_offsets": True, "add_prefix_space": False} if name.startswith("R") else {}
        add(name, pre_tokenizer=letters(), post_processor={"type": name, "sep": ["</s>", 1], "cls": ["<s>", 0], **extra})
    add("Replace as decoder", "pieces", normalizer=replace(" ", MARK), decoder={"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"Regex": "[▁e]+"}, "content": "-"}, {"type": "Fuse"}]})
    return result


def trained(model, trainer, pre_tokenizer, texts):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]


def models(texts, size):
    """Vocabularies of `size` tokens; <s> and </s> are always ids 0 and 1."""
    ends = ["<s>", "</s>"]
    byte_names = [f"<0x{byte:02X}>" for byte in range(256)]
    spaces = pre_tokenizers.Metaspace()

    def bpe(special, **options):
        return trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False, **options)

    unigram = trained(Unigram(), trainers.UnigramTrainer(vocab_size=size, special_tokens=[*ends, "<unk>", *byte_names], unk_token="<unk>",
                                                         show_progress=False), spaces, texts)
    # The trainer may learn the text of a byte's name once more; a vocabulary has every token once.
    names = set()
    unigram["vocab"] = [entry for entry in unigram["vocab"] if not (entry[0] in names or names.add(entry[0]))]
    return {
        "bytes": trained(BPE(), bpe(ends, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
                         pre_tokenizers.ByteLevel(add_prefix_space=False), texts),
        "pieces": trained(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True), bpe([*ends, "<unk>", *byte_names], limit_alphabet=60),
                          spaces, texts),
        "plain": trained(BPE(unk_token="<unk>"), bpe([*ends, "<unk>"], limit_alphabet=40), pre_tokenizers.WhitespaceSplit(), texts),
        "ends": trained(BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
                        bpe([*ends, "<unk>"], end_of_word_suffix="</w>", limit_alphabet=60), pre_tokenizers.WhitespaceSplit(), texts),
        "beginnings": trained(BPE(unk_token="<unk>", continuing_subword_prefix="##"),
                              bpe([*ends, "<unk>"], continuing_subword_prefix="##", limit_alphabet=60),
                              pre_tokenizers.WhitespaceSplit(), texts),
        "unigram": unigram,
    }


def small_charsmap(texts):
    """base64 of a character map of a few rules, made by SentencePiece."""
    rules = {"ﬁ": "fi", "½": "1/2", "\u00a0": " ", "\u3000": " ", "Ａ": "A", "e\u0301": "é", "ä": "ae", "日本": "JP", "\u200b": "",
             "🦙": "llama", "\t": " "}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rules.tsv").write_text("".join(
            " ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n"
            for source, target in rules.items()), encoding="utf-8")
        (folder / "text.txt").write_text("\n".join(text.replace("\n", " ").replace("\0", "") for text in texts), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "text.txt"), model_prefix=str(folder / "m"), vocab_size=2000, hard_vocab_limit=False,
            normalization_rule_tsv=str(folder / "rules.tsv"), minloglevel=2)
        return charsmap_of((folder / "m.model").read_bytes())


def charsmap_of(model):
    """base64 of the precompiled_charsmap of a .model file (field 2 of the normalizer_spec)."""
    import base64
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def tokenizer_file(model, variant):
    """The tokenizer.json of a variant around one of `models(...)`."""
    members = dict(variant.get("members", {}))
    model = json.loads(json.dumps(model))
    if members.pop("merges_as_texts", False):
        model["merges"] = [" ".join(pair) for pair in model["merges"]]
    model.update(members)
    size = len(model["vocab"])
    known = {token: id for token, id in model["vocab"].items()} if isinstance(model["vocab"], dict) else \
        {entry[0]: id for id, entry in enumerate(model["vocab"])}
    names = [{"content": name, "special": True} for name in ("<s>", "</s>", "<unk>") if name in known]
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    added = []
    for token in names + ADDED:
        id = known.get(token["content"], size)
        size += id == size
        added.append({"id": id, "content": token["content"], **{flag: token.get(flag, False) for flag in flags}})
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": sorted(added, key=lambda token: token["id"]),
            **{part: variant.get(part) for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}, "model": model}


def of_old_unicode(text):
    """False for a character that Hugging Face's tables, older than Unicode 13, do not decompose yet.
    Python's own may be as old as Unicode 14; what came to be decomposed with 15 is one range."""
    return all((unicodedata.normalize("NFKD", character) == character and not "\U0001e030" <= character <= "\U0001e06d")
               or normalizers.NFKD().normalize_str(character) != character for character in text)
