"""Snapshots of a running Locust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from locust import runners
from locust.env import Environment
from locust.runners import Runner
from locust.stats import StatsEntry, StatsError

from guard.engine.counts import NONE_LIKE, Counts
from guard.engine.snapshot import EntryKey, Snapshot, Vitals
from guard.rule import Selection, matches

FailuresLike = Mapping[EntryKey | None, Mapping[str, int]]
"""How many failures have a text that matches, by entry (None for all) and pattern."""


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
        self._needed: dict[EntryKey, bool] = {}
        self._read: dict[EntryKey, Counts] = {}
        self._histograms: dict[EntryKey | None, tuple[Mapping[int, int], int]] = {}
        self._patterns: dict[str, tuple[str, ...]] = {}

    def read(self, ramped_up_at: float | None) -> Snapshot:
        """What can be judged now. Entries that have not changed since the last time are left
        out."""
        return self._snapshot(ramped_up_at, only_changed=True)

    def read_totals(self, ramped_up_at: float | None) -> Snapshot:
        """Everything that has been counted."""
        return self._snapshot(ramped_up_at, only_changed=False)

    def names(self) -> list[str]:
        """What rules can call the entries that there are: by name, or by method and name."""
        entries = self._environment.stats.entries
        return [*{name for name, _ in entries}, *(f"{method} {name}" for name, method in entries)]

    def close(self) -> None:
        """Read no more."""

    def _snapshot(self, ramped_up_at: float | None, *, only_changed: bool) -> Snapshot:
        stats, runner = self._environment.stats, self._environment.runner
        failures = self._failures_like()
        entries = {}
        if self._selections:
            for (name, method), entry in stats.entries.items():
                key = (method, name)
                if self._is_needed(key) and not (only_changed and self._is_as_read(key, entry)):
                    entries[key] = self._read[key] = self._counts(key, entry, failures)
        return Snapshot(
            total=self._counts(None, stats.total, failures),
            entries=entries,
            vitals=self._vitals(runner) if runner else Vitals(),
            ramped_up_at=ramped_up_at,
        )

    def _is_needed(self, key: EntryKey) -> bool:
        needed = self._needed.get(key)
        if needed is None:
            needed = any(selection.matches(*key) for selection in self._selections)
            self._needed[key] = needed
        return needed

    def _is_as_read(self, key: EntryKey, entry: StatsEntry) -> bool:
        read = self._read.get(key)
        return (
            read is not None
            and entry.num_requests == read.requests
            and entry.num_failures == read.failures
            and entry.response_times is self._histograms[key][0]
        )

    def _counts(self, key: EntryKey | None, entry: StatsEntry, failures: FailuresLike) -> Counts:
        # A reset gives an entry a new histogram, also when the counters have outgrown their old
        # values again by now.
        histogram, epoch = self._histograms.get(key, (entry.response_times, 0))
        if histogram is not entry.response_times:
            epoch += 1
        self._histograms[key] = (entry.response_times, epoch)
        return Counts(
            requests=entry.num_requests,
            failures=entry.num_failures,
            response_time=entry.total_response_time,
            response_times=dict(entry.response_times),  # Locust goes on to count in its own
            fastest=entry.min_response_time,
            slowest=entry.max_response_time if entry.response_times else None,
            content_length=entry.total_content_length,
            failures_like=failures.get(key, NONE_LIKE),
            epoch=epoch,
        )

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
            text = failure_text(error)
            patterns = tuple(p for p in self._failures if matches(p, text))
            self._patterns[key] = patterns
        return patterns

    def _vitals(self, runner: Runner) -> Vitals:
        return Vitals(
            users=runner.user_count,
            cpu=runner.current_cpu_usage / 100 or None,  # zero before the first measurement
            memory=runner.current_memory_usage or None,
            exceptions=exceptions_of(runner),
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
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        text = text[1:-1]
    return text
