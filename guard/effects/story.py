"""What rules made of a run that is over, for people: what happened when, and how near it came."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from guard.effects.console import called, change_text
from guard.effects.ranking import by_rule, more_text, remoteness, room
from guard.engine.guard import Stop
from guard.engine.judge import Transition
from guard.engine.reading import limit, told_apart
from guard.engine.verdict import RuleResult
from guard.rule import Check, Comparison
from guard.terminal import Page, visible

_MOST_LINES = 20
"""Changes of one rule that are told."""
_MOST_ENTRIES = 10
"""Entries of one rule that have a line each in the table."""
_STYLES = {"breached": "red", "pending": "yellow", "recovered": "green"}


def print_changes(transitions: Sequence[Transition], file: IO[str]) -> None:
    """A line for each change of state, in the order of time."""
    page, said = Page(file), Counter[str]()
    for transition in transitions:
        rule = transition.rule
        said[rule.name] += 1
        if said[rule.name] <= _MOST_LINES:
            text = change_text(transition)
            word, _, rest = text.partition(" ")
            page.show(page.text(word, _STYLES.get(word, "")).append(page.text(f" {rest}")))
    for name, count in said.items():
        if count > _MOST_LINES:
            page.show(page.text(f"{name}: {count - _MOST_LINES} more changes are not listed"))
    if not transitions:
        page.show(page.text("no rule was ever broken"))


def print_stop(stop: Stop | None, duration: float, goes_on: bool, file: IO[str]) -> None:
    """When the run would have been stopped.

    Args:
        stop: The decision to stop it, if there was one.
        duration: How many seconds the run really took.
        goes_on: Whether it was judged beyond that.
        file: Where it is written.
    """
    if stop is None:
        said = "the run would not have been stopped"
    else:
        said = f"the run of {duration:.1f} s would have been stopped at {stop.at:.0f} s"
        if not goes_on:
            said += "; --continue judges the rest of it too"
    page = Page(file)
    page.show(page.text(said, "bold" if stop else ""))


def print_margins(results: Sequence[RuleResult], file: IO[str]) -> None:
    """A table of how far each rule was from its limit at its worst."""
    page = Page(file)
    table = page.table(("Rule", "Entry", "Worst", "Limit", "From limit"))
    for column in table.columns:
        column.no_wrap = column.header not in ("Rule", "Entry")
        column.justify = "right" if column.header in ("Worst", "From limit") else "left"
    for result, others in _nearest(results):
        worst = result.worst
        shown = "no data"
        if worst is not None and math.isfinite(worst):
            shown = told_apart(worst, result.rule.check.threshold, result.rule.check.unit)
        entry = visible(result.entry or "")
        cells = (called(result.rule), entry, shown, limit(result.rule), margin_text(result))
        table.add_row(*map(page.text, cells))
        if others:
            said = f"{more_text(others)}, further off"
            table.add_row(page.text(called(result.rule)), page.text(said))
    if results:
        page.show(table)


def margin_text(result: RuleResult) -> str:
    """How far the worst reading was from the limit, in parts of the limit: ``90% beyond``,
    ``12% left``."""
    margin = _margin(result.rule.check, result.worst)
    if margin is None:
        return ""
    if not result.rule.check.comparison.holds(result.worst or 0.0, result.rule.check.threshold):
        return f"{_percent(-margin)} beyond" if margin else "at it"
    return f"{_percent(margin)} left"


def _margin(check: Check, worst: float | None) -> float | None:
    """What was left up to the limit, as a share of it; negative beyond it. None where that means
    nothing."""
    left = room(check, worst)
    has_side = check.comparison not in (Comparison.EQUAL, Comparison.DIFFERENT)
    return left / check.threshold if has_side and check.threshold and left is not None else None


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{math.floor(share * 100 + 1e-9)}%"


def _nearest(results: Sequence[RuleResult]) -> Iterator[tuple[RuleResult, int]]:
    """The results that have a line, and how many more entries there are after it."""
    for of_rule in by_rule(results):
        if len(of_rule) > _MOST_ENTRIES:
            of_rule.sort(key=remoteness)
        shown = of_rule[:_MOST_ENTRIES]
        for number, result in enumerate(shown, start=1):
            yield result, len(of_rule) - number if number == len(shown) else 0
