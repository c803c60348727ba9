"""Where rules stand at one moment, which can be looked at without changing anything."""

from __future__ import annotations

import pytest

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.language.series import series
from guard.rule import State, Unit
from guard.scenario import Scenario, Traffic
from guard.sources.series import snapshots

RULES = b"""
rules:
  - p95 < 500ms over 10s for 3s
  - fail_ratio < 1%
  - avg of each /search/* < 500ms over 5s
  - fail_ratio < 5% surely
  - cpu < 90%
  - rps > 5 after ramp-up
"""


@pytest.fixture
def rules():
    return parse_rules(RULES, "rules.yaml")


@pytest.fixture
def run(rules):
    """Thirty seconds: slow from the 16th on, failing from the 21st on."""
    slow = Traffic(
        "GET",
        "/search/a",
        series("10x30", Unit.RATE),
        series("100x15 900", Unit.MILLISECONDS),
        series("0x20 5x10", Unit.COUNT),
    )
    scenario = Scenario((slow,), {"cpu": series("_x10 50%x10 _x10", Unit.RATIO)}, ramp_up=25.0)
    return lambda: snapshots(scenario, ())


def standings_at(rules, run, second):
    guard = Guard(rules)
    for now, snapshot in run():
        guard.tick(snapshot, now)
        if now == second:
            return guard.standings()
    raise AssertionError(second)


@pytest.mark.parametrize(
    ("second", "number", "state", "reads"),
    [
        pytest.param(9, 0, State.OK, (None, 90), id="a window that is not full"),
        pytest.param(10, 0, State.OK, (100, 100), id="one that is"),
        pytest.param(16, 0, State.PENDING, (900, 100), id="broken"),
        pytest.param(18, 0, State.BREACHED, (900, 100), id="breached"),
        pytest.param(22, 1, State.OK, (10 / 220, 220), id="a total before it is judged"),
        pytest.param(16, 2, State.OK, (260, 50), id="an entry of an each"),
        pytest.param(10, 4, State.OK, (None, None), id="nobody has measured"),
        pytest.param(11, 4, State.OK, (0.5, None), id="somebody has"),
        pytest.param(21, 4, State.OK, (None, None), id="and does no more"),
        pytest.param(24, 5, State.WAITING, (None, 0), id="not armed"),
        pytest.param(30, 5, State.OK, (10, 50), id="armed"),
    ],
)
def test_where_a_rule_stands(rules, run, second, *, number, state, reads):
    standing = standings_at(rules, run, second)[number]
    assert (standing.state, (standing.value, standing.requests)) == (state, reads)
    assert standing.rule is rules[number]


def test_an_each_without_an_entry_has_its_deputy(rules):
    entries = [standing.entry for standing in Guard(rules).standings()]
    assert entries[2] == "each /search/*"


def test_evidence_is_about_the_requests_that_raised_it(rules, run):
    standing = standings_at(rules, run, 21)[3]
    assert (standing.value, standing.requests) == (0.5, 10)
    assert 0 < standing.evidence <= 1


def test_looking_changes_nothing(rules, run):
    watched, alone = Guard(rules), Guard(rules)
    for now, snapshot in run():
        assert watched.tick(snapshot, now) == alone.tick(snapshot, now)
        assert len([*watched.standings()]) == 6
    assert watched.verdict() == alone.verdict()


def test_what_is_not_measured_at_every_tick_is_left_out_where_time_is_short(rules, run):
    """Totals that are judged in the end, and the requests that evidence is about. All else is as it
    was measured, at every second."""
    guard = Guard(rules)
    for now, snapshot in run():
        guard.tick(snapshot, now)
        quick, thorough = guard.standings(thorough=False), guard.standings()
        assert [one.value for one in (quick[1], quick[3], quick[5])] == [None] * 3
        assert quick[3].evidence == thorough[3].evidence
        assert [quick[n] for n in (0, 2, 4)] == [thorough[n] for n in (0, 2, 4)]


def test_a_moment_tells_of_the_run(rules, run):
    guard = Guard(rules)
    for now, snapshot in run():
        guard.tick(snapshot, now)
    moment = guard.moment()
    assert (moment.at, moment.users, moment.answers) == (30.0, None, 300)
    assert [*moment.standings] == moment.standings[:] == [*guard.standings()]
