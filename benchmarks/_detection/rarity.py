"""How rarely chance breaks a rule on a window, and which limit makes it as rare as one likes.

A window of 10 s that is broken by chance once in 30 days can't be found by waiting for it. But it
can be computed. Let A_t say that the window that ends at t is broken, and N be the number of broken
ones among all T of a time. Then

    P(any) = sum over t of P(A_t) E[1/N | A_t],

because every time with N > 0 is counted N times, at 1/N each. P(A_t) is the tail of a binomial
distribution. The mean of 1/N is had by making what is so rare happen: pick a t, draw how many are
bad in its window from the binomial distribution beyond the limit, spread them over its evaluations,
draw all other evaluations as ever, and count. Nothing in this is an approximation. Source: Naiman
and Priebe, "Computing scan statistic p values using importance sampling, with applications to
genetics and medical image analysis", Journal of Computational and Graphical Statistics 10, 2001.

Stops of healthy runs are as good as a Poisson process, so P(any) = 1 - exp(-T / mean time).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from _detection.streams import HOUR, Limit
from _detection.traffic import Floats

_AT_ONCE = 500  # hours


def binomial(number: int, share: float) -> Floats:
    """Probabilities of 0 to ``number`` bad ones, of the shape (number + 1,)."""
    k = np.arange(number + 1)
    of_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, number + 1)))))
    choices = of_factorial[-1] - of_factorial - of_factorial[::-1]
    found: Floats = np.exp(choices + k * math.log(share) + (number - k) * math.log1p(-share))
    return found


def share_of_hours(
    rng: Generator, over: int, least: int, *, requests: int, share: float, samples: int = 1000
) -> float:
    """Probability that an hour has a window with so many bad requests.

    Args:
        rng: Where chance comes from.
        over: Length of the window in evaluations of a second each.
        least: How many bad ones break it.
        requests: Requests in each evaluation.
        share: Probability that a request is bad.
        samples: How many hours are drawn.
    """
    beyond = binomial(over * requests, share)[least:]
    tail = float(beyond.sum())
    inverses = []
    for begin in range(0, samples, _AT_ONCE):
        runs = min(_AT_ONCE, samples - begin)
        bad = rng.binomial(requests, share, (runs, HOUR))
        inside = rng.choice(len(beyond), runs, p=beyond / tail) + least
        first = rng.integers(HOUR - over + 1, size=runs)
        spread = np.array([_spread(rng, number, over, requests) for number in inside])
        np.put_along_axis(bad, first[:, np.newaxis] + np.arange(over), spread, axis=1)
        limit = Limit(least / (over * requests), over)
        inverses.append(1 / limit.breaches(bad, requests).sum(axis=1))
    return (HOUR - over + 1) * tail * float(np.concatenate(inverses).mean())


def _spread(rng: Generator, bad: int, over: int, requests: int) -> list[int]:
    """So many bad ones, put at random among the requests of all evaluations of a window."""
    return list(rng.multivariate_hypergeometric([requests] * over, bad, method="marginals"))


def mean_time(share_of_hours: float) -> float:
    """Seconds between two stops, if that share of all hours has one; zero if none is without."""
    return HOUR / -math.log1p(-share_of_hours) if share_of_hours < 1 else 0.0


def tuned(
    rng: Generator, over: int, requests: int, share: float, seconds: float
) -> tuple[int, float]:
    """The least number of bad requests in a window that chance reaches once in so many seconds on
    average, or more rarely; and how many seconds it is."""

    def time(least: int) -> float:
        return mean_time(share_of_hours(rng, over, least, requests=requests, share=share))

    tails = binomial(over * requests, share)[::-1].cumsum()[::-1]
    # Broken windows come in rows. They are no longer than twice a window on average, and if each
    # were on its own, it would surely be rare enough.
    low = int(np.argmax(tails * seconds <= 2 * over)) - 1
    high = int(np.argmax(tails * seconds <= 1))
    found = time(high)
    while high - low > 1:
        middle = (low + high) // 2
        if (of_middle := time(middle)) >= seconds:
            high, found = middle, of_middle
        else:
            low = middle
    return high, found


def poisson_interval(number: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval for the mean of a Poisson distribution.

    Source: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.
    """
    beyond = (1 - confidence) / 2
    low = _mean_with(number - 1, 1 - beyond) if number else 0.0
    return low, _mean_with(number, beyond)


def _mean_with(number: int, probability: float) -> float:
    """The mean with which so many or fewer have that probability."""
    low, high = 0.0, 2.0 * number + 20
    for _ in range(50):
        middle = (low + high) / 2
        terms = (k * math.log(middle) - middle - math.lgamma(k + 1) for k in range(number + 1))
        if math.fsum(map(math.exp, terms)) > probability:
            low = middle
        else:
            high = middle
    return low
