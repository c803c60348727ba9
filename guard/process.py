"""The process that Locust's command line runs in, and its way out."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from signal import SIGINT, Signals
from types import TracebackType
from typing import Any, NoReturn, Protocol

import gevent
from gevent.monkey import get_original

from guard.engine.verdict import EXIT_CODES
from guard.forks import Forks
from guard.keyboard import Keyboard
from guard.rule import Outcome
from guard.signals import Phase, SignalHandling

logger = logging.getLogger("guard")

ENDED_BY_SIGNAL = 128
"""What the number of a signal is added to, for the exit code of a process that it ended."""

FAILED = EXIT_CODES[Outcome.ERROR]
"""Exit code of a process whose verdict can't be had."""

INSIST_AFTER = 0.5
"""Seconds in which Locust is done with the end of a test that it was asked to end."""

OBEDIENCE = 10.0
"""Seconds in which the process ends once it is to end at once."""

LAST_MOMENT = 5.0
"""Seconds at most for leaving the verdict in a process whose event loop has no turn any more."""


class Guarded(Protocol):
    """What has a say in the exit code."""

    def exit_code(self) -> int | None:
        """The code by the verdict as it stands; None where Locust is to decide."""

    def release_workers(self) -> None:
        """Tell the workers that it is over, without waiting for them to end."""

    def leave(self, *, interrupted: bool) -> None:
        """Leave the verdict, without waiting for anything."""

    def linger(self) -> None:
        """Wait for what is on its way."""


class Process:
    """Has the last word on the exit code where Locust does not come to ask for it.

    Locust fires ``quitting``, takes the code that it finds then, and exits. ``sys.exit`` in a
    listener or a second Ctrl-C end the process without.

    Attributes:
        has_begun: Whether it was told what to do, and had what is wrong with it refused.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._signals = SignalHandling(self._begin_to_leave, self._leave_now)
        self._guarded: Guarded | None = None
        self._patience = 0.0
        self._forks = Forks()
        self._code = 0
        self._end: object = None
        self._is_at_exit = False
        self._keyboard = Keyboard()
        # Before Locust registers the end of its worker processes, so after it has come.
        atexit.register(self._at_exit)
        self._excepthook = sys.excepthook
        sys.excepthook = self._on_exception

    @property
    def is_leaving(self) -> bool:
        """Whether it is on its way out already, which may still take a while."""
        return self._is_at_exit or self._signals.phase is Phase.LEAVING

    @property
    def signal(self) -> Signals | None:
        """The last signal that asked the process to end, if one did."""
        return self._signals.last

    def run(self, main: Callable[[], Any]) -> None:
        """Run Locust's main function to its end, which is the process's."""
        try:
            main()
        except KeyboardInterrupt:
            self._on_exception(*sys.exc_info())
            # If the verdict has no other code.
            sys.exit(ENDED_BY_SIGNAL + (self.signal or SIGINT))
        except SystemExit as leaving:
            self._code = _number(leaving.code)
            raise

    def hold_signals(self) -> None:
        """Keep the first signal back until :meth:`answer_for`."""
        self._forks.are_to_come()
        self._signals.take()
        os.register_at_fork(after_in_child=self._be_a_fork)

    def answer_for(self, guarded: Guarded, patience: float) -> None:
        """From now on this decides the exit code.

        Args:
            guarded: Who knows the verdict.
            patience: Seconds for which workers are waited for in the end.
        """
        self._guarded = guarded
        self._patience = patience
        self._forks.have_come()
        self._signals.advance(Phase.RUNNING)
        self._signals.take()
        gevent.spawn(self._signals.take)  # once Locust has set its own handler
        if self.signal is not None:
            self._signals.interrupt()

    def set_clock(self) -> None:
        """Let Locust's event loop look at the clock, which it did last before all the imports, ours
        among them. The timer for ``--run-time``, which comes next, would go off early by that time.
        """
        gevent.get_hub().loop.update_now()

    def test_starts(self) -> None:
        """A test is about to start."""
        self._signals.take()

    def quits(self) -> None:
        """Locust has begun to end the process."""
        self._signals.take()
        self._signals.advance(Phase.QUITTING)

    def has_answered(self, code: int) -> None:
        """Locust has the exit code and ends the process in good order."""
        self._guarded = None
        self._code = code
        self._signals.advance(Phase.ANSWERED)

    def undisturbed(self) -> AbstractContextManager[None]:
        """No signal interrupts what is done in here; it must be short."""
        return self._signals.undisturbed()

    def insist(self) -> None:
        """Ask the main greenlet to end once more. With a web UI and a shape Locust takes the first
        time for the end of the shape, and stays."""
        gevent.spawn_later(INSIST_AFTER, self._signals.interrupt_run)

    def end(self) -> None:
        """End the process, as far as it obeys."""
        if not self.is_leaving:
            code = self._last_word()
            gevent.get_hub().handle_system_error(SystemExit, SystemExit(code))

    def end_within(self, seconds: float) -> None:
        """See to it that the process has ended by then, whatever was said before. Nothing is
        changed any more when it is to end at once.

        Where code that never yields holds the event loop, no greenlet has a turn any more, and a
        signal's handler neither. So this is done by a thread.
        """
        if self._signals.phase is not Phase.LEAVING:
            self._schedule_end(seconds)

    def _schedule_end(self, seconds: float) -> None:
        end = self._end = object()

        def end_unless_changed() -> None:
            if self._end is end:
                self._end_at_once()

        _in_thread(end_unless_changed, after=seconds)

    def _end_at_once(self) -> None:
        code = FAILED
        try:
            code = self._last_word()
            # Not in this thread: it may wait for a lock for ever.
            is_done = get_original("_thread", "allocate_lock")()
            is_done.acquire()
            _in_thread(lambda: self._give_up(is_done.release))
            is_done.acquire(timeout=LAST_MOMENT)
            self._forks.end(patience=0)
        finally:
            self._keyboard.restore()
            os._exit(code)

    def _give_up(self, done: Callable[[], None]) -> None:
        try:
            self._leave()  # first, because nobody may read what is said
            logger.error("the process does not come to its end, and is ended")
        finally:
            done()

    def _at_exit(self) -> None:
        self._is_at_exit = True
        self._forks.have_come()  # if it ends before it has come to be guarded
        if self._guarded is not None:
            with suppress(KeyboardInterrupt):
                self._guarded.release_workers()
            self._leave()
            self._code = self._last_word()
            if not self._is_interrupted:
                self._guarded.linger()
        with suppress(KeyboardInterrupt):
            self._forks.end(0 if self._is_interrupted else self._patience)
        if self._guarded is not None and (self._code or self._is_interrupted):
            logging.shutdown()
            self._leave_now()
        self._signals.ignore()

    def _be_a_fork(self) -> None:
        """Leave the verdict to the process that this one was forked from."""
        self._guarded = None
        self._forks = Forks()
        self._signals.give_back_in_fork()

    @property
    def _is_interrupted(self) -> bool:
        return self._signals.phase is Phase.LEAVING

    def _leave(self) -> None:
        if self._guarded is not None:
            self._guarded.leave(interrupted=self._is_interrupted)

    def _last_word(self) -> int:
        """The higher one of the verdict's code and the one that somebody asked for."""
        code = self._guarded.exit_code() if self._guarded is not None else None
        return max(code or 0, self._code)

    def _begin_to_leave(self) -> None:
        self._schedule_end(OBEDIENCE)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            # Without a traceback, which nobody needs who pressed Ctrl-C.
            self._signals.begin_to_leave()
        else:
            self._excepthook(kind, error, where)

    def _leave_now(self) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, RuntimeError):  # nobody may listen, or it is in use
                stream.flush()
        self._keyboard.restore()
        os._exit(self._code)


def _in_thread(what: Callable[[], None], after: float = 0.0) -> None:
    """Call this in a thread of its own, which nothing can keep from its turn."""
    sleep = get_original("time", "sleep")

    def wait() -> None:
        sleep(after)
        what()

    get_original("_thread", "start_new_thread")(wait, ())


def _number(code: object) -> int:
    """What ``sys.exit`` makes of its argument."""
    return code if isinstance(code, int) else int(code is not None)
