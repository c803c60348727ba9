"""A tick works in pieces, between which users have their turn, and may be broken off there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine.counts import Counts
from guard.engine.guard import PIECE, Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.rule import Outcome

ENTRIES = 2 * PIECE + 10

TOTALS = (
    *("requests >= 0", "failures >= 0", "requests of /1* >= 0", "max >= 0ms", "avg of /2 >= 0ms"),
    *('failures("503") >= 0', "content_length >= 0B", "requests of each /* >= 0", "p50 >= 0ms"),
    *("rps of each /*3 >= 0", "requests of each /*4 >= 0 for 1h", "exceptions >= 0"),
)


class Run:
    """Entries of which each has answered so many requests, as Locust counts them."""

    def __init__(self) -> None:
        self.requests = [0] * ENTRIES

    def snapshot(self) -> Snapshot:
        each = [
            Counts(
                requests=n,
                failures=n // 3,
                response_time=100.0 * n,
                response_times={100: n} if n else {},
                fastest=100 if n else None,
                slowest=100 if n else None,
                content_length=7.0 * n,
                failures_like={"503": n // 3} if n // 3 else {},
            )
            for n in self.requests
        ]
        n, failures = sum(self.requests), sum(counts.failures for counts in each)
        return Snapshot(
            total=Counts(
                requests=n,
                failures=failures,
                response_time=100.0 * n,
                response_times={100: n} if n else {},
                fastest=100 if n else None,
                slowest=100 if n else None,
                content_length=7.0 * n,
                failures_like={"503": failures} if failures else {},
            ),
            entries={("GET", f"/{number}"): counts for number, counts in enumerate(each)},
            vitals=Vitals(users=1, exceptions=n // 100),
        )


def told(after: int | None) -> Callable[[], bool]:
    """Go on so many times, and then no more; None for always."""
    asked = iter(range(10**6))
    return lambda: after is None or next(asked) < after


@settings(deadline=None, max_examples=60)
@given(
    ticks=st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, ENTRIES - 1), st.integers(1, 9)), max_size=60),
            st.one_of(st.none(), st.integers(0, 12)),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_breaking_off_a_tick_loses_no_request_and_counts_none_twice(rules_of, ticks):
    """However often and wherever: the final totals are those of a run that was never broken off."""
    whole, broken = (Guard(rules_of(*TOTALS)) for _ in range(2))
    run, now = Run(), 0.0
    # Every entry is there from the first tick on, in which nothing is broken off.
    for now, (added, go_on) in enumerate([([(n, 1) for n in range(ENTRIES)], None), *ticks], 1):
        for number, requests in added:
            run.requests[number] += requests
        whole.tick(run.snapshot(), float(now))
        broken.tick(run.snapshot(), float(now), told(go_on))
    verdicts = []
    for guard in (whole, broken):
        guard.finish(run.snapshot(), now + 1.0)
        verdicts.append(guard.verdict().as_dict())
    assert verdicts[0] == verdicts[1]
    values = {(r["check"], r["entry"]): r["value"] for r in verdicts[0]["rules"]}
    assert values["requests >= 0", "Aggregated"] == sum(run.requests)


@pytest.mark.parametrize("after", range(7))
def test_an_entry_that_appears_in_a_tick_that_is_broken_off(rules_of, after):
    """All its requests count in the end, from the last tick that was whole."""
    guard, run = Guard(rules_of("requests of each /* >= 0", "rps of each /* >= 0")), Run()
    guard.tick(run.snapshot(), 1.0)
    run.requests = [30] * ENTRIES
    guard.tick(run.snapshot(), 2.0, told(after))
    guard.finish(run.snapshot(), 3.0)
    results = guard.verdict().rules
    assert [r.value for r in results] == [30] * ENTRIES + [15] * ENTRIES


def test_a_tick_asks_between_small_pieces(rules_of):
    """Never more than a piece of work without asking, whether it takes counts in or judges."""
    guard, run, asked = Guard(rules_of("requests of each /* >= 0 over 1s")), Run(), []
    run.requests = [1] * ENTRIES
    guard.tick(run.snapshot(), 1.0, lambda: not asked.append(None))
    assert len(asked) == 2 * ENTRIES // PIECE
    asked.clear()
    guard.verdict(lambda: not asked.append(None))
    assert len(asked) >= ENTRIES // PIECE


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5])
def test_what_was_found_before_a_tick_was_broken_off_is_told(rules_of, after):
    """A change of state is told once, in that tick or in the end, and the outcome is the same."""
    guard, run = Guard(rules_of("failures of each /* < 5 for 1s", "failures < 5 else stop")), Run()
    guard.tick(run.snapshot(), 1.0)
    run.requests = [30] * ENTRIES
    changes = guard.tick(run.snapshot(), 2.0, told(after))
    changes += guard.finish(run.snapshot(), 3.0)
    assert sorted(change.entry or "" for change in changes) == sorted(
        ["", *(f"GET /{number}" for number in range(ENTRIES))]
    )
    assert guard.verdict().outcome is Outcome.FAIL


def test_a_tick_that_is_broken_off_stops_nothing(rules_of):
    """It is broken off because the load has ended already."""
    rules = rules_of("failures of /0 < 5 else stop", "requests of each /* >= 0 over 1s")
    guard, run = Guard(rules), Run()
    run.requests = [30] * ENTRIES
    pieces = ENTRIES // PIECE + 1
    changes = guard.tick(run.snapshot(), 1.0, told(pieces - 1))
    assert [change.entry for change in changes] == ["/0"]
    assert guard.stop is None
    guard.finish(run.snapshot(), 1.0)
    assert (guard.verdict().outcome, guard.verdict().stopped) == (Outcome.FAIL, False)


@pytest.mark.parametrize("after", [None, 0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    ("hold", "end", "state"),
    [
        pytest.param("2s", 3.0, "breached", id="2 s of 2 s"),
        pytest.param("2s", 3.5, "breached", id="more than 2 s"),
        pytest.param("2500ms", 3.0, "pending", id="2 s of 2.5 s"),
        pytest.param("2500ms", 3.5, "breached", id="2.5 s of 2.5 s"),
        pytest.param("3s", 3.5, "pending", id="2.5 s of 3 s"),
    ],
)
def test_the_time_of_a_tick_that_is_broken_off_counts_once(rules_of, after, hold, end, state):
    """5: Broken since 1 s, whether the last tick came to judge it or left it to the end."""
    guard, run = Guard(rules_of(f"failures of each /* < 5 for {hold}")), Run()
    guard.tick(run.snapshot(), 1.0)
    run.requests = [30] * ENTRIES
    guard.tick(run.snapshot(), 2.0)
    guard.tick(run.snapshot(), 3.0, told(after))
    guard.finish(run.snapshot(), end)
    assert {result.state.value for result in guard.verdict().rules} == {state}
