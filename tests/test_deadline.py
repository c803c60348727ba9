"""A stop that takes too long is noticed, once, and not when it was in time."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from guard.deadline import Deadline


@pytest.fixture
def overdue():
    return Event()


def test_the_time_runs_from_the_first_beginning(overdue):
    calls = []
    bound = Deadline(0.05, lambda: (calls.append(1), overdue.set()))
    for _ in range(3):
        bound.begin()
    assert overdue.wait(5)
    gevent.sleep(0.1)  # time for a second call, which must not come
    assert calls == [1]


def test_a_run_that_ended_in_time_is_not_overdue(overdue):
    bound = Deadline(0.05, overdue.set)
    bound.begin()
    bound.cancel()
    assert not overdue.wait(0.2)
