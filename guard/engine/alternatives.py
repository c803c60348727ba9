"""What a bad and a good request tell about a check whose requests may be bad up to a limit."""

from __future__ import annotations

import math
from functools import lru_cache

ALTERNATIVES = 8
"""How many probabilities are weighed against the limit.

This and the two below are chosen by the mean delay after changes to 1.25 times the limit and up to
a total outage, at limits of 0.1% to 50% and 1 to 10,000 requests a second. In parts of Lorden's
bound and one evaluation it is 0.84 to 0.92 on average and 1.12 at worst. At worst it is 1.60 with
4 alternatives, 1.24 with 6, and 1.13 with 12. All weigh the same: ten times the weight for the
nearest or for the farthest gains nothing at worst. ``benchmarks/detection.py`` has the tables.
"""

NEAREST = 1.25
"""Odds of the alternative that is nearest to the limit, as a multiple of the limit's odds.

It is a trade between finding what is hardly broken and forgetting what is over. At 1.5, a check
that is broken by a quarter is found after up to 2.3 times the bound. At 1.1, one that is broken by
a tenth is found at the bound already, and not after two to seven times as long; but a breach is
forgotten after 390 s of health and not after 126 s, at a limit of 1% and 100 requests a second.
Less than an eighth beyond the limit even the nearest alternative explains worse than the limit
does, so what is hardly broken is found by chance only.
"""

FARTHEST = 0.9
"""The alternative that is farthest from the limit: a request tells on average this share of what
one bad request tells when all are bad. At 0.99 the delays are the same; at 0.5 those of limits near
50% are longer, 1.21 at worst."""


def divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence KL(p || q) of two probabilities: what a request tells on average,
    in nats, for the first against the second when the first is true."""
    bad = p * math.log(p / q) if p > 0 else 0.0
    return bad + (1 - p) * _of_good(p, q) if p < 1 else bad


def _of_good(p: float, q: float) -> float:
    """log((1 - p) / (1 - q)), also where both are so small that 1 - p is all but 1."""
    return math.log1p((q - p) / (1 - q))


@lru_cache
def alternatives(p0: float) -> tuple[tuple[float, float], ...]:
    """The alternatives to a limit, from barely beyond it to nearly all requests bad: what a bad and
    a good request tell for each, as the log of the likelihood ratio.

    They are spaced by what a request tells, each by the same factor. So for every true probability
    between two of them one is nearly as good as the best, at the cost of no more than log(8) nats
    for not knowing which, where a breach takes log(2,592,000) = 14.8. Without a limit between 0 and
    1 there are none.
    """
    if not 0 < p0 < 1:
        return ()
    odds = NEAREST * p0 / (1 - p0)
    least = divergence(odds / (1 + odds), p0)
    if least <= 0:
        return ()  # there is no number between the limit and one
    most = FARTHEST * -math.log(p0)
    step = (most / least) ** (1 / (ALTERNATIVES - 1))
    found = [_telling(least * step**number, p0) for number in range(ALTERNATIVES)]
    return tuple((math.log(p1 / p0), _of_good(p1, p0)) for p1 in found)


def _telling(nats: float, p0: float) -> float:
    """The probability above ``p0`` whose divergence from it is that."""
    low, high = p0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if divergence(middle, p0) < nats:
            low = middle
        else:
            high = middle
    return low
