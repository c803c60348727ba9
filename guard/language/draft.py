"""What one document says: drafts of rules and what it extends, with each fault at its position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guard.destination import Destination
from guard.language import grammar
from guard.language.document import Document, Location
from guard.language.environment import NOT_SHOWN, Expanded
from guard.language.errors import Complaint, Problem, one_of
from guard.language.notify import NotifyReader
from guard.language.options import OPTIONS, Options, is_undone
from guard.language.shape import faults
from guard.rule import Check, Place


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as its own file says it.

    Attributes:
        place: Where it is written.
        about: What messages call it: ``rule "checkout": ``.
        check: What must hold.
        options: Its options.
        defaults: Those of its file.
        name: Its name, if the file gives it one.
        because: Why it exists, if the file says so.
    """

    place: Place
    about: str
    check: Check
    options: Options
    defaults: Options
    name: str | None
    because: str | None


@dataclass(frozen=True, slots=True)
class Extension:
    """A pack or another file that a file extends.

    Attributes:
        place: Where that is written.
        name: Name of the pack or path of the file.
        written: The same for messages, its variables not filled in.
        key: The key that it stands at.
    """

    place: Place
    name: str
    written: str
    key: str = "extends"


@dataclass(frozen=True, slots=True)
class Part:
    """What one document says.

    Attributes:
        extends: What it extends, in order.
        drafts: Its own rules; incomplete if there are problems.
        problems: What is wrong with it.
        destinations: Who is to be told of the run.
    """

    extends: tuple[Extension, ...]
    drafts: tuple[Draft, ...]
    problems: tuple[Problem, ...]
    destinations: tuple[Destination, ...] = ()


def read(doc: Document) -> Part:
    """Read the rules of a document."""
    if problem := _not_a_rules_file(doc):
        return Part((), (), (*doc.problems, problem))
    reader = _Reader(doc)
    extends, drafts = tuple(reader.extends()), tuple(reader.drafts())
    notify = NotifyReader(doc)
    destinations = tuple(notify.destinations())
    return Part(extends, drafts, (*reader.problems, *notify.problems), destinations)


def _not_a_rules_file(doc: Document) -> Problem | None:
    if not doc.data:
        return Problem(Place(doc.file, 1, 1), "no rules; write rules: and below it a list of them")
    if isinstance(doc.data, list):
        return doc.problem((), "a list alone is not a rules file; put rules: above it")
    if isinstance(doc.data, str):
        return doc.problem((), "a text alone is not a rules file; write rules: and below it a list")
    return None


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, doc: Document) -> None:
        self._doc = doc
        self._data: dict[str, Any] = doc.data
        self.problems = doc.problems
        for fault in faults(doc.data):
            if fault.of_key:
                self._complain_of_key(fault.location, fault.message)
            else:
                self._complain(fault.location, fault.message)

    def extends(self) -> Iterable[Extension]:
        given = self._data.get("extends")
        if given == []:
            self._complain(("extends",), "'extends' is empty; leave it out")
        places: list[Location] = [("extends",)]
        if isinstance(given, list):
            places = [("extends", index) for index in range(len(given))]
        for location in places:
            expanded = self._doc.text(location)
            if expanded is None:
                continue
            if expanded.text.strip():
                place = self._doc.place(location)
                yield Extension(place, expanded.text, self._doc.written(location))
            else:
                message = "'extends' takes the name of a pack or the path of a file"
                self._complain(location, message)

    def drafts(self) -> Iterable[Draft]:
        defaults = self._options(self._data.get("defaults"), ("defaults",))
        items = self._data.get("rules")
        if items == [] and "extends" not in self._data:
            self._complain(("rules",), "there is no rule, so nothing would be judged")
        for index, item in enumerate(items if isinstance(items, list) else []):
            draft = self._draft(item, ("rules", index), defaults)
            if draft:
                yield draft

    def _draft(self, item: object, location: Location, defaults: Options) -> Draft | None:
        name = because = None
        if isinstance(item, dict):
            check, misplaced = self._line((*location, "check"))
            self._complain_of_misplaced(misplaced, (*location, "check"))
            options = self._options(item, location, check)
            name = self._prose((*location, "name"))
            because = self._prose((*location, "because"))
        else:
            check, options = self._line(location)
        if check is None:
            return None
        place = self._doc.place(location)
        return Draft(place, self._about(location), check, options, defaults, name, because)

    def _line(self, location: Location) -> tuple[Check | None, Options]:
        expanded = self._doc.text(location)
        if expanded is None:
            return None, Options()
        check, options, complaints = grammar.parse(expanded.text)
        for complaint in complaints:
            self._complain(location, told(complaint, expanded), complaint.start)
        return check, options

    def _complain_of_misplaced(self, options: Options, location: Location) -> None:
        given = options.given()
        words = [word for word, option in OPTIONS.items() if option.field in given]
        if words:
            named = " and ".join(map(repr, words))
            self._complain(location, f"the check ends with its threshold; make {named} a key here")

    def _options(self, mapping: object, location: Location, check: Check | None = None) -> Options:
        options = Options()
        texts = {word: self._doc.text((*location, word)) for word in OPTIONS}
        given = {word for word, text in texts.items() if text and not is_undone(word, text.text)}
        for word, expanded in texts.items():
            where = (*location, word)
            if not isinstance(mapping, dict) or expanded is None:
                continue
            if word in given and (message := grammar.out_of_place(word, check, given)):
                check_text = self._doc.text((*location, "check"))
                if check_text and (variables := check_text.variables()):
                    message = _misfit(variables)
                self._complain_of_key(where, message)
            try:
                options = options.plus(word, expanded.text)
            except Complaint as complaint:
                complaint.expected = OPTIONS[word].takes
                self._complain(where, f"{word}: {told(complaint, expanded)}", complaint.start)
        return options

    def _prose(self, location: Location) -> str | None:
        expanded = self._doc.text(location)
        if expanded is None:
            return None
        if not expanded.text.strip():
            message = f"{location[-1]}: write a text, or leave the key out"
            self._complain(location, message + _empty(expanded))
        return " ".join(expanded.text.split())

    def _complain(self, location: Location, message: str, offset: int | None = None) -> None:
        about = self._about(location)
        self.problems.append(self._doc.problem(location, about + message, offset))

    def _complain_of_key(self, location: Location, message: str) -> None:
        about = self._about(location)
        self.problems.append(self._doc.problem_of_key(location, about + message))

    def _about(self, location: Location) -> str:
        """``rule "checkout": `` for what is in a rule, by its name or its number."""
        if len(location) > 1 and location[0] == "notify":
            return f"destination {int(location[1]) + 1}: "
        if len(location) < 2 or location[0] != "rules":
            return "defaults: " if len(location) > 1 and location[0] == "defaults" else ""
        index = location[1]
        assert isinstance(index, int)
        rule = self._data["rules"][index]
        name = rule.get("name") if isinstance(rule, dict) else None
        if not isinstance(name, str) or not name:
            return f"rule {index + 1}: "
        return f'rule "{self._doc.written((*location[:2], "name"))}": '


def told(complaint: Complaint, expanded: Expanded) -> str:
    """What the complaint about a text says, without anything that a variable stands for."""
    start, end = complaint.start, complaint.end
    end = len(expanded.text) if end is None else end
    if variables := expanded.variables(start, end):
        stands = f"what {one_of(variables, 'and')} {_verb(variables)} for"
        this = f"{stands} is" if expanded.covers(start, end) else f"with {stands}, this is"
        return f"{this} not {complaint.expected} {NOT_SHOWN}"
    if variables := expanded.variables(*complaint.repeats):
        return _misfit(variables)
    return complaint.message + _empty(expanded)


def _misfit(variables: tuple[str, ...]) -> str:
    named = one_of(variables, "and")
    return f"this does not fit what {named} {_verb(variables)} for {NOT_SHOWN}"


def _empty(expanded: Expanded) -> str:
    empty = expanded.empty_variables
    return f" ({one_of(empty, 'and')} {_verb(empty)} for nothing)" if empty else ""


def _verb(variables: tuple[str, ...]) -> str:
    return "stands" if len(variables) == 1 else "stand"
