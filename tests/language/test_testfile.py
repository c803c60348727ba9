"""Test files: what is read from good ones, and the exact message for each bad one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.language.errors import RulesError
from guard.language.testfile import load_tests, parse_tests
from guard.rule import State

ROOT = Path(__file__).parents[2]
FILES = ROOT / "tests" / "ruletests"
BAD = sorted((FILES / "bad").glob("*.test.yaml"))
GOOD = [
    *sorted((FILES / "good").glob("*.test.yaml")),
    *sorted((ROOT / "tests" / "judging").glob("*.test.yaml")),
    *sorted((ROOT / "rules").glob("*.test.yaml")),
]


def name(file):
    return file.name.removesuffix(".test.yaml")


@pytest.mark.parametrize("file", BAD, ids=name)
def test_each_bad_file_gives_exactly_its_message(file, monkeypatch):
    """The messages of NAME.test.yaml stand in NAME.expected beside it, a line each."""
    monkeypatch.chdir(FILES / "bad")
    with pytest.raises(RulesError) as error:
        load_tests(file.name, {})
    expected = file.with_name(f"{name(file)}.expected").read_text(encoding="utf-8")
    assert f"{error.value}\n" == expected


def test_expected_messages_have_a_file():
    assert {file.stem for file in (FILES / "bad").glob("*.expected")} == set(map(name, BAD))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RulesError, match=r"gone\.yaml:1:1: can't be read: No such file"):
        load_tests(tmp_path / "gone.yaml")


def test_what_the_file_says_of_the_environment_comes_first(tmp_path):
    content = b"""
rules: ["p95 < ${LIMIT}", "avg < ${OTHER}"]
environment: {LIMIT: 1s}
tests: [{name: one, series: [{rps: 1}], expect: {outcome: pass}}]
"""
    tests = parse_tests(content, "x.yaml", {"LIMIT": "2s", "OTHER": "3s"})
    assert [str(rule) for rule in tests.rules] == ["p95 < 1s", "avg < 3s"]


@pytest.mark.parametrize(
    "written",
    [
        "p95 of POST /a < 1s",
        'p95 of "POST /a" < 1000ms',
        "p95 of POST /a < 1s over 10s",
        'p95 of "POST /a" < 1s over 10s for 5s else stop',
    ],
)
def test_a_rule_is_found_as_it_is_called_or_as_it_is_written(written):
    content = f"""
rules: ['p95 of "POST /a" < 1s over 10s for 5s else stop', fail_ratio < 1%]
tests: [{{name: one, series: [{{rps: 1}}], expect: {{rules: {{'{written}': ok}}}}}}]
"""
    tests = parse_tests(content.encode(), "x.yaml", {})
    (expected,) = tests.tests[0].expectation.rules
    assert expected.rule is tests.rules[0]
    assert [(point.key, point.value) for point in expected.points] == [("state", State.OK)]


def test_of_two_rules_with_one_check_the_whole_line_tells():
    content = """
rules: [p95 < 1s over 10s, p95 < 1s over 20s]
tests: [{name: one, series: [{rps: 1}], expect: {rules: {p95 < 1s over 20s: ok, p95 < 1s: ok}}}]
"""
    with pytest.raises(RulesError, match="there is no rule 'p95 < 1s'; did you mean") as error:
        parse_tests(content.encode(), "x.yaml", {})
    assert len(error.value.problems) == 1


WRITTEN = [file.read_bytes() for file in (*BAD, *GOOD)]
WORDS = [
    *(b"rules", b"tests", b"series", b"expect", b"name", b"rps", b"50x60", b"x", b"..", b"_", b"~"),
    *(b"[", b"]", b"{", b"}", b": ", b"- ", b", ", b"\n", b"\n  ", b"#", b"'", b'"', b"\\", b"*a"),
    *(b"&a ", b"!x ", b"${", b"${A:-b}", b"<<: ", b"---\n", b"\xff", b"\x00", b"9" * 50, b"7d"),
]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(WRITTEN), st.integers(0, 2**32))
def test_whatever_a_file_holds_it_gives_tests_or_its_faults(content, seed):
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(content) + 1)
        word = chance.choice([*WORDS, bytes([chance.randrange(256)])])
        content = content[:at] + word + content[at + chance.choice([0, 0, 1, 5, 50]) :]
    try:
        found = parse_tests(content, "x.test.yaml", {}).tests
    except RulesError as error:
        found = error.problems
    assert found
