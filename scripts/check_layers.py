#!/usr/bin/env python3
"""Fails with file and line on what the structure of the tree forbids.

usage: scripts/check_layers.py [--root DIR]

  include-right    a folder includes a folder to its right (core <- models <- data <- ...)
  include-root     a quoted include that is not written from the root of the tree
  variant-header   a header in an extension folder that is neither its door nor listed as shared
  family-name      generic code that knows a model family: an identifier or a comparison
  file-length      a source file of more than 400 lines
  file-name        a file or folder named after nothing in particular (utils, manager, helper ...)
  outside          product text that points outside the repository
"""

import argparse
import dataclasses
import pathlib
import re
import sys

LAYERS = ["core", "models", "data", "generate", "evaluate", "train", "cli"]
CODE_FOLDERS = LAYERS + ["tests", "scripts", "cmake"]
CODE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh", ".py", ".sh", ".mjs", ".cmake"}
CPP_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}
MAX_LINES = 400
EMPTY_NAMES = {"util", "utils", "manager", "helper", "helpers", "misc", "common"}

# Extension folders: folder -> (door, headers that variants of the folder share).
DOORS = {
    "models/families": ("family", {"config_features", "gguf_features", "name_table", "rope_config",
                                   "wrapper"}),
    "models/tokenizers": ("tokenizer", set()),
    "models/codecs": ("codec", set()),
    "models/exporters": ("exporter", {"verify", "export_source", "gguf_metadata", "chat_template_source"}),
    "data/datasets/importers": ("importer", set()),
    "generate/backends": ("backend", {"chat_completion", "endpoint", "grammar"}),
    "generate/strategies": ("strategy", set()),
    "evaluate/metrics": ("metric", set()),
    "evaluate/judges": ("judge", set()),
    "evaluate/benchmarks": ("benchmark", set()),
    "evaluate/reports": ("report", {"chart", "page", "tally"}),
    "train/objectives": ("objective", set()),
}

FAMILY = re.compile(
    r"(?:code)?(?:llama|qwen|mistral|mixtral|gemma|phi|smollm|cohere|falcon|gptneox|deepseek|olmo|granite)\d*")
# Programs whose names merely contain a family's name.
PROGRAMS = {("llama", "factory"), ("llama", "cpp"), ("llama", "server")}
FAMILY_FOLDERS = ("models/families/", "models/chat_templates/")
FORMAT_CONSTANT_FOLDERS = ("models/exporters/", "models/tokenizers/", "data/datasets/")
COMPARING_CALLS = {"starts_with", "ends_with", "find", "rfind", "contains", "compare", "count", "at",
                   "strcmp", "strncmp", "regex_match", "regex_search"}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/                                # comments
      |(?:u8|[uUL])?R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"   # raw strings
      |(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"                   # strings
      |\.?\d(?:[eEpP][+-]|[\w.]|'\w)*                     # numbers, digit separators included
      |'(?:\\.|[^'\\\n])*'                                # characters
      |[A-Za-z_]\w*|==|!=|::|\S""",
    re.DOTALL | re.VERBOSE)


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def source_files(root):
    """Files of the code folders, as paths relative to the root, in a fixed order."""
    for folder in CODE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def check_includes(root, path, lines):
    layer = path.parts[0]
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        head = target.split("/")[0]
        if head not in CODE_FOLDERS or "/" not in target or ".." in target:
            yield Finding(str(path), number, "include-root",
                          f"found \"{target}\", expected a path from the root such as \"core/files.h\"")
        elif layer in LAYERS and (head not in LAYERS or LAYERS.index(head) > LAYERS.index(layer)):
            allowed = ", ".join(LAYERS[:LAYERS.index(layer) + 1])
            yield Finding(str(path), number, "include-right",
                          f"{layer}/ includes \"{target}\", expected one of {allowed}")


def check_variants(path):
    folder = path.parent.as_posix()
    if path.suffix not in (".h", ".cuh") or folder not in DOORS:
        return
    door, shared = DOORS[folder]
    if path.stem != door and path.stem not in shared:
        yield Finding(str(path), 1, "variant-header",
                      f"found a header beside the door {door}.h; a variant is one .cpp without a header")


def words_of(identifier):
    """kLlamaBpe -> ["k", "llama", "bpe"]; llama_bpe -> ["llama", "bpe"]"""
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", identifier)
    return [part.lower() for part in parts]


def names_family(text):
    words = words_of(text)
    for index, word in enumerate(words):
        if FAMILY.fullmatch(word) and tuple(words[index:index + 2]) not in PROGRAMS:
            return True
    return False


def tokens_of(source):
    """(line, token) without comments."""
    line = 1
    position = 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", position, match.start())
        position = match.start()
        if not match.group().startswith(("//", "/*")):
            yield line, match.group()


def is_string(token):
    return token.endswith('"') and len(token) > 1


def is_compared(tokens, index):
    """Whether the string at `index` is compared with something."""
    before = tokens[index - 1][1] if index else ""
    after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
    if before in ("==", "!=") or after in ("==", "!="):
        return True
    if before == "," and index > 1:  # strcmp(x, "...")
        before = next((token for _, token in reversed(tokens[:index]) if token == "("), "")
    if before != "(":
        return False
    opening = next(i for i in range(index - 1, -1, -1) if tokens[i][1] == "(")
    return opening > 0 and tokens[opening - 1][1] in COMPARING_CALLS


def check_family_names(path, source):
    place = path.as_posix()
    if path.parts[0] not in LAYERS or path.suffix not in CPP_SUFFIXES or place.startswith(FAMILY_FOLDERS):
        return
    constants_allowed = place.startswith(FORMAT_CONSTANT_FOLDERS)
    tokens = list(tokens_of(source))
    for index, (line, token) in enumerate(tokens):
        if is_string(token):
            if not constants_allowed and names_family(token) and is_compared(tokens, index):
                yield Finding(place, line, "family-name",
                              f"found a comparison with {token}; ask for a feature, families live in models/families")
        elif re.match(r"[A-Za-z_]", token) and names_family(token):
            if not (constants_allowed and re.match(r"k[A-Z]", token)):
                yield Finding(place, line, "family-name",
                              f"found the identifier {token}; ask for a feature, families live in models/families")


def check_names(path):
    for part in path.parts:
        empty = EMPTY_NAMES.intersection(re.split(r"[^a-z0-9]+", part.lower()))
        if empty:
            yield Finding(str(path), 1, "file-name",
                          f"found '{min(empty)}' in the name, expected what the file is about")


def check_outside(root):
    """Tests and the check against other programs may read real inputs beside the tree; the product not."""
    texts = [root / "README.md"] + [p for folder in LAYERS + ["configs", "cmake", ".github"]
                                    for p in sorted((root / folder).rglob("*"))]
    texts += [p for p in sorted((root / "scripts").glob("*.sh")) if p.name != "test_peers.sh"]
    for path in texts:
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if "../shared" in line:
                yield Finding(str(path.relative_to(root)), number, "outside",
                              "found '../shared', expected nothing outside the repository")


def check_tree(root):
    findings = []
    count = 0
    for path in source_files(root):
        findings += check_names(path)
        findings += check_variants(path)
        if path.suffix not in CODE_SUFFIXES and path.name != "CMakeLists.txt":
            continue
        count += 1
        source = (root / path).read_text(encoding="utf-8", errors="replace")
        lines = source.splitlines()
        if len(lines) > MAX_LINES:
            findings.append(Finding(str(path), MAX_LINES + 1, "file-length",
                                    f"found {len(lines)} lines, expected at most {MAX_LINES}"))
        if path.suffix in CPP_SUFFIXES:
            findings += check_includes(root, path, lines)
            findings += check_family_names(path, source)
    findings += check_outside(root)
    return count, findings


def main(arguments):
    parser = argparse.ArgumentParser(description="Checks the structure of the source tree.")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args(arguments).root
    count, findings = check_tree(root)
    for finding in findings:
        print(finding)
    if count == 0:
        print(f"{root}: no source file found, expected the folders {', '.join(LAYERS)}")
    else:
        print(f"{count} files checked, {len(findings)} findings")
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
