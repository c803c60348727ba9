"""The requests of the last seconds, or of the whole run since a rule was armed."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping

from guard.engine.counts import NONE_LIKE, Counts

JITTER = 0.1
"""Seconds by which a tick may come early or late and still complete a length of time."""


class Timeline:
    """The ends of the ticks so far, as far as windows of one length reach back.

    What was counted in a tick is in a window whole or not at all, so a window begins where a tick
    ended.
    """

    __slots__ = ("_ends", "_length")

    def __init__(self, length: float) -> None:
        self._length = length
        self._ends = deque([0.0])

    def begin(self, until: float) -> float:
        """Where a window that ends with this tick begins, unless it was armed later."""
        ends = self._ends
        if until > ends[-1]:
            ends.append(until)
        # A tick is too old when the others reach back far enough without it.
        while len(ends) > 2 and until - ends[1] >= self._length - JITTER:
            ends.popleft()
        return ends[0]


class Window:
    """Sums over the requests of the last ``length`` seconds, or over all of them.

    It has the sums of :class:`~guard.engine.counts.Counts`, but changes as time goes by. Kept as
    one difference a tick, so memory grows with the distinct response times seen in each, not with
    copies of whole histograms.

    Attributes:
        length: In seconds; None for all since ``begin``.
        begin: From when it reaches, in seconds since the test start.
        until: Up to when.
        changed: Whether its requests have changed since this was last set to False.
        requests, failures, response_time, response_times, timed, content_length, failures_like:
            As in ``Counts``.
    """

    __slots__ = (
        "_ends",
        "_fastest",
        "_parts",
        "_slowest",
        "begin",
        "changed",
        "content_length",
        "failures",
        "failures_like",
        "length",
        "requests",
        "response_time",
        "response_times",
        "timed",
        "until",
    )

    def __init__(self, length: float | None, start: float) -> None:
        self.length = length
        self.begin = start
        self.until = start
        self.changed = True
        self.requests = 0
        self.failures = 0
        self.response_time = 0.0
        self.response_times: dict[int, int] = {}
        self.timed = 0
        self.content_length = 0.0
        self.failures_like: Mapping[str, int] = NONE_LIKE
        self._fastest = math.inf
        self._slowest = -math.inf
        # Side by side, as pairs of them would be many more objects for the garbage collector.
        self._ends: deque[float] = deque()
        self._parts: deque[Counts] = deque()

    @property
    def seconds(self) -> float:
        """The time that the window really covers: longer than its length after a late tick."""
        return self.until - self.begin

    @property
    def full(self) -> bool:
        """Whether the window covers its whole length; one over the whole run, any time at all."""
        if self.length is None:
            return self.until > self.begin
        return self.until - self.begin >= self.length - JITTER

    @property
    def fastest(self) -> float | None:
        """Shortest response time in milliseconds, None without any."""
        parts = (part.fastest for part in self._parts if part.fastest is not None)
        fastest = self._fastest if self.length is None else min(parts, default=math.inf)
        return None if fastest == math.inf else fastest

    @property
    def slowest(self) -> float | None:
        """Longest response time in milliseconds, None without any."""
        parts = (part.slowest for part in self._parts if part.slowest is not None)
        slowest = self._slowest if self.length is None else max(parts, default=-math.inf)
        return None if slowest == -math.inf else slowest

    def add(self, part: Counts, until: float) -> None:
        """Take in what was counted in the tick that ends then."""
        if not part.requests and not part.failures:
            return
        self.changed = True
        self.requests += part.requests
        self.failures += part.failures
        self.response_time += part.response_time
        self.content_length += part.content_length
        times = self.response_times
        for time, count in part.response_times.items():
            times[time] = times.get(time, 0) + count
            self.timed += count
        if part.failures_like:
            self._count_failures_like(part, 1)
        if self.length is not None:
            self._ends.append(until)
            self._parts.append(part)
        elif part.fastest is not None and part.slowest is not None:
            self._fastest = min(self._fastest, part.fastest)
            self._slowest = max(self._slowest, part.slowest)

    def reach(self, begin: float, until: float) -> None:
        """Reach from ``begin``, or from where it was armed if that was later, up to ``until``."""
        self.until = until
        if self.length is None or begin <= self.begin:
            return
        self.begin = begin
        ends = self._ends
        while ends and ends[0] <= begin:
            ends.popleft()
            self._drop(self._parts.popleft())

    def _drop(self, part: Counts) -> None:
        self.changed = True
        self.requests -= part.requests
        self.failures -= part.failures
        # An empty window starts its sums anew, so that rounding errors can't add up over hours.
        self.response_time = self.response_time - part.response_time if self.requests else 0.0
        self.content_length = self.content_length - part.content_length if self.requests else 0.0
        times = self.response_times
        for time, count in part.response_times.items():
            self.timed -= count
            left = times[time] - count
            if left:
                times[time] = left
            else:
                del times[time]
        if part.failures_like:
            self._count_failures_like(part, -1)

    def _count_failures_like(self, part: Counts, sign: int) -> None:
        counted = Counter(self.failures_like)
        for pattern, count in part.failures_like.items():
            counted[pattern] += sign * count
        self.failures_like = counted
