"""A guard of several rules on the entries of a run, from its first tick to its final totals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guard.engine.counts import Counts
from guard.engine.guard import Guard, widened
from guard.engine.snapshot import Snapshot
from guard.rule import Outcome, Selection, State

STATES = {"w": State.WAITING, "o": State.OK, "p": State.PENDING, "B": State.BREACHED}

ENTRIES = {
    "GET /x": (1, 0),
    "POST /x": (2, 0),
    "GET /search/a": (4, 0),
    "GET /search/b?q=1": (8, 0),
    "GET /users/[id]": (16, 0),
    "GET /users/i": (32, 0),
    "GET a b": (64, 0),
    "GET /größe/☃": (128, 0),
}


@pytest.mark.parametrize(
    ("of", "requests"),
    [
        pytest.param("", 255, id="no of: the aggregate"),
        pytest.param("of /x", 3, id="a name: all methods as one"),
        pytest.param("of GET /x", 1, id="a method and a name: that one"),
        pytest.param('of "POST /x"', 2, id="the same in quotes"),
        pytest.param("of DELETE /x", 0, id="a method that is not used"),
        pytest.param("of /search/*", 12, id="a wildcard at the end: all that match"),
        pytest.param("of */x", 3, id="a wildcard at the start"),
        pytest.param("of */*/*b*", 8, id="several wildcards"),
        pytest.param("of *", 255, id="a wildcard alone: all entries"),
        pytest.param("of POST *", 2, id="all entries of a method"),
        pytest.param("of /searc", 0, id="a name is a whole name"),
        pytest.param("of /SEARCH/a", 0, id="case matters"),
        pytest.param("of /users/[id]", 16, id="brackets are plain characters"),
        pytest.param("of /search/b?q=1", 8, id="a question mark is a plain character"),
        pytest.param("of /search/.", 0, id="a dot is a plain character"),
        pytest.param('of "a b"', 64, id="a name with a space"),
        pytest.param("of /größe/☃", 128, id="a name beyond ASCII"),
    ],
)
def test_selection(drive, of, requests):
    """What `of` names is judged as one entry; `*` alone is special."""
    run = drive(f"requests {of} >= 0 over 1s", [ENTRIES])
    assert run.result.requests == requests


def test_selections_are_what_snapshots_must_hold(rules_of):
    """Entries that no rule is about need not be read."""
    guard = Guard(rules_of("p95 of GET /x < 1s", "p99 of GET /x < 1s", "p95 of /y < 1s", "rps > 1"))
    assert guard.selections == {Selection("/x", "GET"), Selection("/y")}


def test_entries_that_appear_later(drive):
    """An entry's first requests count, from the tick on in which it appears."""
    series = ["g", {"GET /late": (5, 5)}, {"GET /late": (5, 0), "POST /late": (10, 10)}]
    run = drive("fail_ratio of /late < 70% over 1s", series)
    assert run.trace == "oBo"  # none, 5 of 5, 10 of 15


def test_requests_of_no_entry_are_not_those_of_all(rules_of):
    """A rule on an entry that never appears has no data, however many requests there are."""
    guard = Guard(rules_of("fail_ratio of /x < 1% over 1s"))
    guard.tick(Snapshot(total=Counts(requests=10, failures=10)), 1.0)
    assert guard.verdict().rules[0].requests == 0
    assert guard.verdict().outcome is Outcome.INCONCLUSIVE


def test_entry_that_a_snapshot_leaves_out(rules_of):
    """It did not start anew: what was counted before is not counted again."""
    guard = Guard(rules_of("requests of GET / >= 0 over 1s"))
    for now, requests in ((1.0, 10), (2.0, None), (3.0, 12)):
        entries = {} if requests is None else {("GET", "/"): Counts(requests=requests)}
        guard.tick(Snapshot(total=Counts(), entries=entries), now)
    assert guard.verdict().rules[0].value == 2


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        pytest.param("requests >= 0 over 3s", 10 + 4 + 20, id="requests in a window"),
        pytest.param("requests >= 0 for 1s", 10 + 4 + 20, id="requests of the run"),
        pytest.param("requests of GET / >= 0 over 2s", 4 + 20, id="requests of an entry"),
        pytest.param("fail_ratio >= 0 over 3s", 3 / 34, id="a ratio"),
        pytest.param("avg >= 0 over 3s", (1000 + 800 + 6000) / 34, id="a mean"),
        pytest.param("p0 of GET / >= 0 over 2s", 200, id="a percentile"),
    ],
)
def test_reset_of_the_statistics_loses_nothing(drive, rule, value):
    """`--reset-stats` zeroes all counters; here one outgrew its old value before the next tick."""
    run = drive(rule, [(10, 1, 100)])
    run.reset()
    run.play([(4, 2, 200)])
    run.reset()
    assert run.play([(20, 0, 300)]).result.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("rule", "at", "value"),
    [
        # the window covers 2..7 s with one tick of 10 requests in it
        pytest.param("rps >= 0 over 2s", [1, 2, 7], 2, id="a window that one late tick fills"),
        # and 2..8 s with two of them
        pytest.param("rps >= 0 over 2s", [1, 2, 7, 8], 20 / 6, id="a late tick is in it whole"),
        pytest.param("rps >= 0 over 2s", [1, 2, 7, 8, 9], 10, id="and out of it whole"),
        pytest.param("rps >= 0 for 1s", [1, 2, 8], 30 / 8, id="the whole run"),
        pytest.param("rps >= 0 for 1s after 2s", [1, 4, 8], 10 / 4, id="since a late arming"),
    ],
)
def test_1_rates_are_over_the_time_that_really_passed(drive, rule, at, value):
    """1: A late tick counts for the time that really passed."""
    run = drive(rule, [(10, 0)] * len(at), at)
    assert run.result.value == pytest.approx(value)


def test_stopped_by_the_first_breach_that_stops(drive):
    """The first to ask for it stopped the run, whatever breaches before and after."""
    rules = ["avg < 1ms over 1s", "fail_ratio < 50% for 2s else stop", "p95 < 1s else finish"]
    run = drive(rules, "g")
    assert run.guard.stop is None
    run.play("bb").play([(90, 90, 2000)])  # fail_ratio is broken from 2 s on, p95 at 4 s
    # at 3 s 10 of 20 + 10 requests have failed, for the second second
    assert run.guard.stop.reason.startswith("fail_ratio was 66.7% over the run (30 requests)")
    assert (run.verdict.stopped, run.verdict.stopped_at) == (True, 3)
    assert [result.breached_at for result in run.verdict.rules] == [1, 3, 4]


def test_several_rules_stop_in_the_same_tick(drive):
    """All are breached and reported; the first of the file stopped the run."""
    rules = [f"p{n} < 500ms over 1s else stop" for n in (50, 90, 95)]
    run = drive(rules, "gb").finish()
    assert [transition.reading.at for transition in run.transitions] == [2, 2, 2]
    assert run.guard.stop.reason == str(run.transitions[0])
    assert [result.outcome for result in run.verdict.rules] == [Outcome.FAIL] * 3
    assert run.verdict.reason == (
        "p50 was 900 ms over 1 s (10 requests), must be < 500 ms; also not passed:"
        " 'p90 < 500ms' (fail), 'p95 < 500ms' (fail)"
    )


def test_void_while_a_stop_follows(drive):
    """A void run may still be stopped; the outcome is that of the void."""
    run = drive(["p95 < 500ms for 1s else void", "avg < 500ms for 2s else stop"], "bb").finish()
    assert run.verdict.stopped
    assert run.verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rule", "series", "trace", "outcome"),
    [
        pytest.param("p95 < 500ms over 1s", "gb", "oo", Outcome.PASS, id="windows: no more"),
        pytest.param("p95 < 500ms over 1s for 2s", "bb", "pp", Outcome.PASS, id="pending stays"),
        pytest.param(
            "p95 < 500ms over 1s", "bgb", "Boo", Outcome.FAIL, id="a breach is remembered"
        ),
        pytest.param("p95 < 500ms else stop", "gb", "oB", Outcome.FAIL, id="one that would stop"),
        pytest.param("fail_ratio < 60% else stop", "bg", "Bo", Outcome.FAIL, id="late recovery"),
        pytest.param("p95 < 500ms for 2s", "bb", "pB", Outcome.FAIL, id="the second bad one"),
        pytest.param("p95 < 500ms for 2s", "bb-", "pBB", Outcome.FAIL, id="breached before"),
        pytest.param("p95 < 500ms after ramp-up", "bb", "ww", Outcome.INCONCLUSIVE, id="unarmed"),
        pytest.param("rps > 99 after 2s", "gg", "wo", Outcome.INCONCLUSIVE, id="armed by the end"),
    ],
)
def test_9_final_totals(drive, rule, series, trace, outcome):
    """9: At the end only the whole-run rules are evaluated, once, with what came in late.

    The last second of the series comes with the final totals.
    """
    run = drive(rule, series[:-1])
    run.finish(series[-1], at=run.now + 1)
    assert run.trace == trace[:-1]
    assert run.result.state is STATES[trace[-1]]
    assert run.result.outcome is outcome
    assert run.verdict.final


def test_7_rule_judged_at_the_end_counts_the_last_reports(drive):
    """7 and 9: It is judged once, on the final totals: here 20 of 30 failed."""
    run = drive("fail_ratio < 50%", "g").finish((20, 20), at=1.5)
    assert [(t.after, t.reading.at, t.reading.value) for t in run.transitions] == [
        (State.BREACHED, 1.5, 20 / 30)
    ]


def test_9_final_evaluation_stands_for_the_time_since_the_last_tick(drive):
    """9 and 5: Half a second after the last tick is not yet `for 2s`; the state stays pending."""
    run = drive("p95 < 500ms for 2s", "b").finish("b", at=1.5)
    assert (run.result.state, run.result.outcome) == (State.PENDING, Outcome.PASS)


@pytest.mark.parametrize("rule", ["p95 < 500ms", "p95 < 500ms for 2s", "p95 < 500ms else stop"])
@pytest.mark.parametrize(
    ("settled", "final"),
    [
        pytest.param("", "b", id="not settled"),
        pytest.param("-", "b", id="nothing came in"),
        pytest.param("b-", "-", id="everything came in"),
    ],
)
def test_9_settling_judges_nothing_and_takes_no_time(drive, rule, settled, final):
    """9: Reports that come in after the load wait for the final evaluation, time and all."""
    run = drive(rule, "b")
    seen = len(run.transitions)
    for second in settled:
        run.settle(second, at=2)
    assert len(run.transitions) == seen
    assert not run.verdict.final
    run.finish(final, at=2)
    assert run.result.state is State.BREACHED
    assert run.verdict.duration == 2


def test_settled_counts_show_in_the_verdict(drive):
    """What came in late is in the verdict even before the final one."""
    run = drive("fail_ratio < 50%", "g").settle((30, 30))
    assert run.result.value == 0.75
    assert run.verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("rule", "series", "final"),
    [
        pytest.param("p95 < 500ms else stop", "gb", (), id="by the last tick"),
        pytest.param("p95 < 500ms over 2s for 2s", "gbb", (), id="by the last tick of a for"),
        pytest.param("p95 < 500ms", "gg", "b", id="by the final totals"),
        pytest.param(
            "p95 < 500ms else stop", "gg", "b", id="by the final totals, too late to stop"
        ),
    ],
)
def test_trap_rule_that_triggers_at_the_very_end_fails_the_run(drive, rule, series, final):
    """However late the breach: the run failed."""
    run = drive(rule, series).finish(final)
    assert run.verdict.outcome is Outcome.FAIL
    assert run.verdict.exit_code == 3


@pytest.mark.parametrize(
    "check",
    ["p95 < 500ms", "avg < 500ms", "max < 500ms", "fail_ratio < 1%", "failures < 1"],
)
def test_trap_empty_second_is_no_reading(drive, check):
    """It is neither 0 nor 1% nor an error: the reading before stands."""
    run = drive(f"{check} over 1s", "g-b-")
    assert run.trace == "ooBB"
    assert run.result.requests == 10
    assert drive(f"{check} over 1s", "---").trace == "ooo"
    assert drive(f"{check} over 1s", "g-").result.requests == 10


def test_verdict_before_the_end_is_as_if_the_run_ended_now(drive):
    """Rules that are judged at the end are judged in passing, which changes nothing."""
    run = drive(["fail_ratio < 50%", "p95 < 1s over 1m"], "b")
    assert (run.result.outcome, run.result.breached_at) == (Outcome.FAIL, 1)
    assert not run.verdict.final
    run.play([(90, 0)])
    assert (run.result.outcome, run.result.breached_at) == (Outcome.PASS, None)
    assert run.transitions == []


def test_guard_without_rules():
    """Nothing was judged, so nothing passed."""
    guard = Guard([])
    assert guard.tick(Snapshot(Counts(requests=1)), 1.0) == []
    assert guard.finish(Snapshot(Counts(requests=1)), 1.0) == []
    assert guard.verdict().outcome is Outcome.INCONCLUSIVE
    assert guard.verdict().reason == "nothing was judged: no rule had data"


def test_widened(rules_of):
    """Windows shorter than two reports of a worker are made as long; the rest stay as they are."""
    short, just, long, whole = rules_of(
        "p95 < 1s over 2s for 1s", "p95 < 2s over 6s", "p95 < 3s over 1m", "p95 < 4s for 1s"
    )
    rules = [short, just, long, whole]
    assert widened(rules, 6.0) == ([replace(short, over=6.0), just, long, whole], [short])
    assert widened(rules, 0.0) == (rules, [])
