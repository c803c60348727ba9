"""What is kept of a run: all of a short one, and of a long one what stands out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.effects import chronicle
from guard.effects.chronicle import Chronicle
from guard.engine.judge import Transition
from guard.engine.reading import Reading
from guard.engine.standing import Moment, Standing
from guard.language.rulefile import parse_rules
from guard.rule import State


def rule(line: str):
    return parse_rules(f"rules:\n  - {line}\n".encode(), "rules.yaml")[0]


P95 = rule("p95 of each /* < 500ms over 10s for 5s")
SURELY = rule("fail_ratio < 1% surely")


def moment(at, *standings, users=20, answers=0):
    return Moment(float(at), users, answers, standings)


def reads(value, state=State.OK, entry="GET /a", rule=P95, evidence=None):
    return Standing(rule, entry, state, value, 100, evidence)


def test_a_short_run_is_kept_as_it_was():
    kept = Chronicle()
    readings = [None, 100.0, 900.0, None, 80.0]
    for second, value in enumerate(readings, start=1):
        kept.take(moment(second, reads(value)))
    spans = kept.spans(P95, "GET /a")
    assert [(span.begin, span.end) for span in spans] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert [span.low for span in spans] == [span.high for span in spans] == readings
    assert {span.evidence for span in spans} == {None}


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, 1e6, width=32),
            st.sampled_from(State),
            st.floats(0, 1, width=32),
        ),
        min_size=1,
        max_size=400,
    )
)
def test_nothing_that_stands_out_is_lost(ticks):
    """However short the space: each tick lies in one span, which is no lower than its reading and
    no less grave than its state; and all that a span tells of has been at some tick of it."""
    kept = Chronicle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chronicle, "MOST", 8)
        for second, (value, state, evidence) in enumerate(ticks, start=1):
            kept.take(moment(second, reads(value, state, "Aggregated", SURELY, evidence)))
    spans = kept.spans(SURELY, "Aggregated")
    assert len(spans) <= 16
    assert [span.begin for span in spans] == [0.0, *(span.end for span in spans[:-1])]
    assert spans[-1].end == len(ticks)
    for span in spans:
        of_it = ticks[round(span.begin) : round(span.end)]
        values = [value for value, _, _ in of_it if value is not None]
        assert span.low == min(values, default=None)
        assert span.high == max(values, default=None)
        gravest = max(list(State).index(state) for _, state, _ in of_it)
        assert span.state is list(State)[gravest]
        assert span.evidence == max(evidence for _, _, evidence in of_it)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_reading(value):
    kept = Chronicle()
    kept.take(moment(1, reads(value)))
    assert kept.spans(P95, "GET /a")[0].low is None


def test_a_day_of_a_thousand_entries_stays_small(monkeypatch):
    """Each has a share of the space, and few of them more."""
    monkeypatch.setattr(chronicle, "BUDGET", 20_000)
    kept = Chronicle()
    for second in range(1, 400):
        kept.take(moment(second, *(reads(1.0, entry=f"GET /{n}") for n in range(300))))
    assert len(kept) <= 20_000
    few = Chronicle()
    for second in range(1, 86_400, 10):
        few.take(moment(second, reads(1.0)))
    assert len(few) <= 2 * chronicle.MOST
    assert len(few.bustle) <= chronicle.MOST


def test_entries_come_when_they_appear():
    kept = Chronicle()
    kept.take(moment(1, reads(None, entry="each /*"), reads(0.1, rule=SURELY)))
    kept.take(moment(2, reads(10.0, entry="GET /a"), reads(0.2, rule=SURELY)))
    kept.take(moment(3, reads(11.0), reads(20.0, entry="GET /b"), reads(0.3, rule=SURELY)))
    assert [span.high for span in kept.spans(P95, "GET /a")] == [10, 11]
    assert [(span.begin, span.high) for span in kept.spans(P95, "GET /b")] == [(2, 20)]
    assert [span.end for span in kept.spans(SURELY, "GET /a")] == [1, 2, 3]
    assert kept.spans(P95, "GET /nowhere") == []


def test_of_very_many_each_has_its_turn_but_a_change_is_noted_at_once():
    kept = Chronicle(turn=2)
    entries = [f"GET /{n}" for n in range(6)]
    for second in range(1, 7):
        states = [State.BREACHED if second == 4 and n == 0 else State.OK for n in range(6)]
        kept.take(moment(second, *(reads(float(second), s, e) for s, e in zip(states, entries))))  # noqa: B905 - as many
        if second == 4:
            reading = Reading(4.0, 100, 10.0, 4.0)
            kept.note([Transition(P95, "GET /0", State.OK, State.BREACHED, reading)])
    lengths = [len(kept.spans(P95, entry)) for entry in entries]
    assert lengths == [3, 2, 2, 2, 2, 2]
    (breached,) = [s for s in kept.spans(P95, "GET /0") if s.state is State.BREACHED]
    assert (breached.end, breached.high) == (4.0, 4.0)


def test_the_aggregate_and_the_run_are_noted_by_their_names():
    cpu = rule("cpu < 90%")
    kept = Chronicle(turn=1)
    for second in (1, 2):
        aggregate = reads(1.0, rule=SURELY, entry="Aggregated")
        kept.take(moment(second, aggregate, reads(1.0, rule=cpu, entry=None)))
        reading = Reading(9.0, None, 0.0, float(second))
        kept.note([Transition(r, None, State.OK, State.PENDING, reading) for r in (SURELY, cpu)])
    assert [len(kept.spans(*key)) for key in ((SURELY, "Aggregated"), (cpu, None))] == [2, 2]


def test_requests_are_counted_through_resets():
    kept = Chronicle()
    for second, answers in enumerate([10, 25, 5, 5, 9], start=1):
        kept.take(moment(second, answers=answers))
    assert [pace.answers for pace in kept.bustle] == [10, 25, 30, 30, 34]


def test_the_fewest_and_the_most_users_are_kept(monkeypatch):
    monkeypatch.setattr(chronicle, "MOST", 2)
    kept = Chronicle()
    for second, users in enumerate([5, None, 50, 7], start=1):
        kept.take(moment(second, users=users, answers=second))
    found = [(pace.at, pace.fewest, pace.most, pace.answers) for pace in kept.bustle]
    assert found == [(2.0, 5, 5, 2), (4.0, 7, 50, 4)]
