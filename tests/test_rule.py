"""What a rule is, and that its text reads back to the same rule."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine import metrics
from guard.language import grammar, units
from guard.rule import (
    Action,
    Basis,
    Check,
    Comparison,
    Outcome,
    Rule,
    Selection,
    Start,
    Unit,
    number_text,
    threshold_text,
    timespan_text,
)

LESS, AT_MOST, MORE, AT_LEAST, EQUAL, DIFFERENT = Comparison
MS, RATIO, RATE, COUNT = Unit.MILLISECONDS, Unit.RATIO, Unit.RATE, Unit.COUNT


def p95(comparison=LESS, threshold=500.0, selection=None):
    return Check("p95", MS, comparison, threshold, selection)


ODD_NAMES = [
    "“x”",
    *("/users/[id]?q=1", "/größe/☃", "a b", 'say "hi"', "it's", "back\\slash", 'end\\"', "\\"),
    *(
        "a<b",
        "a>b",
        "a == b",
        "x!=y",
        "a=b",
        "!",
        "=",
        "<",
        "*",
        "/a/*/b*",
        "",
        " ",
        " lead",
        "end ",
    ),
    *("each", "each x", "of", "over", "for 5s", "after", "else stop", "surely", "+", "(x)", "p95"),
    *("GET", "GET GET", "POST", "P0ST_-", "line\nbreak", "tab\t", "\u00a0", "# no comment", "%s"),
]
NAMES = st.sampled_from(ODD_NAMES) | st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(" *\"'\\<>=!AZ"), max_size=12
)
METHODS = st.sampled_from(["GET", "POST", "X", "M-SEARCH", "RPC_2"])
METHOD_AND_NAME = re.compile(r"[A-Z][A-Z0-9_-]*\s+\S.*", re.DOTALL)


def can_be_written(selection):
    """There is a name. A text that begins with a method has that method."""
    if selection.method is None:
        return selection.name != "" and not METHOD_AND_NAME.fullmatch(selection.name)
    return selection.name.lstrip() == selection.name != ""


SELECTIONS = st.builds(Selection, NAMES, st.none() | METHODS).filter(can_be_written)
ODD_SELECTIONS = list(
    filter(can_be_written, (Selection(name, m) for name in ODD_NAMES for m in (None, "GET")))
)

FAILURES = NAMES.filter(bool)
METRICS = st.sampled_from([*metrics.METRICS, "p0", "p50", "p95", "p99.9", "p100"])
QUANTITIES = st.floats(0, 1e15, allow_nan=False) | st.integers(0, 10**9).map(float)
SECONDS = st.floats(0.001, 1e7) | st.sampled_from([0.5, 1.0, 90.0, 3600.0, 86399.999])
THRESHOLDS = {RATIO: st.floats(0, 1), Unit.SECONDS: SECONDS | st.just(0.0)}
STARTS = st.builds(Start, SECONDS | st.just(0.0), st.booleans())


@st.composite
def checks(draw):
    metric = metrics.find(draw(METRICS))
    selection = None if metric.basis is Basis.RUN else draw(st.none() | SELECTIONS)
    return Check(
        metric=metric.name,
        unit=metric.unit,
        comparison=draw(st.sampled_from(Comparison)),
        threshold=draw(THRESHOLDS.get(metric.unit, QUANTITIES)),
        selection=selection,
        each=selection is not None and draw(st.booleans()),
        failure=draw(st.none() | FAILURES) if metric.of_failures else None,
        basis=metric.basis,
    )


@st.composite
def rules(draw):
    check = draw(checks())
    on_requests = check.basis is not Basis.RUN
    return Rule(
        name=str(check),
        check=check,
        over=draw(st.none() | SECONDS) if on_requests else None,
        hold=draw(st.just(0.0) | SECONDS),
        after=draw(STARTS),
        min_requests=draw(st.integers(0, 10**9)) if on_requests else 0,
        no_data=draw(st.sampled_from([Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE])),
        action=draw(st.sampled_from(Action)),
    )


@settings(deadline=None, max_examples=200)
@given(rule=rules())
def test_text_of_a_rule_reads_back_to_the_same_rule(rule):
    """Whatever the names, thresholds and options: nothing is lost, nothing means something else."""
    check, options, complaints = grammar.parse(str(rule))
    assert complaints == []
    given = {"min_requests": check.fewest, **options.given()}
    assert Rule(name=str(check), check=check, **given) == rule


@settings(deadline=None, max_examples=200)
@given(selection=SELECTIONS)
def test_text_of_a_selection_reads_back_to_the_same_selection(selection):
    check, _, complaints = grammar.parse(f"p95 of {selection} < 1s")
    assert complaints == []
    assert check.selection == selection


@pytest.mark.parametrize("selection", ODD_SELECTIONS, ids=lambda s: f"{s.method}-{s.name!r}")
def test_odd_name_reads_back(selection):
    """Each odd name, with and without a method."""
    check, _, complaints = grammar.parse(f"p95 of {selection} < 1s")
    assert (complaints, check and check.selection) == ([], selection)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(Rule("n", p95()), "p95 < 500ms", id="options at their defaults are left out"),
        pytest.param(
            Rule(
                "n",
                p95(AT_MOST, 0.5, Selection("/checkout", "POST")),
                over=10.0,
                hold=5.0,
                after=Start(10.0, ramp_up=True),
                action=Action.STOP,
            ),
            "p95 of POST /checkout <= 0.5ms over 10s for 5s after ramp-up + 10s else stop",
            id="all options",
        ),
        pytest.param(
            Rule("n", p95(selection=Selection("a b", "GET")), after=Start(ramp_up=True)),
            'p95 of "GET a b" < 500ms after ramp-up',
            id="a name with a space is quoted",
        ),
        pytest.param(
            Rule("n", Check("fail_ratio", RATIO, LESS, 0.01), after=Start(90.0)),
            "fail_ratio < 1% after 1m30s",
            id="a ratio in percent",
        ),
        pytest.param(
            Rule("n", Check("rps", RATE, AT_LEAST, 50.0), action=Action.WARN),
            "rps >= 50/s else warn",
            id="a rate by the second",
        ),
    ],
)
def test_text_of_a_rule(rule, text):
    """As a person would write it."""
    assert str(rule) == text


@pytest.mark.parametrize(
    ("selection", "text", "label"),
    [
        (Selection("/x"), "/x", "/x"),
        (Selection("/x", "GET"), "GET /x", "GET /x"),
        (Selection("/users/[id]?q=1"), "/users/[id]?q=1", "/users/[id]?q=1"),
        (Selection("a b", "GET"), '"GET a b"', "GET a b"),
        (Selection('a"b\\'), '"a\\"b\\\\"', 'a"b\\'),
        (Selection("each"), '"each"', "each"),
        (Selection("a<b"), '"a<b"', "a<b"),
    ],
)
def test_text_and_label_of_a_selection(selection, text, label):
    """The text has quotes where the language needs them, the label is what people read."""
    assert (str(selection), selection.label) == (text, label)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.0, "0s"), (0.5, "500ms"), (1.0, "1s"), (10.0, "10s"), (60.0, "1m"), (90.0, "1m30s")),
        *((3600.0, "1h"), (7200.0, "2h"), (3661.5, "1h1m1s500ms"), (0.0005, "0.5ms")),
        *(
            (1e-7, "0.0001ms"),
            (864_000_000.0, "10000d"),
            (90_000.0, "1d1h"),
            (0.1, "100ms"),
            (1.001, "1s1ms"),
        ),
    ],
)
def test_timespan_text(seconds, text):
    """Locust's own form, exact, without exponents."""
    assert timespan_text(seconds) == text
    assert units.timespan(text) == seconds


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        *((500.0, MS, "500ms"), (0.5, MS, "0.5ms"), (2000.0, MS, "2s")),
        *((0.01, RATIO, "1%"), (0.07, RATIO, "7%"), (0.0, RATIO, "0%"), (1.0, RATIO, "100%")),
        *((0.00001, RATIO, "0.001%"), (1e-7, RATIO, "0.00001%"), (0.29, RATIO, "29%")),
        *(
            (50.0, RATE, "50/s"),
            (0.25, RATE, "0.25/s"),
            (100.0, COUNT, "100"),
            (1e6, COUNT, "1000000"),
        ),
    ],
)
def test_threshold_text(value, unit, text):
    """With its unit, exact, without exponents."""
    assert threshold_text(value, unit) == text


@settings(deadline=None, max_examples=200)
@given(value=st.floats(0, allow_infinity=False, allow_nan=False))
def test_number_text_is_exact(value):
    text = number_text(value)
    assert float(text) == value
    assert re.fullmatch(r"\d+(\.\d+)?", text)


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        pytest.param(LESS, True, False, False, id="<"),
        pytest.param(AT_MOST, True, True, False, id="<="),
        pytest.param(MORE, False, False, True, id=">"),
        pytest.param(AT_LEAST, False, True, True, id=">="),
        pytest.param(EQUAL, False, True, False, id="=="),
        pytest.param(DIFFERENT, True, False, True, id="!="),
    ],
)
def test_check_holds(comparison, below, at, above):
    check = p95(comparison)
    assert [check.comparison.holds(v, check.threshold) for v in (499.9, 500.0, 500.1)] == [
        below,
        at,
        above,
    ]


@pytest.mark.parametrize(
    ("comparison", "worse"),
    [
        pytest.param(LESS, 700.0, id="<: the larger"),
        pytest.param(AT_MOST, 700.0, id="<=: the larger"),
        pytest.param(MORE, 400.0, id=">: the smaller"),
        pytest.param(AT_LEAST, 400.0, id=">=: the smaller"),
        pytest.param(EQUAL, 700.0, id="==: the one further away, by 200 and not 100"),
        pytest.param(DIFFERENT, 400.0, id="!=: the one nearer by"),
    ],
)
def test_worse_of_two_values(comparison, worse):
    better = {400.0: 700.0, 700.0: 400.0}[worse]
    assert p95(comparison).is_worse(worse, better)
    assert not p95(comparison).is_worse(better, worse)
    assert not p95(comparison).is_worse(worse, worse)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/x", ["/x"], ["/X", "/x/", "/xx", "a/x", "", "/x\n"]),
        ("/x*", ["/x", "/xx", "/x/y", "/x\ny"], ["/y", "a/x", ""]),
        ("*", ["", "/x", "a b\n"], []),
        ("/a*b*c", ["/abc", "/aXbYc", "/abbcc"], ["/acb", "/ab", "/abcd"]),
        ("/[id]?", ["/[id]?"], ["/i", "/[id]", "/d?"]),
        ("a.c+(1)|^$", ["a.c+(1)|^$"], ["abc", "a.c", ""]),
    ],
)
def test_name_matches(pattern, matching, others):
    """`*` stands for any text, every other character for itself."""
    selection = Selection(pattern)
    assert [name for name in (*matching, *others) if selection.matches("GET", name)] == matching


@pytest.mark.parametrize(("method", "matches"), [(None, True), ("GET", True), ("POST", False)])
def test_method_matches(method, matches):
    assert Selection("/x", method).matches("GET", "/x") is matches


@pytest.mark.parametrize(
    ("options", "at_end"),
    [
        pytest.param({}, True, id="nothing said"),
        *(pytest.param({"action": a}, not a.stops, id=f"else {a.value}") for a in Action),
        pytest.param({"over": 10.0}, False, id="over"),
        pytest.param({"hold": 5.0}, False, id="for"),
        pytest.param({"after": Start(5.0)}, True, id="after"),
        pytest.param(
            {"no_data": Outcome.FAIL, "min_requests": 5}, True, id="no_data, min_requests"
        ),
    ],
)
def test_judged_at_end(options, at_end):
    """Neither over, for nor an action that stops: once, on the final totals."""
    assert Rule("n", p95(), **options).judged_at_end is at_end


def test_actions_that_stop():
    assert {action for action in Action if action.stops} == {Action.STOP, Action.FINISH}


@pytest.mark.parametrize("value", [Selection("/x"), p95(), Start(), Rule("n", p95())])
def test_values_do_not_change(value):
    """Rules are shared by all parts, so nobody may change one."""
    assert not hasattr(value, "__dict__")
    field = next(iter(value.__slots__))
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, None)
    assert len({value, value}) == 1
