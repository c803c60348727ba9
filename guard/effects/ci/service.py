"""What a CI service is to us, and what there is to tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from guard.effects.about import About
from guard.effects.ranking import by_rule, ranked
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Action, Outcome, Place, Rule
from guard.terminal import defused, shortened, visible

Environ = Mapping[str, str]

MOST_ISSUES = 10
"""Errors and warnings, of each, that are sent. GitHub shows no more of a step."""

_MOST_TEXT = 1000


class Level(Enum):
    """How bad an issue is; the value is its name in commands."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Issue:
    """What a service shows beside its log: why a run did not pass, or what it warns of.

    Attributes:
        level: How bad it is.
        text: The reason, in one line.
        title: What it is about.
        place: Where the rule is written; None for what is about the run, or for a rule in another
            place than the sources.
    """

    level: Level
    text: str
    title: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to tell of a run.

    Attributes:
        verdict: The verdict.
        about: What is to be told beside it.
        began: When the run began, in seconds since 1970.
        environ: The environment variables.
        here: The folder that paths are relative to.
        junit_file: Where the results are as JUnit XML, if anywhere.
    """

    verdict: Verdict
    about: About
    began: float
    environ: Environ
    here: Path
    junit_file: Path | None = None

    @property
    def ended(self) -> int:
        """When the run ended, in seconds since 1970."""
        return int(self.began + self.verdict.duration)

    @property
    def headline(self) -> str:
        """``Checkout: fail``."""
        return line(f"{shortened(self.about.title, 200)}: {self.verdict.outcome.value}")


@dataclass(frozen=True, slots=True)
class Service:
    """A CI service.

    Attributes:
        name: Its name in ``--guard-ci``.
        title: What people call it.
        is_here: Whether it is what runs this process.
        link: The address of the job.
        commands: What it reads on the standard output, line by line.
        fold: The lines before and after the final table, which make it a section of the log.
        keep: Keeps a report where the service looks for one; called before its commands are asked
            for. Raises OSError if it can't.
    """

    name: str
    title: str
    is_here: Callable[[Environ], bool]
    link: Callable[[Environ], str | None]
    commands: Callable[[Report], Sequence[str]] = lambda _: ()
    fold: Callable[[Report], tuple[str, str]] | None = None
    keep: Callable[[Report], None] | None = None


def line(text: str) -> str:
    """The text as a part of a line that no service takes for a command."""
    return defused(visible(text))


def issues(report: Report, root: str | None) -> list[Issue]:
    """The issues of a run, an error or a warning for each rule; the one that decided comes first.

    Args:
        report: What there is to tell.
        root: The folder of the sources, that places are relative to.
    """
    verdict, decisive = report.verdict, report.verdict.decisive
    errors: list[Issue] = []
    warnings: list[Issue] = []
    for results in by_rule(verdict.rules):
        issue = _issue(results, report.here, root)
        if issue is None:
            continue
        if issue.level is Level.WARNING:
            warnings.append(issue)
        elif any(result is decisive for result in results):
            errors.insert(0, issue)
        else:
            errors.append(issue)
    if verdict.outcome is not Outcome.PASS and decisive is None:
        errors.insert(0, Issue(Level.ERROR, _said(verdict.reason), report.headline))
    return [*_first(errors), *_first(warnings)]


def _issue(results: Sequence[RuleResult], here: Path, root: str | None) -> Issue | None:
    rule = results[0].rule
    wrong = [result for result in results if result.outcome is not Outcome.PASS]
    level = Level.ERROR
    if not wrong and rule.action is Action.WARN:
        wrong, level = [result for result in results if result.breached], Level.WARNING
    if not wrong:
        return None
    text = _said(ranked(wrong)[0].reason)
    if others := len(wrong) - 1:
        text += f" (and {others} more)"
    place = _in_sources(rule, here, root)
    if place is None and rule.place:
        text += f" ({line(str(rule.place))})"
    return Issue(level, text, shortened(line(rule.name), 200), place)


def _said(text: str) -> str:
    return shortened(line(text), _MOST_TEXT)


def _in_sources(rule: Rule, here: Path, root: str | None) -> Place | None:
    """Where a rule is written, relative to the sources; None if that is elsewhere."""
    if rule.place is None or not root:
        return None
    file, folder = (here / rule.place.file).resolve(), Path(root).resolve()
    if not (file.is_relative_to(folder) and file.is_file()):
        return None
    return Place(file.relative_to(folder).as_posix(), rule.place.line, rule.place.column)


def _first(found: Sequence[Issue]) -> list[Issue]:
    """As many as are shown; the last one says how many there are beyond."""
    shown = list(found[:MOST_ISSUES])
    if more := len(found) - len(shown):
        last = shown[-1]
        said = f"{last.text}; {more} more rules are in the log"
        shown[-1] = Issue(last.level, said, last.title, last.place)
    return shown
