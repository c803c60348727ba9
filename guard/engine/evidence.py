"""Evidence that a check is broken, weighed request by request: what ``surely`` demands.

A check on a share of the requests is a statement about each: ``fail_ratio < 2%`` says that a
request is bad with a probability of at most 2%, given all that came before, and ``p95 < 500ms``
that it takes 500 ms or longer with one of at most 5%. This *limit* is called p0 below.

How strongly n requests of which k are bad speak for a probability p1 > p0 instead is their
likelihood ratio, L = (p1/p0)^k ((1-p1)/(1-p0))^(n-k). Nobody knows when it began to be p1, so the
Shiryaev-Roberts statistic adds up over all moments at which it may have begun: with every
evaluation R becomes (R + d) L, d being the seconds since the one before. While the check holds, a
factor L is 1 at most on average, so R grows by no more than a second a second, on average. To reach
A it takes A seconds on average, or longer, and that is the promise: *on a healthy system the mean
time to a breach is at least A seconds*. Within t seconds it comes with a probability of at most t/A
(Markov's inequality). Nothing else is assumed, neither a rate nor an evaluation every second: with
one of three seconds' requests R grows by three on average, and one without any would leave R + d as
it is. R is an e-detector: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for
sequential change detection", 2022, https://arxiv.org/abs/2203.03532.

Nobody knows p1 either, so the statistic is the mean of those for several *alternatives*, which
grows no faster either. And it is divided between all that is watched, K statistics in a rules file:
each must reach A K, and as soon as one does, the mean of all, which grows no faster either, has
reached A. An entry that appears later starts at zero, and raises K before any of its requests is
weighed: the mean only falls. Where each rule asks for an A of its own, it is the mean of all R/A
that reaches 1, so the file as a whole keeps the shortest.

What the promise hangs on is "given all that came before". Failures that come in bursts break it: a
bad request is then likelier right after another one, and one burst can be the proof. So do users in
step, whose slow answers come in together after all their fast ones; and users that have only just
been spawned where failures are answered sooner than successes, of which none are counted yet.

The rarer false breaches are to be, the less any detector can do with fewer requests than
log(A) / KL(p1 || p0), KL being the mean of log L under p1 (Lorden, "Procedures for reacting to a
change in distribution", 1971). That is the leading term only: with an A of days, and a p1 near p0,
one that knew p1 could do with fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from guard.engine import metrics
from guard.engine.counts import Counts
from guard.engine.metrics import Metric
from guard.engine.window import Window
from guard.rule import Check, Comparison

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

CREDIT = 10.0
"""Seconds without requests that count at most. More would be no wrong promise, but it would let a
single bad request after an hour without any pass for proof."""

CALM = 0.25
"""Evidence below which a breach is over."""

_NOTHING = 1e-6  # of a request: what is left of sums of floats
_FOLDED_AFTER = 60
_LARGEST_EXPONENT = 700.0  # of a float, almost
_HIGH = (Comparison.MORE, Comparison.AT_LEAST)
_BEYOND: dict[Comparison, Callable[[float], int]] = {
    Comparison.LESS: math.ceil,
    Comparison.AT_MOST: lambda threshold: math.floor(threshold) + 1,
    Comparison.MORE: lambda threshold: math.floor(threshold) + 1,
    Comparison.AT_LEAST: math.ceil,
}
"""The first whole number that is not on the near side of a threshold: with ``<`` and ``<=`` from
there on all break the check, with ``>`` and ``>=`` all below it."""


class Watched:
    """What the promise of a rules file is divided between.

    Attributes:
        number: How many statistics are watched.
    """

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


def limit(check: Check) -> float | None:
    """The share of its requests, 0 to 1, that may be bad while the check holds; None if it is not
    about a share of them.

    Bad are, for ``fail_ratio < 2%``, the failed ones, of which 2% may be; for ``p95 < 500ms`` those
    that take 500 ms or longer, of which 5% may be. With ``>`` they are the others: ``p95 > 500ms``
    is broken when more than 95% take 500 ms at most.
    """
    if check.comparison not in _BEYOND:
        return None
    is_high = check.comparison in _HIGH
    if check.metric == "fail_ratio":
        threshold = min(max(check.threshold, 0.0), 1.0)
        return 1 - threshold if is_high else threshold
    metric = metrics.find(check.metric)
    if not isinstance(metric, Metric) or metric.share is None:
        return None
    return metric.share if is_high else 1 - metric.share


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


class Evidence:
    """The evidence that one check is broken on one entry.

    Args:
        check: The check.
        seconds: Mean time between two false breaches that is promised, more than one.
        watched: What the promise is divided between; this is one more.

    Attributes:
        requests: How many have been weighed so far.
        share: How far the evidence has come towards a breach, 0 to 1, on a scale of its logarithm;
            0 as long as no more of the last requests were bad than may be. For R grows in time
            alone, and where requests are few it takes hours of good ones to stop it.
        peak: The highest ``share`` so far.
    """

    __slots__ = (
        "_bad",
        "_bad_of",
        "_excess",
        "_limit",
        "_new",
        "_proven",
        "_scores",
        "_seconds",
        "_seen_until",
        "_statistics",
        "_suspects",
        "_suspects_end",
        "_watched",
        "_weighed_until",
        "peak",
        "requests",
        "share",
    )

    def __init__(self, check: Check, seconds: float, watched: Watched) -> None:
        p0 = limit(check)
        assert p0 is not None
        self.requests = 0
        self.share = 0.0
        self.peak = 0.0
        self._limit = p0
        self._bad_of = _bad_of(check)
        self._scores = alternatives(p0)
        self._statistics = [0.0] * len(self._scores)
        self._seconds = seconds
        self._watched = watched
        watched.number += 1
        self._new = 0
        self._bad = 0
        self._weighed_until = 0.0
        self._seen_until = 0.0
        self._excess = 0.0
        self._proven = False
        self._suspects = _Suspects()
        self._suspects_end = False

    def arm(self, at: float) -> None:
        """Begin to weigh, at this moment."""
        self._weighed_until = self._seen_until = at
        self._suspects.clear(at)

    def add(self, part: Counts) -> None:
        """Take in requests, to be weighed next."""
        requests, bad = self._bad_of(part)
        if requests <= 0 and bad <= 0:
            return
        if self._suspects_end:
            self._suspects.clear(self._seen_until)
            self._suspects_end = False
        self._suspects.add(part)
        self._new += requests
        self._bad += bad

    def weigh(self, until: float) -> bool:
        """Weigh what was taken in. Whether there was anything.

        Args:
            until: Up to when it was counted, in seconds since the test start.
        """
        requests = self._new
        self._seen_until = until
        if not requests:
            return False
        # A failure may be counted before its request is.
        bad = self._bad if self._bad < requests else requests
        proof = self._seconds * self._watched.number
        passed = until - self._weighed_until
        mean = self._weighed(bad, requests - bad, passed if passed < CREDIT else CREDIT, proof)
        excess = self._excess + bad - requests * self._limit
        self._excess = excess if excess > 0 else 0.0
        if mean > proof:
            # None stays beyond the proof, lest it take hours to fall when the check holds again.
            self._statistics = [min(statistic, proof) for statistic in self._statistics]
        if mean > 1 and excess > _NOTHING:
            self.share = math.log(mean) / math.log(proof) if mean < proof else 1.0
            self.peak = max(self.peak, self.share)
        else:
            self.share = 0.0
        self._choose_suspects()
        self.requests += requests
        self._new = 0
        self._bad -= bad
        self._weighed_until = until
        return True

    def _weighed(self, bad: int, good: int, credit: float, proof: float) -> float:
        """The mean of the statistics when so many requests more are weighed."""
        if not self._scores:
            # Where none may be bad, one that is bad is proof for good; where all may, none is.
            return proof if self._limit <= 0 and (bad or self._proven) else 0.0
        if bad * self._scores[-1][0] < _LARGEST_EXPONENT:
            exp = math.exp
            # Without `strict`, which would take a tenth of the time that all of this takes.
            pairs = zip(self._statistics, self._scores)  # noqa: B905
            self._statistics = [
                (statistic + credit) * exp(bad * of_bad + good * of_good)
                for statistic, (of_bad, of_good) in pairs
            ]
        else:
            self._weigh_many(bad, good, credit)
        return sum(self._statistics) / len(self._statistics)

    def _weigh_many(self, bad: int, good: int, credit: float) -> None:
        """The same for likelihood ratios that are no float any more."""
        begun = [statistic + credit for statistic in self._statistics]
        self._statistics = [
            _exp(math.log(statistic) + bad * of_bad + good * of_good) if statistic else 0.0
            for statistic, (of_bad, of_good) in zip(begun, self._scores, strict=True)
        ]

    def _choose_suspects(self) -> None:
        """Begin anew where no more were bad than may be, and where something is proven: what comes
        then tells how it goes on."""
        if self.share >= 1:
            self._proven = True
        elif self._proven and self.share < CALM:
            self._proven = False
            self._excess = 0.0
        self._suspects_end = self._excess <= _NOTHING or self.share >= 1

    def suspects(self) -> Window:
        """The last requests, back to the last proof or to when no more were bad than may be."""
        return self._suspects.window(self._weighed_until)


class _Suspects:
    """Requests, kept as they came for as long as nobody asks for them."""

    __slots__ = ("_begin", "_parts", "_window")

    def __init__(self) -> None:
        self._parts: list[Counts] = []
        self.clear(0.0)

    def clear(self, begin: float) -> None:
        """Begin anew, with requests from that moment on."""
        self._begin = begin
        self._window: Window | None = None
        self._parts.clear()

    def add(self, part: Counts) -> None:
        """Take in one more part."""
        self._parts.append(part)
        if len(self._parts) > _FOLDED_AFTER:
            self._fold()

    def window(self, until: float) -> Window:
        """All of them, as a window that ends then."""
        window = self._fold()
        window.reach(0.0, until)
        return window

    def _fold(self) -> Window:
        window = self._window = self._window or Window(None, self._begin)
        for part in self._parts:
            window.add(part, self._begin)
        self._parts.clear()
        return window


def _bad_of(check: Check) -> Callable[[Counts], tuple[int, int]]:
    """Counts how many requests there are, and how many bad ones among them."""
    if check.metric == "fail_ratio":
        return _bad_by_failure(check.failure, opposite=check.comparison in _HIGH)
    return _bad_by_time(
        _BEYOND[check.comparison](check.threshold), opposite=check.comparison in _HIGH
    )


def _bad_by_time(first: int, *, opposite: bool) -> Callable[[Counts], tuple[int, int]]:
    def count(part: Counts) -> tuple[int, int]:
        times, beyond = part.response_times, 0
        # Most that is weighed is good, so only the numbers of the others are looked up.
        for time in times:
            if time >= first:
                beyond += times[time]
        requests = sum(times.values())
        return requests, requests - beyond if opposite else beyond

    return count


def _bad_by_failure(text: str | None, *, opposite: bool) -> Callable[[Counts], tuple[int, int]]:
    def count(part: Counts) -> tuple[int, int]:
        failed = part.failures if text is None else part.failures_like.get(text, 0)
        return part.requests, part.requests - failed if opposite else failed

    return count


def _exp(exponent: float) -> float:
    return math.exp(min(exponent, _LARGEST_EXPONENT))
