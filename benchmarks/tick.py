"""CPU time of one tick: reading Locust's statistics and judging every rule on them.

Locust's own statistics are fed 500 requests a second. The seconds are simulated, so the 120 s of
warm-up, which fill every window, take no time.

    python benchmarks/tick.py
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles

from _table import Figure, conclude
from locust.env import Environment
from locust.stats import RequestStats

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Outcome
from guard.sources.live import LiveSource

REQUESTS_A_SECOND = 500
WARM_UP = 600
TICKS = 600

MEDIAN_MS, SIGMA = 120, 0.6  # of a log-normal distribution: p95 is 322 ms, p99 485 ms
FAILING = 0.003

CLAIMED_MS = 1.0


def mix(of: str = "", slack: int = 1) -> list[str]:
    """Five rules as people write them, on one selection. None of them is ever broken here."""
    return [
        f"fail_ratio {of} < {slack}% over 10s",
        f"p95 {of} < {slack * 500}ms over 10s for 5s else stop",
        f"p99 {of} < {slack * 2}s over 30s",
        f"avg {of} < {slack * 300}ms over 60s",
        f"fail_ratio {of} < {slack * 2}% else stop",
    ]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Rules, and the number of entries that the requests are spread over."""

    what: str
    rules: Sequence[str]
    entries: int = 5


CLAIMS = (
    Scenario("5 rules on the aggregate", mix()),
    Scenario(
        "5 rules on the aggregate over 10 minutes",
        [f"p{n} < 5s over 10m" for n in (50, 90, 95)] + ["max < 1h over 10m", "rps > 1 over 10m"],
    ),
)
REFERENCES = (
    Scenario(
        "20 rules on the aggregate", [rule for slack in (1, 2, 3, 4) for rule in mix("", slack)]
    ),
    Scenario("5 rules on 100 entries as one", mix("of /product/*"), 100),
    Scenario(
        "100 rules, one for each of 100 entries",
        [f"p95 of GET /product/{n} < 5s over 10s for 5s else stop" for n in range(100)],
        100,
    ),
)


class Traffic:
    """Feeds statistics with requests whose response times are log-normally distributed."""

    def __init__(self, entries: int) -> None:
        self._random = Random(entries)  # noqa: S311 - traffic, not a secret
        self._names = [f"/product/{number}" for number in range(entries)]

    def one_second(self, stats: RequestStats) -> None:
        for name in self._random.choices(self._names, k=REQUESTS_A_SECOND):
            response_time = self._random.lognormvariate(math.log(MEDIAN_MS), SIGMA)
            stats.log_request("GET", name, response_time, 2000)  # type: ignore[arg-type]  # a float
            if self._random.random() < FAILING:
                stats.log_error("GET", name, "503 Service Unavailable")


def milliseconds_of_ticks(scenario: Scenario) -> list[float]:
    """CPU time of each tick after the warm-up."""
    text = "rules:\n" + "".join(f"  - {rule}\n" for rule in scenario.rules)
    guard = Guard(parse_rules(text.encode(), "benchmark"))
    environment = Environment()
    environment.create_local_runner()
    source = LiveSource(environment, guard.selections)
    traffic = Traffic(scenario.entries)
    taken = []
    for second in range(1, WARM_UP + TICKS + 1):
        traffic.one_second(environment.stats)
        begin = time.thread_time_ns()
        guard.tick(source.read(None), float(second))
        taken.append((time.thread_time_ns() - begin) / 1e6)
    verdict = guard.verdict()
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert all(result.judged for result in verdict.rules)
    return taken[WARM_UP:]


def figure(scenario: Scenario, claim: float | None = None) -> Figure:
    ticks = milliseconds_of_ticks(scenario)
    middle, p99 = median(ticks), quantiles(ticks, n=100)[98]
    measured = f"median {middle:.3f} ms, p99 {p99:.3f} ms"
    if claim is None:
        return Figure(scenario.what, measured)
    return Figure(scenario.what, measured, f"median under {claim:g} ms", middle < claim)


if __name__ == "__main__":
    conclude(
        f"CPU time of a tick, {TICKS} ticks at {REQUESTS_A_SECOND} requests a second",
        [*(figure(claim, CLAIMED_MS) for claim in CLAIMS), *map(figure, REFERENCES)],
    )
