"""What a breach is told with: what failed in its window, and the load before it."""

from __future__ import annotations

import pytest

from guard.engine.failures import MOST, FailureRecord
from guard.rule import Check, Comparison, Unit


def second(**failures):
    """A second of ten requests an entry, of which as many fail with each text."""
    return {f"GET /{name}": (10, texts, 100) for name, texts in failures.items()}


def test_the_three_entries_and_texts_that_failed_most(drive):
    """10 s with 5 failures each second in a, 4 in b, 3 in c and 2 in d; every tenth of a's is a
    "503", the others "500": 14 of 40 requests in each second, 35%."""
    series = [second(a={"500": 4, "503": 1}, b={"500": 4}, c={"x": 3}, d={"y": 2})] * 10
    run = drive("fail_ratio < 30% over 10s", series)
    assert run.result.breached_at == 10
    failing = run.result.failing
    assert failing.entries == (("GET /a", 50), ("GET /b", 40), ("GET /c", 30))
    assert failing.texts == (("500", 80), ("x", 30), ("y", 20))


@pytest.mark.parametrize(
    ("rule", "entry", "texts"),
    [
        pytest.param("fail_ratio of /a < 10%", "/a", (("500", 5), ("503", 5)), id="of a name"),
        pytest.param(
            "fail_ratio of each /* < 10%", "GET /b", (("501", 9),), id="of each, the entry's own"
        ),
        pytest.param(
            'fail_ratio("*503*") < 10%', "Aggregated", (("503", 5),), id="with the text that counts"
        ),
        pytest.param("p95 < 10ms", "Aggregated", (("501", 9), ("500", 5), ("503", 5)), id="of all"),
        pytest.param("users < 1", None, (("501", 9), ("500", 5), ("503", 5)), id="on the run, all"),
    ],
)
def test_texts_are_those_of_what_the_rule_is_about(drive, rule, entry, texts):
    """Entries are always those of the run: a rule on a healthy one may be broken by a sick one."""
    traffic = second(a={"500": 5, "503": 5}, b={"501": 9})
    run = drive(f"{rule} else stop", [traffic], users=5)
    result = run.by_entry[entry]
    assert result.failing.texts == texts
    assert result.failing.entries == (("GET /a", 10), ("GET /b", 9))


def test_what_failed_long_before_the_window_is_not_told(drive):
    """A hundred failures in the first second; they are noted at 10 s. The window of the breach at
    41 s goes from 31 s, and what failed since 30 s is told."""
    series = [{"GET /": (100, {"old": 100}, 100)}, *["g"] * 39]
    run = drive("fail_ratio < 50% over 10s after 5s", series)
    run.play([{"GET /": (200, {"new": 200}, 100)}])
    assert run.result.breached_at == 41
    assert run.result.failing.texts == (("new", 200),)


def test_what_failed_in_the_whole_run_is_told_of_a_rule_on_it(drive):
    series = [(10, {"old": 1}, 100), *["g"] * 39, (100, {"new": 90}, 100)]
    run = drive("fail_ratio < 10%", series).finish()
    assert run.result.failing.texts == (("new", 90), ("old", 1))


def test_only_the_first_breach_is_told(drive):
    run = drive("fail_ratio < 50% over 1s", [(10, {"one": 9}, 100), "g", (10, {"two": 9}, 100)])
    assert run.result.failing.texts == (("one", 9),)


def test_without_a_breach_there_is_nothing_to_tell(drive):
    result = drive("fail_ratio < 50% over 1s", "ggg").result
    assert (result.failing, result.last_healthy) == (None, None)


def test_the_last_load_that_was_good(drive):
    """20 users make 20 requests a second, then 30 make 30 slow ones. At 12 s 30 of the 220 requests
    of the window took 900 ms; p90 is above the limit for the third time at 14 s. It last held at
    11 s, with 200 requests in 10 s, of 20 users."""
    good, slow = (20, 0, 100), (30, 0, 900)
    run = drive("p90 < 500ms over 10s for 3s", [good] * 11 + [slow] * 3, users=20,
                vitals=[{}] * 11 + [{"users": 30}] * 3)  # fmt: skip
    assert run.result.breached_at == 14
    assert run.result.last_healthy == (11.0, 20, 20.0)
    assert (run.result.users_at_breach, run.result.rps_at_breach) == (30, 23.0)


def test_a_check_that_never_held_has_no_good_load(drive):
    assert drive("p95 < 5ms over 1s", "g").result.last_healthy is None


def test_the_last_load_without_any_evidence(drive):
    run = drive("fail_ratio < 50% surely", ["g"] * 5 + ["b"] * 10, users=7)
    assert run.result.breached
    assert run.result.last_healthy == (5.0, 7, 10.0)


CHECK = Check("fail_ratio", Unit.RATIO, Comparison.LESS, 0.01)
KEY = ("GET", "/")


def test_counts_that_were_reset_are_new_ones():
    record = FailureRecord()
    record.note(10.0, {(KEY, "a"): 100})
    record.note(20.0, {(KEY, "a"): 7})
    record.note(30.0, {(KEY, "a"): 8})
    assert record.since(10.0, CHECK, None).texts == (("a", 8),)


def test_of_many_texts_the_most_frequent_are_kept():
    record = FailureRecord()
    record.note(1.0, {(KEY, str(number)): number for number in range(1, MOST + 50)})
    found = record.since(0.0, CHECK, None)
    assert found.texts[0] == (str(MOST + 49), MOST + 49)
    assert found.entries == (("GET /", sum(range(50, MOST + 50))),)
