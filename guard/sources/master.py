"""Snapshots of a running master, whose counts come in lumps."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerNode

from guard.engine.counts import NOTHING
from guard.engine.snapshot import Snapshot, Vitals
from guard.rule import Selection
from guard.sources.live import LiveSource, exceptions_of


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
        failures: Collection[str] = (),
    ) -> None:
        super().__init__(environment, selections, failures)
        self._runner = runner
        self._clock = clock
        self._reported: set[str] = set()
        self._workers_seen: set[str] = set()
        self._round = Snapshot(NOTHING)
        self._round_ended_at = 0.0
        self._read_at = 0.0
        self._awake_since = 0.0
        # After Locust's own listener, which adds the report to the statistics.
        environment.events.worker_report.add_listener(self._on_worker_report)

    def close(self) -> None:
        self._environment.events.worker_report.remove_listener(self._on_worker_report)

    def read(self, ramped_up_at: float | None, go_on: Callable[[], object] = bool) -> Snapshot:
        now, interval = self._clock(), runners.WORKER_REPORT_INTERVAL
        if now - self._read_at > interval:
            self._awake_since = now  # what was reported while all stood still is yet to be read
        self._read_at = now
        # A worker that hangs is given up by Locust after some seconds; others must not wait longer.
        if now - max(self._round_ended_at, self._awake_since) > 3 * interval:
            self._end_round()
        snapshot = replace(
            self._round,
            vitals=self._vitals(self._runner),
            answers=self._environment.stats.total.num_requests,
            counted_until=self._round_ended_at,
            lag=runners.WORKER_REPORT_INTERVAL,
            ramped_up_at=ramped_up_at,
        )
        self._round = replace(self._round, entries={})
        return snapshot

    def _on_worker_report(self, client_id: str, **_: Any) -> None:
        self._reported.add(client_id)
        if {worker.id for worker in self._workers} <= self._reported:
            self._end_round()

    def _end_round(self) -> None:
        now = super().read(None)
        # Those of the round before stay, in case nobody has read it.
        self._round = replace(now, entries={**self._round.entries, **now.entries})
        self._round_ended_at = self._clock()
        self._reported.clear()

    @property
    def _workers(self) -> list[WorkerNode]:
        clients = self._runner.clients
        return [*clients.ready, *clients.spawning, *clients.running]

    def _vitals(self, runner: Runner) -> Vitals:
        workers = self._workers
        self._workers_seen.update(worker.id for worker in workers)
        # Zero before the first measurement.
        cpu = max((worker.cpu_usage for worker in workers), default=0) / 100
        memory = max((worker.memory_usage for worker in workers), default=0)
        return Vitals(
            users=runner.user_count,
            workers=len(workers),
            lost_workers=len(self._workers_seen) - len(workers),
            cpu=cpu or None,
            memory=memory or None,
            exceptions=exceptions_of(runner),
        )
