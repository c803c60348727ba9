"""Rules that are ``surely``, in real processes: what is stopped, what is not, and what is said."""

from __future__ import annotations

import re

import pytest

RULES = """
rules:
  - fail_ratio of / < 2% surely else stop
"""
SURELY = r"surely \(less than one false stop in 30 days\)"

GOES_BAD = """
@events.test_start.add_listener
def fail_from_then_on(environment, **_):
    def go_bad():
        environment.parsed_options.fail_every = 5
    gevent.spawn_later(4, go_bad)
"""


@pytest.fixture
def going_bad(scripted):
    """One request in a hundred fails, and after four seconds one in five."""
    return "import gevent\n" + scripted + GOES_BAD


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["standalone", "processes"])
def test_a_run_that_goes_bad_is_stopped_on_evidence(start, ports, going_bad, processes):
    """With 100 requests a second it takes a second or two, with workers up to two reports more."""
    run = start("-u", "2", "-t", "60s", "--fail-every", "100", *processes,
                *(ports if processes else ()), rules=RULES, locustfile=going_bad)  # fmt: skip
    assert run.exit_code() == 3
    verdict = run.verdict
    assert verdict["stopped"] is True
    assert 4 < verdict["stopped_at"] < (16 if processes else 9)
    rule = verdict["rules"][0]
    said = (
        rf"fail_ratio of / was [\d.]+% over \d+ s \({rule['requests']} requests\), must be < 2%, "
    )
    assert re.fullmatch(said + SURELY, verdict["reason"])
    assert (rule["state"], rule["outcome"], rule["evidence"]) == ("breached", "fail", 1.0)
    assert 0.02 < rule["value"] <= 0.25
    assert rule["pending_at"] < rule["breached_at"] == verdict["stopped_at"]
    assert run.says("stopping the run: " + verdict["reason"])
    assert "its window is widened" not in run.output
    assert "Traceback" not in run.output


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["standalone", "processes"])
def test_a_healthy_run_is_not_stopped(start, ports, processes):
    """One request in fifty fails, which is the limit itself."""
    run = start("-u", "2", "-t", "12s", "--fail-every", "50", *processes,
                *(ports if processes else ()), rules=RULES)  # fmt: skip
    assert run.exit_code() == 0, run.output
    rule = run.verdict["rules"][0]
    assert (rule["state"], rule["outcome"]) == ("ok", "pass")
    assert 0 <= rule["evidence"] < 0.5
    assert rule["requests"] > 500
    assert re.search(r"fail_ratio surely else stop +/ +[\d.]+% +< 2% +ok \d+% +pass", run.output)


def test_a_slow_run_is_stopped_on_evidence(start):
    run = start("-u", "2", "-t", "60s", "--slow-after", "4", rules="""
rules:
  - p95 of each * < 500ms surely 1h after ramp-up else stop
""")  # fmt: skip
    assert run.exit_code() == 3
    assert 4 < run.verdict["stopped_at"] < 7
    assert re.fullmatch(
        r"p95 of GET / was 900 ms over [12] s \(\d+ requests\), must be < 500 ms, "
        r"surely \(less than one false stop in 1h\)",
        run.verdict["reason"],
    )


def test_evidence_that_is_not_enough_is_told(start, scripted):
    """A few failures at the start, and the run ends before there are more of them."""
    ends = scripted.replace("fails = ", "fails = Scripted.made in (10, 20, 30, 40, 50) and ")
    run = start("-u", "2", "-t", "2s", "--fail-every", "1", rules=RULES, locustfile=ends)
    assert run.exit_code() == 0
    rule = run.verdict["rules"][0]
    assert 0.1 < rule["evidence"] < 1
