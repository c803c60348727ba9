"""The state machine of one rule on one entry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from guard.engine.gauge import Gauge, Sample
from guard.engine.metrics import RunMetric
from guard.engine.reading import Reading, sentence
from guard.engine.window import JITTER, Window
from guard.rule import Action, Comparison, Outcome, Rule, State, number_text

OUTCOME_OF_BREACH = {
    Action.STOP: Outcome.FAIL,
    Action.FINISH: Outcome.PASS,
    Action.FAIL: Outcome.FAIL,
    Action.WARN: Outcome.PASS,
    Action.VOID: Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule's state changed.

    Attributes:
        rule: The rule.
        entry: The entry it judged; None for the aggregate and for the run.
        before: State before.
        after: State from ``reading.at`` on.
        reading: What was measured.
    """

    rule: Rule
    entry: str | None
    before: State
    after: State
    reading: Reading

    @property
    def is_breach(self) -> bool:
        return self.after is State.BREACHED

    @property
    def is_recovery(self) -> bool:
        return self.before is State.BREACHED

    def __str__(self) -> str:
        return sentence(self.rule, self.entry, self.reading)


class Load(NamedTuple):
    """How busy the run was.

    Attributes:
        at: When, in seconds since the test start.
        users: How many users were running; None if nobody knows.
        rps: Requests per second in the window; None for a metric of the run.
    """

    at: float
    users: int | None
    rps: float | None


@dataclass(frozen=True, slots=True)
class Breach:
    """The first breach of a rule on an entry.

    Attributes:
        reading: What was measured then.
        pending_at: Since when the check had been broken; None for a rule that is breached at once,
            without ``for`` and ``surely``.
        healthy: The load when the check last held before that; None if it never had.
    """

    reading: Reading
    pending_at: float | None
    healthy: Load | None


class Judge:
    """Judges one rule on one entry, value by value.

    The state moves only on values: a broken check makes it ``pending``, broken for the length of
    ``for`` it is ``breached``, and a check that holds again clears both. A breach is remembered
    beyond its recovery.

    Attributes:
        rule: The rule.
        gauge: Where it reads the values.
        entry: The entry it judges; None for the aggregate and for the run.
        state: Where the rule stands.
        window: What it is judged on; None until the rule is armed, and for the run.
        worst: The value that broke the check most, or came nearest to it. Meaningless before the
            first value.
        calm: Whether the check has held for all values so far, and would for all between them.
        pending_at: Since when the check has been broken, in seconds since the test start.
        breach: The first breach.
        recovered_at: When the check held again after the last breach.
    """

    __slots__ = (
        "_broken_for",
        "_healthy",
        "_holds",
        "_is_worse",
        "breach",
        "calm",
        "entry",
        "gauge",
        "pending_at",
        "recovered_at",
        "rule",
        "state",
        "window",
        "worst",
    )

    def __init__(self, rule: Rule, gauge: Gauge, entry: str | None) -> None:
        self.rule = rule
        self.gauge = gauge
        self.entry = entry
        self.state = State.WAITING
        self.window: Window | None = None
        self.worst = math.nan
        self.calm = rule.check.comparison is not Comparison.DIFFERENT
        self.pending_at: float | None = None
        self.breach: Breach | None = None
        self._healthy: Load | None = None
        self.recovered_at: float | None = None
        self._holds = rule.check.comparison.holds
        self._is_worse = rule.check.is_worse
        self._broken_for = 0.0

    def arm(self, window: Window | None = None) -> None:
        """Begin to watch."""
        self.window = window
        self.state = State.OK

    def holds(self, value: float) -> bool:
        """Whether the check holds for the value."""
        return self._holds(value, self.rule.check.threshold)

    def weigh(self, value: float, sample: Sample, passed: float) -> Transition | None:
        """Take in one more value of the metric.

        Args:
            value: In the metric's unit.
            sample: What the value is of.
            passed: Seconds since the evaluation before, for which this one stands.

        Returns:
            The change of state, None if there was none.
        """
        holds, before = self.holds(value), self.state
        self.calm = self.calm and holds
        if math.isnan(self.worst) or self._is_worse(value, self.worst):
            self.worst = value
        if holds:
            self._hold(sample.at)
        elif before is not State.BREACHED:
            self._break(sample.at, passed)
        if self.state is before:
            return None
        reading = Reading(value, *sample)
        if self.state is State.BREACHED and self.breach is None:
            self.breach = Breach(reading, self.pending_at, self._healthy)
        return Transition(self.rule, self.entry, before, self.state, reading)

    def _hold(self, now: float) -> None:
        if self.state is State.BREACHED:
            self.recovered_at = now
        self.state = State.OK
        self.pending_at = None
        self._broken_for = 0.0

    def _break(self, now: float, passed: float) -> None:
        hold = self.rule.hold
        if self.state is State.OK:
            self.pending_at = now - passed if hold else None
            self._healthy = self._load_before()
        self._broken_for += passed
        if self._broken_for < hold - JITTER:
            self.state = State.PENDING
        else:
            self.state = State.BREACHED
            self.recovered_at = None

    def _load_before(self) -> Load | None:
        sample = self.gauge.before
        if sample is None:
            return None
        return Load(sample.at, sample.users, Reading(None, *sample).rps)

    @property
    def evidence(self) -> float | None:
        """How far the evidence came at most, 0 to 1; None for a rule that is not ``surely``."""
        return None if self.rule.surely is None else 0.0

    @property
    def judged(self) -> bool:
        """Whether there ever was data, or a breach without any."""
        return self.gauge.judged or self.breach is not None

    @property
    def outcome(self) -> Outcome:
        """How the rule would have ended on this entry, if nothing came any more."""
        if self.breach is not None:
            return OUTCOME_OF_BREACH[self.rule.action]
        return Outcome.PASS if self.judged else self.rule.no_data

    @property
    def why_no_data(self) -> str:
        """What was missing for a reading, for a rule that never had one."""
        rule, window = self.rule, self.window
        if self.state is State.WAITING:
            return f"{rule.name!r} was not armed: it waits for {rule.after}"
        if isinstance(self.gauge.metric, RunMetric):
            return f"{rule.name!r} had no data: {self.gauge.metric.unknown}"
        if window is not None and not window.full:
            if rule.over is None:
                return f"{rule.name!r} was not judged: no time has passed since it was armed"
            full, had = number_text(rule.over), math.floor(window.seconds * 10) / 10
            missed = f"its window of {full} s was never full: it had {had:g} s"
            return f"{rule.name!r} was not judged: {missed}"
        return f"{rule.name!r} had no data: {self._why_too_few}"

    @property
    def _why_too_few(self) -> str:
        of = f" of {self.entry}" if self.entry else ""
        requests = self.gauge.requests
        if not requests:
            return f"there were no requests{of}"
        if requests < self.rule.min_requests:
            had = "1 request" if requests == 1 else f"{requests} requests"
            return f"{had}{of}, needs {self.rule.min_requests}"
        return f"no request{of} had a response time"
