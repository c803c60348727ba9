"""What ``locust-guard check`` prints: the rules as understood, what is wrong, what is doubtful."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING, Any

from guard.destination import Destination, Occasion
from guard.effects.ci.github import message_text, property_text
from guard.language import addresses, document
from guard.language.advice import Warned, advise
from guard.language.errors import Problem, RulesError
from guard.language.names import RequestName
from guard.language.options import OPTIONS
from guard.language.rulefile import RuleFile, load_file, parse_file
from guard.language.words import in_words
from guard.rule import Place, Rule
from guard.terminal import Page

if TYPE_CHECKING:  # rich takes its time to import
    from rich.text import Text

STDIN = "<stdin>"
"""What messages call the standard input."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A rules file that was looked at.

    Attributes:
        file: Its name.
        rules: Its rules; none if it has errors.
        errors: What is wrong with it.
        warnings: What is doubtful in it.
        destinations: Who is told of its runs.
    """

    file: str
    rules: Sequence[Rule] = ()
    errors: Sequence[Problem] = ()
    warnings: Sequence[Warned] = ()
    destinations: Sequence[Destination] = ()

    @property
    def summary(self) -> str:
        """``rules.yaml: 3 rules, 1 warning``."""
        if self.errors:
            return f"{self.file}: {_counted(len(self.errors), 'error')}"
        warnings = _counted(len(self.warnings), "warning")
        return f"{self.file}: {_counted(len(self.rules), 'rule')}, {warnings}"


def check_file(file: str, names: Sequence[RequestName] | None = None) -> Checked:
    """Look at a rules file.

    Args:
        file: Its name.
        names: The requests that there are; None where nobody says.
    """
    return _checked(file, lambda: load_file(file), names)


def check_stream(stream: IO[bytes], names: Sequence[RequestName] | None = None) -> Checked:
    """Look at rules that come from a stream, such as the standard input."""
    content = stream.read(document.MAX_BYTES + 1)  # enough to see that it is too large
    return _checked(STDIN, lambda: parse_file(content, STDIN), names)


def _checked(
    file: str, read: Callable[[], RuleFile], names: Sequence[RequestName] | None
) -> Checked:
    try:
        found = read()
    except RulesError as error:
        return Checked(file, errors=error.problems)
    if errors := addresses.faults(found.destinations):
        return Checked(file, errors=errors)
    return Checked(file, found.rules, (), advise(found.rules, names), found.destinations)


def print_text(results: Sequence[Checked], out: IO[str], err: IO[str]) -> None:
    """For people: a table of each file's rules and the warnings about them. Errors go to
    ``err``."""
    page, errors = Page(out), Page(err)
    for result in results:
        for problem in result.errors:
            errors.say(str(problem))
        if result.errors:
            errors.say(result.summary)
            continue
        _show_rules(result, page)
        _show_destinations(result, page)
        for warned in result.warnings:
            page.say(f"{warned.place}: warning: {_text(warned)} ({warned.name})")
        page.say(result.summary)


def print_json(results: Sequence[Checked], out: IO[str], _err: IO[str]) -> None:
    """For machines: one JSON document."""
    found = {
        "schema": 1,
        "files": [result.file for result in results],
        "rules": [_rule_fields(rule) for result in results for rule in result.rules],
        "destinations": [
            {
                "to": addresses.shown(destination),
                "on": _occasions(destination),
                **_place_fields(destination.place),
            }
            for result in results
            for destination in result.destinations
        ],
        "errors": [
            {"message": problem.message, **_place_fields(problem.place)}
            for result in results
            for problem in result.errors
        ],
        "warnings": [
            {
                "name": warned.name,
                "rule": warned.rule.name,
                "message": warned.message,
                **_place_fields(warned.place),
            }
            for result in results
            for warned in result.warnings
        ],
    }
    Page(out).say(json.dumps(found, indent=2))


def print_github(results: Sequence[Checked], out: IO[str], _err: IO[str]) -> None:
    """For GitHub Actions: the same as for people, with errors and warnings as workflow commands,
    which put them at their lines in the pull request."""
    page = Page(out)
    for result in results:
        if result.rules:
            _show_rules(result, page)
            _show_destinations(result, page)
        for problem in result.errors:
            page.say(_command("error", problem.place, "locust-guard", problem.message))
        for warned in result.warnings:
            title = f"locust-guard: {warned.name}"
            page.say(_command("warning", warned.place, title, _text(warned)))
        page.say(result.summary)


FORMATS: dict[str, Callable[[Sequence[Checked], IO[str], IO[str]], None]] = {
    "text": print_text,
    "json": print_json,
    "github": print_github,
}
"""What the results can be printed as."""


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'s' if count != 1 else ''}"


def _text(warned: Warned) -> str:
    return f"{warned.rule.name}: {warned.message}"


def _show_rules(result: Checked, page: Page) -> None:
    table = page.table(("Line", "Must hold", "Judged", "If not"), leading=1)
    table.expand = True
    line, *texts = table.columns
    line.justify = "right"
    for column in texts:
        column.ratio = 1
    for rule in result.rules:
        words = in_words(rule)
        is_here = rule.place is None or rule.place.file == result.file
        number = str(rule.place.line) if rule.place and is_here else ""
        origin = "" if is_here else f"from {rule.place}"
        table.add_row(
            page.text(number, "dim"),
            _held(page, rule, words.must_hold, origin),
            page.text(words.judged),
            page.text(words.if_not),
        )
    page.show(table, "")


def _held(page: Page, rule: Rule, must_hold: str, origin: str) -> Text:
    """What must hold, below the rule's name and above why, and where it comes from."""
    held = page.text("")
    if rule.named:
        held.append(page.text(f"{rule.name}:\n", "bold"))
    held.append(page.text(must_hold))
    for remark in (rule.because, origin):
        if remark:
            held.append(page.text(f"\n({remark})", "dim"))
    return held


def _show_destinations(result: Checked, page: Page) -> None:
    """A line for each destination, with no more of its address than scheme and host."""
    for destination in result.destinations:
        to, on = addresses.shown(destination), ", ".join(_occasions(destination))
        if destination.missing:
            are = "is" if len(destination.missing) == 1 else "are"
            to = f"{to}, which {are} not set here,"
        elif not destination.url:
            to = f"nobody, as {to} is empty,"
        page.say(f"{destination.place}: tells {to} of: {on}")


def _occasions(destination: Destination) -> list[str]:
    return [occasion.value for occasion in Occasion if occasion in destination.on]


def _rule_fields(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "check": str(rule.check),
        "line_form": str(rule),
        "words": asdict(in_words(rule)),
        "options": {word: _plain(getattr(rule, option.field)) for word, option in OPTIONS.items()},
        "because": rule.because,
        **_place_fields(rule.place),
    }


def _plain(value: object) -> object:
    """The value as JSON can hold it."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value


def _place_fields(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"file": None, "line": None, "column": None}
    return {"file": place.file, "line": place.line, "column": place.column}


def _command(kind: str, place: Place | None, title: str, message: str) -> str:
    """A workflow command."""
    properties: dict[str, object] = {"title": title}
    if place is not None:
        properties = {"file": place.file, "line": place.line, "col": place.column, "title": title}
    given = ",".join(f"{name}={property_text(str(value))}" for name, value in properties.items())
    return f"::{kind} {given}::{message_text(message)}"
