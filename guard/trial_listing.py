"""What ``locust-guard test`` prints: which tests passed, and why the others did not."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from guard.effects.junit import Case, Ending, Suite, report
from guard.engine.reading import limit, share_text, told_apart
from guard.engine.verdict import AGGREGATED
from guard.excerpt import Excerpt, Second
from guard.language.errors import Problem, RulesError
from guard.language.testfile import RuleTest, load_tests
from guard.rule import State, timespan_text
from guard.terminal import Page
from guard.trial import RUN, Mismatch, Trial, try_out

_STYLES = {State.BREACHED: "red", State.PENDING: "yellow"}


@dataclass(frozen=True, slots=True)
class Tried:
    """A test file whose tests were tried.

    Attributes:
        file: Its name.
        trials: What came of its tests; none if it has errors.
        errors: What is wrong with it or with its rules.
    """

    file: str
    trials: Sequence[Trial] = ()
    errors: Sequence[Problem] = ()

    @property
    def failed(self) -> Sequence[Trial]:
        """The tests that did not pass."""
        return [trial for trial in self.trials if not trial.passed]

    @property
    def summary(self) -> str:
        """``shop.test.yaml: 3 passed, 1 failed``."""
        if self.errors:
            count = len(self.errors)
            return f"{self.file}: {count} error{'s' if count != 1 else ''}"
        failed = len(self.failed)
        passed = f"{len(self.trials) - failed} passed"
        return f"{self.file}: {passed}, {failed} failed" if failed else f"{self.file}: {passed}"


def try_file(file: str, wanted: Callable[[RuleTest], bool]) -> Tried:
    """Try the tests of a file.

    Args:
        file: Its name.
        wanted: Whether a test is to be tried.
    """
    try:
        tests = load_tests(file)
    except RulesError as error:
        return Tried(file, errors=error.problems)
    trials = [try_out(test, tests.rules) for test in tests.tests if wanted(test)]
    return Tried(file, trials)


def print_text(results: Sequence[Tried], out: IO[str], err: IO[str]) -> None:
    """For people: a line a test, and of those that failed what was expected, what came, and the
    readings around that. Errors go to ``err``."""
    page, errors = Page(out), Page(err)
    for result in results:
        for problem in result.errors:
            errors.say(str(problem))
        if result.errors:
            errors.say(result.summary)
            continue
        for trial in result.trials:
            _show(trial, page)
        page.say(result.summary)


def print_junit(results: Sequence[Tried], out: IO[str], err: IO[str]) -> None:
    """For CI: JUnit XML, with a suite a file and a case a test. Errors go to ``err`` too."""
    for result in results:
        for problem in result.errors:
            Page(err).say(str(problem))
    Page(out).say(report([Suite(result.file, _cases(result)) for result in results]).rstrip("\n"))


FORMATS: dict[str, Callable[[Sequence[Tried], IO[str], IO[str]], None]] = {
    "text": print_text,
    "junit": print_junit,
}
"""What the results can be printed as."""


# Text


def _show(trial: Trial, page: Page) -> None:
    word, style = ("pass", "green") if trial.passed else ("FAIL", "bold red")
    page.show(page.text(word, style).append(page.text(f"  {trial.test.name}", "default not bold")))
    if not trial.passed:
        _show_why(trial, page)


def _show_why(trial: Trial, page: Page) -> None:
    for mismatch in trial.mismatches:
        page.show(page.text(f"{mismatch.place}: {_sentence(mismatch)}"))
    for excerpt in trial.excerpts:
        page.say("")
        _show_excerpt(excerpt, page)
    verdict = trial.verdict
    page.show(page.text(f"\nVerdict: {verdict.outcome.value} - {verdict.reason}\n"))


def _sentence(mismatch: Mismatch) -> str:
    of = "" if mismatch.subject == RUN else f"{mismatch.subject}: "
    return f"{of}{mismatch.key}: expected {mismatch.expected}, but was {mismatch.actual}"


def _show_excerpt(excerpt: Excerpt, page: Page) -> None:
    """The readings of a rule around the moments that matter."""
    page.show(page.text(_heading(excerpt)))
    table = page.table(("At", "Reading", "Requests", "State", ""))
    for number in (0, 1, 2):
        table.columns[number].justify = "right"
    before = None
    for second in excerpt.seconds:
        if before is not None and second.at > before + 1:
            table.add_row("...")
        before = second.at
        state = second.standing.state if second.standing else None
        styles = ("", "", "", _STYLES.get(state, "") if state else "", "bold")
        cells = zip(_cells(second), styles, strict=True)
        table.add_row(*(page.text(cell, style) for cell, style in cells))
    page.show(table)


def _heading(excerpt: Excerpt) -> str:
    rule, entry = excerpt.rule, excerpt.entry
    named = f"{rule.name}: " if rule.named else ""
    of = f" of {entry}" if entry and entry != AGGREGATED else ""
    options = str(rule).removeprefix(str(rule.check))
    return f"{named}{rule.check.measured}{of} {limit(rule)}{options}"


def _cells(second: Second) -> tuple[str, ...]:
    standing, at = second.standing, timespan_text(float(second.at))
    if standing is None:
        return at, "", "", "", second.remark
    unit = standing.rule.check.unit
    reading = "no data"
    if standing.value is not None:
        reading = told_apart(standing.value, standing.rule.check.threshold, unit)
    requests = "" if standing.requests is None else str(standing.requests)
    state = standing.state.value
    if standing.evidence is not None and standing.state is not State.BREACHED:
        state += f" {share_text(standing.evidence)}"
    return at, reading, requests, state, second.remark


# JUnit


def _cases(result: Tried) -> list[Case]:
    cases = [_case(trial) for trial in result.trials]
    if result.errors:
        first, details = str(result.errors[0]), "\n".join(map(str, result.errors[1:]))
        cases.append(Case("the file", Ending.BROKEN, first, details=details))
    return cases


def _case(trial: Trial) -> Case:
    test = trial.test
    if trial.passed:
        return Case(test.name, place=test.place)
    shown = io.StringIO()
    _show_why(trial, Page(shown))
    reason = _sentence(trial.mismatches[0])
    return Case(test.name, Ending.FAILED, reason, details=shown.getvalue(), place=test.place)
