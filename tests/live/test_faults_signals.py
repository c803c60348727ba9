"""Ctrl-C and SIGTERM in every phase of a run, once and again."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from importlib.metadata import version

import pytest

ENDINGS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
AGAIN = pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGINT),
    ],
)
USERS = ("-u", "2", "-r", "2")
TELLING = "rules: [p95 < 1ms for 1s]"
"""Says ``breached at`` when there were requests, and fails the run."""
LOOKS_UP_WHO_HAS_LEFT = tuple(map(int, version("locust").split(".")[:2])) < (2, 33)
"""A Locust whose master fails when a worker that has left says that it has spawned users."""
STOPPING = "rules: [max < 500ms else stop]"

INSTALLING = "import guard\n\nguard.install()\n"
SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        return (2, 2)
"""
LONG = """
import gevent

class Long(User):
    fixed_count = 1

    @task
    def take_long(self):
        gevent.sleep(float(os.environ["LONG"]))
"""
"""A user that a stop has to wait for."""
ENDING_BY_ITSELF = """
import gevent

@events.test_start.add_listener
def end_soon(environment, **_):
    def end():
        while not environment.stats.total.num_requests:
            gevent.sleep(0.1)
        environment.runner.quit()

    if "Worker" not in type(environment.runner).__name__:
        gevent.spawn(end)
"""
"""Ends as at the end of its run time, but not before there were requests."""


@pytest.fixture(params=[0, 2], ids=["one process", "--processes 2"])
def processes(request, ports):
    """Options for a run of one process, and for one with workers."""
    return ("--processes", str(request.param), *ports) if request.param else ()


@pytest.fixture
def long(scripted):
    return scripted + LONG


@pytest.mark.promised("Ctrl-C or SIGTERM, one process")
@ENDINGS
def test_one_process(start, promise, number):
    run = start(*USERS, rules=TELLING)
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)
    assert run.says(f"ending because of {number.name}")


@pytest.mark.promised("Ctrl-C or SIGTERM, `locust` and `guard.install()`")
@ENDINGS
def test_an_installed_guard(start, processes, scripted, promise, number):
    run = start(
        *USERS, *processes, rules=TELLING, command="plain", locustfile=INSTALLING + scripted
    )
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM on a master")
@ENDINGS
def test_a_master(start, ports, start_worker, promise, number):
    """On SIGTERM Locust alone fires ``quitting`` twice (S4)."""
    master = start("--master", *ports, *USERS, rules=TELLING)
    worker = start_worker()
    master.says("breached at")
    master.signal(number)
    verdict = promise.is_kept_by(master)
    assert "all workers were gone" not in verdict["reason"]
    assert worker.exit_code() == 0
    heard = [line.split()[1] for line in master.lines if line.startswith("heard ")]
    assert heard == ["test_start", "test_stopping", "test_stop", "quitting"]


@pytest.mark.promised("Ctrl-C or SIGTERM on a master")
@ENDINGS
def test_a_masters_last_reports(start, ports, promise, number):
    """What is judged in the end is what Locust reports in the end (X3)."""
    rules = "rules: [p95 < 1ms for 1s, requests > 0]"
    run = start(*USERS, "--processes", "2", *ports, "--json", rules=rules)
    run.says("breached at")
    run.signal(number)
    verdict = promise.is_kept_by(run)
    text = run.output
    entries = json.loads(text[text.rindex("[\n    {") : text.rindex("]") + 1])
    reported = sum(entry["num_requests"] for entry in entries)
    assert verdict["rules"][1]["requests"] == reported


@pytest.mark.promised("Ctrl-C or SIGTERM sent to master and workers alike")
@ENDINGS
def test_the_whole_group(start, ports, promise, number):
    """As a terminal does, and systemd. The workers leave of their own accord, all at once."""
    run = start(*USERS, "--processes", "2", *ports, rules=TELLING)
    end_the_group(run, promise, number)


@pytest.mark.promised("the same with a web UI")
@ENDINGS
def test_the_whole_group_with_a_web_ui(start, ports, ui, promise, number):
    run = start(
        *USERS,
        "--autostart",
        *ui.options,
        "--processes",
        "2",
        *ports,
        rules=TELLING,
        headless=False,
    )
    end_the_group(run, promise, number)


def end_the_group(run, promise, number):
    run.says("breached at")
    os.killpg(run.process.pid, number)
    run.exit_code()
    # Locust's workers end because of the signal and because the master tells them to.
    ending = re.compile(r"heard (test_stop.*|quitting) in Worker")
    run.lines = [line for line in run.lines if not ending.match(line)]
    is_raised = LOOKS_UP_WHO_HAS_LEFT and any("KeyError" in line for line in run.lines)
    verdict = promise.is_kept_by(run, raised="KeyError" if is_raised else None)
    assert "all workers were gone" not in verdict["reason"]


@pytest.mark.promised("Ctrl-C or SIGTERM, `LoadTestShape`")
@ENDINGS
def test_a_shape(start, processes, scripted, promise, number):
    """Locust alone dies of SIGTERM, without ``quitting`` (S4)."""
    run = start(*processes, rules=TELLING, locustfile=scripted + SHAPE)
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)
    assert run.says("heard quitting in " + ("MasterRunner" if processes else "LocalRunner"))


@pytest.mark.promised("Ctrl-C or SIGTERM before a test has begun, headless")
@ENDINGS
def test_before_the_start(start, ports, promise, number):
    """Locust's main function does not expect Ctrl-C there."""
    run = start("--master", *ports, "--expect-workers", "9", *USERS, rules=TELLING)
    is_ended_before_the_start(run, promise, number)


@pytest.mark.promised("the same with `locust` and `guard.install()`")
@ENDINGS
def test_before_the_start_with_an_installed_guard(start, ports, scripted, promise, number):
    run = start("--master", *ports, "--expect-workers", "9", *USERS, rules=TELLING,
                command="plain", locustfile=INSTALLING + scripted)  # fmt: skip
    is_ended_before_the_start(run, promise, number)


@pytest.mark.promised("the same with `--autostart`")
@ENDINGS
def test_before_the_start_with_autostart(start, ports, ui, promise, number):
    run = start("--master", *ports, "--expect-workers", "9", "--autostart", *ui.options, *USERS,
                rules=TELLING, headless=False)  # fmt: skip
    is_ended_before_the_start(run, promise, number)


def is_ended_before_the_start(run, promise, number):
    run.says("Waiting for workers to be ready")
    run.signal(number)
    verdict = promise.is_kept_by(run)
    assert verdict["reason"].startswith("the run was ended before a test had begun")


@pytest.mark.promised("Ctrl-C or SIGTERM as soon as a test starts")
@ENDINGS
def test_at_the_start(start, processes, promise, number):
    run = start(*USERS, *processes, rules="rules: [p95 of /later < 1s]")
    run.says("heard test_start in " + ("MasterRunner" if processes else "LocalRunner"))
    run.signal(number)
    verdict = promise.is_kept_by(run)
    assert "had no data" in verdict["reason"]


@pytest.mark.promised("Ctrl-C or SIGTERM while users are being spawned")
@ENDINGS
def test_during_the_ramp_up(start, processes, promise, number):
    """Ctrl-C may land in the greenlet that spawns (S5)."""
    run = start("-u", "120", "-r", "2", *processes, rules=TELLING)
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)
    assert " total users)" not in run.output


@pytest.mark.promised("Ctrl-C or SIGTERM while the guard stops the run")
@ENDINGS
def test_while_the_guard_stops(start, processes, long, promise, number):
    """A second stop would be told to all listeners again (S3)."""
    run = start(*USERS, *processes, "-s", "30", "--slow-after", "0", rules=STOPPING,
                locustfile=long, env={"LONG": "6"})  # fmt: skip
    run.says("heard test_stopping")
    run.signal(number)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM while Locust ends the run")
@ENDINGS
def test_while_locust_stops(start, long, promise, number):
    """The guard waits for Locust's own stop (S3)."""
    run = start(*USERS, "-s", "30", rules="rules: [p95 < 1ms]", locustfile=long + ENDING_BY_ITSELF,
                env={"LONG": "6"})  # fmt: skip
    run.says("heard test_stopping")
    run.signal(number)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM when the test of a web UI is over")
@ENDINGS
def test_after_the_test_of_a_web_ui(start, free_port, promise, number):
    run = start("--autostart", "--web-port", str(free_port()), *USERS, "--slow-after", "0",
                rules=STOPPING, headless=False)  # fmt: skip
    run.says("Verdict: fail")
    run.signal(number)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM twice, while users are being waited for")
@AGAIN
def test_again(start, long, promise, first, second):
    """The first waits for the users, the second for nobody."""
    run = start(*USERS, "-s", "600", rules=TELLING, locustfile=long, env={"LONG": "600"})
    run.says("breached at")
    run.signal(first)
    run.says("heard test_stopping")
    run.signal(second)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM twice, `locust` and `guard.install()`")
@AGAIN
def test_again_with_an_installed_guard(start, long, promise, first, second):
    run = start(*USERS, "-s", "600", rules=TELLING, locustfile=INSTALLING + long, command="plain",
                env={"LONG": "600"})  # fmt: skip
    run.says("breached at")
    run.signal(first)
    run.says("heard test_stopping")
    run.signal(second)
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM twice, after the guard's stop")
@AGAIN
def test_again_after_a_stop(start, long, promise, first, second):
    run = start(*USERS, "-s", "600", "--slow-after", "0", rules=STOPPING, locustfile=long,
                env={"LONG": "600"})  # fmt: skip
    run.says("heard test_stopping")
    run.signal(first)
    run.says("ending because of")
    run.signal(second)
    promise.is_kept_by(run)


BUSY = """
import gevent

class Busy(User):
    @task
    def burn(self):
        try:
            for _ in range(20):
                sum(range(2000))
                self.environment.events.request.fire(
                    request_type="GET", name="/busy", response_time=5, response_length=0,
                    exception=None, context={})
        except BaseException as error:
            print("a user caught", type(error).__name__, flush=True)
            raise
        gevent.sleep(0)
"""


@pytest.mark.promised("Ctrl-C or SIGTERM while users are busy")
@ENDINGS
def test_busy_users(start, scripted, promise, number):
    """Ctrl-C lands in whatever greenlet runs, and Locust would print its traceback (S5)."""
    run = start("-u", "20", "-r", "20", rules=TELLING, locustfile=scripted + BUSY)
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)
    assert "a user caught KeyboardInterrupt" not in run.output


LAST_MOMENT = """
import atexit, os, signal

atexit.register(lambda: os.kill(os.getpid(), signal.{name}))
"""


@pytest.mark.promised("Ctrl-C or SIGTERM when the exit code is settled")
@ENDINGS
@pytest.mark.parametrize("before", [True, False])
def test_in_the_last_moments(start, scripted, promise, number, before):
    """Functions for the end of the process are called in reverse order. Python itself, when it has
    called all, would die of the signal."""
    last = LAST_MOMENT.format(name=number.name)
    source = (last + INSTALLING if before else INSTALLING + last) + scripted
    run = start(*USERS, "--slow-after", "0", rules=STOPPING, command="plain", locustfile=source)
    promise.is_kept_by(run)


@pytest.mark.promised("signals one after the other, as fast as can be, in a run that passes")
@pytest.mark.parametrize("options", [[], ["--processes", "2"]], ids=["one process", "processes"])
def test_a_burst(start, ports, promise, options):
    """Only the first two mean anything; the others must not disturb the end."""
    run = start(*USERS, *options, *ports, rules="rules: [p95 < 1s, requests < 1 for 1s else warn]")
    run.says("breached at")
    with suppress(ProcessLookupError):
        while run.process.poll() is None:
            run.signal(signal.SIGTERM)
    run.lines = [line for line in run.lines if not re.match(r"heard test_stop.* in Worker", line)]
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM, `LoadTestShape` and `--autostart`")
@ENDINGS
def test_a_shape_with_autostart(start, ui, scripted, promise, number):
    shape = """
from locust import LoadTestShape

class Steady(LoadTestShape):
    def tick(self):
        return 1, 1
"""
    run = start("--autostart", *ui.options, rules=TELLING, locustfile=scripted + shape,
                headless=False)  # fmt: skip
    run.says("breached at")
    run.signal(number)
    promise.is_kept_by(run)


AT_WORK = """
import gevent

@events.quitting.add_listener
def upload(environment, **_):
    print("an upload begins", flush=True)
    gevent.sleep(float(os.environ["LONG"]))
    print("an upload is done", flush=True)
"""
"""A listener that takes its time."""


@pytest.mark.promised("Ctrl-C or SIGTERM while listeners of `quitting` are at work")
@ENDINGS
def test_while_listeners_work(start, scripted, promise, number):
    """A process that is ending already needs no signal for it."""
    text = scripted + ENDING_BY_ITSELF + AT_WORK
    run = start(*USERS, rules="rules: [p95 < 1ms]", locustfile=text, env={"LONG": "4"})
    run.says("an upload begins")
    run.signal(number)
    promise.is_kept_by(run)
    assert run.says("an upload is done")


@pytest.mark.promised("Ctrl-C or SIGTERM twice, while listeners of `quitting` are at work")
@AGAIN
def test_again_while_listeners_work(start, scripted, promise, first, second):
    text = scripted + ENDING_BY_ITSELF + AT_WORK
    run = start(*USERS, rules="rules: [p95 < 1ms]", locustfile=text, env={"LONG": "600"})
    run.says("an upload begins")
    run.signal(first)
    run.says("ending already; one more signal ends it at once")
    run.signal(second)
    promise.is_kept_by(run)


AT_THE_VERDICT = """
import signal, sys

is_quitting = []

@events.quitting.add_listener
def note(**_):
    is_quitting.append(True)

def send(event, _):
    if event == "tempfile.mkstemp" and is_quitting:
        for _ in range({times}):
            signal.raise_signal({number})

sys.addaudithook(send)
"""
"""Sends signals at the moment when the final verdict is about to be written."""


@pytest.mark.promised("Ctrl-C or SIGTERM while the verdict is being left")
@pytest.mark.parametrize("times", [1, 2, 3])
@ENDINGS
def test_while_the_verdict_is_left(start, processes, scripted, promise, number, times):  # noqa: PLR0917 - a table
    """The final totals are judged in the main greenlet, which is where signals go."""
    text = scripted + ENDING_BY_ITSELF + AT_THE_VERDICT.format(times=times, number=number.value)
    run = start(*USERS, *processes, rules="rules: [p95 < 1ms]", locustfile=text)
    promise.is_kept_by(run)


LISTENERS_WORK = """
import gevent

@events.init.add_listener
def add(environment, **_):
    if "Worker" not in type(environment.runner).__name__:
        for name in ("test_stopping", "test_stop", "quitting"):
            getattr(environment.events, name).add_listener(lambda name=name, **_: work(name))

def work(name):
    gevent.sleep(2)
    print(f"done with {name}.", flush=True)
"""


@pytest.mark.promised("Ctrl-C or SIGTERM, and all listeners take their time")
@pytest.mark.parametrize("shape", ["", SHAPE], ids=["users", "shape"])
@pytest.mark.parametrize("mode", ["headless", "--autostart", "--autoquit 0"])
@ENDINGS
def test_listeners_that_take_their_time(start, ui, scripted, promise, number, mode, shape):  # noqa: PLR0917 - a table
    """One signal interrupts none of them."""
    options = () if mode == "headless" else ("--autostart", *ui.options)
    run = start(*options, *(mode.split() if "quit" in mode else ()), *(() if shape else USERS),
                rules=TELLING, locustfile=scripted + LISTENERS_WORK + shape,
                headless=mode == "headless")  # fmt: skip
    run.says("breached at")
    run.signal(number)
    promise.is_kept_in_good_order_by(run)
    for name in ("test_stopping", "test_stop", "quitting"):
        run.says(f"done with {name}.")


@pytest.mark.promised("Ctrl-C or SIGTERM while listeners of `test_stopping` are at work")
@ENDINGS
def test_while_listeners_of_a_stop_work(start, processes, scripted, promise, number):
    """Locust does not know yet that the test is being stopped, and would stop it again."""
    text = scripted + ENDING_BY_ITSELF + AT_WORK.replace("quitting", "test_stopping")
    run = start(*USERS, *processes, rules="rules: [p95 < 1ms]", locustfile=text, env={"LONG": "3"})
    run.says("heard test_stopping in " + ("MasterRunner" if processes else "LocalRunner"))
    run.signal(number)
    promise.is_kept_in_good_order_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM before the first test of a web UI")
@ENDINGS
def test_before_the_first_test_of_a_web_ui(start, ui, promise, number):
    run = start(*ui.options, rules=TELLING, headless=False)
    ui.stats()
    run.signal(number)
    promise.is_left_by(run)
    assert run.says(f"ending because of {number.name}")


@pytest.mark.promised("the terminal is closed (SIGHUP)")
def test_hangup(start, promise):
    run = start(*USERS, rules=TELLING)
    run.says("breached at")
    run.signal(signal.SIGHUP)
    promise.is_kept_by(run)
