"""Locust as a library: a program's own environment under guard."""

from __future__ import annotations

import json
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from locust import User, constant, task
from locust.env import Environment

import guard
from guard.rule import Outcome

LINE = "p95 < 1s"
PACK = Path(__file__).parents[1] / "rules" / "smoke.yaml"


class Busy(User):
    """Makes up requests."""

    wait_time = constant(0.01)

    @task
    def request(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=50, response_length=0, exception=None,
            context={},
        )  # fmt: skip


@pytest.fixture
def environment():
    environment = Environment(user_classes=[Busy])
    yield environment
    if environment.runner is not None:
        environment.runner.quit()


def wait_for_request(environment):
    """Wait for one to be counted."""
    made = Event()
    environment.events.request.add_listener(lambda **_: made.set())
    assert made.wait(10)


def test_a_verdict_replaces_no_other_file(environment, tmp_path):
    path = rules_file(tmp_path)
    with pytest.raises(ValueError, match="which is there already, and is no verdict"):
        guard.attach(environment, path, json_file=path)
    assert not hasattr(environment, "guard")
    assert LINE in path.read_text()


def test_a_report_replaces_nothing_but_a_report(environment, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html>\n<p>mine")
    with pytest.raises(ValueError, match="is there already, and is no report of locust-guard"):
        guard.attach(environment, ["p95 < 1s"], html_file=path)
    assert "mine" in path.read_text()


def rules_file(folder, text=f"rules: [{LINE}]"):
    path = folder / "rules.yaml"
    path.write_text(text)
    return path


def test_two_reports_need_two_files(environment, tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "report")
    with pytest.raises(ValueError, match="report can't hold more than one report"):
        guard.attach(
            environment,
            [LINE],
            json_file=tmp_path / "link.json",
            junit_file=tmp_path / "report",
        )
    with pytest.raises(ValueError, match=r"the JUnit report can't be kept in .*, which is no file"):
        guard.attach(environment, [LINE], junit_file=tmp_path)
    assert not hasattr(environment, "guard")


def test_rules_may_be_a_file_or_its_rules_or_lines(environment, tmp_path):
    path = rules_file(tmp_path)
    for rules in (path, str(path), guard.load_rules(path), [LINE]):
        environment = Environment()
        checker = guard.attach(environment, rules)
        assert environment.guard is checker
        assert checker.verdict is None, "no test has begun"
        assert checker.conclude() is None


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        pytest.param(["p955 < 1s"], "rule 1: unknown metric 'p955'", id="a bad line"),
        pytest.param([], "there are no rules to guard by", id="none"),
        pytest.param([LINE, *guard.load_rules(PACK)], "neither all lines", id="both"),
        pytest.param("nowhere.yaml", "nowhere.yaml", id="no such file"),
    ],
)
def test_what_is_no_rules_is_refused_and_leaves_the_environment_alone(
    environment, rules, complaint
):
    with pytest.raises((guard.RulesError, ValueError), match=complaint):
        guard.attach(environment, rules)
    assert not hasattr(environment, "guard")


def test_an_environment_has_one_guard(environment):
    guard.attach(environment, [LINE])
    with pytest.raises(ValueError, match="guarded already"):
        guard.attach(environment, [LINE])


def test_a_test_is_stopped_and_its_verdict_is_final_when_the_runner_has_quit(
    environment, tmp_path, capfd, monkeypatch
):
    """The runner may come after the guard; nothing is printed, also where CI would read it."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    file, junit = tmp_path / "verdict.json", tmp_path / "junit.xml"
    rules = ["max < 10ms else stop"]
    checker = guard.attach(environment, rules, json_file=file, junit_file=junit)
    runner = environment.create_local_runner()
    runner.start(1, spawn_rate=10)
    with gevent.Timeout(20):
        runner.greenlet.join()  # it ends with runner.quit()
    assert (checker.verdict.outcome, checker.verdict.final) == (Outcome.FAIL, True)
    assert checker.conclude() == checker.verdict
    written = json.loads(file.read_text())
    assert (written["final"], written["stopped"], written["exit_code"]) == (True, True, 3)
    assert 'failures="1"' in junit.read_text()
    assert environment.process_exit_code is None, "the program's to set"
    assert capfd.readouterr() == ("", "")


def test_the_next_test_is_guarded_afresh(environment):
    checker = guard.attach(environment, ["max < 10ms"])
    runner = environment.create_local_runner()
    verdicts = []
    for _ in range(2):
        runner.start(1, spawn_rate=10)
        wait_for_request(environment)
        runner.stop()
        verdicts.append(checker.verdict)
    assert [(v.outcome, v.final, v.stopped) for v in verdicts] == [(Outcome.FAIL, True, False)] * 2
    assert verdicts[0] is not verdicts[1]


def test_two_environments_are_judged_each_by_its_own_rules():
    strict, lenient = (Environment(user_classes=[Busy]) for _ in range(2))
    checkers = [
        guard.attach(strict, ["max < 10ms else stop"]),
        guard.attach(lenient, ["max < 10s"]),
    ]
    for environment in (strict, lenient):
        environment.create_local_runner().start(1, spawn_rate=10)
    with gevent.Timeout(20):
        strict.runner.greenlet.join()
    assert checkers[0].verdict.final
    assert not checkers[1].verdict.final
    assert lenient.runner.user_count == 1, "goes on"
    lenient.runner.quit()
    assert [checker.verdict.outcome for checker in checkers] == [Outcome.FAIL, Outcome.PASS]


def test_a_program_that_fires_quitting_gets_the_exit_code_as_locust_does(environment):
    guard.attach(environment, ["max < 10ms"])
    environment.create_local_runner().start(1, spawn_rate=10)
    wait_for_request(environment)
    environment.events.quitting.fire(environment=environment, reverse=True)
    assert environment.process_exit_code == 3
