"""Why the alternatives of ``guard.engine.alternatives`` are the ones that they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from numpy.random import Generator

from _detection.chance import P0, REQUESTS
from _detection.delays import BEFORE, EVALUATION, bound
from _detection.report import Effort, show
from _detection.streams import HOUR, Surely, delays_of_surely, series
from _detection.traffic import Change, Floats, Independent
from guard.engine import alternatives as choice
from guard.engine.evidence import CALM

LIMITS = (0.001, 0.01, 0.05, 0.5)
RATES = (1, 10, 100, 1000, 10_000)
TIMES = (1.25, 1.5, 2, 3, 5, 10, 20)
BARELY = 1.1  # times the limit: nearer than any alternative
WARM_UP = 300
LONGEST_S = 5_000
"""Changes with a longer bound are left out: they are the same as at a higher rate, only slower."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A choice of alternatives.

    Attributes:
        number, nearest, farthest: As ``ALTERNATIVES``, ``NEAREST`` and ``FARTHEST``.
        near_first: By which factor the nearest weighs more than the farthest.
    """

    number: int = choice.ALTERNATIVES
    nearest: float = choice.NEAREST
    farthest: float = choice.FARTHEST
    near_first: float = 1.0

    def scores(self, p0: float) -> tuple[tuple[float, float], ...]:
        """What a bad and a good request tell for each."""
        with patch.multiple(
            choice, ALTERNATIVES=self.number, NEAREST=self.nearest, FARTHEST=self.farthest
        ):
            return choice.alternatives.__wrapped__(p0)

    @property
    def weights(self) -> Floats:
        weights = np.geomspace(self.near_first, 1, self.number)
        return np.asarray(weights / weights.sum())


GRIDS = {
    "as it is": Grid(),
    "4 alternatives": Grid(4),
    "6 alternatives": Grid(6),
    "12 alternatives": Grid(12),
    "the nearest at 1.1": Grid(nearest=1.1),
    "the nearest at 1.5": Grid(nearest=1.5),
    "the farthest at 0.5": Grid(farthest=0.5),
    "the farthest at 0.99": Grid(farthest=0.99),
    "the nearest weighs 10 times the farthest": Grid(near_first=10.0),
    "the farthest weighs 10 times the nearest": Grid(near_first=0.1),
}


def changes(p0: float) -> Iterator[tuple[int, float]]:
    """Requests a second and the share after the change: from barely beyond the limit to all."""
    for requests in RATES:
        for share in (*(times * p0 for times in TIMES if times * p0 < 1), 1.0):
            if bound(p0, share, requests) < LONGEST_S:
                yield requests, share


def compare(seed: int, effort: Effort) -> None:
    """Mean delays of each grid, in parts of the bound and one evaluation; and how long it takes
    until a stop is forgotten. The random numbers are the same for each."""
    rows = []
    barely = [(requests, BARELY * P0) for requests in RATES[2:]]
    for name, grid in GRIDS.items():
        rng = np.random.default_rng(seed)
        cells = [_delays(rng, grid, p0, changes(p0), effort) for p0 in LIMITS]
        cells.append(_delays(rng, grid, P0, barely, effort))
        rows.append((name, *cells, f"{_until_calm(rng, grid, effort):.0f} s"))
    heads = ("alternatives", *(f"limit {p0:.1%}" for p0 in LIMITS), f"{BARELY} x {P0:.0%}", "calm")
    show("Mean delay in parts of bound and one evaluation: on average (at worst)", heads, rows)


def _delays(
    rng: Generator, grid: Grid, p0: float, found: Iterable[tuple[int, float]], effort: Effort
) -> str:
    """Mean and worst over these changes."""
    parts = []
    for requests, share in found:
        surely = Surely(p0, requests, scores=grid.scores(p0), weights=grid.weights)
        change = Change(Independent(BEFORE * p0), Independent(share), requests)
        delays = delays_of_surely(rng, surely, change, effort.runs // 10, WARM_UP)
        parts.append(delays.mean() / (bound(p0, share, requests) + EVALUATION))
    return f"{np.mean(parts):.2f} ({max(parts):.2f})"


def _until_calm(rng: Generator, grid: Grid, effort: Effort) -> float:
    """Mean seconds from proof until the rule is ok again, in a system that is healthy again."""
    surely = Surely(P0, REQUESTS, scores=grid.scores(P0), weights=grid.weights)
    runs, seconds = effort.runs // 10, 0
    statistics = np.full((runs, grid.number), surely.proof)
    for bad in series(rng, Independent(BEFORE * P0), REQUESTS, runs, HOUR):
        seconds += len(statistics)
        evidence = surely.weigh(statistics, bad[: len(statistics)])
        statistics = statistics[evidence >= surely.proof**CALM]
    return seconds / runs
