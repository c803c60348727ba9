"""The verdict as a JUnit report: a suite a rule, and in it a case an entry."""

from __future__ import annotations

import math
from collections.abc import Sequence

from guard.effects.about import About
from guard.effects.circumstances import circumstances
from guard.effects.final_report import FinalReport
from guard.effects.junit import Case, Ending, Suite, report
from guard.effects.ranking import by_rule, ranked
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Action, Outcome, Rule, number_text
from guard.terminal import shortened, visible

RUN = "the run"
"""The suite and the case of what no rule explains."""

_MOST_NAME = 500
"""Characters of a name. Servers cut longer ones off, or refuse them."""

_MOST_SAID = 2000
"""Characters of anything else."""

_MOST_ENTRIES = 20
"""Entries of one rule whose readings are properties. The others are told in words only, so that
a thousand of them don't make a file that servers refuse."""

_DIGITS = 6
"""Of a number, after the point."""

_GROUP = "locust-guard"
"""What Jenkins shows as the package of all rules."""

_DOT = "\u2024"
"""Stands for a dot in a rule, where a dot would end the name of a package: ``p99.9``."""


class JunitFile(FinalReport):
    """Arguments as for any final report."""

    kind = "junit"

    def _text(self, verdict: Verdict) -> str:
        return as_junit(verdict, self._about)


def as_junit(verdict: Verdict, about: About) -> str:
    """The file's content.

    Args:
        verdict: The verdict.
        about: What is to be told of the run beside it.
    """
    return report(suites_of(verdict, about), about=_named(about.title), seconds=verdict.duration)


def suites_of(verdict: Verdict, about: About) -> list[Suite]:
    """A suite for each rule, and one for the run where no rule explains its outcome."""
    suites = []
    for results in by_rule(verdict.rules):
        suites.append(_suite(results[0].rule, [*map(_case, results)], _readings(results), about))
    if verdict.outcome is not Outcome.PASS and verdict.decisive is None:
        kind = verdict.outcome.value
        case = Case(RUN, Ending.BROKEN, _told(verdict.reason), kind, verdict.duration)
        suites.append(_suite(None, [case], {}, about))
    return suites


def _suite(
    rule: Rule | None, cases: Sequence[Case], readings: dict[str, str], about: About
) -> Suite:
    name = _named(rule.name) if rule else RUN
    known = {"title": about.title, "host": about.host, "link": about.link or ""}
    properties = {**(_terms(rule) if rule else {}), **readings, **known}
    return Suite(
        name,
        cases,
        begun=about.started,
        properties={key: _told(value) for key, value in properties.items() if value},
        classname=f"{_GROUP}.{name.replace('.', _DOT)}",
    )


def _terms(rule: Rule) -> dict[str, str]:
    """What the rule demands."""
    return {
        "rule": str(rule),
        "action": rule.action.value,
        "threshold": number_text(rule.check.threshold),
        "unit": rule.check.unit.value,
        "place": str(rule.place or ""),
        "because": rule.because or "",
    }


def _readings(results: Sequence[RuleResult]) -> dict[str, str]:
    """What became of the rule, by the names of the verdict file; with the entry in brackets where
    it is judged on each."""
    if len(results) > _MOST_ENTRIES:
        results = ranked(results)[:_MOST_ENTRIES]
    readings = {}
    for result in results:
        of = f" [{_named(result.entry)}]" if result.rule.check.each and result.entry else ""
        measured = _measured(result)
        if of:
            del measured["entry"]
        for name, value in measured.items():
            if isinstance(value, str):
                readings[f"{name}{of}"] = value
            elif value is not None and math.isfinite(value):
                readings[f"{name}{of}"] = number_text(round(value, _DIGITS))
    return readings


def _measured(result: RuleResult) -> dict[str, float | str | None]:
    told = result.as_dict()
    names = (
        "entry", "state", "outcome", "value", "worst", "requests", "pending_at", "breached_at",
        "recovered_at", "evidence", "users_at_breach", "rps_at_breach",
    )  # fmt: skip
    return {name: told[name] for name in names}


def _case(result: RuleResult) -> Case:
    rule = result.rule
    name = rule.name
    if rule.check.each or rule.named:
        name += f" [{result.entry}]" if result.entry else ""
    name, kind, seconds = _named(name), rule.action.value, result.breached_at or 0.0
    reason = _told(result.reason)
    details = "\n".join(f"{what}: {text}" for what, text in (*circumstances(result), *_at(rule)))
    if result.outcome is Outcome.FAIL:
        return Case(name, Ending.FAILED, reason, kind, seconds, details)
    if result.breached and rule.action is Action.VOID:
        return Case(name, Ending.BROKEN, reason, kind, seconds, details)
    if not result.judged:
        return Case(name, Ending.SKIPPED, reason)
    return Case(name, details=f"{reason}\n{details}" if result.breached else reason)


def _at(rule: Rule) -> list[tuple[str, str]]:
    return [("Rule", str(rule.place))] if rule.place else []


def _named(text: str) -> str:
    return shortened(visible(text), _MOST_NAME)


def _told(text: str) -> str:
    return shortened(visible(text), _MOST_SAID)
