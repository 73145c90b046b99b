#!/usr/bin/env python3
"""Writes what transformers prints for chat templates: tests/models/chat_templates/goldens/*.json.

usage: make_template_goldens.py SHARED_FOLDER [OUTPUT_FOLDER]

Made with transformers 5.23.0 and jinja2 3.1.6; the versions used go into every file. The files hold
conversations and rendered texts; templates only where they are our own.
"""

import json
import pathlib
import sys

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

import template_cases as cases


def versions():
    return {"script": "scripts/make_template_goldens.py", "transformers": transformers.__version__,
            "jinja2": jinja2.__version__}


def rendered(source, conversation, prompt, variables):
    try:
        texts, _ = render_jinja_template([cases.messages(conversation)], chat_template=source,
                                         add_generation_prompt=prompt, **variables)
        return {"text": texts[0]}
    except jinja2.exceptions.TemplateError as error:
        return {"refused": str(error)}


def conversation_cases(source, tokens, variables):
    return [{"conversation": conversation, "prompt": prompt,
             **rendered(source, conversation, prompt, {**tokens, **variables})}
            for conversation in cases.CONVERSATIONS for prompt in (False, True)]


def language_case(source):
    try:
        return {"template": source, "text": _compile_jinja_template(source).render(**cases.VARIABLES)}
    except Exception as error:  # noqa: BLE001 - whatever Python raises, our interpreter must refuse too
        return {"template": source, "error": f"{type(error).__name__}: {error}"}


def write(path, document):
    """One line for each case."""
    cases_text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in document.pop("cases"))
    head = json.dumps({**versions(), **document}, ensure_ascii=False)
    path.write_text(f'{head[:-1]}, "cases": [\n{cases_text}\n]}}\n', encoding="utf-8")
    print(path, path.stat().st_size)


def main(shared, output):
    for name in cases.SHARED_TEMPLATES:
        source, tokens, variables = cases.shared_template(shared, name)
        write(output / f"{name}.json", {"source": cases.SHARED_TEMPLATES[name][0], "special_tokens": tokens,
                                        "variables": variables, "cases": conversation_cases(source, tokens, variables)})
    for name, source in cases.own_templates().items():
        tokens = cases.own_special_tokens(name)
        write(output / f"own_{name}.json", {"template": name, "special_tokens": tokens, "variables": {},
                                            "cases": conversation_cases(source, tokens, {})})
    write(output / "language.json", {"variables": cases.VARIABLES,
                                     "cases": [language_case(source) for source in cases.language_cases()]})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]),
         pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else cases.ROOT / "tests/models/chat_templates/goldens")
