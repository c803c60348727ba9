"""Snapshots of a running master, whose counts come in lumps."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner

from guard.engine.counts import NOTHING, Counts
from guard.engine.snapshot import Snapshot, Vitals
from guard.rule import Selection
from guard.sources.live import LiveSource


class MasterSource(LiveSource):
    """Reads the statistics of a master in rounds.

    Every worker reports every three seconds, each at its own moment. Ten seconds of a steady load
    hold two to four reports of a worker, so its rate would jump by half. A round is complete when
    every worker has reported since the one before: then each has added the same time of its load,
    and the counts and the time between two rounds belong together.

    Args:
        clock: Seconds since the test start.
    """

    def __init__(
        self,
        environment: Environment,
        runner: MasterRunner,
        selections: Collection[Selection],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(environment, selections)
        self._runner = runner
        self._clock = clock
        self._reported: set[str] = set()
        self._round = Snapshot(NOTHING, counted_until=0.0)
        self._round_ended_at = 0.0
        # After Locust's own listener, which adds the report to the statistics.
        environment.events.worker_report.add_listener(self._on_worker_report)

    def close(self) -> None:
        self._environment.events.worker_report.remove_listener(self._on_worker_report)

    def read(self, ramped_up_at: float | None) -> Snapshot:
        # A worker that hangs is given up by Locust after some seconds; others must not wait longer.
        if self._clock() - self._round_ended_at > 3 * runners.WORKER_REPORT_INTERVAL:
            self._end_round()
        return replace(
            self._round,
            vitals=Vitals(users=self._runner.user_count),
            counted_until=self._round_ended_at,
            lag=runners.WORKER_REPORT_INTERVAL,
            ramped_up_at=ramped_up_at,
        )

    def _on_worker_report(self, client_id: str, **_: Any) -> None:
        self._reported.add(client_id)
        clients = self._runner.clients
        if {c.id for c in (*clients.ready, *clients.spawning, *clients.running)} <= self._reported:
            self._end_round()

    def _end_round(self) -> None:
        now = self.read_totals(None)
        entries = {key: _kept(counts) for key, counts in now.entries.items()}
        self._round = replace(now, total=_kept(now.total), entries=entries)
        self._round_ended_at = self._clock()
        self._reported.clear()


def _kept(counts: Counts) -> Counts:
    """The counts with a histogram that Locust does not go on to count in."""
    return replace(counts, response_times=dict(counts.response_times))
