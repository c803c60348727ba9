"""Which results come first, where there is no room for all."""

from __future__ import annotations

import math

import pytest

from guard.effects.ranking import by_rule, more_text, outcomes_text, ranked, room
from guard.engine.verdict import RuleResult
from guard.language.rulefile import parse_rules
from guard.rule import Outcome, State

RULES = parse_rules(b"rules: [p95 of each * < 500ms over 10s, rps > 5 over 10s]", "rules.yaml")


def result(entry, outcome=Outcome.PASS, *, rule=RULES[0], judged=True, at=None, **readings):
    state = State.OK if at is None else State.BREACHED
    return RuleResult(rule, entry, state, outcome, judged, "", breached_at=at, **readings)


def test_what_broke_the_rule_comes_first_and_then_what_came_near_it():
    results = [
        result("far", worst=100.0),
        result("never judged", Outcome.INCONCLUSIVE, judged=False),
        result("no reading"),
        result("near", worst=499.0),
        result("late", Outcome.FAIL, at=20.0, worst=900.0),
        result("recovered", at=5.0, worst=600.0),
        result("early", Outcome.FAIL, at=10.0, worst=510.0),
        result("at once", Outcome.FAIL, at=10.0, worst=700.0),
    ]
    assert [each.entry for each in ranked(results)] == [
        "at once", "early", "late", "never judged", "recovered", "near", "far", "no reading",
    ]  # fmt: skip


def test_evidence_ranks_before_readings():
    results = [result("low", worst=499.0, evidence=0.1), result("high", worst=1.0, evidence=0.9)]
    assert [each.entry for each in ranked(results)] == ["high", "low"]


def test_results_are_grouped_by_their_rule():
    results = [result("a"), result("b"), result(None, rule=RULES[1])]
    assert [[each.entry for each in group] for group in by_rule(results)] == [["a", "b"], [None]]


@pytest.mark.parametrize(
    ("rule", "reading", "left"),
    [
        ("p95 < 500ms", 450.0, 50.0),
        ("p95 <= 500ms", 600.0, -100.0),
        ("rps > 5", 7.0, 2.0),
        ("rps >= 5", 4.0, -1.0),
        ("workers == 3", 5.0, -2.0),
        ("workers == 3", 1.0, -2.0),
        ("workers != 3", 1.0, 2.0),
        ("rps > 5", None, None),
        ("rps > 5", math.nan, None),
    ],
)
def test_how_much_is_left_up_to_the_limit(rule, reading, left):
    (parsed,) = parse_rules(f"rules: [{rule}]".encode(), "rules.yaml")
    assert room(parsed.check, reading) == left


def test_words():
    assert (more_text(1), more_text(2)) == ("1 more entry", "2 more entries")
    assert outcomes_text([result("a"), result("b")]) == "pass"
    assert outcomes_text([result("a", Outcome.FAIL), result("b"), result("c")]) == "1 fail, 2 pass"
