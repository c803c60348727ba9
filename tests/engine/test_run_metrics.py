"""Rules on the run itself: judged at every evaluation, in no window.

Ticks come at 1, 2, 3... s unless given. States: (w)aiting, (o)k, (p)ending, (B)reached.
"""

from __future__ import annotations

import pytest

from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.rule import Outcome, State


def idle(drive, rule, name, values, at=None, **options):
    """A run without requests, with one vital sign after the other."""
    vitals = [{name: value} for value in values]
    return drive(rule, "-" * len(values), at, vitals=vitals, **options)


@pytest.mark.parametrize(
    ("rule", "vital", "values", "trace"),
    [
        pytest.param("users < 5", "users", [4, 5, 4], "oBo", id="users"),
        pytest.param("workers >= 2", "workers", [2, 1, 2], "oBo", id="workers"),
        pytest.param("lost_workers == 0", "lost_workers", [0, 1, 0], "oBo", id="lost workers"),
        pytest.param("cpu < 90%", "cpu", [0.89, 0.9, 0.5], "oBo", id="a share of a core"),
        pytest.param("memory < 2GB", "memory", [2e9 - 1, 2e9, 1], "oBo", id="bytes"),
        pytest.param("exceptions < 3", "exceptions", [1, 2, 3, 4], "ooBB", id="they add up"),
    ],
)
def test_judged_at_every_evaluation(drive, rule, vital, values, trace):
    """7: A rule on the run needs neither a window nor a request."""
    run = idle(drive, rule, vital, values)
    assert run.trace == trace
    assert run.finish().result.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("hold", "values", "at", "trace"),
    [
        pytest.param("", [None, 0.95], None, "oB", id="not measured yet"),
        pytest.param("", [0.95, None, 0.5], None, "BBo", id="a breach lasts through it"),
        pytest.param("for 3s", [0.95, None, 0.95, 0.95], None, "pppB", id="no streak is broken"),
        pytest.param("for 3s", [0.95, None, None, 0.95], None, "pppp", id="nor lengthened"),
        pytest.param("for 3s", [0.95, None, 0.95], [1, 8, 9], "ppp", id="a late tick neither"),
        pytest.param("for 3s", [0.95, 0.5, 0.95, 0.95], None, "popp", id="a good one clears"),
        pytest.param("for 3s", [0.5, 0.95], [1, 4], "oB", id="a late tick stands for its time"),
    ],
)
def test_nothing_measured_is_no_data(drive, hold, values, at, trace):
    """4: The state does not move, and the time does not count toward `for`."""
    assert idle(drive, f"cpu < 90% {hold}", "cpu", values, at).trace == trace


@pytest.mark.parametrize(
    ("rule", "vital", "why"),
    [
        pytest.param("cpu < 90%", "cpu", "Locust had not measured it yet", id="cpu"),
        pytest.param("memory < 1GB", "memory", "Locust had not measured it yet", id="memory"),
        pytest.param("silence < 9s", "silence", "no users were running", id="silence"),
    ],
)
@pytest.mark.parametrize("no_data", ["pass", "fail", "inconclusive"])
def test_a_rule_that_never_had_data(drive, rule, vital, why, no_data):
    """10: Its `no_data` is its outcome, and the reason tells what was missing."""
    line = f"{{check: {rule}, no_data: {no_data}}}"
    result = idle(drive, line, vital, [None] * 3).finish().result
    assert (result.outcome.value, result.judged, result.requests) == (no_data, False, None)
    assert result.reason == f"{result.rule.name!r} had no data: {why}"


def test_data_once_is_data(drive):
    """That nothing was measured any more later does not undo what was."""
    result = idle(drive, "cpu < 90%", "cpu", [0.4, None]).finish().result
    assert (result.outcome, result.value, result.worst) == (Outcome.PASS, 0.4, 0.4)


@pytest.mark.parametrize(
    ("rule", "values", "trace"),
    [
        pytest.param("users < 5 after 3s", [9, 9, 9, 9], "wwBB", id="judged when it is armed"),
        pytest.param("users < 5 after 3s", [9, 9, 4, 9], "wwoB", id="not on what was before"),
        # armed at 3 s: it has been broken for 1 s at 4 s, for 2 s at 5 s
        pytest.param("users < 5 for 2s after 3s", [9] * 6, "wwppBB", id="for 2s since arming"),
        pytest.param("users < 5 for 2s", [9] * 3, "pBB", id="for 2s from the start"),
        pytest.param("users < 5 after ramp-up", [9] * 5, "wwwBB", id="ramp-up ends at 3.5 s"),
        pytest.param("users < 5 after ramp-up + 1s", [9] * 5, "wwwwB", id="a second later"),
    ],
)
def test_2_waiting_until_armed(drive, rule, values, trace):
    """2 and 5: What came before arming is not counted, its time for `for` included."""
    assert idle(drive, rule, "users", values, ramp_up=3.5).trace == trace


def test_5_moments_of_a_rule_that_was_broken_when_it_was_armed(drive):
    """It can't have been broken since before it watched."""
    result = idle(drive, "users < 5 for 2s after 3s", "users", [9] * 6).result
    assert (result.pending_at, result.breached_at) == (3, 5)


@pytest.mark.parametrize(
    ("rule", "values", "trace", "value"),
    [
        pytest.param("exceptions < 3", [2, 2, 5], "ooB", 5, id="all since the start"),
        pytest.param("exceptions < 3 after 2s", [0, 5, 7], "woo", 2, id="those after arming"),
        pytest.param("exceptions < 3 after 2s", [0, 5, 8], "woB", 3, id="enough after arming"),
        pytest.param("exceptions < 3", [2, 0, 1], "ooB", 3, id="a reset loses none"),
        pytest.param("exceptions < 3 after 3s", [2, 0, 1, 2], "wwoo", 1, id="a reset before"),
        pytest.param("exceptions < 3 after 1s", [2, 0, 1, 2], "oooo", 2, id="a reset after"),
    ],
)
def test_exceptions_are_those_since_arming(drive, rule, values, trace, value):
    """They add up, so those from before are taken off; a smaller number is a reset."""
    run = idle(drive, rule, "exceptions", values)
    assert (run.trace, run.result.value) == (trace, value)


@pytest.mark.parametrize(
    ("rule", "vital", "last", "outcome"),
    [
        pytest.param("exceptions < 3", "exceptions", 3, Outcome.FAIL, id="exceptions are judged"),
        pytest.param("users < 3", "users", 3, Outcome.PASS, id="users that go are not"),
        pytest.param("workers < 3", "workers", 3, Outcome.PASS, id="nor workers"),
        pytest.param("lost_workers < 3", "lost_workers", 3, Outcome.PASS, id="that quit"),
        pytest.param("cpu < 3%", "cpu", 0.9, Outcome.PASS, id="nor the load of stopping"),
    ],
)
def test_9_final_totals(drive, rule, vital, last, outcome):
    """9: At the end only what adds up is judged, with what came in late."""
    run = idle(drive, rule, vital, [0.01]).finish(at=2, **{vital: last})
    assert run.result.outcome is outcome
    assert run.result.value == (last if outcome is Outcome.FAIL else 0.01)


def test_9_final_exceptions_stand_for_the_time_since_the_last_tick(drive):
    """9 and 5: Broken for one second at the tick and for another one at the end."""
    run = idle(drive, "exceptions < 1 for 2s", "exceptions", [1])
    assert run.trace == "p"
    assert run.finish(at=2).result.state is State.BREACHED


@pytest.mark.parametrize(
    ("users", "series", "silences"),
    [
        pytest.param([1] * 5, "gg---", [0, 0, 1, 2, 3], id="since the last tick with an answer"),
        pytest.param([1] * 5, "g--g-", [0, 1, 2, 0, 1], id="an answer ends it"),
        pytest.param([1] * 4, "b-b-", [0, 1, 0, 1], id="a failure is an answer"),
        pytest.param([1] * 4, "----", [0, 1, 2, 3], id="never an answer"),
        pytest.param(
            [0, 0, 1, 1], "----", [None, None, 0, 1], id="from when users come, not before"
        ),
        pytest.param([1, 1, 0, 0], "g---", [0, 1, None, None], id="nobody waits for an answer"),
        pytest.param([1, 0, 1, 1], "g---", [0, None, 0, 1], id="users who come again have just"),
        pytest.param([0, 0, 1], "gg-", [None, None, 0], id="answers without users are no start"),
    ],
)
def test_silence(drive, users, series, silences):
    """Seconds since the last tick that brought an answer, while users are running."""
    run, seen = drive("silence < 1h"), []
    for number, second in zip(users, series, strict=True):
        before = run.result.value
        run.play([second], vitals=[{"users": number}])
        seen.append(None if number == 0 else run.result.value)
        if number == 0:
            assert run.result.value == before  # no data, so the reading stands
    assert seen == silences


@pytest.mark.parametrize(
    ("series", "at", "trace"),
    [
        pytest.param("g----", None, "oooBB", id="3 s"),
        pytest.param("g--g---", None, "oooooo" + "B", id="anew after an answer"),
        pytest.param("g-", [1, 4], "oB", id="a late tick"),
        pytest.param("g---g", None, "oooBo", id="it recovers"),
    ],
)
def test_a_rule_on_silence(drive, series, at, trace):
    """`silence < 3s else stop` stops a run whose system does not answer any more."""
    run = drive("silence < 3s else stop", series, at, users=1)
    assert run.trace == trace
    assert run.guard.stop.reason == "silence was 3 s, must be < 3 s"


def test_a_reset_of_the_statistics_is_no_silence(drive):
    """Counters that went down have moved: an answer may have been lost with them."""
    run = drive("silence < 2s", "g-", users=1)
    run.reset()
    assert run.play("-").result.value == 0
    assert run.play("-").result.value == 1
    assert run.play("g").result.value == 0
    assert run.trace == "ooooo"


def test_silence_on_a_master_is_what_its_reports_tell_of(rules_of):
    """Between two rounds of reports nobody knows of answers, so a steady load is never silent.

    Rounds end at 3, 6, 9 and 12 s; the last answers come with the report at 5 s.
    """
    guard = Guard(rules_of("silence < 1h"))
    answers = [0, 0, 7, 7, 9, 9, 9, 9, 9, 9, 9, 9, 9]
    seen = []
    for now, answered in enumerate(answers, start=1):
        snapshot = Snapshot(
            Counts(),
            vitals=Vitals(users=1),
            answers=answered,
            counted_until=now // 3 * 3.0,
            lag=3.0,
        )
        guard.tick(snapshot, float(now))
        seen.append(guard.verdict().rules[0].value)
    assert seen == [0, 0, 0, 0, 0, 1, 1, 1, 4, 4, 4, 7, 7]


def test_rules_on_the_run_are_armed_by_the_clock_also_on_a_master(rules_of):
    """Rules on requests wait until none older can come any more; the run has no older ones."""
    guard = Guard(rules_of("users < 5 after 2s", "fail_ratio < 1% over 1s after 2s"))
    for now in (1.0, 2.0, 3.0):
        guard.tick(Snapshot(Counts(), vitals=Vitals(users=1), counted_until=0.0, lag=3.0), now)
        states = [result.state for result in guard.verdict().rules]
        armed = State.OK if now >= 2 else State.WAITING
        assert states == [armed, State.WAITING]


def test_verdict_file_of_a_rule_on_the_run(drive):
    """It is on no entry and on no requests, so these are null."""
    run = idle(drive, "cpu < 90% for 2s else void", "cpu", [0.5, 0.95, 0.97, 0.92], users=3)
    run.finish(at=4.5)
    content = run.verdict.as_dict()
    assert (content["outcome"], content["exit_code"]) == ("inconclusive", 4)
    assert content["reason"] == "cpu was 97%, must be < 90%"
    assert content["rules"] == [
        {
            "name": "cpu < 90%",
            "check": "cpu < 90%",
            "entry": None,
            "action": "void",
            "state": "breached",
            "outcome": "inconclusive",
            "value": 0.97,
            "unit": "ratio",
            "threshold": 0.9,
            "requests": None,
            "pending_at": 1,
            "breached_at": 3,
            "recovered_at": None,
            "worst": 0.97,
            "evidence": None,
            "users_at_breach": 3,
            "rps_at_breach": None,
            "last_healthy": {"at": 1.0, "users": 3, "rps": None},
            "failing_entries": [],
            "failure_texts": [],
            "because": None,
        }
    ]


@pytest.mark.parametrize(
    ("rule", "vital", "value", "reason"),
    [
        ("memory < 1.5GB", "memory", 1.62e9, "memory was 1.62 GB, must be < 1.5 GB"),
        ("lost_workers < 1", "lost_workers", 2, "lost_workers was 2, must be < 1"),
        ("exceptions == 0", "exceptions", 1, "exceptions was 1, must be == 0"),
        (
            "{check: users <= 10, name: Small, because: it is a laptop}",
            *("users", 11),
            "Small: users was 11, must be <= 10 (it is a laptop)",
        ),
    ],
)
def test_reason(drive, rule, vital, value, reason):
    """In words, without a window and without requests."""
    assert idle(drive, rule, vital, [value]).finish().verdict.reason == reason


def test_users_that_nobody_knows_of(drive):
    """Then there is no data on them, they are in no verdict, and silence goes on without them."""
    unknown = [{"users": None}] * 3
    assert drive("users > 1", "---", vitals=unknown).trace == "ooo"
    run = drive("silence < 2s", "---", vitals=unknown)
    assert run.trace == "ooB"
    assert run.finish().result.users_at_breach is None
