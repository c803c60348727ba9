"""One process, headless: how a run ends, its exit code and its verdict."""

from __future__ import annotations

import signal
import time

import pytest

STOP_ON_SLOW = """
rules:
  - p95 of "GET /" < 500ms over 2s for 2s else stop
"""


def test_a_run_that_breaks_a_rule_is_stopped_and_exits_3(start):
    """Over the whole run two good seconds dilute what is slow after them (R4)."""
    run = start("-u", "2", "-t", "60s", "--slow-after", "3", rules=STOP_ON_SLOW)
    assert run.exit_code() == 3
    verdict = run.verdict
    assert verdict["outcome"] == "fail"
    assert verdict["stopped"] is True
    assert verdict["final"] is True
    # Slow from second 3 on: the window is broken at tick 4 at the latest, held at tick 5.
    assert 4 <= verdict["stopped_at"] <= 6
    rule = verdict["rules"][0]
    assert rule["breached_at"] - rule["pending_at"] == pytest.approx(2, abs=0.2)
    assert verdict["reason"] == (
        f"p95 of GET / was 900 ms over 2 s ({rule['requests']} requests), must be < 500 ms"
    )
    assert run.says("stopping the run: " + verdict["reason"])
    assert len(run.verdict_lines()) == 1
    assert "Traceback" not in run.output


def test_a_good_run_exits_0_although_requests_failed(start):
    """Locust alone would exit 1 after a single failed request (X1)."""
    options = ("-u", "2", "-t", "3s", "--fail-every", "50")
    run = start(*options, rules="rules: [fail_ratio < 5%]")
    assert run.exit_code() == 0
    assert run.verdict["outcome"] == "pass"
    assert 0 < run.verdict["rules"][0]["value"] < 0.05
    unguarded = start(*options, "--guard-off", rules="rules: [fail_ratio < 5%]")
    assert unguarded.exit_code() == 1


def test_a_whole_run_rule_is_judged_at_the_end(start):
    run = start("-u", "2", "-t", "3s", "--fail-every", "10", rules="rules: [fail_ratio < 5%]")
    assert run.exit_code() == 3
    assert run.verdict["stopped"] is False
    assert 1 < run.verdict["duration"] < 5


def test_a_run_is_as_long_as_asked_for_however_long_it_took_to_load(start, scripted):
    """Locust's timer starts from when its event loop last looked at the clock: before imports."""
    slow_to_load = """
until = time.monotonic() + 2
while time.monotonic() < until:
    pass
"""
    options = ("-u", "1", "-t", "3s")
    run = start(*options, rules=STOP_ON_SLOW, locustfile=scripted + slow_to_load)
    assert run.exit_code() == 0
    assert run.verdict["duration"] > 2.9
    unguarded = start(*options, "--guard-off", locustfile=scripted + slow_to_load)
    unguarded.says("Ramping to")
    started = time.monotonic()
    unguarded.says("--run-time limit reached")
    assert time.monotonic() - started > 2.5


def test_a_run_without_data_is_inconclusive_and_exits_4(start):
    run = start("-u", "1", "-t", "2s", "--silent", rules="rules: [fail_ratio < 5%]")
    assert run.exit_code() == 4
    assert run.verdict["reason"] == "'fail_ratio < 5%' had no data: there were no requests"


def test_a_rule_whose_requests_never_came_is_not_a_pass(start):
    run = start("-u", "1", "-t", "2s", rules="rules: [fail_ratio < 5%, p95 of /nowhere < 1s]")
    assert run.exit_code() == 4
    assert "no requests of /nowhere" in run.verdict["reason"]


def test_a_misspelt_request_is_said_early_with_what_was_meant(start, scripted):
    named = scripted.replace('name="/"', 'name="/checkout"')
    run = start("-u", "1", "-t", "60s", rules="rules: [p95 of /chekout < 1s]", locustfile=named)
    run.says("guarding by 1 rule")
    assert run.says("there are no requests of /chekout so far; did you mean /checkout?", 15)


@pytest.mark.parametrize(
    ("rule", "code", "outcome", "stopped"),
    [
        pytest.param("requests < 50 else finish", 0, "pass", True, id="finish stops and passes"),
        pytest.param("p95 < 10ms over 1s else warn", 0, "pass", False, id="warn only says so"),
        pytest.param("p95 < 10ms over 1s else void", 4, "inconclusive", False, id="void voids"),
        pytest.param("p95 < 10ms over 1s", 3, "fail", False, id="fail goes on"),
    ],
)
def test_actions(start, rule, code, outcome, stopped):
    """A breach of the rule does what its action says."""
    run = start("-u", "2", "-t", "4s", rules=f"rules:\n  - {rule}\n")
    assert run.exit_code() == code
    assert run.verdict["outcome"] == outcome
    assert run.verdict["stopped"] is stopped
    if not stopped:
        assert 2 < run.verdict["duration"] < 6


def test_rules_after_ramp_up_ignore_what_came_before(start):
    """Spawning takes 2 s; all that is slow comes before its end."""
    locustfile = """
import time
from locust import User, constant, events, task

SPAWNED = []
events.spawning_complete.add_listener(lambda **_: SPAWNED.append(True))

class Slow(User):
    wait_time = constant(0.05)

    @task
    def request(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=20 if SPAWNED else 5000,
            response_length=0, exception=None, context={})
"""
    rules = "rules: [max < 100ms after ramp-up + 1s, max < 1s]"
    run = start("-u", "3", "-r", "1", "-t", "7s", rules=rules, locustfile=locustfile)
    assert run.exit_code() == 3
    after, whole = run.verdict["rules"]
    assert (after["outcome"], after["value"]) == ("pass", 20)
    assert (whole["outcome"], whole["value"]) == ("fail", 5000)


def test_reset_stats_does_not_blind_or_confuse_the_guard(start):
    """The counters go back to zero when spawning is complete (N2); no delta is negative."""
    run = start(
        "-u", "4", "-r", "2", "-t", "6s", "--reset-stats", "--slow-after", "3", rules=STOP_ON_SLOW
    )
    assert run.exit_code() == 3
    assert "Resetting stats" in run.output
    rule = run.verdict["rules"][0]
    assert rule["value"] == 900
    assert 0 < rule["requests"] <= 2.2 * 4 * 50


SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return (1 + int(seconds // 2), 10) if seconds < 6 else None
"""


@pytest.mark.parametrize(
    ("slow_after", "code"),
    [pytest.param("3", 3, id="stopped within the shape"), pytest.param("99", 0, id="to its end")],
)
def test_a_load_test_shape(start, scripted, slow_after, code):
    run = start("--slow-after", slow_after, rules=STOP_ON_SLOW, locustfile=scripted + SHAPE)
    assert run.exit_code() == code
    assert run.verdict["stopped"] is (code == 3)
    assert run.verdict["final"] is True
    assert len(run.verdict_lines()) == 1


BUSY = """
def keep_busy(**_):
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        pass

events.request.add_listener(keep_busy)
"""


@pytest.mark.parametrize(
    ("number", "user"),
    [
        pytest.param(signal.SIGTERM, "", id="SIGTERM"),
        pytest.param(signal.SIGINT, "", id="SIGINT"),
        pytest.param(signal.SIGINT, BUSY, id="SIGINT in user code"),
    ],
)
def test_a_run_ended_by_a_signal_leaves_its_verdict(start, scripted, number, user):
    """Where Ctrl-C lands in a user, gevent alone would print a traceback of that user (S5)."""
    rules = "rules: [fail_ratio < 5%, requests < 1 over 1s else warn]"
    options = ("-u", "1", "-t", "60s", "--fail-every", "2")
    run = start(*options, rules=rules, locustfile=scripted + user)
    run.says("breached at")  # the second rule tells that there were requests
    run.signal(number)
    assert run.exit_code() == 3
    assert run.verdict["final"] is True
    assert len(run.verdict_lines()) == 1
    assert "Traceback" not in run.output


def test_a_killed_run_leaves_the_verdict_so_far(start):
    rules = "rules: [p95 < 10ms over 1s]"
    run = start("-u", "1", "-t", "60s", rules=rules)
    run.says("breached at")
    run.signal(signal.SIGKILL)
    assert run.exit_code() == -signal.SIGKILL
    assert run.verdict["final"] is False
    assert run.verdict["outcome"] == "fail"


def test_the_verdict_file_tells_how_the_run_stands_now_and_then(start):
    """A run killed without a change of state leaves more than its start."""
    run = start("-u", "1", "-t", "60s", rules="rules: [requests > 0, p95 < 1s over 1s]")
    deadline = time.monotonic() + 30
    while not (run.verdict_file.exists() and run.verdict["duration"] > 5):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.signal(signal.SIGKILL)
    assert run.exit_code() == -signal.SIGKILL
    verdict = run.verdict
    assert (verdict["outcome"], verdict["final"]) == ("pass", False)
    assert verdict["duration"] == pytest.approx(10, abs=1)
