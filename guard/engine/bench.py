"""The judges who look at the same thing, and what they see of it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from guard.engine.counts import Counts
from guard.engine.evidence import Evidence
from guard.engine.evidence_judge import EvidenceJudge
from guard.engine.gauge import Gauge, Sample
from guard.engine.judge import Judge, Transition
from guard.engine.metrics import Metric, RunMetric
from guard.engine.snapshot import Vitals
from guard.engine.window import Window
from guard.rule import Rule, State

Row = tuple[Gauge, list[Judge]]
"""A gauge, and the judges who read it."""


class Bench:
    """Judges of the same requests in the same window, which they share.

    Attributes:
        length: Length of the window in seconds; None for the whole run.
        window: Their window; None until they are armed.
    """

    __slots__ = ("_ending", "_live", "_restless", "_weighing", "length", "window")

    def __init__(self, length: float | None) -> None:
        self.length = length
        self.window: Window | None = None
        self._live: list[Row] = []
        self._ending: list[Row] = []
        self._restless: list[Row] = []
        self._weighing: list[EvidenceJudge] = []

    def seat(
        self, rule: Rule, metric: Metric, entry: str | None, evidence: Evidence | None = None
    ) -> Judge:
        """Let a judge for one more rule sit here, who weighs the evidence if there is such."""
        judge: Judge
        if evidence is not None:
            judge = EvidenceJudge(rule, Gauge(metric, rule), entry, evidence)
            self._weighing.append(judge)
        else:
            rows = self._ending if rule.judged_at_end else self._live
            judge = _seated(rows, rule, metric, entry)
        if self.window is not None:
            judge.arm(self.window)
        self._find_restless()
        return judge

    def arm(self, at: float) -> None:
        """Begin to watch. What was counted up to this moment is not taken in."""
        self.window = Window(self.length, at)
        for _, judges in (*self._live, *self._ending):
            for judge in judges:
                judge.arm(self.window)
        for judge in self._weighing:
            judge.arm(self.window)

    def add(self, part: Counts, until: float) -> None:
        """Take in what was counted in the tick that ends then."""
        window = self.window
        if window is not None:
            before = window.timed
            window.add(part, until)
            for judge in self._weighing:
                judge.take_in(part, window.timed - before)

    def evaluate(
        self, begin: float, until: float, now: float, passed: float, users: int | None
    ) -> Sequence[Transition]:
        """Judge the requests between two moments.

        A gauge whose window has not changed would show what it showed before, so it is not read,
        unless one of its judges is restless.

        Args:
            begin: Where the window begins, unless it was armed later.
            until: Where it ends.
            now: Seconds since the test start.
            passed: Seconds since the evaluation before, for which this one stands.
            users: How many users are running; None if nobody knows.
        """
        window = self.window
        if window is None:
            return ()
        window.reach(begin, until)
        found = [judge.consider(until, now, users) for judge in self._weighing]
        changes = [change for change in found if change]
        rows = self._live if window.changed else self._restless
        if not rows or not window.full:
            return changes
        window.changed = False
        weighed = _weigh(rows, window, now, passed, users)
        if weighed:
            self._find_restless()
        return changes + weighed

    def end(self, until: float) -> None:
        """Let a window over the whole run reach to its end. Others are not judged any more."""
        if self.length is None and self.window is not None:
            self.window.reach(0.0, until)

    def conclude(self, now: float, passed: float, users: int | None) -> Sequence[Transition]:
        """Judge the final totals, if it is they that this bench is about."""
        window = self.window
        if self.length is not None or window is None or not window.full:
            return ()
        for judge in self._weighing:
            judge.tell(window, now, users)
        return _weigh((*self._live, *self._ending), window, now, passed, users)

    def _find_restless(self) -> None:
        self._restless = [row for row in self._live if _is_restless(*row)]


class RunBench:
    """Judges of the run itself."""

    __slots__ = ("_before", "_rows", "_since")

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._before: Vitals | None = None
        self._since = 0.0

    @property
    def is_armed(self) -> bool:
        """Whether they watch."""
        return self._before is not None

    def seat(self, rule: Rule, metric: RunMetric) -> Judge:
        """Let a judge for one more rule sit here."""
        return _seated(self._rows, rule, metric, None)

    def arm(self, vitals: Vitals, at: float) -> None:
        """Begin to watch. What has added up so far is not counted, and no time before."""
        self._before = vitals
        self._since = at
        for _, judges in self._rows:
            for judge in judges:
                judge.arm()

    def evaluate(
        self, vitals: Vitals, now: float, passed: float, *, final: bool = False
    ) -> list[Transition]:
        """Judge the run as it is, or of the final vitals what adds up.

        Arguments else as for :meth:`Bench.evaluate`.
        """
        changes: list[Transition] = []
        if self._before is None:
            return changes
        passed = min(passed, now - self._since)
        sample = Sample(None, 0.0, now, vitals.users)
        for gauge, judges in self._rows:
            if final and not gauge.adds_up:
                continue
            value = gauge.read_run(vitals, self._before, sample)
            if value is not None:
                found = (judge.weigh(value, sample, passed) for judge in judges)
                changes += [change for change in found if change]
        return changes


def as_if_ended(judge: Judge, now: float, users: int | None) -> Judge:
    """The judge as it would stand if the run ended now, which only one on the totals would not as
    it does."""
    window, is_weighing = judge.window, isinstance(judge, EvidenceJudge)
    if not (judge.rule.on_totals or is_weighing) or window is None or not window.full:
        return judge
    ended = copy(judge)
    ended.gauge = copy(judge.gauge)
    if isinstance(ended, EvidenceJudge):
        ended.tell(window, now, users)
    else:
        _weigh([(ended.gauge, [ended])], window, now, 0.0, users)
    return ended


def urgency(judge: Judge) -> tuple[int, float]:
    """Sorts those whose check is broken, or would be found so if the run ended now, before others:
    the breached by time, then the pending; then those who had data, the one with most evidence
    first, before those who had none."""
    if judge.breach is not None:
        return 0, judge.breach.reading.at
    if judge.state is State.PENDING:
        return 1, judge.pending_at or 0.0
    window = judge.window
    if not judge.rule.judged_at_end or window is None or not window.full:
        return (3 if judge.judged else 4), -(judge.evidence or 0.0)
    value = judge.gauge.peek(window)
    if value is None:
        return 4, 0.0
    return (3 if judge.holds(value) else 2), 0.0


def _seated(rows: list[Row], rule: Rule, metric: Metric | RunMetric, entry: str | None) -> Judge:
    row = next((row for row in rows if row[0].serves(metric, rule)), None)
    if row is None:
        row = (Gauge(metric, rule), [])
        rows.append(row)
    gauge, judges = row
    judge = Judge(rule, gauge, entry)
    judges.append(judge)
    return judge


def _is_restless(gauge: Gauge, judges: Sequence[Judge]) -> bool:
    """Whether time alone can change what they find."""
    if isinstance(gauge.metric, Metric) and gauge.metric.per_second:
        return True
    return any(judge.state is State.PENDING for judge in judges)


def _weigh(
    rows: Sequence[Row], window: Window, now: float, passed: float, users: int | None
) -> list[Transition]:
    sample = Sample(window.requests, window.seconds, now, users)
    changes: list[Transition] = []
    for gauge, judges in rows:
        value = gauge.read(window, sample)
        if value is None:
            continue
        # Judges who have never seen their check broken need not weigh what lies between values
        # that they have weighed.
        if gauge.quiet and gauge.low <= value <= gauge.high:
            continue
        gauge.low, gauge.high = min(gauge.low, value), max(gauge.high, value)
        for judge in judges:
            if change := judge.weigh(value, sample, passed):
                changes.append(change)
        gauge.quiet = all(judge.calm for judge in judges)
    return changes
