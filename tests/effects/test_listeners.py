"""Listeners of ``guard.events``: when each is told of what, and that none can harm the run."""

from __future__ import annotations

import inspect
import logging
import re
import subprocess
import sys

import gevent
import pytest
from gevent.event import Event
from locust import log
from locust.env import Environment
from locust.event import EventHook
from locust.exception import RescheduleTask

import guard
from guard import events
from guard.effects import listeners
from guard.effects.lane import Lane
from guard.effects.listeners import Listeners
from guard.engine.judge import Transition
from guard.engine.reading import Reading
from guard.engine.verdict import Verdict
from guard.language.rulefile import parse_rules
from guard.rule import Outcome, State

(RULE,) = parse_rules(b"rules: [p95 < 500ms over 10s else stop]", "rules.yaml")
READING = Reading(900.0, 10, 10.0, 7.0)
VERDICT = Verdict(Outcome.FAIL, "the reason", (), False, None, False, 5.0)
HOOKS = {name: getattr(events, name) for name in events.__all__}


@pytest.fixture(autouse=True)
def nobody_listens():
    yield
    for hook in HOOKS.values():
        hook._handlers.clear()


@pytest.fixture
def heard():
    """What every event was fired with, in order."""
    found = []
    for name, hook in HOOKS.items():
        hook.add_listener(lambda name=name, **keywords: found.append((name, keywords)))
    return found


@pytest.fixture
def telling():
    return Listeners(Environment())


def change(before, after):
    return Transition(RULE, "GET /", before, after, READING)


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (State.OK, State.PENDING, "pending"),
        (State.OK, State.BREACHED, "breach"),
        (State.PENDING, State.BREACHED, "breach"),
        (State.BREACHED, State.OK, "recovery"),
        (State.PENDING, State.OK, None),
        (State.WAITING, State.OK, None),
    ],
)
def test_a_change_of_state(heard, telling, before, after, event):
    telling.changed([change(before, after)], VERDICT)
    telling.linger()
    assert [name for name, _ in heard] == ([event] if event else [])
    for _, keywords in heard:
        environment = keywords.pop("environment")
        assert isinstance(environment, Environment)
        assert keywords == {
            "rule": RULE, "entry": "GET /", "reading": READING, "verdict": VERDICT,
        }  # fmt: skip


def test_a_stop_and_a_verdict(heard, telling):
    telling.stopping("too slow", VERDICT)
    assert [name for name, _ in heard] == ["stop"], "before the run is stopped"
    telling.ended(VERDICT)
    telling.linger()
    (_, stop), (_, verdict) = heard
    assert stop.keys() == {"environment", "reason", "verdict"}
    assert stop["reason"] == "too slow"
    assert verdict.keys() == {"environment", "verdict"}


@pytest.mark.parametrize("name", HOOKS)
def test_every_event_says_its_keywords(name):
    """In the text below it."""
    text = inspect.getsource(events)
    (said,) = re.findall(rf'^{name} = Hook\("{name}"\)\n"""(.+?)"""$', text, re.M | re.S)
    assert "Keywords" in said


def test_the_events_are_locusts():
    assert all(isinstance(hook, EventHook) for hook in HOOKS.values())


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, RescheduleTask])
def test_a_listener_that_raises_is_logged_and_decides_nothing(heard, telling, caplog, error):
    def raise_it(**_):
        raise error("of the user's own")

    events.stop._handlers.insert(0, raise_it)
    telling.stopping("too slow", VERDICT)
    assert [name for name, _ in heard] == ["stop"], "the others are told"
    (record,) = caplog.records
    assert record.getMessage() == "a listener of guard.events.stop failed"
    assert "of the user's own" in caplog.text
    assert not log.unhandled_greenlet_exception, "the exit code is the verdict's"


def test_a_listener_that_removes_itself_hides_no_other(heard, telling):
    def once(**_):
        events.stop.remove_listener(once)

    events.stop._handlers.insert(0, once)
    for _ in range(2):
        telling.stopping("too slow", VERDICT)
    assert [name for name, _ in heard] == ["stop", "stop"]
    assert once not in events.stop._handlers


def test_a_listener_that_adds_another(telling):
    told = []
    events.stop.add_listener(lambda **_: events.stop.add_listener(lambda **_: told.append(1)))
    telling.stopping("too slow", VERDICT)
    assert told == []
    telling.stopping("too slow", VERDICT)
    assert told == [1]


def test_a_listener_that_fires_again(telling, caplog):
    """It never comes to an end, which is its own affair."""
    fired = []

    def again(**keywords):
        fired.append(1)
        events.stop.fire(**keywords)

    events.stop.add_listener(again)
    telling.stopping("too slow", VERDICT)
    assert len(fired) > 100
    assert "RecursionError" in caplog.text


def test_a_listener_that_blocks_holds_a_stop_up_for_so_long_only(heard, telling, monkeypatch):
    monkeypatch.setattr(listeners, "PATIENCE", 0.2)
    may_go_on = Event()
    events.breach.add_listener(lambda **_: may_go_on.wait())
    telling.changed([change(State.OK, State.BREACHED)], VERDICT)
    with gevent.Timeout(5):
        telling.stopping("too slow", VERDICT)
    assert [name for name, _ in heard] == ["breach"]
    may_go_on.set()
    telling.linger()
    assert [name for name, _ in heard] == ["breach", "stop"], "in order"


def test_a_listener_that_waits_for_all_listeners_does_not_wait_for_itself(telling):
    done = []

    def wait(**_):
        telling.linger()
        done.append(1)

    events.stop.add_listener(wait)
    telling.stopping("too slow", VERDICT)
    assert done == [1]


def test_where_nobody_listens_nothing_is_done(telling):
    telling.changed([change(State.OK, State.BREACHED)], VERDICT)
    telling.stopping("too slow", VERDICT)
    assert telling._lane._greenlet is None


def test_a_lane_goes_on_after_what_fails(caplog):
    lane, done = Lane(), []
    lane.add(lambda: 1 / 0)
    lane.add(lambda: done.append(1))
    assert not lane.is_idle
    assert lane.wait(5)
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text
    lane.add(lambda: done.append(2))
    assert lane.wait(5)
    assert done == [1, 2]


def test_a_lane_does_nothing_for_another_thread():
    """The one that ends the process by force waits for nobody."""
    lane, done, waited = Lane(), [], []

    def elsewhere():
        lane.add(lambda: done.append(1))
        waited.append(lane.wait(5))

    gevent.get_hub().threadpool.apply(elsewhere)
    assert (done, waited) == ([], [False])


def test_the_door_imports_locust_only_for_who_asks_for_events():
    code = (
        "import sys, guard; assert 'locust' not in sys.modules; "
        "assert 'apprise' not in sys.modules; "
        "guard.events.stop; assert 'locust' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert guard.events is events
    with pytest.raises(AttributeError, match="no attribute 'event'"):
        guard.event  # noqa: B018 - it raises


def test_a_logged_failure_names_its_event(caplog):
    caplog.set_level(logging.ERROR)
    events.verdict.add_listener(lambda: None)  # takes no keywords
    events.verdict.fire(environment=None)
    assert "a listener of guard.events.verdict failed" in caplog.text
