"""The state machine of one rule on one entry."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

from guard.engine import metrics
from guard.engine.counts import Counts
from guard.engine.reading import Reading, sentence
from guard.engine.snapshot import Snapshot
from guard.engine.window import JITTER, Window
from guard.rule import Action, Outcome, Rule, Start, State, number_text

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
        entry: The entry it judged; None for the aggregate.
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


class Judge:
    """Judges one rule on one entry, evaluation by evaluation.

    The state moves only on readings with data: a broken check makes it ``pending``, broken for the
    length of ``for`` it is ``breached``, and a check that holds again clears both. A breach is
    remembered beyond its recovery.

    Attributes:
        rule: The rule.
        entry: The entry it judges; None for the aggregate.
        state: Where the rule stands.
        window: What it is judged on; None until the rule is armed.
        reading: The last one with data, or the last one while there was none yet.
        judged: Whether there ever was data.
        worst: The value that broke the check most, or came nearest to it.
        pending_at: Since when the check has been broken, in seconds since the test start.
        breach: The reading at the first breach.
        breach_pending_at: ``pending_at`` of the first breach; None for a rule without ``for``.
        recovered_at: When the check held again after the last breach.
    """

    def __init__(self, rule: Rule) -> None:
        metric = metrics.find(rule.check.metric)
        if not isinstance(metric, metrics.Metric):
            raise ValueError(f"unknown metric {rule.check.metric!r}")
        self.rule = rule
        self.entry = rule.check.selection.label if rule.check.selection else None
        self.state = State.WAITING
        self.window: Window | None = None
        self.reading: Reading | None = None
        self.judged = False
        self.worst: float | None = None
        self.pending_at: float | None = None
        self.breach: Reading | None = None
        self.breach_pending_at: float | None = None
        self.recovered_at: float | None = None
        self._metric = metric
        self._broken_for = 0.0
        if rule.after == Start():
            self._arm(0.0)

    def _arm(self, now: float) -> None:
        self.window = Window(self.rule.over, now)
        self.state = State.OK

    def observe(self, added: Counts, until: float, snapshot: Snapshot) -> None:
        """Take in what was counted up to a moment since the one before, or arm the rule if its
        start has come.

        What was counted up to the arming came before it, so it is not taken in.
        """
        if self.window is not None:
            self.window.add(added, until)
            return
        start = self.rule.after
        begin = snapshot.ramped_up_at if start.ramp_up else 0.0
        if begin is not None and until - snapshot.lag >= begin + start.delay - JITTER:
            self._arm(until)

    def evaluate(self, now: float, passed: float, users: int) -> Transition | None:
        """Judge the window as it stands.

        Args:
            now: Seconds since the test start.
            passed: Seconds since the evaluation before, for which this one stands.
            users: How many users are running.

        Returns:
            The change of state, None if there was none.
        """
        if self.window is None or not self.window.full:
            return None
        reading = self._read(self.window, now, users)
        if reading.value is None:
            self.reading = self.reading if self.judged else reading
            return None
        self.reading = reading
        self.judged = self.judged or reading.requests > 0
        check, value, before = self.rule.check, reading.value, self.state
        self.worst = value if self.worst is None else check.worse(self.worst, value)
        if check.holds(value):
            self._hold(now)
        elif before is not State.BREACHED:
            self._break(reading, passed)
        if self.state is before:
            return None
        return Transition(self.rule, self.entry, before, self.state, reading)

    def _read(self, window: Window, now: float, users: int) -> Reading:
        counts = window.counts
        value = None
        if counts.requests >= self.rule.min_requests:
            value = self._metric.measure(counts, window.seconds)
        return Reading(value, counts.requests, window.seconds, now, users)

    def _hold(self, now: float) -> None:
        if self.state is State.BREACHED:
            self.recovered_at = now
        self.state = State.OK
        self.pending_at = None
        self._broken_for = 0.0

    def _break(self, reading: Reading, passed: float) -> None:
        if self.state is State.OK:
            self.pending_at = reading.at - passed if self.rule.hold else None
        self._broken_for += passed
        if self._broken_for < self.rule.hold - JITTER:
            self.state = State.PENDING
            return
        self.state = State.BREACHED
        self.recovered_at = None
        if self.breach is None:
            self.breach = reading
            self.breach_pending_at = self.pending_at

    def as_if_ended(self, now: float, users: int) -> Judge:
        """This judge as it would stand if the run ended now; only whole-run rules can differ."""
        if self.rule.over is not None:
            return self
        ended = copy(self)
        ended.evaluate(now, 0.0, users)
        return ended

    @property
    def outcome(self) -> Outcome:
        if self.breach is not None:
            return OUTCOME_OF_BREACH[self.rule.action]
        return Outcome.PASS if self.judged else self.rule.no_data

    @property
    def why_no_data(self) -> str:
        """What was missing for a reading, for a rule that never had one."""
        rule = self.rule
        of = f" of {self.entry}" if self.entry else ""
        if self.window is None:
            return f"{rule.name!r} was not armed: it waits for {rule.after}"
        if not self.window.full:
            if rule.over is None:
                return f"{rule.name!r} was not judged: no time has passed since it was armed"
            length = number_text(rule.over)
            return f"{rule.name!r} was not judged: its window of {length} s was never full"
        requests = self.reading.requests if self.reading else 0
        if requests == 0:
            return f"{rule.name!r} had no data: there were no requests{of}"
        if requests < rule.min_requests:
            had = "1 request" if requests == 1 else f"{requests} requests"
            return f"{rule.name!r} had no data: {had}{of}, needs {rule.min_requests}"
        return f"{rule.name!r} had no data: no request{of} had a response time"
