"""Rules that are ``surely``: what their evidence does to the state and the verdict."""

from __future__ import annotations

import pytest

from guard.rule import Outcome, State

HEALTHY = (100, 0)
SICK = (100, 10)
STOP = "fail_ratio < 1% surely else stop"
SAYING = "surely (less than one false stop in 30 days)"


def test_a_sick_system_stops_the_run(drive):
    """It is pending when half of the evidence is there."""
    run = drive(STOP, [HEALTHY] * 5 + [SICK] * 3)
    assert run.trace == "ooooo" + "pBB"
    assert run.guard.stop.at == 7.0
    assert run.guard.stop.reason == (
        f"fail_ratio was 10% over 2 s (200 requests), must be < 1%, {SAYING}"
    )


def test_a_healthy_one_does_not(drive):
    """A second with five failures where one may be, in a minute, is no evidence."""
    run = drive(STOP, ([HEALTHY] * 59 + [(100, 5)]) * 10).finish()
    assert set(run.trace) == {"o"}
    assert run.verdict.outcome is Outcome.PASS
    assert 0 < run.result.evidence < 0.5
    assert run.result.worst == run.result.value == 0.05 / 60


def test_the_verdict_of_a_breach(drive):
    run = drive(STOP, [HEALTHY] * 5 + [SICK] * 2 + [(100, 20)] * 2, users=7).finish()
    found = run.result.as_dict()
    assert found["evidence"] == 1.0
    assert (found["value"], found["requests"]) == (0.1, 200)
    assert (found["pending_at"], found["breached_at"]) == (5.0, 7.0)
    assert (found["users_at_breach"], found["rps_at_breach"]) == (7, 100.0)
    assert found["state"] == "breached"


def test_the_verdict_of_a_run_that_passes(drive):
    """The reading is that of the whole run; the evidence the highest that there was."""
    run = drive("fail_ratio < 1% surely", [HEALTHY] * 5 + [SICK] + [HEALTHY] * 94).finish()
    found = run.result.as_dict()
    assert (found["value"], found["requests"]) == (0.001, 10_000)
    assert 0.5 <= found["evidence"] < 1
    assert found["worst"] == 0.1
    assert found["outcome"] == "pass"


def test_the_worst_value_is_the_one_when_there_was_most_evidence(drive):
    """Also while the state stays as it is: pending at the sixth second, most at the seventh."""
    run = drive("fail_ratio < 1% surely", [HEALTHY] * 5 + [(100, 8), (100, 3)] + [HEALTHY] * 40)
    assert run.trace.startswith("ooooopp")
    assert run.trace.endswith("o")
    assert run.result.worst == 0.055


def test_the_verdict_while_the_run_goes_on(drive):
    found = drive("fail_ratio < 1% surely", [HEALTHY] * 5).result.as_dict()
    assert (found["value"], found["requests"], found["evidence"]) == (0.0, 500, 0.0)


def test_a_pending_rule_is_ok_again_when_the_evidence_is_gone(drive):
    run = drive(STOP, [HEALTHY] * 5 + [SICK] + [HEALTHY] * 60)
    assert [(t.before, t.after) for t in run.transitions] == [
        (State.OK, State.PENDING),
        (State.PENDING, State.OK),
    ]
    assert str(run.transitions[0]).startswith(
        "fail_ratio was 10% over 1 s (100 requests), must be < 1%, evidence "
    )
    assert run.result.pending_at is None


def test_a_breach_recovers_when_the_evidence_is_gone(drive):
    """But the rule has failed. What is read then is what came after the last proof."""
    run = drive("fail_ratio < 1% surely", [SICK] * 600 + [HEALTHY] * 100).finish()
    assert run.trace.count("B") == run.trace.rindex("B") - run.trace.index("B") + 1
    (recovery,) = [t for t in run.transitions if t.is_recovery]
    assert recovery.reading.at == run.result.recovered_at
    assert 600 < recovery.reading.at < 660
    seconds = recovery.reading.at - 600
    said = f"fail_ratio was 0% over {seconds:.0f} s ({100 * seconds:.0f} requests), must be < 1%, "
    assert str(recovery).startswith(said + "evidence 2")
    assert run.verdict.outcome is Outcome.FAIL


def test_a_breach_that_comes_back_has_not_recovered(drive):
    run = drive("fail_ratio < 1% surely", [SICK] * 5 + [HEALTHY] * 100 + [SICK] * 5).finish()
    assert run.result.recovered_at is None
    assert run.result.breached_at < 5


def test_an_outage_that_is_over_is_not_held_against_what_comes_later(drive):
    """A second with a few failures, which is none of the beginning of another breach."""
    run = drive("fail_ratio < 1% surely", [(100, 100)] * 600 + [HEALTHY] * 300 + [(100, 8)])
    assert run.trace.endswith("op")
    assert run.transitions[-1].reading.requests == 100


def test_few_requests_that_are_good_are_no_reason_to_suspect_any(drive):
    """One in ten seconds, for ten minutes: time alone makes the statistic grow."""
    run = drive("p99.9 < 1s surely 1m else stop", (["-"] * 9 + [(1, 0, 100)]) * 60).finish()
    assert set(run.trace) == {"o"}
    assert run.result.evidence == 0
    assert run.verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("action", "said"),
    [("stop", "false stop"), ("finish", "false stop"), ("fail", "false alarm"),
     ("warn", "false alarm"), ("void", "false alarm")],
)  # fmt: skip
def test_what_is_said_of_each_action(drive, action, said):
    run = drive(f"fail_ratio < 1% surely 7d else {action}", [SICK] * 3)
    assert str(run.transitions[-1]).endswith(f"surely (less than one {said} in 7 days)")


@pytest.mark.parametrize(
    ("option", "said"),
    [("1d", "a day"), ("36h", "1d12h"), ("1h30m", "1h30m"), ("365d", "365 days")],
)
def test_how_rare_it_is(drive, option, said):
    run = drive(f"fail_ratio < 1% surely {option} else stop", [SICK] * 3)
    assert run.guard.stop.reason.endswith(f"(less than one false stop in {said})")


def test_percentiles(drive):
    """A fifth takes a second where a twentieth may take half of one."""
    slow = (100, 0, {100: 80, 1000: 20})
    run = drive("p95 < 500ms surely else stop", [(100, 0, 100)] * 5 + [slow] * 10)
    reason = run.guard.stop.reason
    assert reason.startswith("p95 was 1000 ms over ")
    assert run.result.value == 1000


def test_the_other_direction(drive):
    """Most must be refused: a test of a rate limit."""
    lax = (100, {"429": 50})
    run = drive('fail_ratio("*429*") > 80% surely else stop', [(100, {"429": 90})] * 20 + [lax] * 5)
    assert set(run.trace[:20]) == {"o"}
    assert run.guard.stop.reason.startswith('fail_ratio("*429*") was 50% over ')


def test_armed_after_ramp_up(drive):
    """What came before is no evidence."""
    run = drive(
        STOP.replace("else", "after ramp-up else"), [SICK] * 10 + [HEALTHY] * 30, ramp_up=10
    )
    assert "B" not in run.trace
    assert run.result.evidence < 0.25


def test_without_requests_there_is_no_data(drive):
    run = drive("p95 of /x < 1s surely", [HEALTHY] * 3).finish()
    assert run.verdict.outcome is Outcome.INCONCLUSIVE
    assert run.verdict.reason.endswith("had no data: there were no requests of /x")


def test_requests_that_came_too_late_are_not_judged(drive):
    """From the end of the load on nothing is weighed."""
    run = drive("fail_ratio < 1% surely", ["-"] * 3).finish(SICK)
    assert run.verdict.outcome is Outcome.INCONCLUSIVE
    assert run.verdict.reason.endswith("its requests were counted after the load's end")


def test_entries_share_the_promise(drive):
    """With a hundred names it takes more of each, by log(100)."""
    names = {f"GET /{n}": (100, 0) for n in range(100)}
    sick = {**names, "GET /7": (100, 6)}
    alone = drive("fail_ratio of each /* < 1% surely", [{"GET /7": (100, 6)}] * 4)
    among = drive("fail_ratio of each /* < 1% surely", [names] + [sick] * 4)
    first = {entry: trace.find("B") for entry, trace in alone.traces.items()}
    later = {entry: trace.find("B") - 1 for entry, trace in among.traces.items()}
    assert first == {"GET /7": 2}
    assert later.pop("GET /7") == 3
    assert set(later.values()) == {-2}


def test_an_entry_that_appears_late_is_paid_for_by_all(drive):
    """Without the newcomer the sick one would have been found out one second earlier."""
    sick = {"GET /7": (100, 6)}
    alone = drive("fail_ratio of each /* < 1% surely", [sick] * 3)
    crowd = {f"GET /{n}": (100, 0) for n in range(100, 200)}
    among = drive("fail_ratio of each /* < 1% surely", [sick] + [sick | crowd] * 3)
    assert alone.traces["GET /7"] == "opB"
    assert among.traces["GET /7"] == "oppB"
    assert among.traces["GET /100"] == ".ooo"


def test_an_entry_that_appears_late_can_be_found_out(drive):
    late = {"GET /a": (100, 0), "GET /b": (100, 20)}
    run = drive("fail_ratio of each /* < 1% surely else stop", [{"GET /a": (100, 0)}] * 60 + [late])
    assert run.traces == {"GET /a": "o" * 61, "GET /b": "." * 60 + "B"}
    assert run.guard.stop.reason.startswith("fail_ratio of GET /b was 20% over 1 s (100 requests)")


@pytest.mark.parametrize("sick", [(100, 2), (100, 3), (100, 10), (100, 100), (5, 1), (1, 1)])
@pytest.mark.parametrize("healthy_for", [60, 61, 62])
def test_batches_of_three_seconds(drive, sick, healthy_for):
    """A master sees requests come in lumps. What lasts it notices with one more lump at most."""
    healthy = (sick[0], 0)
    seconds = [healthy] * healthy_for + [sick] * 300
    lumps = [
        lump
        for first in range(0, len(seconds) - 2, 3)
        for lump in ("-", "-", tuple(map(sum, zip(*seconds[first : first + 3], strict=True))))
    ]
    at_once = drive(STOP, seconds).guard.stop.at
    later = drive(STOP, lumps).guard.stop.at
    assert at_once - 3 < later <= at_once + 3 + 2


def test_a_file_of_several_rules(drive):
    """They share the promise, and what the one finds does not hang on the other's requests."""
    rules = [STOP, "p95 < 1s surely else stop", "fail_ratio < 5% over 10s"]
    run = drive(rules, [HEALTHY] * 5 + [SICK] * 3)
    assert run.trace == "ooooo" + "pBB"
    assert [rule.evidence is None for rule in run.verdict.rules] == [False, False, True]


def test_rules_share_the_promise(drive):
    """Each beside 99 others takes more evidence, by log(100); those without surely cost nothing."""
    batches = [HEALTHY] * 5 + [(100, 6)] * 4
    plain = [f"fail_ratio of /{n} < 1% over 10s" for n in range(99)]
    sure = [f"fail_ratio of /{n} < 1% surely" for n in range(99)]
    assert drive([STOP, *plain], batches).trace == drive(STOP, batches).trace == "ooooo" + "opBB"
    assert drive([STOP, *sure], batches).trace == "ooooo" + "oppB"


def test_each_rule_says_how_rare_its_own_false_stop_is(drive):
    rules = [STOP, "fail_ratio < 1% surely 1h else warn"]
    run = drive(rules, [HEALTHY] * 5 + [(100, 6)] * 4).finish()
    month, hour = run.verdict.rules
    assert hour.breached_at < month.breached_at
    assert month.reason.endswith("in 30 days)")
    assert hour.reason.endswith("in 1h)")


def test_what_stands_out_among_many_entries_is_listed_while_the_run_goes_on(drive):
    """Beside 20 others that came before it, the one with most evidence."""
    entries = {f"GET /{n}": (100, 0) for n in range(40)} | {"GET /33": (100, 3)}
    run = drive("fail_ratio of each * < 1% surely", [entries])
    listed = {result.entry: result.evidence for result in run.verdict.rules}
    assert len(listed) == 20
    assert listed["GET /33"] > 0
