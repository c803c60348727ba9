"""Response times as Locust counts them for percentiles."""

from __future__ import annotations

STEPS = ((100.0, 0), (1000.0, -1), (10_000.0, -2))
"""Below which response time, in milliseconds, it is rounded to so many digits."""

LARGEST = -3
"""The digits of all others."""


def rounded(took: float) -> int:
    """A response time, in milliseconds, rounded. Source: ``locust.stats.bucket_response_time``."""
    for below, digits in STEPS:
        if took < below:
            return int(round(took, digits))
    return int(round(took, LARGEST))
