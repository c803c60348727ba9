"""What a person sees: log lines and the final table."""

from __future__ import annotations

import io
import logging
import re

import pytest
from rich.cells import cell_len

from guard.effects.console import Console, print_table
from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.language.rulefile import parse_rules
from guard.terminal import visible

RULES = b"""
rules:
  - fail_ratio < 1%
  - p95 of "POST /checkout/with/a/rather/long/name/[id]" < 500ms over 2s for 2s else stop
  - {name: Search "stays" usable, check: p99 of /search < 2s, over: 2s, no_data: pass}
"""
CHECKOUT = ("POST", "/checkout/with/a/rather/long/name/[id]")


@pytest.fixture
def guard_and_transitions():
    """Slow from the start: pending since 2 s, breached at 3 s."""
    guard = Guard(parse_rules(RULES, "rules.yaml"))
    live = guard.verdict()
    transitions = []
    for second in range(1, 4):
        counts = Counts(10 * second, 0, 9000.0 * second, {900: 10 * second}, 900, 900)
        transitions += guard.tick(
            Snapshot(counts, {CHECKOUT: counts}, vitals=Vitals(users=7)), float(second)
        )
    transitions += guard.finish(Snapshot(counts, {CHECKOUT: counts}), 3.0)
    return guard, live, transitions


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Latin1(io.StringIO):
    encoding = "latin-1"


def test_the_table_fits_into_80_columns_without_colour(guard_and_transitions):
    file = io.StringIO()
    print_table(guard_and_transitions[0].verdict(), file)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    for cell in ("Rule", "Entry", "Reading", "Limit", "State", "Outcome", "900 ms", "< 500 ms"):
        assert cell in text
    assert "breached" in text
    assert re.search(r'Search "stays" +/search +no data +< 2000 ms +ok +pass', text)
    assert re.search(r"usable: p99 over *\n2s", text)
    joined = " ".join(text.split())
    assert "Verdict: fail - p95 of POST /checkout/with/a/rather/long/name/[id] was 900" in joined


def test_the_table_is_coloured_on_a_terminal(guard_and_transitions, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    file = Terminal()
    print_table(guard_and_transitions[0].verdict(), file)
    assert "\x1b[" in file.getvalue()


def test_the_table_is_ascii_where_the_encoding_is_not_utf_8(guard_and_transitions):
    file = Latin1()
    print_table(guard_and_transitions[0].verdict(), file)
    assert file.getvalue().isascii()


def test_one_line_when_guarding_starts_one_a_change_and_the_reason(guard_and_transitions, caplog):
    guard, live, transitions = guard_and_transitions
    console = Console(guard.rules, "rules.yaml")
    caplog.set_level(logging.INFO, logger="guard")
    console.started(guard.verdict())
    console.changed(transitions, live)
    console.stopping("p95 was too high", guard.verdict())
    console.ended(guard.verdict())
    slow = (
        "p95 of POST /checkout/with/a/rather/long/name/[id] was 900 ms over 2 s (20 requests), "
        "must be < 500 ms"
    )
    assert caplog.messages == [
        "guarding by 3 rules from rules.yaml",
        f"pending at 2 s: {slow}",
        f"breached at 3 s: {slow}",
        "stopping the run: p95 was too high",
        f"verdict: fail: {slow}",
    ]


@pytest.fixture
def guard_of_a_crowd():
    """Forty entries, of which thirty fail: the rule on each of them changes thirty times."""
    guard = Guard(parse_rules(b"rules: [fail_ratio of each * < 50% over 1s]", "rules.yaml"))
    entries = {("GET", f"/{n}"): Counts(10, 10 if n >= 10 else 0) for n in range(40)}
    transitions = guard.tick(Snapshot(Counts(400, 300), entries), 1.0)
    return guard, transitions


def test_changes_of_many_entries_of_one_rule_do_not_flood_the_log(guard_of_a_crowd, caplog):
    guard, transitions = guard_of_a_crowd
    caplog.set_level(logging.INFO, logger="guard")
    console = Console(guard.rules, "rules.yaml")
    console.changed(transitions, guard.verdict())
    console.changed(transitions, guard.verdict())
    *changes, last = caplog.messages
    assert [line.split(" was ")[0] for line in changes] == [
        f"breached at 1 s: fail_ratio of GET /{n}" for n in range(10, 30)
    ]
    assert last == "fail_ratio of each * < 50%: no more changes of its entries are logged"


def test_the_table_shows_the_worst_of_many_entries_and_counts_the_others(guard_of_a_crowd):
    guard, _ = guard_of_a_crowd
    guard.finish(Snapshot(Counts(400, 300)), 1.0)
    file = io.StringIO()
    print_table(guard.verdict(), file)
    text = file.getvalue()
    table = text.partition("Verdict:")[0]
    assert table.count("GET /1") == 10
    assert "GET /2" not in table
    assert re.search(r"30 more +20 fail, 10 pass\n.*entries\n", table)


@pytest.fixture
def guard_of_evidence():
    """Of twelve entries /3 is surely sick at once, and the others have the less evidence the higher
    their number."""
    guard = Guard(parse_rules(b"rules: [fail_ratio of each * < 10% surely else stop]", "r.yaml"))
    entries = {("GET", f"/{n}"): Counts(100, 50 if n == 3 else 22 - n) for n in range(12)}
    transitions = guard.tick(Snapshot(Counts(1200, 200), entries), 1.0)
    return guard, transitions


def test_the_table_shows_how_far_evidence_came(guard_of_evidence):
    """Those come first that came the farthest. One that is breached has all of it."""
    file = io.StringIO()
    print_table(guard_of_evidence[0].verdict(), file)
    table = file.getvalue().partition("Verdict:")[0]
    assert re.search(r"GET /3 +50% +< 10% +breached +fail\n", table)
    assert re.search(r"GET /0 +22% +< 10% +ok 27% +pass\n", table)
    assert re.search(r"GET /9 +13% +< 10% +ok 0% +pass\n", table)
    assert table.index("GET /3") < table.index("GET /0") < table.index("GET /9")
    assert "2 more entries" in " ".join(table.split())


def test_what_was_broken_comes_first_also_where_it_only_warns():
    """The last of twelve entries, which passes as all others do."""
    guard = Guard(parse_rules(b"rules: [p95 of each * < 1s over 1s else warn]", "r.yaml"))
    entries = {
        ("GET", f"/{n:02}"): Counts(1, 0, 10.0, {2000 if n == 11 else 10: 1}) for n in range(12)
    }
    guard.tick(Snapshot(Counts(12), entries), 1.0)
    file = io.StringIO()
    print_table(guard.verdict(), file)
    assert file.getvalue().index("GET /11") < file.getvalue().index("GET /00")


def test_lines_of_the_log_tell_the_evidence(guard_of_evidence, caplog):
    guard, transitions = guard_of_evidence
    caplog.set_level(logging.INFO, logger="guard")
    Console(guard.rules, "r.yaml").changed(transitions, guard.verdict())
    assert caplog.messages == [
        "breached at 1 s: fail_ratio of GET /3 was 50% over 1 s (100 requests), must be < 10%, "
        "surely (less than one false stop in 30 days)"
    ]


def test_the_name_of_a_rule_is_not_coloured(guard_of_evidence, monkeypatch):
    """Not even where it begins like an outcome."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    guard = Guard(parse_rules(b"rules: [{name: fail fast, check: fail_ratio < 1%}]", "r.yaml"))
    file = Terminal()
    print_table(guard.verdict(), file)
    assert re.search(r"^fail", file.getvalue(), re.MULTILINE)


def test_a_single_other_entry_is_counted_as_one():
    guard = Guard(parse_rules(b"rules: [fail_ratio of each * < 50% over 1s]", "rules.yaml"))
    entries = {("GET", f"/{n}"): Counts(10, 0) for n in range(11)}
    guard.tick(Snapshot(Counts(110), entries), 1.0)
    guard.finish(Snapshot(Counts(110)), 1.0)
    file = io.StringIO()
    print_table(guard.verdict(), file)
    assert re.search(r"1 more entry +pass\n", file.getvalue())


def test_a_hostile_text_stays_in_its_cell(played, tell, hostile):
    """The table is as wide as ever, begins no command and does nothing to the terminal."""
    file = io.StringIO()
    print_table(tell(played.verdict("p95 of each * < 1ms", "p95 < 1s"), hostile), file)
    lines = file.getvalue().split("\n")
    assert not re.search(r"^\s*::|##\w*\[", file.getvalue(), re.MULTILINE)
    assert all(visible(line) == line for line in lines)
    assert max(map(cell_len, lines)) <= 83


def test_a_table_may_be_a_section_of_the_log(guard_and_transitions, capsys):
    guard, verdict, _ = guard_and_transitions
    Console(guard.rules, "r.yaml", fold=lambda _: ("begin", "end")).closed(verdict, None)
    begin, *_, end = capsys.readouterr().err.splitlines()
    assert (begin, end) == ("begin", "end")
