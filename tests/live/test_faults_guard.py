"""The guard itself breaks, is slow, or does not get its turn."""

from __future__ import annotations

import pytest

STOP = "rules: [max < 500ms else stop]"
SLOW = ("-u", "2", "-t", "60s", "--slow-after", "2")

TICK_RAISES = """
import guard.engine.guard

def crash(self, snapshot, now, go_on):
    raise ZeroDivisionError("a bug in the guard")

guard.engine.guard.Guard.tick = crash
"""


@pytest.mark.parametrize("processes", [None, "2"], ids=["standalone", "master"])
@pytest.mark.promised("an evaluation raises an exception")
def test_an_evaluation_raises(start, scripted, ports, promise, processes):
    """Locust's own recipe would die in silence and leave the run unguarded (R1)."""
    distributed = ("--processes", processes, *ports) if processes else ()
    run = start("-u", "2", "-t", "60s", *distributed, rules=STOP,
                locustfile=scripted + TICK_RAISES)  # fmt: skip
    verdict = promise.is_kept_by(run, raised="ZeroDivisionError: a bug in the guard")
    reason = "the guard itself failed: ZeroDivisionError: a bug in the guard"
    assert verdict["reason"].startswith(reason)  # it may come before the first requests


@pytest.mark.promised("the guard can't start")
def test_it_cannot_start(start, scripted, promise):
    """Locust swallows what listeners of ``test_start`` raise (X4)."""
    breaks = """
import guard.watch

def crash(self):
    raise ZeroDivisionError("a bug in the guard")

guard.watch.Watch.begin = crash
"""
    run = start("-u", "1", "-t", "60s", rules=STOP, locustfile=scripted + breaks)
    promise.is_kept_by(run, raised="ZeroDivisionError: a bug in the guard")


@pytest.mark.promised("the guard's greenlet is killed")
def test_it_is_killed(start, scripted, promise):
    kills = """
import gc, gevent
from guard.watch import Watch

@events.test_start.add_listener
def kill_the_guard(**_):
    def kill():
        for watch in gc.get_objects():
            if isinstance(watch, Watch):
                watch._greenlet.kill()
    gevent.spawn_later(1, kill)
"""
    run = start("-u", "1", "-t", "60s", rules=STOP, locustfile=scripted + kills)
    verdict = promise.is_kept_by(run)
    assert "its greenlet was killed while the test was running" in verdict["reason"]


@pytest.mark.promised("stopping the run raises an exception, too")
def test_its_stop_raises(start, scripted, promise):
    """There is no next evaluation that would try again."""
    breaks = """
@events.init.add_listener
def break_quit_once(runner, **_):
    def quit_badly():
        del runner.quit
        raise RuntimeError("not now")

    runner.quit = quit_badly
"""
    locustfile = scripted + TICK_RAISES.replace("ZeroDivisionError", "RuntimeError") + breaks
    run = start("-u", "1", "-t", "60s", rules=STOP, locustfile=locustfile)
    promise.is_kept_by(run, raised="RuntimeError: ")
    assert run.says("stopping the run failed; trying again")


@pytest.mark.promised("what the guard does at a change of state raises an exception")
def test_an_effect_raises(start, scripted, promise):
    breaks = """
from guard.effects.console import Console

def crash(self, *_):
    raise RuntimeError("no console")

Console.changed = Console.stopping = crash
"""
    run = start(*SLOW, rules=STOP, locustfile=scripted + breaks)
    promise.is_kept_by(run, raised="RuntimeError: no console")
    assert run.says("Console failed; the guard goes on")


@pytest.mark.promised("what the guard does at a change of state takes its time")
def test_an_effect_blocks(start, scripted, promise):
    """Two seconds each that yield to the users, and two that don't."""
    delays = """
from gevent.monkey import get_original
from guard.effects.verdict_file import VerdictFile

def delayed(tell, sleep):
    def wait(self, *what):
        sleep(2)
        tell(self, *what)
    return wait

VerdictFile.changed = delayed(VerdictFile.changed, time.sleep)
VerdictFile.stopping = delayed(VerdictFile.stopping, get_original("time", "sleep"))
"""
    promise.is_kept_by(start(*SLOW, rules=STOP, locustfile=scripted + delays))


@pytest.mark.promised("an evaluation takes longer than a second")
def test_an_evaluation_is_slow(start, scripted, promise):
    """It is said once, with the cause, and each stands for the time that it took."""
    delays = """
from guard.engine.guard import Guard

tick = Guard.tick

def work_long(self, *about):
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        pass
    return tick(self, *about)

Guard.tick = work_long
"""
    run = start("-u", "2", "-t", "60s", "--slow-after", "5", locustfile=scripted + delays, rules="""
rules:
  - max < 500ms over 3s for 3s else stop
  - max < 500ms
  - requests > 0
""")  # fmt: skip
    stopping, whole, counted = promise.is_kept_by(run)["rules"]
    assert (stopping["value"], whole["value"]) == (900, 900)
    assert stopping["breached_at"] - stopping["pending_at"] > 2.5
    assert counted["outcome"] == "pass"
    assert sum("judging the rules once took" in line for line in run.lines) == 1


BLOCKS = """
from gevent.monkey import get_original
from guard.engine.guard import Guard

tick = Guard.tick
ticks = []

def count(self, *about):
    ticks.append(about[1])
    return tick(self, *about)

Guard.tick = count

@task
def block_once(self):
    if ticks and not block_once.done:
        block_once.done = True
        get_original("time", "sleep")({seconds})

block_once.done = False
Scripted.tasks = [*Scripted.tasks, block_once]

@events.quitting.add_listener
def say_ticks(**_):
    print("ticks:", len(ticks), flush=True)
"""


@pytest.mark.parametrize("seconds", [4, 10])
@pytest.mark.promised("user code blocks the event loop for some seconds")
def test_the_event_loop_is_blocked(start, scripted, promise, seconds):
    """``for`` and ``over`` are real time: a late evaluation stands for as long as it is late, and
    what was slow before the block has left the window after it."""
    run = start(
        *("-u", "2", "-r", "2", "-t", "90s", "--ms", "900", "--slow-ms", "50"),
        *("--slow-after", "0.5"),
        locustfile=scripted + BLOCKS.format(seconds=seconds),
        rules=f"""
rules:
  - users < 1 for {seconds + 2}s else stop
  - max < 500ms over {seconds - 1}s else stop
  - max < 500ms else warn
""",
    )
    stopping, window, whole = promise.is_kept_by(run)["rules"]
    assert stopping["breached_at"] - stopping["pending_at"] > seconds + 1.5
    assert int(run.says("ticks: ").split()[1]) < seconds + 2
    assert window["outcome"] == "pass"
    assert whole["value"] == 900
    assert sum("the guard was " in line and " late, because" in line for line in run.lines) == 1
