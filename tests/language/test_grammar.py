"""The one-line form: what each line says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.language.grammar import parse
from guard.rule import Action, Selection, Start


def read(line):
    check, options, complaints = parse(line)
    assert complaints == []
    assert check is not None
    return check, options


@pytest.mark.parametrize(
    ("pattern", "selection"),
    [
        pytest.param("/x", Selection("/x"), id="a bare name: all methods"),
        pytest.param("GET /x", Selection("/x", "GET"), id="a bare method and name"),
        pytest.param('"GET /x"', Selection("/x", "GET"), id="quoted method and name"),
        pytest.param("'GET /x'", Selection("/x", "GET"), id="single quotes"),
        pytest.param("GET", Selection("GET"), id="an upper-case word alone is a name"),
        pytest.param('"get /x"', Selection("get /x"), id="a lower-case first word is no method"),
        pytest.param('"a b c"', Selection("a b c"), id="a name with spaces"),
        pytest.param(r'"say \"hi\""', Selection('say "hi"'), id="escaped quotes"),
        pytest.param("/a?b=c&d[]=e", Selection("/a?b=c&d[]=e"), id="characters of a URL"),
        pytest.param('"a < b"', Selection("a < b"), id="a comparison in quotes is text"),
        pytest.param("over", Selection("over"), id="a keyword as a name"),
        pytest.param("/日本/*", Selection("/日本/*"), id="unicode and a wildcard"),
    ],
)
def test_patterns(pattern, selection):
    check, _ = read(f"p95 of {pattern} < 1s")
    assert check.selection == selection


@pytest.mark.parametrize(
    ("pattern", "method", "name", "matches"),
    [
        ("/x", "GET", "/x", True),
        ("/x", "POST", "/x", True),
        ("GET /x", "GET", "/x", True),
        ("GET /x", "POST", "/x", False),
        ("/x", "GET", "/x/y", False),
        ("/x/*", "GET", "/x/y/z", True),
        ("/x/*", "GET", "/x", False),
        ("*", "GET", "anything", True),
        ('"GET *"', "GET", "anything", True),
        ('"GET *"', "PUT", "anything", False),
        ("/[id]", "GET", "/[id]", True),
        ("/[id]", "GET", "/i", False),
        ("/a?", "GET", "/ab", False),
        ("/a.c", "GET", "/abc", False),
        ('"*"', "GET", "two\nlines", True),
        pytest.param('"FAQ page"', "GET", "FAQ page", True, id="a name whose first word shouts"),
        pytest.param('"GET /x"', "RPC", "GET /x", True, id="a name that holds a method"),
        pytest.param('"grpc /svc"', "grpc", "/svc", True, id="a method in lower case"),
        pytest.param('"grpc /svc"', "http", "/svc", False, id="another method"),
        ("/a*a", "GET", "/a", False),
        ("/a*b*c", "GET", "/abc", True),
        ("/a*b*c", "GET", "/a-c-b", False),
        ("/a*b*b", "GET", "/ab", False),
        ("/**/x", "GET", "/y/x", True),
        pytest.param("*a" * 30 + "b", "GET", "a" * 5000, False, id="many stars, in linear time"),
    ],
)
def test_what_patterns_match(pattern, method, name, matches):
    """``*`` is the only wildcard; ``[``, ``]``, ``?`` and ``.`` stand for themselves."""
    check, _ = read(f"p95 of {pattern} < 1s")
    assert check.selection.matches(method, name) is matches


@pytest.mark.parametrize(
    ("start", "value"),
    [
        ("10s", Start(10)),
        ("ramp-up", Start(ramp_up=True)),
        ("ramp-up + 10s", Start(10, ramp_up=True)),
        ("ramp-up+1m", Start(60, ramp_up=True)),
        ("0s", Start()),
    ],
)
def test_starts(start, value):
    assert read(f"p95 < 1s after {start} over 5s")[1].after == value


def test_options_in_any_order():
    options = read("p95 < 1s else warn for 5s after 2s over 1m")[1]
    assert (options.over, options.hold, options.after, options.action) == (
        60,
        5,
        Start(2),
        Action.WARN,
    )


@pytest.mark.parametrize("line", ["p95<500ms", "p95 <500", "  p95  <  500ms  ", "p95< 0.5s"])
def test_spaces_do_not_matter(line):
    assert str(read(line)[0]) == "p95 < 500ms"


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(p95|rps)( of .{0,9})? ?[<>=]{1,2} ?\S{0,6}.{0,20}"))
def test_any_text_is_a_rule_or_gives_complaints_inside_it(text):
    check, _, complaints = parse(text)
    assert complaints or check is not None
    for complaint in complaints:
        assert 0 <= complaint.start <= (complaint.end or len(text)) <= len(text)
        assert "\n" not in complaint.message
