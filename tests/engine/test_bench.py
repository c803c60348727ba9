"""What judges share: a bench with one window, and gauges that are read when there is news."""

from __future__ import annotations

import pytest

from guard.engine.bench import Bench
from guard.engine.counts import Counts
from guard.engine.metrics import Metric
from guard.engine.window import Timeline
from guard.rule import Outcome, State, Unit


class Watched:
    """A bench of rules on one metric, whose every measurement is noted."""

    def __init__(self, rules, *, per_second=False, length=3.0):
        self.measured = []
        metric = Metric("requests", Unit.COUNT, "", self.measure, per_second=per_second)
        self.bench = Bench(length)
        self.judges = [self.bench.seat(rule, metric, None) for rule in rules]
        self.bench.arm(0.0)
        self._timeline = Timeline(length) if length else None
        self._now = 0.0

    def measure(self, window, seconds):
        self.measured.append(self._now)
        return window.requests

    def tick(self, requests):
        self._now += 1.0
        self.bench.add(Counts(requests=requests), self._now)
        begin = self._timeline.begin(self._now) if self._timeline else 0.0
        return self.bench.evaluate(begin, self._now, self._now, 1.0, 0)


@pytest.mark.parametrize(
    ("rule", "options", "series", "measured"),
    [
        pytest.param("requests < 99", {}, [1, 0, 0, 0, 0, 0], [3, 4], id="when one comes or goes"),
        pytest.param("requests < 99", {}, [0, 0, 1, 0, 0, 0], [3, 6], id="not in between"),
        pytest.param("requests < 99", {}, [0] * 6, [3], id="once where there are none"),
        pytest.param("requests < 99", {"length": None}, [0, 1, 0, 0], [1, 2], id="of all so far"),
        pytest.param("requests < 99", {"per_second": True}, [0] * 5, [3, 4, 5], id="a rate always"),
        pytest.param(
            "requests < 1 for 3s",
            {"length": None},
            [5, 0, 0, 0, 0],
            [1, 2, 3],
            id="while one is pending, until it is breached",
        ),
    ],
)
def test_a_window_is_measured_when_that_can_change_something(
    rules_of, rule, options, series, measured
):
    """Its requests are others, or time alone moves the value or a state."""
    watched = Watched(rules_of(f"{rule} else stop"), **options)
    for requests in series:
        watched.tick(requests)
    assert watched.measured == measured


def test_judges_with_different_limits_share_a_measurement(rules_of):
    """Of the same metric and the same failures, with as many requests at least."""
    rules = rules_of(*(f"requests {limit} over 3s" for limit in ("< 5", "<= 9", ">= 0")))
    watched = Watched(rules)
    for requests in (4, 4, 4):
        watched.tick(requests)
    assert watched.measured == [3]
    assert [judge.state for judge in watched.judges] == [State.BREACHED, State.BREACHED, State.OK]
    assert len({id(judge.gauge) for judge in watched.judges}) == 1


def test_a_calm_judge_is_not_calm_any_more_once_its_check_was_broken(rules_of):
    """Values no worse than the worst are skipped only while the check has always held."""
    (rule,) = rules_of("requests < 5 over 1s")
    watched = Watched([rule], length=1.0)
    states = []
    for requests in (3, 1, 2, 7, 6, 4, 6, 4):
        watched.tick(requests)
        states.append(watched.judges[0].state.value)
    assert states == ["ok", "ok", "ok", "breached", "breached", "ok", "breached", "ok"]
    assert watched.judges[0].worst == 7


@pytest.mark.parametrize(
    ("rule", "series", "trace"),
    [
        pytest.param("rps > 3 else stop", "g---", "oooB", id="10, 5, 3.3 and 2.5 requests/s"),
        pytest.param("fail_per_sec < 4 else stop", "gb--g", "oBooo", id="5, 3.3, 2.5 and 2 fail"),
        pytest.param("rps of each /* > 3 else stop", "g---", "oooB", id="of each entry"),
        pytest.param("p95 < 1s for 3s", "g---", "oooo", id="what holds goes on to hold"),
        # after the first two seconds nothing changes, but for goes on
        pytest.param("p95 < 500ms for 4s", "bb--", "pppB", id="what is broken stays so"),
    ],
)
def test_time_alone_can_break_a_check(drive, rule, series, trace):
    """Rates of the whole run sink without a request, and `for` goes on."""
    assert drive(rule, series).trace == trace


def test_rules_that_need_more_requests_measure_on_their_own(drive):
    """The same metric in the same window: for one of them it is no data."""
    rules = ["p95 < 1s over 1s", "{check: p95 < 1s, over: 1s, min_requests: 11}"]
    results = drive(rules, "g").finish().verdict.rules
    assert [result.judged for result in results] == [True, False]
    assert [result.outcome for result in results] == [Outcome.PASS, Outcome.INCONCLUSIVE]


def test_a_verdict_in_passing_moves_nothing(drive):
    """Asked as often as one likes, at any moment."""
    rules = ["fail_ratio < 50%", "p95 < 500ms for 3s", "{check: p95 < 1s, min_requests: 25}"]
    run = drive(rules, "bb")
    assert run.verdict.as_dict() == run.verdict.as_dict()
    assert [result.state.value for result in run.verdict.rules] == ["breached", "pending", "ok"]
    assert run.transitions == [t for t in run.transitions if t.rule is run.guard.rules[1]]
    run.play("b").finish()
    assert [t.after.value for t in run.transitions] == ["pending", "breached", "breached"]
