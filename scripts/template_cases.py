"""Conversations and templates on which our Jinja must print what transformers prints.

Used by make_template_goldens.py (goldens of the tests) and peers/check_templates.py (live).
"""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
OWN_TEMPLATES = ROOT / "tests" / "models" / "chat_templates" / "templates"

CONVERSATIONS = [
    [("user", "Hi")],
    [("user", "Hi"), ("assistant", "Hello.")],
    [("system", "Be kind."), ("user", "Hi")],
    [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Bye")],
    [("system", "  padded \n"), ("user", "\tpadded\n"), ("assistant", " padded  ")],
    [("user", ""), ("assistant", "")],
    [("system", ""), ("user", "x"), ("assistant", "y")],
    [("user", "\u00a0\u3000wide\u2003"), ("assistant", "\u001fseparators\u001c")],
    [("user", "quotes ' \" \\ {{ x }} {% if %} {# no #}"), ("assistant", "{{ raise_exception('no') }}{%- endfor %}")],
    [("user", "line\nbreaks\r\nhere\n\n"), ("assistant", "日本語 🦙 e\u0301 \u2028 \u0085 <b>&amp;</b>")],
    [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"), ("assistant", "f")],
    [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")],
    [("user", "I feel tired."), ("assistant", "Since when?"), ("user", "Since spring.")],
    [("user", "[INST] <<SYS>> <|im_end|> <end_of_turn> </s>"), ("assistant", "\\n \\t <|end|>")],
    [("user", "q"), ("assistant", "<think>\nwhy\n</think>\n\nbecause"), ("user", "r"), ("assistant", "<think>x</think>y")],
    [("assistant", "I begin."), ("user", "You do.")],
    [("user", "one"), ("user", "two"), ("assistant", "three"), ("assistant", "four")],
    [("user", "a"), ("system", "late"), ("user", "b")],
    [("system", "alone")],
]

# name -> (file below shared/data, further variables)
SHARED_TEMPLATES = {
    "gemma": ("chat-templates/gemma-tokenizer_config.json", {}),
    "nvidia-mistral": ("chat-templates/nvidia-mistral-tokenizer_config.json", {}),
    "qwen3": ("chat-templates/qwen3-tokenizer_config.json", {}),
    "qwen3-no-thinking": ("chat-templates/qwen3-tokenizer_config.json", {"enable_thinking": False}),
    "phi3": ("tok-phi3/tokenizer_config.json", {}),
    "qwen2": ("tok-qwen2/tokenizer_config.json", {}),
    "qwen2.5": ("tok-qwen2/qwen2.5-tokenizer_config.json", {}),
}
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")
OWN_SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
NAMED_TOKENS = {"sep_token": "<sep>", "cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>",
                "image_token": "<img>", "think_token": "<think>"}


def messages(conversation):
    return [{"role": role, "content": content} for role, content in conversation]


def shared_template(shared, name):
    """(Jinja source, special tokens by name, further variables)"""
    file, variables = SHARED_TEMPLATES[name]
    config = json.loads((shared / file).read_text(encoding="utf-8"))
    tokens = {}
    for key in SPECIAL_TOKENS:
        value = config.get(key)
        if value is not None:
            tokens[key] = value if isinstance(value, str) else value["content"]
    return config["chat_template"], tokens, variables


def own_templates():
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(OWN_TEMPLATES.glob("*.jinja"))}


def own_special_tokens(name):
    return {**OWN_SPECIAL_TOKENS, **(NAMED_TOKENS if name == "named_tokens" else {})}


VARIABLES = {
    "n": 7, "f": 2.5, "big": 1e16, "tiny": 1.5e-7, "t": True, "none": None, "empty": "", "s": "Hello, World",
    "u": "Straße ǆ ﬁ İ 日本", "pad": "  x \n", "q": "it's \"so\"\n", "list": [3, 1, 2], "words": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": [True, None, 1.0], "ü": "ß\u0007\u2028"}, "nested": {"x": {"y": [{"z": "deep"}]}},
    "people": [{"name": "Eva", "age": 40, "tags": ["x"]}, {"name": "adam", "age": 30, "tags": []}, {"name": "Bo", "age": 40}],
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}, {"role": "user", "content": "Bye"}],
}

# Each is rendered with VARIABLES; where transformers' environment raises, ours must.
LANGUAGE = r"""
{{ n }} {{ f }} {{ big }} {{ tiny }} {{ t }} {{ none }} {{ undefined_thing }}|{{ list }} {{ d }} {{ (1,) }} {{ () }} {{ [q, empty] }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 1 + 2.0 }} {{ 1e3 }} {{ 1_000 }} {{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 1 / 0 }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'a' != 'b' }} {{ true == 1 }} {{ none == false }} {{ 2 in list }} {{ 'x' not in 'abc' }} {{ 'a' in d }} {{ not 1 in [2] }}
{{ 1 < 'a' }}
{{ 'a' + 1 }}
{{ 'a' ~ 1 ~ none ~ [1] ~ undefined_thing ~ true }} {{ 'ab' * 3 }} {{ [1] * 2 + [3] }} {{ 3 * 'x' }} {{ 'a' 'b' "c" }}
{{ undefined_thing.x }}
{{ undefined_thing + 'a' }}
{{ undefined_thing() }}
{{ d.nothing }}|{{ d['nothing'] }}|{{ list[9] }}|{{ list[-1] }}|{{ list.0 }}|{{ s[0] }}|{{ s[-1] }}|{{ d.b }}|{{ nested.x.y[0].z }}|{{ 'abc'.nope }}
{{ d.nothing.more }}
{{ s[1:4] }}|{{ s[:-3] }}|{{ s[::-1] }}|{{ s[::2] }}|{{ s[10:2] }}|{{ list[1:] }}|{{ list[::-1] }}|{{ u[2:5] }}|{{ s[-100:100] }}|{{ (1,2,3)[1:] }}|{{ s[5:1:-2] }}
{{ 'yes' if t else 'no' }} {{ 'yes' if none }}|{{ 'a' if false else 'b' if false else 'c' }} {{ t and 'x' }} {{ none or 'y' }} {{ 0 or [] or 'z' }} {{ not t }} {{ 1 and 0 }}
{{ "esc \n \t \\ \' \" \x41 \u00e9 \U0001F600 \q \101" }}|{{ 'tab	inside' }}
{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% else %}none{% endfor %}
{% for x in [] %}x{% else %}none{% endfor %}|{% for x in undefined_thing %}x{% else %}void{% endfor %}|{% for c in 'añb' %}{{ c }},{% endfor %}|{% for k in d %}{{ k }},{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}|{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}|{% for x in list if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}
{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}|{% for x in range(3) %}{% for y in range(2) %}{{ loop.index }}{{ x }}{% if y %}{% break %}{% endif %}{% endfor %}{% endfor %}
{% for x in none %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}|{% if true %}{% set y = 5 %}{% endif %}{{ y }}|{% set a, b = 1, 2 %}{{ a }}{{ b }}|{% set (c, d2) = (3, 4) %}{{ c }}{{ d2 }}
{% set ns = namespace(n=0, s='') %}{% for x in list %}{% set ns.n = ns.n + x %}{% set ns.s = ns.s ~ x %}{% endfor %}{{ ns.n }}{{ ns.s }}{{ ns.missing }}|{% set ns2 = namespace(d, z=1) %}{{ ns2.b }}{{ ns2.z }}
{% set d.x = 1 %}
{% set nope.x = 1 %}
{% set block %}in {{ n }}{% set inner = 1 %}{% endset %}{{ block }}|{{ inner }}|{% set up | upper | trim %} shout {% endset %}[{{ up }}]
{% macro m(a, b='B', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}{{ m(1, c=9) }}{{ m.name }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}{{ m(1) }}{{ m(*[5, 6], **{'z': 1}) }}
{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * (fact(n - 1) | int) }}{% endif %}{% endmacro %}{{ fact(5) }}
{% macro box(title) %}<{{ title }}>{{ caller() }}</>{% endmacro %}{% call box('t') %}body {{ n }}{% endcall %}|{% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) each(list) %}{{ i }}={{ x }} {% endcall %}
{% macro m() %}{{ later }}{% endmacro %}{% set later = 'now' %}{{ m() }}
{% filter upper %}loud {{ s }}{% endfilter %}|{% filter replace('a', 'b') | trim %} banana {% endfilter %}|{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% raw %}{{ not }} {% this %}{% endraw %}|{# comment {{ x }} #}|{%- raw -%}  kept  {%- endraw -%}  end
{% generation %}said {{ n }}{% set leak = 1 %}{% endgeneration %}|{{ leak }}
{% if n > 5 %}big{% elif n > 2 %}mid{% else %}small{% endif %}|{% if none %}{% elif list %}has{% endif %}|{% if d, %}tuple{% endif %}
{{ s | upper }} {{ s | lower }} {{ s | title }} {{ s | capitalize }} {{ pad | trim }}| {{ s | replace('l', 'L') }} {{ s | replace('l', 'L', 1) }} {{ s | length }} {{ u | upper }} {{ u | lower }} {{ u | title }} {{ 'xxaxx' | trim('x') }}
{{ list | sort }} {{ list | sort(reverse=true) }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ people | sort(attribute='age') | map(attribute='name') | list }} {{ people | sort(attribute='age,name') | map(attribute='name') | join(',') }}
{{ list | first }} {{ list | last }} {{ [] | first }} {{ list | sum }} {{ list | max }} {{ list | min }} {{ people | sum(attribute='age') }} {{ words | unique | list }} {{ words | join('-') }} {{ people | join(', ', attribute='name') }} {{ list | reverse | list }} {{ s | reverse }} {{ words | max }} {{ people | map(attribute='tags', default='none') | list }}
{{ people | selectattr('age', 'equalto', 40) | map(attribute='name') | list }} {{ people | rejectattr('tags') | list | length }} {{ list | select('odd') | list }} {{ list | reject('gt', 1) | list }} {{ list | map('string') | join('+') }} {{ messages | selectattr('role', '==', 'user') | list | length }} {{ people | selectattr('tags', 'defined') | list | length }} {{ ['a', ''] | select | list }}
{{ undefined_thing | default('x') }} {{ '' | default('x') }}| {{ '' | default('x', true) }} {{ none | default('x') }} {{ none | d('y', boolean=true) }} {{ undefined_thing | default }}|
{{ '42' | int }} {{ '4.9' | int }} {{ 'x' | int }} {{ 'x' | int(-1) }} {{ 'ff' | int(0, 16) }} {{ 4.9 | int }} {{ '1.5' | float }} {{ 'x' | float(2.5) }} {{ 42.55 | round }} {{ 42.55 | round(1) }} {{ 2.5 | round }} {{ 42.55 | round(1, 'floor') }} {{ 42 | round }} {{ -3 | abs }} {{ true | int }} {{ ' 7 ' | int }} {{ '1_0' | int }}
{{ d | tojson }} {{ s | tojson }} {{ q | tojson }} {{ [1.0, 1e20, -0.0, 1.5e-9, none, true] | tojson }} {{ {'a': {}, 'b': []} | tojson(indent=2) }} {{ d | tojson(indent=4) }} {{ {2: 'x', none: 1, true: 2} | tojson }} {{ u | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ [1, 2] | tojson(separators=(',', ':')) }} {{ '\x7f\x1f/' | tojson }} {{ (1, 2) | tojson }} {{ '😀' | tojson(ensure_ascii=true) }}
{{ undefined_thing | tojson }}
{{ d | dictsort }} {{ d | items | list }} {{ d | length }} {{ d | list }} {{ list | batch(2) | list }} {{ list | batch(2, 'x') | list }} {{ 'a b  c' | wordcount }} {{ '<a href="x">&\'' | escape }} {{ '<b>' | safe }} {{ 'a/b c?ü' | urlencode }}
{{ 'x\ny\n\nz' | indent }}|{{ 'x\ny' | indent(2, true) }}|{{ 'x\n\ny' | indent(2, blank=true) }}|{{ 'x\ny' | indent('> ') }}|{{ 'foo bar baz qux quux' | truncate(9) }}|{{ 'foo bar baz qux quux' | truncate(9, true) }}|{{ 'foo bar' | truncate(9) }}|{{ 'x' | center(5) }}|{{ '%s is %d and %.2f%%' | format('a', 3, 1.5) }}|{{ 'a' | attr('upper') is callable }}
{{ n | nosuchfilter }}
{% if false %}{{ n | nosuchfilter }}{% endif %}ok
{{ n is nosuchtest }}
{{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ n is divisibleby(3) }} {{ n is number }} {{ n is integer }} {{ f is float }} {{ t is boolean }} {{ t is true }} {{ 1 is true }} {{ none is none }} {{ s is string }} {{ d is mapping }} {{ list is sequence }} {{ d is iterable }} {{ 5 is iterable }} {{ s is iterable }} {{ undefined_thing is defined }} {{ undefined_thing is undefined }} {{ n is not none }} {{ 'a' is in 'abc' }} {{ n is eq 7 }} {{ n is sameas 7 }} {{ 'A' is upper }} {{ 'a' is lower }} {{ m is callable }} {{ n is gt 3 and n is lt 9 }} {{ d.x is defined }} {{ 'upper' is filter }} {{ 'odd' is test }}
{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ s.split(', ') }} {{ s.split() }} {{ pad.strip() }}|{{ pad.lstrip() }}|{{ pad.rstrip() }}| {{ s.startswith('He') }} {{ s.endswith(('x', 'ld')) }} {{ s.find('o') }} {{ s.rfind('o') }} {{ s.count('l') }} {{ s.replace('o', '0') }} {{ s.index('W') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b '.split(none, 1) }} {{ ' a  b '.rsplit(none, 1) }}
{{ s.index('zzz') }}
{{ 1.0 // 0.1 }} {{ -1.0 // 0.3 }} {{ 5.5 // -2 }} {{ 0.0 // -3 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ (-9223372036854775807 - 1) % 3 }} {{ (-9223372036854775807 - 1) // 3 }}
{{ range(9000000000000000000, -9000000000000000000) | list }}
{{ missing | int }}
{{ missing | float(2) }}
{{ 'ΟΔΟΣ' | lower }} {{ 'ΟΔΟΣ ΣΑΣ.Σ ΑΣ́ ΑΣ́Α Σ' | lower }} {{ 'ΑΣΑ'.lower() }} {{ 'ΑΣ' | capitalize }} {{ 'αΣ ΣΑΣ'.title() }} {{ 'ΑΣ'.swapcase() }}
{{ 'Straße ΟΔΟΣ İ ŉ'.casefold() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isdigit() }} {{ '½'.isnumeric() }} {{ '①٣'.isdigit() }}
{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('x') }} {{ '-'.join(words) }} {{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ ' '.isspace() }} {{ 'Ab'.swapcase() }} {{ 'x'.ljust(3) }}|{{ 'x'.rjust(3, '.') }}|{{ 'x'.center(4, '*') }}|{{ 'ab'.center(5, '*') }}|{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a\nb\r\nc'.splitlines() }} {{ 'a\n'.splitlines(true) }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }} {{ '{} {1}'.replace('1', 'one') }} {{ 'straße'.upper() }} {{ 'Ǆ'.title() }} {{ 'Hello World'.istitle() }} {{ ''.isalpha() }} {{ 'ab'.isalnum() }} {{ 'é'.isascii() }}
{{ '{} and {}'.format(1, 'b') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=3) }} {{ '{{}}'.format() }} {{ 'a%sb%s' % (1, [2]) }} {{ '%r' % 'x' }} {{ '%5d|%-5s|%05d|%x' % (3, 'ab', -7, 255) }} {{ '%s' % none }}
{{ '%d' % 'x' }}
{{ '%s %s' % 'x' }}
{{ d.get('b') }} {{ d.get('zz') }} {{ d.get('zz', 'else') }} {{ d.keys() | list }} {{ d.values() | list }} {{ d.items() | list }} {{ d.keys() }} {{ d.items() }} {{ list.index(1) }} {{ words.count('A') }} {{ d.copy() == d }} {{ {'get': 1}['get'] }} {{ {'a': 1}['get'] is callable }}
{{ list.append(4) }}
{{ d.update({'x': 1}) }}
{{ range(3) | list }} {{ range(1, 10, 3) | list }} {{ range(5, 0, -2) | list }} {{ dict(a=1, **{'b': 2}) }} {{ dict([('x', 1)]) }} {% set j = joiner(', ') %}{% for x in list %}{{ j() }}{{ x }}{% endfor %} {% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }} {% for x in list %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(x > 1) }} {% endfor %}
{{ range(200000) | list | length }}
{{ raise_exception('said ' ~ n) }}
{{ 1 + 2 ~ 3 }}
{{ none | length }}
{{ 'x' is divisibleby }}
{{ messages[0]['role'] }}{{ messages[-1].content }}{{ (messages | last).content }}{{ messages[1:] | length }}{{ messages | map(attribute='content') | join('/') }}{% for m in messages[::-1] %}{{ m.content }}{% endfor %}{% set ms = messages | selectattr('role', 'equalto', 'none') %}{% if ms %}truthy{% endif %}{{ ms | list }}
{{ [1, [2, [3, 'x']]] }} {{ {'a': (1, 'b'), 2: none} }} {{ ['a\'b', 'a"b', 'a\'"b', '\n\t\\', 'é\x00\x7f\u200b\U0001F600'] }} {{ [1.0, 1e300, 0.1, 100000.0, 1e15, 123456789012345680.0, 1e-5] }} {{ [undefined_thing] }}
{{ (1, 2) + (3,) }} {{ (1, 2) == [1, 2] }} {{ {'a': 1} == {'a': 1.0} }} {{ [1] in [[1], 2] }} {{ 'b' < 'aa' }} {{ d == d }} {{ none is sameas none }} {{ [] == () }} {{ -t }} {{ +5 }} {{ - -5 }} {{ 5 - -5 }} {{ 2 * 3 + 4 }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }} {{ 10 - 2 - 3 }} {{ 2 ** 3 ** 2 }} {{ 'a' ~ 'b' + 'c' }} {{ not 1 == 2 }} {{ -5 | abs }} {{ 5 is odd and true }}
{{ "{{ not a tag }}" }} {{ '%}' }} {{ {'a': {'b': 1}}.a.b }} {{ [[1, 2], [3]][0][1] }} {{ {'k': [1]}['k'][0] }} {{ (lambda) }}
{{ 'ß' | upper }}{{ 'ŉ' | capitalize }}{{ 'DŽ' | lower }}{{ 'ΑΣ' | upper }}{{ 'ꭰ' | upper }}{{ 'ﬃx' | title }}
{{ messages.content }}|{{ messages.0.content }}
{{ s | truncate(3, true, '') }}|{{ s | list | join('.') }}|{{ s | first }}|{{ s | last }}|{{ d | first }}|{{ 12 | string | length }}|{{ none | string }}
{{ [3, 'a'] | sort }}
{{ 9223372036854775807 }} {{ 5 if 5 is number else 6 }} {{ '' ~ 1.0 ~ '|' ~ 1e100 }} {{ 3 | float }} {{ 10 // 3.0 }} {{ true + true }} {{ 1.0 * 3 }}
{{ 'a' 'b' if true }}{{ [1,2,] }}{{ {'a': 1,} }}{{ (1,2,) }}{{ m(1,) if m is defined else 'undefined' }}
{% set x %}a{% endset %}{{ x is string }}{{ x + 'b' }}{% set l = ['a'] + ['b'] %}{{ l }}{{ l | join }}{% set l = l + [{'c': l}] %}{{ l }}
{{ 'unterminated }}
{% if x %}
{% endfor %}
{{ 1 + }}
{{ }}
{% unknown %}
{{ (1 }}
{{ a b }}
{% for in x %}{% endfor %}
{% set = 1 %}
{% macro %}{% endmacro %}
{{ x | }}
{{ x is }}
{{ 1 ! 2 }}
{# open
{% raw %} open
{% break %}
{{ "\u12" }}
{{ x[ }}
{{ {1: } }}
{% if true %}a{% else %}b{% else %}c{% endif %}
""".strip("\n").split("\n")


def language_cases():
    return LANGUAGE + WHITESPACE


WHITESPACE = [
    "{{ 1 +\n   2 }}{%\n set z = 3\n%}{{ z\n}}",
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n  {% if true %}  \n  b\n  {% endif %}\nc\n\n",
    "  {%- if true -%}\n  b \n {%- endif +%}\n c",
    "  {%+ if true +%}\n  b{% endif %}  \n",
    "x {{- 1 -}} y {{ 2 }} z\n{{ 3 }}\n\n{{ 4 -}}\n\n 5",
    "a {#- c -#} b\n  {# c #}\nd {# c #} e\n{#+ c +#}\nf",
    "{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\nend",
    "{%- for i in [1, 2] -%}\n  {{ i }}\n{%- endfor -%}\nend",
    "a\r\n{% if true %}\r\nb\r{% endif %}\r\nc\r\n",
    "\n\n{{ 1 }}\n\n",
    "\t{% set x = 1 %}\t{{ x }}\t{% set y = 2 %}\n{{ y }}",
    "a  {% if true %}b{% endif %}  {% if true %}\n{% endif %}c",
    "{{ 'a\r\nb' | length }}{% raw %}\n x \n{% endraw %}\n y",
    "  {% raw %}\n a\n  {% endraw %}\nb",
    "\u00a0{%- if true %}\u2003{% endif -%}\u3000x",
    "{% if true %}{# c #}\n{% endif %}\n{#- d #}\n  e\n  {#- f -#}\n  g",
    "",
    "\n",
    "just text { not } a { { tag } } %} }} #}",
]
