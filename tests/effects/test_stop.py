"""A stop fires Locust's events once, whoever else wants to stop meanwhile."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event
from locust import User, constant, task
from locust.env import Environment

from guard.effects import stop as effect
from guard.effects.stop import stop, stop_users


class Slow(User):
    """Takes its time to stop: until the test lets it."""

    wait_time = constant(0)
    started = Event()
    may_stop = Event()

    @task
    def work(self):
        Slow.started.set()
        Slow.may_stop.wait()


@pytest.fixture
def environment():
    Slow.started.clear()
    Slow.may_stop.clear()
    environment = Environment(user_classes=[Slow], stop_timeout=30)
    environment.heard = []
    for name in ("test_stopping", "test_stop"):
        getattr(environment.events, name).add_listener(
            lambda name=name, **_: environment.heard.append(name)
        )
    runner = environment.create_local_runner()
    runner.start(2, spawn_rate=10)
    assert Slow.started.wait(5)
    yield environment
    Slow.may_stop.set()
    runner.quit()


def test_the_end_of_the_run_time_waits_for_a_stop_under_way(environment):
    """Locust alone would fire the events again (S3)."""
    runner = environment.runner
    ours = gevent.spawn(stop, environment)
    gevent.idle()
    end_of_run_time = gevent.spawn(runner.quit)
    gevent.idle()
    assert not end_of_run_time.ready()
    Slow.may_stop.set()
    gevent.joinall([ours, end_of_run_time], timeout=10, raise_error=True)
    assert environment.heard == ["test_stopping", "test_stop"]
    assert "stop" not in vars(runner), "what stood in for the runner's stop is gone"


def test_a_stop_of_locusts_own_is_waited_for(environment):
    theirs = gevent.spawn(environment.runner.quit)
    gevent.idle()
    ours = gevent.spawn(stop, environment)
    gevent.idle()
    assert not ours.ready()
    Slow.may_stop.set()
    gevent.joinall([ours, theirs], timeout=10, raise_error=True)
    assert environment.heard == ["test_stopping", "test_stop"]


@pytest.mark.parametrize("event", ["test_stopping", "test_stop"])
def test_a_listener_that_stops_the_run_itself_does_not_wait_for_itself(environment, event):
    getattr(environment.events, event).add_listener(lambda **_: environment.runner.quit())
    Slow.may_stop.set()
    gevent.spawn(stop, environment).get(timeout=10)
    assert environment.heard == ["test_stopping", "test_stop"]


def test_two_who_stop_the_users_wait_for_one_stop(environment):
    both = [gevent.spawn(stop_users, environment.runner) for _ in range(2)]
    gevent.idle()
    Slow.may_stop.set()
    gevent.joinall(both, timeout=10, raise_error=True)
    assert environment.heard == ["test_stopping", "test_stop"]


def test_a_stop_that_was_replaced_by_somebody_else_is_used_and_left_in_its_place(environment):
    runner, calls = environment.runner, []
    original = runner.stop

    def replaced():
        calls.append("replaced")
        original()

    runner.stop = replaced
    Slow.may_stop.set()
    stop_users(runner)
    assert calls == ["replaced"]
    assert runner.stop is replaced


def test_a_stop_that_was_broken_off_is_begun_anew(environment, monkeypatch):
    """So ends a user who calls runner.quit(): killed by himself, halfway through."""
    monkeypatch.setattr(effect, "PATIENCE", 0.2)
    broken = gevent.spawn(environment.runner.quit)
    gevent.idle()
    broken.kill()
    environment.stop_timeout = 0
    stop_users(environment.runner)
    assert environment.runner.state == "stopped"
