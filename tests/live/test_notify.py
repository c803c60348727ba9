"""Real runs that tell servers on loopback, and listeners, what happens."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

STOP = "rules: [p95 < 500ms over 2s else stop]\n"
SLOW = ("-u", "2", "-r", "2", "-t", "60s", "--slow-after", "1")
SECRET = "s3cr3t-that-nobody-must-see"  # noqa: S105 - none of anybody's
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
ON_LOOPBACK = """
import importlib.abc, importlib.util, os, sys

class Slack(importlib.abc.MetaPathFinder):
    '''Has Apprise take a server on loopback for Slack's.'''

    def find_spec(self, name, path, target=None):
        if name != "apprise.plugins.slack":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            module.NotifySlack.webhook_url = os.environ["SLACK_AT"]

        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Slack())
"""
SLOW_NAMES = """
import _socket, time

native, sleep = _socket.getaddrinfo, time.sleep

def getaddrinfo(host, *more, **options):
    if "slow.test" in str(host):
        sleep(30)
    return native(host, *more, **options)

_socket.getaddrinfo = getaddrinfo
"""
MOMENTS = """
import guard

moments = {}

@guard.events.stop.add_listener
def decided(**_):
    moments["decided"] = time.monotonic()

@events.test_stop.add_listener
def stopped(**_):
    if "decided" in moments:
        print(f"stopped {time.monotonic() - moments['decided']:.3f} s later", flush=True)
"""


def rules(*urls, on="[stop, verdict]", rules=STOP):
    to = "".join(f"\n      - '{url}'" for url in urls)
    return f"{rules}notify:\n  - on: {on}\n    to:{to}\n"


def here(text):
    """A module that every Python process of the run begins with."""
    path = os.pathsep.join(filter(None, (".", os.environ.get("PYTHONPATH"))))
    return {"files": {"sitecustomize.py": text}, "env": {"PYTHONPATH": path}}


def at_the_end(run):
    """Wait for the end of the run. Gives how long it took from its verdict on."""
    run.says("/guard: verdict: ")
    since = time.monotonic()
    assert run.exit_code() == 3, run.output
    assert "Traceback" not in run.output, run.output
    assert SECRET not in run.output
    return time.monotonic() - since


def test_slack_mattermost_and_a_webhook(start, server):
    hook = server()
    given = here(ON_LOOPBACK)
    given["env"] |= {
        "SLACK_AT": f"http://{hook.address}/services",
        "SLACK_WEBHOOK": SLACK,
        "CHAT_WEBHOOK": f"mmost://{hook.address}/3ccdd113474722377935511fc85d3dd4",
    }
    urls = ("${SLACK_WEBHOOK}", "${CHAT_WEBHOOK}", f"json://me:{SECRET}@{hook.address}/{SECRET}")
    run = start(*SLOW, "-L", "DEBUG", "--host", "https://shop.example", "--guard-title", "Nightly",
                rules=rules(*urls), **given)  # fmt: skip
    at_the_end(run)
    found = {}
    for posted in hook.wait(6):
        found.setdefault(posted.path.split("/")[1], []).append(posted.json)
    slack, chat, plain = found["services"], found["hooks"], found[SECRET]
    assert [m["attachments"][0]["title"] for m in slack] == ["stopping Nightly", "fail: Nightly"]
    assert "must be &lt; 500 ms" in slack[0]["attachments"][0]["text"]
    assert [m["text"].splitlines()[0] for m in chat] == ["# stopping Nightly", "# fail: Nightly"]
    assert [m["title"] for m in plain] == ["stopping Nightly", "fail: Nightly"]
    reason = run.verdict["reason"]
    for message in plain:
        assert message["message"].startswith(f"{reason}\n")
        assert "\nHost: https://shop.example\n" in message["message"]
        assert "\nLoad then: 2 users, " in message["message"]
    for secret in ("T1JJ3T3L2", "3ccdd113474722377935511fc85d3dd4"):
        assert secret not in run.output
        assert secret not in run.verdict_file.read_text()


@pytest.mark.parametrize("apart", [False, True], ids=["--processes", "master and worker"])
def test_only_the_master_tells(start, start_worker, ports, server, apart):
    hook = server()
    url = f"json://{hook.address}"
    options = ("--master", "--expect-workers", "1") if apart else ("--processes", "2")
    run = start(*SLOW, *options, *ports, rules=rules(url))
    if apart:
        start_worker("--slow-after", "1")
    at_the_end(run)
    assert [m.json["title"].split()[0] for m in hook.posted] == ["stopping", "fail:"]


FAULTS = [
    pytest.param(({"seconds": 30}, "it took too long", 11), id="slow"),
    pytest.param(({"drops": True}, "there was no connection, or it broke", 3), id="drops"),
    pytest.param(({"status": 500}, "the answer was 500", 3), id="500"),
    pytest.param((None, "there was no connection, or it broke", 3), id="refuses"),
    pytest.param(("slow.test", "it took too long", 11), id="the name is not found"),
]


@pytest.mark.promised("a destination of `notify` does not answer, or can't be reached")
@pytest.mark.parametrize("case", FAULTS)
def test_a_destination_that_fails_delays_no_stop(start, server, scripted, promise, case):
    fault, why, longest = case
    address = server(**fault).address if isinstance(fault, dict) else fault or "127.0.0.1:9"
    quick = server()
    urls = (f"json://me:{SECRET}@{address}/{SECRET}", f"json://{quick.address}")
    run = start(*SLOW, rules=rules(*urls), locustfile=scripted + MOMENTS, **here(SLOW_NAMES))
    later = float(re.search(r"stopped (\S+) s later", run.says("s later"))[1])
    assert later < 2
    assert at_the_end(run) < longest + 2
    assert run.says(f"can't tell json:// of the run: {why}")
    assert run.output.count("can't tell") == 1
    assert len(quick.posted) == 2, "who can be told is told meanwhile"
    promise.is_kept_by(run)


@pytest.mark.promised("Ctrl-C or SIGTERM twice, while messages are on their way")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_no_message_holds_a_second_signal_up(start, server, promise, number):
    hook = server(seconds=30)
    run = start(*SLOW, rules=rules(f"json://{hook.address}"))
    run.says("Verdict: fail")  # the table, which is the last that is said
    run.signal(number)
    time.sleep(0.5)
    since = time.monotonic()
    run.signal(number)
    promise.is_kept_by(run)
    assert time.monotonic() - since < 5


LEAVES = """
import sys

@events.quitting.add_listener
def leave(**_):
    sys.exit(1)
"""


def test_a_process_that_is_left_early_waits_too(start, server, scripted):
    hook = server(seconds=2)
    run = start(*SLOW, rules=rules(f"json://{hook.address}"), locustfile=scripted + LEAVES)
    assert run.exit_code() == 3
    assert [m.json["title"].split()[0] for m in hook.posted] == ["stopping", "fail:"]


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("${NO_SUCH_WEBHOOK}", "rules.yaml:5:9: to: ${NO_SUCH_WEBHOOK} is not set; set it"),
        ("slak://a/b/c", "unknown kind of address 'slak'; did you mean 'slack'?"),
    ],
)
def test_who_can_not_be_told_is_said_before_anything_starts(start, to, message):
    run = start(*SLOW, rules=rules(to))
    assert run.exit_code() == 2
    assert run.says(message)
    assert run.says("nothing was started")


PROGRAM = """
import gevent
from locust import User, constant, task
from locust.env import Environment

import guard

class Slow(User):
    wait_time = constant(0.05)

    @task
    def request(self):
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=900, response_length=0, exception=None,
            context={})

@guard.events.verdict.add_listener
def late(verdict, **_):
    gevent.sleep(1)
    print("a listener heard of", verdict.outcome.value, flush=True)

environment = Environment(user_classes=[Slow])
runner = environment.create_local_runner()
checker = guard.attach(environment, "rules.yaml", title="a program")
runner.start(2, spawn_rate=2)
runner.greenlet.join()
checker.conclude()
"""


def test_a_program_waits_for_what_is_on_its_way(start, server):
    hook = server(seconds=1)
    run = start(command="program", headless=False, files={"program.py": PROGRAM},
                rules=rules(f"json://{hook.address}"))  # fmt: skip
    assert run.exit_code() == 0
    assert run.says("a listener heard of fail")
    titles = [m.json["title"] for m in hook.wait(2)]
    assert titles == ["stopping a program", "fail: a program"]


LISTENS = """
import guard
import gevent

for name in guard.events.__all__:
    def say(name=name, **keywords):
        print("heard of", name, *sorted(keywords), flush=True)
    getattr(guard.events, name).add_listener(say)
"""


def test_listeners_are_told_in_order(start, scripted):
    rule = "rules: [p95 < 500ms over 2s for 2s else stop, users < 1 else warn]\n"
    run = start(*SLOW, rules=rule, locustfile=scripted + LISTENS)
    at_the_end(run)
    heard = [line for line in run.lines if line.startswith("heard ")]
    of_state = "entry environment reading rule verdict"
    assert [re.sub(r" in LocalRunner.*", "", line) for line in heard] == [
        "heard test_start",
        f"heard of breach {of_state}",
        f"heard of pending {of_state}",
        f"heard of breach {of_state}",
        "heard of stop environment reason verdict",
        "heard test_stopping",
        "heard test_stop",
        "heard quitting",
        "heard of verdict environment verdict",
    ]


HARMS = """
import guard
import gevent

@guard.events.{event}.add_listener
def harm(**_):
    {harm}

@guard.events.{event}.add_listener
def other(**_):
    print("another heard of {event}", flush=True)
"""


@pytest.mark.promised("a listener of `guard.events` raises an exception")
@pytest.mark.parametrize("event", ["breach", "stop", "verdict"])
def test_a_listener_raises(start, scripted, promise, event):
    text = scripted + HARMS.format(event=event, harm="raise RuntimeError('a bug in a listener')")
    run = start(*SLOW, rules=STOP, locustfile=text)
    promise.is_kept_by(run, raised="RuntimeError: a bug in a listener")
    assert run.says(f"another heard of {event}")


@pytest.mark.promised("a listener of `guard.events` blocks")
@pytest.mark.parametrize("event", ["breach", "stop", "verdict"])
@pytest.mark.parametrize("sleep", ["gevent.sleep", "time.sleep"])
def test_a_listener_blocks(start, scripted, promise, event, sleep):
    text = scripted + HARMS.format(event=event, harm=f"{sleep}(60)") + MOMENTS
    run = start(*SLOW, rules=STOP, locustfile=text)
    said = run.says("stopping the run")
    since = time.monotonic()
    assert said
    run.says("heard test_stop in")
    assert time.monotonic() - since < 3
    promise.is_kept_by(run)
    assert time.monotonic() - since < 15
