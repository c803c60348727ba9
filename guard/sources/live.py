"""Snapshots of a running Locust."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from heapq import nlargest

from locust import runners
from locust.env import Environment
from locust.runners import Runner
from locust.stats import StatsEntry, StatsError

from guard.engine.counts import NONE_LIKE, Counts
from guard.engine.snapshot import EntryKey, FailureCounts, Snapshot, Vitals
from guard.rule import Selection, matches

FailuresLike = Mapping[EntryKey | None, Mapping[str, int]]
"""How many failures have a text that matches, by entry (None for all) and pattern."""

MOST_ERRORS = 1000
"""Different failures that are looked at when it is asked which there are: the most frequent."""

PIECE = 100
"""Entries after which others may have their turn."""


def report_interval(environment: Environment) -> float:
    """Seconds between two updates of the statistics, which workers report in lumps; else zero."""
    if isinstance(environment.runner, runners.MasterRunner):
        return runners.WORKER_REPORT_INTERVAL
    return 0.0


class LiveSource:
    """Reads the statistics of an environment.

    They are read anew each time, because Locust replaces them at every test start, and only looked
    at, because indexing them creates entries. Entries that no rule needs are not read.

    Args:
        environment: The environment.
        selections: The entries that rules need beside the total.
        failures: The patterns of failure texts that they tell apart.
    """

    def __init__(
        self,
        environment: Environment,
        selections: Collection[Selection],
        failures: Collection[str] = (),
    ) -> None:
        self._environment = environment
        self._selections = selections
        self._failures = failures
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._total = _Seen(("", "Aggregated"), needed=True)
        self._patterns: dict[str, tuple[str, ...]] = {}
        self._texts: dict[str, str] = {}

    def read(self, ramped_up_at: float | None, go_on: Callable[[], object] = bool) -> Snapshot:
        """What can be judged now. Entries that have not changed since the last time are left out.

        Args:
            ramped_up_at: When the first ramp-up was complete, in seconds since the test start.
            go_on: Called between pieces of the work; it may let others have their turn.
        """
        return self._snapshot(ramped_up_at, only_changed=True, go_on=go_on)

    def read_totals(self, ramped_up_at: float | None) -> Snapshot:
        """Everything that has been counted."""
        return self._snapshot(ramped_up_at, only_changed=False)

    def names(self) -> list[str]:
        """What rules can call the entries that there are: by name, or by method and name."""
        entries = self._environment.stats.entries
        return [*{name for name, _ in entries}, *(f"{method} {name}" for name, method in entries)]

    def close(self) -> None:
        """Read no more."""

    def _snapshot(
        self,
        ramped_up_at: float | None,
        *,
        only_changed: bool,
        go_on: Callable[[], object] = bool,
    ) -> Snapshot:
        stats, runner = self._environment.stats, self._environment.runner
        failures = self._failures_like()
        entries: dict[EntryKey, Counts] = {}
        if self._selections:
            for number, (name_and_method, entry) in enumerate(list(stats.entries.items())):
                if number % PIECE == PIECE - 1:
                    go_on()
                seen = self._seen.get(name_and_method) or self._new(*name_and_method)
                if seen.needed and not (only_changed and seen.is_as(entry)):
                    counts = seen.counts(entry, failures.get(seen.key, NONE_LIKE))
                    entries[seen.key] = counts
        return Snapshot(
            total=self._total.counts(stats.total, failures.get(None, NONE_LIKE)),
            entries=entries,
            vitals=self._vitals(runner) if runner else Vitals(),
            ramped_up_at=ramped_up_at,
            failures=self._failures_so_far,
        )

    def _new(self, name: str, method: str) -> _Seen:
        needed = any(selection.matches(method, name) for selection in self._selections)
        seen = self._seen[name, method] = _Seen((method, name), needed)
        return seen

    def _failures_like(self) -> FailuresLike:
        counted: dict[EntryKey | None, dict[str, int]] = defaultdict(dict)
        if self._failures:
            for key, error in self._environment.stats.errors.items():
                for pattern in self._patterns_of(key, error):
                    for entry in (None, (error.method, error.name)):
                        so_far = counted[entry].get(pattern, 0)
                        counted[entry][pattern] = so_far + error.occurrences
        return counted

    def _patterns_of(self, key: str, error: StatsError) -> tuple[str, ...]:
        patterns = self._patterns.get(key)
        if patterns is None:
            text = self._text_of(key, error)
            patterns = tuple(p for p in self._failures if matches(p, text))
            self._patterns[key] = patterns
        return patterns

    def _failures_so_far(self) -> FailureCounts:
        counted: dict[tuple[EntryKey, str], int] = defaultdict(int)
        errors: Collection[tuple[str, StatsError]] = self._environment.stats.errors.items()
        if len(errors) > MOST_ERRORS:
            errors = nlargest(MOST_ERRORS, errors, key=lambda item: item[1].occurrences)
        for key, error in errors:
            counted[(error.method, error.name), self._text_of(key, error)] += error.occurrences
        return counted

    def _text_of(self, key: str, error: StatsError) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = failure_text(error)
        return text

    def _vitals(self, runner: Runner) -> Vitals:
        return Vitals(
            users=runner.user_count,
            cpu=runner.current_cpu_usage / 100 or None,  # zero before the first measurement
            memory=runner.current_memory_usage or None,
            exceptions=exceptions_of(runner),
        )


class _Seen:
    """What was seen of an entry.

    A reset gives an entry a new histogram. That shows also when the counters have outgrown their
    old values again by then.

    Attributes:
        key: Which entry it is.
        needed: Whether some rule needs it.
    """

    __slots__ = ("_epoch", "_failures", "_histogram", "_requests", "key", "needed")

    def __init__(self, key: EntryKey, needed: bool) -> None:
        self.key = key
        self.needed = needed
        self._requests = 0
        self._failures = 0
        self._histogram: Mapping[int, int] | None = None
        self._epoch = 0

    def is_as(self, entry: StatsEntry) -> bool:
        """Whether the entry has not changed since its counts were taken."""
        return (
            entry.num_requests == self._requests
            and entry.num_failures == self._failures
            and entry.response_times is self._histogram
        )

    def counts(self, entry: StatsEntry, failures_like: Mapping[str, int]) -> Counts:
        """Take the counts of the entry."""
        histogram = entry.response_times
        if self._histogram is not None and histogram is not self._histogram:
            self._epoch += 1
        self._histogram = histogram
        self._requests, self._failures = entry.num_requests, entry.num_failures
        return Counts(
            requests=entry.num_requests,
            failures=entry.num_failures,
            response_time=entry.total_response_time,
            response_times=dict(histogram),  # Locust goes on to count in its own
            fastest=entry.min_response_time,
            slowest=entry.max_response_time if histogram else None,
            content_length=entry.total_content_length,
            failures_like=failures_like,
            epoch=self._epoch,
        )


def exceptions_of(runner: Runner) -> int:
    """How many exceptions of user code nobody caught, those of workers included."""
    return sum(row["count"] for row in runner.exceptions.values())


def failure_text(error: StatsError) -> str:
    """The text of a failure as Locust's report shows it, the same on a master and standalone.

    A worker sends the ``repr`` of what it caught, so ``response.failure("slow")`` arrives as
    ``CatchResponseError('slow')``.
    """
    text = StatsError.parse_error(error.error)
    if text.startswith("CatchResponseError("):
        text = text.removeprefix("CatchResponseError(")[:-1]
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        with suppress(ValueError, SyntaxError):  # it only looks like one
            return str(ast.literal_eval(text))
    return text
