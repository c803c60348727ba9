"""A YAML text as plain data, with the position of everything in it.

Scalars stay the text that was written: YAML would make a boolean of ``on``, 45000 of ``12:30:00``
and 8 of ``010``. Only variables of the environment are filled in, in values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from guard.language import nodes
from guard.language.environment import HALF_A_CHARACTER, Expanded, NotSet, expand
from guard.language.errors import Complaint, Problem
from guard.language.nodes import Unreadable
from guard.language.scalar import position
from guard.rule import Place

Location = tuple[str | int, ...]
"""Keys and indexes from the top of a document: ``("rules", 0, "over")``."""

MAX_BYTES = 50_000
"""What a rules file may have, together with all that it extends."""

MAX_TEXT = 1000
"""How many characters a value may have. It keeps the time to read one short."""

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)


@dataclass(slots=True)
class Allowance:
    """What may still be read, of a file and of all that it extends together.

    Attributes:
        content: Bytes of files.
        nodes: Mappings, lists and texts, those that come from aliases each time anew.
        text: Characters of texts, variables filled in.
        kind: What kind of file this is, for messages.
    """

    content: int = MAX_BYTES
    nodes: int = nodes.MAX_NODES
    text: int = MAX_BYTES
    kind: str = "a rules file"


@dataclass(frozen=True, slots=True)
class Document:
    """A document's data, its faults so far, and where things are.

    ``data`` consists of dicts, lists and strings. It is None for a text without any content.
    """

    file: str
    data: Any
    problems: list[Problem]
    _values: dict[Location, yaml.Node]
    _keys: dict[Location, yaml.Node]
    _expanded: dict[Location, Expanded | None]
    _missing: dict[Location, tuple[str, ...]]

    def missing(self, location: Location) -> tuple[str, ...]:
        """The variables that are not set in the text at the location, if it may be a secret. Those
        of other texts are among the problems."""
        return self._missing.get(location, ())

    def text(self, location: Location) -> Expanded | None:
        """The text at the location; None if there is none, or if it is at fault, which is one of
        the problems already."""
        return self._expanded.get(location)

    def written(self, location: Location) -> str:
        """The text at the location as it is written, with its variables not filled in; on one line
        and fit for messages."""
        text = str(self._values[location].value)
        return text if text.isprintable() else ascii(text)[1:-1]

    def place(self, location: Location, offset: int | None = None) -> Place:
        """Where the value at the location is, or the character that comes so many on in it."""
        expanded = self._expanded.get(location)
        if offset is not None and expanded:
            offset = expanded.written_offset(offset)
        return Place(self.file, *position(self._values[location], offset))

    def problem(self, location: Location, message: str, offset: int | None = None) -> Problem:
        """A fault of the value at the location, or in it so many characters on."""
        return Problem(self.place(location, offset), message)

    def problem_of_key(self, location: Location, message: str) -> Problem:
        """A fault of the key at the location."""
        return Problem(Place(self.file, *position(self._keys[location])), message)


def read(
    content: bytes, file: str, environment: Mapping[str, str], allowance: Allowance
) -> Document:
    """Read the content of a file.

    Args:
        content: UTF-8 text.
        file: Name of the file for messages.
        environment: The value of each variable.
        allowance: What may be read; it shrinks by what is.

    Raises:
        Unreadable: It is too large, not UTF-8, or not YAML.
    """
    allowance.content -= len(content)
    if allowance.content < 0:
        limit = f"which has up to {MAX_BYTES} bytes together with all that it extends"
        raise Unreadable(Problem(Place(file, 1, 1), f"too large for {allowance.kind}, {limit}"))
    root = nodes.compose(content, file, allowance.kind)
    unfolding = _Unfolding(file, environment, allowance)
    data = None if root is None else unfolding.value(root, ())
    return Document(
        file,
        data,
        unfolding.problems,
        unfolding.values,
        unfolding.keys,
        unfolding.expanded,
        unfolding.missing,
    )


def _may_be_secret(location: Location) -> bool:
    """Whether nothing ever shows the text at the location. Where rules are only looked at, nobody
    has set its variables."""
    return location[:1] == ("notify",) and location[2:3] == ("to",)


class _Unfolding:
    """Turns nodes into data and notes where each came from, aliases and all."""

    def __init__(self, file: str, environment: Mapping[str, str], allowance: Allowance) -> None:
        self.problems: list[Problem] = []
        self.values: dict[Location, yaml.Node] = {}
        self.keys: dict[Location, yaml.Node] = {}
        self.expanded: dict[Location, Expanded | None] = {}
        self.missing: dict[Location, tuple[str, ...]] = {}
        self._file = file
        self._environment = environment
        self._allowance = allowance

    def value(self, node: yaml.Node, location: Location) -> Any:
        self._allowance.nodes -= 1
        self.values[location] = node
        if len(location) > nodes.MAX_DEPTH:  # of an alias in itself, say
            raise Unreadable(self._problem(node, f"{nodes.TOO_DEEP} for {self._allowance.kind}"))
        if self._allowance.nodes < 0:
            raise Unreadable(self._problem(node, f"{nodes.TOO_MANY} for {self._allowance.kind}"))
        if node.tag not in _PLAIN_TAGS:
            raise Unreadable(self._problem(node, f"the tag {node.tag!r} has no meaning here"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        return self._text(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            where = (*location, key)
            if not isinstance(key, str):
                self.problems.append(self._problem(key_node, "a key must be text"))
            elif key in data:
                first = self.keys[where].start_mark.line + 1
                message = f"key {key!r} is given twice; the first is in line {first}"
                self.problems.append(self._problem(key_node, message))
            else:
                self.keys[where] = key_node
                data[key] = self.value(value_node, where)
        return data

    def _text(self, node: yaml.Node, location: Location) -> str:
        written: str = node.value
        expanded, complaints = Expanded(written, written), []
        if len(written) > MAX_TEXT:
            message = f"too long for a value, which has up to {MAX_TEXT} characters"
            complaints.append(Complaint(message))
        elif half := HALF_A_CHARACTER.search(written):
            message = "half a character; write the character itself, or \\U and its eight digits"
            complaints.append(Complaint(message, half.start()))
        else:
            secret = _may_be_secret(location)
            expanded, complaints = expand(written, self._environment, MAX_TEXT, secret=secret)
            if secret and (unset := [c for c in complaints if isinstance(c, NotSet)]):
                self.missing[location] = tuple(dict.fromkeys(c.variable for c in unset))
                complaints = [c for c in complaints if c not in unset]
                expanded = Expanded(written, "")
        self._allowance.text -= len(expanded.text)
        if self._allowance.text < 0:
            kind = self._allowance.kind
            message = f"too large for {kind} once all variables and aliases are filled in"
            raise Unreadable(self._problem(node, message))
        for complaint in complaints:
            self.problems.append(self._problem(node, complaint.message, complaint.start))
        self.expanded[location] = None if complaints else expanded
        return expanded.text

    def _problem(self, node: yaml.Node, message: str, offset: int | None = None) -> Problem:
        return Problem(Place(self._file, *position(node, offset)), message)
