"""A run that was recorded is judged in replay as it was live."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "quickstart"
RECORDER = """

from locust.contrib.csv_request_logger import CsvRequestLogger


@events.init.add_listener
def record(environment, **_):
    CsvRequestLogger("requests.csv").register(environment)
"""

pytestmark = pytest.mark.skipif(
    tuple(map(int, version("locust").split(".")[:2])) < (2, 44), reason="has no CsvRequestLogger"
)


@pytest.mark.parametrize("shop", ["bad", "healthy"])
def test_live_and_replay_agree(start, free_port, shop):
    """The same outcome, the same rules, and moments within one second."""
    run = start(
        *("-u", "20", "-r", "10", "-t", "40s" if shop == "bad" else "14s"),
        *("--shop", shop, "--shop-bad-after", "6", "--shop-port", str(free_port())),
        rules=(FOLDER / "rules.yaml").read_text(),
        locustfile=(FOLDER / "locustfile.py").read_text() + RECORDER,
    )
    code = run.exit_code()
    live, folder = run.verdict, run.verdict_file.parent
    command = [sys.executable, "-m", "guard", "replay", "requests.csv", "--json", "replay.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == code == (3 if shop == "bad" else 0), done.stderr
    replayed = json.loads((folder / "replay.json").read_text())
    for name in ("outcome", "stopped", "exit_code"):
        assert replayed[name] == live[name]
    assert_close(replayed["stopped_at"], live["stopped_at"])
    assert len(replayed["rules"]) == len(live["rules"])
    for ours, theirs in zip(replayed["rules"], live["rules"], strict=True):
        for name in ("name", "entry", "state", "outcome", "threshold"):
            assert ours[name] == theirs[name]
        for moment in ("pending_at", "breached_at", "recovered_at"):
            # A rule on the totals is judged when the run is over, which a recording can't tell
            # from its last answer.
            if theirs["breached_at"] != live["duration"]:
                assert_close(ours[moment], theirs[moment])


def assert_close(ours, theirs):
    """Ticks fall on whole seconds, but for the milliseconds of a live one."""
    assert (ours is None) is (theirs is None)
    if ours is not None:
        assert abs(ours - round(theirs)) <= 1
