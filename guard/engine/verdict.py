"""The outcome of a run, with its reason and the evidence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from guard.engine.failures import Failing
from guard.engine.judge import Judge, Load
from guard.engine.reading import sentence
from guard.rule import Action, Outcome, Rule, State

EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 3, Outcome.INCONCLUSIVE: 4, Outcome.ERROR: 5}

AGGREGATED = "Aggregated"
"""What Locust's report calls the aggregate of all requests."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule on one entry. Times are seconds since the test start.

    Attributes:
        rule: The rule.
        entry: The entry, ``Aggregated`` for the aggregate; None for the run.
        state: Where the rule stands.
        outcome: How it ended, or would if the run ended now.
        judged: Whether it ever had data.
        reason: The decisive reading in words; for a rule without data, what was missing.
        value: The reading at the first breach, else the last one, in the metric's unit.
        requests: Number of requests behind ``value``; None for a metric of the run.
        worst: The value that broke the check most, or came nearest to it.
        pending_at: Since when the check was broken; None for a rule without ``for`` or ``surely``.
        breached_at: When the first breach was.
        recovered_at: When the check held again after the last breach.
        users_at_breach: How many users were running at the first breach; None if nobody knows, and
            for what the final totals broke.
        rps_at_breach: Requests per second in the window of the first breach; None as above.
        last_healthy: The load when the check last held before the first breach; None if it never
            had.
        failing: What failed most in the window of the first breach; None without one.
        evidence: How far the evidence came towards a breach at most, 0 to 1; None for a rule that
            is not ``surely``.
    """

    rule: Rule
    entry: str | None
    state: State
    outcome: Outcome
    judged: bool
    reason: str
    value: float | None = None
    requests: int | None = None
    worst: float | None = None
    pending_at: float | None = None
    breached_at: float | None = None
    recovered_at: float | None = None
    users_at_breach: int | None = None
    rps_at_breach: float | None = None
    last_healthy: Load | None = None
    failing: Failing | None = None
    evidence: float | None = None

    @property
    def breached(self) -> bool:
        """Whether there ever was a breach, recovered or not."""
        return self.breached_at is not None

    def as_dict(self) -> dict[str, Any]:
        """The element of ``rules`` in the verdict file."""
        return {
            "name": self.rule.name,
            "check": str(self.rule.check),
            "entry": self.entry,
            "action": self.rule.action.value,
            "state": self.state.value,
            "outcome": self.outcome.value,
            "value": _finite(self.value),
            "unit": self.rule.check.unit.value,
            "threshold": self.rule.check.threshold,
            "requests": self.requests,
            "pending_at": _moment(self.pending_at),
            "breached_at": _moment(self.breached_at),
            "recovered_at": _moment(self.recovered_at),
            "worst": _finite(self.worst),
            "evidence": None if self.evidence is None else math.floor(self.evidence * 1000) / 1000,
            "users_at_breach": self.users_at_breach,
            "rps_at_breach": self.rps_at_breach,
            "last_healthy": self.last_healthy and _load(self.last_healthy),
            "failing_entries": self.failing and _counted("entry", self.failing.entries),
            "failure_texts": self.failing and _counted("text", self.failing.texts),
            "because": self.rule.because,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a run. Times are seconds since the test start.

    Attributes:
        outcome: How the run ended, or would if it ended now.
        reason: One line: the rule that decided, and every other rule that did not pass.
        rules: What became of each rule.
        stopped: Whether the guard stopped the run.
        stopped_at: When it decided to.
        final: Whether the run is over and its final totals are in.
        duration: How long the run took, or has taken so far.
    """

    outcome: Outcome
    reason: str
    rules: Sequence[RuleResult]
    stopped: bool
    stopped_at: float | None
    final: bool
    duration: float

    @property
    def exit_code(self) -> int:
        """0 pass, 3 fail, 4 inconclusive, 5 error."""
        return EXIT_CODES[self.outcome]

    @property
    def decisive(self) -> RuleResult | None:
        """What the reason is about; None where that is the run and not a rule."""
        return next(
            (
                result
                for result in self.rules
                if result.outcome is self.outcome is not Outcome.PASS
                and self.reason.startswith(result.reason)
            ),
            None,
        )

    def as_dict(self) -> dict[str, Any]:
        """The verdict file's content, as far as the engine knows it."""
        return {
            "schema": 1,
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "stopped": self.stopped,
            "stopped_at": _moment(self.stopped_at),
            "final": self.final,
            "duration": _moment(self.duration),
            "rules": [result.as_dict() for result in self.rules],
        }


def _load(load: Load) -> dict[str, Any]:
    return {"at": _moment(load.at), "users": load.users, "rps": load.rps}


def _counted(what: str, counts: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{what: name, "failures": count} for name, count in counts]


def _finite(value: float | None) -> float | None:
    """What JSON can say: a mean is no number where somebody has reported none as a time."""
    return value if value is not None and math.isfinite(value) else None


def _moment(seconds: float | None) -> float | None:
    """Milliseconds are all that a tick's time is good for."""
    return None if seconds is None else round(seconds, 3)


def process_exit_code(verdict: Verdict, users_code: object, exceptions: bool) -> int | None:
    """The exit code of the process.

    Args:
        verdict: The verdict on the last test.
        users_code: The code that user code asked for; None if it did not.
        exceptions: Whether user code raised exceptions that nobody caught.

    Returns:
        The higher one of the verdict's code and the user's; None where Locust's own rule stands,
        because the rules passed but user code raised exceptions.
    """
    if isinstance(users_code, int):
        return max(users_code, verdict.exit_code)
    return None if exceptions and verdict.exit_code == 0 else verdict.exit_code


def results_of(
    judges: Sequence[Judge], failing: Mapping[str | None, Failing] = MappingProxyType({})
) -> list[RuleResult]:
    """What became of one rule on each entry that it was judged on.

    A rule has had data when it had some on one of them. Then the others don't count.

    Args:
        judges: The judges of the rule.
        failing: What failed in the window of its first breach, by entry.
    """
    results = [_result_of(judge, failing.get(judge.entry)) for judge in judges]
    if any(result.judged for result in results):
        return [r if r.judged else replace(r, outcome=Outcome.PASS) for r in results]
    return results


def _result_of(judge: Judge, failing: Failing | None) -> RuleResult:
    rule, breach = judge.rule, judge.breach
    at_breach = breach.reading if breach and not rule.judged_at_end else None
    reading = breach.reading if breach else judge.gauge.reading
    if judge.judged and reading is not None:
        reason = sentence(rule, judge.entry, reading)
    else:
        reason = judge.why_no_data
    nothing = None if rule.on_run else 0
    return RuleResult(
        rule=rule,
        entry=None if rule.on_run else judge.entry or AGGREGATED,
        state=judge.state,
        outcome=judge.outcome,
        judged=judge.judged,
        reason=reason,
        value=reading.value if reading else None,
        requests=reading.requests if reading else nothing,
        worst=None if math.isnan(judge.worst) else judge.worst,
        pending_at=breach.pending_at if breach else judge.pending_at,
        breached_at=breach.reading.at if breach else None,
        recovered_at=judge.recovered_at,
        users_at_breach=at_breach.users if at_breach else None,
        rps_at_breach=at_breach.rps if at_breach else None,
        last_healthy=breach.healthy if breach else None,
        failing=failing,
        evidence=judge.evidence,
    )


def decide(
    results: Sequence[RuleResult], failure: str | None, distrust: str | None
) -> tuple[Outcome, str]:
    """The run's outcome, the worst of its rules', and the reason.

    In this order: error, inconclusive because the numbers can't be trusted (so says a ``void``
    breach, or what happened to the run), fail, inconclusive because data is missing or nothing was
    judged, pass.

    Args:
        results: What became of each rule.
        failure: How the guard itself failed, None if it did not.
        distrust: Why the run can't be trusted whatever the rules say, None if it can.
    """
    others = sorted((r for r in results if r.outcome is not Outcome.PASS), key=_decisiveness)
    if failure is not None:
        return Outcome.ERROR, _with_others(failure, others)
    if distrust is not None:
        return Outcome.INCONCLUSIVE, _with_others(distrust, others)
    if others:
        return others[0].outcome, _with_others(others[0].reason, others[1:])
    if not any(result.judged for result in results):
        return Outcome.INCONCLUSIVE, "nothing was judged: no rule had data"
    return Outcome.PASS, _passed(results)


def _decisiveness(result: RuleResult) -> tuple[int, float, bool]:
    """Sorts the rule that decides first: the worst, of equally bad ones the earliest, and of those
    the one that stopped the run."""
    if result.breached and result.rule.action is Action.VOID:
        severity = 0
    else:
        severity = 1 if result.outcome is Outcome.FAIL else 2
    breached_at = math.inf if result.breached_at is None else result.breached_at
    return severity, breached_at, not result.rule.action.stops


def _with_others(reason: str, others: Sequence[RuleResult]) -> str:
    if not others:
        return reason
    entries = Counter((other.rule.name, other.outcome) for other in others)
    named = ", ".join(
        f"{name!r} ({outcome.value})"
        if count == 1
        else f"{name!r} ({outcome.value}, {count} times)"
        for (name, outcome), count in entries.items()
    )
    return f"{reason}; also not passed: {named}"


def _passed(results: Sequence[RuleResult]) -> str:
    judged = {id(result.rule): result.judged for result in results}
    judged |= {id(result.rule): True for result in results if result.judged}
    count = sum(judged.values())
    said = "1 rule passed" if count == 1 else f"{count} rules passed"
    unjudged = {r.rule.name: None for r in results if not judged[id(r.rule)]}
    if unjudged:
        said += f"; no data, which they allow: {', '.join(map(repr, unjudged))}"
    breached = [result for result in results if result.breached]
    for result in _first_of_each_rule(breached):
        others = sum(other.rule is result.rule for other in breached) - 1
        kind = "finished because" if result.rule.action is Action.FINISH else "warning:"
        said += f"; {kind} {result.reason}"
        said += f" (and {others} more)" if others else ""
    return said


def _first_of_each_rule(results: Sequence[RuleResult]) -> list[RuleResult]:
    return list({id(result.rule): result for result in reversed(results)}.values())[::-1]
