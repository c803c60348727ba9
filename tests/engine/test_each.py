"""Rules with `each`: every matching entry is judged on its own, later ones too.

Tables read like those of `test_judge.py`, an entry a string: (g)ood second, (b)ad second, - a row
without a request, a dot where there is no row yet. An entry is in the result from when it appears.
"""

from __future__ import annotations

import pytest

from guard.engine.guard import LISTED
from guard.rule import Outcome, Selection, State

JUST_NOW = "fail_ratio of each /* < 50% over 1s"
"""A check on the latest second alone."""


def seconds(**series):
    """A dict by entry for each second: of ``GET /a`` what the string for ``a`` says, and so on."""
    by_second = zip(*series.values(), strict=True)
    return [
        {f"GET /{name}": s for name, s in zip(series, second, strict=True) if s != "."}
        for second in by_second
    ]


@pytest.mark.parametrize(
    ("options", "series", "traces"),
    [
        pytest.param("", {"a": "gbg", "b": "bgg"}, {"a": "oBo", "b": "Boo"}, id="own state"),
        pytest.param(
            "for 2s", {"a": "bbgb", "b": "gbbb"}, {"a": "pBop", "b": "opBB"}, id="own streak"
        ),
        pytest.param(
            "for 2s", {"a": "b-b", "b": "bbg"}, {"a": "ppB", "b": "pBo"}, id="own gaps, no other's"
        ),
        pytest.param(
            "", {"a": "ggg", "b": "..b"}, {"a": "ooo", "b": "..B"}, id="first requests count"
        ),
        pytest.param(
            "for 2s", {"a": "ggg", "b": ".bb"}, {"a": "ooo", "b": ".pB"}, id="first second is 1 s"
        ),
        pytest.param("", {"a": "gg", "b": "-b"}, {"a": "oo", "b": ".B"}, id="no phantom rows"),
        pytest.param(
            "after 3s",
            {"a": "bbbbb", "b": ".bbbb", "c": "..bbb", "d": "...bb", "e": "....b"},
            {"a": "wwoBB", "b": ".woBB", "c": "..oBB", "d": "...BB", "e": "....B"},
            id="before arming they wait, after it they are armed before they appear",
        ),
        pytest.param(
            "after 3s", {"a": "b-b-b-"}, {"a": "wwooBB"}, id="what came before arming is not judged"
        ),
    ],
)
def test_every_entry_is_judged_on_its_own(drive, options, series, traces):
    """Own state, streak, arming and reading; an entry is there once it had a request."""
    run = drive(f"{JUST_NOW} {options}", seconds(**series))
    assert run.traces == {f"GET /{name}": trace for name, trace in traces.items()}


@pytest.mark.parametrize(
    ("after", "series", "trace"),
    [
        pytest.param("", "bbbbb", "ooBBB", id="there from the start"),
        pytest.param("", ".bbbb", ".ooBB", id="full 3 s after the tick before it appeared"),
        pytest.param("", "..b--", "..ooB", id="one request fills no window before its time"),
        pytest.param("", "..bgg", "..ooo", id="10 of 30 failed in its first 3 s"),
        pytest.param("after 2s", "bbbbb", "wooo" + "B", id="full 3 s after arming"),
        pytest.param("after 2s", "..bbb", "..ooB", id="appears right after arming: just as full"),
        pytest.param("after 2s", "...bbb", "...ooB", id="appears later than it is armed"),
    ],
)
def test_a_window_is_full_from_when_the_entry_appeared(drive, after, series, trace):
    """Never half full: `over 3s` begins at the end of the tick before the entry's first request."""
    rule = f"fail_ratio of each /* < 50% over 3s {after}"
    run = drive(rule, seconds(other="g" * len(series), x=series))
    assert run.traces["GET /x"] == trace


@pytest.mark.parametrize(
    ("rule", "at", "value", "requests"),
    [
        pytest.param(
            "requests of each /x >= 0 for 1s", None, 20, 20, id="of the run, its requests"
        ),
        pytest.param("rps of each /x >= 0 for 1s", None, 10, 20, id="of the run, its time"),
        pytest.param("rps of each /x >= 0 over 2s", None, 10, 20, id="in a window"),
        # the ticks are at 1, 2, 6 and 8 s, and it appears in the one at 6 s
        pytest.param("rps of each /x >= 0 over 2s", [1, 2, 6, 8], 5, 10, id="the last 2 s"),
        pytest.param("rps of each /x >= 0 for 1s", [1, 2, 6, 8], 20 / 6, 20, id="since 2 s"),
    ],
)
def test_time_runs_from_the_tick_before_the_entry_appeared(drive, rule, at, value, requests):
    """Its rate is over the time in which its first requests were made, and what followed."""
    run = drive(rule, seconds(other="gggg", x="..gg"), at)
    result = run.by_entry["GET /x"]
    assert (result.value, result.requests) == (value, requests)


@pytest.mark.parametrize(
    ("of", "entries"),
    [
        pytest.param("/x", ["GET /x", "POST /x"], id="a name: its methods apart"),
        pytest.param("GET /x", ["GET /x"], id="a method and a name"),
        pytest.param("GET /*", ["GET /x", "GET /x/y"], id="a method and a pattern"),
        pytest.param("*", ["GET /x", "POST /x", "GET /x/y"], id="all, in order of appearance"),
    ],
)
def test_entries_of_a_selection(drive, of, entries):
    """Without `each` they would be one."""
    second = {"GET /x": (1, 0), "POST /x": (2, 0), "GET /x/y": (4, 0)}
    rules = [f"requests of each {of} >= 0 over 1s", f"requests of {of} >= 0 over 1s"]
    run = drive(rules, [second])
    assert list(run.by_entry) == entries
    assert {e: r.value for e, r in run.by_entry.items()} == {e: second[e][0] for e in entries}
    assert run.verdict.rules[-1].value == sum(second[e][0] for e in entries)


def test_an_entry_appears_once_whatever_resets_follow(drive):
    """A reset takes it back to zero requests, but it is the same entry and the same judge."""
    run = drive(f"{JUST_NOW} for 2s", seconds(a="b"))
    run.reset()
    run.play(seconds(a="-"))
    run.play(seconds(a="b"))
    assert run.traces == {"GET /a": "ppB"}


def test_rules_with_each_in_different_windows_on_the_same_entries(drive):
    """Each rule has its own window, wherever else the entry is judged."""
    rules = [
        "fail_ratio of each /* < 50% over 1s",
        "fail_ratio of each /* < 50% over 3s",
        "fail_ratio of each /* < 40% over 3s",
        "fail_ratio of /a < 50% over 1s",
        "failures of each /a < 15 else stop",
    ]
    run = drive(rules, seconds(a="gbgb", b="gggg"))
    assert [
        (str(t.rule.check), t.rule.over, t.entry, t.reading.at, t.after) for t in run.transitions
    ] == [
        ("fail_ratio of each /* < 50%", 1, "GET /a", 2, State.BREACHED),
        ("fail_ratio of /a < 50%", 1, "/a", 2, State.BREACHED),
        ("fail_ratio of each /* < 50%", 1, "GET /a", 3, State.OK),
        ("fail_ratio of /a < 50%", 1, "/a", 3, State.OK),
        ("fail_ratio of each /* < 50%", 1, "GET /a", 4, State.BREACHED),
        ("fail_ratio of each /* < 50%", 3, "GET /a", 4, State.BREACHED),  # 20 of 30
        ("fail_ratio of each /* < 40%", 3, "GET /a", 4, State.BREACHED),
        ("fail_ratio of /a < 50%", 1, "/a", 4, State.BREACHED),
        ("failures of each /a < 15", None, "GET /a", 4, State.BREACHED),
    ]
    assert run.guard.stop.reason == (
        "failures of GET /a was 20 over the run (40 requests), must be < 15"
    )


def test_judged_at_the_end_each_on_its_final_totals(drive):
    """Also an entry whose first requests came in when the load had stopped."""
    run = drive("fail_ratio of each /* < 50%", seconds(a="g", b="b"))
    assert run.transitions == []
    assert {e: r.outcome.value for e, r in run.by_entry.items()} == {
        "GET /a": "pass",
        "GET /b": "fail",
    }
    run.finish({"GET /a": (30, 30), "GET /b": (90, 0), "GET /c": "b"}, at=1.5)
    assert [(t.entry, t.reading.value) for t in run.transitions] == [
        ("GET /a", 30 / 40),
        ("GET /c", 1),
    ]
    assert run.verdict.outcome is Outcome.FAIL


def test_an_entry_that_appears_after_the_load_is_judged_on_its_time(drive):
    """9: The last reports are judged, also when somebody asked for the verdict before they came."""
    run = drive("rps of each /* < 5", seconds(a="g")).settle({}, at=2).finish({"GET /b": "b"}, at=2)
    assert {e: (r.value, r.judged) for e, r in run.by_entry.items()} == {
        "GET /a": (5, True),
        "GET /b": (10, True),  # from 1 s, the last tick without it, to 2 s
    }


@pytest.mark.parametrize(("end", "state"), [(2, State.PENDING), (3, State.BREACHED)])
def test_an_entry_that_appears_after_the_load_was_broken_since_the_last_tick(drive, end, state):
    """9 and 5: The final evaluation stands for the time since then, no more."""
    run = drive("fail_ratio of each /* < 50% for 2s", seconds(a="g"))
    run.finish({"GET /b": "b"}, at=end)
    assert run.by_entry["GET /b"].state is state
    assert run.by_entry["GET /a"].state is State.OK


def test_an_entry_that_appears_after_the_load_is_armed_no_earlier_than_its_rule(drive):
    """2: A rule whose time came with the end of the run has had no time to watch anything."""
    run = drive("rps of each /* < 5 after 2s", seconds(a="g"))
    run.settle({}, at=2).finish({"GET /b": "b"}, at=2)
    assert {e: r.judged for e, r in run.by_entry.items()} == {"GET /a": False, "GET /b": False}
    assert run.result.reason.endswith("was not judged: no time has passed since it was armed")


@pytest.mark.parametrize(
    ("no_data", "outcome"),
    [
        ("pass", Outcome.INCONCLUSIVE),
        ("fail", Outcome.FAIL),
        ("inconclusive", Outcome.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize(
    ("options", "missing"),
    [
        pytest.param({}, "had no data: there were no requests of each /x*", id="of the whole run"),
        pytest.param(
            {"over": "1s"}, "had no data: there were no requests of each /x*", id="in a window"
        ),
        pytest.param({"after": "1h"}, "was not armed: it waits for 1h", id="not armed"),
        pytest.param(
            {"after": "2s"}, "had no data: there were no requests of each /x*", id="armed late"
        ),
    ],
)
def test_a_pattern_that_never_matched(drive, options, missing, no_data, outcome):
    """One result, called after the pattern, without data: its `no_data` decides."""
    given = "".join(f", {key}: {value}" for key, value in options.items())
    rule = f"{{check: p95 of each /x* < 1s, no_data: {no_data}{given}}}"
    run = drive(rule, seconds(a="ggg", x="---")).finish()
    assert run.guard.unmatched == [Selection("/x*")]
    assert list(run.by_entry) == ["each /x*"]
    result = run.result
    assert (result.outcome.value, result.judged, result.requests) == (no_data, False, 0)
    assert result.reason == f"{result.rule.name!r} {missing}"
    assert run.verdict.outcome is outcome  # nothing at all was judged, so it can't be a pass


def test_the_pattern_is_no_result_any_more_once_it_matched(drive):
    run = drive(JUST_NOW, seconds(a=".."))
    assert (run.traces, len(run.guard.unmatched)) == ({"each /*": "oo"}, 1)
    run.play(seconds(a="g"))
    assert (list(run.by_entry), run.guard.unmatched) == (["GET /a"], [])


TEN = "{check: fail_ratio of each /* < 50%, over: 1s, min_requests: 10, no_data: fail}"


@pytest.mark.parametrize(
    ("second", "outcomes", "outcome", "reason"),
    [
        pytest.param(
            {"GET /a": (9, 9), "GET /b": (10, 0)},
            {"GET /a": "pass", "GET /b": "pass"},
            *("pass", "1 rule passed"),
            id="an entry with data is enough",
        ),
        pytest.param(
            {"GET /b": (10, 0), "GET /a": (9, 9)},
            {"GET /b": "pass", "GET /a": "pass"},
            *("pass", "1 rule passed"),
            id="whichever appeared first",
        ),
        pytest.param(
            {"GET /a": (9, 9), "GET /b": (10, 10)},
            {"GET /a": "pass", "GET /b": "fail"},
            *(
                "fail",
                "fail_ratio of GET /b was 100% over 1 s (10 requests), must be < 50%",
            ),
            id="it alone decides",
        ),
        pytest.param(
            {"GET /a": (9, 9), "GET /b": (1, 1)},
            {"GET /a": "fail", "GET /b": "fail"},
            *(
                "fail",
                "'fail_ratio of each /* < 50%' had no data: 9 requests of GET /a, needs 10;"
                " also not passed: 'fail_ratio of each /* < 50%' (fail)",
            ),
            id="no entry had data",
        ),
    ],
)
def test_entries_without_data_count_only_if_no_entry_had_any(
    drive, second, outcomes, outcome, reason
):
    """The rule had data when it had some on one of them; `min_requests` is an entry's own."""
    run = drive(TEN, [second]).finish()
    assert {e: r.outcome.value for e, r in run.by_entry.items()} == outcomes
    assert {e: r.judged for e, r in run.by_entry.items()} == {e: second[e][0] >= 10 for e in second}
    assert (run.verdict.outcome.value, run.verdict.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("bad", "others"),
    [
        pytest.param(1, "", id="one entry"),
        pytest.param(2, "; also not passed: 'fail_ratio of each /* < 50%' (fail)", id="two"),
        pytest.param(
            4, "; also not passed: 'fail_ratio of each /* < 50%' (fail, 3 times)", id="four"
        ),
    ],
)
def test_reason_names_a_rule_once_however_many_entries_broke_it(drive, bad, others):
    """The first of them decided; of the others it tells the number."""
    run = drive(JUST_NOW, [{f"GET /{n}": "b" if n < bad else "g" for n in range(5)}]).finish()
    assert run.verdict.reason == (
        f"fail_ratio of GET /0 was 100% over 1 s (10 requests), must be < 50%{others}"
    )


@pytest.mark.parametrize(("action", "said"), [("warn", "warning:"), ("finish", "finished because")])
@pytest.mark.parametrize(("bad", "more"), [(1, ""), (3, " (and 2 more)")])
def test_reason_of_a_pass_in_spite_of_breaches(drive, action, said, bad, more):
    """One sentence for the first of the entries, and how many more there were."""
    second = {f"GET /{n}": "b" if n < bad else "g" for n in range(5)}
    run = drive(f"{JUST_NOW} else {action}", [second]).finish()
    assert run.verdict.reason == (
        f"1 rule passed; {said} fail_ratio of GET /0 was 100% over 1 s (10 requests),"
        f" must be < 50%{more}"
    )


def test_verdict_file_has_one_element_an_entry(drive):
    """Each with its own moments, in order of appearance."""
    run = drive(f"{JUST_NOW} for 2s else stop", seconds(a="gbbg", b=".ggg")).finish()
    elements = run.verdict.as_dict()["rules"]
    told = ("name", "entry", "state", "outcome", "value", "requests", "worst")
    assert [[element[key] for key in told] for element in elements] == [
        ["fail_ratio of each /* < 50%", "GET /a", "ok", "fail", 1.0, 10, 1.0],
        ["fail_ratio of each /* < 50%", "GET /b", "ok", "pass", 0.0, 10, 0.0],
    ]
    moments = ("pending_at", "breached_at", "recovered_at", "rps_at_breach")
    assert [[element[key] for key in moments] for element in elements] == [
        [1, 3, 4, 10],
        [None, None, None, None],
    ]


def crowd(size, **others):
    """A second of that many entries, good ones but for those of certain numbers."""
    return {f"GET /{n}": others.get(f"n{n}", "g") for n in range(size)}


@pytest.mark.parametrize(
    ("rule", "second", "listed"),
    [
        pytest.param(JUST_NOW, crowd(LISTED), range(LISTED), id="as many as are listed"),
        pytest.param(JUST_NOW, crowd(LISTED + 9), range(LISTED), id="the first of more"),
        pytest.param(
            JUST_NOW,
            crowd(LISTED + 9, n25="b", n7="b"),
            [*range(LISTED - 1), 25],
            id="those that stand out, in order, filled up with others",
        ),
        pytest.param(
            JUST_NOW,
            {f"GET /{n}": "g" if n == 1 else "b" for n in range(LISTED + 9)},
            [0, *range(2, LISTED + 1)],
            id="the first of those that stand out, if there are too many",
        ),
        pytest.param(
            TEN,
            crowd(LISTED + 9, **{f"n{n}": (1, 1) for n in range(LISTED)}),
            [*range(LISTED - 9), *range(LISTED, LISTED + 9)],
            id="those with data before those without",
        ),
        pytest.param(
            f"{JUST_NOW} for 2s",
            crowd(LISTED + 9, n28="b"),
            [*range(LISTED - 1), 28],
            id="one pending",
        ),
        pytest.param(
            "fail_ratio of each /* < 50%",
            crowd(LISTED + 9, n28="b"),
            [*range(LISTED - 1), 28],
            id="one that the end would find broken",
        ),
    ],
)
def test_while_the_run_goes_on_a_verdict_lists_what_stands_out(drive, rule, second, listed):
    """Not all of a thousand entries, but the outcome is that of all; the final one has all."""
    run = drive(rule, [second])
    assert list(run.by_entry) == [f"GET /{n}" for n in listed]
    during = run.verdict
    run.finish()
    assert list(run.by_entry) == list(second)
    assert (during.outcome, during.exit_code) == (run.verdict.outcome, run.verdict.exit_code)


def test_an_entry_that_has_recovered_still_stands_out(drive):
    run = drive(JUST_NOW, [crowd(LISTED + 9, n25="b"), crowd(LISTED + 9)])
    assert run.by_entry["GET /25"].outcome is Outcome.FAIL
    assert run.verdict.outcome is Outcome.FAIL
