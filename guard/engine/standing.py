"""Where rules stand at one moment, breached or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from guard.engine.evidence_judge import EvidenceJudge
from guard.engine.judge import Judge
from guard.engine.metrics import RunMetric
from guard.engine.verdict import AGGREGATED
from guard.engine.window import JITTER
from guard.rule import Rule, State

PIECE = 20
"""Entries or benches after which others may have their turn: well under a millisecond of work."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule on one entry at the end of a tick.

    Attributes:
        rule: The rule.
        entry: As in :class:`~guard.engine.verdict.RuleResult`.
        state: Where it stands.
        value: What it reads, or would if it were judged now; None for no data.
        requests: Number of requests in its window; None for a metric of the run.
        evidence: How far the evidence is, 0 to 1; None for a rule that is not ``surely``. Its
            window are the requests that this is about.
    """

    rule: Rule
    entry: str | None
    state: State
    value: float | None
    requests: int | None
    evidence: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """How the run is at the end of a tick.

    Attributes:
        at: Seconds since the test start.
        users: How many users are running; None if nobody knows.
        answers: How many requests have been answered so far. Grows in lumps on a master, and falls
            when the statistics are reset.
        standings: Where the rules stand, on each entry.
    """

    at: float
    users: int | None
    answers: int
    standings: Sequence[Standing]


class Standings(Sequence[Standing]):
    """Where many rules and entries stand, each found out when it is looked at: no later than the
    next tick.

    Args:
        judges: Their judges.
        now: Seconds since the test start.
        thorough: Whether to measure what is not measured at every tick.
        go_on: Called between small pieces of the work; it may let others have their turn.
    """

    def __init__(
        self, judges: Sequence[Judge], now: float, *, thorough: bool, go_on: Callable[[], bool]
    ) -> None:
        self._judges = judges
        self._now = now
        self._thorough = thorough
        self._go_on = go_on

    def __len__(self) -> int:
        return len(self._judges)

    @overload
    def __getitem__(self, index: int) -> Standing: ...
    @overload
    def __getitem__(self, index: slice) -> list[Standing]: ...
    def __getitem__(self, index: int | slice) -> Standing | list[Standing]:
        if isinstance(index, int):
            return standing_of(self._judges[index], self._now, thorough=self._thorough)
        found = []
        for number, judge in enumerate(self._judges[index], start=1):
            found.append(standing_of(judge, self._now, thorough=self._thorough))
            if number % PIECE == 0:
                self._go_on()
        return found


def standing_of(judge: Judge, now: float, *, thorough: bool = True) -> Standing:
    """Where the rule of a judge stands, without taking note of what it reads.

    Args:
        judge: The judge.
        now: Seconds since the test start.
        thorough: Whether to measure what is not measured at every tick: totals that are judged in
            the end, and the requests that evidence is about.
    """
    rule, gauge, window = judge.rule, judge.gauge, judge.window
    if isinstance(gauge.metric, RunMetric):
        reading = gauge.reading
        is_new = reading is not None and now - reading.at < JITTER
        value = reading.value if reading is not None and is_new else None
        return Standing(rule, None, judge.state, value, None)
    entry = judge.entry or AGGREGATED
    if window is None:
        return Standing(rule, entry, judge.state, None, 0)
    if isinstance(judge, EvidenceJudge):
        share = judge.suspicion
        if not thorough:
            return Standing(rule, entry, judge.state, None, None, share)
        suspects = judge.suspects
        value = gauge.peek(suspects)
        return Standing(rule, entry, judge.state, value, suspects.requests, share)
    if not window.full or (rule.judged_at_end and not thorough):
        return Standing(rule, entry, judge.state, None, window.requests)
    # What has been measured at this tick, or would be the same, need not be measured again.
    value = gauge.peek(window) if rule.judged_at_end else gauge.current
    return Standing(rule, entry, judge.state, value, window.requests)
