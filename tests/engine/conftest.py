"""Traffic second by second, and guards that are driven with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.judge import Transition
from guard.engine.snapshot import Snapshot, Vitals
from guard.engine.verdict import RuleResult, Verdict
from guard.language.rulefile import parse_rules
from guard.rule import Rule, State

SECONDS_BY_LETTER: dict[str, tuple[Any, ...]] = {"g": (10, 0, 100), "b": (10, 10, 900), "-": ()}
"""A good second, a bad one and an empty one: requests, failures, response time of each in ms."""

LETTER_OF_STATE = {State.WAITING: "w", State.OK: "o", State.PENDING: "p", State.BREACHED: "B"}


class Tally:
    """Cumulative counts of one entry, as Locust keeps them. Reset, they start a new epoch."""

    def __init__(self) -> None:
        self.epoch = -1
        self.reset()

    def reset(self) -> None:
        self.requests, self.failures, self.response_time = 0, 0, 0.0
        self.times: dict[int, int] = {}
        self.epoch += 1

    def add(
        self, requests: int = 0, failures: int = 0, ms: int | dict[int, int] | None = 100
    ) -> None:
        """Count requests that took so many ms each, or as a histogram says; None is no time."""
        self.requests += requests
        self.failures += failures
        times = ms if isinstance(ms, dict) else {ms: requests} if ms and requests else {}
        for time, count in times.items():
            self.times[time] = self.times.get(time, 0) + count
            self.response_time += time * count

    @property
    def counts(self) -> Counts:
        return Counts(
            requests=self.requests,
            failures=self.failures,
            response_time=self.response_time,
            response_times=dict(self.times),
            fastest=min(self.times, default=None),
            slowest=max(self.times, default=None),
            epoch=self.epoch,
        )


class Run:
    """A run under guard.

    A second of traffic is ``(requests, failures, ms)`` of ``GET /``, a dict of such by
    ``"METHOD name"``, or one of the letters ``g``, ``b`` and ``-``.

    Attributes:
        trace: States of the first rule, one letter a tick: waiting, ok, pending, Breached.
        transitions: All changes of state so far.
    """

    def __init__(self, rules: Sequence[Rule], ramp_up: float | None, users: int) -> None:
        self.guard = Guard(rules)
        self.total = Tally()
        self.entries: dict[str, Tally] = {}
        self.now = 0.0
        self.trace = ""
        self.transitions: list[Transition] = []
        self._ramp_up = ramp_up
        self._users = users

    def play(self, series: Iterable[Any], at: Iterable[float] | None = None) -> Run:
        """Tick once for each second of the series: one second apart, or at the given times."""
        seconds = list(series)
        moments = [self.now + n + 1 for n in range(len(seconds))] if at is None else list(at)
        for second, moment in zip(seconds, moments, strict=True):
            snapshot = self._after(second, moment)
            self.transitions += self.guard.tick(snapshot, moment)
            self.trace += LETTER_OF_STATE[self.result.state]
        return self

    def settle(self, second: Any = (), at: float | None = None) -> Run:
        """Count what came in after the load stopped."""
        self.guard.settle(self._after(second, at), self.now)
        return self

    def finish(self, second: Any = (), at: float | None = None) -> Run:
        """Judge the final totals."""
        self.transitions += self.guard.finish(self._after(second, at), self.now)
        return self

    def reset(self) -> None:
        """Set all counters to zero, as Locust does with ``--reset-stats``."""
        for tally in (self.total, *self.entries.values()):
            tally.reset()

    @property
    def verdict(self) -> Verdict:
        return self.guard.verdict()

    @property
    def result(self) -> RuleResult:
        return self.verdict.rules[0]

    def _after(self, second: Any, at: float | None) -> Snapshot:
        self.now = self.now if at is None else at
        if isinstance(second, str):
            second = SECONDS_BY_LETTER[second]
        for label, counted in (second if isinstance(second, dict) else {"GET /": second}).items():
            self.entries.setdefault(label, Tally()).add(*counted)
            self.total.add(*counted)
        ramped_up = self._ramp_up is not None and self.now >= self._ramp_up
        return Snapshot(
            total=self.total.counts,
            entries={
                (label.partition(" ")[0], label.partition(" ")[2]): tally.counts
                for label, tally in self.entries.items()
            },
            vitals=Vitals(users=self._users),
            ramped_up_at=self._ramp_up if ramped_up else None,
        )


def _rules(*lines: str) -> tuple[Rule, ...]:
    content = "rules:\n" + "".join(f"- {line}\n" for line in lines)
    return parse_rules(content.encode(), "rules.yaml")


def _drive(
    rules: str | Sequence[str],
    series: Iterable[Any] = (),
    at: Iterable[float] | None = None,
    ramp_up: float | None = None,
    users: int = 0,
) -> Run:
    lines = (rules,) if isinstance(rules, str) else rules
    return Run(_rules(*lines), ramp_up, users).play(series, at)


@pytest.fixture(scope="session")
def rules_of() -> Callable[..., tuple[Rule, ...]]:
    """Rules from their lines in a rules file."""
    return _rules


def _summed(parts: Iterable[Counts]) -> Counts:
    parts = [part for part in parts if part.requests or part.failures]
    times: Counter[int] = Counter()
    failures_like: Counter[str] = Counter()
    for part in parts:
        times.update(part.response_times)
        failures_like.update(part.failures_like)
    return Counts(
        requests=sum(part.requests for part in parts),
        failures=sum(part.failures for part in parts),
        response_time=sum(part.response_time for part in parts),
        response_times=dict(times),
        fastest=min((part.fastest for part in parts if part.fastest is not None), default=None),
        slowest=max((part.slowest for part in parts if part.slowest is not None), default=None),
        content_length=sum(part.content_length for part in parts),
        failures_like=dict(failures_like),
    )


@pytest.fixture(scope="session")
def summed() -> Callable[[Iterable[Counts]], Counts]:
    """The sum of several counts, as if all their requests had been made to one entry."""
    return _summed


@pytest.fixture(scope="session")
def drive() -> Callable[..., Run]:
    """A run judged by the rules, ticked through a series of seconds."""
    return _drive
