"""Quantities: what each text means, and what is refused."""

from __future__ import annotations

import pytest

from guard.language import units
from guard.language.errors import Complaint
from guard.rule import Unit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("1m30s", 90),
        ("2h", 7200),
        ("1h1m1s1ms", 3661.001),
        ("0.5s", 0.5),  # five tenths of a second, not five seconds
        ("1.5m", 90),
        ("0s", 0),
    ],
)
def test_times(text, seconds):
    assert units.timespan(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1s1m", "1 s", "-1s", "1e3s", "12:30", "٣s", "01s"]
)
def test_no_times(text):
    with pytest.raises(Complaint):
        units.timespan(text)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("500ms", Unit.MILLISECONDS, 500),
        ("0.5s", Unit.MILLISECONDS, 500),
        ("500", Unit.MILLISECONDS, 500),
        ("1%", Unit.RATIO, 0.01),
        ("0.01", Unit.RATIO, 0.01),
        ("0.1%", Unit.RATIO, 0.001),
        ("7%", Unit.RATIO, 0.07),
        ("100%", Unit.RATIO, 1),
        ("0", Unit.RATIO, 0),
        ("50", Unit.RATE, 50),
        ("50.5/s", Unit.RATE, 50.5),
        ("1000", Unit.COUNT, 1000),
    ],
)
def test_thresholds(text, unit, value):
    """A bare number is in the metric's own unit."""
    assert units.threshold(text, unit, "metric") == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("5%", Unit.MILLISECONDS),
        ("50/s", Unit.MILLISECONDS),
        ("10ms", Unit.RATIO),
        ("101%", Unit.RATIO),
        ("1.01", Unit.RATIO),
        ("5%", Unit.RATE),
        ("1s", Unit.COUNT),
        ("1e3", Unit.COUNT),
        ("nan", Unit.COUNT),
        ("inf", Unit.RATE),
        ("-1", Unit.RATE),
        ("1_000", Unit.COUNT),
    ],
)
def test_no_thresholds(text, unit):
    with pytest.raises(Complaint, match=r"^metric "):
        units.threshold(text, unit, "metric")


def test_numbers_of_absurd_length_are_refused():
    """They would overflow on their way into a window or the verdict file."""
    with pytest.raises(Complaint):
        units.timespan("9" * 40 + "h")
    with pytest.raises(Complaint):
        units.threshold("9" * 40, Unit.COUNT, "requests")
