"""Which of two rules is the stricter one."""

from __future__ import annotations

from decimal import Decimal

from guard.rule import Action, Check, Comparison, Rule

UPPER = (Comparison.LESS, Comparison.AT_MOST)
"""Comparisons with an upper limit."""

LOWER = (Comparison.MORE, Comparison.AT_LEAST)
"""Comparisons with a lower limit."""

_STRICT = (Comparison.LESS, Comparison.MORE)
_RANKS = {"min": Decimal(0), "median": Decimal(50), "max": Decimal(100)}


def covers(strong: Rule, weak: Rule) -> bool:
    """Whether the strong rule is broken whenever the weak one is, and does as much about it."""
    a, b = strong.check, weak.check
    return (
        (a.selection, a.each, a.failure) == (b.selection, b.each, b.failure)
        and (strong.over, strong.surely, strong.after) == (weak.over, weak.surely, weak.after)
        and (strong.min_requests, strong.no_data) == (weak.min_requests, weak.no_data)
        and strong.hold <= weak.hold
        and _does_as_much(strong.action, weak.action)
        and _measures_as_much(a, b)
        and _is_as_strict(a, b)
    )


def _does_as_much(a: Action, b: Action) -> bool:
    return a is b or (a is Action.STOP and b is Action.FAIL)


def _measures_as_much(a: Check, b: Check) -> bool:
    """Whether the one reads at least as far towards the limit as the other."""
    if a.metric == b.metric:
        return True
    rank_a, rank_b = rank(a.metric), rank(b.metric)
    if rank_a is None or rank_b is None:
        return False
    if b.comparison in UPPER:
        return rank_a >= rank_b
    return rank_a <= rank_b if b.comparison in LOWER else rank_a == rank_b


def _is_as_strict(a: Check, b: Check) -> bool:
    """Whether every value that breaks ``b`` breaks ``a`` too."""
    for side, sign in ((UPPER, 1), (LOWER, -1)):
        if b.comparison in side:
            closer = (b.threshold - a.threshold) * sign
            at_equal = a.comparison in _STRICT or b.comparison not in _STRICT
            return a.comparison in side and (closer > 0 or (closer == 0 and at_equal))
    return (a.comparison, a.threshold) == (b.comparison, b.threshold)


def rank(metric: str) -> Decimal | None:
    """Which percentile the metric is, from 0 to 100; None for one that is none."""
    if metric in _RANKS:
        return _RANKS[metric]
    return Decimal(metric[1:]) if metric[0] == "p" and metric[1:2].isdigit() else None
