"""Where the characters of a YAML text stand in its file."""

from __future__ import annotations

import re
from functools import lru_cache

import yaml

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPES = {
    "'": re.compile(r"''|.", re.DOTALL),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|.", re.DOTALL),
}


def position(node: yaml.Node, offset: int | None = None) -> tuple[int, int]:
    """Line and column, from one, of a node or of a character in a scalar.

    Of scalars on several lines only the ``$`` signs can be told apart; other characters count as
    being where the scalar begins.

    Args:
        node: The node.
        offset: How many characters of the scalar's text come before the one that is meant.
    """
    start, end = node.start_mark, node.end_mark
    line, column = start.line + 1, start.column + 1
    if offset is None or not isinstance(node, yaml.ScalarNode) or start.buffer is None:
        return line, column
    raw = start.buffer[start.pointer : end.pointer]
    lines, columns = extent(raw[: _index(node, raw, offset)])
    return line + lines, columns + (1 if lines else column)


def extent(text: str) -> tuple[int, int]:
    """How many lines a text ends, by the rules of YAML, and how many characters come after."""
    *_, last = ends = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    return len(ends) - 1, len(text) - last


def _index(node: yaml.ScalarNode, raw: str, offset: int) -> int:
    """How many characters of the raw text, quotes and anchors and all, come before one of the
    scalar's text."""
    properties = _PROPERTIES.match(raw)
    begin = properties.end() if properties else 0
    if _LINE_BREAK.search(raw, begin):
        return _index_of_dollar(node.value, raw, offset) or begin
    if node.style not in _ESCAPES:
        return begin + offset
    starts = _starts(raw[begin + 1 :], node.style)
    return begin + 1 + starts[min(offset, len(starts) - 1)]


def _index_of_dollar(text: str, raw: str, offset: int) -> int | None:
    """Lines are folded and indented away, but no ``$`` gets lost: the n-th of the text is the n-th
    of the raw text, unless one was written as an escape or in a comment."""
    dollars = [match.start() for match in re.finditer(r"\$", raw)]
    if text[offset : offset + 1] != "$" or text.count("$") != len(dollars):
        return None
    return dollars[text.count("$", 0, offset)]


@lru_cache(maxsize=8)
def _starts(raw: str, style: str) -> tuple[int, ...]:
    """Where each character of a quoted text begins in its raw form, and where the text ends."""
    starts = [match.start() for match in _ESCAPES[style].finditer(raw)]
    return (*starts, len(raw))
