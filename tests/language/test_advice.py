"""Warnings: what each says, and what it leaves alone."""

from __future__ import annotations

import re
from inspect import getdoc

import pytest

from guard.language.advice import ADVICE, advise
from guard.language.names import RequestName
from guard.language.rulefile import parse_rules

EXAMPLE = re.compile(
    r"^(?P<kind>Warns|Fine): (?P<line>.*?)(?: +\((?P<word>beside|with) (?P<rest>.*)\))?$", re.M
)


def rules_of(*lines):
    listed = "".join(f"  - '{line}'\n" for line in lines)
    return parse_rules(f"rules:\n{listed}".encode(), "rules.yaml")


def warnings_of(*lines, names=None):
    return advise(rules_of(*lines), names)


def names_of(*lines, names=None):
    """The names of the warnings about the last of the rules."""
    return [w.name for w in warnings_of(*lines, names=names) if w.rule.place.line == 1 + len(lines)]


DOCUMENTED = [
    pytest.param(name, example, id=f"{name}: {example[0].strip()}")
    for name, warning in ADVICE.items()
    for example in EXAMPLE.finditer(getdoc(warning))
]


@pytest.mark.parametrize(("name", "example"), DOCUMENTED)
def test_the_examples_of_the_documentation(name, example):
    """Each docstring shows what triggers the warning and what does not."""
    beside = [example["rest"]] if example["word"] == "beside" else []
    method_and_name = example["rest"].split() if example["word"] == "with" else None
    names = method_and_name and [RequestName(method_and_name[1], method_and_name[0])]
    warned = name in names_of(*beside, example["line"], names=names)
    assert warned == (example["kind"] == "Warns")


def test_every_warning_is_documented_with_both_kinds_of_example():
    for warning in ADVICE.values():
        kinds = {example["kind"] for example in EXAMPLE.finditer(getdoc(warning))}
        assert kinds == {"Warns", "Fine"}


MESSAGES = {
    "early-stop": (
        ["fail_ratio < 1% else finish"],
        "the first few requests can finish the run; add 'surely after ramp-up', a window such as "
        "'over 30s', 'min_requests 100' or 'after ramp-up'",
    ),
    "few-requests": (
        ["p99.9 < 1s over 10s"],
        "p99.9 of fewer than 1000 requests is just the slowest of them; write 'min_requests 1000' "
        "or more",
    ),
    "short-window": (
        ["fail_ratio < 1% over 5500ms"],
        "'over 5s500ms' is widened to 6s on a master, whose workers report every 3s; write "
        "'over 6s' or more",
    ),
    "rounding": (
        ["p95 < 505ms"],
        "Locust rounds such a p95 to 10ms, so 505ms is the same limit as '< 510ms' or '<= 500ms'; "
        "write that",
    ),
    "redundant": (
        ["p99 < 500ms", "p95 < 500ms"],
        "it says nothing more than 'p99 < 500ms' in line 2; remove it",
    ),
    "hardly-broken": (
        ["fail_ratio < 1"],
        "1 is 100%, so the check holds unless every request fails; did you mean '< 1%'?",
    ),
    "direction": (
        ["fail_ratio of /a > 5% over 9s"],
        "a rule says what must hold, so this one is broken when fail_ratio is low; did you mean "
        "'fail_ratio of /a <= 5%'?",
    ),
    "exact-text": (
        ["failures(503) == 0"],
        'only failures whose whole text is "503" count; write "*503*" for all that have it in '
        "their text",
    ),
    "no-such-request": (
        ["avg of POST /chekout < 1s"],
        "no request is named 'POST /chekout'; did you mean 'POST /checkout'?",
    ),
}


@pytest.mark.parametrize("name", ADVICE)
def test_what_each_warning_says(name):
    lines, message = MESSAGES[name]
    names = [RequestName("/checkout", "POST"), RequestName("/a", "GET")]
    (warned,) = warnings_of(*lines, names=names)
    assert (warned.name, warned.message) == (name, message)
    assert (warned.place.line, warned.place.column) == (1 + len(lines), 5)


@pytest.mark.parametrize(
    ("line", "warns"),
    [
        pytest.param("p95 < 1s min_requests 20 else stop", False, id="min_requests"),
        pytest.param("avg < 1s after 10s else stop", False, id="after a time"),
        pytest.param("avg < 1s else fail", False, id="an action that does not stop"),
        pytest.param("avg < 1s for 10s else stop", True, id="a hold time, for a bad start stays"),
        pytest.param("max < 10s else stop", False, id="max can only grow"),
        pytest.param("max > 1ms else stop", True, id="max from below starts low"),
        pytest.param("min > 1ms else stop", False, id="min can only shrink"),
        pytest.param("min < 1s else stop", True, id="min from above starts high"),
        pytest.param("failures == 0 else stop", False, id="a count that must stay zero"),
        pytest.param("requests < 10000 else finish", False, id="a count that ends the run"),
        pytest.param("requests > 100 else stop", True, id="a count that begins too low"),
        pytest.param("rps > 50 min_requests 1 else stop", True, id="one request is no protection"),
        pytest.param("users > 5 else stop", False, id="a metric of the run"),
    ],
)
def test_what_lets_the_first_requests_stop_a_run(line, warns):
    assert ("early-stop" in names_of(line)) == warns


@pytest.mark.parametrize("line", ["rps > 50 else stop", "fail_ratio != 0 else stop"])
def test_surely_is_not_offered_where_it_would_be_refused(line):
    (warned,) = warnings_of(line)
    assert "add a window such as" in warned.message


@pytest.mark.parametrize(
    ("metric", "needed"),
    [
        ("p50", 2),
        ("median", 2),
        ("p90", 10),
        ("p95", 20),
        ("p97", 34),
        ("p99", 100),
        ("p99.9", 1000),
        ("p99.99", 10000),
        ("p5", 20),
        ("p0.1", 1000),
    ],
)
def test_how_many_requests_a_percentile_needs(metric, needed):
    assert "few-requests" not in names_of(f"{metric} < 1s over 10s min_requests {needed}")
    (warned,) = warnings_of(f"{metric} < 1s over 10s min_requests {needed - 1 or 1}")
    assert f"fewer than {needed} requests" in warned.message


@pytest.mark.parametrize(
    ("line", "warns"),
    [
        pytest.param("p95 < 1s", False, id="judged at the end"),
        pytest.param("p95 < 1s min_requests 5", True, id="judged at the end, but asking for few"),
        pytest.param("p95 < 1s for 5s", True, id="held"),
        pytest.param("p95 < 1s after 5s else stop", True, id="stopping"),
        pytest.param("p100 < 1s over 10s", False, id="the slowest one is what is asked for"),
        pytest.param("p0 > 1ms over 10s", False, id="the fastest one is what is asked for"),
        pytest.param("max < 1s over 10s", False, id="no percentile"),
    ],
)
def test_which_percentiles_are_of_few_requests(line, warns):
    assert ("few-requests" in names_of(line)) == warns


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("p95 < 99.5ms", "to 1ms, so 99.5ms is the same limit as '< 100ms' or '<= 99ms'"),
        ("p95 < 101ms", "to 10ms, so 101ms is the same limit as '< 110ms' or '<= 100ms'"),
        ("p95 < 995ms", "to 10ms, so 995ms is the same limit as '< 1s' or '<= 990ms'"),
        ("p95 <= 1550ms", "to 100ms, so 1550ms is the same limit as '< 1600ms' or '<= 1500ms'"),
        ("p95 >= 10500ms", "to 1s, so 10500ms is the same limit as '> 10s' or '>= 11s"),
        ("p95 == 505ms", "to 10ms, so it is never 505ms; write 500ms or 510ms"),
        ("median < 0.5ms", "to 1ms, so 0.5ms is the same limit as '< 1ms' or '<= 0ms'"),
        ("max < 505ms after 5s", "to 10ms"),
        ("min > 505ms over 9s", "to 10ms"),
        ("p95 < 99ms", None),
        ("p95 < 100ms", None),
        ("p95 < 990ms", None),
        ("p95 < 1s", None),
        ("p95 < 11s", None),
        ("max < 505ms", None),
        ("avg < 505.5ms over 9s", None),
        ("fail_ratio < 1.23%", None),
        ("silence < 505ms", None),
    ],
)
def test_what_rounding_can_tell_apart(check, says):
    said = [w.message for w in warnings_of(check) if w.name == "rounding"]
    assert bool(said) == (says is not None)
    assert says is None or says in said[0]


def test_the_rounding_is_locusts():
    """A threshold is off the grid where Locust rounds it away."""
    from locust.stats import RequestStats  # late, because of what Locust patches

    for threshold in [*range(1, 1200), *range(1200, 30_000, 50)]:
        stats = RequestStats()
        stats.log_request("GET", "/", threshold, 0)
        warned = "rounding" in names_of(f"p95 < {threshold}ms")
        assert warned == (threshold not in stats.total.response_times)


@pytest.mark.parametrize(
    ("strong", "weak"),
    [
        pytest.param("avg < 1s", "avg <= 1s", id="strict beside at most"),
        pytest.param("rps > 50", "rps >= 50", id="strict beside at least"),
        pytest.param("rps > 60", "rps > 50", id="a higher lower limit"),
        pytest.param("p50 < 1s", "median < 1s for 5s", id="the median by its other name"),
        pytest.param("max < 1s", "p99 < 1s", id="the slowest bounds every percentile"),
        pytest.param("min > 1ms", "p5 > 1ms", id="the fastest bounds every percentile from below"),
        pytest.param(
            "p99 < 1s over 9s min_requests 100 else stop",
            "p95 < 1s over 9s for 5s min_requests 100",
            id="stopping at once beside failing later",
        ),
        pytest.param("failures(a) of x < 5", "failures(a) of x < 6", id="the same failures"),
        pytest.param("users >= 50", "users > 40", id="a metric of the run"),
        pytest.param("failures == 0", "failures == 0 for 5s", id="the same value"),
    ],
)
def test_a_weaker_rule_is_redundant_and_only_it(strong, weak):
    for lines in ([strong, weak], [weak, strong]):
        (warned,) = [w for w in warnings_of(*lines) if w.name == "redundant"]
        assert warned.rule.place.line == 2 + lines.index(weak)
        assert f"in line {2 + lines.index(strong)}" in warned.message


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(("avg <= 1s", "avg < 1s else warn"), id="other actions"),
        pytest.param(("avg < 1s over 9s", "avg < 2s"), id="other windows"),
        pytest.param(("avg < 1s after 5s", "avg < 2s"), id="other starts"),
        pytest.param(("avg of a < 1s", "avg < 2s"), id="other requests"),
        pytest.param(("avg of each a* < 1s", "avg of a* < 2s"), id="each and together"),
        pytest.param(("failures(a) < 1", "failures < 2"), id="other failures"),
        pytest.param(("avg < 1s for 9s", "avg < 2s for 5s"), id="held longer"),
        pytest.param(("avg < 1s no_data pass", "avg < 2s"), id="other outcomes without data"),
        pytest.param(("avg < 1s min_requests 5", "avg < 2s"), id="other numbers of requests"),
        pytest.param(("p95 < 1s", "p99 < 2s"), id="a lower percentile says nothing of a higher"),
        pytest.param(("p95 > 1ms", "p99 > 2ms"), id="and the other way round from below"),
        pytest.param(("avg < 1s", "avg > 1ms"), id="two sides of a range"),
        pytest.param(("avg < 1s", "median < 2s"), id="other metrics"),
        pytest.param(("avg < 1s else finish", "avg < 2s else stop"), id="finish is not stop"),
    ],
)
def test_rules_that_both_say_something(pair):
    assert "redundant" not in [w.name for w in warnings_of(*pair)]


def test_of_two_rules_that_say_the_same_the_second_is_redundant():
    content = b"rules:\n  - {check: p95 < 1s, name: one}\n  - {check: p95 < 1s, name: two}\n"
    (warned,) = advise(parse_rules(content, "rules.yaml"))
    assert warned.rule.name == "two"
    assert warned.message == "it says nothing more than 'one' in line 2; remove it"


def test_without_names_every_request_may_be_there():
    assert warnings_of("avg of /nowhere < 1s") == []


@pytest.mark.parametrize(
    ("line", "warns"),
    [
        pytest.param("p95 >= 0", True, id="a time is never below zero"),
        pytest.param("failures >= 0", True, id="nor is a count"),
        pytest.param("cpu >= 0%", True, id="nor is a metric of the run"),
        pytest.param("fail_ratio < 100%", True, id="a ratio of all requests"),
        pytest.param("fail_ratio < 99%", False, id="a ratio of nearly all requests"),
        pytest.param("fail_ratio == 100%", False, id="requests that must all fail"),
        pytest.param("cpu <= 100%", False, id="threads take more than a core"),
        pytest.param("failures < 1", False, id="a count of one"),
        pytest.param("failures == 0", False, id="a count that must stay zero"),
    ],
)
def test_which_checks_are_hardly_broken(line, warns):
    assert ("hardly-broken" in names_of(line)) == warns


@pytest.mark.parametrize(
    "metric",
    [
        "fail_ratio",
        "failures",
        "fail_per_sec",
        "avg",
        "median",
        "max",
        "p95",
        "p99.9",
        "cpu",
        "memory",
        "exceptions",
        "lost_workers",
        "silence",
    ],
)
def test_what_is_worse_the_more_there_is(metric):
    limit = {"silence": "1s", "memory": "1GB", "fail_ratio": "1%", "cpu": "1%"}.get(metric, "1")
    assert "direction" in names_of(f"{metric} > {limit}")
    assert "direction" in names_of(f"{metric} >= {limit} else stop")
    assert "direction" not in names_of(f"{metric} < {limit}")
    assert "direction" not in names_of(f"{metric} > {limit} else finish")
    assert "direction" not in names_of(f"{metric} > {limit} else warn")


@pytest.mark.parametrize(
    "check", ["rps > 50", "requests > 5", "users >= 5", "workers >= 2", "min > 5", "failures > 0"]
)
def test_what_may_have_a_lower_limit(check):
    assert "direction" not in names_of(check)
