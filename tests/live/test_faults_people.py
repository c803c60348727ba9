"""What people do at a run: statistics cleared, users added and taken away."""

from __future__ import annotations

import os
import pty
import re
import signal
import time
from collections.abc import Callable, Iterator

import pytest

STANDALONE_AND_MASTER = pytest.mark.parametrize(
    "processes", [[], ["--processes", "2"]], ids=["standalone", "master"]
)


def until(what: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@STANDALONE_AND_MASTER
@pytest.mark.promised("statistics are cleared in the web UI during the run")
def test_statistics_cleared(start, ports, ui, promise, processes):
    """The counters go back to zero; no difference is negative (N2)."""
    run = start(
        *("--autostart", *ui.options, "-u", "2", "--fail-every", "4", *processes, *ports),
        rules="rules: [requests > 0, failures < 1 over 6s else warn, rps > 0 else warn]",
        headless=False,
    )
    run.says("guarding by")  # so the web UI is up
    until(lambda: ui.requests() >= 200)
    ui.reset()
    run.says("breached at")
    run.signal(signal.SIGTERM)
    counted, failures, rate = promise.is_kept_by(run)["rules"]
    shown = re.search(r"Aggregated +(\d+) +\d+\(", run.output)  # by Locust's report at the end
    assert shown is not None
    assert counted["value"] > int(shown[1]) + 50
    assert failures["value"] > 0
    assert rate["worst"] >= 0


@STANDALONE_AND_MASTER
@pytest.mark.promised("the number of users is changed in the web UI during the run")
def test_users_changed_in_the_ui(start, ports, ui, promise, processes):
    """It is the same test, and judged as one."""
    run = start(
        *("--autostart", *ui.options, "-u", "2", *processes, *ports),
        rules="rules: [requests > 100, users < 5 else warn]",
        headless=False,
    )
    run.says("guarding by")  # so the web UI is up
    until(lambda: ui.stats()["state"] == "running")
    ui.start(user_count=6)
    run.says("breached at")
    ui.start(user_count=1)
    run.says("recovered at")
    until(lambda: ui.requests() > 110)
    run.signal(signal.SIGTERM)
    promise.is_kept_by(run)


@pytest.fixture
def keyboard() -> Iterator[tuple[int, Callable[[str], None]]]:
    """A terminal's end for a process to read from, and what types at the other one."""
    ours, theirs = pty.openpty()
    yield theirs, lambda keys: os.write(ours, keys.encode())
    os.close(ours)
    os.close(theirs)


@pytest.mark.promised("users are added and taken away with the keys `w` and `s`")
def test_users_changed_by_keys(start, keyboard, promise):
    terminal, type_keys = keyboard
    rules = "rules: [requests > 0, users < 2 else warn]"
    run = start("-u", "1", rules=rules, stdin=terminal)
    run.says(" total users)")
    type_keys("w")
    run.says("breached at")
    type_keys("s")
    run.says("recovered at")
    run.signal(signal.SIGINT)
    promise.is_kept_by(run)


STAGES = """
from locust import LoadTestShape

class Stages(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return (1 + int(seconds // 2), 10) if seconds < 8 else None
"""


@pytest.mark.promised("`--reset-stats` with a shape of several stages")
def test_statistics_reset_at_every_stage(start, scripted, promise):
    """Each stage ends with a ramp-up, and each of these clears the counters (N2)."""
    run = start("--reset-stats", "--fail-every", "10", locustfile=scripted + STAGES, rules="""
rules: [fail_ratio < 50% else stop, rps > 0 over 2s else stop, requests > 100]
""")  # fmt: skip
    verdict = promise.is_kept_by(run)
    assert sum("Resetting stats" in line for line in run.lines) >= 3
    assert all(rule["worst"] > 0 for rule in verdict["rules"])
