"""The state machine of a rule that is ``surely``, which moves on evidence."""

from __future__ import annotations

import math

from guard.engine.counts import Counts
from guard.engine.evidence import CALM, Evidence
from guard.engine.gauge import Gauge, Sample
from guard.engine.judge import Breach, Judge, Load, Transition
from guard.engine.reading import Reading
from guard.engine.window import Window
from guard.rule import Rule, State

SUSPICION = 0.5
"""Evidence at which a rule becomes ``pending``."""


class EvidenceJudge(Judge):
    """Judges one rule on one entry by the evidence that its check is broken.

    Half of the evidence for a breach makes the state ``pending``, all of it ``breached``, and when
    little is left of it the state is ``ok`` again. What it reads are the requests that the evidence
    is about; on the totals it only tells what became of them.

    ``worst`` is the value when there was most evidence, ``pending_at`` when its requests began.
    """

    __slots__ = ("_calm", "_evidence")

    def __init__(self, rule: Rule, gauge: Gauge, entry: str | None, evidence: Evidence) -> None:
        super().__init__(rule, gauge, entry)
        self._evidence = evidence
        self._calm: Load | None = None

    def arm(self, window: Window | None = None) -> None:
        """Begin to watch."""
        super().arm(window)
        if window is not None:
            self._evidence.arm(window.begin)

    def take_in(self, part: Counts, timed: int) -> None:
        """Take in requests, so many of them with a response time, whose evidence is to be
        considered next."""
        self._evidence.add(part, timed)

    def consider(self, until: float, now: float, users: int | None) -> Transition | None:
        """Weigh the evidence that has come in.

        Args:
            until: Up to when its requests are counted.
            now: Seconds since the test start.
            users: How many users are running; None if nobody knows.

        Returns:
            The change of state, None if there was none.
        """
        evidence, before, peak = self._evidence, self.state, self._evidence.peak
        if not evidence.weigh(until):
            return None
        if not evidence.share:
            self._calm = Load(now, users, evidence.rps)
        self._move(evidence.share, now)
        is_highest = evidence.share >= SUSPICION and evidence.share > peak
        if self.state is before and not is_highest:
            return None
        reading = self._reading(now, users)
        if is_highest and reading.value is not None:
            self.worst = reading.value
        if self.state is State.BREACHED and self.breach is None:
            self.breach = Breach(reading, self.pending_at, self._calm)
        if self.state is before:
            return None
        return Transition(self.rule, self.entry, before, self.state, reading)

    def _move(self, share: float, now: float) -> None:
        if share < CALM:
            self._hold(now)
        elif share >= SUSPICION and self.state is State.OK:
            self.state = State.PENDING
            self.pending_at = self._evidence.suspects().begin
        if share >= 1:
            self.state = State.BREACHED
            self.recovered_at = None

    def _reading(self, now: float, users: int | None) -> Reading:
        suspects = self._evidence.suspects()
        value = self.gauge.peek(suspects)
        share = self._evidence.share
        return Reading(value, suspects.requests, suspects.seconds, now, users, share)

    @property
    def suspicion(self) -> float:
        """How far the evidence is now, 0 to 1."""
        return self._evidence.share

    @property
    def suspects(self) -> Window:
        """The requests that the evidence is about."""
        return self._evidence.suspects()

    def tell(self, window: Window, now: float, users: int | None) -> None:
        """Take note of the totals, which change nothing any more."""
        value = self.gauge.read(window, Sample(window.requests, window.seconds, now, users))
        if value is not None and math.isnan(self.worst):
            self.worst = value

    @property
    def evidence(self) -> float:
        """How far it came at most, 0 to 1."""
        return self._evidence.peak

    @property
    def judged(self) -> bool:
        """Whether any request was weighed."""
        return self._evidence.requests > 0

    @property
    def why_no_data(self) -> str:
        """What was missing, for a rule that never weighed a request."""
        if self.gauge.requests and self.gauge.value is not None:
            ended = "its requests were counted after the load's end"
            return f"{self.rule.name!r} was not judged: {ended}"
        return super().why_no_data
