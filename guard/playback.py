"""Judging a run that is over, or was only written down: second by second, on the same engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from guard.engine.counts import NOTHING
from guard.engine.guard import Guard, Stop
from guard.engine.judge import Transition
from guard.engine.snapshot import Snapshot
from guard.engine.standing import Moment
from guard.engine.verdict import Verdict
from guard.rule import Rule

REFRESH = 10.0
"""Seconds after which those who follow are told everything, as in a live run."""


@dataclass(frozen=True, slots=True)
class Story:
    """What rules made of a run.

    Attributes:
        transitions: The changes of state, in the order of time.
        stop: The decision to stop the run, if it was made.
        verdict: The verdict: on the run up to that stop, or to its end.
    """

    transitions: Sequence[Transition]
    stop: Stop | None
    verdict: Verdict


def play(
    rules: Sequence[Rule],
    snapshots: Iterable[tuple[float, Snapshot]],
    *,
    past_stop: bool = False,
    follow: Callable[[Moment], object] | None = None,
) -> Story:
    """Judge a run.

    Args:
        rules: What to judge by.
        snapshots: Seconds since the test start, and what there is to judge then. A live guard ticks
            on whole seconds, so one that comes after the last of them is judged with the totals.
        past_stop: Whether to go on judging where the run would have been stopped.
        follow: Told how the run is, every second.
    """
    guard = Guard(rules)
    found: list[Transition] = []
    now, rest = 0.0, Snapshot(NOTHING)
    for now, snapshot in snapshots:
        if not now.is_integer():
            rest = snapshot
            break
        found += guard.tick(snapshot, now)
        if follow is not None:
            follow(guard.moment(thorough=now % REFRESH == 0))
        rest = Snapshot(
            NOTHING,
            vitals=snapshot.vitals,
            counted_until=snapshot.counted_until,
            ramped_up_at=snapshot.ramped_up_at,
            failures=snapshot.failures,
        )
        if guard.stop is not None and not past_stop:
            break
    found += guard.finish(rest, now)
    return Story(found, guard.stop, guard.verdict())
