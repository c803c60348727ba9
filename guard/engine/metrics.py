"""The registry of metrics: name, unit, meaning, and how it is measured in a window."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from guard.engine.counts import Counts
from guard.rule import Unit

Measure = Callable[[Counts, float], float | None]
"""From the counts of a window and its seconds to the metric's value; None for no data."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: What rules call it.
        unit: Unit of its values and thresholds.
        meaning: One line for documentation and messages.
        measure: How it is computed.
        counts_requests: Whether it measures the number of requests itself, so that a window
            without requests reads zero instead of being no data.
    """

    name: str
    unit: Unit
    meaning: str
    measure: Measure
    counts_requests: bool = False


def percentile(response_times: Counts, share: float) -> float | None:
    """The response time in milliseconds that ``share`` (0 to 1) of the requests finished within.

    Locust's own definition, so that it equals what Locust's report shows: of n sorted response
    times the one at rank ``int(n * share)``, counted from zero, or the last.
    Source: ``locust.stats.calculate_response_time_percentile``.
    """
    times = response_times.response_times
    n = sum(times.values())
    if not n:
        return None
    above = n - min(int(n * share), n - 1)
    # Most percentiles asked for are high ones, so count down from the slowest.
    for time in sorted(times, reverse=True):
        above -= times[time]
        if above <= 0:
            return float(time)
    raise AssertionError("a rank lies within the histogram")


def _mean(counts: Counts, _: float) -> float | None:
    timed = counts.timed
    return counts.response_time / timed if timed else None


def _median(counts: Counts, _: float) -> float | None:
    """Locust's median: its 50th percentile, kept between the exact extremes.

    Source: ``locust.stats.StatsEntry.median_response_time``.
    """
    middle = percentile(counts, 0.5)
    if middle is None or counts.fastest is None or counts.slowest is None:
        return None
    return min(max(middle, counts.fastest), counts.slowest)


def _per_second(amount: float, seconds: float) -> float | None:
    return amount / seconds if seconds > 0 else None


_MS, _RATIO, _RATE, _COUNT = Unit.MILLISECONDS, Unit.RATIO, Unit.RATE, Unit.COUNT

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("requests", _COUNT, "number of requests", lambda c, _: c.requests, True),
        Metric("failures", _COUNT, "number of failed requests", lambda c, _: c.failures),
        Metric(
            "fail_ratio",
            _RATIO,
            "failed requests as a share of all requests",
            lambda c, _: c.failures / c.requests if c.requests else None,
        ),
        Metric("rps", _RATE, "requests per second", lambda c, s: _per_second(c.requests, s), True),
        Metric(
            "fail_per_sec",
            _RATE,
            "failed requests per second",
            lambda c, s: _per_second(c.failures, s),
        ),
        Metric("avg", _MS, "mean response time", _mean),
        Metric("median", _MS, "median response time", _median),
        Metric("min", _MS, "shortest response time", lambda c, _: c.fastest),
        Metric("max", _MS, "longest response time", lambda c, _: c.slowest),
    )
}
"""Every metric with a fixed name. Percentiles are made by :func:`find`."""

PERCENTILE_MEANING = "response time that N percent of the requests finished within"

_PERCENTILE = re.compile(r"p((?:100|0|[1-9]\d?)(?:\.\d+)?)", re.ASCII)


def find(name: str) -> Metric | None:
    """The metric of that name, ``pN`` and ``pN.N`` included; None if there is none."""
    if metric := METRICS.get(name):
        return metric
    match = _PERCENTILE.fullmatch(name)
    if match is None or float(match[1]) > 100:
        return None
    # Shift the decimal point in text: 99.9 / 100 is not the float 0.999 that Locust multiplies by.
    share = float(f"{match[1]}e-2")
    return Metric(name, _MS, PERCENTILE_MEANING, lambda counts, _: percentile(counts, share))
