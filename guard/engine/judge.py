"""The state machine of one rule on one entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from guard.engine.metrics import Metric, RunMetric, narrowed
from guard.engine.reading import Reading, sentence
from guard.engine.window import JITTER, Window
from guard.rule import Action, Outcome, Rule, State, number_text

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


class Sample(NamedTuple):
    """What a reading is of, beside its value: as in :class:`~guard.engine.reading.Reading`."""

    requests: int | None
    seconds: float
    at: float
    users: int


class Judge:
    """Judges one rule on one entry, value by value.

    The state moves only on values: a broken check makes it ``pending``, broken for the length of
    ``for`` it is ``breached``, and a check that holds again clears both. A breach is remembered
    beyond its recovery.

    Attributes:
        rule: The rule.
        entry: The entry it judges; None for the aggregate and for the run.
        state: Where the rule stands.
        window: What it is judged on; None until the rule is armed, and for the run.
        measure: How its metric is measured in the window.
        min_requests: As the rule says.
        restless: Whether it must be asked again although its window has not changed.
        judged: Whether there ever was data.
        worst: The value that broke the check most, or came nearest to it.
        pending_at: Since when the check has been broken, in seconds since the test start.
        breach: The reading at the first breach.
        breach_pending_at: ``pending_at`` of the first breach; None for a rule without ``for``.
        recovered_at: When the check held again after the last breach.
    """

    __slots__ = (
        "_broken_for",
        "_holds",
        "_is_worse",
        "_metric",
        "_per_second",
        "_sample",
        "_threshold",
        "_value",
        "breach",
        "breach_pending_at",
        "entry",
        "judged",
        "measure",
        "min_requests",
        "pending_at",
        "recovered_at",
        "rule",
        "state",
        "window",
        "worst",
    )

    def __init__(self, rule: Rule, metric: Metric | RunMetric, entry: str | None) -> None:
        check = rule.check
        self.rule = rule
        self.entry = entry
        self.state = State.WAITING
        self.window: Window | None = None
        self.min_requests = rule.min_requests
        self.judged = False
        self.worst: float | None = None
        self.pending_at: float | None = None
        self.breach: Reading | None = None
        self.breach_pending_at: float | None = None
        self.recovered_at: float | None = None
        self._metric = metric
        self._per_second = False
        if isinstance(metric, Metric):
            self._per_second = metric.per_second
            self.measure = metric.measure
            if check.failure is not None:
                self.measure = narrowed(metric.measure, check.failure)
        self._holds = check.comparison.holds
        self._threshold = check.threshold
        self._is_worse = check.is_worse
        self._value: float | None = None
        self._sample: Sample | None = None
        self._broken_for = 0.0

    def arm(self, window: Window | None = None) -> None:
        """Begin to watch."""
        self.window = window
        self.state = State.OK

    @property
    def restless(self) -> bool:
        return self._per_second or self.state is State.PENDING

    @property
    def is_content(self) -> bool:
        """Whether the check holds, or there is nothing to say of it, and always was so."""
        return self.breach is None and self.state in (State.OK, State.WAITING)

    @property
    def reading(self) -> Reading | None:
        """The last one with data, or the last one while there was none yet."""
        return Reading(self._value, *self._sample) if self._sample else None

    def weigh(self, value: float | None, sample: Sample, passed: float) -> Transition | None:
        """Take in one more value of the metric; None is no data.

        Args:
            value: In the metric's unit.
            sample: What the value is of.
            passed: Seconds since the evaluation before, for which this one stands.

        Returns:
            The change of state, None if there was none.
        """
        if value is None:
            if not self.judged:
                self._sample = sample
            return None
        self._value, self._sample = value, sample
        if sample.requests != 0:
            self.judged = True
        if self.worst is None or self._is_worse(value, self.worst):
            self.worst = value
        before = self.state
        if self._holds(value, self._threshold):
            if before is State.OK:
                return None
            self._hold(sample.at)
        elif before is State.BREACHED:
            return None
        else:
            self._break(sample.at, passed)
        if self.state is before:
            return None
        reading = Reading(value, *sample)
        if self.state is State.BREACHED and self.breach is None:
            self.breach, self.breach_pending_at = reading, self.pending_at
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
        self._broken_for += passed
        if self._broken_for < hold - JITTER:
            self.state = State.PENDING
        else:
            self.state = State.BREACHED
            self.recovered_at = None

    @property
    def outcome(self) -> Outcome:
        if self.breach is not None:
            return OUTCOME_OF_BREACH[self.rule.action]
        return Outcome.PASS if self.judged else self.rule.no_data

    @property
    def why_no_data(self) -> str:
        """What was missing for a reading, for a rule that never had one."""
        rule, window = self.rule, self.window
        if self.state is State.WAITING:
            return f"{rule.name!r} was not armed: it waits for {rule.after}"
        if isinstance(self._metric, RunMetric):
            return f"{rule.name!r} had no data: {self._metric.unknown}"
        if window is not None and not window.full:
            if rule.over is None:
                return f"{rule.name!r} was not judged: no time has passed since it was armed"
            length = number_text(rule.over)
            return f"{rule.name!r} was not judged: its window of {length} s was never full"
        return f"{rule.name!r} had no data: {self._why_too_few}"

    @property
    def _why_too_few(self) -> str:
        of = f" of {self.entry}" if self.entry else ""
        requests = self._sample.requests if self._sample else None
        if not requests:
            return f"there were no requests{of}"
        if requests < self.min_requests:
            had = "1 request" if requests == 1 else f"{requests} requests"
            return f"{had}{of}, needs {self.min_requests}"
        return f"no request{of} had a response time"
