"""What ``locust-guard replay`` does: rules on a run that is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from guard.effects import verdict_file
from guard.effects.about import About
from guard.effects.console import print_table
from guard.effects.story import print_changes, print_margins, print_stop
from guard.engine.guard import Guard
from guard.engine.verdict import RuleResult
from guard.language.rulefile import load_rules
from guard.playback import Story, play
from guard.progress import Bar
from guard.rule import Rule, timespan_text
from guard.sources.recording.dates import text_of
from guard.sources.recording.file import MOST_NAMES
from guard.sources.recording.recording import Recording, Survey
from guard.terminal import Page
from guard.version import __version__

if TYPE_CHECKING:
    from guard.effects.chronicle import Chronicle

UNRECORDED = ("cpu", "memory", "workers", "lost_workers", "exceptions")
"""Metrics of the run that no recording tells."""

STDOUT = "-"
"""The name of the standard output."""


# What only some options need is imported late: a replay is there at once.


class ReplayError(Exception):
    """It can't be done as asked. The text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        files: The files of the recording.
        form: The name of their format; None to tell by their headers.
        rules_file: The rules; None to suggest some.
        ramped_up_at: When ramp-up was complete, in seconds; None where nobody says.
        past_stop: Whether to judge beyond the stop.
        strict: Whether a row that can't be read is an error.
        json_file: Where the verdict is left, ``-`` for the standard output; None for nowhere.
        junit_file: Where the results are left as JUnit XML.
        html_file: Where a report with charts is left as HTML.
    """

    files: Sequence[str]
    form: str | None = None
    rules_file: str | None = None
    ramped_up_at: float | None = None
    past_stop: bool = False
    strict: bool = False
    json_file: str | None = None
    junit_file: str | None = None
    html_file: str | None = None

    @property
    def targets(self) -> dict[str, str]:
        """Where reports are left, by the name of their kind."""
        given = {"json": self.json_file, "junit": self.junit_file, "html": self.html_file}
        return {name: target for name, target in given.items() if target}


@dataclass(frozen=True, slots=True)
class Replay:
    """A recording, and what rules made of it.

    Attributes:
        order: What was to be done.
        recording: The recording.
        survey: What there is in it.
        rules: The rules that were judged.
        left_out: Those that the recording can't tell of.
        story: What became of it.
        chronicle: What they read; None where nobody wants to see it.
    """

    order: Order
    recording: Recording
    survey: Survey
    rules: Sequence[Rule]
    left_out: Sequence[Rule]
    story: Story
    chronicle: Chronicle | None

    @property
    def about(self) -> About:
        """What is told beside the verdict."""
        files = list(self.order.files)
        return About(
            title=", ".join(Path(file).name for file in files),
            host="",
            rules_file=self.order.rules_file or "",
            started=text_of(self.survey.zero / 1e6),
            guard_version=__version__,
            locust_version=None,
            more={
                "recording": files,
                "bad_rows": self.survey.bad,
                "left_out": [rule.name for rule in self.left_out],
            },
        )


def run(order: Order) -> int:
    """Do it, and print what came out. Returns the exit code.

    Raises:
        RulesError: The rules have faults.
        RecordingError: The recording can't be read.
        ReplayError: It can't be done as asked.
    """
    _refuse_targets(order)
    rules = load_rules(order.rules_file) if order.rules_file is not None else ()
    with closing(Recording(order.files, order.form)) as recording:
        with Bar(sys.stderr) as bar:
            found = _survey(recording, order, bar)
            if order.rules_file is not None:
                done = replay(recording, found, rules, order, bar)
            else:
                text = _suggested(recording, found, order, bar)
        if order.rules_file is None:
            _show_suggested(text, read_text(recording, found, order))
            return 0
    is_piped = STDOUT in order.targets.values()
    print_text(done, sys.stderr if is_piped else sys.stdout)
    _leave(done)
    return done.story.verdict.exit_code


def _refuse_targets(order: Order) -> None:
    """Make sure, before any work is done, that the files may be written."""
    from guard.effects.report_files import KINDS

    if order.rules_file is None and (order.targets or order.past_stop):
        *names, last = (*(f"--{name}" for name in KINDS), "--continue")
        raise ReplayError(
            f"--suggest judges nothing, so {', '.join(names)} and {last} mean nothing"
        )
    for name, target in order.targets.items():
        others = [other for other, same in order.targets.items() if _is_same(same, target)]
        if others != [name]:
            options = " and ".join(f"--{other}" for other in others)
            raise ReplayError(f"{options} can't go to the same place")
        if target != STDOUT and (why := KINDS[name].refusal(Path(target))):
            raise ReplayError(f"{target} {why}; name another file")
    for number, file in enumerate(order.files):
        if any(_is_same(file, other) for other in order.files[:number]):
            raise ReplayError(f"{file} is given twice, so its requests would count twice")


def _is_same(file: str, other: str) -> bool:
    return file == other or os.path.realpath(file) == os.path.realpath(other)


def _survey(recording: Recording, order: Order, bar: Bar) -> Survey:
    found = recording.survey(lambda done: bar.show("reading", done / 2))
    if order.strict and found.bad:
        raise ReplayError("\n".join(_bad_rows(found)))
    return found


def replay(
    recording: Recording, found: Survey, rules: Sequence[Rule], order: Order, bar: Bar
) -> Replay:
    """Judge a recorded run.

    Args:
        recording: The recording.
        found: What there is in it.
        rules: What to judge by.
        order: How far, and what there is to know beside it.
        bar: Shows how much is done.
    """
    kept = [rule for rule in rules if _is_recorded(rule, found)]
    left_out = [rule for rule in rules if not _is_recorded(rule, found)]
    needs = Guard(kept)
    snapshots = recording.snapshots(
        found,
        needs.selections,
        needs.failures,
        ramped_up_at=order.ramped_up_at,
        progress=lambda done: bar.show("judging", (1 + done) / 2),
    )
    chronicle = None
    if order.html_file:
        from guard.effects.chronicle import Chronicle

        chronicle = Chronicle(sys.maxsize)  # nobody waits for a tick to be over
    follow = None if chronicle is None else chronicle.take
    with closing(snapshots):
        story = play(kept, snapshots, past_stop=order.past_stop, follow=follow)
    # The last second of a run is judged as a whole one.
    took = min(story.verdict.duration, found.duration)
    story = replace(story, verdict=replace(story.verdict, duration=took))
    return Replay(order, recording, found, kept, left_out, story, chronicle)


def _suggested(recording: Recording, found: Survey, order: Order, bar: Bar) -> str:
    """A rules file that the run passes."""

    def judge(rules: Sequence[Rule]) -> Sequence[RuleResult]:
        return replay(recording, found, rules, order, bar).story.verdict.rules

    from guard.suggestion import rules_file

    text = rules_file(order.files, recording, found, judge, order.ramped_up_at)
    if text is None:
        raise ReplayError("there are too few requests after ramp-up to suggest a rule")
    return text


def _show_suggested(text: str, read: Sequence[str]) -> None:
    """Print a rules file, and what it is from where that does not get into it."""
    page = Page(sys.stderr)
    for line in read:
        page.show(page.text(line))
    Page(sys.stdout).say(text.rstrip("\n"))


def _leave(done: Replay) -> None:
    """Write the files that were asked for."""
    order, verdict = done.order, done.story.verdict
    if order.json_file:
        _write(order.json_file, verdict_file.as_json(verdict, done.about))
    if order.junit_file:
        from guard.effects.junit_file import as_junit

        _write(order.junit_file, as_junit(verdict, done.about))
    if order.html_file and done.chronicle is not None:
        from guard.effects.html import as_html

        _write(order.html_file, as_html(verdict, done.about, done.chronicle))


def _is_recorded(rule: Rule, found: Survey) -> bool:
    metric = rule.check.metric
    return metric not in UNRECORDED and (metric != "users" or found.has_users)


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
        *_bad_rows(found),
    ]


def _bad_rows(found: Survey) -> list[str]:
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


def _write(target: str, content: str) -> None:
    if target == STDOUT:
        Page(sys.stdout).say(content.rstrip("\n"))
        return
    try:
        verdict_file.replace(Path(target), content)
    except OSError as error:
        raise ReplayError(f"{target} can't be written: {error.strerror or error}") from error
