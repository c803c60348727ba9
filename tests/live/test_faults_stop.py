"""Stopping: at a bad moment, twice, by two at a time, or without end."""

from __future__ import annotations

import os
import signal
import termios

import pytest

STOP = "rules: [max < 500ms else stop]"
TWO_RULES = "rules: [max < 500ms else stop, p95 < 400ms else stop]"
SLOW = ("--slow-after", "0")
STANDALONE_AND_MASTER = pytest.mark.parametrize(
    "processes", [(), ("--processes", "2")], ids=["standalone", "master"]
)


@STANDALONE_AND_MASTER
@pytest.mark.promised("the stop comes while users are being spawned, headless")
def test_while_spawning(start, ports, promise, processes):
    run = start("-u", "120", "-r", "2", "-t", "120s", *SLOW, *processes, *ports, rules=STOP)
    promise.is_kept_by(run)
    assert " total users)" not in run.output


@STANDALONE_AND_MASTER
@pytest.mark.promised("the stop comes while users are being spawned, web UI")
def test_while_spawning_with_a_web_ui(start, ports, ui, promise, processes):
    """A master alone would go on to spawn users after it has been stopped."""
    run = start(
        *("--autostart", *ui.options, "-u", "120", "-r", "2", *SLOW, *processes, *ports),
        rules=STOP,
        headless=False,
    )
    run.says("Verdict: fail")  # a master says it after two more reports of its workers
    stats = ui.stats()
    assert (stats["user_count"], stats["state"]) == (0, "stopped")
    run.signal(signal.SIGTERM)
    promise.is_kept_by(run)


OVERTAKEN = """
import gevent
from locust.runners import MasterRunner

@events.init.add_listener
def send_late(environment, **_):
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    sent, send = [], runner.server.send_to_client

    def send_later(message):
        if message.type == "spawn":
            sent.append(message)
            if len(sent) == 6:
                gevent.spawn(runner.stop)
                gevent.sleep(0.02)
        send(message)

    runner.server.send_to_client = send_later
"""


def test_a_stop_does_not_overtake_users_that_are_to_be_spawned(start, ports, ui, scripted):
    """A worker that is told to stop and then to spawn goes on, and the master waits for it."""
    run = start(
        *("--autostart", *ui.options, "-u", "120", "-r", "2", "--processes", "2", *ports),
        rules="rules: [max < 5s]",
        headless=False,
        locustfile=scripted + OVERTAKEN,
    )
    run.says("Verdict: pass")
    stats = ui.stats()
    assert (stats["user_count"], stats["state"]) == (0, "stopped")
    run.signal(signal.SIGTERM)
    assert run.exit_code() == 0
    assert run.output.count("heard test_start in WorkerRunner") == 2


STOPS_SLOWLY = """
import gevent, logging
from gevent.event import Event

said = Event()

class Listens(logging.Handler):
    def emit(self, record):
        if "{awaited}" in record.getMessage():
            said.set()

@events.init.add_listener
def listen(**_):
    for name in ("locust", "guard"):
        logging.getLogger(name).addHandler(Listens())

def on_stop(self):
    said.wait()
    gevent.sleep(1)

Scripted.on_stop = on_stop
"""


@pytest.mark.promised("the run time is over while the guard stops the run")
def test_with_the_end_of_the_run_time(start, scripted, promise):
    """Locust alone would fire ``test_stopping`` and ``test_stop`` twice (S3)."""
    text = scripted + STOPS_SLOWLY.format(awaited="--run-time limit reached")
    run = start("-u", "2", "-t", "8s", "--stop-timeout", "60", *SLOW, rules=STOP, locustfile=text)
    promise.is_kept_by(run)
    assert run.says("--run-time limit reached")


LISTENER_YIELDS = """
@events.test_stopping.add_listener
def take_time(**_):
    time.sleep(6)
"""


@STANDALONE_AND_MASTER
@pytest.mark.promised("a rule breaks while listeners of `test_stopping` take their time")
def test_with_a_slow_listener(start, scripted, ports, promise, processes):
    """Users go on meanwhile; what they do is not judged any more (S3)."""
    rules = "rules: [requests > 0, users < 1 for 9s else stop]"
    text = LISTENER_YIELDS.replace("@events", "import time\nfrom locust import events\n\n@events")
    run = start("-u", "1", "-t", "6s", *processes, *ports, rules=rules, locustfile=text + scripted)
    stop = promise.is_kept_by(run)["rules"][1]
    assert stop["breached_at"] is None


@pytest.mark.promised("somebody presses Stop while the guard stops the run")
def test_with_the_button(start, scripted, ui, promise):
    """The same with a web UI (S3)."""
    text = (
        scripted
        + STOPS_SLOWLY.format(awaited="the button")
        + """
@events.init.add_listener
def announce(web_ui, **_):
    @web_ui.app.before_request
    def say():
        from flask import request
        if request.path == "/stop":
            logging.getLogger("locust").info("the button")
"""
    )
    run = start(
        *("--autostart", *ui.options, "-u", "2", "--stop-timeout", "60", *SLOW),
        rules=STOP,
        locustfile=text,
        headless=False,
    )
    run.says("heard test_stopping")
    ui.stop()
    run.says("Verdict: fail")
    run.signal(signal.SIGTERM)
    promise.is_kept_by(run)


@STANDALONE_AND_MASTER
@pytest.mark.promised("two rules stop the run in the same evaluation")
def test_by_two_rules(start, ports, promise, processes):
    run = start("-u", "2", "-r", "2", "-t", "60s", *SLOW, *processes, *ports, rules=TWO_RULES)
    verdict = promise.is_kept_by(run)
    first, second = verdict["rules"]
    assert first["breached_at"] == second["breached_at"] == verdict["stopped_at"]
    assert "max was 900 ms" in verdict["reason"]
    assert "p95 < 400ms" in verdict["reason"]
    assert sum("stopping the run: " in line for line in run.lines) == 1


SHAPE_ENDS = """
import gevent
from locust import LoadTestShape

class Short(LoadTestShape):
    stopping = False

    def tick(self):
        return None if Short.stopping else (2, 10)

@events.test_stopping.add_listener
def end_the_shape(environment, **_):
    if environment.guard.verdict is not None:
        Short.stopping = True
        gevent.sleep(3)
"""


@STANDALONE_AND_MASTER
@pytest.mark.promised("a shape ends while two rules stop the run")
def test_with_the_end_of_a_shape(start, scripted, ports, promise, processes):
    """Locust alone would fire ``test_stopping`` and ``test_stop`` twice (S3)."""
    run = start(*SLOW, *processes, *ports, rules=TWO_RULES, locustfile=scripted + SHAPE_ENDS)
    promise.is_kept_by(run)
    assert run.says("Shape test stopping")


SLEEPS_IN_ON_STOP = """
import gevent

def on_stop(self):
    gevent.sleep(10_000)

Scripted.on_stop = on_stop
"""
LISTENER_SLEEPS = """
import gevent
from locust.runners import WorkerRunner

@events.test_stop.add_listener
def sleep(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        gevent.sleep(10_000)
"""
LISTENER_BLOCKS = LISTENER_SLEEPS.replace("gevent.sleep(10_000)", "while True: pass")
NEVER_YIELDS_IN_ON_STOP = SLEEPS_IN_ON_STOP.replace("gevent.sleep(10_000)", "while True: pass")
HANGS_EVERYWHERE = """
import gevent

@events.test_stop.add_listener
def sleep(**_):
    gevent.sleep(10_000)
"""
DEADLINE = ("--guard-stop-deadline", "2s")


@pytest.fixture
def stopped_at_once(start, scripted, ports):
    """Start a run that breaks a rule as soon as it can. Takes what its locustfile does beside."""

    def stopped_at_once(does, *options, **more):
        options = ("-u", "2", "-r", "2", "-t", "120s", *SLOW, *ports, *options)
        return start(*options, rules=STOP, locustfile=scripted + does, **more)

    return stopped_at_once


@pytest.mark.parametrize(
    ("hangs", "processes"),
    [
        pytest.param(SLEEPS_IN_ON_STOP, [], id="on_stop"),
        pytest.param(LISTENER_SLEEPS, [], id="listener of test_stop"),
        pytest.param(LISTENER_SLEEPS, ["--processes", "2"], id="master"),
    ],
)
@pytest.mark.promised("the stop never ends: `on_stop` or a listener waits for ever")
def test_a_stop_that_hangs(stopped_at_once, promise, hangs, processes):
    """Locust would wait, on a master for a minute (S6), and then for ever."""
    run = stopped_at_once(hangs, *processes, *DEADLINE)
    promise.is_kept_by(run)
    assert run.says("the test has not ended within 2s; its verdict is left as it stands")


@pytest.mark.parametrize(
    ("hangs", "processes"),
    [
        pytest.param(NEVER_YIELDS_IN_ON_STOP, [], id="on_stop"),
        pytest.param(LISTENER_BLOCKS, ["--processes", "2"], id="master"),
    ],
)
@pytest.mark.promised("the stop never ends: `on_stop` or a listener never yields")
def test_a_stop_that_keeps_the_event_loop(stopped_at_once, promise, hangs, processes):
    """No greenlet has a turn any more, and no handler of a signal (S6)."""
    run = stopped_at_once(hangs, *processes, *DEADLINE)
    promise.is_kept_by(run)
    assert run.says("the process does not come to its end, and is ended")


@pytest.mark.promised("the stop never ends: `on_stop` or a listener never yields")
def test_the_terminal_after_that(stopped_at_once, promise):
    """Locust has it show nothing of what is typed, and comes to no end that would mend it."""
    ours, its = os.openpty()
    run = stopped_at_once(NEVER_YIELDS_IN_ON_STOP, *DEADLINE, stdin=its)
    run.says("stopping the run")
    assert not shows_what_is_typed(its)
    promise.is_kept_by(run)
    assert shows_what_is_typed(its)
    os.close(its)
    os.close(ours)


def shows_what_is_typed(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


@pytest.mark.parametrize(
    "hangs",
    [
        pytest.param(SLEEPS_IN_ON_STOP, id="waits"),
        pytest.param(NEVER_YIELDS_IN_ON_STOP, id="never yields"),
        pytest.param(HANGS_EVERYWHERE, id="waits, and the master too"),
    ],
)
@pytest.mark.promised("the stop never ends on the workers of `--processes`")
def test_a_stop_that_hangs_on_workers(stopped_at_once, promise, hangs):
    """Locust would leave them behind."""
    promise.is_kept_by(stopped_at_once(hangs, "--processes", "2", *DEADLINE))


@pytest.mark.promised("the stop never ends on the workers of `--processes`")
def test_a_stop_that_hangs_on_workers_with_a_web_ui(start, scripted, ports, ui, promise):
    """Locust parses its options anew when it makes the web UI, after it has forked."""
    run = start(
        *("--autostart", "--autoquit", "0", *ui.options, "-u", "2", *SLOW, *DEADLINE),
        *("--processes", "2", *ports),
        rules=STOP,
        locustfile=scripted + SLEEPS_IN_ON_STOP,
        headless=False,
    )
    promise.is_kept_by(run)


LISTENER_WORKS = """
import gevent

@events.quitting.add_listener
def upload(**_):
    gevent.sleep({seconds})
    print("upload done", flush=True)
"""


@pytest.mark.promised("listeners of `quitting` take their time, after the guard's stop")
def test_a_listener_that_works_in_time(stopped_at_once, promise):
    """The test took no time to end. The time that it left is not taken from what follows."""
    takes_time = LISTENER_WORKS.format(seconds=5).replace("quitting", "test_stop")
    then_too = LISTENER_WORKS.format(seconds=5).replace("upload", "report")
    run = stopped_at_once(takes_time + then_too, "--guard-stop-deadline", "8s")
    promise.is_kept_in_good_order_by(run)
    assert run.says("upload done")
    assert run.says("report done")


@pytest.mark.promised("listeners of `quitting` never end, after the guard's stop")
@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["standalone", "master"])
def test_a_listener_that_works_for_ever(stopped_at_once, promise, processes):
    run = stopped_at_once(LISTENER_WORKS.format(seconds=10_000), *processes, *DEADLINE)
    promise.is_kept_by(run)
    assert run.says("the process has not ended within 2s of its test, and is ended")


@pytest.mark.promised("listeners of `quitting` take their time, after Locust's own stop")
def test_a_listener_after_the_run_time(start, scripted, promise):
    run = start("-u", "1", "-t", "2s", *DEADLINE, rules=STOP,
                locustfile=scripted + LISTENER_WORKS.format(seconds=5))  # fmt: skip
    promise.is_kept_in_good_order_by(run)
    assert run.says("upload done")


@pytest.mark.promised("the stop never ends, web UI")
def test_a_stop_that_hangs_with_a_web_ui(start, scripted, ui, promise):
    """The first SIGTERM ends the run in good order, which waits for the stop (S6)."""
    run = start(
        *("--autostart", *ui.options, "-u", "2", *SLOW, *DEADLINE),
        rules=STOP,
        locustfile=scripted + SLEEPS_IN_ON_STOP,
        headless=False,
    )
    run.says("Verdict: fail")
    assert run.verdict["final"] is True
    assert ui.stats()["state"] == "cleanup"  # so it still answers
    run.signal(signal.SIGTERM)
    run.says("ending because of SIGTERM")
    run.signal(signal.SIGTERM)
    promise.is_kept_by(run)


@pytest.mark.parametrize("text", ["soon", "1h30", "0s"])
def test_a_bad_deadline_is_refused(start, text):
    """Said in one line with what to write, before anything starts."""
    run = start("--guard-stop-deadline", text, rules=STOP)
    assert run.exit_code() == 2
    expected = f"argument --guard-stop-deadline: '{text}' is no time to wait; write e.g. 90s or 5m"
    assert run.lines[-1].endswith(expected)
    assert "Traceback" not in run.output
    assert not run.verdict_file.exists()


@pytest.mark.promised("`--autoquit` waits for longer than a stop may take")
def test_autoquit_after_the_deadline(start, ui, promise):
    """The test has ended in time, and the process stays for as long as it was told to."""
    run = start(
        *("--autostart", "--autoquit", "16", *ui.options, "-u", "2", *SLOW, *DEADLINE),
        rules=STOP,
        headless=False,
    )
    promise.is_kept_in_good_order_by(run)
