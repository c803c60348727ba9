"""The requests of the last seconds, or of the whole run since a rule was armed."""

from __future__ import annotations

from collections import deque

from guard.engine.counts import NOTHING, Counts

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
        self._fastest = _Least()
        self._slowest = _Least()

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

    def add(self, part: Counts, until: float) -> None:
        """Take in what was counted since the call before, up to a moment, and drop what is too
        old."""
        if until == self._now and part is NOTHING:
            return
        self._now = until
        self._requests += part.requests
        self._failures += part.failures
        self._response_time += part.response_time
        for time, count in part.response_times.items():
            self._times[time] = self._times.get(time, 0) + count
        if part.fastest is not None and part.slowest is not None:
            self._fastest.add(part.fastest)
            self._slowest.add(-part.slowest)
        if self.length is None:
            return
        self._parts.append((until, part))
        # A difference is too old when the others reach back far enough without it.
        while len(self._parts) > 1 and until - self._parts[0][0] >= self.length - JITTER:
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
        if part.fastest is not None and part.slowest is not None:
            self._fastest.drop(part.fastest)
            self._slowest.drop(-part.slowest)

    @property
    def counts(self) -> Counts:
        """The requests in the window. The histogram is the window's own: read it before the next
        ``add``."""
        fastest, slowest = self._fastest.value, self._slowest.value
        return Counts(
            requests=self._requests,
            failures=self._failures,
            response_time=self._response_time,
            response_times=self._times,
            fastest=fastest,
            slowest=None if slowest is None else -slowest,
        )


class _Least:
    """The least of the values of a window: a queue in which no value is followed by a lesser one,
    so that the first is the least and the next takes over when it is too old."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: deque[float] = deque()

    def add(self, value: float) -> None:
        while self._values and self._values[-1] > value:
            self._values.pop()
        self._values.append(value)

    def drop(self, oldest: float) -> None:
        if self._values[0] == oldest:
            self._values.popleft()

    @property
    def value(self) -> float | None:
        return self._values[0] if self._values else None
