"""A master and its workers."""

from __future__ import annotations

import json
import signal

import pytest

STOP_ON_SLOW = """
rules:
  - p95 of "GET /" < 500ms over 2s for 2s else stop
"""
WITHOUT_GUARD = {"sitecustomize.py": "import sys\nsys.modules['guard'] = None\n"}


def test_processes(start, ports):
    """The window is widened to two worker report intervals, and that is said."""
    run = start("-u", "2", "-t", "60s", "--processes", "2", *ports, "--slow-after", "4",
                rules=STOP_ON_SLOW)  # fmt: skip
    assert run.exit_code() == 3
    assert run.says("its window is widened to 6s, because workers report only every 3s")
    verdict = run.verdict
    assert verdict["reason"].startswith("p95 of GET / was 900 ms over 6 s (")
    assert 6 <= verdict["stopped_at"] <= 4 + 6 + 2 + 4
    assert len(run.verdict_lines()) == 1
    assert "Traceback" not in run.output


def test_a_good_run_distributed_exits_0(start, ports):
    run = start("-u", "2", "-t", "12s", "--processes", "2", *ports, "--fail-every", "100",
                rules="rules: [fail_ratio < 5%, p95 of / < 500ms over 1s]")  # fmt: skip
    assert run.exit_code() == 0
    assert 0 < run.verdict["rules"][0]["value"] < 0.05


def test_a_worker_without_the_guard(start, ports):
    """Only the master judges; a worker needs nothing but the locustfile."""
    worker = start("--worker", *ports, command="plain", headless=False, files=WITHOUT_GUARD,
                   env={"PYTHONPATH": "."})  # fmt: skip
    master = start("--master", *ports, "-u", "2", "-t", "60s", "--slow-after", "4",
                   rules=STOP_ON_SLOW)  # fmt: skip
    assert master.exit_code() == 3
    assert worker.exit_code() == 0
    assert master.verdict["outcome"] == "fail"
    assert not worker.verdict_file.exists()


def test_the_final_judgement_has_the_last_worker_reports(start, ports):
    """What was done since the reports before is known only from those sent at the end (X3)."""
    run = start("-u", "2", "-t", "5s", "--processes", "2", *ports, "--json",
                rules="rules: [requests > 1]")  # fmt: skip
    assert run.exit_code() == 0
    text = run.output
    stats = json.loads(text[text.rindex("[\n    {") : text.rindex("]") + 1])
    assert run.verdict["rules"][0]["requests"] == sum(entry["num_requests"] for entry in stats)


def test_a_steady_load_is_not_stopped_for_its_lumps(start, ports):
    """A window of ten seconds holds two to four reports of a worker (N4)."""
    run = start("-u", "2", "-t", "22s", "--processes", "2", *ports, "--slow-after", "1", "--ms",
                "900", "--slow-ms", "50", rules="""
rules:
  - rps > 80 over 10s after ramp-up else stop
  - rps < 110 over 10s after ramp-up else stop
  - max < 500ms after ramp-up else stop
""")  # fmt: skip
    assert run.exit_code() == 0, run.output
    assert all(rule["requests"] > 0 for rule in run.verdict["rules"])


@pytest.mark.lost_workers
def test_a_master_without_any_worker_left_is_no_pass(start, ports):
    """The master alone would go on for ever, and pass (S7)."""
    worker = start("--worker", *ports, command="plain", headless=False, files=WITHOUT_GUARD,
                   env={"PYTHONPATH": "."})  # fmt: skip
    master = start("--master", *ports, "-u", "2", "-t", "300s", rules="""
rules:
  - p95 < 1s
  - requests < 1 over 6s else warn
""")  # fmt: skip
    master.says("breached at")  # the second rule tells that there were requests
    worker.signal(signal.SIGKILL)
    assert master.exit_code() == 4
    assert master.verdict["reason"].startswith("all workers were gone at ")
    assert master.verdict["final"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_on_the_master(start, ports, number):
    """SIGTERM fires ``quitting`` twice (S4): the verdict is left once."""
    run = start("-u", "2", "-t", "60s", "--processes", "2", *ports,
                rules="rules: [p95 < 1ms over 6s]")  # fmt: skip
    run.says("breached at")
    run.signal(number)
    assert run.exit_code() == 3
    assert run.verdict["final"] is True
    assert len(run.verdict_lines()) == 1
