"""From cumulative counts to differences, and sums of counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine.counts import NOTHING, Counts, Odometer


def counts(requests, failures, times, epoch=0):
    return Counts(
        requests=requests,
        failures=failures,
        response_time=float(sum(time * count for time, count in times.items())),
        response_times=times,
        content_length=100.0 * requests,
        fastest=min(times, default=None),
        slowest=max(times, default=None),
        epoch=epoch,
    )


BEFORE = counts(10, 4, {100: 8, 300: 2})


def test_first_reading_is_all_new():
    """An entry that appears later was at zero before."""
    assert Odometer().advance(BEFORE) == BEFORE


def test_second_reading_gives_what_was_added():
    odometer = Odometer()
    odometer.advance(BEFORE)
    added = odometer.advance(counts(16, 5, {100: 9, 300: 2, 900: 5}))
    # 1 * 100 + 5 * 900 = 4600; only what grew is in the histogram
    assert (added.requests, added.failures, added.response_time) == (6, 1, 4600.0)
    assert added.response_times == {100: 1, 900: 5}


def test_reading_without_news_adds_nothing():
    odometer = Odometer()
    odometer.advance(BEFORE)
    assert odometer.advance(BEFORE) == NOTHING


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(counts(3, 0, {100: 3}), id="all counters went down"),
        pytest.param(counts(0, 0, {}), id="all counters are zero"),
        pytest.param(counts(9, 4, {100: 9}), id="only the requests went down"),
        pytest.param(counts(12, 3, {100: 10, 300: 2}), id="only the failures went down"),
        pytest.param(counts(12, 4, {100: 7, 300: 5}), id="a count of the histogram went down"),
        pytest.param(counts(12, 4, {100: 12}), id="a time of the histogram is gone"),
        pytest.param(counts(99, 9, {100: 90, 300: 9}, epoch=1), id="a new epoch, counters grew"),
        pytest.param(counts(10, 4, {100: 8, 300: 2}, epoch=1), id="a new epoch, counters equal"),
    ],
)
def test_reset_counts_from_zero(after):
    """A counter that went down, or a new epoch, is a reset: never a negative difference."""
    odometer = Odometer()
    odometer.advance(BEFORE)
    added = odometer.advance(after)
    assert (added.requests, added.failures) == (after.requests, after.failures)
    assert added.response_time == after.response_time
    assert added.response_times == after.response_times


RESETS = pytest.mark.parametrize(
    ("first", "epoch"),
    [
        pytest.param({}, 0, id="at the start"),
        pytest.param({100: 9}, 1, id="after a new epoch"),
        pytest.param({100: 9}, 0, id="after requests went down"),
        pytest.param({300: 2}, 0, id="after a time was gone"),
        pytest.param({100: 4, 200: 1}, 0, id="after a count went down"),
    ],
)


@RESETS
def test_differences_go_on(first, epoch):
    odometer = Odometer()
    odometer.advance(counts(sum(first.values()), 0, first))
    odometer.advance(counts(6, 0, {100: 3, 200: 3}, epoch))
    added = odometer.advance(counts(8, 1, {100: 4, 200: 3, 300: 1}, epoch))
    assert (added.requests, added.failures, added.response_time) == (2, 1, 400.0)
    assert added.response_times == {100: 1, 300: 1}


@pytest.mark.parametrize(
    ("time", "fastest", "slowest", "expected"),
    [
        pytest.param(200, 104.0, 298.0, (200, 200), id="no news: its own histogram tells"),
        pytest.param(100, 99.6, 298.0, (99.6, 100), id="a new fastest is exact"),
        pytest.param(310, 104.0, 306.5, (310, 306.5), id="a new slowest is exact"),
        pytest.param(100, 104.0, 298.0, (104.0, 100), id="rounded below the fastest of all"),
        pytest.param(300, 104.0, 298.0, (300, 298.0), id="rounded above the slowest of all"),
    ],
)
def test_extremes_of_what_was_added(time, fastest, slowest, expected):
    """A source knows the extremes of the whole run; those of one second come from both."""
    odometer = Odometer()
    odometer.advance(Counts(2, 0, 402.0, {100: 1, 300: 1}, fastest=104.0, slowest=298.0))
    times = {100: 1, 300: 1}
    times[time] = times.get(time, 0) + 1
    added = odometer.advance(Counts(3, 0, 602.0, times, fastest=fastest, slowest=slowest))
    assert (added.fastest, added.slowest) == expected


def test_requests_without_a_response_time_have_no_extremes():
    odometer = Odometer()
    odometer.advance(BEFORE)
    added = odometer.advance(Counts(15, 4, 1400.0, {100: 8, 300: 2}, fastest=100, slowest=300))
    assert (added.requests, added.response_times) == (5, {})
    assert (added.fastest, added.slowest) == (None, None)


PARTS = st.builds(
    lambda times, untimed, failures: counts(sum(times.values()) + untimed, failures, times),
    times=st.dictionaries(st.integers(0, 1000), st.integers(1, 50), max_size=8),
    untimed=st.integers(0, 5),
    failures=st.integers(0, 50),
)


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(PARTS, max_size=10))
def test_differences_add_up_to_the_totals(summed, parts):
    """Whatever the steps of the ticks, nothing is lost and nothing is counted twice."""
    odometer = Odometer()
    differences = [odometer.advance(summed(parts[: n + 1])) for n in range(len(parts))]
    assert summed(differences) == summed(parts)


def test_failures_by_text_are_differences_too():
    odometer = Odometer()
    odometer.advance(Counts(9, 3, failures_like={"*503*": 2}))
    added = odometer.advance(Counts(12, 6, failures_like={"*503*": 4, "*timed out*": 1}))
    assert added.failures_like == {"*503*": 2, "*timed out*": 1}
    after_reset = odometer.advance(Counts(2, 1, failures_like={"*503*": 1}))
    assert after_reset.failures_like == {"*503*": 1}


def test_failures_that_a_part_has_none_of_are_missing_from_it():
    """Every part of a window would remember the zero otherwise."""
    odometer = Odometer()
    odometer.advance(Counts(9, 3, failures_like={"*503*": 2, "*timed out*": 1}))
    added = odometer.advance(Counts(12, 5, failures_like={"*503*": 4, "*timed out*": 1}))
    assert added.failures_like == {"*503*": 2}
    added = odometer.advance(Counts(15, 5, failures_like={"*503*": 4, "*timed out*": 1}))
    assert added.failures_like == {}
