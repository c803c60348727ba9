"""Snapshots of a running Locust."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from locust import runners
from locust.env import Environment
from locust.stats import StatsEntry

from guard.engine.counts import Counts
from guard.engine.snapshot import EntryKey, Snapshot, Vitals
from guard.rule import Selection


def report_interval(environment: Environment) -> float:
    """Seconds between two updates of the statistics, which workers report in lumps; else zero."""
    if isinstance(environment.runner, runners.MasterRunner):
        return runners.WORKER_REPORT_INTERVAL
    return 0.0


class LiveSource:
    """Reads the statistics of an environment.

    They are read anew each time, because Locust replaces them at every test start, and only looked
    at, because indexing them creates entries. Entries that no rule needs are not read.
    """

    def __init__(self, environment: Environment, selections: Collection[Selection]) -> None:
        self._environment = environment
        self._selections = selections
        self._needed: dict[EntryKey, bool] = {}
        self._histograms: dict[EntryKey | None, tuple[Mapping[int, int], int]] = {}

    def read(self, ramped_up_at: float | None) -> Snapshot:
        """What can be judged now."""
        return self.read_totals(ramped_up_at)

    def names(self) -> list[str]:
        """What rules can call the entries that there are: by name, or by method and name."""
        entries = self._environment.stats.entries
        return [*{name for name, _ in entries}, *(f"{method} {name}" for name, method in entries)]

    def close(self) -> None:
        """Read no more."""

    def read_totals(self, ramped_up_at: float | None) -> Snapshot:
        """Everything that has been counted."""
        stats = self._environment.stats
        runner = self._environment.runner
        return Snapshot(
            total=self._counts(None, stats.total),
            entries=dict(self._entries(stats.entries)) if self._selections else {},
            vitals=Vitals(users=runner.user_count if runner else 0),
            ramped_up_at=ramped_up_at,
        )

    def _entries(
        self, entries: Mapping[tuple[str, str], StatsEntry]
    ) -> Iterator[tuple[EntryKey, Counts]]:
        for (name, method), entry in entries.items():
            key = (method, name)
            needed = self._needed.get(key)
            if needed is None:
                needed = any(selection.matches(method, name) for selection in self._selections)
                self._needed[key] = needed
            if needed:
                yield key, self._counts(key, entry)

    def _counts(self, key: EntryKey | None, entry: StatsEntry) -> Counts:
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
            response_times=entry.response_times,
            fastest=entry.min_response_time,
            slowest=entry.max_response_time if entry.response_times else None,
            epoch=epoch,
        )
