"""Tests of rules: those that are shipped and those of this project pass, and wrong ones fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guard.language.expectation import RULE_KEYS, RUN_KEYS
from guard.language.testfile import load_tests, parse_tests
from guard.rule import Outcome, State
from guard.trial import try_out

ROOT = Path(__file__).parents[1]
JUDGING = sorted((ROOT / "tests" / "judging").glob("*.test.yaml"))
EXAMPLES = sorted((ROOT / "examples").rglob("*.test.yaml"))
PACKS = sorted((ROOT / "rules").glob("*.test.yaml"))


def all_of(files):
    return [
        pytest.param(test, loaded.rules, id=f"{file.name}: {test.name}")
        for file in files
        for loaded in [load_tests(file)]
        for test in loaded.tests
    ]


@pytest.mark.parametrize(("test", "rules"), all_of([*JUDGING, *PACKS, *EXAMPLES]))
def test_rules_do_what_is_written_of_them(test, rules):
    """How rules are judged, and what each pack does: the files say it."""
    assert [f"{m.place}: {m}" for m in try_out(test, rules).mismatches] == []


def wrong(point):
    """The same with another value."""
    match point.value:
        case Outcome():
            other = Outcome.FAIL if point.value is Outcome.PASS else Outcome.PASS
        case State():
            other = State.OK if point.value is State.BREACHED else State.BREACHED
        case str():
            other = "something else"
        case None:
            other = 1.0
        case number:
            other = number * 1.01 + 1
    return replace(point, value=other)


def each_wrong(test):
    """The test once for each thing that it expects, with that one wrong."""
    expected = test.expectation
    for index, point in enumerate(expected.points):
        points = (*expected.points[:index], wrong(point), *expected.points[index + 1 :])
        yield replace(test, expectation=replace(expected, points=points)), point
    for number, of_rule in enumerate(expected.rules):
        for index, point in enumerate(of_rule.points):
            points = (*of_rule.points[:index], wrong(point), *of_rule.points[index + 1 :])
            rules = list(expected.rules)
            rules[number] = replace(of_rule, points=points)
            yield replace(test, expectation=replace(expected, rules=tuple(rules))), point


@pytest.mark.parametrize(("test", "rules"), all_of(JUDGING))
def test_every_single_thing_that_is_expected_can_fail(test, rules):
    """What is expected wrongly is found, and nothing else."""
    for changed, point in each_wrong(test):
        (mismatch,) = try_out(changed, rules).mismatches
        assert (mismatch.key, mismatch.place) == (point.key, point.place)


def test_the_files_use_every_key():
    """So that the test above is about each."""
    keys = set()
    for file in [*JUDGING, *PACKS]:
        for test in load_tests(file).tests:
            for holder in (test.expectation, *test.expectation.rules):
                keys |= {point.key for point in holder.points}
    assert keys == {*RUN_KEYS, *RULE_KEYS}


def the_one(content):
    tests = parse_tests(content.encode(), "x.test.yaml", {})
    (test,) = tests.tests
    return try_out(test, tests.rules)


def expecting(expected, check="p95 < 500ms over 10s", series="{rps: 10x60, response_time: 333}"):
    return the_one(f"""
rules: [{{name: one, check: {check.partition(" over")[0]}, over: 10s}}]
tests: [{{name: x, series: [{series}], expect: {{rules: {{one: {{{expected}}}}}}}}}]
""")


@pytest.mark.parametrize(
    ("written", "passes"),
    [
        ("333ms", True),
        ("333.4ms", True),
        ("0.333s", True),
        ("333", True),
        ("334ms", False),
        ("330ms", False),
        ("0.3s", False),
        ("no data", False),
    ],
)
def test_a_value_compares_as_it_is_shown(written, passes):
    """To three digits: avg of 333 ms."""
    assert expecting(f"value: {written}", "avg < 500ms").passed == passes


@pytest.mark.parametrize(
    ("written", "passes"),
    [("33.3%", True), ("33.33%", True), ("0.333", True), ("33%", False), ("33.4%", False)],
)
def test_so_does_a_ratio(written, passes):
    trial = expecting(f"value: {written}", "fail_ratio < 50%", "{rps: 3x60, failures: 1x60}")
    assert trial.passed == passes


@pytest.mark.parametrize(
    ("entry", "actual"),
    [
        pytest.param("", "judged on GET /a, GET /b", id="on several entries one must be named"),
        pytest.param("entry: /c,", "GET /a, GET /b", id="that there is"),
        pytest.param("entry: /a,", None, id="by its name"),
        pytest.param("entry: GET /a,", None, id="or with its method"),
    ],
)
def test_which_entry_is_meant(entry, actual):
    trial = the_one(f"""
rules: [{{name: one, check: avg of each * < 1s}}]
tests:
  - name: x
    series: [{{entry: /a, rps: 5, response_time: 5}}, {{entry: /b, rps: 5, response_time: 5}}]
    expect: {{rules: {{one: {{{entry} state: ok}}}}}}
""")
    assert [mismatch.actual for mismatch in trial.mismatches] == ([actual] if actual else [])


def test_what_came_as_expected_is_not_told_again():
    """It is pending from 20 s on, and breached at 21 s, as expected."""
    trial = the_one("""
rules: [avg < 500ms over 1s for 1s]
tests:
  - name: x
    series: [{rps: 10x30, response_time: 100x20 900x10}]
    expect: {rules: {avg < 500ms: {at: 21s, pending_at: 19s}}}
""")
    (excerpt,) = trial.excerpts
    assert {second.at: second.remark for second in excerpt.seconds if second.remark} == {
        19: "pending from here on expected",
        20: "pending from here on",
        21: "breached",
    }


def test_the_readings_around_the_moments_are_shown():
    trial = expecting("at: 40s", series="{rps: 10x60, response_time: 100x20 900x40}")
    (excerpt,) = trial.excerpts
    assert [second.at for second in excerpt.seconds] == [*range(19, 24), *range(38, 43)]
    remarks = {second.at: second.remark for second in excerpt.seconds if second.remark}
    assert remarks == {21: "breached", 40: "breach expected"}
    readings = {second.at: second.standing.value for second in excerpt.seconds}
    assert (readings[20], readings[21]) == (100, 900)


def test_without_a_moment_the_last_readings_are_shown():
    (excerpt,) = expecting("worst: 5s", series="{rps: 10x60, response_time: 100}").excerpts
    assert [second.at for second in excerpt.seconds] == [58, 59, 60]


def test_a_total_that_is_judged_at_the_end_is_shown_before():
    trial = the_one("""
rules: [fail_ratio < 1%]
tests:
  - {name: x, series: [{rps: 10x9, failures: 0x8 1}], expect: {rules: {fail_ratio < 1%: ok}}}
""")
    (excerpt,) = trial.excerpts
    assert [second.standing.value for second in excerpt.seconds] == [0, 0, 1 / 90]


def test_of_a_rule_that_is_surely_the_evidence_is_shown():
    trial = the_one("""
rules: [fail_ratio < 1% surely else stop]
tests:
  - name: x
    series: [{rps: 100x70, failures: _x60 8 8 8 8}]
    expect: {rules: {fail_ratio < 1%: {at: never}}}
""")
    (excerpt,) = trial.excerpts
    shown = [second.standing for second in excerpt.seconds[1:3]]
    assert [(standing.value, standing.requests) for standing in shown] == [(0.08, 100), (0.08, 200)]
    assert 0.25 < shown[0].evidence < shown[1].evidence == 1


def test_where_the_run_was_stopped_the_readings_end_there_too():
    trial = the_one("""
rules: [p95 < 500ms over 10s else stop, avg < 9s over 10s]
tests:
  - name: x
    series: [{rps: 5x60, response_time: 900}]
    expect: {rules: {avg < 9s: breached}}
""")
    (excerpt,) = trial.excerpts
    assert [second.at for second in excerpt.seconds] == [8, 9, 10]


def outcome_expected(rules, expected):
    return the_one(f"""
rules: {rules}
tests:
  - name: x
    series: [{{rps: 10x20, response_time: 100, failures: 0x19 10}}]
    expect: {{{expected}}}
""")


@pytest.mark.parametrize(
    ("rules", "expected", "shown"),
    [
        pytest.param(
            "[p95 < 1s, fail_ratio < 1%]", "outcome: pass", {"fail_ratio < 1%": [18, 19, 20]},
            id="the rules that did not pass",
        ),
        pytest.param(
            "[p95 < 50ms, failures < 5 else stop]", "outcome: pass",
            {"failures < 5": [18, 19, 20]}, id="the rule that stopped the run, and no other",
        ),
        pytest.param(
            "[p95 < 1s over 5s else stop, fail_ratio < 90%]", "stopped_at: 10s",
            {"p95 < 1s": [8, 9, 10, 11, 12]}, id="the rules that could have stopped it",
        ),
        pytest.param(
            "[p95 < 50ms, fail_ratio < 1%]", "outcome: pass, rules: {p95 < 50ms: ok}",
            {"p95 < 50ms": [18, 19, 20]}, id="what was expected of rules tells enough",
        ),
    ],
)  # fmt: skip
def test_what_is_shown_where_the_run_ended_otherwise(rules, expected, shown):
    trial = outcome_expected(rules, expected)
    assert {e.rule.name: [s.at for s in e.seconds] for e in trial.excerpts} == shown


def test_a_test_that_passes_shows_nothing():
    trial = expecting("state: ok")
    assert (trial.passed, trial.excerpts) == (True, ())
