"""Where a rule stands at one moment, breached or not."""

from __future__ import annotations

from dataclasses import dataclass

from guard.engine.evidence_judge import EvidenceJudge
from guard.engine.judge import Judge
from guard.engine.metrics import RunMetric
from guard.engine.verdict import AGGREGATED
from guard.engine.window import JITTER
from guard.rule import Rule, State


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


def standing_of(judge: Judge, now: float) -> Standing:
    """Where the rule of a judge stands, without taking note of what it reads."""
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
        share, suspects = judge.suspicion()
        value = gauge.peek(suspects)
        return Standing(rule, entry, judge.state, value, suspects.requests, share)
    value = gauge.peek(window) if window.full else None
    return Standing(rule, entry, judge.state, value, window.requests)
