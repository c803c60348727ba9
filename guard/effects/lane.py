"""What may take its time is done beside the test, one thing after the other."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import gevent
from gevent.event import Event
from gevent.monkey import get_original

logger = logging.getLogger("guard")

_thread = get_original("_thread", "get_ident")


class Lane:
    """Does what it is given in a greenlet of its own, in order.

    It does nothing for another thread than the one that it was made in: where the process is ended
    by force, that is done by a thread, and waits for nobody.

    Args:
        head_start: Seconds that others have before it begins.
    """

    def __init__(self, head_start: float = 0.0) -> None:
        self._head_start = head_start
        self._work: deque[Callable[[], None]] = deque()
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._idle = Event()
        self._idle.set()
        self._home = _thread()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is another thread than the lane's."""
        return bool(_thread() != self._home)

    @property
    def is_idle(self) -> bool:
        """Whether all is done."""
        return self._idle.is_set()

    def add(self, work: Callable[[], None]) -> None:
        """Have this done after all that was added before. What it raises is logged."""
        if self.is_elsewhere:
            return
        self._work.append(work)
        if self._idle.is_set():
            self._idle.clear()
            self._greenlet = gevent.spawn_later(self._head_start, self._run)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all is done, for so many seconds at most. Whether it is.

        Who is being waited for does not wait for himself.
        """
        if self.is_elsewhere or gevent.getcurrent() is self._greenlet:
            return False
        return bool(self._idle.wait(seconds))

    def _run(self) -> None:
        try:
            while self._work:
                try:
                    self._work.popleft()()
                except Exception:
                    logger.exception("what is done beside the test failed; the guard goes on")
        finally:
            self._idle.set()
