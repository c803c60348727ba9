"""JUnit XML, as CI servers read it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from guard.effects.junit import BEGIN, Case, Ending, Suite, cases_of, report
from guard.engine.counts import NOTHING, Counts
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot
from guard.language.rulefile import parse_rules
from guard.rule import Outcome, Place


def verdict_on(*rules, requests=10, failures=5):
    """A run of one second."""
    lines = "".join(f"  - {rule}\n" for rule in rules)
    guard = Guard(parse_rules(f"rules:\n{lines}".encode(), "rules.yaml"))
    counts = Counts(requests, failures, 1000.0, {100: requests}, 100.0, 100.0)
    guard.tick(Snapshot(counts, {("GET", "/a"): counts}), 1.0)
    guard.finish(Snapshot(counts), 1.0)
    return guard.verdict()


def test_a_case_for_each_rule_and_entry():
    cases = cases_of(
        verdict_on(
            "p95 < 1s",
            "fail_ratio < 10%",
            "p95 of /nowhere < 1s",
            "p95 of /none < 1s no_data fail",
            "fail_ratio < 40% else void",
            "{name: Each, check: p95 of each * < 1ms, else: warn}",
        )
    )
    assert [(case.name, case.ending) for case in cases] == [
        ("p95 < 1s", Ending.PASSED),
        ("fail_ratio < 10%", Ending.FAILED),
        ("p95 of /nowhere < 1s", Ending.SKIPPED),
        ("p95 of /none < 1s", Ending.FAILED),
        ("fail_ratio < 40%", Ending.BROKEN),
        ("Each [GET /a]", Ending.PASSED),
    ]
    assert cases[1].reason == "fail_ratio was 50% over the run (10 requests), must be < 10%"
    assert "there were no requests of /nowhere" in cases[2].reason


def test_what_no_rule_explains_is_a_case_of_its_own():
    verdict = verdict_on("p95 < 1s")
    assert len(cases_of(verdict)) == 1
    for outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        (*_, last) = cases_of(replace(verdict, outcome=outcome, reason="all workers were gone"))
        assert (last.name, last.ending, last.reason) == (
            "the run", Ending.BROKEN, "all workers were gone",
        )  # fmt: skip
    assert cases_of(Guard(()).verdict())[0].ending is Ending.BROKEN
    assert NOTHING.requests == 0


def test_the_report_counts_and_says_it_all():
    cases = [
        Case("good", details="seen"),
        Case("<bad> & \x00\x1b", Ending.FAILED, 'was "bad"', "stop", 2.5, "more\nlines"),
        Case("none", Ending.SKIPPED, "no data"),
        Case("lost", Ending.BROKEN, "void", place=Place("rules.yaml", 7, 3)),
    ]
    text = report([Suite("rules.yaml", cases, 3, begun="2026-01-01T12:00:00+00:00")])
    assert BEGIN.match(text.encode())
    root = ElementTree.fromstring(text.encode())  # noqa: S314 - our own
    suite = root[0]
    for element in (root, suite):
        counts = [element.get(name) for name in ("tests", "failures", "errors", "skipped", "time")]
        assert counts == ["4", "1", "1", "1", "3.000"]
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
