"""A tick lets others have their turn. What they do then must not spoil it."""

from __future__ import annotations

import gevent
import pytest
from locust.env import Environment

from guard import pace, watch
from guard.effects import Effect
from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules

NAMES = [f"/item/{number}" for number in range(300)]


@pytest.fixture
def environment():
    environment = Environment()
    environment.create_local_runner()
    return environment


def make_requests(environment):
    for name in NAMES:
        environment.stats.log_request("GET", name, 50, 0)


@pytest.mark.parametrize("pauses_before", range(0, 40, 3))
def test_a_run_that_ends_while_a_tick_pauses_is_counted_once(
    environment, monkeypatch, pauses_before
):
    """Whether it pauses while it reads, counts or judges: older counts must not follow newer."""
    monkeypatch.setattr(pace, "STRETCH", 0.0)  # it pauses whenever it can
    rules = parse_rules(b"rules: [requests >= 0, requests of each * >= 0]", "rules.yaml")
    guarded = watch.Watch(environment, Guard(rules), [], 60.0)
    make_requests(environment)

    def end_the_run():
        for _ in range(pauses_before):
            gevent.sleep(0)
        make_requests(environment)
        guarded.load_ended()
        assert guarded.verdict.rules[0].requests == 2 * len(NAMES)

    ender = gevent.spawn(end_the_run)
    guarded._tick()
    ender.get()
    guarded.conclude()
    total, *each = guarded.verdict.rules
    assert total.requests == 2 * len(NAMES)
    assert {(result.entry, result.requests) for result in each} == {
        (f"GET {name}", 2) for name in NAMES
    }


def test_a_tick_lets_timers_have_their_turn(environment, monkeypatch):
    """As users need them, who wait for an answer or for their next request."""
    monkeypatch.setattr(pace, "STRETCH", 0.0)
    rules = parse_rules(b"rules: [requests of each * >= 0]", "rules.yaml")
    guarded = watch.Watch(environment, Guard(rules), [], 60.0)
    make_requests(environment)
    turns = []

    def look_on():
        while True:
            gevent.sleep(0.0001)
            turns.append(None)

    onlooker = gevent.spawn(look_on)
    guarded._tick()
    onlooker.kill()
    pauses = len(NAMES) // 20  # at the least: one a piece of work
    assert len(turns) >= pauses


class Killed(Effect):
    """The checker's greenlet is killed while somebody is told."""

    def stopping(self, reason, verdict):
        raise gevent.GreenletExit


def test_a_run_is_stopped_although_telling_is_broken_off(environment, monkeypatch):
    (rule,) = parse_rules(b"rules: [requests < 1 else stop]", "rules.yaml")
    guarded = watch.Watch(environment, Guard([rule]), [Killed()], 60.0)
    stopped = []
    monkeypatch.setattr("guard.ending.stop", stopped.append)
    make_requests(environment)
    with pytest.raises(gevent.GreenletExit):
        guarded._tick()
    gevent.sleep(0)
    assert stopped == [environment]
    guarded.conclude()


class Lingering(Effect):
    """Never done."""

    def linger(self):
        gevent.sleep(60)


def test_a_process_waits_for_so_long_only(environment, monkeypatch, caplog):
    monkeypatch.setattr(watch, "LINGER", 0.1)
    rules = parse_rules(b"rules: [requests >= 0]", "rules.yaml")
    guarded = watch.Watch(environment, Guard(rules), [Lingering(), Lingering()], 60.0)
    with gevent.Timeout(5):
        guarded.linger()
    assert caplog.messages == ["the process waits no longer for listeners and messages"]
