"""What rules made of a recorded run, for people."""

from __future__ import annotations

from typing import IO

from guard.effects.console import print_table
from guard.effects.story import print_changes, print_margins, print_stop
from guard.engine.guard import Guard
from guard.replay import Order, Replay
from guard.rule import timespan_text
from guard.sources.recording.file import MOST_NAMES
from guard.sources.recording.recording import Recording, Survey
from guard.terminal import Page


def print_text(done: Replay, file: IO[str]) -> None:
    """For people: what was read, what would have happened, and the verdict."""
    page, story = Page(file), done.story
    for line in (*read_text(done.recording, done.survey, done.order), *_remarks(done)):
        page.show(page.text(line))
    page.say("")
    print_changes(story.transitions, file)
    print_stop(story.stop, done.survey.duration, done.order.past_stop, file)
    page.say("")
    print_margins(story.verdict.rules, file)
    page.say("")
    print_table(story.verdict, file)


def read_text(recording: Recording, found: Survey, order: Order) -> list[str]:
    """What was read, and what could not be."""
    titles = " and ".join(layout.title for layout in recording.layouts)
    requests = "1 request" if found.requests == 1 else f"{found.requests:,} requests"
    names = "1 name" if len(found.entries) == 1 else f"{len(found.entries):,} names"
    named = ", ".join("the standard input" if file == "-" else file for file in order.files)
    return [
        f"{named}: {requests} of {names} in {found.duration:.1f} s ({titles})",
        *bad_rows(found),
    ]


def bad_rows(found: Survey) -> list[str]:
    """Which rows can't be read; nothing if all could be."""
    if not found.bad:
        return []
    rows = "1 row" if found.bad == 1 else f"{found.bad:,} rows"
    lines = [f"{rows} can't be read:", *(f"  {said}" for said in found.first_bad)]
    if more := found.bad - len(found.first_bad):
        lines.append(f"  and {more:,} more")
    return lines


def _remarks(done: Replay) -> list[str]:
    """What the reader has to know to understand the rest."""
    said = []
    if done.left_out:
        names = ", ".join(rule.name for rule in done.left_out)
        said.append(f"left out, because the recording does not tell: {names}")
    waits = any(rule.after.ramp_up for rule in done.rules)
    if waits and done.order.ramped_up_at is None:
        said.append("some rules wait for the end of ramp-up: say when it was with --ramp-up TIME")
    ramped_up_at = done.order.ramped_up_at
    if ramped_up_at is not None and ramped_up_at > done.survey.duration:
        said.append(
            f"--ramp-up {timespan_text(ramped_up_at)} is after the end of the recording, so rules "
            "that wait for it are not judged"
        )
    if any(rule.check.metric == "silence" for rule in done.rules) and not done.survey.has_users:
        said.append("silence is judged as if users were running all the time")
    said += _unmatched(done)
    if done.recording.is_slow:
        said.append(
            "pip install 'locust-guard[replay]' reads large recordings several times as fast"
        )
    return said


def _unmatched(done: Replay) -> list[str]:
    """Which rules wait for requests that nobody made, with the name that was probably meant."""
    entries = done.survey.entries
    if len(entries) >= MOST_NAMES:
        return []  # there may be others
    from difflib import get_close_matches

    names = sorted({name for _, name in entries} | {" ".join(key).strip() for key in entries})
    said = []
    for selection in sorted(Guard(done.rules).selections, key=str):
        if not any(selection.matches(*key) for key in entries):
            near = get_close_matches(selection.label, names, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            said.append(f"there are no requests of {selection.label}{hint}")
    return said
