"""What a person sees while a run is guarded and when it is over."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from guard.effects import Effect
from guard.effects.ranking import by_rule, more_text, outcomes_text, ranked
from guard.engine.judge import Transition
from guard.engine.reading import limit, share_text, told_apart
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Outcome, Rule, State
from guard.terminal import Page, visible

logger = logging.getLogger("guard")

_STYLES = {
    State.BREACHED.value: "red",
    State.PENDING.value: "yellow",
    Outcome.PASS.value: "green",
    Outcome.FAIL.value: "bold red",
    Outcome.INCONCLUSIVE.value: "bold yellow",
    Outcome.ERROR.value: "bold red",
}
_MOST_LINES = 20
"""Changes of the entries of one rule that are logged."""
_MOST_ENTRIES = 10
"""Entries of one rule that have a line each in the final table."""
_HEADINGS = ("Rule", "Entry", "Reading", "Limit", "State", "Outcome")


class Console(Effect):
    """One log line when guarding starts, one a change of state, one at the stop and at the end.

    Args:
        rules: The rules in force.
        source: Where they come from, for people.
        with_table: Whether to print the final table too, beside what is logged.
        fold: Gives the lines before and after that table, by which a CI service makes it a section.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        source: str,
        with_table: bool = True,
        fold: Callable[[Verdict], tuple[str, str]] = lambda _: ("", ""),
    ) -> None:
        self._rules = rules
        self._source = source
        self._with_table = with_table
        self._fold = fold
        self._said: Counter[str] = Counter()

    def started(self, verdict: Verdict) -> None:
        count = len(self._rules)
        logger.info("guarding by %d rule%s from %s", count, "s"[: count != 1], self._source)

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        for transition in transitions:
            rule = transition.rule
            self._said[rule.name] += 1
            if rule.check.each and self._said[rule.name] > _MOST_LINES:
                continue
            level = logging.WARNING if transition.is_breach else logging.INFO
            logger.log(level, "%s", change_text(transition))
            if rule.check.each and self._said[rule.name] == _MOST_LINES:
                logger.info("%s: no more changes of its entries are logged", rule.name)

    def stopping(self, reason: str, verdict: Verdict) -> None:
        logger.warning("stopping the run: %s", reason)

    def ended(self, verdict: Verdict) -> None:
        level = logging.INFO if verdict.outcome is Outcome.PASS else logging.ERROR
        logger.log(level, "verdict: %s: %s", verdict.outcome.value, verdict.reason)

    def closed(self, verdict: Verdict, exit_code: int | None) -> None:
        if self._with_table:
            page, (begin, end) = Page(sys.stderr), self._fold(verdict)
            if begin:
                page.command(begin)
            print_table(verdict, sys.stderr)
            if end:
                page.command(end)
        if exit_code not in (None, verdict.exit_code):
            logger.warning(
                "the exit code is %s and not %s: your own code set it or raised exceptions",
                exit_code,
                verdict.exit_code,
            )


def change_text(transition: Transition) -> str:
    """``breached at 21 s: p95 of POST /checkout was 950 ms ...``."""
    said = "recovered" if transition.is_recovery else transition.after.value
    by_totals = transition.rule.judged_at_end
    when = "by the final totals" if by_totals else f"at {transition.reading.at:.0f} s"
    return f"{said} {when}: {visible(str(transition))}"


def print_table(verdict: Verdict, file: IO[str]) -> None:
    """The final table: a line a rule, then the verdict."""
    page = Page(file)
    table = page.table(_HEADINGS)
    for column in table.columns:
        column.no_wrap = column.header not in ("Rule", "Entry")
        column.justify = "right" if column.header == "Reading" else "left"
    for *cells, state, outcome in _rows(verdict.rules):
        styled = [page.text(cell, _STYLES.get(cell.split(" ")[0], "")) for cell in (state, outcome)]
        table.add_row(*map(page.text, cells), *styled)
    said = page.text(f"Verdict: {verdict.outcome.value}", _STYLES[verdict.outcome.value])
    page.show(table, said.append(page.text(f" - {visible(verdict.reason)}", "not bold default")))


def _rows(results: Sequence[RuleResult]) -> Iterator[tuple[str, ...]]:
    """The cells of each line. Of a rule on many entries only the worst ones have a line."""
    for of_rule in map(ranked, by_rule(results)):
        yield from map(_cells, of_rule[:_MOST_ENTRIES])
        if others := of_rule[_MOST_ENTRIES:]:
            more, ended = more_text(len(others)), outcomes_text(others)
            yield called(others[0].rule), more, "", "", "", ended


def _cells(result: RuleResult) -> tuple[str, ...]:
    check = result.rule.check
    reading = "no data"
    if result.value is not None:
        reading = told_apart(result.value, check.threshold, check.unit)
    return (
        called(result.rule),
        visible(result.entry or ""),
        reading,
        limit(result.rule),
        state_text(result),
        result.outcome.value,
    )


def state_text(result: RuleResult) -> str:
    """The state, and how far the evidence came if it was not enough: ``ok 25%``."""
    if result.evidence is None or result.breached:
        return result.state.value
    return f"{result.state.value} {share_text(result.evidence)}"


def called(rule: Rule) -> str:
    """The rule's line without what other columns say: ``p95 over 10s for 5s``, after its name."""
    line = rule.check.measured + str(rule).removeprefix(str(rule.check))
    return visible(f"{rule.name}: {line}" if rule.named else line)
