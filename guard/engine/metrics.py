"""The registry of metrics: name, unit, meaning, and how each is measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from guard.engine.counts import Counts
from guard.engine.snapshot import Vitals
from guard.engine.window import Window
from guard.rule import Basis, Unit

Measure = Callable[[Counts | Window, float], float | None]
"""From the requests of a window and its seconds to the metric's value; None for no data."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of requests.

    Attributes:
        name: What rules call it.
        unit: Unit of its values and thresholds.
        meaning: One line for documentation and messages.
        measure: How it is computed.
        basis: What it is taken from: requests that there must be, or their number.
        of_failures: Whether it can be narrowed to failures with a certain text.
        per_second: Whether it changes with time alone.
        share: Of a percentile, the share (0 to 1) of the requests that finished within it.
    """

    name: str
    unit: Unit
    meaning: str
    measure: Measure
    basis: Basis = Basis.REQUESTS
    of_failures: bool = False
    per_second: bool = False
    share: float | None = None


@dataclass(frozen=True, slots=True)
class RunMetric:
    """A metric of the run.

    Attributes:
        name: What rules call it.
        unit: Unit of its values and thresholds.
        meaning: One line for documentation and messages.
        measure: How it is read; None for no data.
        unknown: Why there may be no data.
        adds_up: Whether it only ever grows, so that what came before a rule was armed must be
            taken off, and the last of it may come when users are being stopped.
    """

    name: str
    unit: Unit
    meaning: str
    measure: Callable[[Vitals], float | None]
    unknown: str = "it was never judged"
    adds_up: bool = False

    basis = Basis.RUN
    of_failures = False


def percentile(requests: Counts | Window, share: float) -> float | None:
    """The response time in milliseconds that ``share`` (0 to 1) of the requests finished within.

    Locust's own definition, so that it equals what Locust's report shows: of n sorted response
    times the one at rank ``int(n * share)``, counted from zero, or the last.
    Source: ``locust.stats.calculate_response_time_percentile``.
    """
    times, n = requests.response_times, requests.timed
    if not n:
        return None
    above = n - min(int(n * share), n - 1)
    if above == 1:
        return float(max(times))
    # Most percentiles asked for are high ones, so count down from the slowest.
    for time in sorted(times, reverse=True):
        above -= times[time]
        if above <= 0:
            return float(time)
    raise AssertionError("a rank lies within the histogram")


def _mean(requests: Counts | Window, _: float) -> float | None:
    return requests.response_time / requests.timed if requests.timed else None


def _median(requests: Counts | Window, _: float) -> float | None:
    """Locust's median: its 50th percentile, kept between the exact extremes.

    Source: ``locust.stats.StatsEntry.median_response_time``.
    """
    middle = percentile(requests, 0.5)
    if middle is None or requests.fastest is None or requests.slowest is None:
        return None
    return min(max(middle, requests.fastest), requests.slowest)


def _per_second(amount: float, seconds: float) -> float | None:
    return amount / seconds if seconds > 0 else None


METRICS: dict[str, Metric | RunMetric] = {
    metric.name: metric
    for metric in (
        Metric(
            "requests",
            Unit.COUNT,
            "number of requests",
            lambda r, _: r.requests,
            basis=Basis.TALLY,
        ),
        Metric(
            "failures",
            Unit.COUNT,
            "number of failed requests",
            lambda r, _: r.failures,
            of_failures=True,
        ),
        Metric(
            "fail_ratio",
            Unit.RATIO,
            "failed requests as a share of all requests",
            lambda r, _: r.failures / r.requests if r.requests else None,
            of_failures=True,
        ),
        Metric(
            "rps",
            Unit.RATE,
            "requests per second",
            lambda r, s: _per_second(r.requests, s),
            basis=Basis.TALLY,
            per_second=True,
        ),
        Metric(
            "fail_per_sec",
            Unit.RATE,
            "failed requests per second",
            lambda r, s: _per_second(r.failures, s),
            of_failures=True,
            per_second=True,
        ),
        Metric("avg", Unit.MILLISECONDS, "mean response time", _mean),
        Metric("median", Unit.MILLISECONDS, "median response time", _median, share=0.5),
        Metric("min", Unit.MILLISECONDS, "shortest response time", lambda r, _: r.fastest),
        Metric("max", Unit.MILLISECONDS, "longest response time", lambda r, _: r.slowest),
        Metric(
            "content_length",
            Unit.BYTES,
            "mean size of a response",
            lambda r, _: r.content_length / r.requests if r.requests else None,
        ),
        RunMetric(
            "users",
            Unit.COUNT,
            "users that are running",
            lambda v: v.users,
            unknown="nobody said how many there were",
        ),
        RunMetric("workers", Unit.COUNT, "workers that are connected", lambda v: v.workers),
        RunMetric(
            "lost_workers",
            Unit.COUNT,
            "workers that were there during the test and are no more",
            lambda v: v.lost_workers,
        ),
        RunMetric(
            "cpu",
            Unit.RATIO,
            "share of a CPU core that the busiest generator process takes",
            lambda v: v.cpu,
            unknown="Locust had not measured it yet",
        ),
        RunMetric(
            "memory",
            Unit.BYTES,
            "memory of the largest generator process",
            lambda v: v.memory,
            unknown="Locust had not measured it yet",
        ),
        RunMetric(
            "exceptions",
            Unit.COUNT,
            "exceptions in user code that nobody caught",
            lambda v: v.exceptions,
            adds_up=True,
        ),
        RunMetric(
            "silence",
            Unit.SECONDS,
            "time since the last answer while users are running",
            lambda v: v.silence,
            unknown="no users were running",
        ),
    )
}
"""Every metric with a fixed name. Percentiles are made by :func:`find`."""

PERCENTILE_MEANING = "response time that N percent of the requests finished within"

_PERCENTILE = re.compile(r"p((?:100|0|[1-9]\d?)(?:\.\d+)?)", re.ASCII)


def narrowed(measure: Measure, failure: str) -> Measure:
    """The same, of those failures only whose text matches the pattern."""

    def measure_narrowed(requests: Counts | Window, seconds: float) -> float | None:
        failures = requests.failures_like.get(failure, 0)
        return measure(Counts(requests.requests, failures), seconds)

    return measure_narrowed


def find(name: str) -> Metric | RunMetric | None:
    """The metric of that name, ``pN`` and ``pN.N`` included; None if there is none."""
    if metric := METRICS.get(name):
        return metric
    match = _PERCENTILE.fullmatch(name)
    if match is None or float(match[1]) > 100:
        return None
    # Shift the decimal point in text: 99.9 / 100 is not the float 0.999 that Locust multiplies by.
    share = float(f"{match[1]}e-2")
    return Metric(
        name,
        Unit.MILLISECONDS,
        PERCENTILE_MEANING,
        lambda r, _: percentile(r, share),
        share=share,
    )
