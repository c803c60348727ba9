"""Ticks fall on whole seconds, and one that comes too late is said once."""

from __future__ import annotations

import logging

import pytest

from guard import pace
from guard.pace import Pace


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace.gevent, "sleep", clock.advance)
    return clock


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(0.0, 1.0, id="the first after a second"),
        pytest.param(1.002, 2.0, id="a tick that took a while does not delay the next"),
        pytest.param(2.9998, 4.0, id="one that came early is not followed by another at once"),
        pytest.param(7.4, 8.0, id="after a late one the next is on time again"),
    ],
)
def test_ticks_fall_on_whole_seconds(clock, now, due):
    clock.now = now
    Pace(clock).wait()
    assert clock.now == pytest.approx(due)


def tick(paced: Pace, clock: Clock, kept: float = 0.0, worked: float = 0.0) -> None:
    """One tick, before which others keep the event loop, and which takes some work itself."""
    paced.wait()
    clock.advance(kept)
    paced.begin_to_work()
    clock.advance(worked)
    paced.end_work()


@pytest.mark.parametrize(
    ("kept", "worked", "said"),
    [
        pytest.param(0.9, 0.0, None, id="the next tick is on time nevertheless"),
        pytest.param(10.0, 0.0, "the guard was 10s late", id="users keep the event loop"),
        pytest.param(0.0, 1.4, "judging the rules once took 1s400ms of work", id="many rules"),
        pytest.param(3.0, 0.5, "the guard was 3s500ms late", id="both, mostly the users"),
        pytest.param(0.3, 1.2, "judging the rules once took 1s200ms", id="both, mostly rules"),
    ],
)
def test_who_kept_the_guard_from_judging_in_time(clock, caplog, kept, worked, said):
    with caplog.at_level(logging.WARNING, "guard"):
        tick(Pace(clock), clock, kept, worked)
    assert [said in message for message in caplog.messages] == ([True] if said else [])


def test_lateness_is_said_once(clock, caplog):
    paced = Pace(clock)
    for kept in (5.0, 0.0, 7.0):
        tick(paced, clock, kept)
    assert len(caplog.messages) == 1


def test_work_is_what_was_done_between_the_pauses(clock, monkeypatch, caplog):
    """While it pauses, others keep the event loop; that is not the guard's work."""
    paced = Pace(clock)
    paced.wait()
    paced.begin_to_work()
    monkeypatch.setattr(pace.gevent, "sleep", lambda _: clock.advance(0.2))
    for _ in range(10):
        clock.advance(0.01)
        paced.breathe()
    paced.end_work()
    assert "the guard was 2s100ms late" in caplog.text
