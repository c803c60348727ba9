"""The system under test is down, hangs, or comes back. Its requests are real ones."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

VISITOR = """
from locust import FastHttpUser, HttpUser

Scripted.abstract = True


class Visitor({user}):
    wait_time = constant(0.05)

    @task
    def visit(self):
        self.client.get("/")
"""
EITHER_USER = pytest.mark.parametrize("user", ["HttpUser", "FastHttpUser"])


class Target:
    """A web server that can hang, go down and come back at the same address."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._server: ThreadingHTTPServer | None = None
        self.has_answered = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._address)

    def go_up(self) -> None:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.may_answer.wait()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                target.has_answered.set()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(self._address, Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def go_down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def target(free_port) -> Iterator[Target]:
    target = Target(free_port())
    yield target
    target.may_answer.set()
    target.go_down()


@pytest.fixture
def visit(start, scripted, target):
    """Start a run whose users visit the target."""

    def visit(user, rules, *options):
        locustfile = scripted + VISITOR.format(user=user)
        return start("-u", "2", "--host", target.url, *options, rules=rules, locustfile=locustfile)

    return visit


@EITHER_USER
@pytest.mark.promised("the target is down from the first second")
def test_down(visit, user, promise):
    """Every request is refused. Locust alone would go on to the end of the run time."""
    run = visit(user, "rules: [fail_ratio < 50% else stop]", "-t", "60s")
    rule = promise.is_kept_by(run)["rules"][0]
    assert rule["value"] == 1


@EITHER_USER
@pytest.mark.promised("the target accepts connections and never answers")
def test_hanging(visit, user, target, promise):
    """Requests in flight are not counted, so nothing but the silence shows (N3)."""
    target.go_up()
    rules = "rules: [silence < 3s else stop, max < 10s, fail_ratio < 50%, rps > 0]"
    run = visit(user, rules, "-t", "120s")
    assert target.has_answered.wait(30)
    target.may_answer.clear()
    silence, *others = promise.is_kept_by(run)["rules"]
    assert silence["value"] >= 3
    assert {rule["outcome"] for rule in others} == {"pass"}


@EITHER_USER
@pytest.mark.promised("the target is down for a while and comes back")
def test_back(visit, user, target, promise):
    target.go_up()
    run = visit(user, """
rules:
  - fail_ratio < 10% over 2s for 5m else stop
  - fail_ratio < 10% over 2s else warn
""")  # fmt: skip
    assert target.has_answered.wait(30)
    target.go_down()
    run.says("breached at")
    target.go_up()
    run.says("recovered at")
    run.signal(signal.SIGINT)
    patient, strict = promise.is_kept_by(run)["rules"]
    assert (patient["state"], patient["breached_at"]) == ("ok", None)
    assert strict["recovered_at"] > strict["breached_at"]
