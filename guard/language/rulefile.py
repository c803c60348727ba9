"""A rules file: from its text to rules, with every fault of the file at its position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from guard.language import document, grammar
from guard.language.document import Document, Location
from guard.language.errors import Complaint, Problem, RulesError, did_you_mean, one_of
from guard.language.model import FORMS, FileModel, OptionsModel, RuleModel
from guard.language.options import OPTIONS, Options
from guard.rule import Basis, Check, Place, Rule

RULES_FILES = ("rules.yaml", "rules.yml")
"""What a rules file is called where nobody says its name."""


def find_rules(folders: Iterable[Path]) -> Path | None:
    """The first rules file in the first of the folders that has one; None if none has."""
    files = (folder / name for folder in folders for name in RULES_FILES)
    # A link to nowhere is found too: to read it will fail, where to pass over it would be silent.
    return next((file for file in files if file.exists() or file.is_symlink()), None)


def load_rules(path: str | Path) -> tuple[Rule, ...]:
    """Read the rules of a file.

    Raises:
        RulesError: The file can't be read or has faults; all of them are in the error.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise RulesError([Problem(Place(str(path), 1, 1), "can't be read: it is not a file")])
    try:
        with path.open("rb") as file:
            content = file.read(document.MAX_BYTES + 1)  # enough to see that it is too large
    except OSError as error:
        reason = error.strerror or str(error)
        raise RulesError([Problem(Place(str(path), 1, 1), f"can't be read: {reason}")]) from None
    return parse_rules(content, str(path))


def parse_rules(content: bytes, file: str) -> tuple[Rule, ...]:
    """Read rules from the content of a file.

    Args:
        content: UTF-8 text.
        file: Name of the file for messages.

    Raises:
        RulesError: The content has faults; all of them are in the error.
    """
    try:
        doc = document.read(content, file)
    except document.Unreadable as unreadable:
        raise RulesError([unreadable.problem]) from None
    if problem := _not_a_rules_file(doc):
        raise RulesError([*doc.problems, problem])
    reader = _Reader(doc)
    rules = reader.rules()
    if reader.problems:
        raise RulesError(reader.problems)
    return rules


def _not_a_rules_file(doc: Document) -> Problem | None:
    if not doc.data:
        return Problem(Place(doc.file, 1, 1), "no rules; write rules: and below it a list of them")
    if isinstance(doc.data, list):
        return doc.problem((), "a list alone is not a rules file; put rules: above it")
    if isinstance(doc.data, str):
        return doc.problem((), "a text alone is not a rules file; write rules: and below it a list")
    return None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rule as far as it could be read."""

    location: Location
    check: Check | None = None
    options: Options = field(default_factory=Options)
    name: str | None = None
    because: str | None = None


class _Reader:
    """Reads the rules of one document and collects what is wrong with it."""

    def __init__(self, doc: Document) -> None:
        self.problems = doc.problems
        self._doc = doc

    def rules(self) -> tuple[Rule, ...]:
        """The rules; incomplete if there are problems."""
        self._check_shape()
        data: dict[str, Any] = self._doc.data
        defaults = self._options(data.get("defaults"), ("defaults",))
        items = data.get("rules")
        drafts = [
            self._draft(item, ("rules", index))
            for index, item in enumerate(items if isinstance(items, list) else [])
        ]
        if items == []:
            self._complain(("rules",), "there is no rule, so nothing would be judged")
        return () if self.problems else self._finished(drafts, defaults)

    def _check_shape(self) -> None:
        try:
            FileModel.model_validate(self._doc.data)
        except ValidationError as error:
            faults = error.errors()
            misspelt = [_location(f) for f in faults if f["type"] == "extra_forbidden"]
            for fault in faults:
                if fault["type"] != "missing" or not _may_be(_location(fault), misspelt):
                    self._complain_of_shape(fault)

    def _complain_of_shape(self, fault: ErrorDetails) -> None:
        location = _location(fault)
        key = location[-1] if location else ""
        match fault["type"]:
            case "extra_forbidden":
                legal = _keys_at(location[:-1])
                near = did_you_mean(str(key), legal) or ";"
                message = f"unknown key {key!r}{near} keys are {one_of(legal)}"
                if " " in str(key):
                    message = f"unknown key {key!r}; put a rule with ': ' in it in quotes"
                problem = self._doc.problem_of_key(location, self._about(location) + message)
                self.problems.append(problem)
            case "missing":
                self._complain(location[:-1], f"the key {key!r} is missing")
            case "list_type":
                self._complain(location, f"{key!r} takes a list")
            case "string_type" if isinstance(key, str):
                self._complain(location, f"{key!r} takes a single text")
            case "string_type":
                self._complain(location, "a rule is one line of text or a mapping")
            case _:
                self._complain(location, f"{key!r} takes a mapping")

    def _draft(self, item: object, location: Location) -> _Draft:
        if isinstance(item, str):
            check, options = self._line(item, location)
            return _Draft(location, check, options)
        if not isinstance(item, dict):
            return _Draft(location)
        check = None
        if isinstance(item.get("check"), str):
            check, misplaced = self._line(item["check"], (*location, "check"))
            self._complain_of_misplaced(misplaced, (*location, "check"))
        return _Draft(
            location,
            check,
            self._options(item, location, check),
            self._text(item, (*location, "name")),
            self._text(item, (*location, "because")),
        )

    def _line(self, text: str, location: Location) -> tuple[Check | None, Options]:
        check, options, complaints = grammar.parse(text)
        for complaint in complaints:
            self._complain(location, complaint.message, complaint.start)
        return check, options

    def _complain_of_misplaced(self, options: Options, location: Location) -> None:
        given = options.given()
        words = [word for word, option in OPTIONS.items() if option.field in given]
        if words:
            named = " and ".join(map(repr, words))
            self._complain(location, f"the check ends with its threshold; make {named} a key here")

    def _options(self, mapping: object, location: Location, check: Check | None = None) -> Options:
        options = Options()
        if not isinstance(mapping, dict):
            return options
        for word in OPTIONS:
            text = mapping.get(word)
            if not isinstance(text, str):
                continue
            where = (*location, word)
            if message := grammar.out_of_place(word, check):
                self.problems.append(self._doc.problem_of_key(where, self._about(where) + message))
            try:
                options = options.plus(word, text)
            except Complaint as complaint:
                self._complain(where, f"{word}: {complaint.message}", complaint.start)
        return options

    def _text(self, mapping: dict[str, Any], location: Location) -> str | None:
        text = mapping.get(str(location[-1]))
        if not isinstance(text, str):
            return None
        if not text.strip():
            self._complain(location, f"{location[-1]}: write a text, or leave the key out")
        return " ".join(text.split())

    def _finished(self, drafts: Sequence[_Draft], defaults: Options) -> tuple[Rule, ...]:
        """The drafts as rules. A rule without a name is called by its check, or by the
        whole of its line where another rule has the same check."""
        checks = Counter(str(draft.check) for draft in drafts)
        first_of: dict[str, Location] = {}
        rules = []
        for draft in drafts:
            assert draft.check is not None
            rule = _rule(draft, draft.check, defaults, self._doc.place(draft.location))
            if not rule.named and checks[rule.name] > 1:
                rule = replace(rule, name=str(rule))
            if rule.name in first_of:
                line = self._doc.place(first_of[rule.name]).line
                what = "this name" if rule.named else "this rule"
                self._complain(
                    draft.location, f"{what} is given twice; the first is in line {line}"
                )
            first_of.setdefault(rule.name, draft.location)
            rules.append(rule)
        return tuple(rules)

    def _complain(self, location: Location, message: str, offset: int | None = None) -> None:
        about = self._about(location)
        self.problems.append(self._doc.problem(location, about + message, offset))

    def _about(self, location: Location) -> str:
        """``rule "checkout": `` for what is in a rule, by its name or its number."""
        if len(location) < 2 or location[0] != "rules":
            return "defaults: " if len(location) > 1 else ""
        index = location[1]
        assert isinstance(index, int)
        rule = self._doc.data["rules"][index]
        name = rule.get("name") if isinstance(rule, dict) else None
        return f'rule "{name}": ' if isinstance(name, str) and name else f"rule {index + 1}: "


def _rule(draft: _Draft, check: Check, defaults: Options, place: Place) -> Rule:
    if check.basis is not Basis.REQUESTS:
        # A rule on the number of requests must notice that there are none.
        defaults = replace(defaults, min_requests=None)
    if check.basis is Basis.RUN:
        defaults = replace(defaults, over=None)
    given = {"min_requests": check.fewest, **draft.options.filled_from(defaults).given()}
    return Rule(
        name=draft.name or str(check),
        check=check,
        because=draft.because,
        named=draft.name is not None,
        place=place,
        **given,
    )


def _location(fault: ErrorDetails) -> Location:
    return tuple(part for part in fault["loc"] if part not in FORMS)


def _may_be(missing: Location, unknown: Sequence[Location]) -> bool:
    """Whether a missing key stands there, but under a name that is not known: misspelt, or a whole
    line that YAML took for a key."""
    return any(
        key[:-1] == missing[:-1]
        and (" " in str(key[-1]) or did_you_mean(str(key[-1]), [str(missing[-1])]))
        for key in unknown
    )


def _keys_at(location: Location) -> list[str]:
    model: type[BaseModel] = FileModel
    if location:
        model = OptionsModel if location[0] == "defaults" else RuleModel
    keys = [key.alias or name for name, key in model.model_fields.items()]
    return sorted(keys, key=OPTIONS.__contains__)  # a rule's own keys before its options
