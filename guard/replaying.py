"""What ``locust-guard replay`` does: rules on a run that is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from guard.effects import files
from guard.effects.verdict_file import as_json
from guard.engine.verdict import RuleResult
from guard.language.rulefile import load_rules
from guard.progress import Bar
from guard.replay import Order, Replay, replay
from guard.replay_listing import bad_rows, print_text, read_text
from guard.rule import Rule
from guard.sources.recording.recording import Recording, Survey
from guard.terminal import Page

STDOUT = "-"
"""The name of the standard output."""


# What only some options need is imported late: a replay is there at once.


class ReplayError(Exception):
    """It can't be done as asked. The text says why."""


def run(order: Order) -> int:
    """Judge a recorded run, and print what came out. Returns the exit code.

    Raises:
        RulesError: The rules have faults.
        RecordingError: The recording can't be read.
        ReplayError: It can't be done as asked.
    """
    _refuse_targets(order.reports)
    _refuse_twins(order.files)
    rules = load_rules(order.rules_file)
    with closing(Recording(order.files, order.form)) as recording, Bar(sys.stderr) as bar:
        found = _survey(recording, order, bar)
        done = replay(recording, found, rules, order, bar)
    print_text(done, sys.stderr if STDOUT in order.reports.values() else sys.stdout)
    _leave(done)
    return done.story.verdict.exit_code


def suggest(order: Order) -> int:
    """Print a rules file that the recorded run passes. Returns the exit code.

    Raises:
        RecordingError: The recording can't be read.
        ReplayError: It can't be done as asked.
    """
    _refuse_twins(order.files)
    with closing(Recording(order.files, order.form)) as recording, Bar(sys.stderr) as bar:
        found = _survey(recording, order, bar)
        text = _suggested(recording, found, order, bar)
    page = Page(sys.stderr)
    for line in read_text(recording, found, order):
        page.show(page.text(line))
    Page(sys.stdout).say(text.rstrip("\n"))
    return 0


def _refuse_targets(reports: Mapping[str, str]) -> None:
    """Make sure, before any work is done, that the files may be written."""
    from guard.effects.report_files import KINDS

    for name, target in reports.items():
        others = [other for other, same in reports.items() if _is_same(same, target)]
        if others != [name]:
            options = " and ".join(f"--{other}" for other in others)
            raise ReplayError(f"{options} can't go to the same place")
        if target != STDOUT and (why := KINDS[name].refusal(Path(target))):
            raise ReplayError(f"{target} {why}; name another file")


def _refuse_twins(files: Sequence[str]) -> None:
    for number, file in enumerate(files):
        if any(_is_same(file, other) for other in files[:number]):
            raise ReplayError(f"{file} is given twice, so its requests would count twice")


def _is_same(file: str, other: str) -> bool:
    return file == other or os.path.realpath(file) == os.path.realpath(other)


def _survey(recording: Recording, order: Order, bar: Bar) -> Survey:
    found = recording.survey(lambda done: bar.show("reading", done / 2))
    if order.strict and found.bad:
        raise ReplayError("\n".join(bad_rows(found)))
    return found


def _suggested(recording: Recording, found: Survey, order: Order, bar: Bar) -> str:
    """A rules file that the run passes."""

    def judge(rules: Sequence[Rule]) -> Sequence[RuleResult]:
        return replay(recording, found, rules, order, bar).story.verdict.rules

    from guard.suggestion import rules_file

    text = rules_file(order.files, recording, found, judge, order.ramped_up_at)
    if text is None:
        raise ReplayError("there are too few requests after ramp-up to suggest a rule")
    return text


def _leave(done: Replay) -> None:
    """Write the reports that were asked for."""
    for name, target in done.order.reports.items():
        _write(target, _text(name, done))


def _text(name: str, done: Replay) -> str:
    verdict, about = done.story.verdict, done.about
    if name == "junit":
        from guard.effects.junit_file import as_junit

        return as_junit(verdict, about)
    if name == "html":
        from guard.effects.html import as_html

        return as_html(verdict, about, done.chronicle)
    return as_json(verdict, about)


def _write(target: str, content: str) -> None:
    if target == STDOUT:
        Page(sys.stdout).say(content.rstrip("\n"))
        return
    try:
        files.replace(Path(target), content)
    except OSError as error:
        raise ReplayError(f"{target} can't be written: {error.strerror or error}") from error
