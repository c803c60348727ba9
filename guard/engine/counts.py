"""Counts of requests: cumulative as a source reads them, and differences between readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known of a number of requests.

    Attributes:
        requests: How many there were, failed ones included.
        failures: How many of them failed.
        response_time: Sum of their response times in milliseconds.
        content_length: Sum of the sizes of their responses in bytes.
        response_times: Histogram, rounded response time in milliseconds to number of requests.
            Requests without a response time are missing from it.
        fastest: Shortest response time in milliseconds, None without any.
        slowest: Longest response time in milliseconds, None without any.
        epoch: Grows by one whenever the counters of a source were reset to zero.
    """

    requests: int = 0
    failures: int = 0
    response_time: float = 0.0
    response_times: Mapping[int, int] = field(default_factory=dict)
    fastest: float | None = None
    slowest: float | None = None
    epoch: int = 0
    content_length: float = 0.0

    @property
    def timed(self) -> int:
        """How many requests have a response time: the denominator of means and percentiles."""
        return sum(self.response_times.values())


NOTHING = Counts()


class Odometer:
    """Turns the cumulative counts of one entry into what was added since the reading before.

    A counter that went down, like a new epoch, is a reset: everything counted since then is new.
    The histogram of a reading is copied into the odometer's own, never kept, so a source may hand
    out the live one.
    """

    __slots__ = (
        "_epoch",
        "_failures",
        "_fastest",
        "_requests",
        "_response_time",
        "_slowest",
        "_times",
    )

    def __init__(self) -> None:
        self._epoch = 0
        self._zero()

    def _zero(self) -> None:
        self._requests = 0
        self._failures = 0
        self._response_time = 0.0
        self._times: dict[int, int] = {}
        self._fastest: float | None = None
        self._slowest: float | None = None

    def advance(self, now: Counts) -> Counts:
        """The counts added since the call before, or since zero at the first call."""
        went_down = now.requests < self._requests or now.failures < self._failures
        if went_down or now.epoch != self._epoch:
            self._zero()
        self._epoch = now.epoch
        if now.requests == self._requests and now.failures == self._failures:
            return NOTHING
        times = self._new_times(now.response_times)
        if times is None:
            self._zero()
            times = dict(now.response_times)
            self._times = dict(times)
        added = Counts(
            requests=now.requests - self._requests,
            failures=now.failures - self._failures,
            response_time=now.response_time - self._response_time,
            response_times=times,
            fastest=self._fastest_of(times, now.fastest),
            slowest=self._slowest_of(times, now.slowest),
        )
        self._requests, self._failures = now.requests, now.failures
        self._response_time = now.response_time
        self._fastest, self._slowest = now.fastest, now.slowest
        return added

    def _new_times(self, now: Mapping[int, int]) -> dict[int, int] | None:
        """What the histogram gained; None if a count in it went down or is gone."""
        before = self._times
        missing = len(before)
        added = {}
        for time, count in now.items():
            seen = before.get(time, 0)
            if seen:
                missing -= 1
            if count < seen:
                return None
            if count > seen:
                added[time] = count - seen
                before[time] = count
        return None if missing else added

    # Sources know the extremes of the whole run only. One that has just moved is exact; else the
    # histogram's outermost time stands for it, which rounding may have put beyond the extreme.

    def _fastest_of(self, times: Mapping[int, int], fastest: float | None) -> float | None:
        if not times or fastest is None:
            return None
        if self._fastest is None or fastest < self._fastest:
            return fastest
        return max(min(times), fastest)

    def _slowest_of(self, times: Mapping[int, int], slowest: float | None) -> float | None:
        if not times or slowest is None:
            return None
        if self._slowest is None or slowest > self._slowest:
            return slowest
        return min(max(times), slowest)


def total(parts: Iterable[Counts]) -> Counts:
    """The sum of several counts, as if all their requests had been made to one entry."""
    several = [part for part in parts if part.requests or part.failures]
    if not several:
        return NOTHING
    if len(several) == 1:
        return several[0]
    times: dict[int, int] = {}
    for part in several:
        for time, count in part.response_times.items():
            times[time] = times.get(time, 0) + count
    return Counts(
        requests=sum(part.requests for part in several),
        failures=sum(part.failures for part in several),
        response_time=sum(part.response_time for part in several),
        response_times=times,
        fastest=min((part.fastest for part in several if part.fastest is not None), default=None),
        slowest=max((part.slowest for part in several if part.slowest is not None), default=None),
    )
