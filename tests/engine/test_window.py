"""The sliding window against a brute-force sum."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine.counts import Counts, total
from guard.engine.window import JITTER, Window

PARTS = st.builds(
    lambda times, untimed, failures: Counts(
        requests=sum(times.values()) + untimed,
        failures=failures,
        response_time=float(sum(time * count for time, count in times.items())),
        response_times=times,
        fastest=min(times, default=None),
        slowest=max(times, default=None),
    ),
    times=st.dictionaries(st.integers(0, 20), st.integers(1, 5), max_size=5),
    untimed=st.integers(0, 3),
    failures=st.integers(0, 9),
)
STEPS = st.sampled_from([0.0, 0.01, 0.5, 0.98, 1.0, 1.0, 1.0, 1.02, 3.0, 5.0, 12.0])


@settings(deadline=None, max_examples=200)
@given(
    ticks=st.lists(st.tuples(STEPS, PARTS), min_size=1, max_size=40),
    length=st.sampled_from([0.05, 0.5, 1.0, 2.0, 5.0, 10.0]),
    armed_at=st.sampled_from([0.0, 7.3]),
)
def test_sums_equal_a_brute_force_sum(ticks, length, armed_at):
    """At every tick the window holds just the latest parts that together last long enough."""
    window = Window(length, armed_at)
    ends = list(accumulate((step for step, _ in ticks), initial=armed_at))
    for n, (_, part) in enumerate(ticks, start=1):
        window.add(part, ends[n])
        reaching_back = [i for i in range(n) if ends[n] - ends[i] >= length - JITTER]
        first = max(reaching_back, default=0)
        expected = total(part for _, part in ticks[first:n])
        assert window.counts == expected
        assert window.seconds == ends[n] - ends[first]
        assert window.full == bool(reaching_back)
        assert all(count > 0 for count in window.counts.response_times.values())


@settings(deadline=None, max_examples=50)
@given(ticks=st.lists(st.tuples(STEPS, PARTS), max_size=20))
def test_window_over_the_whole_run_forgets_nothing(ticks):
    window = Window(None, 0.0)
    now = 0.0
    for step, part in ticks:
        now += step
        window.add(part, now)
    assert window.counts == total(part for _, part in ticks)
    assert window.seconds == now
    assert window.full == (now > 0)  # over no time at all there is nothing to judge


@pytest.mark.parametrize(
    ("ticks", "full", "seconds", "requests"),
    [
        pytest.param([], False, 0, 0, id="nothing came yet"),
        pytest.param([11, 12], False, 2, 20, id="two of three seconds"),
        pytest.param([11, 12, 13], True, 3, 30, id="just full"),
        pytest.param([11, 12, 13, 14, 15], True, 3, 30, id="the oldest two are dropped"),
        pytest.param([11, 12, 17], True, 5, 10, id="a late tick covers more than the length"),
        pytest.param([11, 12, 17, 18], True, 6, 20, id="a late tick stays in whole"),
        pytest.param([11, 12, 17, 18, 19, 20], True, 3, 30, id="a late tick leaves whole"),
        pytest.param([10.98, 12.03, 12.99], True, 2.99, 30, id="a tick early by jitter fills it"),
        pytest.param([10.98, 12.03, 12.99, 14.01], True, 3.03, 30, id="jitter keeps three ticks"),
    ],
)
def test_window_of_three_seconds_from_10_s_on(ticks, full, seconds, requests):
    """Each tick brings ten requests, for the time since the tick before."""
    window = Window(3.0, 10.0)
    for now in ticks:
        window.add(Counts(requests=10), float(now))
    assert window.full is full
    assert window.seconds == pytest.approx(seconds)
    assert window.counts.requests == requests


def test_rounding_errors_do_not_add_up():
    """A window that ran empty has a sum of response times of exactly zero."""
    window = Window(2.0, 0.0)
    for now, time in enumerate([0.1, 0.2, 0.3, 1e9, 0.7], start=1):
        window.add(Counts(1, 0, time, {round(time): 1}), float(now))
    window.add(Counts(), 6.0)
    window.add(Counts(), 7.0)
    assert window.counts == Counts()
