"""The exit code beside what user code wants."""

from __future__ import annotations

import pytest

SETS_CODE = """
from locust import events

@events.quitting.add_listener
def set_code(environment, **_):
    environment.process_exit_code = {code}
"""

RAISES = """

@task
def raise_now(self):
    raise ValueError("a bug in the locustfile")

Scripted.tasks = [*Scripted.tasks, raise_now]
"""

GOOD, BAD = "rules: [p95 < 1s]", "rules: [p95 < 1ms]"


@pytest.mark.parametrize(
    ("users_code", "rules", "code"),
    [
        pytest.param(42, GOOD, 42, id="a user's code outlives a pass"),
        pytest.param(42, BAD, 42, id="a higher code of the user's is not lowered"),
        pytest.param(1, BAD, 3, id="a lower code of the user's does not mask a fail"),
        pytest.param(0, BAD, 3, id="a zero of the user's does not mask a fail"),
        pytest.param(0, GOOD, 0, id="a zero beside a pass stays zero"),
    ],
)
def test_user_code_that_set_an_exit_code(start, scripted, users_code, rules, code):
    """Never lowers a code that the user's own code set."""
    text = scripted + SETS_CODE.format(code=users_code)
    assert start("-u", "1", "-t", "2s", rules=rules, locustfile=text).exit_code() == code


def test_uncaught_exceptions_in_user_code_keep_locusts_own_code(start, scripted):
    """With a pass and uncaught exceptions in user code, Locust's own rule stands."""
    options = ("-u", "1", "-t", "2s", "--exit-code-on-error", "17")
    run = start(*options, rules=GOOD, locustfile=scripted + RAISES)
    assert run.exit_code() == 17
    assert run.verdict["outcome"] == "pass"


def test_uncaught_exceptions_do_not_mask_a_fail(start, scripted):
    run = start("-u", "1", "-t", "2s", rules=BAD, locustfile=scripted + RAISES)
    assert run.exit_code() == 3


def test_a_code_set_in_the_quit_event_is_too_late(start, scripted):
    """Locust has its code by then (X5), and so has the guard."""
    sets_late = """

@events.quit.add_listener
def set_late(**_):
    events.environment.process_exit_code = 42

@events.init.add_listener
def remember(environment, **_):
    events.environment = environment
"""
    run = start("-u", "1", "-t", "2s", rules=BAD, locustfile=scripted + sets_late)
    assert run.exit_code() == 3
    assert "the exit code is" not in run.output


def test_a_void_run_stays_void_whatever_locust_plugins_says(start):
    """What is registered first has the last word (X2), and Locust loads locust-plugins early."""
    pytest.importorskip("locust_plugins", reason="the extra 'test' has it")
    rules = "rules: [p95 < 1ms else void]"
    options = ("-u", "1", "-t", "2s", "--check-rps", "1e6")
    run = start(*options, rules=rules, with_plugins=True)
    assert run.exit_code() == 4
    assert run.says("CHECK FAILED")


@pytest.mark.parametrize("processes", [None, "2"])
def test_an_exception_in_a_listener_of_init_leaves_no_verdict(start, scripted, ports, processes):
    """It is fatal to Locust (X4): no test begins, so nothing is judged, and nothing is green."""
    raises = """

@events.init.add_listener
def set_up(**_):
    raise RuntimeError("a bug in the locustfile")
"""
    distributed = ("--processes", processes, *ports) if processes else ()
    run = start("-u", "1", "-t", "60s", *distributed, rules=GOOD, locustfile=scripted + raises,
                files={"verdict.json": '{"schema": 1, "outcome": "pass"}'})  # fmt: skip
    assert run.exit_code() == 1
    assert not run.verdict_file.exists()
    assert run.verdict_lines() == []
    assert "heard test_start" not in run.output
    assert run.left_over() == []


def test_installing_starts_nothing(start):
    """Locust forks its worker processes after the locustfile is imported (X8)."""
    looks = """
import gc
import gevent
import psutil
import guard

def started():
    process = psutil.Process()
    greenlets = [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet)]
    return len(greenlets), process.num_threads(), len(process.net_connections())

import locust
before = started()
guard.install()
assert started() == before, (before, started())
print("nothing was started", before)
"""
    run = start(command="program", headless=False, files={"program.py": looks})
    assert run.exit_code() == 0, run.output
    assert run.says("nothing was started")


READS_VERDICT = """
from locust import events

@events.quitting.add_listener
def read_verdict(environment, **_):
    verdict = environment.guard.verdict
    print("listener saw", verdict.outcome.value, verdict.exit_code, verdict.rules[0].requests)
"""


@pytest.mark.parametrize("processes", [None, "2"])
def test_listeners_of_quitting_read_the_verdict(start, scripted, ports, processes):
    """They run before the guard's own, yet see the outcome of the final totals."""
    distributed = ("--processes", processes, *ports) if processes else ()
    run = start(
        "-u", "2", "-t", "4s", *distributed, rules=BAD,
        locustfile=scripted + READS_VERDICT.replace(
            "    verdict =", "    if not hasattr(environment, 'guard'): return\n    verdict ="
        ),
    )  # fmt: skip
    assert run.exit_code() == 3
    assert f"listener saw fail 3 {run.verdict['rules'][0]['requests']}" in run.output
