"""Results as JUnit XML, which every CI knows how to show.

Of the several schemas this follows the one of Jenkins, which others check by too: properties belong
to a suite and not to a case, and the whole file has no number of skipped cases.
Source: https://github.com/jenkinsci/xunit-plugin, junit-10.xsd
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from xml.etree import ElementTree

from guard.rule import Place

_OURS = "locust-guard"

_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write."""

_LINE_OF_COLONS = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


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
        place: Where what it is about is written. It is in no schema, but GitLab and some actions
            for GitHub show it.
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
        name: What they are of: a file, or a rule.
        cases: The cases.
        seconds: How long all of it took; None where that means nothing.
        begun: When it began, as an ISO 8601 date.
        properties: What else there is to know, by name.
        classname: By what servers group the cases; the name if not given. Jenkins takes what is
            before its last dot for a package.
    """

    name: str
    cases: Sequence[Case]
    seconds: float | None = None
    begun: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    classname: str = ""

    def counts(self) -> Counter[str]:
        """How many cases there are, and how many of each ending but the good one."""
        return Counter(
            tests=len(self.cases),
            failures=sum(case.ending is Ending.FAILED for case in self.cases),
            errors=sum(case.ending is Ending.BROKEN for case in self.cases),
            skipped=sum(case.ending is Ending.SKIPPED for case in self.cases),
        )


def report(suites: Sequence[Suite], *, about: str = "", seconds: float | None = None) -> str:
    """The file's content.

    Args:
        suites: What is in it.
        about: What it is about.
        seconds: How long all of it took; None for the sum of its suites.
    """
    name = f"{_OURS}: {_sayable(about)}" if about else _OURS
    root = ElementTree.Element("testsuites", {"name": name})
    counts = sum((suite.counts() for suite in suites), Counter[str]())
    _set_numbers(root, counts, _seconds_of(suites) if seconds is None else seconds)
    for suite in suites:
        element = ElementTree.SubElement(root, "testsuite", {"name": _sayable(suite.name)})
        _set_numbers(element, suite.counts(), suite.seconds)
        element.set("skipped", str(suite.counts()["skipped"]))
        if suite.begun:
            element.set("timestamp", suite.begun)
        if suite.properties:
            _add_properties(element, suite.properties)
        for case in suite.cases:
            _add(element, suite.classname or suite.name, case)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_defused(text)}\n'


def _seconds_of(suites: Sequence[Suite]) -> float | None:
    known = [suite.seconds for suite in suites if suite.seconds is not None]
    return sum(known) if known else None


def _set_numbers(element: ElementTree.Element, counts: Counter[str], seconds: float | None) -> None:
    for name in ("tests", "failures", "errors"):
        element.set(name, str(counts[name]))
    if seconds is not None:
        element.set("time", f"{seconds:.3f}")


def _add_properties(parent: ElementTree.Element, properties: Mapping[str, str]) -> None:
    element = ElementTree.SubElement(parent, "properties")
    for name, value in properties.items():
        named = {"name": _sayable(name), "value": _sayable(value)}
        ElementTree.SubElement(element, "property", named)


def _add(parent: ElementTree.Element, classname: str, case: Case) -> None:
    named = {"classname": _sayable(classname), "name": _sayable(case.name)}
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


def _defused(xml: str) -> str:
    """The same XML without what a CI service would take for a command when it is printed. Only
    texts have such characters, and may have references to them instead."""
    return _LINE_OF_COLONS.sub(r"\1&#58;", xml.replace("##", "#&#35;"))
