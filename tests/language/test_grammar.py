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


@pytest.mark.parametrize(
    ("line", "at", "message"),
    [
        ("time(1s500ms,30s)", "time", "unknown metric 'time'; did you mean 'avg'?"),
        ("http(5xx,10%,5s)", "http", "unknown metric 'http'; did you mean 'fail_ratio'?"),
        (
            "http_req_failed: rate<0.01",
            "http_req_failed:",
            "unknown metric 'http_req_failed'; did you mean 'fail_ratio'?",
        ),
        ("fail rate < 1%", "fail", "unknown metric 'fail'; did you mean 'fail_ratio'?"),
        ("p95 < 500ms stop", "stop", "unexpected 'stop'; did you mean 'else stop'?"),
        ("p95 < 500ms, stop as failed", "stop", "unexpected 'stop'; did you mean 'else stop'?"),
        ("p95 < 1s or stop", "or", "unexpected 'or'; did you mean 'else stop'?"),
        ("p95 < 1s then Stop", "then", "unexpected 'then'; did you mean 'else stop'?"),
        ("p95 of get /a < 1s", "/a", "unexpected '/a'; write the method in capitals, GET /a"),
        ("p95 of each get /a < 1s", "/a", "unexpected '/a'; write the method in capitals, GET /a"),
        (
            "p95 of /x over 10s < 5s",
            "over",
            "unexpected 'over'; the comparison and the threshold come before the options",
        ),
        ("p95 below 500ms", "below", "unexpected 'below'; did you mean '<'?"),
        ("p95 < 1 second", "second", "unexpected 'second'; write 1s"),
        ("p95 < 500 milliseconds", "milliseconds", "unexpected 'milliseconds'; write 500ms"),
        ("p95 < 1s over 5 minutes", "minutes", "unexpected 'minutes'; write 5m"),
        ("fail_ratio < 10 percent", "percent", "unexpected 'percent'; write 10%"),
        (
            "fail_ratio < 10percent",
            "10percent",
            "fail_ratio is a ratio, '10percent' is not; write 10%",
        ),
        ("p95 < 500msec", "500msec", "p95 is a time, '500msec' is not; write 500ms"),
        ("p95 < 1s over 10sec", "10sec", "'10sec' is not a time; write 10s"),
        ("p95 < 1s after ramp_up", "ramp_up", "unknown start 'ramp_up'; did you mean 'ramp-up'?"),
        ("p95 < 1s after warmup", "warmup", "unknown start 'warmup'; did you mean 'ramp-up'?"),
        ("p95 < 1s after Ramp-Up", "Ramp-Up", "unknown start 'Ramp-Up'; did you mean 'ramp-up'?"),
        ("p95 < 1s after warm up", "up", "unexpected 'up'; write ramp-up, in one word"),
        ("p95 < 1s else STOP", "STOP", "unknown action 'STOP'; did you mean 'stop'?"),
        ("p95 < 1s every 10s", "every", "unexpected 'every'; did you mean 'over'?"),
        ("p95 < 1s within 10s", "within", "unexpected 'within'; did you mean 'over'?"),
        ("p95 < 1s during 10s", "during", "unexpected 'during'; did you mean 'over'?"),
        ("p95 < 1s in 10s", "in", "unexpected 'in'; did you mean 'over'?"),
        ("p95 of “GET /x” < 1s", "“", "'“' is no quote here; write a straight one"),
        ("p95 of “/x” < 1s", "“/x”", "'“' is no quote here; write a straight one"),
        ("failures(“*503*”) == 0", "(“*503*”)", "'“' is no quote here; write a straight one"),
        ("“p95 < 500ms”", "“p95", "'“' is no quote here; write a straight one"),
        ("p95 ≤ 500ms", "≤", "'≤' is no comparison here; write <="),
        ("p95≤500ms", "≤", "'≤' is no comparison here; write <="),
        ("rps ≥ 50", "≥", "'≥' is no comparison here; write >="),
        ("rps ≠ 50", "≠", "'≠' is no comparison here; write !="),
        (
            "\u044095 < 500ms",
            "\u044095",
            "unknown metric '\u044095'; its '\u0440' (U+0440) only looks Latin; type p95 anew",
        ),
        ("p95 < 1s min_requests 20.0", "20.0", "'20.0' is not a whole number; write e.g. 20"),
        (
            "p95 < 1s min_requests -1",
            "-1",
            "a number of requests can't be negative, '-1' is; write e.g. 50",
        ),
        (
            "avg(response_time_ms) < 300",
            "(response_time_ms)",
            "avg takes no failure text; only failures, fail_ratio or fail_per_sec do; write "
            "just avg",
        ),
        (
            "avg of Aggregated < 1s",
            "Aggregated",
            "Aggregated is what Locust calls all requests together; leave 'of' out",
        ),
        (
            "p95 < 1s -p99 < 2s",
            "-p99",
            "unexpected '-p99'; each rule begins with '- ', the dash and a space",
        ),
    ],
)
def test_what_is_said_of_a_common_slip(line, at, message):
    """What to write instead comes first, at the place of the slip; lists of words may follow."""
    _, _, (complaint, *_) = parse(line)
    assert line[complaint.start : complaint.end] == at
    assert complaint.message.startswith(message)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('p95 of "say “hi” ≤ 5" < 1s', id="their characters in quotes"),
        pytest.param("p95 of /caf\u2019 < 1s", id="within a name"),
        pytest.param("avg of GET Aggregated < 1s", id="a request that is called Aggregated"),
        pytest.param('p95 of "“x”" < 1s', id="a name that begins with one"),
        pytest.param("p95 of get < 1s", id="a name like a method"),
    ],
)
def test_what_is_no_slip(line):
    read(line)


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(p95|rps)( of .{0,9})? ?[<>=]{1,2} ?\S{0,6}.{0,20}"))
def test_any_text_is_a_rule_or_gives_complaints_inside_it(text):
    check, _, complaints = parse(text)
    assert complaints or check is not None
    for complaint in complaints:
        assert 0 <= complaint.start <= (complaint.end or len(text)) <= len(text)
        assert "\n" not in complaint.message
