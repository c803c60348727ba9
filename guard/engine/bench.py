"""The judges who look at the same thing, and what they see of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy

from guard.engine.counts import Counts
from guard.engine.judge import Judge, Sample, Transition
from guard.engine.metrics import RunMetric
from guard.engine.snapshot import Vitals
from guard.engine.window import Window


class Bench:
    """Judges of the same requests in the same window, which they share.

    Attributes:
        length: Length of the window in seconds; None for the whole run.
        window: Their window; None until they are armed.
    """

    __slots__ = ("_judges", "_live", "_restless", "length", "window")

    def __init__(self, length: float | None) -> None:
        self.window: Window | None = None
        self._judges: list[Judge] = []
        self.length = length
        self._live: list[Judge] = []
        self._restless: list[Judge] = []

    def seat(self, judge: Judge) -> None:
        """Let one more judge sit here."""
        self._judges.append(judge)
        if self.window is not None:
            judge.arm(self.window)
        if not judge.rule.judged_at_end:
            self._live.append(judge)
            self._find_restless()

    def arm(self, at: float) -> None:
        """Begin to watch. What was counted up to this moment is not taken in."""
        self.window = Window(self.length, at)
        for judge in self._judges:
            judge.arm(self.window)

    def add(self, part: Counts, until: float) -> None:
        """Take in what was counted in the tick that ends then."""
        if self.window is not None:
            self.window.add(part, until)

    def reach(self, begin: float, until: float) -> None:
        """Let the window reach from and to these moments."""
        if self.window is not None:
            self.window.reach(begin, until)

    def reach_end(self, until: float) -> None:
        """Let a window over the whole run reach to its end; others are not judged any more."""
        if self.length is None:
            self.reach(0.0, until)

    def evaluate(self, now: float, passed: float, users: int) -> Sequence[Transition]:
        """Judge the window as it stands.

        A judge whose window has not changed would find what it found before, so it is not asked,
        unless it is restless.

        Args:
            now: Seconds since the test start.
            passed: Seconds since the evaluation before, for which this one stands.
            users: How many users are running.
        """
        window = self.window
        if window is None or not window.full:
            return ()
        judges = self._live if window.changed else self._restless
        if not judges:
            return ()
        window.changed = False
        sample = Sample(window.requests, window.seconds, now, users)
        changes = _weigh(judges, window, sample, passed)
        if changes:
            self._find_restless()
        return changes

    def conclude(self, now: float, passed: float, users: int) -> Sequence[Transition]:
        """Judge the final totals, if it is they that this bench is about."""
        window = self.window
        if self.length is not None or window is None or not window.full:
            return ()
        sample = Sample(window.requests, window.seconds, now, users)
        return _weigh(self._judges, window, sample, passed)

    def _find_restless(self) -> None:
        self._restless = [judge for judge in self._live if judge.restless]


class RunBench:
    """Judges of the run itself."""

    __slots__ = ("_before", "_judges", "_metrics")

    def __init__(self) -> None:
        self._judges: list[Judge] = []
        self._metrics: list[RunMetric] = []
        self._before: Vitals | None = None

    @property
    def is_armed(self) -> bool:
        return self._before is not None

    def seat(self, judge: Judge, metric: RunMetric) -> None:
        """Let one more judge sit here."""
        self._judges.append(judge)
        self._metrics.append(metric)

    def arm(self, vitals: Vitals) -> None:
        """Begin to watch. What has added up so far is not counted."""
        self._before = vitals
        for judge in self._judges:
            judge.arm()

    def evaluate(self, vitals: Vitals, now: float, passed: float) -> Sequence[Transition]:
        """Judge the run as it is. Arguments as for :meth:`Bench.evaluate`."""
        return self._weigh(zip(self._judges, self._metrics, strict=True), vitals, now, passed)

    def conclude(self, vitals: Vitals, now: float, passed: float) -> Sequence[Transition]:
        """Judge the final values of what adds up."""
        seated = zip(self._judges, self._metrics, strict=True)
        return self._weigh(((j, m) for j, m in seated if m.adds_up), vitals, now, passed)

    def _weigh(
        self, seated: Iterable[tuple[Judge, RunMetric]], vitals: Vitals, now: float, passed: float
    ) -> Sequence[Transition]:
        before = self._before
        if before is None:
            return ()
        sample = Sample(None, 0.0, now, vitals.users)
        changes = []
        for judge, metric in seated:
            value = metric.measure(vitals)
            if value is not None and metric.adds_up:
                value -= metric.measure(before) or 0.0
            if change := judge.weigh(value, sample, passed):
                changes.append(change)
        return changes


def _weigh(
    judges: Sequence[Judge], window: Window, sample: Sample, passed: float
) -> list[Transition]:
    changes = []
    requests, seconds = sample.requests or 0, sample.seconds
    for judge in judges:
        value = judge.measure(window, seconds) if requests >= judge.min_requests else None
        if change := judge.weigh(value, sample, passed):
            changes.append(change)
    return changes


def as_if_ended(judge: Judge, now: float, users: int) -> Judge:
    """The judge of a rule on the totals as it would stand if the run ended now."""
    window = judge.window
    if window is None or not window.full:
        return judge
    ended = copy(judge)
    _weigh([ended], window, Sample(window.requests, window.seconds, now, users), 0.0)
    return ended
