"""A rules file: from its text, and all that it extends, to rules."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guard.destination import Destination
from guard.language.composition import compose, content_of
from guard.language.draft import Draft
from guard.language.errors import Problem, RulesError
from guard.language.grammar import out_of_place
from guard.language.notify import merged
from guard.language.options import Options
from guard.language.packs import PACKS
from guard.rule import Basis, Place, Rule

RULES_FILES = ("rules.yaml", "rules.yml")
"""What a rules file is called where nobody says its name."""


def find_rules(folders: Iterable[Path]) -> Path | None:
    """The first rules file in the first of the folders that has one; None if none has."""
    files = (folder / name for folder in folders for name in RULES_FILES)
    # A link to nowhere is found too: to read it will fail, where to pass over it would be silent.
    return next((file for file in files if file.exists() or file.is_symlink()), None)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a file says, together with all that it extends.

    Attributes:
        rules: The rules.
        destinations: Who is to be told of the run. Whether their addresses are any is not known
            yet; see :mod:`guard.language.addresses`.
    """

    rules: tuple[Rule, ...]
    destinations: tuple[Destination, ...] = ()


def load_rules(path: str | Path, environment: Mapping[str, str] = os.environ) -> tuple[Rule, ...]:
    """The rules of a file and of all that it extends; see :func:`load_file`."""
    return load_file(path, environment).rules


def load_file(path: str | Path, environment: Mapping[str, str] = os.environ) -> RuleFile:
    """Read a file and all that it extends.

    Args:
        path: The file.
        environment: The value of each variable that rules can refer to.

    Raises:
        RulesError: The file can't be read or has faults; all of them are in the error.
    """
    try:
        content = content_of(Path(path))
    except OSError as error:
        message = f"can't be read: {error.strerror or error}"
        if str(path) in PACKS:
            message += f"; a pack is used by a file that says 'extends: {path}'"
        raise RulesError([Problem(Place(str(path), 1, 1), message)]) from None
    return parse_file(content, str(path), environment)


def parse_rules(
    content: bytes, file: str, environment: Mapping[str, str] = os.environ
) -> tuple[Rule, ...]:
    """The rules in the content of a file, and in all that it extends; see :func:`parse_file`."""
    return parse_file(content, file, environment).rules


def parse_file(content: bytes, file: str, environment: Mapping[str, str] = os.environ) -> RuleFile:
    """Read the content of a file, and all that it extends.

    Args:
        content: UTF-8 text.
        file: Path of the file, for messages and as what paths in it are relative to.
        environment: The value of each variable that rules can refer to.

    Raises:
        RulesError: The content has faults; all of them are in the error.
    """
    drafts, destinations = compose(content, file, environment)
    return RuleFile(rules_of(drafts), merged(destinations))


def rules_of(drafts: Sequence[Draft]) -> tuple[Rule, ...]:
    """The rules that drafts of one or several files are together.

    Raises:
        RulesError: Some clash.
    """
    rules = _named([_rule(draft) for draft in drafts])
    if problems := list(_clashes(drafts, rules)):
        raise RulesError(problems)
    return rules


def _rule(draft: Draft) -> Rule:
    check = draft.check
    options = draft.options.filled_from(_defaults_for(draft))
    given = {"min_requests": check.fewest, **options.given()}
    return Rule(
        name=draft.name or str(check),
        check=check,
        because=draft.because,
        named=draft.name is not None,
        place=draft.place,
        **given,
    )


def _defaults_for(draft: Draft) -> Options:
    """The defaults of its file that mean something for the rule."""
    check, own, defaults = draft.check, draft.options, draft.defaults
    if check.basis is not Basis.REQUESTS:
        # A rule on the number of requests must notice that there are none.
        defaults = replace(defaults, min_requests=None)
    if check.basis is Basis.RUN:
        defaults = replace(defaults, over=None)
    has_window = own.given().keys() & {"over", "hold", "min_requests"}
    if has_window or out_of_place("surely", check, ()):
        defaults = replace(defaults, surely=None)
    if own.surely:
        defaults = replace(defaults, over=None, hold=None, min_requests=None)
    return defaults


def _named(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules with their final names. One that its file gives no name is called by its check, or
    by the whole of its line where another rule has the same check."""
    checks = Counter(str(rule.check) for rule in rules)
    return tuple(
        replace(rule, name=str(rule)) if not rule.named and checks[rule.name] > 1 else rule
        for rule in rules
    )


def _clashes(drafts: Sequence[Draft], rules: Sequence[Rule]) -> Iterable[Problem]:
    """Rules that are called as an earlier one is."""
    first_of: dict[str, Place] = {}
    for draft, rule in zip(drafts, rules, strict=True):
        first = first_of.setdefault(rule.name, draft.place)
        if first is not draft.place:
            yield Problem(draft.place, draft.about + _clash(rule, draft.place, first))


def _clash(rule: Rule, place: Place, first: Place) -> str:
    what = "this name" if rule.named else "this rule"
    if first.file == place.file:
        return f"{what} is given twice; the first is in line {first.line}"
    instead = "give one of them another name" if rule.named else "give one of them a name"
    return (
        f"{what} is given in {first.file}, line {first.line}, too; {instead}, or leave one of "
        "the files out"
    )
