"""What Ctrl-C, SIGTERM and a closed terminal do to the process."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum, auto
from typing import Any

import gevent

logger = logging.getLogger("guard")

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""What handles the signals where nobody has asked for something else."""
if hasattr(signal, "SIGHUP"):  # not on Windows
    _DEFAULTS[signal.SIGHUP] = signal.SIG_DFL


class Phase(IntEnum):
    """How far the process has come. It decides what a signal does."""

    STARTING = auto()
    """The first is kept back, for Locust forks its workers: what is forked then is one. SIGTERM
    would leave them behind, and what Ctrl-C raises within a fork is swallowed by Python."""
    RUNNING = auto()
    """The first ends the run in good order."""
    QUITTING = auto()
    """The first is passed over: the run is ending in good order, and listeners may be at work."""
    ANSWERED = auto()
    """The same; the exit code is settled."""
    LEAVING = auto()
    """The process is to end at once. More signals would only disturb that."""


class SignalHandling:
    """Has all signals that ask the process to end do it in one way: in good order at first, at once
    when they come again.

    They reach nobody but the main greenlet, whatever greenlet runs: a user's would print a
    traceback, and might swallow it.

    Args:
        on_leaving: Called when the process is to end at once, before the main greenlet is told.
        end_now: Ends the process on the spot.

    Attributes:
        phase: How far the process has come. It never goes back.
        last: The last signal that asked the process to end, if one did.
    """

    def __init__(self, on_leaving: Callable[[], None], end_now: Callable[[], object]) -> None:
        self.phase = Phase.STARTING
        self.last: signal.Signals | None = None
        self._on_leaving = on_leaving
        self._end_now = end_now
        self._may_begin_to_leave = [True]
        self._sections = 0
        self._is_due = False

    def advance(self, phase: Phase) -> None:
        """Note that the process has come so far."""
        self.phase = max(self.phase, phase)

    def take(self) -> None:
        """Handle the signals from now on, but for those for which Python has another handler.

        To be called again when a test starts and when the process ends: Locust sets a handler of
        SIGTERM of its own, late, with a shape only after it. It ends the process from a second
        greenlet, so that a master fires ``quitting`` twice.
        """
        for number, default in _DEFAULTS.items():
            if signal.getsignal(number) in (default, self._on_signal):  # else it is the user's
                signal.signal(number, self._on_signal)

    def ignore(self) -> None:
        """What ends is not to be ended: Python itself would die of a signal, in its last moments,
        with another exit code."""
        for number in _DEFAULTS:
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, signal.SIG_IGN)

    def give_back_in_fork(self) -> None:
        """Handle signals as Locust does, but for Ctrl-C, which still goes to the main greenlet."""
        self.phase = Phase.RUNNING
        self.last = None
        self._may_begin_to_leave = [True]
        self._is_due = False
        self._sections = 0
        for number, default in _DEFAULTS.items():
            if number != signal.SIGINT and signal.getsignal(number) == self._on_signal:
                signal.signal(number, default)

    def begin_to_leave(self) -> bool:
        """From now on the process ends, and soon. Whether it did not before."""
        try:
            # Signals come even within the handler of another one; only one of them finds this.
            self._may_begin_to_leave.pop()
        except IndexError:
            return False
        self.advance(Phase.LEAVING)
        self._on_leaving()
        return True

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Interrupt nothing in here, which is short: it is done afterwards. A verdict that is cut
        off in the middle would never become final."""
        self._sections += 1
        try:
            yield
        finally:
            self._sections -= 1
            if self._is_due and not self._sections:
                self._is_due = False
                self.interrupt()

    def interrupt(self) -> None:
        """Ctrl-C in the main greenlet."""
        if self._sections:
            self._is_due = True
        else:
            gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())

    def interrupt_run(self) -> None:
        """The same, unless the run has ended meanwhile, or a signal has come again."""
        if self.phase is Phase.RUNNING:
            self.interrupt()

    def _on_signal(self, number: int, _: object) -> None:
        if self.phase is Phase.LEAVING:
            return
        comes_again = self.last is not None
        self.last = signal.Signals(number)
        if not comes_again:
            if self.phase is Phase.RUNNING:
                # Not here and now: the main greenlet goes on until it yields, as all code here may
                # rely on. A stop would be begun twice, or an older verdict written after the final.
                gevent.get_hub().loop.run_callback(self.interrupt_run)
            elif self.phase is Phase.QUITTING:
                gevent.spawn(logger.info, "ending already; one more signal ends it at once")
        elif self.phase is Phase.ANSWERED:
            self._end_now()
        elif self.begin_to_leave():
            self.interrupt()
