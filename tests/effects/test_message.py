"""What a message says, and that nothing in a name or a text can change how it reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.effects.about import About
from guard.effects.message import LONGEST, Message, of_changes, of_stop, of_verdict, plain
from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.language.rulefile import parse_rules
from guard.rule import Outcome
from guard.terminal import visible

RULES = b"""
rules:
  - p95 of "POST /checkout" < 500ms over 2s for 2s else stop
  - fail_ratio < 1% over 2s
"""
CHECKOUT = ("POST", "/checkout")
ABOUT = About(
    title="shop.py",
    host="https://shop.example",
    rules_file="rules.yaml",
    started="2026-01-01T12:00:00+00:00",
    guard_version="0",
    locust_version="0",
    link="https://ci.example/job/1",
)


def a_run(entry=CHECKOUT, text="503"):
    """Slow from the fourth second on: pending since 4 s, breached at 5 s; a tenth fails."""
    guard, transitions = Guard(parse_rules(RULES, "rules.yaml")), []
    for second in range(1, 6):
        n, slow = 10 * second, 10 * max(second - 3, 0)
        times = {50: n - slow, 900: slow} if slow else {50: n}
        counts = Counts(n, second, sum(ms * k for ms, k in times.items()), times, 900, 50)
        failures = {(CHECKOUT, text): second, (entry, text): second}
        snapshot = Snapshot(
            counts, {CHECKOUT: counts}, vitals=Vitals(users=7), failures=lambda f=failures: f
        )
        transitions += guard.tick(snapshot, float(second))
    return guard, transitions


@pytest.fixture(scope="module")
def run():
    return a_run()


def test_a_stop(run):
    guard, _ = run
    message = of_stop(guard.stop.reason, guard.verdict(), ABOUT)
    assert (message.title, message.outcome) == ("stopping shop.py", Outcome.FAIL)
    assert message.as_text() == (
        "p95 of POST /checkout was 900 ms over 2 s (20 requests), must be < 500 ms\n"
        "Outcome: fail\n"
        "Host: https://shop.example\n"
        "More: https://ci.example/job/1\n"
        "Test began: 2026-01-01T12:00:00+00:00\n"
        "When: pending since 3 s, breached at 5 s\n"
        "Worst: 900 ms\n"
        "Load then: 7 users, 10 requests/s\n"
        "Last held: at 3 s, 7 users, 10 requests/s\n"
        "Failed most: POST /checkout (5)\n"
        "Failures: 503 (5)\n"
        "Also breached: fail_ratio < 1%"
    )


def test_a_verdict(run):
    guard, _ = run
    message = of_verdict(guard.verdict(), ABOUT)
    assert message.title == "fail: shop.py"
    assert "Took: 5 s, stopped by the guard at 5 s\n" in message.as_text()


def test_a_verdict_on_a_good_run():
    verdict = Guard(parse_rules(RULES, "rules.yaml")).verdict()
    text = of_verdict(verdict, ABOUT).as_text()
    assert "Took: 0 s\n" in text
    assert "breached" not in text


def test_changes(run):
    guard, transitions = run
    breaches = [change for change in transitions if change.is_breach]
    message = of_changes(breaches, guard.verdict(), ABOUT)
    assert message.title == "2 breached: shop.py"
    first, second, *_ = message.as_text().splitlines()
    assert first.startswith("breached at 2 s: fail_ratio was")
    assert second.startswith("breached at 5 s: p95 of POST /checkout was")
    (title,) = {of_changes(breaches[:1], guard.verdict(), ABOUT).title}
    assert title == "breached: shop.py"


def test_many_changes_are_counted(run):
    guard, transitions = run
    changes = [transitions[-1]] * 500
    text = of_changes(changes, guard.verdict(), ABOUT).as_text()
    assert "\nand 495 more\n" in text
    assert len(text) < 2000


def test_a_long_name_leaves_room_for_others():
    guard, _ = a_run(entry=("GET", "/" + "x" * 10_000))
    lines = dict(of_stop("", guard.verdict(), ABOUT).lines)
    assert re.fullmatch(r"POST /checkout \(2\), GET /x+…x+ \(2\)", lines["Failed most"])
    assert len(lines["Failed most"]) < 150


def test_a_link_is_left_as_it_is_in_markdown():
    about = replace(ABOUT, link="https://ci.example/my_project/_build?id=1")
    guard, _ = a_run()
    message = of_stop(guard.stop.reason, guard.verdict(), about)
    assert "\n\n**More**: https://ci.example/my_project/_build?id=1\n\n" in message.as_markdown()
    assert "\nMore: https://ci.example/my_project/_build?id=1\n" in message.as_text()


def test_a_link_holds_no_markup():
    about = replace(ABOUT, link="https://ci.example/*a* [b](c)")
    message = of_verdict(Guard(parse_rules(RULES, "rules.yaml")).verdict(), about)
    assert "**More**: https://ci.example/%2Aa%2A%20%5Bb%5D%28c%29" in message.as_markdown()


def test_a_title_holds_no_markup():
    about = replace(ABOUT, title="*a*_b")
    message = of_verdict(Guard(parse_rules(RULES, "rules.yaml")).verdict(), about)
    assert message.title_as_markdown == r"inconclusive: \*a\*\_b"


def test_each_change_says_whether_the_final_totals_made_it():
    guard = Guard(parse_rules(b"rules: [p95 < 500ms over 1s, p95 < 600ms]", "rules.yaml"))
    seen = Snapshot(Counts(10, 0, 9000.0, {900: 10}, 900, 900), {}, vitals=Vitals(users=7))
    changes = [*guard.tick(seen, 1.0), *guard.finish(seen, 2.0)]
    live, totals, *_ = of_changes(changes, guard.verdict(), ABOUT).as_text().split("\n")
    assert live.startswith("breached at 1 s: p95 was 900 ms over 1 s")
    assert totals.startswith("breached by the final totals: p95 was 900 ms over the run")


HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="HTML"),
    pytest.param("*b* _i_ `c` [x](http://evil.example) ![](http://evil.example/x.png)", id="md"),
    pytest.param("\x1b[31mred\x1b[0m\x07", id="ANSI"),
    pytest.param("a\nOutcome: pass\r\nb", id="newlines"),
    pytest.param("@channel @here <!channel> <@U123> @everyone", id="mentions"),
    pytest.param("@**all** @*all* <at user_id='all'></at> <!here>", id="more mentions"),
    pytest.param("👩‍👩‍👧 ✅", id="emoji"),
    pytest.param("\u202e\u200b\ufeffgnp.exe", id="what can't be seen"),
    pytest.param("x" * 10_000, id="10,000 characters"),
    pytest.param("]]>", id="CDATA"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_on_their_line(text):
    guard, _ = a_run(entry=("GET", text), text=text)
    message = of_stop(guard.stop.reason, guard.verdict(), ABOUT)
    assert len(message.as_text().splitlines()) == 12
    assert len(message.as_text()) < 1200
    assert_harmless(message.as_text())


def assert_harmless(text):
    seen = text.replace("\u200b", "")  # what comes after an @ and before a tag
    assert all(visible(line) == line for line in seen.split("\n"))
    assert not set("\x1b\x07\r\u202e\ufeff") & set(seen)
    assert not re.search(r"<[\w!@/#]", text), "nothing is a tag"
    assert not re.search(r"(?<!\w)@[^\s\u200b…]", text), "nobody is mentioned"


@given(st.text(max_size=400))
@example("@" * 300)
@example("\u200d" * 10)
@settings(deadline=None)
def test_whatever_a_text_is_it_is_one_plain_line(text):
    line = plain(text)
    assert "\n" not in line
    assert len(line) <= LONGEST
    assert_harmless(line)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80))
@example("1. one")
@example("1) one")
@example("- [x] `c` # *b* <b> ~~~ ```")
@example("=== --- ***")
@settings(deadline=None)
def test_nothing_in_markdown_is_marked_up_but_labels(text):
    from apprise.conversion import convert_between

    line = plain(text) or "x"
    html = convert_between(
        "markdown", "html", Message("t", Outcome.PASS, [("", line)]).as_markdown()
    )
    assert set(re.findall(r"<(\w+)", html)) <= {"p", "br", "a"}
