"""Which results come first, and what is said of those for which there is no room."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from guard.engine.verdict import RuleResult
from guard.rule import Check, Comparison, Outcome


def by_rule(results: Iterable[RuleResult]) -> Iterator[list[RuleResult]]:
    """The results of each rule."""
    for _, group in groupby(results, key=lambda result: id(result.rule)):
        yield list(group)


def ranked(results: Iterable[RuleResult]) -> list[RuleResult]:
    """The results of a rule: those first that broke it, the earliest first, and then those that
    came nearest to it."""
    return sorted(results, key=_rank)


def _rank(result: RuleResult) -> tuple[bool, bool, bool, float, float]:
    return (
        result.outcome is Outcome.PASS,
        not result.breached,
        not result.judged,
        result.breached_at or 0.0,
        remoteness(result),
    )


def remoteness(result: RuleResult) -> float:
    """How far the rule was from being broken at its worst; less than zero beyond its limit."""
    if result.evidence is not None:
        return -result.evidence
    left = room(result.rule.check, result.worst)
    return math.inf if left is None else left


def room(check: Check, reading: float | None) -> float | None:
    """How far it is from a reading to the limit, in the reading's unit; less than zero beyond it.

    None where there is no reading, or no number.
    """
    if reading is None or not math.isfinite(reading):
        return None
    match check.comparison:
        case Comparison.LESS | Comparison.AT_MOST:
            return check.threshold - reading
        case Comparison.MORE | Comparison.AT_LEAST:
            return reading - check.threshold
        case Comparison.EQUAL:
            return -abs(reading - check.threshold)
        case Comparison.DIFFERENT:
            return abs(reading - check.threshold)


def more_text(count: int, one: str = "entry", many: str = "entries") -> str:
    """``1 more entry``, ``990 more entries``."""
    return f"{count} more {one if count == 1 else many}"


def outcomes_text(results: Sequence[RuleResult]) -> str:
    """How results ended: ``pass`` if all did, ``2 fail, 988 pass`` otherwise."""
    outcomes = Counter(result.outcome.value for result in results)
    if len(outcomes) == 1:
        return next(iter(outcomes))
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
