"""Plain words: each part of a rule shows."""

from __future__ import annotations

import pytest

from guard.engine.metrics import METRICS
from guard.language.options import OPTIONS
from guard.language.rulefile import parse_rules
from guard.language.words import in_words, span
from guard.rule import Action


def words_of(line):
    (rule,) = parse_rules(f"rules: ['{line}']".encode(), "rules.yaml")
    return in_words(rule)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("p95 of POST /checkout < 500ms", "p95 of POST /checkout below 500 ms"),
        ("p99.9 <= 1.5s", "p99.9 of all requests at most 1.5 s"),
        ("avg of /search/* < 2m", "avg of all /search/* together below 2 min"),
        ("max of each GET /a* < 50ms", "max of each GET /a* on its own below 50 ms"),
        (
            'failures("*503*") of /a == 0',
            "failures of /a exactly 0; only failures like *503* count",
        ),
        ("fail_ratio != 0.5%", "fail_ratio of all requests other than 0.5%"),
        ("rps > 50", "rps of all requests above 50/s"),
        ("content_length >= 1.5MB", "content_length of all requests at least 1.5 MB"),
        ("memory < 500B", "memory below 500 B"),
        ("cpu < 90%", "cpu below 90%"),
        ("silence < 1m30s", "silence below 1 min 30 s"),
        ("users >= 1000", "users at least 1000"),
    ],
)
def test_what_must_hold(check, words):
    assert words_of(check).must_hold == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("avg < 1s", "once at the end, on the whole run"),
        ("avg < 1s after ramp-up", "once at the end, on the run since ramp-up"),
        ("avg < 1s else stop", "every second and at the end, on the whole run"),
        ("avg < 1s for 5s after 5s", "every second and at the end, on the run since 5 s after the "
         "start"),
        ("p95 < 1s surely", "every second, by the evidence of the whole run"),
        (
            "p95 < 1s surely after ramp-up",
            "every second, by the evidence of the run since ramp-up",
        ),
        ("avg < 1s over 10s", "every second on the last 10 s, first 10 s after the start"),
        ("avg < 1s over 30s after ramp-up + 10s", "every second on the last 30 s, first 40 s after "
         "ramp-up"),
        ("avg < 1s min_requests 20", "once at the end, on the whole run; needs 20 requests"),
        ("rps > 1 min_requests 1", "once at the end, on the whole run; needs 1 request"),
        ("users > 5", "every second"),
        ("users > 5 after ramp-up + 10s", "every second from 10 s after ramp-up on"),
    ],
)  # fmt: skip
def test_when_it_is_judged_and_on_what(line, words):
    assert words_of(line).judged == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("avg < 1s", "the run fails"),
        ("avg < 1s for 5s else stop", "broken for 5 s: stops the run, which fails"),
        ("avg < 1s else finish", "stops the run, which passes"),
        ("avg < 1s else warn", "only a warning"),
        ("avg < 1s no_data pass else void", "the run is inconclusive; passes without data"),
        ("avg < 1s no_data fail", "the run fails; fails without data"),
    ],
)
def test_what_a_breach_does(line, words):
    assert words_of(line).if_not == words


WITH_OPTION = {
    "over": "over 10s",
    "for": "for 5s",
    "surely": "surely",
    "after": "after ramp-up",
    "min_requests": "min_requests 50",
    "no_data": "no_data pass",
    "else": "else warn",
}


@pytest.mark.parametrize("word", OPTIONS)
def test_every_option_shows(word):
    """Add a new option here, and its words to the module."""
    assert words_of(f"fail_ratio < 1% {WITH_OPTION[word]}") != words_of("fail_ratio < 1%")


@pytest.mark.parametrize("action", Action)
def test_every_action_has_words_of_its_own(action):
    words = [words_of(f"avg < 1s else {other.value}").if_not for other in Action]
    assert words.count(words_of(f"avg < 1s else {action.value}").if_not) == 1


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_put_into_words(name):
    limit = "1s" if METRICS[name].unit.value in ("ms", "s") else "1"
    assert words_of(f"{name} < {limit}").must_hold.startswith(name)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "500 ms"),
        (10, "10 s"),
        (90, "1 min 30 s"),
        (7200, "2 h"),
        (60, "1 min"),
        (90.5, "1 min 30.5 s"),
        (60.5, "1 min 500 ms"),
    ],
)
def test_spans_of_time(seconds, text):
    assert span(float(seconds)) == text
