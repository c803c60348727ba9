"""When evaluations are due, and how long they may keep the event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from guard.rule import timespan_text

logger = logging.getLogger("guard")

TICK = 1.0
"""Seconds between two evaluations."""

STRETCH = 0.002
"""Seconds for which a tick may keep the event loop to itself."""

PAUSE = 0.001
"""Seconds for which it then pauses. Without any, timers and sockets would not have their turn."""


class Pace:
    """Keeps a tick a second, and the ticks from being in the way.

    Args:
        clock: Seconds since the test start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due = 0.0
        self._busy_since = 0.0
        self._worked = 0.0
        self._warned = False

    def wait(self) -> None:
        """Wait for the next tick. They fall on whole seconds of the test, so that a late one does
        not delay those after it."""
        now = self._clock()
        self._due = (round(now / TICK) + 1) * TICK
        gevent.sleep(self._due - now)

    def begin_to_work(self) -> None:
        """Note that the event loop is kept from now on."""
        self._busy_since = self._clock()
        self._worked = 0.0

    def breathe(self) -> None:
        """Let the users have their turn, if they have waited for long enough."""
        worked = self._clock() - self._busy_since
        if worked >= STRETCH:
            self._worked += worked
            gevent.sleep(PAUSE)
            self._busy_since = self._clock()

    def end_work(self) -> None:
        """Note that the tick is done. Say so, once a test, when another one would be due already:
        then rules are judged less often than people think, or the load generator is ill."""
        now = self._clock()
        self._worked += now - self._busy_since
        late = now - self._due
        if late < TICK or self._warned:
            return
        self._warned = True
        if self._worked > late / 2:
            logger.warning(
                "judging the rules once took %s of work, so they are judged less often than once "
                "a second; fewer rules with 'each', or fewer request names, shorten it",
                timespan_text(round(self._worked, 1)),
            )
        else:
            logger.warning(
                "the guard was %s late, because something kept the event loop of this process: a "
                "call in the locustfile that does not yield to gevent, or too little CPU; times "
                "measured meanwhile are too long",
                timespan_text(round(late, 1)),
            )
