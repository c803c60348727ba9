"""The process that Locust's command line runs in, and its way out."""

from __future__ import annotations

import atexit
import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Protocol

import gevent
from gevent.monkey import get_original

from guard.engine.verdict import EXIT_CODES
from guard.forks import Forks
from guard.rule import Outcome

logger = logging.getLogger("guard")

ENDED_BY_SIGNAL = 128
"""What the number of a signal is added to, for the exit code of a process that it ended."""

FAILED = EXIT_CODES[Outcome.ERROR]
"""Exit code of a process whose verdict can't be had."""

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""What handles the signals where nobody has asked for something else."""
if hasattr(signal, "SIGHUP"):  # not on Windows
    _DEFAULTS[signal.SIGHUP] = signal.SIG_DFL

INSIST_AFTER = 0.5
"""Seconds in which Locust is done with the end of a test that it was asked to end."""

OBEDIENCE = 10.0
"""Seconds in which the process ends once it is to end at once."""

LAST_MOMENT = 2.0
"""Seconds for leaving the verdict in a process whose event loop has no turn any more."""


class Guarded(Protocol):
    """What has a say in the exit code."""

    def exit_code(self) -> int | None:
        """The code by the verdict as it stands; None where Locust is to decide."""

    def release_workers(self) -> None:
        """Tell the workers that it is over, without waiting for them to end."""

    def leave(self, *, interrupted: bool) -> None:
        """Leave the verdict, without waiting for anything."""


class Process:
    """Has the last word on the exit code where Locust does not come to ask for it.

    Locust fires ``quitting``, takes the code that it finds then, and exits. ``sys.exit`` in a
    listener or a second Ctrl-C end the process without.

    Attributes:
        signal: The last signal that asked the process to end, if one did.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._guarded: Guarded | None = None
        self._patience = 0.0
        self._forks = Forks()
        self._code = 0
        self._ends_within = math.inf
        self._are_held = False
        self._is_leaving = False
        self._is_answered = False
        # Before Locust registers the end of its worker processes, so after it has come.
        atexit.register(self._at_exit)
        self._excepthook = sys.excepthook
        sys.excepthook = self._on_exception

    def run(self, main: Callable[[], Any]) -> None:
        """Run Locust's main function to its end, which is the process's."""
        try:
            main()
        except KeyboardInterrupt:
            self._on_exception(*sys.exc_info())
            # If the verdict has no other code.
            sys.exit(ENDED_BY_SIGNAL + (self.signal or signal.SIGINT))
        except SystemExit as leaving:
            self._code = _number(leaving.code)
            raise

    def hold_signals(self) -> None:
        """Keep the first signal back until :meth:`answer_for`.

        In between Locust forks its workers: what is forked then is one. SIGTERM would leave them
        behind, and what Ctrl-C raises within a fork is swallowed by Python.
        """
        if self._guarded is None:
            self._are_held = True
            self._forks.are_to_come()
            self.take_signals()
            _in_forked(self._let_signals_end_it)

    def answer_for(self, guarded: Guarded, patience: float) -> None:
        """From now on this decides the exit code.

        Args:
            guarded: Who knows the verdict.
            patience: Seconds for which workers are waited for in the end.
        """
        self._guarded = guarded
        self._patience = patience
        self._forks.have_come()
        self._are_held = False
        self.take_signals()
        if self.signal is not None:
            _interrupt()

    def set_clock(self) -> None:
        """Let Locust's event loop look at the clock, which it did last before all the imports, ours
        among them. The timer for ``--run-time``, which comes next, would go off early by that time.
        """
        gevent.get_hub().loop.update_now()

    def take_signals(self) -> None:
        """Have Ctrl-C and SIGTERM end the run in one way: in good order at first, at once when they
        come again.

        To be called again when a test starts and when the process ends: Locust sets a handler of
        SIGTERM of its own, late, with a shape only after it. It ends the process from a second
        greenlet, so that a master fires ``quitting`` twice.
        """
        for number, default in _DEFAULTS.items():
            if signal.getsignal(number) in (default, self._on_signal):  # else it is the user's
                signal.signal(number, self._on_signal)

    def has_answered(self, code: int) -> None:
        """Locust has the exit code and ends the process in good order."""
        self._guarded = None
        self._code = code
        self._is_answered = True

    def insist(self) -> None:
        """Ask the main greenlet to end once more. With a web UI and a shape Locust takes the first
        time for the end of the shape, and stays."""
        gevent.spawn_later(INSIST_AFTER, _interrupt)

    def end(self) -> None:
        """End the process, as far as it obeys."""
        gevent.get_hub().handle_system_error(SystemExit, SystemExit(self._last_word()))

    def end_within(self, seconds: float) -> None:
        """See to it that the process has ended by then. Later calls change nothing but an earlier
        end.

        Where code that never yields holds the event loop, no greenlet has a turn any more, and a
        signal's handler neither. So this is done by a thread.
        """
        if seconds < self._ends_within:
            self._ends_within = seconds
            _in_thread(self._end_at_once, after=seconds)

    def _end_at_once(self) -> None:
        code = FAILED
        try:
            code = self._last_word()
            # Not in this thread: it may wait for a lock for ever.
            _in_thread(self._give_up)
            get_original("time", "sleep")(LAST_MOMENT)
            self._forks.end(patience=0)
        finally:
            os._exit(code)

    def _give_up(self) -> None:
        self._leave()  # first, because nobody may read what is said
        logger.error("the process does not obey and is ended; something keeps its event loop")

    def _at_exit(self) -> None:
        if self._are_held:  # it ends before it has come to be guarded
            self._forks.have_come()
        if self._guarded is not None:
            with suppress(KeyboardInterrupt):
                self._guarded.release_workers()
            self._leave()
            self._code = self._last_word()
        with suppress(KeyboardInterrupt):
            self._forks.end(0 if self._is_leaving else self._patience)
        if self._guarded is not None and (self._code or self._is_leaving):
            logging.shutdown()
            _leave_now(self._code)
        self._ignore_signals()

    def _ignore_signals(self) -> None:
        """What ends is not to be ended: Python itself would die of a signal, in its last moments,
        with another exit code."""
        for number in _DEFAULTS:
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, signal.SIG_IGN)

    def _let_signals_end_it(self) -> None:
        """Handle signals as Locust does, but for Ctrl-C, which still goes to the main greenlet, and
        leave the verdict to the process that it was forked from."""
        self._guarded = None
        self._forks = Forks()
        self.signal = None
        self._are_held = False
        self._is_leaving = False
        for number, default in _DEFAULTS.items():
            if number != signal.SIGINT and signal.getsignal(number) == self._on_signal:
                signal.signal(number, default)

    def _leave(self) -> None:
        if self._guarded is not None:
            self._guarded.leave(interrupted=self._is_leaving)

    def _last_word(self) -> int:
        """The higher one of the verdict's code and the one that somebody asked for."""
        code = self._guarded.exit_code() if self._guarded is not None else None
        return max(code or 0, self._code)

    def _on_signal(self, number: int, _: object) -> None:
        """Tell the main greenlet, whatever greenlet runs: a user's would print a traceback, and
        might swallow it.

        The first time, that greenlet goes on until it yields, as all code here may rely on: a stop
        would be begun twice, or an older verdict written after the final one.
        """
        if self._is_leaving:
            return
        comes_again = self.signal is not None
        self.signal = signal.Signals(number)
        if self._is_answered:
            if comes_again:
                _leave_now(self._code)
            return
        if self._are_held and not comes_again:
            return
        if comes_again:
            self._begin_to_leave()
            _interrupt()
            return
        hub = gevent.get_hub()
        if gevent.getcurrent() in (hub, hub.parent):
            self._interrupt_unless_leaving()
        else:
            hub.loop.run_callback(self._interrupt_unless_leaving)

    def _interrupt_unless_leaving(self) -> None:
        if not self._is_leaving:  # else a signal has come again meanwhile, even within its handler
            _interrupt()

    def _begin_to_leave(self) -> None:
        """From now on the process ends, and soon. More signals would only disturb that."""
        if not self._is_leaving:
            self._is_leaving = True
            self.end_within(OBEDIENCE)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._begin_to_leave()  # without a traceback, which nobody needs who pressed Ctrl-C
        else:
            self._excepthook(kind, error, where)


@cache
def _in_forked(what: Callable[[], None]) -> None:
    """Call this in every process that is forked from now on."""
    os.register_at_fork(after_in_child=what)


def _in_thread(what: Callable[[], None], after: float = 0.0) -> None:
    """Call this in a thread of its own, which nothing can keep from its turn."""
    sleep = get_original("time", "sleep")

    def wait() -> None:
        sleep(after)
        what()

    get_original("_thread", "start_new_thread")(wait, ())


def _interrupt() -> None:
    """Ctrl-C in the main greenlet."""
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


def _leave_now(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # nobody may listen, or it is in use
            stream.flush()
    os._exit(code)


def _number(code: object) -> int:
    """What ``sys.exit`` makes of its argument."""
    return code if isinstance(code, int) else int(code is not None)
