"""What each CI service is told, in its own words."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.effects.ci import AUTO, OFF, SERVICES, azure, github, job_link, service_of, teamcity
from guard.effects.ci.service import Report
from guard.effects.ci_report import CiReport, Job
from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Outcome
from guard.terminal import defused, visible

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "shop/load",
    "GITHUB_RUN_ID": "42",
}
GITLAB = {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.example/shop/load/-/jobs/42"}
AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/shop/",
    "SYSTEM_TEAMPROJECT": "Load tests",
    "BUILD_BUILDID": "42",
}
TEAMCITY = {"TEAMCITY_VERSION": "2025.03", "BUILD_URL": "https://tc.example/build/42"}
JENKINS = {
    "JENKINS_URL": "https://jenkins.example/",
    "BUILD_URL": "https://jenkins.example/job/a/42/",
}

BEGAN = 1767268800.4
"""2026-01-01T12:00:00+00:00, and a bit."""

RULES = (
    "fail_ratio of /a < 10% over 2s for 2s else stop",
    "p95 of /none < 1s",
    "{name: Fast, check: p95 < 1ms, over: 2s, else: warn, because: 'a, b: 100%'}",
    "fail_ratio < 90%",
)


@pytest.mark.parametrize(
    ("environ", "name", "link"),
    [
        (GITHUB, "github", "https://github.com/shop/load/actions/runs/42"),
        (GITLAB, "gitlab", "https://gitlab.example/shop/load/-/jobs/42"),
        (AZURE, "azure", "https://dev.azure.com/shop/Load%20tests/_build/results?buildId=42"),
        (TEAMCITY, "teamcity", "https://tc.example/build/42"),
        (JENKINS, "jenkins", "https://jenkins.example/job/a/42/"),
        ({"GITHUB_ACTIONS": "true"}, "github", None),
        ({"TF_BUILD": "True"}, "azure", None),
        ({**JENKINS, "BUILD_URL": "javascript:alert(1)"}, "jenkins", None),
        ({"GITHUB_ACTIONS": "", "TEAMCITY_VERSION": "", "CI": "true"}, None, None),
    ],
)
def test_a_service_is_known_by_its_environment(environ, name, link):
    service = service_of(AUTO, environ)
    assert (service.name if service else None) == name
    assert job_link(environ) == link
    assert service_of(OFF, environ) is None


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_be_named(name):
    assert service_of(name, {}).name == name


@pytest.fixture
def tell_service(played, tmp_path):
    """Reports a verdict to a service. Gives what it was told on the standard output."""

    def tell(environ, verdict, junit_file=None, **changes):
        (tmp_path / "rules.yaml").touch()
        out = io.StringIO()
        job = Job(service_of(AUTO, environ), environ, tmp_path, out)
        CiReport(job, replace(played.about, **changes), BEGAN, junit_file).closed(verdict, 3)
        begin, *lines = out.getvalue().split("\n") or [""]
        assert begin == "", "a command begins a line"
        return lines[:-1]

    return tell


def test_github_gets_an_annotation_for_each_failed_rule_at_its_line(played, tell_service, tmp_path):
    environ = {**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}
    assert tell_service(environ, played.verdict(*RULES)) == [
        "::error file=rules.yaml,line=2,col=5,title=locust-guard%3A fail_ratio of /a < 10%25"
        "::fail_ratio of /a was 50%25 over 2 s (20 requests), must be < 10%25",
        "::error file=rules.yaml,line=3,col=5,title=locust-guard%3A p95 of /none < 1s"
        "::'p95 of /none < 1s' had no data: there were no requests of /none",
        "::warning file=rules.yaml,line=4,col=5,title=locust-guard%3A Fast"
        "::Fast: p95 was 900 ms over 2 s (20 requests), must be < 1 ms (a, b: 100%25)",
    ]


def test_a_path_is_that_in_the_repository(played, tell_service, tmp_path):
    """Where the rules are elsewhere, the message says where."""
    verdict = played.verdict("p95 < 1ms")
    (line,) = tell_service({**GITHUB, "GITHUB_WORKSPACE": str(tmp_path.parent)}, verdict)
    assert line.startswith(f"::error file={tmp_path.name}/rules.yaml,line=2,col=5,title=")
    (line,) = tell_service({**GITHUB, "GITHUB_WORKSPACE": str(tmp_path / "src")}, verdict)
    assert line.startswith("::error title=locust-guard%3A p95 < 1ms::p95 was 900 ms")
    assert line.endswith(" (rules.yaml:2:5)")


def test_of_many_failed_rules_as_many_are_sent_as_are_shown(played, tell_service, tmp_path):
    rules = [f"p95 < {number}ms" for number in range(1, 31)]
    warn = [f"max < {number}ms else warn" for number in range(1, 13)]
    environ = {**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}
    lines = tell_service(environ, played.verdict(*rules, *warn))
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[9].endswith("; 20 more rules are in the log")
    assert lines[19].endswith("; 2 more rules are in the log")


def test_a_rule_on_many_entries_is_one_issue(played, tell_service):
    verdict = played.verdict("p95 of each * < 1ms over 2s", names=("/a", "/b", "/c"))
    (line,) = tell_service(GITHUB, verdict)
    assert "p95 of GET /a was 900 ms" in line
    assert " (and 2 more)" in line


def test_a_run_that_no_rule_explains_is_an_error_of_its_own(played, tell_service):
    verdict = replace(
        played.verdict("p95 < 1s"), outcome=Outcome.ERROR, reason="ValueError: a\n::error::b"
    )
    assert tell_service(GITHUB, verdict) == [
        r"::error title=locust-guard%3A Checkout%3A error::ValueError: a\n::error::b"
    ]


def test_a_loss_of_all_workers_is_told_beside_a_rule_without_data(played, tell_service):
    guard = Guard(parse_rules(b"rules: [p95 of /none < 1s]", "rules.yaml"))
    guard.distrust = "all workers were gone at 4 s"
    lost, without_data = tell_service(GITHUB, guard.verdict())
    assert "::all workers were gone at 4 s; also not passed: " in lost
    assert "'p95 of /none < 1s' was not judged" in without_data


def test_nothing_is_printed_on_a_run_that_passed(played, tmp_path):
    for environ in (GITHUB, GITLAB, AZURE, TEAMCITY, JENKINS):
        out = io.StringIO()
        job = Job(service_of(AUTO, environ), environ, tmp_path, out)
        CiReport(job, played.about, BEGAN).closed(played.verdict("p95 < 1s"), 0)
        assert out.getvalue() == ""


def test_gitlab_gets_a_section_around_the_table(played, tmp_path):
    """At its beginning and the run's duration, in seconds since 1970."""
    verdict = replace(played.verdict("p95 < 1s"), duration=30.0)
    job = Job(service_of(AUTO, GITLAB), GITLAB, tmp_path, io.StringIO())
    assert CiReport(job, played.about, BEGAN).fold(verdict) == (
        "\x1b[0Ksection_start:1767268830:locust_guard\r\x1b[0KCheckout: pass",
        "\x1b[0Ksection_end:1767268830:locust_guard\r\x1b[0K",
    )


def test_azure_gets_issues_a_summary_and_the_test_results(played, tell_service, tmp_path):
    junit = tmp_path / "j;[u]nit.xml"
    junit.touch()
    temporary = tmp_path / "temporary"
    environ = {
        **AZURE,
        "BUILD_SOURCESDIRECTORY": str(tmp_path),
        "AGENT_TEMPDIRECTORY": str(temporary),
    }
    lines = tell_service(environ, played.verdict(*RULES), junit, title="50% [a];b")
    (kept,) = temporary.iterdir()
    assert lines == [
        "##vso[task.logissue type=error;sourcepath=rules.yaml;linenumber=2;columnnumber=5;]"
        "fail_ratio of /a was 50%AZP25 over 2 s (20 requests), must be < 10%AZP25",
        "##vso[task.logissue type=error;sourcepath=rules.yaml;linenumber=3;columnnumber=5;]"
        "'p95 of /none < 1s' had no data: there were no requests of /none",
        "##vso[task.logissue type=warning;sourcepath=rules.yaml;linenumber=4;columnnumber=5;]"
        "Fast: p95 was 900 ms over 2 s (20 requests), must be < 1 ms (a, b: 100%AZP25)",
        f"##vso[task.uploadsummary]{kept}",
        "##vso[results.publish type=JUnit;mergeResults=false;runTitle=50%AZP25 [a%5D%3Bb;"
        f"publishRunAttachments=true;resultFiles={tmp_path}/j%3B[u%5Dnit.xml;]",
    ]
    assert kept.name == f"locust-guard-{os.getpid()}-1767268810.md"
    assert kept.read_text(encoding="utf-8").startswith("### \u274c 50% &#91;a&#93;;b: fail\n")


def test_azure_gets_a_group_around_the_table(played, tmp_path):
    job = Job(service_of(AUTO, AZURE), AZURE, tmp_path, io.StringIO())
    assert CiReport(job, played.about, BEGAN).fold(played.verdict("p95 < 1s")) == (
        "##[group]Checkout: pass", "##[endgroup]",
    )  # fmt: skip


def test_teamcity_gets_problems_and_the_test_results(played, tell_service, tmp_path):
    junit = tmp_path / "it's.xml"
    junit.touch()
    lines = tell_service(TEAMCITY, played.verdict(*RULES), junit)
    again = tell_service(TEAMCITY, played.verdict(*RULES, users=1), junit)
    identities = [re.search(r"identity='(locust-guard-\w{16})'", line)[1] for line in lines[:2]]
    assert identities == [re.search(r"identity='(.+)'", line)[1] for line in again[:2]]
    for number, identity in enumerate(identities, start=1):
        lines = [line.replace(identity, f"locust-guard-{number}") for line in lines]
    assert lines == [
        "##teamcity[buildProblem description='locust-guard: fail_ratio of /a was 50% over 2 s "
        "(20 requests), must be < 10% (rules.yaml:2:5)' identity='locust-guard-1']",
        "##teamcity[buildProblem description='locust-guard: |'p95 of /none < 1s|' had no data: "
        "there were no requests of /none (rules.yaml:3:5)' identity='locust-guard-2']",
        "##teamcity[message text='locust-guard: Fast: p95 was 900 ms over 2 s (20 requests), must "
        "be < 1 ms (a, b: 100%) (rules.yaml:4:5)' status='WARNING']",
        f"##teamcity[importData type='junit' path='{tmp_path}/it|'s.xml']",
    ]


@pytest.mark.parametrize(
    ("escape", "text", "escaped"),
    [
        (github.message_text, "50%:\r\n,", "50%25:%0D%0A,"),
        (github.property_text, "50%:\r\n,", "50%25%3A%0D%0A%2C"),
        (azure.message_text, "50%;\r\n]", "50%AZP25;%0D%0A]"),
        (azure.property_text, "50%;\r\n]", "50%AZP25%3B%0D%0A%5D"),
        (teamcity.value_text, "it's |[a]\r\n", "it|'s |||[a|]|r|n"),
        (teamcity.value_text, "ü💣\t", "|0x00FC|0xD83D|0xDCA3|0x0009"),
    ],
)
def test_the_escapes_of_each_service(escape, text, escaped):
    assert escape(text) == escaped


ENVIRONMENTS = [GITHUB, GITLAB, AZURE, TEAMCITY]
STARTS = (
    "::error ", "::warning ",
    "##vso[task.logissue type=", "##vso[results.publish type=JUnit;", "##vso[task.uploadsummary]",
    "##teamcity[buildProblem description='", "##teamcity[message text='",
    "##teamcity[importData type='junit' path='",
)  # fmt: skip


def check_only_own_commands(lines: list[str]) -> None:
    """Each line is one command, of those that we give, and has no other in it."""
    for line in lines:
        assert line.startswith(STARTS)
        assert not re.search(r"##\w*\[", line[2:])
        assert visible(line) == line
        assert len(line) < 8000
        if line.startswith("##teamcity["):
            body = line.removeprefix("##teamcity[").removesuffix("]")
            assert "]" not in body.replace("||", "").replace("|]", "")


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=lambda environ: next(iter(environ)))
def test_a_hostile_text_gives_no_command(played, tell, tell_service, hostile, environ):
    verdict = tell(played.verdict(*RULES, "p95 < 1ms"), hostile)
    lines = tell_service(environ, verdict, title=hostile, host=hostile) if environ != GITLAB else []
    check_only_own_commands(lines)
    assert len(lines) == (0 if environ == GITLAB else 4)


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=lambda environ: next(iter(environ)))
def test_no_text_gives_a_command(played, tell, tmp_path, environ):
    verdict = tell(played.verdict(*RULES), "")
    service = service_of(AUTO, environ)

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=100) | st.text("#[]:;\n\r|'%vsoerc teamcity", max_size=60))
    def check(text):
        report = Report(
            tell(verdict, text), replace(played.about, title=text), BEGAN, environ, tmp_path
        )
        check_only_own_commands(list(service.commands(report)))
        for line in service.fold(report) if service.fold else ():
            own = re.sub(r"^\x1b\[0Ksection_\w+:\d+:locust_guard\r\x1b\[0K|^##\[\w+\]", "", line)
            assert defused(visible(own)) == own

    check()


def test_a_summary_that_cannot_be_left_is_said_and_the_rest_is_told(
    played, tell_service, tmp_path, caplog
):
    environ = {**GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "where")}
    lines = tell_service(environ, played.verdict("p95 < 1ms"))
    assert len(lines) == 1
    (said,) = caplog.messages
    assert said.startswith("can't leave a summary for GitHub Actions: ")


def test_the_summary_of_a_step_is_added_to(played, tell_service, tmp_path):
    """And is no longer than GitHub takes, in all."""
    summary = tmp_path / "summary.md"
    summary.write_text("of others")
    environ = {**GITHUB, "GITHUB_STEP_SUMMARY": str(summary)}
    tell_service(environ, played.verdict("p95 < 1ms"))
    assert summary.read_text(encoding="utf-8").startswith("of others\n\n### \u274c Checkout: fail")
    summary.write_text("x" * (github.MOST_BYTES - 300))
    tell_service(environ, played.verdict(*[f"p95 < {number}ms" for number in range(1, 50)]))
    assert github.MOST_BYTES - 300 < summary.stat().st_size <= github.MOST_BYTES
