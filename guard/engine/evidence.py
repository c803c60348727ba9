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

from guard.engine.alternatives import ALTERNATIVES, alternatives
from guard.engine.counts import Counts
from guard.engine.share import bad_of, limit
from guard.engine.suspects import Suspects
from guard.engine.window import Window
from guard.rule import Check

CREDIT = 10.0
"""Seconds without requests that count at most. More would be no wrong promise, but it would let a
single bad request after an hour without any pass for proof."""

CALM = 0.25
"""Evidence below which a breach is over."""

_NOTHING = 1e-6  # of a request: what is left of sums of floats
_LARGEST_EXPONENT = 700.0  # of a float, almost


class Watched:
    """What the promise of a rules file is divided between.

    Attributes:
        number: How many statistics are watched.
    """

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


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
        "_most",
        "_new",
        "_proven",
        "_scores",
        "_seconds",
        "_seen_until",
        "_statistics",
        "_suspects",
        "_suspects_end",
        "_watched",
        "_weighed",
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
        self._weighed = 0, 0.0
        self._limit = p0
        self._bad_of = bad_of(check)
        self._scores = alternatives(p0)
        self._statistics = [0.0] * len(self._scores)
        # So many bad ones at a time, and the most telling likelihood ratio is no float any more.
        self._most = _LARGEST_EXPONENT / self._scores[-1][0] if self._scores else 0.0
        self._seconds = seconds
        self._watched = watched
        watched.number += 1
        self._new = 0
        self._bad = 0
        self._weighed_until = 0.0
        self._seen_until = 0.0
        self._excess = 0.0
        self._proven = False
        self._suspects = Suspects()
        self._suspects_end = False

    def arm(self, at: float) -> None:
        """Begin to weigh, at this moment."""
        self._weighed_until = self._seen_until = at
        self._suspects.clear(at)

    def add(self, part: Counts, timed: int) -> None:
        """Take in requests, to be weighed next.

        Args:
            part: The requests.
            timed: How many of them have a response time. Its window has counted them already.
        """
        requests, bad = self._bad_of(part, timed)
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
        credit = passed if passed < CREDIT else CREDIT
        if bad < self._most:
            good, exp = requests - bad, math.exp
            # Without `strict`, which would take a tenth of the time that all of this takes.
            pairs = zip(self._statistics, self._scores)  # noqa: B905
            self._statistics = statistics = [
                (statistic + credit) * exp(bad * of_bad + good * of_good)
                for statistic, (of_bad, of_good) in pairs
            ]
            mean = sum(statistics) / ALTERNATIVES
        else:
            mean = self._weighed_many(bad, requests - bad, credit, proof)
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
        if self._proven or self.share >= 1:
            self._heed_proof()
        self._suspects_end = self._excess <= _NOTHING or self.share >= 1
        self.requests += requests
        self._weighed = requests, passed
        self._new = 0
        self._bad -= bad
        self._weighed_until = until
        return True

    def _weighed_many(self, bad: int, good: int, credit: float, proof: float) -> float:
        """The mean of the statistics, also where likelihood ratios are no float any more, or where
        there is no alternative."""
        if not self._scores:
            # Where none may be bad, one that is bad is proof for good; where all may, none is.
            return proof if self._limit <= 0 and (bad or self._proven) else 0.0
        begun = [statistic + credit for statistic in self._statistics]
        self._statistics = [
            _exp(math.log(statistic) + bad * of_bad + good * of_good) if statistic else 0.0
            for statistic, (of_bad, of_good) in zip(begun, self._scores, strict=True)
        ]
        return sum(self._statistics) / len(self._statistics)

    def _heed_proof(self) -> None:
        """Begin anew once it is over, as what comes then is about something else."""
        if self.share >= 1:
            self._proven = True
        elif self.share < CALM:
            self._proven = False
            self._excess = 0.0

    @property
    def rps(self) -> float | None:
        """Requests per second among those weighed last; None if that is not known."""
        requests, seconds = self._weighed
        return requests / seconds if seconds > 0 else None

    def suspects(self) -> Window:
        """The last requests, back to the last proof or to when no more were bad than may be."""
        return self._suspects.window(self._weighed_until)


def _exp(exponent: float) -> float:
    return math.exp(min(exponent, _LARGEST_EXPONENT))
