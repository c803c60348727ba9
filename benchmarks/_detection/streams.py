"""Many simulated runs side by side, and when a rule would stop them.

These are twins of the guard in numpy, a thousand runs at a time. They know one special case only:
as many requests in every evaluation. ``agreement.py`` shows that they find what the guard finds.

Arrays of counts have the shape (runs, evaluations), or (runs,) for one evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator
from numpy.typing import NDArray

from _detection.traffic import Bad, Change, Flags, Floats, Traffic
from guard.engine.alternatives import alternatives
from guard.engine.evidence import CREDIT
from guard.rule import HARDLY_EVER

HOUR = 3600
DAY = 24 * HOUR

_LARGEST_EXPONENT = 700.0  # of a float, almost
_AT_ONCE = 2_000_000  # random numbers, to save memory


class Surely:
    """``surely`` in many runs at once.

    Args:
        p0: The share that may be bad.
        requests: How many there are in every evaluation.
        seconds: Mean time between two false stops that is promised.
        step: Seconds between two evaluations.
        entries: How many statistics the promise is divided between.
        scores: What a bad and a good request tell for each alternative.
        weights: Those of the alternatives, which add up to one.
    """

    def __init__(
        self,
        p0: float,
        requests: int,
        *,
        seconds: float = HARDLY_EVER,
        step: float = 1.0,
        entries: int = 1,
        scores: Sequence[tuple[float, float]] | None = None,
        weights: Floats | None = None,
    ) -> None:
        of_bad, of_good = np.array(scores or alternatives(p0)).T
        bad = np.arange(requests + 1)
        told = np.outer(bad, of_bad) + np.outer(requests - bad, of_good)
        self._ratios = np.exp(np.minimum(told, _LARGEST_EXPONENT))
        self._weights = np.full(len(of_bad), 1 / len(of_bad)) if weights is None else weights
        self._credit = min(step, CREDIT)
        self.requests = requests
        self.step = step
        self.entries = entries
        self.proof = seconds * entries

    def begin(self, streams: int) -> Floats:
        """The statistics at the start, of the shape (streams, alternatives)."""
        return np.zeros((streams, len(self._weights)))

    def weigh(self, statistics: Floats, bad: Bad) -> Floats:
        """Change the statistics by one evaluation. Their mean over the alternatives."""
        statistics += self._credit
        with np.errstate(over="ignore"):  # infinitely much is more than enough, too
            statistics *= self._ratios[bad]
        mean: Floats = statistics @ self._weights
        return mean


def series(
    rng: Generator, traffic: Traffic, requests: int, streams: int, evaluations: int
) -> Iterator[Bad]:
    """Bad requests in one evaluation after the other, each of the shape (streams,)."""
    at_once = max(_AT_ONCE // streams, 1)
    for begin in range(0, evaluations, at_once):
        number = min(at_once, evaluations - begin)
        drawn = traffic.bad(rng, np.full(number * streams, requests))
        yield from drawn.reshape(number, streams)


def count_stops(
    rng: Generator, surely: Surely, traffic: Traffic, runs: int, evaluations: int
) -> NDArray[np.int64]:
    """How often each of the runs is stopped, if after each stop a new one begins at once."""
    entries = surely.entries
    statistics = surely.begin(runs * entries)
    by_run = statistics.reshape(runs, entries, -1)
    stops = np.zeros(runs, dtype=np.int64)
    for bad in series(rng, traffic, surely.requests, runs * entries, evaluations):
        mean = surely.weigh(statistics, bad)
        if mean.max() >= surely.proof:
            stopped = (mean >= surely.proof).reshape(runs, entries).any(axis=1)
            stops += stopped
            by_run[stopped] = 0
    return stops


def delays_of_surely(
    rng: Generator, surely: Surely, change: Change, runs: int, warm_up: int
) -> Floats:
    """Seconds from a change, after so many healthy evaluations, to the stop."""
    statistics = surely.begin(runs)
    for bad in series(rng, change.before, change.requests, runs, warm_up):
        surely.weigh(statistics, bad)
    bad, waited = change.begin(rng, runs)
    delays = np.empty(runs)
    running = np.arange(runs)
    while True:
        stopped = surely.weigh(statistics, bad) >= surely.proof
        delays[running[stopped]] = waited[stopped]
        if stopped.all():
            return delays * surely.step
        running, statistics = running[~stopped], statistics[~stopped]
        waited = waited[~stopped] + 1
        bad = change.after.bad(rng, np.full(len(running), change.requests))


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule as other tools have it: ``fail_ratio < SHARE over 10s for 10s``.

    Attributes:
        share: Broken from this share of bad requests on.
        over: Length of its window in evaluations; None for the whole run.
        hold: How many broken evaluations in a row it takes.
        least: How many requests there must be (``min_requests``).
    """

    share: float
    over: int | None
    hold: int = 1
    least: int = 1

    def breaches(self, bad: Bad, requests: int) -> Flags:
        """At which evaluations it is breached; of the shape of ``bad``."""
        evaluations = bad.shape[1]
        total = np.cumsum(bad, axis=1)
        covered = np.arange(1, evaluations + 1)
        if self.over is not None:
            total[:, self.over :] -= total[:, : -self.over].copy()
            covered = np.where(covered < self.over, 0, self.over)
        needed = np.maximum(np.ceil(self.share * requests * covered - 1e-9), 0)
        broken: Flags = (total >= needed) & (covered * requests >= self.least)
        if self.hold > 1:
            held = sliding_window_view(broken, self.hold, axis=1).all(axis=-1)
            broken[:, : self.hold - 1] = False
            broken[:, self.hold - 1 :] = held
        return broken


def healthy_hours_stopped(
    rng: Generator, limits: Sequence[Limit], traffic: Traffic, requests: int, runs: int
) -> Floats:
    """The share of runs of an hour that each of the limits stops."""
    stopped = np.zeros(len(limits))
    for number in _portions(runs, HOUR):
        bad = _drawn(rng, traffic, requests, (number, HOUR))
        stopped += [limit.breaches(bad, requests).any(axis=1).sum() for limit in limits]
    return stopped / runs


def delays_of_limits(
    rng: Generator, limits: Sequence[Limit], change: Change, runs: int, warm_up: int
) -> Floats:
    """Seconds from a change, after so many healthy evaluations, to the first breach after it.

    Returns:
        Of the shape (limits, runs); infinite where there is none in an hour.
    """
    found: list[Floats] = []
    for number in _portions(runs, warm_up + HOUR):
        healthy = _drawn(rng, change.before, change.requests, (number, warm_up))
        bad, left = change.begin(rng, number)
        sick = _drawn(rng, change.after, change.requests, (number, HOUR))
        whole = np.concatenate((healthy, bad[:, np.newaxis], sick), axis=1)
        breaches = (limit.breaches(whole, change.requests)[:, warm_up:] for limit in limits)
        found.append(np.array([_first(of_limit) for of_limit in breaches]) + left)
    return np.concatenate(found, axis=1)


def _first(breaches: Flags) -> Floats:
    """Index of the first one in each run; infinite without any."""
    return np.where(breaches.any(axis=1), breaches.argmax(axis=1), np.inf)


def _portions(runs: int, evaluations: int) -> Iterator[int]:
    """So many runs of so many evaluations, in portions that memory has room for."""
    at_once = max(_AT_ONCE // evaluations, 1)
    for begin in range(0, runs, at_once):
        yield min(at_once, runs - begin)


def _drawn(rng: Generator, traffic: Traffic, requests: int, shape: tuple[int, int]) -> Bad:
    """Bad requests, of the shape (runs, evaluations)."""
    return traffic.bad(rng, np.full(shape[0] * shape[1], requests)).reshape(shape)
