"""The JUnit report: a suite a rule, a case an entry, readings as properties."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from guard.effects.junit_file import JunitFile, as_junit, suites_of
from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Outcome

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")


def read(text: str) -> JUnitXml:
    SCHEMA.validate(text)
    return JUnitXml.fromstring(text.encode())


def endings(report: JUnitXml) -> list[tuple[str, list[type]]]:
    return [
        (case.name, [type(ending) for ending in case.result]) for suite in report for case in suite
    ]


def test_a_case_for_each_rule_and_entry(played):
    verdict = played.verdict(
        "p95 < 1s",
        "fail_ratio < 10%",
        "p95 of /nowhere < 1s",
        "p95 of /none < 1s no_data fail",
        "fail_ratio < 20% else void",
        "{name: Each, check: p95 of each * < 1ms, else: warn}",
    )
    report = read(as_junit(verdict, played.about))
    assert endings(report) == [
        ("p95 < 1s", []),
        ("fail_ratio < 10%", [Failure]),
        ("p95 of /nowhere < 1s", [Skipped]),
        ("p95 of /none < 1s", [Failure]),
        ("fail_ratio < 20%", [Error]),
        ("Each [GET /a]", []),
    ]
    assert (report.tests, report.failures, report.errors) == (6, 2, 1)
    (nowhere,) = list(report)[2]
    assert "there were no requests of /nowhere" in nowhere.result[0].message


def test_a_failure_tells_its_reason_and_what_was_going_on(played):
    verdict = played.verdict("fail_ratio of /a < 10% over 2s for 2s else stop")
    ((case,),) = read(as_junit(verdict, played.about))
    (failure,) = case.result
    reason = "fail_ratio of /a was 50% over 2 s (20 requests), must be < 10%"
    assert failure.message == reason
    assert failure.type == "stop"
    assert case.time == 7
    assert failure.text.splitlines() == [
        reason,
        "When: pending since 5 s, breached at 7 s",
        "Worst: 50%",
        "Load then: 20 users, 10 requests/s",
        "Last held: at 5 s, 20 users, 10 requests/s",
        "Failed most: GET /a (10)",
        "Failures: HTTPError('503') (10)",
        "Rule: rules.yaml:2:5",
    ]


def test_the_readings_are_properties_by_the_names_of_the_verdict_file(played):
    verdict = played.verdict("p95 of /a < 0.5s over 2s for 2s else stop")
    (suite,) = read(as_junit(verdict, played.about))
    assert suite.timestamp == "2026-01-01T12:00:00+00:00"
    assert {each.name: each.value for each in suite.properties()} == {
        "rule": "p95 of /a < 500ms over 2s for 2s else stop",
        "action": "stop",
        "threshold": "500",
        "unit": "ms",
        "place": "rules.yaml:2:5",
        "entry": "/a",
        "state": "breached",
        "outcome": "fail",
        "value": "900",
        "worst": "900",
        "requests": "20",
        "pending_at": "1",
        "breached_at": "3",
        "users_at_breach": "20",
        "rps_at_breach": "10",
        "title": "Checkout",
        "host": "https://shop.example",
        "link": "https://ci.example/42",
    }


def test_a_rule_on_each_of_a_thousand_entries_is_one_suite(played):
    """All of them have a case; the readings of those that stand out are properties too."""
    names = tuple(f"/page/{number}" for number in range(1000))
    verdict = played.verdict("p95 of each /page/* < 500ms", "fail_ratio < 90%", names=names)
    text = as_junit(verdict, played.about)
    each, single = read(text)
    assert (each.name, each.tests, each.failures, single.tests) == (
        "p95 of each /page/* < 500ms", 1000, 1000, 1,
    )  # fmt: skip
    assert len({case.name for case in each}) == 1000
    assert {case.classname for case in each} == {"locust-guard.p95 of each /page/* < 500ms"}
    values = [one for one in each.properties() if one.name.startswith("value [GET /page/")]
    assert len(values) == 20
    assert len(text) < 1_000_000


def test_a_dot_in_a_rule_begins_no_package(played):
    """Jenkins takes all before the last one for a package."""
    ((case,),) = read(as_junit(played.verdict("p99.9 < 1.5s"), played.about))
    assert case.name == "p99.9 < 1500ms"
    package, _, name = case.classname.rpartition(".")
    assert (package, name) == ("locust-guard", "p99\u20249 < 1500ms")


def test_what_no_rule_explains_is_a_case_of_its_own(played):
    verdict = played.verdict("p95 < 1s")
    assert len(suites_of(verdict, played.about)) == 1
    for outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        unexplained = replace(verdict, outcome=outcome, reason="all workers were gone")
        *_, (case,) = read(as_junit(unexplained, played.about))
        assert (case.name, type(case.result[0])) == ("the run", Error)
        assert case.result[0].message == "all workers were gone"
    ((case,),) = read(as_junit(Guard(()).verdict(), played.about))
    assert case.name == "the run"


def test_a_loss_of_all_workers_is_not_hidden_by_a_rule_without_data(played):
    """Both make the run inconclusive; the reason is the loss."""
    guard = Guard(parse_rules(b"rules: [p95 of /none < 1s]", "rules.yaml"))
    guard.distrust = "all workers were gone at 4 s"
    (without_data,), (case,) = read(as_junit(guard.verdict(), played.about))
    assert isinstance(without_data.result[0], Skipped)
    assert (case.name, type(case.result[0])) == ("the run", Error)
    assert case.result[0].message.startswith("all workers were gone at 4 s; also not passed: ")


RULES = ("fail_ratio of each * < 1%", "p95 < 1s", "p95 of /x < 1s", "p95 < 1ms else void")


def test_a_hostile_text_harms_nothing(played, tell, hostile):
    about = replace(played.about, title=hostile, host=hostile)
    check_harmless(as_junit(tell(played.verdict(*RULES), hostile), about))


def test_no_text_harms_anything(played, tell):
    verdict = played.verdict(*RULES)

    @settings(max_examples=50, deadline=None)
    @given(st.text(st.characters(), max_size=200) | st.text("#[]:\n\r vsoerc", max_size=40))
    def check(text):
        check_harmless(as_junit(tell(verdict, text), replace(played.about, title=text)))

    check()


def check_harmless(text: str) -> None:
    report = read(text)
    assert sum(len(list(suite)) for suite in report) == len(RULES)
    assert "##" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) < 5000
    ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314 - our own


def test_a_report_that_cannot_be_written_is_said(played, tmp_path, caplog):
    caplog.set_level(logging.ERROR, logger="guard")
    (tmp_path / "file").touch()
    JunitFile(tmp_path / "file" / "junit.xml", played.about).ended(played.verdict("p95 < 1s"))
    (said,) = caplog.messages
    assert said.startswith("can't write the JUnit report to ")


def test_that_a_report_can_not_be_written_is_said_when_the_run_begins(played, tmp_path, caplog):
    (tmp_path / "file").touch()
    file = JunitFile(tmp_path / "file" / "junit.xml", played.about)
    file.started(played.verdict("p95 < 1s"))
    (said,) = caplog.messages
    assert said.startswith("can't write the JUnit report to ")


def test_the_report_on_the_test_before_is_gone_when_the_next_one_begins(played, tmp_path):
    ours, other = tmp_path / "ours.xml", tmp_path / "other.xml"
    JunitFile(ours, played.about).ended(played.verdict("p95 < 1s"))
    other.write_text("<testsuites name='mine'/>")
    for file in (ours, other):
        JunitFile(file, played.about).started(played.verdict("p95 < 1s"))
    assert [*tmp_path.iterdir()] == [other]


def test_the_report_replaces_an_earlier_one_whole(played, tmp_path):
    file = tmp_path / "junit.xml"
    file.write_text("<testsuites/>" + " " * 100_000)
    JunitFile(file, played.about).ended(played.verdict("p95 < 1s"))
    assert [path.name for path in tmp_path.iterdir()] == ["junit.xml"]
    assert read(file.read_text(encoding="utf-8")).tests == 1


@pytest.mark.parametrize("rules", ["p95 < 1ms", "p95 < 1s"])
def test_a_breach_that_fails_nothing_is_told_too(played, rules):
    ((case,),) = read(as_junit(played.verdict(f"{rules} else warn"), played.about))
    assert ("When: " in case.system_out) == (rules == "p95 < 1ms")
    assert case.system_out.startswith("p95 was 900 ms over the run (100 requests)")
