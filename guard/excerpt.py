"""What a rule read around the moments of a run that matter, second by second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot
from guard.engine.standing import Standing
from guard.engine.verdict import RuleResult
from guard.rule import Rule

AROUND = 2
"""Seconds before and after a moment whose readings are shown."""


MOMENTS = {
    "stopped_at": "stop",
    "at": "breach",
    "pending_at": "pending from here on",
    "recovered_at": "recovery",
}
"""What comes at a moment that a test expects, by the key that says when."""


@dataclass(frozen=True, slots=True)
class Second:
    """A line of an excerpt: when it was, and where the rule stood.

    Attributes:
        at: Seconds since the test start.
        standing: Where the rule stood; None where it was not judged on that entry yet, or no more.
        remark: What came or was expected then.
    """

    at: int
    standing: Standing | None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The readings of a rule around the moments that matter.

    Attributes:
        rule: The rule.
        entry: The entry; None for the run.
        seconds: Those around these moments, in order.
    """

    rule: Rule
    entry: str | None
    seconds: tuple[Second, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result whose readings are wanted.

    Attributes:
        result: The result.
        missed: When something was expected that did not come then, by the key that says so.
    """

    result: RuleResult
    missed: Mapping[str, float]


def excerpts(
    snapshots: Iterable[tuple[float, Snapshot]],
    rules: Sequence[Rule],
    wanted: Sequence[Wanted],
    seconds: int,
    end: int,
) -> tuple[Excerpt, ...]:
    """Judge a run again, to see what came around these moments, or at its end where there is none.

    It goes on beyond a stop, because something may have been expected there.

    Args:
        snapshots: The run.
        rules: What it is judged by.
        wanted: What to look at.
        seconds: How long the run is.
        end: The last second that was judged the first time.
    """
    if not wanted:
        return ()
    once: dict[tuple[int, str | None], Wanted] = {}
    for one in wanted:
        key = id(one.result.rule), one.result.entry
        before = once[key].missed if key in once else {}
        once[key] = Wanted(one.result, {**before, **one.missed})
    lines: dict[tuple[int, str | None], list[Second]] = {key: [] for key in once}
    remarks = {key: _remarks(one) for key, one in once.items()}
    shown = {key: _around(moments, seconds, end) for key, moments in remarks.items()}
    last = max(map(max, shown.values()))
    guard = Guard(rules)
    for now, snapshot in takewhile(lambda one: one[0] <= last, snapshots):
        guard.tick(snapshot, now)
        second = int(now)
        keys = [key for key in once if second in shown[key]]
        standings = guard.standings() if keys else []
        for key in keys:
            there = [s for s in standings if (id(s.rule), s.entry) == key]
            remark = remarks[key].get(second, "")
            lines[key].append(Second(second, there[0] if there else None, remark))
    return tuple(
        Excerpt(one.result.rule, one.result.entry, tuple(lines[key])) for key, one in once.items()
    )


def _remarks(wanted: Wanted) -> dict[int, str]:
    """What came and what was expected, by second."""
    result = wanted.result
    breached = "stops the run" if result.rule.action.stops else "breached"
    came = [(result.breached_at, breached), (result.recovered_at, "recovered")]
    if "pending_at" in wanted.missed:
        came.append((result.pending_at, MOMENTS["pending_at"]))
    # The breach that stops a run is named once.
    missed = {moment: f"{MOMENTS[key]} expected" for key, moment in wanted.missed.items()}
    found: dict[int, list[str]] = {}
    for moment, remark in (*came, *missed.items()):
        if moment is not None:
            found.setdefault(math.ceil(moment), []).append(remark)
    return {second: ", ".join(remarks) for second, remarks in found.items()}


def _around(moments: Iterable[int], seconds: int, end: int) -> set[int]:
    """The seconds to be shown: around these moments, or the last ones where there is none.

    Args:
        moments: When something came or was expected.
        seconds: How many there are.
        end: The last one that was judged.
    """
    within = [moment for moment in moments if moment <= seconds]
    found = {second for moment in within for second in range(moment - AROUND, moment + AROUND + 1)}
    return found or set(range(end - AROUND, end + 1))
