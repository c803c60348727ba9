"""Locust as a library: programs that guard environments of their own. No ``init`` and no
``quitting`` fires there, and there are no options (O4)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from browser import Browser

EXAMPLE = Path(__file__).parents[2] / "examples" / "library" / "load_test.py"

LOAD = '''
"""Environments whose requests are made up. They say each event that they hear."""

import locust
import gevent
from locust import User, constant, log, task
from locust.env import Environment

import guard

BAD = ["max < 500ms else stop"]
log.setup_logging("INFO")


class Scripted(User):
    wait_time = constant(0.02)
    ms = 50

    @task
    def request(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=self.ms, response_length=0,
            exception=None, context={})


def environment(name):
    made = Environment(user_classes=[type("Mine", (Scripted,), {})])
    for heard in ("test_start", "test_stopping", "test_stop", "quitting"):
        say = lambda heard=heard, **_: print("heard", heard, "in", name, flush=True)
        getattr(made.events, heard).add_listener(say)
    return made


def set_ms(environment, ms):
    environment.user_classes[0].ms = ms


def requests(environment, count):
    """Wait for so many more of them."""
    enough = environment.stats.total.num_requests + count
    while environment.stats.total.num_requests < enough:
        gevent.sleep(0.1)
'''


@pytest.fixture
def program(start):
    """Start a program that has the above as its module ``load``."""

    def program(text, *arguments):
        files = {"load.py": LOAD, "program.py": f"import sys\n\nfrom load import *\n{text}"}
        return start(*arguments, command="program", headless=False, files=files)

    return program


LOCAL = """
environment = environment("shop")
runner = environment.create_local_runner()
checker = guard.attach(environment, BAD, json_file="verdict.json")
assert checker is environment.guard
assert checker.verdict is None
assert checker.conclude() is None

set_ms(environment, 900)
runner.start(2, spawn_rate=10)
runner.greenlet.join()
verdict = checker.verdict
assert (verdict.final, verdict.stopped, verdict.exit_code) == (True, True, 3), verdict

set_ms(environment, 50)
runner.start(2, spawn_rate=10)
requests(environment, 10)
assert not checker.verdict.final
runner.quit()
assert checker.verdict is checker.conclude()
assert environment.process_exit_code is None
sys.exit(checker.verdict.exit_code)
"""


@pytest.mark.promised("library, one process: a bad test and then a good one")
def test_local_runner(program, promise):
    """The verdict on request: as it stands, and final as soon as the test is over."""
    run = program(LOCAL)
    promise.is_kept_in_good_order_by(run, tests=2)
    assert "Verdict: " not in run.output, "the program's output is its own"


DISTRIBUTED = """
import subprocess

port = int(sys.argv[1])
is_worker = len(sys.argv) > 2
environment = environment("worker" + sys.argv[2] if is_worker else "master")
if is_worker:
    runner = environment.create_worker_runner("127.0.0.1", port)
    guard.attach(environment, BAD, json_file="worker.json")
    set_ms(environment, 900)
    runner.greenlet.join()
    sys.exit()

runner = environment.create_master_runner("127.0.0.1", port)
checker = guard.attach(environment, BAD, json_file="verdict.json")
command = [sys.executable, *sys.argv]
workers = [subprocess.Popen([*command, str(number)]) for number in range(2)]
while len(runner.clients.ready) < 2:
    gevent.sleep(0.1)
runner.start(2, spawn_rate=10)
runner.greenlet.join()
verdict = checker.conclude()
assert [worker.wait() for worker in workers] == [0, 0]
assert verdict.rules[0].requests > 0
sys.exit(verdict.exit_code)
"""


@pytest.mark.promised("library, master and workers")
def test_master_and_workers(program, free_port, promise):
    """The master need not wait for the last reports: ``quit()`` has. Workers are left alone."""
    run = program(DISTRIBUTED, str(free_port()))
    promise.is_kept_in_good_order_by(run)
    assert not (run.verdict_file.parent / "worker.json").exists()


SPAWNS_IN_MAIN = """
import subprocess

port, has_ui = int(sys.argv[1]), len(sys.argv) > 2
if port < 0:
    environment = environment("worker")
    set_ms(environment, 900)
    environment.create_worker_runner("127.0.0.1", -port).greenlet.join()
    sys.exit()

environment = environment("master")
runner = environment.create_master_runner("127.0.0.1", port)
if has_ui:
    web_ui = environment.create_web_ui("127.0.0.1", int(sys.argv[2]))
checker = guard.attach(environment, BAD, json_file="verdict.json")
worker = subprocess.Popen([sys.executable, "program.py", str(-port)])
while len(runner.clients.ready) < 1:
    gevent.sleep(0.1)
runner.start(300, spawn_rate=5)  # would take a minute
assert checker.verdict.stopped
assert checker.verdict.duration < 30
while runner.user_count:
    gevent.sleep(0.1)
gevent.sleep(4)  # the worker's last report
last = environment.stats.total.num_requests
gevent.sleep(4)  # another one, if it made requests still
assert environment.stats.total.num_requests == last, "the load goes on"
assert runner.state in ("stopping", "stopped"), runner.state
if has_ui:
    runner.quit()
worker.wait()
sys.exit(checker.conclude().exit_code)
"""


@pytest.mark.promised("library, master: users are spawned by the program's main greenlet")
@pytest.mark.parametrize("has_ui", [False, True], ids=["headless", "web UI"])
def test_spawning_in_the_main_greenlet(program, free_port, promise, has_ui):
    """On a master ``start()`` returns when users are spawned, and would go on to spawn them."""
    ports = [str(free_port()) for _ in range(1 + has_ui)]
    promise.is_kept_in_good_order_by(program(SPAWNS_IN_MAIN, *ports))


WEB_UI = """
environment = environment("shop")
environment.create_local_runner()
web_ui = environment.create_web_ui("127.0.0.1", int(sys.argv[1]))
checker = guard.attach(environment, BAD, json_file="verdict.json")
ended = []

@environment.events.test_stop.add_listener
def count(**_):
    ended.append(checker.conclude())
    set_ms(environment, 900)
    if len(ended) == 2:
        web_ui.stop()

print("ready", flush=True)
web_ui.greenlet.join()
environment.runner.quit()
assert [verdict.exit_code for verdict in ended] == [0, 3]
sys.exit(ended[-1].exit_code)
"""


@pytest.mark.promised("library, with a web UI: a good test and then a bad one")
def test_web_ui(program, free_port, promise):
    """The guard stops the test and leaves the web UI to the program."""
    port = free_port()
    run, browser = program(WEB_UI, str(port)), Browser(port)
    run.says("ready")
    browser.start()
    run.says(" total users)")
    while browser.requests() == 0:
        time.sleep(0.1)
    browser.stop()
    run.says("verdict: pass")
    browser.start()
    promise.is_kept_in_good_order_by(run, tests=2)


TWO = """
shop, search = environment("shop"), environment("search")
for each in (shop, search):
    each.create_local_runner()
    set_ms(each, 900)
guard.attach(shop, BAD, json_file="verdict.json")
guard.attach(search, ["max < 1s else stop"], json_file="search.json")
for each in (shop, search):
    each.runner.start(2, spawn_rate=10)
shop.runner.greenlet.join()
requests(search, 100)
assert not search.guard.verdict.final
search.runner.quit()
sys.exit(shop.guard.verdict.exit_code)
"""


@pytest.mark.promised("library, two environments with rules of their own")
def test_two_environments(program, promise):
    """One is stopped while the other goes on."""
    run = program(TWO)
    verdict = promise.is_filed_by(run)
    assert len(run.verdict_lines()) == 2
    assert "Traceback" not in run.output
    other = json.loads((run.verdict_file.parent / "search.json").read_text())
    assert (other["outcome"], other["stopped"], other["final"]) == ("pass", False, True)
    assert other["rules"][0]["requests"] >= 100 + verdict["rules"][0]["requests"] / 2


REFUSED = """
environment = environment("shop")
for rules in (["p955 < 1s"], "nowhere.yaml"):
    try:
        guard.attach(environment, rules)
    except guard.RulesError as error:
        print("refused:", error)
guard.attach(environment, BAD)
try:
    guard.attach(environment, BAD)
except ValueError as error:
    print("refused:", error)
"""


def test_what_is_refused(program):
    """A mistake shows before a test can start, and a refusal leaves no half a guard."""
    run = program(REFUSED)
    assert run.exit_code() == 0, run.output
    assert run.says("rule 1: unknown metric 'p955'; did you mean 'p95'?")
    assert run.says("refused: nowhere.yaml:1:1: can't be read")
    assert run.says("refused: this environment is guarded already")


@pytest.mark.parametrize(
    ("options", "exit_code", "said"),
    [
        pytest.param([], 3, "fail after ", id="as it stands"),
        pytest.param(["--slow-after", "600", "--run-time", "8"], 0, "pass after ", id="to its end"),
    ],
)
def test_the_example(start, options, exit_code, said):
    text = EXAMPLE.read_text()
    files = {"program.py": text, "rules.yaml": (EXAMPLE.parent / "rules.yaml").read_text()}
    run = start(*options, command="program", headless=False, files=files)
    assert run.exit_code() == exit_code, run.output
    assert run.says(said)
    assert "Traceback" not in run.output
