"""The time that a stop may take."""

from __future__ import annotations

from collections.abc import Callable

import gevent


class Deadline:
    """Notices a run that does not come to its end.

    Args:
        seconds: How long it may take from the first :meth:`begin`.
        overdue: Called in a greenlet when the time is up.
    """

    def __init__(self, seconds: float, overdue: Callable[[], None]) -> None:
        self.seconds = seconds
        self._overdue = overdue
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def begin(self) -> None:
        """The time runs from now on. Later calls change nothing."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn_later(self.seconds, self._overdue)

    def cancel(self) -> None:
        """The run has come to its end."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
