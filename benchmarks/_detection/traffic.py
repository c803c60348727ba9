"""Simulated traffic: how many of the requests of an evaluation are bad.

``bad`` are those that speak against a check, as in ``guard.engine.evidence``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Bad = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

_AT_ONCE = 1_000_000  # response times, to save memory


class Traffic(Protocol):
    """Where requests come from."""

    def bad(self, rng: Generator, requests: NDArray[np.int64]) -> Bad:
        """How many of so many requests are bad, element by element."""


@dataclass(frozen=True, slots=True)
class Independent:
    """Each request is bad with the same probability, whatever the others are."""

    share: float

    def bad(self, rng: Generator, requests: NDArray[np.int64]) -> Bad:
        return rng.binomial(requests, self.share)


@dataclass(frozen=True, slots=True)
class InBlocks:
    """The same share, but requests come in blocks of which all are bad or none is."""

    share: float
    block: int

    def bad(self, rng: Generator, requests: NDArray[np.int64]) -> Bad:
        blocks: Bad = rng.binomial(requests // self.block, self.share)
        return self.block * blocks


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Log-normal response times, rounded as Locust rounds them. Those of a threshold or more are
    bad.

    Attributes:
        median: In milliseconds.
        sigma: Standard deviation of their logarithm.
        threshold: In milliseconds, as Locust rounds it.
    """

    median: float
    sigma: float
    threshold: int

    @classmethod
    def with_share(cls, share: float, sigma: float, threshold: int) -> ResponseTimes:
        """Those of which that share is bad."""
        z = NormalDist().inv_cdf(1 - share)
        return cls(_least_rounded_to(threshold) / math.exp(sigma * z), sigma, threshold)

    def share_from(self, ms: int) -> float:
        """The share that Locust shows as so many milliseconds or more."""
        z = math.log(_least_rounded_to(ms) / self.median) / self.sigma
        return NormalDist().cdf(-z)

    def slower(self, factor: float) -> ResponseTimes:
        """All times multiplied."""
        return ResponseTimes(self.median * factor, self.sigma, self.threshold)

    def draw(self, rng: Generator, shape: tuple[int, ...]) -> Floats:
        """Response times in milliseconds, before they are rounded."""
        return rng.lognormal(math.log(self.median), self.sigma, shape)

    def bad(self, rng: Generator, requests: NDArray[np.int64]) -> Bad:
        portions = max(len(requests) * int(requests.max()) // _AT_ONCE, 1)
        return np.concatenate([self._bad(rng, some) for some in np.array_split(requests, portions)])

    def _bad(self, rng: Generator, requests: NDArray[np.int64]) -> Bad:
        most = int(requests.max())
        is_bad: Flags = rounded(self.draw(rng, (len(requests), most))) >= self.threshold
        is_bad &= np.arange(most) < requests[:, np.newaxis]
        number: Bad = np.count_nonzero(is_bad, axis=1)
        return number


def rounded(times: Floats) -> NDArray[np.int64]:
    """Response times in milliseconds as Locust keeps them, by its own steps.

    Source: ``locust.stats.StatsEntry._log_response_time``.
    """
    step: Floats = np.select([times < 100, times < 1000, times < 10_000], [1.0, 10.0, 100.0], 1e3)
    found: NDArray[np.int64] = (np.rint(times / step) * step).astype(np.int64)
    return found


def _least_rounded_to(ms: int) -> float:
    """The least time that Locust rounds to that, a number it rounds to."""
    step = 1 if ms <= 100 else 10 if ms <= 1000 else 100 if ms <= 10_000 else 1000
    return ms - step / 2


@dataclass(frozen=True, slots=True)
class Change:
    """A system that turns from one kind of traffic to another.

    Attributes:
        before: Up to the change.
        after: From then on.
        requests: How many there are in every evaluation.
    """

    before: Traffic
    after: Traffic
    requests: int

    def begin(self, rng: Generator, runs: int) -> tuple[Bad, Floats]:
        """The evaluation in the middle of which the change comes, at any moment of it: bad requests
        in it, and which part of it is left then, both of the shape (runs,)."""
        left = rng.random(runs)
        late = np.rint(left * self.requests).astype(np.int64)
        return self.before.bad(rng, self.requests - late) + self.after.bad(rng, late), left
