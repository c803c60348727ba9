"""One test under guard: the checker greenlet and the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from difflib import get_close_matches

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner

from guard.effects import Effect
from guard.effects.stop import end_spawning, remind_of_stop
from guard.ending import Ending
from guard.engine.guard import Guard
from guard.engine.judge import Transition
from guard.engine.verdict import Verdict
from guard.pace import Pace
from guard.process import Process
from guard.rule import Outcome
from guard.sources.live import LiveSource
from guard.sources.master import MasterSource

logger = logging.getLogger("guard")

REFRESH = 10.0
"""Seconds after which effects are told the verdict as it stands, when nothing has changed."""

LINGER = 10.0
"""Seconds for which a process that is about to exit waits for what is on its way."""


class Watch:
    """Ticks a guard from the start of a test to its end, and lets the effects follow.

    Whatever goes wrong in here becomes the outcome ``error`` and stops the run: a test must not go
    on without its guard.

    Args:
        environment: The environment, with its runner.
        guard: What judges.
        effects: What follows from it.
        stop_deadline: Seconds that the test may take to end, once the guard wants it to or users
            are being stopped. Then the verdict is left as it stands.
        process: The process, where it is there for this environment alone.
    """

    def __init__(
        self,
        environment: Environment,
        guard: Guard,
        effects: Sequence[Effect],
        stop_deadline: float,
        process: Process | None = None,
    ) -> None:
        self._environment = environment
        self._guard = guard
        self._effects = effects
        self._followers = [effect for effect in effects if effect.follows]
        self._ending = Ending(environment, stop_deadline, self.close, process)
        self._process = process
        self._zero = time.monotonic()
        self._source = self._live_source()
        self._ramped_up_at: float | None = None
        self._load_ended_at: float | None = None
        self._ended_at: float | None = None
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._pace = Pace(self._elapsed)
        self._refreshed_at = 0.0
        self._spawner: gevent.Greenlet[..., object] | None = None
        self._stopper: object = None
        self._heard = Event()
        self._heard.set()
        self._warned_of_unmatched = False
        self._is_left_alone = False
        self._concluded = False
        self._stop_is_told = False
        self._final_verdict: Verdict | None = None
        self._closed = False

    def _live_source(self) -> LiveSource:
        runner = self._environment.runner
        selections, failures = self._guard.selections, self._guard.failures
        if isinstance(runner, MasterRunner):
            return MasterSource(self._environment, runner, selections, self._elapsed, failures)
        return LiveSource(self._environment, selections, failures)

    def begin(self) -> None:
        """Start to tick."""
        self._tell(lambda effect: effect.started(self.verdict))
        starter = gevent.getcurrent()  # it goes on to spawn the users
        self._spawner = starter if isinstance(starter, gevent.Greenlet) else None
        # Not in the runner's group: quitting the runner must not kill the one who quits it.
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.link(self._on_greenlet_end)

    def ramped_up(self) -> None:
        """Note that users have been spawned, or spread anew."""
        self._spawner = None
        if self._load_ended_at is not None:
            remind_of_stop(self._environment, is_over=self._ended_at is not None)
        elif self._ramped_up_at is None:
            self._ramped_up_at = self._now()

    def workers_gone(self) -> None:
        """Note that the run is being ended because there is no worker left."""
        if self._load_ended_at is None:
            self.distrust(f"all workers were gone at {self._now():.0f} s")
            self._is_left_alone = True
            self._ending.expect()

    def distrust(self, why: str) -> None:
        """Note that the run can't be trusted, whatever the rules say."""
        self._guard.distrust = why

    def stopping(self) -> None:
        """Note that somebody has begun to stop the test."""
        if self._load_ended_at is None:
            self.load_ended()
            self._ending.test_stopping()
            self._stopper = gevent.getcurrent()
            self._heard.clear()
            end_spawning(self._environment, self._spawner)

    def listeners_done(self) -> None:
        """Note that the last listener of ``test_stopping`` is called."""
        self._heard.set()

    def wait_for_listeners(self) -> None:
        """Wait while listeners of ``test_stopping`` are at work in another greenlet. Locust would
        begin another stop, and on a master end before this one has."""
        if self._stopper is not gevent.getcurrent():
            self._heard.wait()

    def load_ended(self) -> None:
        """Note that users are being stopped. From here on only the final totals are judged."""
        if self._load_ended_at is None:
            self._load_ended_at = self._now()
            self._ending.load_ended()

    def ended(self) -> None:
        """Note that the test is over."""
        if self._ended_at is None:
            self._ended_at = self._elapsed()
            if self._is_left_alone:
                # With nobody to wait for a headless master would wait for ever.
                self._ending.request()
            self._ending.test_ended()

    def conclude(self) -> None:
        """Judge the final totals and leave the verdict. Later calls change nothing."""
        with self._undisturbed():
            self._conclude()

    def _conclude(self) -> None:
        if self._concluded:
            return
        self._concluded = True
        self._heard.set()
        self._ending.concluded()
        self.load_ended()
        self.ended()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        transitions: Sequence[Transition] = ()
        try:
            snapshot = self._source.read_totals(self._ramped_up_at)
            transitions = self._guard.finish(snapshot, self._now())
            self._source.close()
            self._warn_of_unmatched()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must show in the verdict
            self.fail(error)
        verdict = self.verdict
        if transitions:
            self._tell(lambda effect: effect.changed(transitions, verdict))
        self._tell(lambda effect: effect.ended(verdict))

    def close(self, exit_code: int | None = None) -> None:
        """Conclude and show the verdict. Later calls change nothing.

        Args:
            exit_code: What the process is about to exit with, if it is.
        """
        with self._undisturbed():
            self._conclude()
            if exit_code is not None:
                self._ending.answered()
            if not self._closed:
                self._closed = True
                verdict = self.verdict
                self._tell(lambda effect: effect.closed(verdict, exit_code))

    def linger(self) -> None:
        """Wait for messages and listeners that are on their way, before the process exits."""
        limit = gevent.Timeout(LINGER)
        with limit:
            try:
                self._tell(lambda effect: effect.linger())
            except gevent.Timeout as timeout:
                if timeout is not limit:
                    raise
                logger.warning("the process waits no longer for listeners and messages")

    def _undisturbed(self) -> AbstractContextManager[None]:
        """A signal must not cut off a verdict on its way: it would never become final."""
        return nullcontext() if self._process is None else self._process.undisturbed()

    def fail(self, error: Exception) -> str:
        """Make the outcome an error and stop the run. Returns the reason."""
        if self._guard.failure is None:
            running = self._load_ended_at is None
            if running:
                self._ending.expect()
            logger.critical("the guard itself failed", exc_info=error)
            self._guard.fail(f"{type(error).__name__}: {error}", self._now(), running=running)
            gevent.spawn(self._stop)
        return str(self._guard.failure)

    @property
    def verdict(self) -> Verdict:
        """The verdict as it stands: as if the run ended now."""
        return self._verdict(lambda: True)

    def _verdict(self, go_on: Callable[[], bool]) -> Verdict:
        if self._final_verdict is not None:
            return self._final_verdict
        concluded, guard = self._concluded, self._guard
        try:
            if self._load_ended_at is not None and not concluded:
                guard.settle(self._source.read_totals(self._ramped_up_at), self._now())
            verdict = guard.verdict(go_on)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must show in the verdict
            verdict = Verdict(
                outcome=Outcome.ERROR,
                reason=self.fail(error),
                rules=(),
                stopped=guard.stop is not None,
                stopped_at=guard.stop.at if guard.stop else None,
                final=False,
                duration=0.0,
            )
        duration = self._elapsed() if self._ended_at is None else self._ended_at
        verdict = replace(verdict, duration=duration, final=concluded)
        if concluded:
            self._final_verdict = verdict
        return verdict

    def _elapsed(self) -> float:
        return time.monotonic() - self._zero

    def _now(self) -> float:
        """Seconds since the test start. Stands still once the load has ended, so that rates are
        per second of load."""
        return self._elapsed() if self._load_ended_at is None else self._load_ended_at

    def _run(self) -> None:
        while self._load_ended_at is None:
            try:
                self._pace.wait()
                if self._load_ended_at is None:
                    self._tick()
            except KeyboardInterrupt as interrupt:
                # Ctrl-C lands in whatever greenlet runs. It is the main one's, where gevent would
                # send it too, but not without printing a traceback.
                gevent.get_hub().handle_system_error(KeyboardInterrupt, interrupt)
            except Exception as error:  # noqa: BLE001 - a dead checker is a failed run
                self.fail(error)
                return

    def _on_greenlet_end(self, _: object) -> None:
        """Called by gevent's hub, which must not be blocked."""
        if self._load_ended_at is None:
            self.fail(RuntimeError("its greenlet was killed while the test was running"))

    def _tick(self) -> None:
        now = self._now()
        self._pace.begin_to_work()
        snapshot = self._source.read(self._ramped_up_at, self._go_on)
        if self._load_ended_at is not None:
            return  # newer counts than these may have been judged while others had their turn
        transitions = self._guard.tick(snapshot, now, self._go_on)
        if self._guard.stop is not None:
            self._ending.expect()  # what is said from here on may block: nobody reads the output
        is_time = now - self._refreshed_at >= REFRESH
        if self._followers:
            moment = self._guard.moment(self._go_on, thorough=is_time)
            self._tell(lambda effect: effect.ticked(moment), self._followers)
        if transitions or is_time:
            verdict = self._verdict(self._go_on)
            # It may have become final while others had their turn.
            verdict = self._final_verdict or verdict
            if transitions:
                self._tell(lambda effect: effect.changed(transitions, verdict))
            else:
                self._tell(lambda effect: effect.refreshed(verdict))
        if is_time:
            self._refreshed_at = now
            self._warn_of_unmatched()
        self._pace.end_work()
        if self._guard.stop is not None:
            self._stop()

    def _go_on(self) -> bool:
        """Let the users have their turn, if it is time. Whether the load still goes on then."""
        self._pace.breathe()
        return self._load_ended_at is None

    def _warn_of_unmatched(self) -> None:
        """Say once, and early, which rules wait for requests that nobody makes."""
        if self._warned_of_unmatched or not (names := self._source.names()):
            return
        self._warned_of_unmatched = True
        for selection in self._guard.unmatched:
            near = get_close_matches(selection.label, names)
            hint = f"; did you mean {near[0]}?" if near else ""
            logger.warning("there are no requests of %s so far%s", selection.label, hint)

    def _stop(self) -> None:
        """Record and say why, then stop the run."""
        decision = self._guard.stop
        is_under_way = self._ending.is_requested or self._stop_is_told
        if is_under_way or self._load_ended_at is not None or decision is None:
            return
        self._stop_is_told = True  # telling may take a moment
        try:
            verdict = self.verdict
            self._tell(lambda effect: effect.stopping(decision.reason, verdict))
        finally:  # also if this greenlet is killed meanwhile
            self._ending.request()

    def _tell(
        self, what: Callable[[Effect], None], effects: Sequence[Effect] | None = None
    ) -> None:
        for effect in self._effects if effects is None else effects:
            try:
                what(effect)
            except Exception:
                logger.exception("%s failed; the guard goes on", type(effect).__name__)
