"""The machine: its clock, its disk, and who reads the output."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

STOP = "rules: [max < 500ms else stop]"
SLOW = ("-u", "2", "-t", "60s", "--slow-after", "4")

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (Debian: libfaketime)")
@pytest.mark.parametrize("shift", ["-1h", "+1h"], ids=["back", "forward"])
@pytest.mark.promised("the wall clock is set back or forward by an hour")
def test_the_clock_is_set(start, scripted, promise, shift):
    """Windows, holds and deadlines are measured by a clock that nobody can set."""
    sets_clock = f"""
from gevent.monkey import get_original, saved
from guard.engine.guard import Guard

tick = Guard.tick

def set_clock(self, snapshot, now, go_on):
    if now > 2 and not set_clock.done:
        set_clock.done = True
        before = time.time()
        os.environ["FAKETIME"] = "{shift}"
        print("wall clock moved by", round(time.time() - before), flush=True)
    return tick(self, snapshot, now, go_on)

set_clock.done = False
Guard.tick = set_clock

# libfaketime gives Python's own sleep a wrong deadline when the clock moves; the kernel does not.
select = get_original("select", "select")
saved["time"]["sleep"] = lambda seconds: select([], [], [], seconds)
"""
    run = start(
        *("-u", "2", "-t", "60s", "--slow-after", "6"),
        locustfile=scripted + sets_clock,
        rules="rules: [max < 500ms over 3s for 2s else stop, silence < 3s else stop, rps > 1]",
        env={"LD_PRELOAD": str(FAKETIME), "FAKETIME": "+0", "FAKETIME_NO_CACHE": "1",
             "DONT_FAKE_MONOTONIC": "1"},
    )  # fmt: skip
    verdict = promise.is_kept_by(run)
    moved = int(run.says("wall clock moved by").split()[-1])
    assert abs(moved) == pytest.approx(3600, abs=60)
    assert 6 <= verdict["stopped_at"] <= verdict["duration"] < 60
    stopping, silence, rate = verdict["rules"]
    assert stopping["breached_at"] - stopping["pending_at"] == pytest.approx(2, abs=1)
    assert (silence["outcome"], rate["outcome"]) == ("pass", "pass")


NO_FILE_CAN_BE_WRITTEN = """
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
SAID = "can't write the verdict"


@pytest.mark.promised("the verdict file can't be written: the disk is full")
def test_the_disk_is_full(start, scripted, promise):
    run = start(*SLOW, rules=STOP, locustfile=scripted + NO_FILE_CAN_BE_WRITTEN)
    promise.is_said_by(run)
    assert sum(SAID in line for line in run.lines) == 1
    assert list(run.verdict_file.parent.glob("*verdict*")) == []


@pytest.mark.promised("the verdict file can't be written: there is no such folder")
def test_the_path_cannot_be_written(start, promise):
    run = start(*SLOW, "--guard-json", "/proc/none/v.json", rules=STOP)
    promise.is_said_by(run)
    assert sum(SAID in line for line in run.lines) == 1


@pytest.mark.promised("the disk becomes full during the run")
def test_the_disk_becomes_full(start, scripted, promise):
    """The file stays as it was: it can't be taken for the last word."""
    fills = f"""
@events.spawning_complete.add_listener
def fill_disk(**_):
    {NO_FILE_CAN_BE_WRITTEN.strip().splitlines()[0]}
    {NO_FILE_CAN_BE_WRITTEN.strip().splitlines()[-1]}
"""
    run = start(*SLOW, rules=STOP, locustfile=scripted + fills)
    promise.is_said_by(run)
    assert sum(SAID in line for line in run.lines) == 1
    assert run.verdict["final"] is False
    assert [file.name for file in run.verdict_file.parent.glob("*verdict*")] == ["verdict.json"]


@pytest.mark.promised("standard output is closed by its reader")
def test_a_reader_that_goes_away(start, promise):
    run = start(*SLOW, rules=STOP)
    run.says("guarding by 1 rule")
    run.stop_reading()
    promise.is_filed_by(run)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")
@pytest.mark.promised("standard output is a full pipe that nobody reads")
def test_a_reader_that_stops_reading(start, promise):
    """Whatever writes a line next waits for ever, and with it the whole process."""
    run = start(*SLOW, "--guard-stop-deadline", "2s", rules=STOP)
    run.says(" total users)")
    run.fill_output()
    promise.is_filed_by(run)


@pytest.mark.promised("the master's port is taken, `--processes N`")
def test_a_taken_port_of_a_master(start, free_port, promise):
    """Locust has forked its workers by then, who would join the other master's test."""
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        run = start("--processes", "2", "--master-bind-host", "127.0.0.1", "--master-bind-port",
                    port, "--master-port", port, rules=STOP)  # fmt: skip
        promise.is_left_by(run, raised="Address already in use")
    assert "heard test_start" not in run.output


@pytest.mark.promised("the port of the web UI is taken, `--autostart`")
def test_a_taken_port(start, free_port, promise):
    """Locust ends at once, without an error, before the test that it was to start."""
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        run = start("--autostart", "--web-host", "127.0.0.1", "--web-port", port, "-u", "1",
                    rules=STOP, headless=False)  # fmt: skip
        promise.is_kept_by(run, raised="Address already in use")
