"""Checks as statements about each request: which are bad, and how many may be."""

from __future__ import annotations

import math
from collections.abc import Callable

from guard.engine import metrics
from guard.engine.counts import Counts
from guard.engine.metrics import Metric
from guard.rule import Check, Comparison

CountBad = Callable[[Counts, int], tuple[int, int]]
"""From some requests, and how many of them have a response time, to how many of them count and how
many of those are bad."""

_HIGH = (Comparison.MORE, Comparison.AT_LEAST)
_BEYOND: dict[Comparison, Callable[[float], int]] = {
    Comparison.LESS: math.ceil,
    Comparison.AT_MOST: lambda threshold: math.floor(threshold) + 1,
    Comparison.MORE: lambda threshold: math.floor(threshold) + 1,
    Comparison.AT_LEAST: math.ceil,
}
"""The first whole number that is not on the near side of a threshold: with ``<`` and ``<=`` from
there on all break the check, with ``>`` and ``>=`` all below it."""


def limit(check: Check) -> float | None:
    """The share of its requests, 0 to 1, that may be bad while the check holds; None if it is not
    about a share of them.

    Bad are, for ``fail_ratio < 2%``, the failed ones, of which 2% may be; for ``p95 < 500ms`` those
    that take 500 ms or longer, of which 5% may be. With ``>`` they are the others: ``p95 > 500ms``
    is broken when more than 95% take 500 ms at most.
    """
    if check.comparison not in _BEYOND:
        return None
    is_high = check.comparison in _HIGH
    if check.metric == "fail_ratio":
        threshold = min(max(check.threshold, 0.0), 1.0)
        return 1 - threshold if is_high else threshold
    metric = metrics.find(check.metric)
    if not isinstance(metric, Metric) or metric.share is None:
        return None
    return metric.share if is_high else 1 - metric.share


def bad_of(check: Check) -> CountBad:
    """Counts how many requests there are, and how many bad ones among them."""
    if check.metric == "fail_ratio":
        return _bad_by_failure(check.failure, opposite=check.comparison in _HIGH)
    return _bad_by_time(
        _BEYOND[check.comparison](check.threshold), opposite=check.comparison in _HIGH
    )


def _bad_by_time(first: int, *, opposite: bool) -> CountBad:
    def count(part: Counts, timed: int) -> tuple[int, int]:
        times, beyond = part.response_times, 0
        # Most that is weighed is good, so only the numbers of the others are looked up.
        for time in times:
            if time >= first:
                beyond += times[time]
        return timed, timed - beyond if opposite else beyond

    return count


def _bad_by_failure(text: str | None, *, opposite: bool) -> CountBad:
    def count(part: Counts, _: int) -> tuple[int, int]:
        failed = part.failures if text is None else part.failures_like.get(text, 0)
        return part.requests, part.requests - failed if opposite else failed

    return count
