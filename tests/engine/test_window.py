"""The sliding window against a brute-force sum."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine.counts import Counts
from guard.engine.window import JITTER, Timeline, Window

PARTS = st.builds(
    lambda times, untimed, failures: Counts(
        requests=sum(times.values()) + untimed,
        failures=failures,
        response_time=float(sum(time * count for time, count in times.items())),
        response_times=times,
        content_length=10.0 * (sum(times.values()) + untimed),
        failures_like={"*5*": failures} if failures else {},
        fastest=min(times, default=None),
        slowest=max(times, default=None),
    ),
    times=st.dictionaries(st.integers(0, 20), st.integers(1, 5), max_size=5),
    untimed=st.integers(0, 3),
    failures=st.integers(0, 9),
)
STEPS = st.sampled_from([0.01, 0.5, 0.98, 1.0, 1.0, 1.0, 1.02, 3.0, 5.0, 12.0])


def sums(window):
    return Counts(
        requests=window.requests,
        failures=window.failures,
        response_time=window.response_time,
        response_times=window.response_times,
        fastest=window.fastest,
        slowest=window.slowest,
        content_length=window.content_length,
        failures_like={pattern: n for pattern, n in window.failures_like.items() if n},
    )


@settings(deadline=None, max_examples=200)
@given(
    ticks=st.lists(st.tuples(STEPS, PARTS), min_size=1, max_size=40),
    length=st.sampled_from([0.05, 0.5, 1.0, 2.0, 5.0, 10.0]),
    armed_at=st.sampled_from([0, 3]),
)
def test_sums_equal_a_brute_force_sum(summed, ticks, length, armed_at):
    """At every tick the window holds just the latest parts that together last long enough."""
    timeline, window = Timeline(length), None
    ends = list(accumulate((step for step, _ in ticks), initial=0.0))
    for n, (_, part) in enumerate(ticks, start=1):
        begin = timeline.begin(ends[n])
        if n <= armed_at:
            continue
        window = window or Window(length, ends[n - 1])
        window.add(part, ends[n])
        window.reach(begin, ends[n])
        reaching_back = [i for i in range(armed_at, n) if ends[n] - ends[i] >= length - JITTER]
        first = max(reaching_back, default=armed_at)
        expected = summed(part for _, part in ticks[first:n])
        assert sums(window) == expected
        assert window.seconds == ends[n] - ends[first]
        assert window.full == (window.seconds >= length - JITTER)
        assert all(count > 0 for count in window.response_times.values())


@settings(deadline=None, max_examples=50)
@given(ticks=st.lists(st.tuples(STEPS, PARTS), max_size=20))
def test_window_over_the_whole_run_forgets_nothing(summed, ticks):
    window = Window(None, 0.0)
    now = 0.0
    for step, part in ticks:
        now += step
        window.add(part, now)
        window.reach(0.0, now)
    assert sums(window) == summed(part for _, part in ticks)
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
    timeline, window = Timeline(3.0), Window(3.0, 10.0)
    timeline.begin(10.0)
    for now in map(float, ticks):
        window.add(Counts(requests=10), now)
        window.reach(timeline.begin(now), now)
    assert window.full is full
    assert window.seconds == pytest.approx(seconds)
    assert window.requests == requests


def test_rounding_errors_do_not_add_up():
    """A window that ran empty has sums of exactly zero."""
    timeline, window = Timeline(2.0), Window(2.0, 0.0)
    for now, time in enumerate([0.1, 0.2, 0.3, 1e9, 0.7, None, None], start=1):
        if time is not None:
            part = Counts(1, 0, time, {round(time): 1}, content_length=time)
            window.add(part, float(now))
        window.reach(timeline.begin(float(now)), float(now))
    assert sums(window) == Counts()


@pytest.mark.parametrize("length", [None, 3.0])
def test_a_window_tells_whether_its_requests_have_changed(length):
    """Requests that come change it, and so do those that leave; time alone does not."""
    timeline, window = Timeline(3.0), Window(length, 0.0)
    changed = []
    for now in (1.0, 2.0, 3.0, 4.0, 5.0):
        window.changed = False
        window.add(Counts(requests=int(now == 2)), now)
        window.reach(timeline.begin(now), now)
        changed.append(window.changed)
    assert changed == [False, True, False, False, length is not None]
