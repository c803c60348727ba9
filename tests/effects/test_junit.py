"""JUnit XML, as CI servers read it."""

from __future__ import annotations

from xml.etree import ElementTree

from guard.effects.junit import Case, Ending, Suite, report
from guard.effects.report_files import KINDS
from guard.rule import Place


def test_the_report_counts_and_says_it_all():
    cases = [
        Case("good", details="seen"),
        Case("<bad> & \x00\x1b", Ending.FAILED, 'was "bad"', "stop", 2.5, "more\nlines"),
        Case("none", Ending.SKIPPED, "no data"),
        Case("lost", Ending.BROKEN, "void", place=Place("rules.yaml", 7, 3)),
    ]
    text = report([Suite("rules.yaml", cases, 3, begun="2026-01-01T12:00:00+00:00")])
    assert KINDS["junit"].begin.match(text.encode())
    root = ElementTree.fromstring(text.encode())  # noqa: S314 - our own
    suite = root[0]
    for element in (root, suite):
        counts = [element.get(name) for name in ("tests", "failures", "errors", "time")]
        assert counts == ["4", "1", "1", "3.000"]
    assert suite.get("skipped") == "1"
    assert (suite.get("name"), suite.get("timestamp")) == (
        "rules.yaml", "2026-01-01T12:00:00+00:00",
    )  # fmt: skip
    good, bad, none, lost = suite
    assert good.findtext("system-out") == "seen"
    assert (bad.get("name"), bad.get("time")) == ("<bad> & \\x00\\x1b", "2.500")
    assert bad.find("failure").attrib == {"message": 'was "bad"', "type": "stop"}
    assert bad.findtext("failure") == 'was "bad"\nmore\nlines'
    assert none.find("skipped").get("message") == "no data"
    assert lost.find("error").get("message") == "void"
    assert (lost.get("file"), lost.get("line"), lost.get("time")) == ("rules.yaml", "7", None)


def test_several_suites_are_added_up():
    suites = [Suite("a", [Case("x", Ending.FAILED)], 1.0), Suite("b", [Case("y")] * 2)]
    root = ElementTree.fromstring(report(suites).encode())  # noqa: S314 - our own
    assert [suite.get("tests") for suite in (root, *root)] == ["3", "1", "2"]
    assert [suite.get("failures") for suite in (root, *root)] == ["1", "1", "0"]
    assert [suite.get("time") for suite in (root, *root)] == ["1.000", "1.000", None]


def test_a_printed_report_gives_no_command_to_a_ci_service():
    """What a server said is in it, line by line; it is read back as it was."""
    said = "a\n::error::b\n  ::set-output::c\n##vso[task.complete]\n##teamcity[x]\n##[group]d"
    text = report([Suite(said, [Case(said, Ending.FAILED, said, details=said)])])
    assert "##" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    suite = ElementTree.fromstring(text.encode())[0]  # noqa: S314 - our own
    assert suite.get("name") == said
    assert suite[0].findtext("failure") == f"{said}\n{said}"
