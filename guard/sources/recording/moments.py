"""Moments and times of a recording: whole microseconds, so that sums are the same in any order.

Both readers do what stands here, with the same operations on the same floats.
"""

from __future__ import annotations

MICROSECONDS = 1_000_000.0
"""In a second: the unit of moments and of response times."""

MOST_TOOK = 1e10
"""Milliseconds, some hundred days, above which a response time is none."""

LATEST = 1e11
"""Seconds since 1970, the year 5138, after which a moment is none."""

TICKS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e9, 1.0))
"""From which number on a moment is surely in so many ticks a second, as it is one of this century.
Below the last of them, where runs are made up, it is as its format says."""


def ticks_of(moment: float, usual: float) -> float:
    """Ticks a second of a moment that is given as this number.

    Args:
        moment: The number.
        usual: What its format says.
    """
    for least, ticks in TICKS:
        if moment >= least:
            return ticks
    return usual
