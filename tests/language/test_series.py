"""Series of values: what is written means these seconds, and is written back."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.language.errors import Complaint
from guard.language.series import LONGEST, series
from guard.rule import Unit
from guard.scenario import Part, Series


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("50", [50], id="one second"),
        pytest.param("50x3", [50, 50, 50], id="three seconds"),
        pytest.param("0x3", [0, 0, 0], id="no number of the hexadecimal kind"),
        pytest.param("50/sx2", [50, 50], id="with its unit"),
        pytest.param("_", [None], id="nothing"),
        pytest.param("_x3", [None, None, None], id="three seconds of nothing"),
        pytest.param("10..50x5", [10, 20, 30, 40, 50], id="a ramp has both its ends"),
        pytest.param("50..10x3", [50, 30, 10], id="down"),
        pytest.param("1.5..2.5x3", [1.5, 2, 2.5], id="with decimals"),
        pytest.param("1x2  _ 3", [1, 1, None, 3], id="parts follow each other"),
    ],
)
def test_a_series_has_a_value_for_each_second(text, values):
    assert list(series(text, Unit.RATE).values()) == values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5x1m", 60), ("5x1m30s", 90), ("5x60s", 60), ("_x1h", 3600), ("5..6x1m", 60)],
)
def test_a_length_can_be_a_time(text, seconds):
    assert series(text, Unit.RATE).seconds == seconds


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("900x2", Unit.MILLISECONDS, 900),
        ("900msx2", Unit.MILLISECONDS, 900),
        ("1.5sx2", Unit.MILLISECONDS, 1500),
        ("90%x2", Unit.RATIO, 0.9),
        ("0.9x2", Unit.RATIO, 0.9),
        ("2GBx2", Unit.BYTES, 2_000_000_000),
        ("20x2", Unit.COUNT, 20),
    ],
)
def test_values_have_the_units_of_rules(text, unit, value):
    assert list(series(text, unit).values()) == [value, value]


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("50x60 10..50", 6, "'10..50' needs two seconds or more"),
        ("50x60 50y", 6, "it is a rate, '50y' is not; write e.g. 50 or 50/s"),
        ("5x7d 5", 5, "a series has up to 7d"),
        ("5x0", 0, "'5x0' is not a value and its number of seconds; write e.g. 5x60 or 5x1m"),
        ("1..2..3x5", 0, "it is a rate, '2..3' is not"),
        ("_.._x5", 0, "'_.._x5' is not part of a series"),
        ("", 0, "write a series, such as 50x60"),
    ],
)
def test_what_is_no_series_is_refused_where_it_goes_wrong(text, start, message):
    with pytest.raises(Complaint, match=re.escape(message)) as refused:
        series(text, Unit.RATE)
    assert refused.value.start == start


numbers = st.decimals(0, 10**6, places=3).map(float)
lengths = st.integers(1, LONGEST // 20)
parts = st.one_of(
    st.builds(lambda value, seconds: Part(value, value, seconds), numbers, lengths),
    st.builds(lambda seconds: Part(None, None, seconds), lengths),
    st.builds(Part, numbers, numbers, st.integers(2, 100)),
)


@given(st.sampled_from(list(Unit)), st.lists(parts, min_size=1, max_size=8))
def test_what_is_printed_reads_back_to_the_same(unit, some):
    if unit is Unit.RATIO:
        some = [Part(_share(p.first), _share(p.last), p.seconds) for p in some]
    written = Series(unit, tuple(some))
    if unit is Unit.SECONDS:  # no series has it: silence follows from the requests
        return
    assert series(str(written), unit) == written


def _share(value):
    return None if value is None else value / 1e6


@given(st.lists(parts, min_size=1, max_size=4))
def test_the_seconds_of_the_parts_add_up(some):
    written = Series(Unit.RATE, tuple(some))
    assert written.seconds == sum(part.seconds for part in some)
    assert series(f"{written} {written}", Unit.RATE).seconds == 2 * written.seconds


@given(st.lists(st.builds(Part, numbers, numbers, st.integers(2, 50)), min_size=1, max_size=4))
def test_there_are_as_many_values_as_seconds_and_counts_add_up(some):
    written = Series(Unit.RATE, tuple(some))
    values, counts = list(written.values()), list(written.counts())
    assert len(values) == len(counts) == written.seconds
    assert min(counts) >= 0
    assert sum(counts) == pytest.approx(sum(values), abs=1)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param("0.5x4", [0, 1, 0, 1], id="one in every other second"),
        pytest.param("0.1x12", [0] * 9 + [1, 0, 0], id="one in ten, in spite of binary fractions"),
        pytest.param("10..50x4", [10, 23, 37, 50], id="a ramp carries over what is less than one"),
        pytest.param("2 _ 2", [2, 0, 2], id="nothing is none"),
    ],
)
def test_fractions_are_carried_over(text, counts):
    assert list(series(text, Unit.RATE).counts()) == counts


def test_what_holds_goes_on():
    assert list(islice(series("1 2", Unit.RATE).held(), 4)) == [1, 2, 2, 2]
