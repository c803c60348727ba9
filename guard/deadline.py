"""The time that something may take."""

from __future__ import annotations

from collections.abc import Callable

import gevent


class Deadline:
    """Notices what does not come to its end.

    Args:
        seconds: How long it may take from the first :meth:`begin`.
        overdue: Called in a greenlet when the time is up.
    """

    def __init__(self, seconds: float, overdue: Callable[[], None]) -> None:
        self.seconds = seconds
        self._overdue = overdue
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def begin(self) -> bool:
        """The time runs from now on. Whether it does: later calls change nothing."""
        if self._greenlet is not None:
            return False
        self._greenlet = gevent.spawn_later(self.seconds, self._overdue)
        return True

    def cancel(self) -> None:
        """It has come to its end."""
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.kill(block=False)
