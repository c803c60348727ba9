"""What charts show, point by point."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest

from guard.effects import charts
from guard.effects.canvas import Course
from guard.effects.charts import Line, load_chart, rule_chart, rule_words
from guard.effects.chronicle import Bustle, Span
from guard.engine.verdict import RuleResult
from guard.language.rulefile import parse_rules
from guard.rule import Outcome, State

OK, PENDING, BREACHED, WAITING = State.OK, State.PENDING, State.BREACHED, State.WAITING


def rule(line: str):
    return parse_rules(f"rules:\n  - {line}\n".encode(), "rules.yaml")[0]


def ticks(*readings, state=OK, evidence=None):
    """A span for each second: a reading, or a reading and a state."""
    pairs = [reading if isinstance(reading, tuple) else (reading, state) for reading in readings]
    return [
        Span(second, second + 1, value, value, state, evidence)
        for second, (value, state) in enumerate(pairs)
    ]


def result(rule, **more):
    return RuleResult(rule, "GET /a", OK, Outcome.PASS, judged=True, reason="", **more)


def course(seconds=10, stopped_at=None):
    bustle = [Bustle(second, 20, 20, 50 * second) for second in range(1, seconds + 1)]
    return Course(bustle, float(seconds), stopped_at)


def drawn(line, spans, stopped_at=None, seconds=10, **found):
    subject = rule(line)
    lines = [Line("GET /a", result(subject, **found), spans)]
    figure = rule_chart(subject, lines, course(seconds, stopped_at))
    go.Figure(figure)  # refuses what plotly does not know
    return figure


def trace(figure, name):
    (found,) = [one for one in figure["data"] if one["name"] == name]
    return list(zip(found["x"], found["y"], strict=True))


def bands(figure, name):
    return [(s["x0"], s["x1"]) for s in figure["layout"]["shapes"] if s.get("name") == name]


@pytest.mark.parametrize(
    ("line", "spans", "points"),
    [
        pytest.param("p95 of /a < 1s over 2s", ticks(100, 200),
                     [(1, 100), (2, 200)], id="a point a tick"),
        pytest.param("p95 of /a < 1s over 2s", ticks(None, 100, None, 200),
                     [(2, 100), (3, None), (4, 200)], id="the line is broken without data"),
        pytest.param("p95 of /a < 1s over 2s", [Span(0, 4, 10.0, 30.0, OK)],
                     [(2, 10), (4, 30)], id="many ticks in one: the lowest and the highest"),
        pytest.param("fail_ratio of /a < 1% over 2s", ticks(0.0123456),
                     [(1, 1.2346)], id="a ratio in percent"),
        pytest.param("p95 of /a < 1s surely", ticks(100, *[None] * 9, 200, evidence=0.0),
                     [(1, 100), (11, 200)], id="between readings that come every ten seconds"),
        pytest.param("p95 of /a < 1s surely", ticks(100, *[None] * 19, 200, evidence=0.0),
                     [(1, 100), (13, None), (21, 200)], id="but not for longer"),
    ],
)  # fmt: skip
def test_the_line_of_readings(line, spans, points):
    assert trace(drawn(line, spans), "GET /a") == points


def test_totals_are_where_they_are_judged():
    points = trace(drawn("p95 of /a < 1s", ticks(None, 100, None), value=300.0), "GET /a")
    assert points == [(2, 100), (10, 300)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param(ticks((1, OK), (1, OK)), {}, id="nothing happened"),
        pytest.param(
            ticks((1, WAITING), (1, WAITING), (1, OK)), {"not armed yet": [(0, 2)]}, id="not armed"
        ),
        pytest.param(
            ticks((1, OK), (9, PENDING), (9, PENDING), (1, OK)),
            {"pending": [(1, 3)]},
            id="pending from the tick before the one that finds it so",
        ),
        pytest.param(
            ticks((1, OK), (9, PENDING), (9, BREACHED), (9, BREACHED), (1, OK), (1, OK)),
            {"pending": [(1, 3)], "breached": [(3, 5)]},
            id="breached from the tick that finds it so to the one that finds it recovered",
        ),
        pytest.param(
            ticks((1, OK), (9, BREACHED)), {"breached": [(2, 10)]}, id="breached to the end"
        ),
        pytest.param(
            [Span(0, 4, 1, 1, OK), Span(4, 8, 1, 9, BREACHED), Span(8, 12, 1, 1, OK)],
            {"breached": [(4, 8)]},
            id="a breach somewhere in many ticks",
        ),
    ],
)
def test_the_times_of_each_state_are_shaded(spans, expected):
    figure = drawn("p95 of /a < 1s over 2s for 2s", spans)
    found = {name: bands(figure, name) for name in ("not armed yet", "pending", "breached")}
    assert {name: times for name, times in found.items() if times} == expected


def test_more_shades_than_anybody_can_see_are_joined():
    states = [PENDING, OK] * 2000
    spans = ticks(*((1, state) for state in states))
    figure = drawn("p95 of /a < 1s over 2s for 2s", spans, seconds=4000)
    assert len(bands(figure, "pending")) <= 300


def test_the_limit_and_the_users_are_there():
    figure = drawn("p95 of /a < 500ms over 2s", ticks(100))
    assert trace(figure, "limit: &lt; 500 ms") == [(0, 500), (10, 500)]
    assert trace(figure, "users")[:2] == [(1, 20), (2, 20)]


def test_breach_recovery_and_stop_are_marked():
    found = {"breached_at": 3.0, "recovered_at": 6.0, "value": 900.0}
    figure = drawn("p95 of /a < 500ms over 2s", ticks(100), stopped_at=3.0, **found)
    assert trace(figure, "breach") == [(3, 900)]
    lines = [s["x0"] for s in figure["layout"]["shapes"] if s["type"] == "line"]
    assert lines == [3, 3, 6]
    said = [(note["text"], note["x"]) for note in figure["layout"]["annotations"]]
    assert said == [("breach, stop", 3), ("recovery", 6)]


def test_evidence_has_a_part_of_its_own():
    figure = drawn("fail_ratio of /a < 1% surely", ticks(0.5, 0.5, evidence=0.639))
    assert trace(figure, "evidence") == [(1, 63.9), (2, 63.9)]
    assert figure["layout"]["yaxis3"]["range"][0] == 0


def test_a_name_is_no_markup_for_plotly():
    subject = rule('"fail_ratio(\\"<b>x</b>*\\") < 1% over 2s"')
    label = '<a href="javascript:alert(1)">x</a>'
    lines = [Line(label, result(subject), ticks(0.1))]
    figure = rule_chart(subject, lines, course())
    assert all("<" not in one["name"] for one in figure["data"])
    assert "<" not in figure["layout"]["yaxis2"]["title"]["text"]


def test_requests_per_second_are_those_of_the_last_seconds():
    """A master has them in lumps, every three seconds."""
    lumps = [Bustle(second, 5, 5, second // 3 * 300) for second in range(1, 21)]
    figure = load_chart(Course(lumps, 20.0, None))
    assert [rate for at, rate in trace(figure, "requests/s") if at >= 6] == [100] * 15


def test_users_that_nobody_knows_have_no_axis():
    bustle = [Bustle(second, None, None, second) for second in range(1, 5)]
    figure = load_chart(Course(bustle, 4.0, None))
    assert [one["name"] for one in figure["data"]] == ["requests/s"]
    assert figure["layout"]["yaxis"]["visible"] is False


def test_a_chart_in_words():
    subject = rule("p95 of /a < 500ms over 2s for 2s")
    line = Line("GET /a", result(subject, breached_at=300.0, value=900.0), ticks(80, 900))
    assert rule_words(subject, [line], course(400, stopped_at=300.0)) == (
        "p95 of GET /a over the run, must be < 500 ms; it was between 80 ms and 900 ms; "
        "breach at 300 s (5m); stop at 300 s (5m)."
    )
    several = [line, replace(line, label="GET /b")]
    assert rule_words(subject, several, course()).startswith("p95 of 2 entries over the run")


def test_there_are_enough_colours():
    assert charts.MOST_LINES <= len(charts._COLOURS) == len(charts._DASHES)
