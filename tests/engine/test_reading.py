"""Readings in words."""

from __future__ import annotations

import pytest

from guard.engine.reading import Reading, quantity, sentence, told_apart
from guard.rule import Unit

MS, RATIO, RATE, COUNT = Unit.MILLISECONDS, Unit.RATIO, Unit.RATE, Unit.COUNT


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        pytest.param(950.0, MS, "950 ms", id="times have a space"),
        pytest.param(0.021, RATIO, "2.1%", id="ratios are percent"),
        pytest.param(48.25, RATE, "48.2/s", id="rates have three digits"),
        pytest.param(1200, COUNT, "1200", id="counts have no unit"),
        pytest.param(123456.7, MS, "123457 ms", id="never rounded before the decimal point"),
        pytest.param(12.345, MS, "12.3 ms", id="three digits"),
        pytest.param(0.012345, MS, "0.0123 ms", id="three digits of a small number"),
        pytest.param(0.0000123, RATIO, "0.00123%", id="no exponent"),
        pytest.param(99.97, MS, "100 ms", id="rounded up to the next power"),
        pytest.param(1 / 3, RATIO, "33.3%", id="one third"),
        pytest.param(1.0, RATIO, "100%", id="all"),
        pytest.param(0.0, RATIO, "0%", id="none"),
        pytest.param(0.0, MS, "0 ms", id="no time"),
        pytest.param(10.0, RATE, "10/s", id="a zero before the decimal point stays"),
    ],
)
def test_quantity(value, unit, text):
    """Three significant digits, the unit behind."""
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "threshold", "unit", "text"),
    [
        pytest.param(0.021, 0.01, RATIO, "2.1%", id="three digits do"),
        pytest.param(0.010004, 0.01, RATIO, "1.0004%", id="until it is not 1%"),
        pytest.param(0.0100004, 0.01, RATIO, "1.00004%", id="until it is not 1%, further on"),
        pytest.param(500.4, 500.0, MS, "500.4 ms", id="a fraction of a large number"),
        pytest.param(500.0, 500.0, MS, "500 ms", id="exactly the threshold"),
        pytest.param(99.999, 100.0, RATE, "99.999/s", id="below the threshold"),
    ],
)
def test_value_is_told_apart_from_the_threshold(value, threshold, unit, text):
    """No message says `was 1%, must be < 1%` of a value that is more."""
    assert told_apart(value, threshold, unit) == text


@pytest.mark.parametrize(
    ("rule", "entry", "measured", "said"),
    [
        pytest.param(
            'p95 of "POST /checkout" < 500ms over 10s for 5s else stop',
            "POST /checkout",
            (950.0, 321),
            "p95 of POST /checkout was 950 ms over 10 s (321 requests), must be < 500 ms",
            id="a window",
        ),
        pytest.param(
            "fail_ratio < 1%",
            None,
            (0.021, 4321),
            "fail_ratio was 2.1% over the run (4321 requests), must be < 1%",
            id="the whole run",
        ),
        pytest.param(
            "fail_ratio == 0% over 1m30s",
            None,
            (1.0, 1),
            "fail_ratio was 100% over 90 s (1 request), must be == 0%",
            id="one request",
        ),
        pytest.param(
            "rps >= 50 after ramp-up",
            None,
            (48.25, 482),
            "rps was 48.2/s since ramp-up (482 requests), must be >= 50/s",
            id="since ramp-up",
        ),
        pytest.param(
            "requests > 100 after ramp-up + 10s",
            None,
            (0, 0),
            "requests was 0 after ramp-up + 10s (0 requests), must be > 100",
            id="after ramp-up and more",
        ),
        pytest.param(
            "max of /x <= 2s after 1m",
            "/x",
            (2000.5, 7),
            "max of /x was 2000.5 ms after 1m (7 requests), must be <= 2000 ms",
            id="after some time",
        ),
        pytest.param(
            "p99.9 != 0.5ms over 500ms",
            None,
            (0.5, 7),
            "p99.9 was 0.5 ms over 0.5 s (7 requests), must be != 0.5 ms",
            id="a fraction of a second",
        ),
        pytest.param(
            "{check: p99 < 2s, name: Search stays usable}",
            None,
            (2100.0, 50),
            "Search stays usable: p99 was 2100 ms over the run (50 requests), must be < 2000 ms",
            id="a rule with a name",
        ),
        pytest.param(
            "{check: p99 < 2s, because: 'Search SLO, see the runbook'}",
            None,
            (2100.0, 50),
            "p99 was 2100 ms over the run (50 requests), must be < 2000 ms"
            " (Search SLO, see the runbook)",
            id="a rule with a reason",
        ),
        pytest.param(
            "{check: p99 of /s < 2s, name: Search, over: 30s, because: SLO}",
            "/s",
            (2100.0, 50),
            "Search: p99 of /s was 2100 ms over 30 s (50 requests), must be < 2000 ms (SLO)",
            id="a rule with a name and a reason",
        ),
    ],
)
def test_sentence(rules_of, rule, entry, measured, said):
    """What was measured, the number, the unit, the window, the requests, the limit, and why."""
    value, requests = measured
    (rule,) = rules_of(rule)
    reading = Reading(value, requests, seconds=rule.over or 10.0, at=21.0)
    assert sentence(rule, entry, reading) == said


def test_sentence_tells_the_time_that_a_stretched_window_really_covers(rules_of):
    """After a late tick, or on a master, a window covers more than its length."""
    (rule,) = rules_of("p95 < 500ms over 10s")
    said = "p95 was 950 ms over 12 s (321 requests), must be < 500 ms"
    assert sentence(rule, None, Reading(950.0, 321, seconds=12.1, at=21.0)) == said


def test_transition_says_the_sentence(drive):
    """A change of state is said with the reading that made it."""
    run = drive("fail_ratio of GET / < 50% over 2s", [(9, 0), (1, 1), (3, 3)])
    # at 2 s 1 of 10 failed, at 3 s 4 of 4
    said = "fail_ratio of GET / was 100% over 2 s (4 requests), must be < 50%"
    assert [str(transition) for transition in run.transitions] == [said]
    assert run.result.reason == said


@pytest.mark.parametrize(("seconds", "rps"), [(10.0, 32.1), (0.0, None)])
def test_rps_of_a_reading(seconds, rps):
    """Requests per second of its window; a window of no time has none."""
    assert Reading(950.0, 321, seconds, at=21.0).rps == rps
