"""Whether the twins in numpy find what the guard finds, on the same requests."""

from __future__ import annotations

import math

import numpy as np
from _table import Figure
from locust.env import Environment
from numpy.random import Generator
from numpy.typing import NDArray

from _detection.streams import Limit, Surely
from _detection.traffic import Flags, Independent, ResponseTimes, rounded
from guard.engine.counts import Counts
from guard.engine.evidence import Evidence, Watched
from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Rule
from guard.sources.live import LiveSource

BUDGET = 3600.0
REQUESTS = 100
SECONDS = 600

RULES = """
rules:
  - fail_ratio < 1% surely 1h
  - p95 < 500ms surely 1h
  - fail_ratio < 2.5% over 10s
  - fail_ratio < 1% over 10s for 10s
  - fail_ratio < 1.6% over 60s
  - fail_ratio < 1% min_requests 20000 else stop
  - p95 < 550ms over 10s
"""


def rules_of(text: str) -> tuple[Rule, ...]:
    """The rules of a file with that content."""
    return parse_rules(text.encode(), "benchmark")


def largest_difference(
    rng: Generator, p0: float, requests: int, step: float, entries: int
) -> float:
    """Between the evidence that ``Surely`` and ``Evidence`` have come to, in any of 20,000
    evaluations of a system at the limit that turns sick at times. Both begin anew when they stop.
    """
    (rule,) = rules_of(f"rules: [fail_ratio < {p0:.0%} surely]")
    twin = Surely(p0, requests, seconds=BUDGET, step=step, entries=entries)
    statistics, real, excess, largest = twin.begin(1), None, 0.0, 0.0
    for number in range(20_000):
        if real is None:
            watched = Watched()
            watched.number = entries - 1
            real = Evidence(rule.check, BUDGET, watched)
            real.arm(number * step)
            excess = 0.0
        share = p0 if number % 500 < 480 else 2 * p0
        bad = Independent(share).bad(rng, np.array([requests]))
        real.add(Counts(requests=requests, failures=int(bad[0])), 0)
        real.weigh((number + 1) * step)
        mean = float(twin.weigh(statistics, bad)[0])
        excess = max(excess + bad[0] - requests * p0, 0.0)
        is_shown = mean > 1 and excess > 0  # else it has grown in time alone
        evidence = min(math.log(mean) / math.log(twin.proof), 1.0) if is_shown else 0.0
        largest = max(largest, abs(evidence - real.share))
        if mean >= twin.proof:
            statistics, real = twin.begin(1), None
    return largest


def breaches_of_guard(times: NDArray[np.float64], failed: Flags) -> list[float | None]:
    """When each of the rules is breached, if ever, in a run of requests that Locust's statistics
    are told of one by one.

    Args:
        times: Response times in milliseconds, not rounded, of the shape (seconds, requests).
        failed: Which of them failed.
    """
    environment = Environment()
    guard = Guard(rules_of(RULES))
    source = LiveSource(environment, guard.selections, guard.failures)
    for second, (response_times, failures) in enumerate(zip(times, failed, strict=True), start=1):
        for response_time, fails in zip(response_times.tolist(), failures, strict=True):
            environment.stats.log_request("GET", "/", response_time, 0)
            if fails:
                environment.stats.log_error("GET", "/", "503")
        guard.tick(source.read(None), float(second))
    return [result.breached_at for result in guard.verdict().rules]


def breaches_of_twins(times: NDArray[np.float64], failed: Flags) -> list[float | None]:
    """The same by the twins."""
    failures = failed.sum(axis=1)
    from_500, from_550 = ((rounded(times) >= ms).sum(axis=1) for ms in (500, 550))
    share_of_p95 = (10 * REQUESTS - int(10 * REQUESTS * 0.95)) / (10 * REQUESTS)
    by_limit = (
        (failures, Limit(0.025, 10)),
        (failures, Limit(0.01, 10, hold=10)),
        (failures, Limit(0.016, 60)),
        (failures, Limit(0.01, None, least=20_000)),
        (from_550, Limit(share_of_p95, 10)),
    )
    return [
        _first_stop(Surely(0.01, REQUESTS, seconds=BUDGET, entries=2), failures),
        _first_stop(Surely(0.05, REQUESTS, seconds=BUDGET, entries=2), from_500),
        *(_first(limit.breaches(bad[np.newaxis], REQUESTS)[0]) for bad, limit in by_limit),
    ]


def _first_stop(surely: Surely, bad: NDArray[np.int64]) -> float | None:
    statistics = surely.begin(1)
    means = np.array([surely.weigh(statistics, number[np.newaxis])[0] for number in bad])
    return _first(means >= surely.proof)


def _first(breaches: Flags) -> float | None:
    return float(breaches.argmax()) + 1 if breaches.any() else None


def agreement(rng: Generator, runs: int) -> list[Figure]:
    """Both checks as claims."""
    differences = [
        largest_difference(rng, p0, requests, step, entries)
        for p0, requests, step, entries in (
            (0.01, 20, 1.0, 1), (0.01, 1000, 1.0, 1), (0.05, 100, 1.0, 20), (0.05, 300, 3.0, 1),
        )
    ]  # fmt: skip
    same = breached = 0
    for _ in range(runs):
        share = rng.uniform(0.008, 0.02)
        slow = ResponseTimes.with_share(rng.uniform(0.04, 0.08), 0.6, 500)
        times = slow.draw(rng, (SECONDS, REQUESTS))
        failed = rng.random((SECONDS, REQUESTS)) < share
        found = breaches_of_guard(times, failed)
        same += found == breaches_of_twins(times, failed)
        breached += sum(moment is not None for moment in found)
    return [
        Figure(
            "evidence of the twin and of `Evidence`, in 80,000 evaluations",
            f"at most {max(differences):.0e} apart",
            "under 1e-9",
            max(differences) < 1e-9,
        ),
        Figure(
            f"runs of {SECONDS} s through Locust's statistics and seven rules",
            f"{same} of {runs} the same, {breached} breaches",
            "all breached at the same second, or not at all",
            same == runs,
        ),
    ]
