"""What the soak pack makes of an hour: too long for a real run, so the seconds are made up."""

from __future__ import annotations

import pytest

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Outcome

HEALTHY, SLOW, FAILING, DOWN, HUNG = (20, 0, 100), (20, 0, 1500), (20, 2, 100), (20, 15, 100), ()


@pytest.fixture
def hour_of_soak(drive):
    """An hour that is healthy but for some minutes in its middle."""

    def run(minutes, second):
        soak = drive("rps > 0", ramp_up=30, users=20)
        soak.guard = Guard(parse_rules(b"extends: soak", "rules.yaml"))
        for part in ([HEALTHY] * 1800, [second] * 60 * minutes, [HEALTHY] * (1800 - 60 * minutes)):
            for one in part:
                soak.play([one])
                if soak.guard.stop:
                    return soak.finish()
        return soak.finish()

    return run


@pytest.mark.parametrize(
    ("minutes", "second", "outcome", "reason"),
    [
        pytest.param(0, HEALTHY, Outcome.PASS, "passed", id="nothing happens"),
        pytest.param(1, DOWN, Outcome.FAIL, "few requests fail in any five minutes",
                     id="down for a minute: it fails, and goes on"),
        pytest.param(12, FAILING, Outcome.FAIL, "few requests fail in any five minutes",
                     id="a tenth fails for twelve minutes, less than 5% of half an hour"),
        pytest.param(10, SLOW, Outcome.FAIL, "requests stay fast in any ten minutes",
                     id="slow for ten minutes"),
    ],
)  # fmt: skip
def test_an_hour_goes_to_its_end(hour_of_soak, minutes, second, outcome, reason):
    soak = hour_of_soak(minutes, second)
    assert soak.guard.stop is None
    assert soak.verdict.outcome is outcome
    assert reason in soak.verdict.reason


@pytest.mark.parametrize(
    ("second", "reason", "latest"),
    [
        # 150 of 300 s must be down until half of the requests fail, then two minutes more
        pytest.param(DOWN, "the run is not hopeless", 1800 + 320 + 5, id="down"),
        pytest.param(HUNG, "something answers", 1800 + 120 + 5, id="no answer for two minutes"),
    ],
)
def test_a_hopeless_hour_is_cut_short(hour_of_soak, second, reason, latest):
    soak = hour_of_soak(20, second)
    assert reason in soak.guard.stop.reason
    assert 1800 + 120 <= soak.guard.stop.at <= latest
