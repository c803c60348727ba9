"""A recorded run, and what rules make of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from guard.effects.about import About
from guard.effects.chronicle import Chronicle
from guard.engine.guard import Guard
from guard.playback import Story, play
from guard.progress import Bar
from guard.rule import Rule
from guard.sources.recording.dates import text_of
from guard.sources.recording.recording import Recording, Survey
from guard.version import __version__

UNRECORDED = ("cpu", "memory", "workers", "lost_workers", "exceptions")
"""Metrics of the run that no recording tells."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        files: The files of the recording.
        form: The name of their format; None to tell by their headers.
        rules_file: The rules; empty where they are to be suggested.
        ramped_up_at: When ramp-up was complete, in seconds; None where nobody says.
        past_stop: Whether to judge beyond the stop.
        strict: Whether a row that can't be read is an error.
        reports: Where reports are left, by the name of their kind; ``-`` is the standard output.
    """

    files: Sequence[str]
    form: str | None = None
    rules_file: str = ""
    ramped_up_at: float | None = None
    past_stop: bool = False
    strict: bool = False
    reports: Mapping[str, str] = field(default_factory=dict)


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
        chronicle: What they read; nothing where nobody wants to see it.
    """

    order: Order
    recording: Recording
    survey: Survey
    rules: Sequence[Rule]
    left_out: Sequence[Rule]
    story: Story
    chronicle: Chronicle

    @property
    def about(self) -> About:
        """What is told beside the verdict."""
        files = list(self.order.files)
        return About(
            title=", ".join(Path(file).name for file in files),
            host="",
            rules_file=self.order.rules_file,
            started=text_of(self.survey.zero / 1e6),
            guard_version=__version__,
            locust_version=None,
            more={
                "recording": files,
                "bad_rows": self.survey.bad,
                "left_out": [rule.name for rule in self.left_out],
            },
        )


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
    chronicle = Chronicle(sys.maxsize)  # nobody waits for a tick to be over
    follow = chronicle.take if "html" in order.reports else None
    with closing(snapshots):
        story = play(kept, snapshots, past_stop=order.past_stop, follow=follow)
    # The last second of a run is judged as a whole one.
    took = min(story.verdict.duration, found.duration)
    story = replace(story, verdict=replace(story.verdict, duration=took))
    return Replay(order, recording, found, kept, left_out, story, chronicle)


def _is_recorded(rule: Rule, found: Survey) -> bool:
    metric = rule.check.metric
    return metric not in UNRECORDED and (metric != "users" or found.has_users)
