"""Listeners and tasks of the user's raise, block, exit, or end the run themselves."""

from __future__ import annotations

import pytest

STOP = "rules: [max < 500ms else stop]"
SLOW = ("-u", "2", "-r", "2", "-t", "60s", "--slow-after", "1")
FAIL, PASS = "rules: [p95 < 1ms]", "rules: [p95 < 1s]"

ENDS = """
import gevent

@task
def end(self):
    if Scripted.made > 20 and not end.has_begun:
        end.has_begun = True
        gevent.spawn(self.environment.runner.quit)

end.has_begun = False
Scripted.tasks = [*Scripted.tasks, end]
"""
"""Ends the run after some requests, however long it took to start."""

RAISES = """
@events.{event}.add_listener
def raise_now(**_):
    raise RuntimeError("a bug in a listener")
"""
EVENTS = ["test_start", "spawning_complete", "request", "test_stopping", "test_stop", "quitting"]


@pytest.mark.parametrize("event", [*EVENTS, "quit"])
@pytest.mark.promised("a listener raises an exception, in whatever event")
def test_a_listener_raises(start, scripted, promise, event):
    """Locust logs it and calls the others."""
    run = start(*SLOW, rules=STOP, locustfile=scripted + RAISES.format(event=event))
    promise.is_kept_by(run, raised="RuntimeError: a bug in a listener")


@pytest.mark.parametrize("event", ["request", "test_stop", "quitting"])
@pytest.mark.promised("a listener raises an exception in a run that passes")
def test_a_listener_raises_in_a_good_run(start, scripted, promise, event):
    """Locust's own rule for the code stands beside a pass (X1)."""
    text = scripted + ENDS + RAISES.format(event=event)
    run = start("-u", "1", rules=PASS, locustfile=text)
    assert promise.is_kept_by(run, raised="RuntimeError: a bug in a listener")["exit_code"] == 0


BLOCKS = """
from gevent.monkey import get_original

@events.{event}.add_listener
def block(**_):
    {sleep}(3)
    print("blocked in {event}", flush=True)
"""


@pytest.mark.parametrize("sleep", ["time.sleep", "get_original('time', 'sleep')"],
                         ids=["yields", "blocks"])  # fmt: skip
@pytest.mark.parametrize("event", ["test_start", "test_stopping", "test_stop", "quitting"])
@pytest.mark.promised("a listener blocks for some seconds")
def test_a_listener_blocks(start, scripted, promise, event, sleep):
    text = scripted + BLOCKS.format(event=event, sleep=sleep)
    run = start(*SLOW, rules=STOP, locustfile=text)
    promise.is_kept_by(run)
    assert sum(line == f"blocked in {event}" for line in run.lines) == 1


EXITS_IN_A_LISTENER = """
import sys

@events.{where}.add_listener
def leave(**_):
    sys.exit({code})
"""
EXITS_IN_A_TASK = """
import sys

@task
def leave(self):
    if Scripted.made > 20:
        sys.exit({code})

Scripted.tasks = [*Scripted.tasks, leave]
"""
INSTALLS = "import guard\nguard.install()\n"
SOMEWHERE = pytest.mark.parametrize("where", ["task", "test_stop", "quitting"])


def that_exits(scripted: str, where: str, code: int) -> str:
    exits = EXITS_IN_A_TASK if where == "task" else ENDS + EXITS_IN_A_LISTENER
    return INSTALLS + scripted + exits.format(where=where, code=code)


@SOMEWHERE
@pytest.mark.parametrize("command", ["guarded", "plain"])
@pytest.mark.promised("`sys.exit(0)` in a task or a listener")
def test_exit_0(start, scripted, promise, where, command):
    """Nobody comes to ask for the exit code (X1)."""
    text = that_exits(scripted, where, 0)
    promise.is_kept_by(start("-u", "1", rules=FAIL, locustfile=text, command=command))


@SOMEWHERE
@pytest.mark.promised("`sys.exit(7)` in a task or a listener, `locust-guard run`")
def test_exit_7(start, scripted, promise, where):
    text = that_exits(scripted, where, 7)
    promise.is_kept_by(start("-u", "1", rules=FAIL, locustfile=text))


@SOMEWHERE
@pytest.mark.promised("`sys.exit(7)` in a task or a listener, `locust` and `guard.install()`")
def test_exit_7_of_plain_locust(start, scripted, promise, where):
    text = that_exits(scripted, where, 7)
    promise.is_kept_by(start("-u", "1", rules=FAIL, locustfile=text, command="plain"))


@SOMEWHERE
@pytest.mark.parametrize("command", ["guarded", "plain"])
@pytest.mark.promised("`sys.exit(7)` in a run that passes")
def test_exit_7_of_a_good_run(start, scripted, promise, where, command):
    text = that_exits(scripted, where, 7)
    promise.is_kept_by(start("-u", "1", rules=PASS, locustfile=text, command=command))


@SOMEWHERE
@pytest.mark.promised("`os._exit(0)` in a task or a listener")
def test_exit_at_once(start, scripted, promise, where):
    """Python itself has no say any more."""
    text = that_exits(scripted, where, 0).replace("sys.exit(", "os._exit(")
    text = text.replace("Scripted.made > 20", "Scripted.made > 150")  # after three seconds
    promise.is_left_by(start("-u", "1", rules="rules: [max < 1ms over 1s]", locustfile=text))


FORKS = """
import gevent
import sys

@events.test_start.add_listener
def fork(**_):
    def go_on():
        if gevent.fork() == 0:
            sys.exit(0)

    gevent.spawn(go_on)
"""


@pytest.mark.promised("a task or a listener forks a process, which exits")
def test_a_fork(start, scripted, promise):
    """It has all that its parent has, and must not take itself for it."""
    promise.is_kept_by(start("-u", "1", "-t", "4s", rules=PASS, locustfile=scripted + FORKS))


QUITS_IN_A_TASK = """
@task
def leave(self):
    if Scripted.made > 20:
        self.environment.runner.quit()

Scripted.tasks = [*Scripted.tasks, leave]
"""
QUITS_IN_A_LISTENER = """
@events.{event}.add_listener
def leave(environment, **_):
    environment.runner.quit()
"""


@pytest.mark.parametrize(
    ("users", "ends"),
    [pytest.param("1", QUITS_IN_A_TASK, id="by itself"), pytest.param("5", ENDS, id="spawned")],
)
@pytest.mark.promised("a task calls `runner.quit()`")
def test_a_task_quits(start, scripted, promise, users, ends):
    promise.is_kept_by(start("-u", users, "-r", "5", rules=FAIL, locustfile=scripted + ends))


@pytest.mark.parametrize("event", ["test_stopping", "test_stop", "quitting"])
@pytest.mark.promised("a listener calls `runner.quit()` while the guard stops the run")
def test_a_listener_quits(start, scripted, promise, event):
    """Locust alone would call its listeners again from within (S3)."""
    text = scripted + QUITS_IN_A_LISTENER.format(event=event)
    promise.is_kept_by(start(*SLOW, rules=STOP, locustfile=text))
