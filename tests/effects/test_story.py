"""What people are told of a run that is over."""

from __future__ import annotations

import io

import pytest

from guard.effects.story import margin_text, print_changes, print_margins, print_stop
from guard.engine.counts import Counts
from guard.engine.guard import Stop
from guard.engine.snapshot import Snapshot
from guard.language.rulefile import parse_rules
from guard.playback import play


def played(rule, *responses_ms, entries=1):
    """Seconds of ten requests each, all as slow as is said."""

    def second(number, ms):
        counts = Counts(10, 0, 10.0 * ms, {ms: 10}, ms, ms, epoch=number)
        return float(number), Snapshot(counts, {("GET", f"/{n}"): counts for n in range(entries)})

    rules = parse_rules(f"rules:\n  - {rule}\n".encode(), "rules.yaml")
    seconds = [second(number, ms) for number, ms in enumerate(responses_ms, start=1)]
    return play(rules, seconds, past_stop=True)


@pytest.mark.parametrize(
    ("rule", "ms", "said"),
    [
        ("max < 500ms", 950, "90% beyond"),
        ("max < 500ms", 440, "12% left"),
        ("max < 500ms", 499, "<1% left"),
        ("max < 500ms", 500, "at it"),
        ("max <= 500ms", 500, "0% left"),
        ("min > 500ms", 250, "50% beyond"),
        ("min > 500ms", 750, "50% left"),
        ("failures < 10", 1, "100% left"),
        ("failures <= 0", 1, ""),
        ("max == 500ms", 1, ""),
        ("p95 of /nowhere < 1s", 1, ""),
    ],
)
def test_how_far_from_the_limit(rule, ms, said):
    (result,) = played(rule, ms).verdict.rules
    assert margin_text(result) == said


def test_changes_are_told_in_their_order():
    story = played("max < 500ms over 1s for 2s", 100, 900, 900, 100)
    out = io.StringIO()
    print_changes(story.transitions, out)
    assert [line.split(":")[0] for line in out.getvalue().splitlines() if " at " in line] == [
        "pending at 2 s", "breached at 3 s", "recovered at 4 s",
    ]  # fmt: skip


def test_what_only_the_totals_tell_is_said_so():
    out = io.StringIO()
    print_changes(played("max < 500ms", 100, 900).transitions, out)
    assert out.getvalue().startswith("breached by the final totals: max was 900 ms")


def test_of_many_changes_some_are_told():
    out = io.StringIO()
    print_changes(played("max of each * < 1ms over 1s", 900, entries=30).transitions, out)
    assert out.getvalue().count("breached at 1 s") == 20
    assert out.getvalue().endswith("max of each * < 1ms: 10 more changes are not listed\n")


def test_of_many_entries_the_nearest_to_their_limit_have_a_line():
    out = io.StringIO()
    print_margins(played("max of each * < 1ms", 900, entries=30).verdict.rules, out)
    assert out.getvalue().count("GET /") == 10
    assert "20 more entries" in out.getvalue()


@pytest.mark.parametrize(
    ("stop", "goes_on", "said"),
    [
        (None, False, "the run would not have been stopped\n"),
        (Stop("bad", 21.0), True, "the run of 60.0 s would have been stopped at 21 s\n"),
    ],
)
def test_the_stop(stop, goes_on, said):
    out = io.StringIO()
    print_stop(stop, 60.0, goes_on, out)
    assert out.getvalue() == said
