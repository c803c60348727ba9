"""Counts of requests: cumulative as a source reads them, and differences between readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NONE_LIKE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known of a number of requests.

    Attributes:
        requests: How many there were, failed ones included.
        failures: How many of them failed.
        response_time: Sum of their response times in milliseconds.
        response_times: Histogram, rounded response time in milliseconds to number of requests.
            Requests without a response time are missing from it.
        fastest: Shortest response time in milliseconds, None without any.
        slowest: Longest response time in milliseconds, None without any.
        content_length: Sum of the sizes of their responses in bytes.
        failures_like: How many failed with a text that matches, by pattern. Patterns that nothing
            matches may be missing.
        epoch: Grows by one whenever the counters of a source were reset to zero.
    """

    requests: int = 0
    failures: int = 0
    response_time: float = 0.0
    response_times: Mapping[int, int] = field(default_factory=dict)
    fastest: float | None = None
    slowest: float | None = None
    content_length: float = 0.0
    failures_like: Mapping[str, int] = field(default_factory=lambda: NONE_LIKE)
    epoch: int = 0

    @property
    def timed(self) -> int:
        """How many requests have a response time: the denominator of means and percentiles."""
        return sum(self.response_times.values())


NOTHING = Counts()


class Odometer:
    """Turns the cumulative counts of one entry into what was added since the reading before.

    A counter that went down, like a new epoch, is a reset: everything counted since then is new.
    The counts are kept, so a source must not go on counting in their histograms.
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = NOTHING

    def advance(self, now: Counts) -> Counts:
        """The counts added since the call before, or since zero at the first call."""
        before = self._before
        if now.epoch == before.epoch:
            if now.requests == before.requests and now.failures == before.failures:
                return NOTHING
            if now.requests >= before.requests and now.failures >= before.failures:
                times = _added(now.response_times, before.response_times)
                if times is not None:
                    self._before = now
                    return _difference(now, before, times)
        self._before = now
        return _difference(now, NOTHING, now.response_times)


def _added(now: Mapping[int, int], before: Mapping[int, int]) -> dict[int, int] | None:
    """What a histogram gained; None if a count in it went down or is gone."""
    missing = len(before)
    added = {}
    for time, count in now.items():
        seen = before.get(time)
        if seen is None:
            added[time] = count
            continue
        missing -= 1
        if count != seen:
            if count < seen:
                return None
            added[time] = count - seen
    return None if missing else added


def _difference(now: Counts, before: Counts, times: Mapping[int, int]) -> Counts:
    failures_like = now.failures_like
    if failures_like and before.failures_like:
        # Without zeros, which every part of a window would remember.
        failures_like = {
            pattern: gained
            for pattern, count in failures_like.items()
            if (gained := count - before.failures_like.get(pattern, 0))
        } or NONE_LIKE
    return Counts(
        requests=now.requests - before.requests,
        failures=now.failures - before.failures,
        response_time=now.response_time - before.response_time,
        response_times=times,
        fastest=_fastest(times, now.fastest, before.fastest),
        slowest=_slowest(times, now.slowest, before.slowest),
        content_length=now.content_length - before.content_length,
        failures_like=failures_like,
    )


# Sources know the extremes of the whole run only. One that has just moved is exact; else the
# histogram's outermost time stands for it, which rounding may have put beyond the extreme.


def _fastest(times: Mapping[int, int], now: float | None, before: float | None) -> float | None:
    if not times or now is None:
        return None
    return now if before is None or now < before else max(min(times), now)


def _slowest(times: Mapping[int, int], now: float | None, before: float | None) -> float | None:
    if not times or now is None:
        return None
    return now if before is None or now > before else min(max(times), now)
