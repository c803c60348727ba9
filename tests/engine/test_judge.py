"""How a rule is judged, point by point: the state machine of one rule.

Tables read from left to right, a letter a tick. Traffic: (g)ood second, (b)ad second, - no request.
States: (w)aiting, (o)k, (p)ending, (B)reached. Ticks come at 1, 2, 3... s unless given.
"""

from __future__ import annotations

import pytest

from guard.engine.guard import Guard
from guard.rule import Check, Comparison, Outcome, Rule, State, Unit

JUST_NOW = "fail_ratio < 50% over 1s"
"""A check on the latest second alone."""


@pytest.mark.parametrize(
    ("at", "series", "trace"),
    [
        pytest.param([1, 2, 3, 4, 5], "bbbbb", "ppppB", id="the fifth in a row at one a second"),
        pytest.param([1, 6], "gb", "oB", id="a tick 5 s late stands for 5 s"),
        pytest.param([1, 2, 6], "gbb", "opB", id="1 s and a tick 4 s late"),
        pytest.param([1, 2, 5], "gbb", "opp", id="1 s and a tick 3 s late are not enough"),
        pytest.param([1, 7, 8], "bgb", "pop", id="a late tick that holds clears"),
        pytest.param([1, 1, 1, 2, 2, 3, 4], "bbbbbbb", "ppppppp", id="ticks at once are no time"),
        pytest.param([1, 1, 1, 2, 3, 4, 5], "bbbbbbb", "ppppppB", id="ticks at once and 5 s"),
        pytest.param([0.98, 2.03, 2.99, 4.01, 5.0], "bbbbb", "ppppB", id="jitter from the start"),
        # 1.05 + 0.96 + 1.02 + 0.96 = 3.99, then 1.05 more = 5.04
        pytest.param(
            [0.98, 2.03, 2.99, 4.01, 4.97, 6.02], "gbbbbb", "oppppB", id="jitter that sums to more"
        ),
        # 0.95 + 1.04 + 0.95 + 1.04 = 3.98, then 0.96 more = 4.94
        pytest.param(
            [1.03, 1.98, 3.02, 3.97, 5.01, 5.97], "gbbbbb", "oppppB", id="jitter that sums to less"
        ),
    ],
)
def test_1_evaluation_stands_for_the_time_since_the_one_before(drive, at, series, trace):
    """1 and 5: a tick counts for the time that really passed, so `for 5s` is 5 s of them."""
    assert drive(f"{JUST_NOW} for 5s", series, at).trace == trace


@pytest.mark.parametrize(
    ("after", "ramp_up", "series", "trace"),
    [
        pytest.param("", None, "bb", "BB", id="default: armed at once"),
        pytest.param("after 0s", None, "bb", "BB", id="after no time: armed at once"),
        pytest.param(
            "after 3s", None, "bbbbb", "wwoBB", id="after 3s: the first second is the 4th"
        ),
        pytest.param("after 3s", 1, "bbbbb", "wwoBB", id="after 3s doesn't care for ramp-up"),
        pytest.param("after ramp-up", None, "bbbbb", "wwwww", id="ramp-up never ends"),
        pytest.param("after ramp-up", 3, "bbbbb", "wwoBB", id="ramp-up ends at 3 s"),
        pytest.param("after ramp-up", 2.4, "bbbbb", "wwoBB", id="ramp-up ends between two ticks"),
        pytest.param("after ramp-up + 2s", 2, "bbbbbb", "wwwoBB", id="2 s after ramp-up"),
        pytest.param(
            "after ramp-up + 2s", None, "bbb", "www", id="2 s after a ramp-up without end"
        ),
    ],
)
def test_2_waiting_until_armed(drive, after, ramp_up, series, trace):
    """2: Before it is armed a rule is waiting, and nothing before is judged."""
    assert drive(f"{JUST_NOW} {after}", series, ramp_up=ramp_up).trace == trace


def test_2_ramp_up_and_start_in_late_ticks(drive):
    """2: A rule is armed by the first tick at or after its moment; jitter doesn't put it off."""
    run = drive(f"{JUST_NOW} after 3s", "bbbb", at=[1, 2, 7, 8])
    assert run.trace == "wwoB"
    run = drive(f"{JUST_NOW} after 3s", "bbbb", at=[0.98, 2.03, 2.99, 4.01])
    assert run.trace == "wwoB"


@pytest.mark.parametrize(
    ("rule", "trace"),
    [
        # at t = 4 the 10 requests of the fourth second, at 5 s 20, at 6 s 30
        pytest.param("requests < 30 after 3s else stop", "wwoooB", id="counts: 10, 20, 30"),
        pytest.param("rps < 11 after 3s else stop", "wwoooo", id="rates: over 1 s, 2 s, 3 s"),
        pytest.param("requests < 20 over 2s after 3s", "wwooBB", id="windows: full at 5 s"),
        pytest.param(
            "requests > 5 after 3s else stop", "wwoooo", id="no time is not zero requests"
        ),
        pytest.param("requests > 100 for 2s after 3s", "wwopBB", id="for 2s of what came after"),
    ],
)
def test_2_windows_start_empty_at_arming(drive, rule, trace):
    """2: What came before arming is not counted: no request, no second."""
    assert drive(rule, "gggggg").trace == trace


@pytest.mark.parametrize(
    ("rule", "series", "trace"),
    [
        pytest.param("fail_ratio < 50% over 5s", "bbbb", "oooo", id="4 of 5 seconds judge nothing"),
        pytest.param(
            "fail_ratio < 50% over 5s", "bbbbb", "ooooB", id="judged when 5 s have passed"
        ),
        pytest.param(
            "fail_ratio < 50% over 5s", "bb---", "ooooB", id="5 s pass without requests too"
        ),
        pytest.param("fail_ratio < 50% over 3s after 2s", "bbbbbb", "woooBB", id="since arming"),
        # of the last 4 s are bad, from the fourth tick on: 1, 1, 2 (50%), 3, 2, 2, 1
        pytest.param("fail_ratio < 50% over 4s", "gggbgbbggg", "oooooBBBBo", id="slides"),
        pytest.param("fail_ratio < 50% else stop", "bgg", "BBo", id="without over: 100%, 50%, 33%"),
        pytest.param(
            "fail_ratio < 50% else stop", "gggbbb", "oooooB", id="without over: 50% at 6 s"
        ),
    ],
)
def test_3_windows(drive, rule, series, trace):
    """3: `over W` is judged only when W seconds have passed since arming; else all since then."""
    assert drive(rule, series).trace == trace


def test_3_trap_window_never_fires_half_full(drive):
    """Nine bad seconds are no breach of a rule over ten, and never stop the run."""
    run = drive("fail_ratio < 50% over 10s else stop", "bbbbbbbbb")
    assert run.trace == "ooooooooo"
    assert run.guard.stop is None
    assert (run.result.value, run.result.outcome) == (None, Outcome.INCONCLUSIVE)
    # of ten seconds are bad: 9, 8, 7, 6, 5 (50%), 4
    assert run.play("gggggg").trace[9:] == "BBBBBo"


@pytest.mark.parametrize(
    ("series", "at", "trace"),
    [
        pytest.param("bb--b", None, "ppppB", id="an empty second counts neither way"),
        pytest.param("b---b-b", None, "ppppppB", id="several gaps"),
        pytest.param("bb-g", None, "pppo", id="good after a gap clears"),
        pytest.param("bb-gbb", None, "pppopp", id="good after a gap starts anew"),
        pytest.param("bbb--", None, "ppBBB", id="a breach lasts through a gap"),
        pytest.param("bbb-g", None, "ppBBo", id="recovery after a gap"),
        pytest.param("-bbb", None, "oppB", id="a gap at the start"),
        pytest.param("bb-b", [1, 2, 9, 10], "pppB", id="a late empty tick is no time at all"),
        pytest.param([(10, 10), (1, 1), (1, 1)], None, "ppB", id="one request is data"),
    ],
)
def test_4_trap_gap_neither_lengthens_nor_breaks_a_streak(drive, series, at, trace):
    """4: A reading without requests moves no state, and its time does not count for `for`."""
    assert drive(f"{JUST_NOW} for 3s", series, at).trace == trace


@pytest.mark.parametrize(
    ("series", "trace"),
    [
        pytest.param([(4, 4)] * 4, "oooo", id="too few never break"),
        pytest.param([(5, 5)] * 3, "ppB", id="just enough"),
        pytest.param([(10, 10), (4, 4), (4, 4), (10, 10), (10, 10)], "ppppB", id="too few between"),
        pytest.param([(10, 10), (4, 0), (10, 10), (10, 10)], "pppB", id="too few good ones"),
        pytest.param([(10, 10), (5, 0), (10, 10), (10, 10)], "popp", id="enough good ones clear"),
    ],
)
def test_4_fewer_than_min_requests_is_no_data(drive, series, trace):
    """4: A reading of fewer requests than `min_requests` is like one of none."""
    rule = "{check: fail_ratio < 50%, over: 1s, for: 3s, min_requests: 5}"
    assert drive(rule, series).trace == trace


@pytest.mark.parametrize("metric", ["requests", "rps"])
def test_4_counting_requests_an_empty_window_reads_zero(drive, metric):
    """Requests themselves are counted, so that none at all is a reading."""
    run = drive(f"{metric} >= 5 over 1s for 2s", "g--g")
    assert run.trace == "opBo"
    assert (run.result.value, run.result.requests) == (0, 0)


@pytest.mark.parametrize(
    ("hold", "series", "trace"),
    [
        pytest.param("", "gbg", "oBo", id="at once by default"),
        pytest.param("for 500ms", "gbg", "oBo", id="shorter than a tick"),
        pytest.param("for 1s", "gbg", "oBo", id="one tick"),
        pytest.param("for 1500ms", "gbbg", "opBo", id="one tick and a half"),
        pytest.param("for 2s", "gbbg", "opBo", id="two ticks"),
        pytest.param("for 2s", "bgbgbb", "popopB", id="a check that holds again clears"),
        pytest.param("for 5s", "bbbbgbbbbb", "ppppoppppB", id="almost five, then five"),
    ],
)
def test_5_broken_for_the_length_of_for(drive, hold, series, trace):
    """5: A broken check is pending, and breached when it was broken for so long."""
    assert drive(f"{JUST_NOW} {hold}", series).trace == trace


@pytest.mark.parametrize(
    ("hold", "series", "at", "moments"),
    [
        pytest.param("", "gb", None, (None, 2), id="no for, so never pending"),
        pytest.param("for 5s", "gggbbbbb", None, (3, 8), id="since the good evaluation before"),
        pytest.param("for 5s", "bbbbb", None, (0, 5), id="since the start of the test"),
        pytest.param("for 5s", "gb", [1, 6], (1, 6), id="one late tick"),
        pytest.param("for 2s", "gb--b", None, (1, 5), id="with a gap: longer than for"),
        pytest.param("for 5s", "ggb", None, (2, None), id="pending still"),
        pytest.param("for 5s", "gbg", None, (None, None), id="cleared"),
        pytest.param("for 2s", "gbbgb", None, (1, 3), id="of the first breach, pending once more"),
    ],
)
def test_5_moments(drive, hold, series, at, moments):
    """`pending_at` is since when the check is broken, the evaluation before the first broken."""
    result = drive(f"{JUST_NOW} {hold}", series, at).result
    assert (result.pending_at, result.breached_at) == moments


@pytest.mark.parametrize(
    ("hold", "series", "trace", "moments"),
    [
        pytest.param("", "gb", "oB", (2, None), id="breached"),
        pytest.param("", "gbgg", "oBoo", (2, 3), id="recovered"),
        pytest.param("", "gbgb", "oBoB", (2, None), id="breached a second time"),
        pytest.param("", "gbgbg", "oBoBo", (2, 5), id="recovered a second time"),
        pytest.param("for 2s", "bbgb", "pBop", (2, 3), id="pending after a recovery"),
        pytest.param("for 2s", "bbgbbg", "pBopBo", (2, 6), id="a second breach takes for, too"),
    ],
)
def test_6_breach_is_remembered(drive, hold, series, trace, moments):
    """6: The rule has failed even if the check holds later; then its state is ok again."""
    run = drive(f"{JUST_NOW} {hold}", series)
    assert run.trace == trace
    assert (run.result.breached_at, run.result.recovered_at) == moments
    assert run.finish().result.outcome is Outcome.FAIL


def test_6_first_breach_and_worst_value_are_kept(drive):
    """The evidence is that of the first breach; the worst value may come any time."""
    series = [(10, 1), (10, 6), (10, 0), (20, 18), (10, 7)]
    result = drive(JUST_NOW, series, users=7).result
    assert (result.value, result.requests, result.worst) == (0.6, 10, 0.9)
    assert (result.users_at_breach, result.rps_at_breach) == (7, 10)


def test_transitions_tell_every_change_of_state(drive):
    """Each change once, with the reading that made it."""
    ok, pending, breached = State.OK, State.PENDING, State.BREACHED
    run = drive(f"{JUST_NOW} for 2s", "gbgbbbgg")
    assert [(t.reading.at, t.before, t.after) for t in run.transitions] == [
        (2, ok, pending),
        (3, pending, ok),
        (4, ok, pending),
        (5, pending, breached),
        (7, breached, ok),
    ]
    assert [t.reading.at for t in run.transitions if t.is_breach] == [5]
    assert [t.reading.at for t in run.transitions if t.is_recovery] == [7]


@pytest.mark.parametrize(
    ("rule", "live"),
    [
        ("fail_ratio < 50%", False),
        ("fail_ratio < 50% else fail", False),
        ("fail_ratio < 50% else warn", False),
        ("fail_ratio < 50% else void", False),
        ("fail_ratio < 50% after 1s", False),
        ("fail_ratio < 50% else stop", True),
        ("fail_ratio < 50% else finish", True),
        ("fail_ratio < 50% over 1s", True),
        ("fail_ratio < 50% for 1s", True),
    ],
)
def test_7_judged_once_at_the_end_or_live(drive, rule, live):
    """7: Neither over, for nor else stop|finish: judged once, on the final totals."""
    run = drive(rule, "bbb")
    assert bool(run.transitions) is live
    run.finish(at=3.5)
    assert len(run.transitions) == 1
    assert run.result.breached_at == (run.transitions[0].reading.at if live else 3.5)


@pytest.mark.parametrize(
    ("action", "breached"),
    [
        ("stop", Outcome.FAIL),
        ("fail", Outcome.FAIL),
        ("finish", Outcome.PASS),
        ("warn", Outcome.PASS),
        ("void", Outcome.INCONCLUSIVE),
    ],
)
def test_10_outcome_by_action(drive, action, breached):
    """10: Breached: by its action. Judged and never breached: pass."""
    rule = f"{JUST_NOW} else {action}"
    assert drive(rule, "bg").finish().result.outcome is breached
    assert drive(rule, "gg").finish().result.outcome is Outcome.PASS


@pytest.mark.parametrize("check", ["fail_ratio < 50%", "p95 < 500ms", "requests < 5", "rps < 5"])
@pytest.mark.parametrize(
    ("no_data", "outcome"),
    [
        ("", Outcome.INCONCLUSIVE),
        ("no_data: inconclusive", Outcome.INCONCLUSIVE),
        ("no_data: pass", Outcome.PASS),
        ("no_data: fail", Outcome.FAIL),
    ],
)
@pytest.mark.parametrize("over", ["", "over: 2s"])
def test_10_outcome_without_any_data(drive, check, no_data, outcome, over):
    """10: Never any data: its no_data, also for metrics that read zero without requests."""
    rule = f"{{check: {check}, {', '.join(filter(None, (over, no_data)))}}}"
    assert drive(rule, "---").finish().result.outcome is outcome
    assert drive(rule, [(4, 0, 100), ()]).finish().result.outcome is Outcome.PASS


def test_10_no_requests_can_breach(drive):
    """Too few requests are a breach, whatever no_data says."""
    rule = "{check: requests > 5, over: 2s, no_data: pass}"
    assert drive(rule, "---").finish().result.outcome is Outcome.FAIL


def test_unknown_metric_is_refused():
    """A rule that can't be judged must not be held as if it were."""
    rule = Rule("x", Check("p950", Unit.MILLISECONDS, Comparison.LESS, 500.0))
    with pytest.raises(ValueError, match="unknown metric 'p950'"):
        Guard([rule])
