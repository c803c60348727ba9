"""How late a change is noticed, beside the bound and beside windows that are wrong as rarely."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from _table import Figure
from numpy.random import Generator

from _detection.rarity import mean_time, share_of_hours, tuned
from _detection.report import Effort, digits, in_seconds, percent, show
from _detection.streams import (
    DAY,
    Limit,
    Surely,
    delays_of_limits,
    delays_of_surely,
    healthy_hours_stopped,
)
from _detection.traffic import Change, Floats, Independent, ResponseTimes
from guard.engine.alternatives import divergence
from guard.rule import HARDLY_EVER

WINDOWS = (10, 30, 60)
RATES = (20, 100, 1000)
BEFORE = 0.8  # of the limit
TIMES = (2, 5, 20)  # the limit
WARM_UP = 600
WARM_UP_OF_WINDOWS = 2 * max(WINDOWS)

ABOVE_BOUND = 1.3
EVALUATION = 1.0

SLOW_MS = 500
SLOW = 0.05
SIGMA = 0.6
SLOWER = (1.2, 1.5, 2.0)
P95_WARM_UP = 120

OVER = tuple(f"over {over} s" for over in WINDOWS)
HEADS = ("requests/s", "bound", "`surely`", *OVER)


def bound(p0: float, share: float, requests: int) -> float:
    """Lorden's bound in seconds, for a detector that is wrong as rarely: its leading term."""
    return math.log(HARDLY_EVER) / divergence(share, p0) / requests


def claim(what: str, delays: Floats, least: float) -> Figure:
    """That these are as short as they must be, beside that bound."""
    allowed = ABOVE_BOUND * least + EVALUATION
    return Figure(
        what,
        f"{digits(delays.mean())} s, bound {digits(least)} s",
        f"at most {digits(allowed)} s",
        float(delays.mean()) <= allowed,
    )


def of_failures(rng: Generator, effort: Effort) -> list[Figure]:
    """From 0.8 times the limit to more, for ``fail_ratio``."""
    figures, of_windows = [], []
    for p0 in (0.01, 0.05):
        rows = []
        for requests in RATES:
            found = [tuned(rng, over, requests, p0, HARDLY_EVER) for over in WINDOWS]
            limits = [
                Limit(least / (over * requests), over)
                for (least, _), over in zip(found, WINDOWS, strict=True)
            ]
            words = (
                f"`< {100 * limit.share:.3g}%` ({seconds / DAY:.0f})"
                for limit, (_, seconds) in zip(limits, found, strict=True)
            )
            of_windows.append((f"{p0:.0%}", f"{requests:,}", *words))
            for times in TIMES:
                share = min(times * p0, 1.0)
                change = Change(Independent(BEFORE * p0), Independent(share), requests)
                delays = delays_of_surely(rng, Surely(p0, requests), change, effort.runs, WARM_UP)
                least = bound(p0, share, requests)
                by_window = delays_of_limits(
                    rng, limits, change, effort.runs // 2, WARM_UP_OF_WINDOWS
                )
                cells = (digits(least), *map(in_seconds, (delays, *by_window)))
                rows.append((f"{share:.0%}", f"{requests:,}", *cells))
                what = f"{BEFORE * p0:.1%} to {share:.0%} failures, limit {p0:.0%}, {requests}/s"
                figures.append(claim(what, delays, least))
        title = f"Delay after a change from {BEFORE * p0:.1%} failures, limit {p0:.0%}: seconds"
        show(title, ("fail then", *HEADS), rows)
    show(
        "Limits of windows that chance breaks once in 30 days or more rarely",
        ("true share", "requests/s", *(f"{over} (days)" for over in OVER)),
        of_windows,
    )
    return figures


def of_response_times(rng: Generator, effort: Effort) -> list[Figure]:
    """From 0.8 times the limit by a factor on all times, for ``p95 < 500ms``."""
    healthy = ResponseTimes.with_share(BEFORE * SLOW, SIGMA, SLOW_MS)
    at_limit = ResponseTimes.with_share(SLOW, SIGMA, SLOW_MS)
    rows, of_windows, figures = [], [], []
    for requests in RATES:
        thresholds = [_tuned_ms(rng, over, requests, at_limit) for over in WINDOWS]
        of_windows.append((f"{requests:,}", *(f"`p95 < {ms}ms`" for ms in thresholds)))
        for factor in SLOWER:
            slower = healthy.slower(factor)
            least = bound(SLOW, slower.share_from(SLOW_MS), requests)
            delays = delays_of_surely(
                rng,
                Surely(SLOW, requests),
                Change(healthy, slower, requests),
                effort.runs // 4,
                P95_WARM_UP,
            )
            by_window = _delays_of_p95(rng, thresholds, Change(healthy, slower, requests), effort)
            more = f"{factor - 1:.0%}"
            cells = (digits(least), *map(in_seconds, (delays, *by_window)))
            rows.append((more, f"{requests:,}", *cells))
            figures.append(claim(f"p95 of times that grow by {more}, {requests}/s", delays, least))
    show("Delay after times grow, `p95 < 500ms`: seconds", ("slower by", *HEADS), rows)
    show(
        "Thresholds that chance breaks once in 30 days or more rarely, where p95 is 500 ms",
        ("requests/s", *OVER),
        of_windows,
    )
    return figures


def _least_for_p95(number: int) -> int:
    """How many of so many requests take T or longer, when their p95 is T or more."""
    return number - int(number * 0.95)


def _tuned_ms(rng: Generator, over: int, requests: int, times: ResponseTimes) -> int:
    """The threshold in ms that the p95 of a window reaches as rarely as ``surely`` may be wrong."""
    least = _least_for_p95(over * requests)
    ms = SLOW_MS
    while True:
        share = share_of_hours(
            rng, over, least, requests=requests, share=times.share_from(ms), samples=500
        )
        if mean_time(share) >= HARDLY_EVER:
            return ms
        ms += 10


def _delays_of_p95(
    rng: Generator, thresholds: Sequence[int], change: Change, effort: Effort
) -> list[Floats]:
    """Of a window for each threshold. What counts is how many requests reach it, so these are
    drawn and not their times."""
    found = []
    for over, ms in zip(WINDOWS, thresholds, strict=True):
        assert isinstance(change.before, ResponseTimes)
        assert isinstance(change.after, ResponseTimes)
        shares = change.before.share_from(ms), change.after.share_from(ms)
        drawn = Change(Independent(shares[0]), Independent(shares[1]), change.requests)
        number = over * change.requests
        limit = Limit(_least_for_p95(number) / number, over)
        (delays,) = delays_of_limits(rng, [limit], drawn, effort.runs // 4, WARM_UP_OF_WINDOWS)
        found.append(np.asarray(delays))
    return found


def check_rarity(rng: Generator, effort: Effort) -> list[Figure]:
    """Whether what is computed of rare windows is so, where they are frequent enough to count."""
    figures = []
    for over, least in ((10, 24), (30, 50), (60, 87)):
        computed = share_of_hours(rng, over, least, requests=100, share=0.01, samples=4000)
        limit = Limit(least / (over * 100), over)
        (counted,) = healthy_hours_stopped(rng, [limit], Independent(0.01), 100, effort.hours)
        error = 3 * math.sqrt(counted * (1 - counted) / effort.hours + (computed / 50) ** 2)
        figures.append(
            Figure(
                f"hours broken by chance over {over} s, computed",
                percent(computed),
                f"as counted in {effort.hours:,}: {percent(counted)} ± {percent(error)}",
                abs(computed - counted) < error,
            )
        )
    return figures
