"""How often chance stops a system that is healthy: at the limit, for an hour, and in bursts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from _table import Figure
from numpy.random import Generator

from _detection.rarity import poisson_interval
from _detection.report import Effort, percent, show
from _detection.streams import (
    DAY,
    HOUR,
    Limit,
    Surely,
    count_stops,
    delays_of_limits,
    delays_of_surely,
    healthy_hours_stopped,
)
from _detection.traffic import Change, InBlocks, Independent, Traffic
from guard.rule import HARDLY_EVER

REQUESTS = 100  # a second, where nothing else is said
P0 = 0.01
HEALTHY = 0.008


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched at the limit, and how long.

    Attributes:
        p0: The limit, which is the true share too.
        requests: In an evaluation, on each entry.
        budget: What ``surely`` is given, in seconds; and in words.
        days: How many are simulated.
        entries: How many there are.
        step: Seconds between evaluations.
    """

    p0: float
    requests: int
    budget: tuple[float, str]
    days: int
    entries: int = 1
    step: int = 1

    @property
    def words(self) -> str:
        many = f"`each`, {self.entries} names" if self.entries > 1 else "one rule"
        return many if self.step == 1 else f"{many}, counted every {self.step} s"


def watches(effort: Effort) -> Iterator[Watch]:
    month, hour = (HARDLY_EVER, "30d"), (float(HOUR), "1h")
    for p0 in (0.01, 0.05):
        for requests in (20, 100, 1000):
            yield Watch(p0, requests, month, effort.days)
            yield Watch(p0, requests, hour, effort.days // 20)
    yield Watch(0.01, 300, month, effort.days, step=3)
    yield Watch(0.01, 300, hour, effort.days // 20, step=3)
    yield Watch(0.01, 5, hour, effort.days // 20, entries=20)
    yield Watch(0.05, 5, hour, effort.days // 20, entries=20)


def false_stops(rng: Generator, effort: Effort) -> list[Figure]:
    """Stops of runs whose true share of bad requests is the limit itself."""
    rows, figures = [], []
    for watch in watches(effort):
        surely = Surely(
            watch.p0,
            watch.requests,
            seconds=watch.budget[0],
            step=watch.step,
            entries=watch.entries,
        )
        a_day = DAY // watch.step
        stops = count_stops(rng, surely, Independent(watch.p0), watch.days, a_day).sum()
        promised = watch.days * DAY / watch.budget[0]
        low, high = poisson_interval(int(stops))
        a_second = watch.requests * watch.entries // watch.step
        said = f"{stops:,} ({low:,.1f} to {high:,.1f})"
        rows.append(
            (
                f"{watch.p0:.0%}",
                f"{a_second:,}",
                watch.words,
                f"`surely {watch.budget[1]}`",
                f"{watch.days:,}",
                f"{promised:,.1f}",
                said,
            )
        )
        figures.append(
            Figure(
                f"false stops at {watch.p0:.0%}, {a_second}/s, {watch.words}, {watch.budget[1]}",
                said,
                f"at most {promised:,.1f}",
                low <= promised,
            )
        )
    heads = ("limit", "requests/s", "watched", "budget", "days", "promised at most", "stops (95%)")
    show("False stops at the limit", heads, rows)
    return figures


KINDS = {
    "`fail_ratio < 1% over 10s`": Limit(0.01, 10),
    "`fail_ratio < 1% over 10s for 10s`": Limit(0.01, 10, hold=10),
    "`fail_ratio < 1% over 60s`": Limit(0.01, 60),
    "`fail_ratio < 1%`, the whole run": Limit(0.01, None),
    "… `min_requests 10000`": Limit(0.01, None, least=10_000),
    "`fail_ratio < 2% over 10s`": Limit(0.02, 10),
    "`fail_ratio < 2% over 60s`": Limit(0.02, 60),
    "`fail_ratio < 2% over 5m`": Limit(0.02, 300),
}
SURELY = "`fail_ratio < 1% surely`"
CHANGES = (0.02, 0.05, 1.0)
CHANGE_AFTER = HOUR // 2


def hours(rng: Generator, effort: Effort) -> list[Figure]:
    """Healthy hours that each kind of rule stops, and how late it notices a change."""
    limits = list(KINDS.values())
    stopped = healthy_hours_stopped(rng, limits, Independent(HEALTHY), REQUESTS, effort.hours)
    changes = [Change(Independent(HEALTHY), Independent(sick), REQUESTS) for sick in CHANGES]
    notices = [
        delays_of_limits(rng, limits, change, effort.runs // 2, CHANGE_AFTER) for change in changes
    ]
    surely = Surely(P0, REQUESTS)
    false = count_stops(rng, surely, Independent(HEALTHY), effort.days, DAY).sum()
    by_surely = [
        delays_of_surely(rng, surely, change, effort.runs, CHANGE_AFTER) for change in changes
    ]
    rows = [
        (rule, percent(stopped[index]), *(f"{of[index].mean():,.1f} s" for of in notices))
        for index, rule in enumerate(KINDS)
    ]
    healthy = effort.days * 24
    share = f"{false:,} of {healthy:,}"
    rows.append((SURELY, share, *(f"{of.mean():,.1f} s" for of in by_surely)))
    heads = ("rule", "healthy hours stopped", "2% fail: noticed after", "5% fail", "all fail")
    show(f"Healthy hours at {HEALTHY:.1%}, {REQUESTS} requests a second", heads, rows)
    promised = healthy * HOUR / HARDLY_EVER
    return [
        Figure(
            f"healthy hours stopped by {SURELY}",
            share,
            f"at most {promised:.0f}",
            int(false) <= promised,
        )
    ]


BUDGETS = {
    "`< 1% surely`": Surely(0.01, REQUESTS),
    "`< 1% surely 365d`": Surely(0.01, REQUESTS, seconds=365 * DAY),
    "`< 5% surely`": Surely(0.05, REQUESTS),
    "`< 20% surely`": Surely(0.2, REQUESTS),
}
LONG = {"`< 2% over 60s`": Limit(0.02, 60), "`< 2% over 5m`": Limit(0.02, 300)}


def bursts(rng: Generator, effort: Effort) -> None:
    """The same share of failures, but in blocks: what no promise covers."""
    rows = []
    for block in (1, 2, 3, 5, 10, 20):
        traffic: Traffic = InBlocks(HEALTHY, block)
        by_surely = [
            float((count_stops(rng, surely, traffic, effort.hours, HOUR) > 0).mean())
            for surely in BUDGETS.values()
        ]
        by_limit = healthy_hours_stopped(
            rng, list(LONG.values()), traffic, REQUESTS, effort.hours
        ).tolist()
        rows.append((str(block), *map(percent, by_surely + by_limit)))
    heads = ("fail together", *BUDGETS, *LONG)
    show(f"Healthy hours stopped where failures come in bursts, {HEALTHY:.1%} of all", heads, rows)
