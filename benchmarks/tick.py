"""CPU time of one tick: reading Locust's statistics and judging every rule on them.

Locust's own statistics are fed 500 requests a second. The seconds are simulated, so the warm-up,
which fills every window, takes no time.

A tick pauses whenever it has kept the event loop to itself for some time. For the largest of the
scenarios a greenlet looks on, as users would, and tells how long others had to wait. The pauses of
Python's garbage collector are shown apart: plain Locust has them too, and they grow with the number
of names.

    python benchmarks/tick.py
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from statistics import median, quantiles

import gevent
from _table import Figure, conclude
from locust.env import Environment
from locust.stats import RequestStats

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.pace import Pace
from guard.rule import Outcome
from guard.sources.live import LiveSource

REQUESTS_A_SECOND = 500
WARM_UP = 600
TICKS = 600

MEDIAN_MS, SIGMA = 120, 0.6  # of a log-normal distribution: p95 is 322 ms, p99 485 ms
FAILING = 0.003

CLAIMED_MS = 1.0
CLAIMED_MS_OF_EACH = 20.0
CLAIMED_STRETCH_MS = 5.0


def mix(of: str = "", slack: int = 1) -> list[str]:
    """Five rules as people write them, on one selection. None of them is ever broken here."""
    return [
        f"fail_ratio {of} < {slack}% over 10s",
        f"p95 {of} < {slack * 500}ms over 10s for 5s else stop",
        f"p99 {of} < {slack * 2}s over 30s",
        f"avg {of} < {slack * 300}ms over 60s",
        f"fail_ratio {of} < {slack * 2}% else stop",
    ]


def twenty_of_each() -> list[str]:
    """Twenty rules that judge every entry on its own: five metrics over two windows, each with a
    limit that warns and one that stops. None of them is ever broken here."""
    return [
        f"{metric} of each /product/* < {limit * slack}{unit} over {over}s for 5s else {action}"
        for over in (10, 60)
        for action, slack in (("warn", 1), ("stop", 2))
        for metric, limit, unit in (
            ("failures", 500, ""),
            ("p95", 50, "s"),
            ("p99", 50, "s"),
            ("avg", 30, "s"),
            ("rps", 500, ""),
        )
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

EACH = Scenario("20 rules with `each` on 1,000 entries", twenty_of_each(), 1000)


class Onlooker:
    """A greenlet that wants its turn every millisecond, as users do.

    Attributes:
        waited: CPU time in milliseconds that others took at a stretch while it waited, without
            what the garbage collector took.
        collected: What the garbage collector took meanwhile.
    """

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.collected: list[float] = []
        self._collecting_since = 0
        self._collecting = 0
        gc.callbacks.append(self._on_collection)
        self._greenlet = gevent.spawn(self._look_on)

    def leave(self) -> None:
        gc.callbacks.remove(self._on_collection)
        self._greenlet.kill()

    def _look_on(self) -> None:
        while True:
            since, self._collecting = time.thread_time_ns(), 0
            gevent.sleep(0.001)
            self.waited.append((time.thread_time_ns() - since - self._collecting) / 1e6)
            self.collected.append(self._collecting / 1e6)

    def _on_collection(self, phase: str, _: object) -> None:
        if phase == "start":
            self._collecting_since = time.thread_time_ns()
        else:
            self._collecting += time.thread_time_ns() - self._collecting_since


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
    return list(islice(_ticks(scenario, None), WARM_UP, None))


def _ticks(scenario: Scenario, onlookers: list[Onlooker] | None) -> Iterator[float]:
    """CPU time of each tick, in milliseconds. With a list for onlookers the ticks after the warm-up
    pause as they do in a run, and each has one."""
    text = "rules:\n" + "".join(f"  - {rule}\n" for rule in scenario.rules)
    guard = Guard(parse_rules(text.encode(), "benchmark"))
    environment = Environment()
    environment.create_local_runner()
    source = LiveSource(environment, guard.selections, guard.failures)
    traffic = Traffic(scenario.entries)
    pace = Pace(time.monotonic)

    def go_on() -> bool:
        pace.breathe()
        return True

    for second in range(1, WARM_UP + TICKS + 1):
        traffic.one_second(environment.stats)
        if onlookers is None or second <= WARM_UP:
            begin = time.thread_time_ns()
            guard.tick(source.read(None), float(second))
            yield (time.thread_time_ns() - begin) / 1e6
        else:
            onlooker = Onlooker()
            gevent.sleep(0)
            pace.begin_to_work()
            begin = time.thread_time_ns()
            guard.tick(source.read(None, go_on), float(second), go_on)
            yield (time.thread_time_ns() - begin) / 1e6
            gevent.sleep(0.002)
            onlooker.leave()
            onlookers.append(onlooker)
    verdict = guard.verdict()
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert all(result.judged for result in verdict.rules)


def figure(scenario: Scenario, claim: float | None = None) -> Figure:
    ticks = milliseconds_of_ticks(scenario)
    middle, p99 = median(ticks), quantiles(ticks, n=100)[98]
    measured = f"median {middle:.3f} ms, p99 {p99:.3f} ms"
    if claim is None:
        return Figure(scenario.what, measured)
    return Figure(scenario.what, measured, f"median under {claim:g} ms", middle < claim)


def figures_of_each() -> list[Figure]:
    ticks = milliseconds_of_ticks(EACH)
    middle = median(ticks)
    onlookers: list[Onlooker] = []
    for _ in _ticks(EACH, onlookers):
        pass
    waited = [max(onlooker.waited) for onlooker in onlookers]
    collected = [max(onlooker.collected) for onlooker in onlookers]
    return [
        Figure(
            EACH.what,
            f"median {middle:.1f} ms, p99 {quantiles(ticks, n=100)[98]:.1f} ms",
            f"median under {CLAIMED_MS_OF_EACH:g} ms",
            middle < CLAIMED_MS_OF_EACH,
        ),
        Figure(
            "… its longest stretch without a pause",
            f"median {median(waited):.1f} ms, longest {max(waited):.1f} ms",
            f"longest under {CLAIMED_STRETCH_MS:g} ms",
            max(waited) < CLAIMED_STRETCH_MS,
        ),
        Figure(
            "… the garbage collector's longest in it",
            f"median {median(collected):.1f} ms, longest {max(collected):.0f} ms",
        ),
    ]


if __name__ == "__main__":
    conclude(
        f"CPU time of a tick, {TICKS} ticks at {REQUESTS_A_SECOND} requests a second",
        [
            *(figure(claim, CLAIMED_MS) for claim in CLAIMS),
            *figures_of_each(),
            *map(figure, REFERENCES),
        ],
    )
