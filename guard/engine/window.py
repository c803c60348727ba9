"""The requests of the last seconds, or of the whole run since a rule was armed."""

from __future__ import annotations

from collections import deque

from guard.engine.counts import Counts

JITTER = 0.1
"""Seconds by which a tick may come early or late and still complete a length of time."""


class Window:
    """Sums of the differences that fall into the last ``length`` seconds, or of all of them.

    Kept as one difference a tick, so memory grows with the distinct response times seen in each,
    not with copies of whole histograms. A difference stands for the time between its tick and the
    tick before, and is in the window whole or not at all.
    """

    __slots__ = (
        "_begin",
        "_failures",
        "_fastest",
        "_now",
        "_parts",
        "_requests",
        "_response_time",
        "_slowest",
        "_times",
        "length",
    )

    def __init__(self, length: float | None, start: float) -> None:
        self.length = length
        self._parts: deque[tuple[float, Counts]] = deque()
        self._begin = start
        self._now = start
        self._requests = 0
        self._failures = 0
        self._response_time = 0.0
        self._times: dict[int, int] = {}
        self._fastest: float | None = None
        self._slowest: float | None = None

    @property
    def seconds(self) -> float:
        """The time that the window really covers: longer than its length after a late tick."""
        return self._now - self._begin

    @property
    def full(self) -> bool:
        """Whether the window covers its whole length; one over the whole run, any time at all."""
        if self.length is None:
            return self.seconds > 0
        return self.seconds >= self.length - JITTER

    def add(self, part: Counts, now: float) -> None:
        """Take in what was counted since the tick before, and drop what is too old."""
        self._now = now
        self._requests += part.requests
        self._failures += part.failures
        self._response_time += part.response_time
        for time, count in part.response_times.items():
            self._times[time] = self._times.get(time, 0) + count
        if self.length is None:
            self._fastest = min(_present(self._fastest, part.fastest), default=None)
            self._slowest = max(_present(self._slowest, part.slowest), default=None)
            return
        self._parts.append((now, part))
        # A difference is too old when the others reach back far enough without it.
        while len(self._parts) > 1 and now - self._parts[0][0] >= self.length - JITTER:
            self._drop(*self._parts.popleft())

    def _drop(self, end: float, part: Counts) -> None:
        self._begin = end
        self._requests -= part.requests
        self._failures -= part.failures
        # An empty window starts its sum anew, so that rounding errors can't add up over hours.
        self._response_time = self._response_time - part.response_time if self._requests else 0.0
        for time, count in part.response_times.items():
            left = self._times[time] - count
            if left:
                self._times[time] = left
            else:
                del self._times[time]

    @property
    def counts(self) -> Counts:
        """The requests in the window. The histogram is the window's own: read it before the next
        ``add``."""
        fastest, slowest = self._fastest, self._slowest
        if self.length is not None:
            parts = [part for _, part in self._parts]
            fastest = min(_present(*(part.fastest for part in parts)), default=None)
            slowest = max(_present(*(part.slowest for part in parts)), default=None)
        return Counts(
            requests=self._requests,
            failures=self._failures,
            response_time=self._response_time,
            response_times=self._times,
            fastest=fastest,
            slowest=slowest,
        )


def _present(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]
