"""The outcome of a run, its reason, and the verdict file."""

from __future__ import annotations

import json
import math

import pytest

from guard.engine.verdict import process_exit_code
from guard.rule import Outcome

# One second of ten requests, two of them failed, 900 ms each. No rule below has a name, so each is
# called by its check.
SECOND = (10, 2, 900)
PASSES = "requests >= 1"
FAILS = "fail_ratio < 1%"
VOIDS = "p95 < 500ms else void"
WARNS = "median < 500ms else warn"
FINISHES = "requests < 10 else finish"
STOPS = "max < 500ms else stop"
MISSES = "p99 of /nowhere < 1s"
MISSES_AND_PASSES = "{check: p90 of /nowhere < 1s, no_data: pass}"
MISSES_AND_FAILS = "{check: p50 of /nowhere < 1s, no_data: fail}"

SAYS_FAILS = "fail_ratio was 20% over the run (10 requests), must be < 1%"
SAYS_VOIDS = "p95 was 900 ms over the run (10 requests), must be < 500 ms"
SAYS_WARNS = "median was 900 ms over the run (10 requests), must be < 500 ms"
SAYS_FINISHES = "requests was 10 over the run (10 requests), must be < 10"
SAYS_STOPS = "max was 900 ms over the run (10 requests), must be < 500 ms"
SAYS_MISSES = "'p99 of /nowhere < 1s' had no data: there were no requests of /nowhere"
OTHER_MISSES = "'p99 of /nowhere < 1s' (inconclusive)"
OTHER_FAILS = "'fail_ratio < 1%' (fail)"
SAYS_MISSES_AND_FAILS = SAYS_MISSES.replace("p99", "p50")


@pytest.mark.parametrize(
    ("rules", "outcome", "exit_code", "reason"),
    [
        pytest.param([PASSES], "pass", 0, "1 rule passed", id="one passed"),
        pytest.param([PASSES, "p95 < 1s"], "pass", 0, "2 rules passed", id="two passed"),
        pytest.param([FAILS], "fail", 3, SAYS_FAILS, id="one failed"),
        pytest.param([PASSES, STOPS], "fail", 3, SAYS_STOPS, id="one failed and stopped"),
        pytest.param([PASSES, MISSES], "inconclusive", 4, SAYS_MISSES, id="data is missing"),
        pytest.param([VOIDS, PASSES], "inconclusive", 4, SAYS_VOIDS, id="the run is void"),
        pytest.param(
            [PASSES, MISSES_AND_FAILS],
            *("fail", 3, SAYS_MISSES_AND_FAILS),
            id="data is missing where that is a failure",
        ),
        pytest.param(
            [PASSES, MISSES_AND_PASSES],
            *("pass", 0, "1 rule passed; no data, which they allow: 'p90 of /nowhere < 1s'"),
            id="data is missing where that is fine",
        ),
        pytest.param(
            [MISSES_AND_PASSES],
            *("inconclusive", 4, "nothing was judged: no rule had data"),
            id="nothing was judged, though each rule allows that",
        ),
        pytest.param(
            [PASSES, WARNS],
            *("pass", 0, f"2 rules passed; warning: {SAYS_WARNS}"),
            id="a warning passes",
        ),
        pytest.param(
            [FINISHES, PASSES],
            *("pass", 0, f"2 rules passed; finished because {SAYS_FINISHES}"),
            id="a finish passes",
        ),
        pytest.param(
            [MISSES, FAILS],
            *(
                "fail",
                3,
                f"{SAYS_FAILS}; also not passed: 'p99 of /nowhere < 1s' (inconclusive)",
            ),
            id="failed is worse than missing",
        ),
        pytest.param(
            [MISSES, MISSES_AND_FAILS],
            *("fail", 3, f"{SAYS_MISSES_AND_FAILS}; also not passed: {OTHER_MISSES}"),
            id="failed for missing data is worse than missing",
        ),
        pytest.param(
            [FAILS, VOIDS],
            *("inconclusive", 4, f"{SAYS_VOIDS}; also not passed: {OTHER_FAILS}"),
            id="void is worse than failed",
        ),
        pytest.param(
            [MISSES, VOIDS],
            *("inconclusive", 4, f"{SAYS_VOIDS}; also not passed: {OTHER_MISSES}"),
            id="void is worse than missing",
        ),
        pytest.param(
            [WARNS, MISSES, PASSES, FAILS, FINISHES, VOIDS],
            *("inconclusive", 4, f"{SAYS_VOIDS}; also not passed: {OTHER_FAILS}, {OTHER_MISSES}"),
            id="every other rule that did not pass is named, the worst first",
        ),
        pytest.param(
            [FAILS, STOPS],
            *("fail", 3, f"{SAYS_STOPS}; also not passed: {OTHER_FAILS}"),
            id="of two that failed the earlier one decided",
        ),
    ],
)
def test_outcome_and_reason(drive, rules, outcome, exit_code, reason):
    """Error, void, fail, missing data, pass: the worst rule decides, and the others are named."""
    verdict = drive(rules, [SECOND]).finish(at=2).verdict
    assert (verdict.outcome, verdict.exit_code) == (Outcome(outcome), exit_code)
    assert verdict.reason == reason


@pytest.mark.parametrize(
    ("rules", "others"),
    [
        pytest.param([PASSES], "", id="all passed"),
        pytest.param([FAILS], f"; also not passed: {OTHER_FAILS}", id="one failed"),
        pytest.param(
            [FAILS, VOIDS],
            f"; also not passed: 'p95 < 500ms' (inconclusive), {OTHER_FAILS}",
            id="the run is void",
        ),
    ],
)
def test_failure_of_the_guard_is_an_error(drive, rules, others):
    """Whatever the rules say: the run was not guarded. The first failure is the cause."""
    run = drive(rules, [SECOND])
    run.guard.fail("KeyError: 'x'", 1.5, running=True)
    run.guard.fail("ValueError: a consequence", 2.5, running=True)
    verdict = run.finish().verdict
    assert (verdict.outcome, verdict.exit_code) == (Outcome.ERROR, 5)
    assert verdict.reason == f"the guard itself failed: KeyError: 'x'{others}"
    assert (verdict.stopped, verdict.stopped_at) == (True, 1.5)


def test_failure_after_the_end_stops_nothing(drive):
    run = drive([PASSES], [SECOND])
    run.guard.fail("KeyError: 'x'", 1.5, running=False)
    verdict = run.finish().verdict
    assert (verdict.outcome, verdict.stopped) == (Outcome.ERROR, False)


@pytest.mark.parametrize(
    ("rules", "outcome", "reason"),
    [
        ([PASSES], Outcome.INCONCLUSIVE, "all workers were gone"),
        ([FAILS], Outcome.INCONCLUSIVE, f"all workers were gone; also not passed: {OTHER_FAILS}"),
    ],
)
def test_distrust_makes_a_run_inconclusive_whatever_the_rules_say(drive, rules, outcome, reason):
    run = drive(rules, [SECOND])
    run.guard.distrust = "all workers were gone"
    verdict = run.finish().verdict
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("rules", "users_code", "exceptions", "code"),
    [
        pytest.param([PASSES], None, False, 0, id="pass"),
        pytest.param([FAILS], None, False, 3, id="fail"),
        pytest.param([PASSES], None, True, None, id="pass with exceptions: Locust's own rule"),
        pytest.param([FAILS], None, True, 3, id="fail with exceptions"),
        pytest.param([PASSES], 42, True, 42, id="the user's code on a pass"),
        pytest.param([FAILS], 42, False, 42, id="a higher code of the user's"),
        pytest.param([FAILS], 1, False, 3, id="a lower code of the user's"),
        pytest.param([FAILS], 0, False, 3, id="a zero of the user's"),
        pytest.param([FAILS], "0", False, 3, id="what is no code does not count"),
    ],
)
def test_exit_code_of_the_process(drive, rules, users_code, exceptions, code):
    """Never lowers a code that the user's own code set."""
    verdict = drive(rules, [SECOND]).finish().verdict
    assert process_exit_code(verdict, users_code, exceptions) == code


def test_trap_every_broken_rule_is_reported(drive):
    """Not only the first: later ones are judged and named too."""
    rules = [f"p{n} of GET / < 500ms" for n in (50, 90, 95, 99)] + ["p99 < 1s"]
    verdict = drive(rules, [SECOND]).finish().verdict
    assert [result.outcome.value for result in verdict.rules] == ["fail"] * 4 + ["pass"]
    assert verdict.reason == (
        "p50 of GET / was 900 ms over the run (10 requests), must be < 500 ms; also not passed:"
        " 'p90 of GET / < 500ms' (fail), 'p95 of GET / < 500ms' (fail),"
        " 'p99 of GET / < 500ms' (fail)"
    )


@pytest.mark.parametrize(
    ("rules", "decided"),
    [
        pytest.param(["p95 < 500ms for 2s", "avg < 500ms for 1s"], "avg", id="the earliest"),
        pytest.param(["p95 < 500ms for 1s", "avg < 500ms for 1s"], "p95", id="then the first"),
        pytest.param(
            ["p95 < 500ms for 1s", "avg < 500ms for 1s else stop"], "avg", id="but one that stops"
        ),
        pytest.param(
            ["{check: p95 of /x < 1s, no_data: fail}", "avg < 500ms"], "avg", id="a breach first"
        ),
    ],
)
def test_rule_that_decided_of_several_that_failed(drive, rules, decided):
    """The earliest breach decided; of several at once the one that stopped the run."""
    reason = drive(rules, [SECOND, SECOND]).finish().verdict.reason
    assert reason.startswith(f"{decided} was 900 ms")


@pytest.mark.parametrize(
    "rule", ["p95 < 1s", "p95 < 1s over 2s", "requests < 9", "rps < 9 over 2s"]
)
def test_reason_of_a_rule_without_requests(drive, rule):
    """A run that did not pass says what was missing, also where no requests read zero."""
    run = drive(rule, "---").finish()
    assert run.verdict.outcome is Outcome.INCONCLUSIVE
    assert run.verdict.reason == f"{run.result.rule.name!r} had no data: there were no requests"


MIN_50 = "{check: p95 < 1s, min_requests: 50}"
MIN_50_OF = "{check: p95 of / < 1s, min_requests: 50, over: 2s}"


@pytest.mark.parametrize(
    ("rule", "second", "missing"),
    [
        pytest.param("p95 of /x < 1s", "g", "there were no requests of /x", id="of an entry"),
        pytest.param("p95 < 1s", (5, 0, None), "no request had a response time", id="no times"),
        pytest.param(MIN_50, (10, 0), "30 requests, needs 50", id="too few"),
        pytest.param(MIN_50_OF, (10, 0), "20 requests of /, needs 50", id="too few in a window"),
    ],
)
def test_reason_of_a_rule_without_data(drive, rule, second, missing):
    """It says how much there was and what it takes."""
    run = drive(rule, [second] * 3).finish()
    assert run.verdict.outcome is Outcome.INCONCLUSIVE
    assert run.verdict.reason == f"{run.result.rule.name!r} had no data: {missing}"


def test_reason_is_one_line_whatever_an_entry_is_called(drive):
    run = drive("p95 of each * < 500ms else stop", [{"GET /a\nOutcome: pass\x1b[2J": (9, 0, 900)}])
    measured = r"p95 of GET /a\nOutcome: pass\x1b[2J was 900 ms over the run (9 requests)"
    said = f"{measured}, must be < 500 ms"
    assert run.guard.stop.reason == said
    assert run.finish().verdict.reason == said


def test_reason_says_one_request(drive):
    assert drive(MIN_50, [(1, 0)]).finish().verdict.reason.endswith("1 request, needs 50")


@pytest.mark.parametrize(
    ("options", "never"),
    [
        ("over 1m", "judged: its window of 60 s was never full: it had 3 s"),
        ("after 1m30s", "armed: it waits for 1m30s"),
        ("after ramp-up", "armed: it waits for ramp-up"),
        ("after ramp-up + 10s", "armed: it waits for ramp-up + 10s"),
    ],
)
def test_reason_of_a_rule_whose_time_never_came(drive, options, never):
    """It is not for lack of requests; what did not come is said."""
    run = drive(f"p95 < 1s {options}", "ggg").finish()
    assert run.verdict.outcome is Outcome.INCONCLUSIVE
    assert run.verdict.reason == f"'p95 < 1s' was not {never}"


def test_verdict_file_of_a_breach(drive):
    """The example of the documentation, from its traffic.

    32 requests a second, slow from 16 s on: at 17 s 10% of the last 10 s are, so p95 is 950 ms, for
    the fifth second at 21 s, when the window has 9 * 32 + 33 = 321 requests. At 22 s 10% took
    1100 ms; the load ends at 23.4 s.
    """
    good, slow = (
        {"POST /checkout": (32, 0, 100)},
        {"POST /checkout": (32, {"500 Server Error": 1}, 950)},
    )
    series = [good] * 16 + [slow] * 4 + [{"POST /checkout": (33, 0, 950)}]
    rule = 'p95 of "POST /checkout" < 500ms over 10s for 5s else stop'
    run = drive(rule, series, users=50).play([{"POST /checkout": (32, 0, 1100)}])
    content = run.finish(at=23.4).verdict.as_dict()
    assert content == {
        "schema": 1,
        "outcome": "fail",
        "exit_code": 3,
        "reason": "p95 of POST /checkout was 950 ms over 10 s (321 requests), must be < 500 ms",
        "stopped": True,
        "stopped_at": 21.0,
        "final": True,
        "duration": 23.4,
        "rules": [
            {
                "name": "p95 of POST /checkout < 500ms",
                "check": "p95 of POST /checkout < 500ms",
                "entry": "POST /checkout",
                "action": "stop",
                "state": "breached",
                "outcome": "fail",
                "value": 950.0,
                "unit": "ms",
                "threshold": 500.0,
                "requests": 321,
                "pending_at": 16.0,
                "breached_at": 21.0,
                "recovered_at": None,
                "worst": 1100.0,
                "evidence": None,
                "users_at_breach": 50,
                "rps_at_breach": 32.1,
                "last_healthy": {"at": 16.0, "users": 50, "rps": 32.0},
                "failing_entries": [{"entry": "POST /checkout", "failures": 4}],
                "failure_texts": [{"text": "500 Server Error", "failures": 4}],
                "because": None,
            }
        ],
    }


def test_verdict_file_of_a_rule_that_was_never_armed(drive):
    """Keys are the same, whatever became of the rule; moments are whole milliseconds."""
    rule = "{check: fail_ratio < 1%, after: 1h, name: Slow start, because: caches are cold}"
    run = drive(rule, "g", at=[1.00049])
    content = run.verdict.as_dict()
    assert (content["outcome"], content["exit_code"]) == ("inconclusive", 4)
    assert (content["stopped"], content["stopped_at"], content["final"]) == (False, None, False)
    assert content["duration"] == 1.0
    assert content["rules"] == [
        {
            "name": "Slow start",
            "check": "fail_ratio < 1%",
            "entry": "Aggregated",
            "action": "fail",
            "state": "waiting",
            "outcome": "inconclusive",
            "unit": "ratio",
            "threshold": 0.01,
            "requests": 0,
            "evidence": None,
            "because": "caches are cold",
            **dict.fromkeys(("value", "worst", "pending_at", "breached_at", "recovered_at")),
            **dict.fromkeys(("users_at_breach", "rps_at_breach", "last_healthy")),
            **dict.fromkeys(("failing_entries", "failure_texts")),
        }
    ]


@pytest.mark.parametrize("series", ["", "-", "b", "gbgb"])
@pytest.mark.parametrize("at", [0.0, 0.5])
def test_trap_no_nan_or_infinity_at_elapsed_zero(drive, series, at):
    """The verdict is strict JSON at any moment, also when no time has passed."""
    checks = (
        "rps < 1",
        "fail_per_sec < 1",
        "fail_ratio < 1%",
        "avg < 1s",
        "p95 < 1s",
        "requests > 5",
    )
    rules = [f"{check}{options}" for check in checks for options in ("", " else stop", " over 1s")]
    run = drive(rules, series, at=[at] * len(series))
    json.dumps(run.verdict.as_dict(), allow_nan=False)
    json.dumps(run.finish().verdict.as_dict(), allow_nan=False)


def test_what_is_no_number_is_null_in_the_verdict_file(drive):
    """Somebody reported a response time that is none."""
    run = drive("avg < 1s", [(10, 0, math.nan)]).finish()
    assert math.isnan(run.result.value)
    assert run.result.as_dict()["value"] is None
