"""The time that a stop may take."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.monkey import get_original

GRACE = 10.0
"""Seconds that the process has, after the deadline, to end in good order."""


class Deadline:
    """Sees to it that a run comes to its end, whatever hangs.

    Args:
        seconds: How long it may take from the first :meth:`begin`.
        overdue: Called in a greenlet when the time is up.
    """

    def __init__(self, seconds: float, overdue: Callable[[], None]) -> None:
        self.seconds = seconds
        self._overdue = overdue
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._is_enforced = False

    def begin(self) -> None:
        """The time runs from now on. Later calls change nothing."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn_later(self.seconds, self._overdue)

    def enforce(self, end_process: Callable[[], None], stay: float) -> None:
        """The same, and call this in a thread of its own, some seconds after the deadline and those
        for which the process is to stay when the test is over.

        Where code that never yields holds the event loop, no greenlet has a turn any more, and a
        signal's handler neither.
        """
        self.begin()
        if self._is_enforced:
            return
        self._is_enforced = True
        sleep = get_original("time", "sleep")

        def wait() -> None:
            sleep(self.seconds + stay + GRACE)
            end_process()

        get_original("_thread", "start_new_thread")(wait, ())

    def cancel(self) -> None:
        """The run has come to its end."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
