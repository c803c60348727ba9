"""What weighing costs: the CPU time of one evaluation of one entry by the real class."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from statistics import median

from _table import Figure
from numpy.random import Generator

from _detection.agreement import rules_of
from _detection.report import show
from _detection.traffic import ResponseTimes, rounded
from guard.engine.counts import Counts
from guard.engine.evidence import Evidence, Watched
from guard.rule import HARDLY_EVER

PARTS = 50
EVALUATIONS = 1000
ROUNDS = 60
CLAIMED_US = 5.0


def microseconds(rule: str, parts: Sequence[Counts]) -> float:
    """Median of the mean times of rounds."""
    (parsed,) = rules_of(f"rules: [{rule}]")
    evidence = Evidence(parsed.check, HARDLY_EVER, Watched())
    evidence.arm(0.0)
    timed = [part.timed for part in parts]  # which their window knows
    now, found = 0.0, []
    for _ in range(ROUNDS):
        begin = time.thread_time_ns()
        for number in range(EVALUATIONS):
            now += 1.0
            evidence.add(parts[number % len(parts)], timed[number % len(parts)])
            evidence.weigh(now)
        found.append((time.thread_time_ns() - begin) / EVALUATIONS / 1000)
    return median(found)


def _parts(rng: Generator, requests: int, failing: float) -> list[Counts]:
    """Seconds of a system whose p95 is well below 500 ms."""
    times = ResponseTimes.with_share(0.03, 0.6, 500)
    return [
        Counts(
            requests=requests,
            failures=int(rng.binomial(requests, failing)),
            response_times=dict(Counter(rounded(times.draw(rng, (requests,))).tolist())),
        )
        for _ in range(PARTS)
    ]


def _of_distinct_times(number: int) -> Counts:
    """Each time but a few is below 500 ms, and no two are the same."""
    first = 500 - number + number // 25
    return Counts(requests=number, response_times=dict.fromkeys(range(first, first + number), 1))


def cost(rng: Generator) -> list[Figure]:
    """One evaluation at 100 requests a second."""
    parts = _parts(rng, 100, 0.006)
    distinct = sum(len(part.response_times) for part in parts) / PARTS
    cases = (
        ("fail_ratio < 1% surely", f"{distinct:.0f} different times", parts),
        ("p95 < 500ms surely", f"{distinct:.0f} different times", parts),
        ("p95 < 500ms surely", "100 different times", [_of_distinct_times(100)]),
    )
    rows, figures = [], []
    for rule, what, seconds in cases:
        took = microseconds(rule, seconds)
        rows.append((f"`{rule}`", what, f"{took:.1f} µs"))
        figures.append(
            Figure(
                f"one evaluation of `{rule}`, 100 requests of {what}",
                f"{took:.1f} µs",
                f"under {CLAIMED_US:g} µs",
                took < CLAIMED_US,
            )
        )
    show("CPU time of one evaluation of one entry", ("rule", "100 requests of", "takes"), rows)
    return figures
