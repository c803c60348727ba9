"""Whatever a rules file holds, it gives rules or a RulesError, and that soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.language import packs
from guard.language.errors import RulesError
from guard.language.rulefile import parse_rules

FILES = Path(__file__).parents[1] / "rules"
WRITTEN = [
    *(file.read_bytes() for file in sorted(FILES.glob("*/*.yaml"))),
    *map(packs.content, packs.PACKS),
]
ENVIRONMENT = {"LIMIT": "500ms", "EMPTY": "", "NUMBER": "5", "FOLDER": "extended", "METRIC": "cpu"}
WORDS = [
    *(b"rules", b"extends", b"defaults", b"check", b"smoke", b"p95", b"each", b"of", b"<", b"1s"),
    *(
        b"over",
        b"for",
        b"surely",
        b"after",
        b"else stop",
        b"ramp-up",
        b"cpu",
        b"min_requests",
        b"silence",
    ),
    *(b"${", b"$${", b"${LIMIT}", b"${EMPTY}", b"${NONE}", b"${A_KEY}", b"${A:-b}", b"}"),
    *(b"[", b"]", b"{", b"}", b": ", b"- ", b", ", b"\n", b"\n  ", b"#", b"'", b'"', b"\\", b"*"),
    *(b"&a ", b"*a", b"!!str ", b"!x ", b"|\n", b">\n", b"? ", b"<<: ", b"---\n", b"...\n", b"%"),
    *(b"\\U99999999", b"\\uD800", b"\\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\t", b"\x00"),
    *("☃\u2028\x85".encode(), b"9" * 50, b"%YAML 1.1\n", b"~", b"mapping", b"one-line", b"list"),
]


@st.composite
def mutated(draw):
    """A file of the tests or a pack with bytes flipped, put in and taken out, lines shuffled and
    repeated, and words of the language in any place."""
    content = draw(st.sampled_from(WRITTEN))[:20_000]
    # One seed costs hypothesis less than a choice for each byte, and is printed when a test fails.
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - nothing is secret here
    for _ in range(chance.randint(1, 8)):
        content = chance.choice([_flip, _put_in, _take_out, _shuffle, _repeat])(content, chance)
    return content


def _flip(content, chance):
    at = chance.randrange(len(content) + 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _put_in(content, chance):
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(WORDS) + content[at:]


def _take_out(content, chance):
    at = chance.randrange(len(content) + 1)
    return content[:at] + content[at + chance.randint(1, 20) :]


def _shuffle(content, chance):
    lines = content.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def _repeat(content, chance):
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join(lines[: at + 1] * chance.randint(1, 3) + lines[at:])


def assert_rules_or_problems_within(content):
    began = time.process_time()
    try:
        rules = parse_rules(content, "rules.yaml", ENVIRONMENT)
        problems = ()
    except RulesError as error:
        rules, problems = (), error.problems
    assert time.process_time() - began < 3  # a tenth as a rule; what explodes takes minutes
    assert bool(rules) is not bool(problems)
    assert len({rule.name for rule in rules}) == len(rules)
    for problem in problems:
        assert_lies_within(problem.place, content)
        assert "\n" not in problem.message
        str(problem).encode()  # it can be printed


def assert_lies_within(place, content):
    if place.file != "rules.yaml":
        content = packs.content(place.file.removesuffix(".yaml (pack)"))
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    for other in "\r\x85\u2028\u2029":
        text = text.replace(other, "\n")
    lines = text.split("\n")
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join))
def test_any_bytes(content):
    assert_rules_or_problems_within(content)


@settings(deadline=None, max_examples=500)
@given(mutated())
def test_any_file_that_was_right_once(content):
    assert_rules_or_problems_within(content)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=15).map(b"".join), st.booleans())
def test_any_text_as_a_rule(text, quoted):
    value = b"'" + text.replace(b"'", b"''") + b"'" if quoted else text
    assert_rules_or_problems_within(b"rules:\n  - " + value)


LONG = 48_000
"""Bytes; about what a rules file may have."""


def _repeated(piece, before=b"", after=b""):
    return before + piece * ((LONG - len(before) - len(after)) // len(piece)) + after


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_repeated(b"[", b"rules: "), id="brackets that open"),
        pytest.param(_repeated(b"- "), id="lists in lists"),
        pytest.param(_repeated(b"{a: "), id="mappings in mappings"),
        pytest.param(_repeated(b"1,", b"rules: [", b"]"), id="many faulty rules"),
        pytest.param(_repeated(b"- {x: 1}\n", b"rules:\n"), id="many unknown keys, each in a rule"),
        pytest.param(_repeated(b"x: 1, ", b"rules: [{", b"}]"), id="one key many times"),
        pytest.param(
            b"rules: [{" + b"".join(b"k%d: 1," % n for n in range(5500)) + b"}]", id="keys"
        ),
        pytest.param(
            _repeated(b"over 1 ", b"rules: ['p95 < 1s ", b"']"), id="a line with many faults"
        ),
        pytest.param(
            b"rules:\n" + _repeated(b"over 1 ", b"- 'p95 < 1s ", b"'\n")[:900] + b"'",
            id="as many as a line may have",
        ),
        pytest.param(
            b"rules:\n" + (b'- "p95 < 1s ' + b"over 1 " * 140 + b'"\n') * 46,
            id="and that in each rule",
        ),
        pytest.param(
            b"rules: [&a 'p95 < 1s" + b" over 1" * 100 + b"'," + b"*a," * 9000 + b"]",
            id="an alias of a line with many faults",
        ),
        pytest.param(_repeated(b"${LIMIT} ", b"rules: ['", b"']"), id="a line of variables"),
        pytest.param(_repeated(b"- ${NONE}${\n", b"rules:\n"), id="many faulty variables"),
        pytest.param(_repeated(b"- ${LONG}\n", b"rules:\n"), id="many long variables"),
        pytest.param(_repeated(b"${", b"rules: ['", b"']"), id="variables that are never closed"),
        pytest.param(_repeated(b"${A:-", b"rules: ['", b"']"), id="defaults that are never closed"),
        pytest.param(_repeated(b"a.yaml, ", b"extends: [", b"]"), id="one file many times"),
        pytest.param(
            b"extends: [" + b"".join(b"%d/x," % n for n in range(5500)) + b"]", id="files"
        ),
        pytest.param(b"extends: [" + b"".join(b"%d," % n for n in range(7000)) + b"]", id="packs"),
        pytest.param(_repeated(b"*", b"rules: ['p95 of ", b"b < 1s']"), id="many stars"),
        pytest.param(_repeated(b"9", b"rules: [p95 < ", b"]"), id="many digits"),
        pytest.param(_repeated(b"a", b"rules: [p95 < 1s]\n", b": 1"), id="a long key"),
        pytest.param(_repeated(b"\n", b"rules: [p95 < 1]\n", b"a"), id="empty lines"),
        pytest.param(b"#" * 2_000_000, id="two megabytes"),
    ],
)
def test_a_file_made_to_take_long_does_not(content):
    began = time.process_time()
    with pytest.raises(RulesError):
        parse_rules(content, "rules.yaml", {**ENVIRONMENT, "LONG": "x" * 999})
    assert time.process_time() - began < 3  # as above
