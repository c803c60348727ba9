"""One test under guard: the checker greenlet and the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import gevent
from locust.env import Environment

from guard.effects import Effect
from guard.effects.stop import stop
from guard.engine.guard import Guard
from guard.engine.verdict import Verdict
from guard.rule import Outcome
from guard.sources.live import LiveSource

logger = logging.getLogger("guard")

TICK = 1.0
"""Seconds between two evaluations."""


class Watch:
    """Ticks a guard from the start of a test to its end, and lets the effects follow.

    Whatever goes wrong in here becomes the outcome ``error`` and stops the run: a test must not go
    on without its guard.
    """

    def __init__(
        self, environment: Environment, guard: Guard, source: LiveSource, effects: Sequence[Effect]
    ) -> None:
        self._environment = environment
        self._guard = guard
        self._source = source
        self._effects = effects
        self._zero = time.monotonic()
        self._ramped_up_at: float | None = None
        self._load_ended_at: float | None = None
        self._ended_at: float | None = None
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._stop_requested = False
        self._concluded = False
        self._closed = False

    def begin(self) -> None:
        """Start to tick."""
        self._tell(lambda effect: effect.started(self.verdict))
        # Not in the runner's group: quitting the runner must not kill the one who quits it.
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.link(self._on_greenlet_end)

    def ramped_up(self) -> None:
        """Note the end of the first ramp-up."""
        if self._ramped_up_at is None:
            self._ramped_up_at = self._now()

    def load_ended(self) -> None:
        """Note that users are being stopped. From here on only the final totals are judged."""
        if self._load_ended_at is None:
            self._load_ended_at = self._now()

    def ended(self) -> None:
        """Note that the test is over."""
        if self._ended_at is None:
            self._ended_at = self._elapsed()

    def conclude(self) -> None:
        """Judge the final totals and leave the verdict. Later calls change nothing."""
        if self._concluded:
            return
        self._concluded = True
        self.load_ended()
        self.ended()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        try:
            transitions = self._guard.finish(self._source.read(self._ramped_up_at), self._now())
        except Exception as error:  # noqa: BLE001 - whatever it is, it must show in the verdict
            self._fail(error)
            transitions = []
        verdict = self.verdict
        if transitions:
            self._tell(lambda effect: effect.changed(transitions, verdict))
        self._tell(lambda effect: effect.ended(verdict))

    def close(self) -> None:
        """Conclude, and show the verdict: nothing of this test is to come. Later calls change
        nothing."""
        self.conclude()
        if not self._closed:
            self._closed = True
            verdict = self.verdict
            self._tell(lambda effect: effect.closed(verdict))

    @property
    def verdict(self) -> Verdict:
        """The verdict as it stands: as if the run ended now."""
        try:
            if self._load_ended_at is not None and not self._concluded:
                self._guard.settle(self._source.read(self._ramped_up_at), self._now())
            verdict = self._guard.verdict
        except Exception as error:  # noqa: BLE001 - whatever it is, it must show in the verdict
            reason = self._fail(error)
            verdict = Verdict(Outcome.ERROR, reason, (), False, None, self._concluded, 0.0)
        ended_at = self._elapsed() if self._ended_at is None else self._ended_at
        return replace(verdict, duration=ended_at)

    def _elapsed(self) -> float:
        return time.monotonic() - self._zero

    def _now(self) -> float:
        """Seconds since the test start. Stands still once the load has ended, so that rates are
        per second of load."""
        return self._elapsed() if self._load_ended_at is None else self._load_ended_at

    def _run(self) -> None:
        while self._load_ended_at is None:
            try:
                # On whole seconds of the test, so that a late tick does not delay those after it.
                elapsed = self._elapsed()
                gevent.sleep((round(elapsed / TICK) + 1) * TICK - elapsed)
                if self._load_ended_at is None:
                    self._tick()
            except KeyboardInterrupt as interrupt:
                # Ctrl-C lands in whatever greenlet runs. It is the main one's, where gevent would
                # send it too, but not without printing a traceback.
                gevent.get_hub().handle_system_error(KeyboardInterrupt, interrupt)
            except Exception as error:  # noqa: BLE001 - a dead checker is a failed run
                self._fail(error)
                return

    def _on_greenlet_end(self, _: object) -> None:
        """Called by gevent's hub, which must not be blocked."""
        if self._load_ended_at is None:
            self._fail(RuntimeError("its greenlet was killed while the test was running"))

    def _tick(self) -> None:
        transitions = self._guard.tick(self._source.read(self._ramped_up_at), self._now())
        if transitions:
            verdict = self.verdict
            self._tell(lambda effect: effect.changed(transitions, verdict))
        if self._guard.stopped_by is not None:
            self._stop()

    def _stop(self) -> None:
        """Record and say why, then stop the run, once. Stopping may block, so not in here."""
        if self._stop_requested or self._load_ended_at is not None:
            return
        self._stop_requested = True
        reason = self._guard.failure or str(self._guard.stopped_by)
        verdict = self.verdict
        self._tell(lambda effect: effect.stopping(reason, verdict))
        gevent.spawn(stop, self._environment)

    def _fail(self, error: Exception) -> str:
        """Make the outcome an error and stop the run. Returns the reason."""
        if self._guard.failure is None:
            logger.critical("the guard itself failed", exc_info=error)
            self._guard.fail(f"{type(error).__name__}: {error}")
            gevent.spawn(self._stop)
        return str(self._guard.failure)

    def _tell(self, what: Callable[[Effect], None]) -> None:
        for effect in self._effects:
            try:
                what(effect)
            except Exception:
                logger.exception("%s failed; the guard goes on", type(effect).__name__)
