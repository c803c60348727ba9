"""Results as JUnit XML, which every CI knows how to show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from xml.etree import ElementTree

from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Action, Outcome, Place

BEGIN = re.compile(rb'\s*(<\?xml[^>]*>\s*)?<testsuites name="locust-guard"')
"""What our own begin with. Those of other tools are not ours to replace."""

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
        seconds: How long it took; None where that means nothing.
        details: More on the reason.
        place: Where what it is about is written.
    """

    name: str
    ending: Ending = Ending.PASSED
    reason: str = ""
    kind: str = ""
    seconds: float | None = None
    details: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that belong together.

    Attributes:
        name: What they are of: a file.
        cases: The cases.
        seconds: How long all of it took; None where that means nothing.
        begun: When it began, as an ISO 8601 date.
    """

    name: str
    cases: Sequence[Case]
    seconds: float | None = None
    begun: str | None = None

    def counts(self) -> Counter[str]:
        """How many cases there are, and how many of each ending but the good one."""
        return Counter(
            tests=len(self.cases),
            failures=sum(case.ending is Ending.FAILED for case in self.cases),
            errors=sum(case.ending is Ending.BROKEN for case in self.cases),
            skipped=sum(case.ending is Ending.SKIPPED for case in self.cases),
        )


def report(suites: Sequence[Suite]) -> str:
    """The file's content."""
    root = ElementTree.Element("testsuites", {"name": "locust-guard"})
    _set_numbers(root, sum((suite.counts() for suite in suites), Counter()), _seconds_of(suites))
    for suite in suites:
        element = ElementTree.SubElement(root, "testsuite", {"name": _sayable(suite.name)})
        _set_numbers(element, suite.counts(), suite.seconds)
        if suite.begun:
            element.set("timestamp", suite.begun)
        for case in suite.cases:
            _add(element, suite.name, case)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _seconds_of(suites: Sequence[Suite]) -> float | None:
    known = [suite.seconds for suite in suites if suite.seconds is not None]
    return sum(known) if known else None


def _set_numbers(element: ElementTree.Element, counts: Counter[str], seconds: float | None) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        element.set(name, str(counts[name]))
    if seconds is not None:
        element.set("time", f"{seconds:.3f}")


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
    named = {"classname": _sayable(suite), "name": _sayable(case.name)}
    element = ElementTree.SubElement(parent, "testcase", named)
    if case.seconds is not None:
        element.set("time", f"{case.seconds:.3f}")
    if case.place:
        element.set("file", _sayable(case.place.file))
        element.set("line", str(case.place.line))
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
    return _UNSAYABLE.sub(lambda match: ascii(match[0])[1:-1], text)
