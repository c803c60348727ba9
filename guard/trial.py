"""Tests of rules: each plays a run that somebody wrote, and compares what the rules made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from guard.engine.reading import quantity
from guard.engine.snapshot import Snapshot
from guard.engine.verdict import RuleResult, Verdict
from guard.excerpt import MOMENTS, Excerpt, Wanted, excerpts
from guard.language.expectation import NEVER, NO_DATA, Expected, ExpectedRule
from guard.language.testfile import RuleTest
from guard.playback import play
from guard.rule import Outcome, Place, Rule, matches, method_and_name, timespan_text
from guard.scenario import Scenario
from guard.sources.series import snapshots

RUN = "the run"
"""The subject of what is not about a rule."""

TOLD = 3
"""How many rules that nothing is expected of, and how many entries, are told of at most."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that came otherwise than expected.

    Attributes:
        place: Where it is expected.
        subject: What it is about: the run, or a rule and its entry.
        key: Which of its properties.
        expected: What was expected, for people.
        actual: What came.
    """

    place: Place
    subject: str
    key: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a test.

    Attributes:
        test: The test.
        verdict: What the rules made of its run.
        mismatches: What came otherwise than expected.
        excerpts: The readings that show why.
    """

    test: RuleTest
    verdict: Verdict
    mismatches: tuple[Mismatch, ...]
    excerpts: tuple[Excerpt, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return not self.mismatches


def try_out(test: RuleTest, rules: Sequence[Rule]) -> Trial:
    """Play the run of a test and compare what comes with what is expected."""
    verdict = play(rules, _played(test.scenario, rules)).verdict
    expected = test.expectation
    mismatches = _compare(RUN, expected.points, lambda point: _OF_RUN[point.key](verdict))
    of_run: list[Wanted] = []
    of_rules: list[Wanted] = []
    if mismatches:
        missed = _missed(expected.points, mismatches)
        of_run += [Wanted(result, missed) for result in _telling(verdict)]
    for of_rule in expected.rules:
        found, missing = _result(of_rule, verdict.rules)
        if missing:
            mismatches.append(missing)
        elif found:
            wrong = _compare(_called(found), of_rule.points, _of(found))
            mismatches += wrong
            if wrong:
                of_rules.append(Wanted(found, _missed(of_rule.points, wrong)))
    # What was expected of rules tells most; but what ended the run is always told.
    wanted = [*of_run, *of_rules] if verdict.stopped or not of_rules else of_rules
    again = _played(test.scenario, rules) if wanted else ()
    shown = excerpts(again, rules, wanted, test.scenario.seconds, int(verdict.duration))
    return Trial(test, verdict, tuple(mismatches), shown)


def _played(scenario: Scenario, rules: Sequence[Rule]) -> Iterator[tuple[float, Snapshot]]:
    return snapshots(scenario, frozenset(r.check.failure for r in rules if r.check.failure))


@dataclass(frozen=True, slots=True)
class _Actual:
    """What came, and how both it and what was expected are said."""

    value: object
    text: Callable[[object], str] = str
    alike: Callable[[object, object], bool] = lambda expected, actual: expected == actual


def _compare(
    subject: str, points: Iterable[Expected], actual_of: Callable[[Expected], _Actual]
) -> list[Mismatch]:
    found = []
    for point in points:
        actual = actual_of(point)
        if not actual.alike(point.value, actual.value):
            said = actual.text(point.value), actual.text(actual.value)
            found.append(Mismatch(point.place, subject, point.key, *said))
    return found


def _plain(value: object) -> _Actual:
    return _Actual(value, lambda member: str(getattr(member, "value", member)))


def _moment(value: float | None) -> _Actual:
    return _Actual(value, _moment_text)


def _moment_text(value: object) -> str:
    return timespan_text(round(value, 3)) if isinstance(value, float) else NEVER


def _pattern(value: str) -> _Actual:
    def is_in(pattern: object, text: object) -> bool:
        return matches(str(pattern), str(text))

    return _Actual(value, str, is_in)


def _measured(value: float | None, rule: Rule) -> _Actual:
    """A value compares as it is shown: to three digits, or to the whole number if that has more."""

    def text(one: object) -> str:
        return quantity(one, rule.check.unit) if isinstance(one, (int, float)) else NO_DATA

    return _Actual(value, text, lambda expected, actual: text(expected) == text(actual))


def _share(value: float | None) -> _Actual:
    """Evidence compares as it is shown: in whole percent, which are not rounded up."""

    def percent(one: object) -> int | None:
        return math.floor(one * 100 + 1e-9) if isinstance(one, (int, float)) else None

    return _Actual(
        value,
        lambda one: f"{percent(one)}%",
        lambda expected, actual: percent(expected) == percent(actual),
    )


_OF_RUN: dict[str, Callable[[Verdict], _Actual]] = {
    "outcome": lambda verdict: _plain(verdict.outcome),
    "stopped_at": lambda verdict: _moment(verdict.stopped_at),
    "reason": lambda verdict: _pattern(verdict.reason),
}
_OF_RULE: dict[str, Callable[[RuleResult], _Actual]] = {
    "state": lambda result: _plain(result.state),
    "outcome": lambda result: _plain(result.outcome),
    "at": lambda result: _moment(result.breached_at),
    "pending_at": lambda result: _moment(result.pending_at),
    "recovered_at": lambda result: _moment(result.recovered_at),
    "value": lambda result: _measured(result.value, result.rule),
    "worst": lambda result: _measured(result.worst, result.rule),
    "requests": lambda result: _plain(result.requests),
    "evidence": lambda result: _share(result.evidence),
    "reason": lambda result: _pattern(result.reason),
}


def _of(result: RuleResult) -> Callable[[Expected], _Actual]:
    return lambda point: _OF_RULE[point.key](result)


def _result(
    expected: ExpectedRule, results: Sequence[RuleResult]
) -> tuple[RuleResult | None, Mismatch | None]:
    """What became of the rule on the entry that is meant, or that it was not judged on one."""
    of_rule = [result for result in results if result.rule is expected.rule]
    if expected.entry is None:
        fit = of_rule
    else:
        fit = [result for result in of_rule if _is_called(result.entry, expected.entry)]
    if len(fit) == 1:
        return fit[0], None
    names = sorted(str(result.entry) for result in of_rule)
    there = ", ".join(names[:TOLD]) + (", ..." if len(names) > TOLD else "")
    if expected.entry is None:
        wanted, there = "a single one, or to be told which", f"judged on {there}"
    else:
        wanted = expected.entry
    return None, Mismatch(expected.place, expected.rule.name, "entry", wanted, there)


def _is_called(entry: str | None, name: str) -> bool:
    return entry is not None and name in (entry, method_and_name(entry)[1])


def _called(result: RuleResult) -> str:
    return f"{result.rule.name} on {result.entry}" if result.rule.check.each else result.rule.name


def _telling(verdict: Verdict) -> list[RuleResult]:
    """Those that tell why the run came to its end and to its outcome, the first few of them."""
    stopping = [result for result in verdict.rules if result.rule.action.stops]
    if verdict.stopped:
        return [r for r in stopping if r.breached_at == verdict.stopped_at][:1]
    failed = [result for result in verdict.rules if result.outcome is not Outcome.PASS]
    return [*failed, *(result for result in stopping if result not in failed)][:TOLD]


def _missed(points: Iterable[Expected], wrong: Iterable[Mismatch]) -> dict[str, float]:
    """When something was expected that came at another time, by the key that says so."""
    keys = {mismatch.key for mismatch in wrong}
    return {
        point.key: point.value
        for point in points
        if point.key in keys & MOMENTS.keys() and isinstance(point.value, float)
    }
