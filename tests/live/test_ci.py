"""Reports for CI services, from real runs: what the service's log shows, line by line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import Failure, JUnitXml
from markdown_it import MarkdownIt

FOLDER = Path(__file__).parents[2] / "examples" / "quickstart"
QUICK = ("-u", "1", "-t", "2s")
BAD = "rules: [p95 < 1ms]"
HOSTILE = """
from locust import User, constant, task

class Hostile(User):
    host = "http://shop.example"
    wait_time = constant(0.1)

    @task
    def request(self):
        for name in ("/a\\n::error::name", "##vso[task.complete]", "##teamcity[x]", "\\x1b[2J"):
            self.environment.events.request.fire(
                request_type="GET", name=name, response_time=900, response_length=0, context={},
                exception=Exception("::error::text\\n##vso[task.setvariable variable=x]y"),
            )
"""


@pytest.fixture
def quickstart(start, free_port):
    """Start the quickstart as it stands, until it is stopped at about 13 s."""

    def start_quickstart(*options, env=()):
        return start(
            *("-u", "20", "-r", "10", "-t", "60s", "--shop-port", str(free_port())),
            *("--shop-bad-after", "2", "--guard-junit", "junit.xml", *options),
            rules=(FOLDER / "rules.yaml").read_text(),
            locustfile=(FOLDER / "locustfile.py").read_text(),
            env=dict(env),
        )

    return start_quickstart


def junit_of(run):
    return JUnitXml.fromfile(str(run.verdict_file.parent / "junit.xml"))


def commands_of(run):
    """The lines that a service reads as commands."""
    return [line for line in run.lines if re.search(r"^\s*::|##\w*\[", line)]


def test_the_quickstart_explains_itself_on_github(quickstart, tmp_path):
    summary = tmp_path / "summary.md"
    workspace = str(tmp_path)
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary),
           "GITHUB_WORKSPACE": workspace}  # fmt: skip
    run = quickstart(env=env)
    assert run.exit_code() == 3
    place = "::error file=run0/rules.yaml,line=4,col=5,title=locust-guard%3A p95 of POST /checkout"
    first, *others = commands_of(run)
    assert first.startswith(f"{place} < 500ms::p95 of POST /checkout was ")
    assert all(line.startswith("::error file=run0/rules.yaml,line=3,") for line in others)
    page = MarkdownIt("gfm-like", {"linkify": False}).render(summary.read_text(encoding="utf-8"))
    assert "locustfile.py: fail</h3>" in page
    assert page.count("<tr>") == 4
    assert "Failed most: <code>POST /checkout" in page
    junit = junit_of(run)
    assert junit.tests == 3
    assert [suite.name for suite in junit][1] == "p95 of POST /checkout < 500ms"
    ((case,),) = [suite for suite in junit if suite.name.startswith("p95 of POST")]
    assert case.result[0].message == first.partition("title=")[2].partition("::")[2]


def test_the_quickstart_explains_itself_on_teamcity(quickstart):
    run = quickstart(env={"TEAMCITY_VERSION": "2025.03"})
    assert run.exit_code() == 3
    first, *_, last = commands_of(run)
    assert first.startswith(
        "##teamcity[buildProblem description='locust-guard: p95 of POST /checkout was "
    )
    assert last == (
        f"##teamcity[importData type='junit' path='{run.verdict_file.parent}/junit.xml']"
    )


def test_ci_off(start):
    run = start(*QUICK, "--guard-ci", "off", rules=BAD, env={"GITHUB_ACTIONS": "true"})
    assert run.exit_code() == 3
    assert commands_of(run) == []


def test_a_service_that_there_is_not_is_refused(start):
    run = start(*QUICK, "--guard-ci", "githup", rules=BAD)
    assert run.exit_code() == 2
    assert run.says("'githup' is no CI service; did you mean github? there are auto, off, github")


@pytest.mark.parametrize("env", [{"TF_BUILD": "True"}, {"GITHUB_ACTIONS": "true"}])
def test_no_hostile_text_gives_a_command(start, env):
    """All that comes from us; Locust's own tables print names as they are."""
    run = start("-u", "1", "-t", "4s", "--guard-junit", "junit.xml", locustfile=HOSTILE,
                rules="rules: [p95 of each * < 1ms over 1s else stop, fail_ratio < 1%]",
                env=env)  # fmt: skip
    assert run.exit_code() == 3
    table = next(n for n, line in enumerate(run.lines) if line.startswith("Rule "))
    ours = [line for line in run.lines[:table] if "/guard: " in line] + run.lines[table:]
    commands = [line for line in ours if re.search(r"^\s*::|##\w*\[", line)]
    assert len(commands) == (2 if "GITHUB_ACTIONS" in env else 4)
    starts = ("::error file=", "::error title=", "##[endgroup]",
              "##vso[task.logissue type=error;]", "##vso[results.publish type=JUnit;")  # fmt: skip
    assert all(line.startswith(starts) for line in commands)
    assert "\x1b" not in "".join(ours)
    each, _ = junit_of(run)
    assert {type(case.result[0]) for case in each} == {Failure}
    for report in ("junit.xml", "verdict.json"):
        text = (run.verdict_file.parent / report).read_text(encoding="utf-8")
        assert not re.search(r"^\s*::|##\w*\[", text, re.M)


def test_statistics_on_the_standard_output_are_left_alone(tmp_path, scripted):
    """Locust's --json. The service reads the standard error too."""
    silent = "print = lambda *_, **__: None\n"  # it says what it hears
    (tmp_path / "locustfile.py").write_text(silent + scripted)
    (tmp_path / "rules.yaml").write_text(BAD)
    run = subprocess.run(
        [sys.executable, "-m", "guard", "run", "--headless", *QUICK, "--json"],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_ACTIONS": "true"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 3
    assert json.loads(run.stdout)[0]["num_requests"] > 0
    assert "\n::error title=" in run.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--guard-junit", "rules.yaml"), "rules.yaml is there already, and is no JUnit report"),
        (("--guard-junit", "-"), "--guard-junit: - is no file"),
        (("--guard-junit", "verdict.json"), "verdict.json can't hold more than one"),
        (("--guard-html", "x", "--html", "./x"), "--guard-html and --html: x can't hold more than"),
    ],
)
def test_a_report_replaces_nothing_else(start, options, why):
    run = start(*QUICK, *options, rules=BAD)
    assert run.exit_code() == 2
    assert run.says(why)
    assert run.says("nothing was started; name another file")


def test_the_report_of_an_earlier_run_does_not_outlive_a_refusal(start):
    run = start(*QUICK, "--guard-junit", "junit.xml", rules="rules: [p955 < 1s]",
                files={"junit.xml": '<testsuites name="locust-guard: shop"/>'})  # fmt: skip
    assert run.exit_code() == 2
    assert not (run.verdict_file.parent / "junit.xml").exists()


def test_a_report_that_cannot_be_written_changes_no_exit_code(start):
    run = start(*QUICK, "--guard-junit", "locustfile.py/junit.xml", rules=BAD,
                env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/no/where"})  # fmt: skip
    assert run.exit_code() == 3
    assert "can't write the JUnit report to" in run.output
    assert "can't leave a summary for GitHub Actions" in run.output
    assert len(commands_of(run)) == 1


def test_options_of_reports_come_from_the_environment(start):
    run = start(*QUICK, rules=BAD, env={"LOCUST_GUARD_JUNIT": "out/junit.xml",
                "LOCUST_GUARD_CI": "gitlab"})  # fmt: skip
    assert run.exit_code() == 3
    assert (run.verdict_file.parent / "out" / "junit.xml").exists()
    begin, end = (
        rf"\x1b\[0Ksection_{word}:\d+:locust_guard[\r\n]\x1b\[0K" for word in ("start", "end")
    )
    section = rf"^{begin}locustfile.py: fail$.*^Verdict: fail.*^{end}$"
    assert re.search(section, run.output, re.MULTILINE | re.DOTALL)
