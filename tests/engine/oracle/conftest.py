"""The oracle: how rules are judged, written down a second time.

Slow and straightforward. It keeps every request of the run, looks at all of them again at every
tick, and has nothing in common with the engine but the words of a rule.
"""

from __future__ import annotations

import math
import re
from copy import copy
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest

from guard.rule import Action, Basis, Comparison, Outcome, Rule, Start, State

JITTER = 0.1
"""Seconds by which a tick may come early or late."""


def fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def selects(selection: Any, entry: tuple[str, str]) -> bool:
    return selection.method in (None, entry[0]) and fits(selection.name, entry[1])


def holds(check: Any, value: float) -> bool:
    t = check.threshold
    return {"<": value < t, "<=": value <= t, ">": value > t, ">=": value >= t}.get(
        check.comparison.value, (value == t) is (check.comparison is Comparison.EQUAL)
    )


def badness(check: Any, value: float) -> float:
    """The higher, the worse."""
    match check.comparison:
        case Comparison.LESS | Comparison.AT_MOST:
            return value
        case Comparison.MORE | Comparison.AT_LEAST:
            return -value
        case Comparison.EQUAL:
            return abs(value - check.threshold)
        case _:
            return -abs(value - check.threshold)


def measure(check: Any, requests: list[Any], seconds: float) -> float | None:
    """The value of a metric of those requests, one by one."""
    count = len(requests)
    failed = [r for r in requests if r.text is not None]
    if check.failure is not None:
        failed = [r for r in failed if fits(check.failure, r.text)]
    times = sorted(r.ms for r in requests if r.ms is not None)
    amounts: dict[str, tuple[float, float]] = {
        "requests": (count, 1),
        "rps": (count, seconds),
        "failures": (len(failed), 1),
        "fail_per_sec": (len(failed), seconds),
        "fail_ratio": (len(failed), count),
        "content_length": (sum(r.size for r in requests), count),
        "avg": (sum(times), len(times)),
        "min": (min(times, default=0), bool(times)),
        "max": (max(times, default=0), bool(times)),
    }
    if check.metric in amounts:
        amount, by = amounts[check.metric]
        return amount / by if by else None
    percent = "50" if check.metric == "median" else check.metric[1:]
    rank = int(len(times) * float(Fraction(percent) / 100))
    return times[min(rank, len(times) - 1)] if times else None


@dataclass
class Standing:
    """Where one rule stands on one entry.

    ``armed`` is the number of the tick with whose end it was armed, None before.
    """

    rule: Rule
    entry: Any
    label: str | None
    appeared: int = 0
    armed: int | None = None
    state: State = State.WAITING
    streak: float = 0.0
    broken_since: float | None = None
    judged: bool = False
    value: float | None = None
    requests: int | None = None
    worst: float | None = None
    breach: dict[str, Any] = field(default_factory=dict)
    recovered_at: float | None = None

    def read(self, value: float | None, requests: int | None, now: float, passed: float) -> bool:
        """Take in a reading. Whether the state changed."""
        rule, before = self.rule, self.state
        if requests is not None and requests < rule.min_requests:
            value = None
        if value is None:
            if not self.judged and requests is not None:
                self.requests = requests
            return False
        self.value, self.requests = value, requests
        self.judged = self.judged or requests is None or requests > 0
        if self.worst is None or badness(rule.check, value) > badness(rule.check, self.worst):
            self.worst = value
        if holds(rule.check, value):
            if before is State.BREACHED:
                self.recovered_at = now
            self.state, self.streak, self.broken_since = State.OK, 0.0, None
        elif before is not State.BREACHED:
            if before is State.OK and rule.hold:
                self.broken_since = now - passed
            self.streak += passed
            self.state = State.PENDING
            if self.streak >= rule.hold - JITTER:
                self.state, self.recovered_at = State.BREACHED, None
                first = {"value": value, "requests": requests, "at": now}
                self.breach = self.breach or {**first, "since": self.broken_since}
        return self.state is not before

    @property
    def outcome(self) -> Outcome:
        if self.breach:
            return {
                Action.STOP: Outcome.FAIL,
                Action.FAIL: Outcome.FAIL,
                Action.VOID: Outcome.INCONCLUSIVE,
            }.get(self.rule.action, Outcome.PASS)
        return Outcome.PASS if self.judged else self.rule.no_data

    @property
    def row(self) -> dict[str, Any]:
        on_run = self.rule.check.basis is Basis.RUN
        shown = self.breach or {"value": self.value, "requests": self.requests}
        requests = shown["requests"]
        return {
            "entry": self.label,
            "state": self.state,
            "outcome": self.outcome,
            "judged": self.judged or bool(self.breach),
            "value": shown["value"],
            "requests": 0 if requests is None and not on_run else requests,
            "worst": self.worst,
            "pending_at": self.breach["since"] if self.breach else self.broken_since,
            "breached_at": self.breach["at"] if self.breach else None,
            "recovered_at": self.recovered_at,
        }


class Oracle:
    """Judges rules on ticks, of which it knows all that there were."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.ticks: list[Any] = []
        self.standings: list[list[Standing]] = [[] for _ in rules]
        self.changes: list[tuple[Any, ...]] = []
        self.stopped_at: float | None = None
        self.finished = False
        self.settled = 0  # how often
        self.now = 0.0  # the moment of the last evaluation
        # Who stands for a rule with each as long as nothing has matched.
        self.deputies = {}
        for number, rule in enumerate(rules):
            check, selection = rule.check, rule.check.selection
            if check.each:
                self.deputies[number] = Standing(rule, None, f"each {selection.label}")
                continue
            label = selection.label if selection else "Aggregated"
            self.standings[number] = [
                Standing(rule, None, None if check.basis is Basis.RUN else label)
            ]
        self._arm()

    def tick(self, tick: Any) -> None:
        """Judge what is judged live. Number 0 is the start, the first tick is number 1."""
        self._take_in(tick, appearing_at=len(self.ticks) + 1)
        passed, self.now = tick.now - self.now, tick.now
        for standing in self._all():
            if not self._at_end_only(standing.rule):
                self._judge(standing, passed)

    def settle(self, tick: Any) -> None:
        """Take in what came after the load, all of it since the last tick."""
        self._take_in(tick, appearing_at=len(self.ticks) + 1 - self.settled)
        self.settled += 1

    def finish(self, tick: Any) -> None:
        """Take in what came last, and judge the rules on totals and what adds up."""
        self.settle(tick)
        self.finished = True
        passed, self.now = tick.now - self.now, tick.now
        for standing in self._all():
            rule = standing.rule
            if rule.check.metric == "exceptions" or self._on_totals(rule):
                self._judge(standing, passed)

    def rows(self) -> list[list[dict[str, Any]]]:
        """What became of each rule, on each entry, if the run ended now."""
        result = []
        for number in range(len(self.rules)):
            ended = [self._as_if_ended(standing).row for standing in self.standings[number]]
            ended = ended or [self.deputies[number].row]
            if any(row["judged"] for row in ended):
                ended = [r if r["judged"] else {**r, "outcome": Outcome.PASS} for r in ended]
            result.append(ended)
        return result

    def outcome(self) -> Outcome:
        """The worst of all."""
        rows = [(rule, row) for rule, of in zip(self.rules, self.rows(), strict=True) for row in of]
        if any(rule.action is Action.VOID and r["breached_at"] is not None for rule, r in rows):
            return Outcome.INCONCLUSIVE
        outcomes = {row["outcome"] for _, row in rows}
        for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            if outcome in outcomes:
                return outcome
        return Outcome.PASS if any(r["judged"] for _, r in rows) else Outcome.INCONCLUSIVE

    @staticmethod
    def _on_totals(rule: Rule) -> bool:
        return rule.over is None and rule.check.basis is not Basis.RUN

    def _at_end_only(self, rule: Rule) -> bool:
        live = rule.hold or rule.action in (Action.STOP, Action.FINISH)
        return self._on_totals(rule) and not live

    def _as_if_ended(self, standing: Standing) -> Standing:
        ended = copy(standing)
        if self._on_totals(ended.rule) and not self.finished:
            self._read(ended, 0.0)
        return ended

    def _all(self) -> list[Standing]:
        return [standing for standings in self.standings for standing in standings]

    def _until(self, number: int) -> float:
        """Up to when all is counted with the end of that tick; 0 is the start."""
        return self.ticks[number - 1].until if number else 0.0

    def _take_in(self, tick: Any, appearing_at: int) -> None:
        self.ticks.append(tick)
        for request in tick.requests:
            for number, rule in enumerate(self.rules):
                known = {standing.entry for standing in self.standings[number]}
                check, entry = rule.check, request.entry
                if check.each and entry not in known and selects(check.selection, entry):
                    new = Standing(rule, entry, " ".join(entry), appearing_at - 1)
                    self.standings[number].append(new)
        self._arm()

    def _arm(self) -> None:
        """Arm those whose time has come. An entry is armed when it appeared, not before."""
        for number, rule in enumerate(self.rules):
            due = self._due(rule)
            for standing in (*self.standings[number], self.deputies.get(number)):
                if standing is not None and standing.armed is None and due is not None:
                    standing.armed = max(due, standing.appeared)
                    standing.state = State.OK

    def _due(self, rule: Rule) -> int | None:
        """The first tick with whose end the rule is armed."""
        if rule.after == Start():
            return 0
        for number, tick in enumerate(self.ticks, start=1):
            begin = tick.ramped_up_at if rule.after.ramp_up else 0.0
            moment = tick.now if rule.check.basis is Basis.RUN else tick.until - tick.lag
            if begin is not None and moment >= begin + rule.after.delay - JITTER:
                return number
        return None

    def _judge(self, standing: Standing, passed: float) -> None:
        before = standing.state
        if not self._read(standing, passed):
            return
        rule, now = standing.rule, self.now
        number = next(n for n, other in enumerate(self.rules) if other is rule)
        self.changes.append((now, number, standing.label, before, standing.state))
        stops = standing.state is State.BREACHED and rule.action in (Action.STOP, Action.FINISH)
        if stops and self.stopped_at is None and not self.finished:
            self.stopped_at = now

    def _read(self, standing: Standing, passed: float) -> bool:
        rule, tick, last = standing.rule, self.ticks[-1] if self.ticks else None, len(self.ticks)
        if standing.armed is None or tick is None:
            return False
        if rule.check.basis is Basis.RUN:
            armed_at = self.ticks[standing.armed - 1].now if standing.armed else 0.0
            value = self._vital(rule.check.metric, standing.armed)
            return standing.read(value, None, self.now, min(passed, self.now - armed_at))
        begin = standing.armed
        if rule.over is not None:
            reaching = range(standing.armed, last + 1)
            far = [n for n in reaching if self._until(last) - self._until(n) >= rule.over - JITTER]
            if not far:
                return False
            begin = max(far)
        seconds = self._until(last) - self._until(begin)
        if seconds <= 0:
            return False
        requests = [
            request
            for counted in self.ticks[begin:]
            for request in counted.requests
            if self._is_about(standing, request.entry)
        ]
        value = measure(rule.check, requests, seconds)
        return standing.read(value, len(requests), self.now, passed)

    def _is_about(self, standing: Standing, entry: tuple[str, str]) -> bool:
        if standing.rule.check.each:
            return entry == standing.entry
        selection = standing.rule.check.selection
        return selection is None or selects(selection, entry)

    def _vital(self, metric: str, armed: int) -> float | None:
        if metric == "exceptions":
            return sum(tick.exceptions for tick in self.ticks[armed:])
        if metric != "silence":
            return getattr(self.ticks[-1], metric)
        if not self.ticks[-1].users:
            return None
        heard, before, users = math.nan, 0, 0
        for tick in self.ticks:
            if tick.users and (not users or tick.answers != before):
                heard = tick.now
            before, users = tick.answers, tick.users
        return max(0.0, self.ticks[-1].until - heard)


@pytest.fixture(scope="session")
def oracle() -> type[Oracle]:
    """Who judges rules by what the documentation says, and takes its time."""
    return Oracle
