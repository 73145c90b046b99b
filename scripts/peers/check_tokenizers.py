#!/usr/bin/env python3
"""Tokenizers against Hugging Face tokenizers, transformers and SentencePiece; chat templates against Jinja2.

Random strings of a fixed seed: characters of all planes, controls, mixed white space, words, markers.
"""

import base64
import json
import re
import shutil

import jinja2.exceptions
import sentencepiece
import transformers
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from random_texts import COUNT, compare, random_texts
from support import BINARY, WORK, case, finish, run, shared, sqpsych
from tokenizer_variants import ENDINGS, KNOWN_SPLITS, led

CONVERSATIONS = [
    [("user", "Hi")],
    [("user", "Hi"), ("assistant", "Hello.")],
    [("system", "Be kind."), ("user", "Hi")],
    [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Bye")],
    [("system", "  padded \n"), ("user", "\tpadded\n"), ("assistant", " padded  ")],
    [("user", ""), ("assistant", "")],
    [("user", "\u00a0\u3000wide\u2003"), ("assistant", "\u001fseparators\u001c")],
    [("user", "quotes ' \" \\ {{ x }} {% if %} {# no #}"), ("assistant", "<b>&amp;</b>")],
    [("user", "line\nbreaks\r\nhere"), ("assistant", "日本語 🦙 e\u0301")],
    [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"), ("assistant", "f")],
    [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")],
    [("user", "I feel tired."), ("assistant", "Since when?"), ("user", "Since spring.")],
    [("system", ""), ("user", "x"), ("assistant", "y")],
    [("user", "[INST] <<SYS>> [/INST]"), ("assistant", "\\n \\t \u2028 \u0085")],
    [("user", "u" * 500), ("assistant", "v" * 500)],
    [("assistant", "I begin."), ("user", "You do.")],
    [("user", "one"), ("user", "two"), ("assistant", "three")],
    [("system", "alone")],
]


def folder_of(name, source, target):
    folder = WORK / name
    folder.mkdir(exist_ok=True)
    shutil.copy(shared(source), folder / target)
    return folder


def check_tokenizer_json(name, markers):
    folder = shared(f"data/{name}")
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = random_texts(1, markers)
    compare(folder, texts, [theirs.encode(text, add_special_tokens=False).ids for text in texts], "--no-special")


def check_sentencepiece(name, source):
    folder = folder_of(name, source, "tokenizer.model")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    texts = random_texts(2)
    compare(folder, texts, [[theirs.bos_id()] + theirs.encode(text) for text in texts])
    compare(folder, texts, [theirs.encode(text) for text in texts], "--no-special")


def single_spaces(text):
    return text[0] not in " ▁" and not re.search("[ ▁]{2}", text)


def check_transformers_class():
    """Where LlamaTokenizer of transformers 5 is SentencePiece: it adds no space before a text that begins with one,
    and its conversion joins the last space of a run to the run instead of the word behind it."""
    folder = folder_of("llama2-transformers", "data/tok-llama2/tokenizer.model", "tokenizer.model")
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(shared(f"data/tok-llama2/{file}"), folder / file)
    theirs = transformers.LlamaTokenizer.from_pretrained(str(folder), legacy=True)
    texts = [text for text in random_texts(3) if single_spaces(text)]
    assert len(texts) > COUNT / 4
    compare(folder, texts, [theirs(text).input_ids for text in texts])


def byte_level(vocabulary, pairs, pattern, whole):
    tokenizer = Tokenizer(BPE(vocabulary, pairs, ignore_merges=whole))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def vocabulary_files(folder, vocabulary, merges):
    lines = (folder / merges).read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    return json.loads((folder / vocabulary).read_text(encoding="utf-8")), pairs


def check_vocabulary_files(folder, vocabulary, merges, split, digits, ignore_merges):
    theirs = byte_level(*vocabulary_files(folder, vocabulary, merges), led(ENDINGS, digits), ignore_merges)
    texts = random_texts(4)
    compare(folder, texts, [theirs.encode(text).ids for text in texts], "--set", f"tokenizer_split={split}")


def check_rank_file(name, source, target, files, split, digits):
    """tiktoken ranks against the same vocabulary as merges, which a piece that is a token does not need."""
    folder = folder_of(name, source, target)
    theirs = byte_level(*vocabulary_files(*files), led(ENDINGS, digits), True)
    texts = random_texts(10)
    compare(folder, texts, [theirs.encode(text).ids for text in texts], "--set", f"tokenizer_split={split}")


def check_tekken():
    """A tekken.json of Llama 3's ranks."""
    ranks = [line.split(" ")[0] for line in shared("data/tok-llama3/tokenizer.model").read_text().splitlines()]
    single = {base64.b64decode(rank)[0]: rank for rank in ranks[:256]}
    assert len(single) == 256
    order = [single[byte] for byte in range(256)] + ranks[256:]
    pattern = KNOWN_SPLITS["tekken"][0]
    folder = WORK / "tekken"
    folder.mkdir()
    (folder / "tekken.json").write_text(json.dumps({
        "config": {"pattern": pattern, "num_vocab_tokens": len(order), "default_vocab_size": len(order) + 1000,
                   "default_num_special_tokens": 1000, "version": "v3"},
        "vocab": [{"rank": rank, "token_bytes": token, "token_str": None} for rank, token in enumerate(order)]}))
    vocabulary, pairs = vocabulary_files(shared("data/tok-llama3"), "encoder.json", "vocab.bpe")
    theirs = byte_level(vocabulary, pairs, pattern, True)
    place = {rank: index for index, rank in enumerate(order)}
    shifted = {old: 1000 + place[rank] for old, rank in enumerate(ranks)}
    texts = random_texts(12)
    compare(folder, texts, [[1] + [shifted[id] for id in theirs.encode(text).ids] for text in texts])


def check_invalid_text(folder):
    """Text that is no UTF-8 is refused, alone and in a file."""
    path = WORK / "invalid.jsonl"
    for invalid in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"):
        path.write_bytes(b'"' + invalid + b'"\n')
        run([BINARY, "tokenize", "--model", folder, "--file", path], expect=1)


def messages(conversation):
    return [{"role": role, "content": content} for role, content in conversation]


def render(folder, name, conversations, prompt, expect=0):
    path = WORK / "rows.jsonl"
    path.write_text("".join(json.dumps({"messages": messages(conversation)}) + "\n" for conversation in conversations),
                    encoding="utf-8")
    flags = ["--generation-prompt"] if prompt else []
    return sqpsych("render", "--model", folder, path, "--set", f"chat_template={name}", *flags, expect=expect)


def check_template(name):
    folder = shared("data/tok-phi3")
    theirs = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>", eos_token="<|endoftext|>",
        chat_template=sqpsych("render", "--model", folder, "--jinja", "--set", f"chat_template={name}").rstrip("\n"))
    for prompt in (False, True):
        accepted, expected = [], []
        for conversation in CONVERSATIONS:
            try:
                expected.append(theirs.apply_chat_template(messages(conversation), tokenize=False, add_generation_prompt=prompt))
                accepted.append(conversation)
            except jinja2.exceptions.TemplateError:
                render(folder, name, [conversation], prompt, expect=2)
        found = [json.loads(line) for line in render(folder, name, accepted, prompt).split("\n")[:-1]]
        for conversation, ours, text in zip(accepted, found, expected, strict=True):
            assert ours == text, f"{conversation}: {ours!r} is not {text!r}"
        assert len(accepted) >= (4 if prompt else 12), f"only {len(accepted)} conversations were rendered"


def check_new_model():
    text = WORK / "text.txt"
    text.write_text("\n".join(f"The client said they felt tired on day {i}, and the counselor listened."
                              for i in range(200)), encoding="utf-8")
    sqpsych("new-model", "--text", text, "--output", WORK / "new")
    texts = random_texts(5, ["<s>", "</s>", "<|im_end|>"])
    for theirs in (transformers.AutoTokenizer.from_pretrained(str(WORK / "new")),
                   transformers.PreTrainedTokenizerFast(tokenizer_file=str(WORK / "new" / "tokenizer.json"))):
        compare(WORK / "new", texts, [theirs(text).input_ids for text in texts])
    processor = sentencepiece.SentencePieceProcessor(model_file=str(WORK / "new" / "tokenizer.model"))
    plain = random_texts(6)
    compare(WORK / "new", plain, [processor.encode(text) for text in plain], "--no-special")
    explicit = transformers.LlamaTokenizer.from_pretrained(str(WORK / "new"))
    unspaced = [text for text in plain if single_spaces(text)]
    compare(WORK / "new", unspaced, [explicit(text).input_ids for text in unspaced])


with case("tokenizer.json of the small real model: 20000 random strings as tokenizers"):
    check_tokenizer_json("tinystories-656k", ["<|start_story|>", " <|end_story|>", "<unk>"])
with case("tokenizer.json of phi-3: 20000 random strings as tokenizers"):
    check_tokenizer_json("tok-phi3", ["<|user|>", "<|end|>\n", "<|assistant|>  ", "</s>", "<unk>", "<s>"])
for kind, file in (("llama2", "data/tok-llama2/tokenizer.model"),
                   ("mistral-v1", "data/tok-mistral/tokenizer.model.v1"),
                   ("mistral-v3", "data/tok-mistral/mistral_instruct_tokenizer_240323.model.v3")):
    with case(f"tokenizer.model of {kind}: 20000 random strings as sentencepiece"):
        check_sentencepiece(kind, file)
with case("tokenizer.model of llama2: random strings as transformers' LlamaTokenizer"):
    check_transformers_class()
with case("vocab.json and merges.txt of qwen2: 20000 random strings as tokenizers"):
    qwen = WORK / "qwen2"
    qwen.mkdir()
    for part in ("vocab.json", "merges.txt"):
        shutil.copy(shared(f"data/tok-qwen2/{part}"), qwen / part)
    check_vocabulary_files(qwen, "vocab.json", "merges.txt", "qwen2", r"\p{N}", False)
with case("encoder.json and vocab.bpe of llama3: 20000 random strings as tokenizers"):
    check_vocabulary_files(shared("data/tok-llama3"), "encoder.json", "vocab.bpe", "llama3", r"\p{N}{1,3}", True)
with case("tokenizer.model of llama3 (tiktoken ranks): 20000 random strings as tokenizers"):
    check_rank_file("llama3-ranks", "data/tok-llama3/tokenizer.model", "tokenizer.model",
                    (shared("data/tok-llama3"), "encoder.json", "vocab.bpe"), "llama3", r"\p{N}{1,3}")
with case("qwen.tiktoken: 20000 random strings as tokenizers"):
    check_rank_file("qwen-ranks", "data/tok-qwen2/qwen.tiktoken", "qwen.tiktoken",
                    (shared("data/tok-qwen2"), "vocab.json", "merges.txt"), "qwen2", r"\p{N}")
with case("tekken.json: 20000 random strings as tokenizers"):
    check_tekken()
with case("text that is no UTF-8 is refused"):
    check_invalid_text(shared("data/tok-phi3"))
for kind in ("chatml", "llama2", "llama3", "none"):
    with case(f"chat template {kind}: {len(CONVERSATIONS)} conversations as transformers renders its Jinja source"):
        check_template(kind)
with case("new-model: its tokenizer as transformers and sentencepiece read it"):
    check_new_model()
finish()
