"""A YAML text as plain data, with the position of everything in it.

Scalars stay the text that was written: YAML would make a boolean of ``on``, 45000 of ``12:30:00``
and 8 of ``010``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from guard.language.errors import Problem
from guard.rule import Place

Location = tuple[str | int, ...]
"""Keys and indexes from the top of a document: ``("rules", 0, "over")``."""

MAX_BYTES = 100_000
_MAX_DEPTH = 20
_MAX_NODES = 20_000
_DOUBLE_QUOTED_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)")
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)


class Unreadable(Exception):
    """The text is not a document that can be read at all."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


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

    def place(self, location: Location, offset: int | None = None) -> Place:
        """Where the value at the location is, or the character that comes so many on in it."""
        return Place(self.file, *_position(self._values[location], offset))

    def problem(self, location: Location, message: str, offset: int | None = None) -> Problem:
        """A fault of the value at the location, or in it so many characters on."""
        return Problem(self.place(location, offset), message)

    def problem_of_key(self, location: Location, message: str) -> Problem:
        """A fault of the key at the location."""
        return Problem(Place(self.file, *_position(self._keys[location])), message)


def read(content: bytes, file: str) -> Document:
    """Read the content of a file.

    Raises:
        Unreadable: It is too large, not UTF-8, or not YAML.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(
            Problem(
                Place(file, 1, 1), f"too large for a rules file, which has up to {MAX_BYTES} bytes"
            )
        )
    text = _decoded(content, file)
    root = _composed(text, file)
    unfolding = _Unfolding(file)
    data = None if root is None else unfolding.value(root, ())
    return Document(file, data, unfolding.problems, unfolding.values, unfolding.keys)


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise Unreadable(Problem(Place(file, line, column), message)) from None


def _composed(text: str, file: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        character = ord(error.character) if isinstance(error.character, str) else error.character
        message = f"character U+{character:04X} is not allowed in YAML"
        raise Unreadable(Problem(Place(file, line, column), message)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(Problem(Place(file, line, column), _yaml_complaint(error))) from None
    except RecursionError:
        raise Unreadable(Problem(Place(file, 1, 1), "nested too deeply for a rules file")) from None


def _yaml_complaint(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unreadable"
    if "'\\t'" in problem:
        return "YAML can't be indented with tabs; use spaces"
    if "mapping values are not allowed" in problem:
        return "unexpected ':'; put a text that contains ': ' in quotes"
    if "expected a single document" in (error.context or ""):
        return "a second document begins here; a rules file is a single one"
    return f"not YAML: {problem}"


class _Unfolding:
    """Turns nodes into data and notes where each came from, aliases and all."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.values: dict[Location, yaml.Node] = {}
        self.keys: dict[Location, yaml.Node] = {}
        self._file = file
        self._nodes = 0

    def value(self, node: yaml.Node, location: Location) -> Any:
        self._nodes += 1
        self.values[location] = node
        if len(location) > _MAX_DEPTH or self._nodes > _MAX_NODES:
            message = "nested too deeply, or too many aliases, for a rules file"
            raise Unreadable(self._problem(node, message))
        if node.tag not in _PLAIN_TAGS:
            raise Unreadable(self._problem(node, f"the tag {node.tag!r} has no meaning here"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        return node.value

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

    def _problem(self, node: yaml.Node, message: str) -> Problem:
        return Problem(Place(self._file, *_position(node)), message)


def _position(node: yaml.Node, offset: int | None = None) -> tuple[int, int]:
    """Line and column, from one, of a node or of a character in a scalar on a single line."""
    start, end = node.start_mark, node.end_mark
    line, column = start.line + 1, start.column + 1
    if offset is None or not isinstance(node, yaml.ScalarNode) or start.line != end.line:
        return line, column
    return line, column + _written(node, offset)


def _written(node: yaml.ScalarNode, offset: int) -> int:
    """How many characters of the file come before one of the scalar's text: with its quote and
    escapes they are more."""
    if node.style not in ("'", '"'):
        return offset
    start = node.start_mark
    raw = start.buffer[start.pointer + 1 :] if start.buffer else ""
    escape = re.compile(r"''") if node.style == "'" else _DOUBLE_QUOTED_ESCAPE
    position = 0
    for _ in range(offset):
        match = escape.match(raw, position)
        position = match.end() if match else position + 1
    return 1 + position
