"""Traffic second by second, and guards that are driven with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.judge import Transition
from guard.engine.snapshot import EntryKey, FailureCounts, Snapshot, Vitals
from guard.engine.verdict import RuleResult, Verdict
from guard.language.rulefile import parse_rules
from guard.rule import Rule, State, matches

SECONDS_BY_LETTER: dict[str, tuple[Any, ...]] = {"g": (10, 0, 100), "b": (10, 10, 900), "-": ()}
"""A good second, a bad one and an empty one: requests, failures, response time of each in ms."""

LETTER_OF_STATE = {State.WAITING: "w", State.OK: "o", State.PENDING: "p", State.BREACHED: "B"}


class Tally:
    """Cumulative counts of one entry, as Locust keeps them. Reset, they start a new epoch.

    Args:
        patterns: Those of failure texts that are told apart.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.epoch = -1
        self._patterns = patterns
        self.reset()

    def reset(self) -> None:
        self.requests, self.failures, self.response_time = 0, 0, 0.0
        self.content_length = 0.0
        self.times: dict[int, int] = {}
        self.failures_like: dict[str, int] = {}
        self.texts = Counter[str]()
        self.epoch += 1

    def add(
        self,
        requests: int = 0,
        failures: int | Mapping[str, int] = 0,
        ms: int | dict[int, int] | None = 100,
        size: int = 0,
    ) -> None:
        """Count requests that took so many ms each, or as a histogram says; None is no time.

        Failures are a number, or numbers by their text. Each request has the same size in bytes.
        """
        texts = failures if isinstance(failures, Mapping) else {"": failures}
        self.requests += requests
        self.failures += sum(texts.values())
        self.texts.update({text: count for text, count in texts.items() if count})
        self.content_length += requests * size
        for pattern in self._patterns:
            if like := sum(count for text, count in texts.items() if matches(pattern, text)):
                self.failures_like[pattern] = self.failures_like.get(pattern, 0) + like
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
            content_length=self.content_length,
            failures_like=dict(self.failures_like),
            epoch=self.epoch,
        )


class Run:
    """A run under guard.

    A second of traffic is ``(requests, failures, ms, size)`` of ``GET /``, a dict of such by
    ``"METHOD name"``, or one of the letters ``g``, ``b`` and ``-``, also in the dict. Failures may
    be a dict by text. Vitals of a second are a dict of those that are not as in the second before.

    Attributes:
        trace: States of the first rule, one letter a tick: waiting, ok, pending, Breached.
        traces: The same for each entry that it is judged on, with dots before that appeared.
        transitions: All changes of state so far.
        vitals: Those of the last second.
    """

    def __init__(self, rules: Sequence[Rule], ramp_up: float | None, users: int) -> None:
        self.guard = Guard(rules)
        self.total = Tally(self.guard.failures)
        self.entries: dict[str, Tally] = {}
        self.vitals = Vitals(users=users)
        self.now = 0.0
        self.trace = ""
        self.traces: dict[str | None, str] = {}
        self.transitions: list[Transition] = []
        self._ramp_up = ramp_up

    def play(
        self,
        series: Iterable[Any],
        at: Iterable[float] | None = None,
        vitals: Iterable[Mapping[str, Any]] | None = None,
    ) -> Run:
        """Tick once for each second of the series: one second apart, or at the given times."""
        seconds = list(series)
        moments = [self.now + n + 1 for n in range(len(seconds))] if at is None else list(at)
        changes = [{} for _ in seconds] if vitals is None else list(vitals)
        for second, moment, changed in zip(seconds, moments, changes, strict=True):
            self.vitals = replace(self.vitals, **changed)
            snapshot = self._after(second, moment)
            self.transitions += self.guard.tick(snapshot, moment)
            for entry, result in self.by_entry.items():
                trace = self.traces.get(entry, "").ljust(len(self.trace), ".")
                self.traces[entry] = trace + LETTER_OF_STATE[result.state]
            self.trace += LETTER_OF_STATE[self.result.state]
        return self

    def settle(self, second: Any = (), at: float | None = None) -> Run:
        """Count what came in after the load stopped."""
        self.guard.settle(self._after(second, at), self.now)
        return self

    def finish(self, second: Any = (), at: float | None = None, **vitals: Any) -> Run:
        """Judge the final totals."""
        self.vitals = replace(self.vitals, **vitals)
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

    @property
    def by_entry(self) -> dict[str | None, RuleResult]:
        """What became of the first rule, by entry."""
        verdict = self.verdict
        return {r.entry: r for r in verdict.rules if r.rule is self.guard.rules[0]}

    def _after(self, second: Any, at: float | None) -> Snapshot:
        self.now = self.now if at is None else at
        for label, spelt in (second if isinstance(second, dict) else {"GET /": second}).items():
            counted = SECONDS_BY_LETTER[spelt] if isinstance(spelt, str) else spelt
            self.entries.setdefault(label, Tally(self.guard.failures)).add(*counted)
            self.total.add(*counted)
        ramped_up = self._ramp_up is not None and self.now >= self._ramp_up
        return Snapshot(
            total=self.total.counts,
            entries={_key(label): tally.counts for label, tally in self.entries.items()},
            vitals=self.vitals,
            ramped_up_at=self._ramp_up if ramped_up else None,
            failures=self._failures,
        )

    def _failures(self) -> FailureCounts:
        return {
            (_key(label), text): count
            for label, tally in self.entries.items()
            for text, count in tally.texts.items()
        }


def _key(label: str) -> EntryKey:
    method, _, name = label.partition(" ")
    return method, name


def _rules(*lines: str) -> tuple[Rule, ...]:
    content = "rules:\n" + "".join(f"- {line}\n" for line in lines)
    return parse_rules(content.encode(), "rules.yaml")


def _drive(
    rules: str | Sequence[str],
    series: Iterable[Any] = (),
    at: Iterable[float] | None = None,
    ramp_up: float | None = None,
    users: int = 0,
    *,
    vitals: Iterable[Mapping[str, Any]] | None = None,
) -> Run:
    lines = (rules,) if isinstance(rules, str) else rules
    return Run(_rules(*lines), ramp_up, users).play(series, at, vitals)


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
