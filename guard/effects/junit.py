"""Results as JUnit XML, which every CI knows how to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from xml.etree import ElementTree

from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Action, Outcome

BEGIN = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<testsuites?\b")
"""What such a file begins with."""

_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write."""


class Ending(Enum):
    """How a case ended; the value is the name of its element."""

    PASSED = ""
    FAILED = "failure"
    BROKEN = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the report.

    Attributes:
        name: What it is called.
        ending: How it ended.
        reason: Why, in one sentence.
        kind: What kind of a failure it is.
        seconds: How long it took.
        details: More on the reason.
    """

    name: str
    ending: Ending = Ending.PASSED
    reason: str = ""
    kind: str = ""
    seconds: float = 0.0
    details: str = ""


def report(suite: str, cases: Sequence[Case], *, seconds: float, begun: str | None = None) -> str:
    """The file's content.

    Args:
        suite: What the cases are of: a file.
        cases: The cases.
        seconds: How long all of it took.
        begun: When it began, as an ISO 8601 date.
    """
    counts = {
        "tests": len(cases),
        "failures": sum(case.ending is Ending.FAILED for case in cases),
        "errors": sum(case.ending is Ending.BROKEN for case in cases),
        "skipped": sum(case.ending is Ending.SKIPPED for case in cases),
    }
    numbers = {**{name: str(count) for name, count in counts.items()}, "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", {"name": "locust-guard", **numbers})
    moment = {"timestamp": begun} if begun else {}
    element = ElementTree.SubElement(
        root, "testsuite", {"name": _sayable(suite), **numbers, **moment}
    )
    for case in cases:
        _add(element, suite, case)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def cases_of(verdict: Verdict) -> list[Case]:
    """A case for each rule and entry, and one for the run where no rule explains its outcome."""
    cases = [_case(result) for result in verdict.rules]
    explained = any(result.outcome is verdict.outcome for result in verdict.rules)
    if verdict.outcome is Outcome.ERROR or not (explained or verdict.outcome is Outcome.PASS):
        kind = verdict.outcome.value
        cases.append(Case("the run", Ending.BROKEN, verdict.reason, kind, verdict.duration))
    return cases


def _case(result: RuleResult) -> Case:
    rule = result.rule
    name = rule.name
    if rule.check.each or rule.named:
        name += f" [{result.entry}]" if result.entry else ""
    seconds = result.breached_at or 0.0
    if result.outcome is Outcome.FAIL:
        return Case(name, Ending.FAILED, result.reason, rule.action.value, seconds)
    if result.breached and rule.action is Action.VOID:
        return Case(name, Ending.BROKEN, result.reason, rule.action.value, seconds)
    if not result.judged:
        return Case(name, Ending.SKIPPED, result.reason)
    return Case(name, details=result.reason)


def _add(parent: ElementTree.Element, suite: str, case: Case) -> None:
    named = {"classname": suite, "name": case.name, "time": f"{case.seconds:.3f}"}
    element = ElementTree.SubElement(
        parent, "testcase", {key: _sayable(value) for key, value in named.items()}
    )
    if case.ending is Ending.PASSED:
        if case.details:
            ElementTree.SubElement(element, "system-out").text = _sayable(case.details)
        return
    attributes = {"message": _sayable(case.reason)}
    if case.kind:
        attributes["type"] = case.kind
    said = ElementTree.SubElement(element, case.ending.value, attributes)
    if case.ending is not Ending.SKIPPED:
        said.text = _sayable("\n".join(filter(None, (case.reason, case.details))))


def _sayable(text: str) -> str:
    return _UNSAYABLE.sub("\ufffd", text)
