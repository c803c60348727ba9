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
