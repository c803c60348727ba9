"""A file's content as YAML nodes, or why it is not YAML."""

from __future__ import annotations

import re

import yaml

from guard.language.errors import Problem
from guard.language.scalar import extent
from guard.rule import Place

MAX_DEPTH = 20
MAX_NODES = 5_000

TOO_DEEP = "nested too deeply"
TOO_MANY = "too many values or aliases"

_KEY = re.compile(r"\s*\w+\s*")
_WITH_KEY = re.compile(r"\s*(-\s+)?\w+\s*:\s")
_INSTEAD = {
    r"expected (<block end>|',' or '[\]}]'), but (found|got) '(<scalar>|[\[\]{}])'": (
        "put the whole of a rule with brackets or quotes in it in quotes, of the other kind than "
        "those in it"
    ),
    "expected <block end>, but found '<block mapping start>'": (
        "these keys belong to nothing; a rule with keys below it begins with 'check:', and they "
        "stand exactly below each other"
    ),
    "expected <block end>, but found '(-|<block sequence start>)'": (
        "this '-' belongs to nothing; those of a list stand exactly below each other"
    ),
}
"""What to write instead, by what PyYAML says."""


class Unreadable(Exception):
    """The text is not a document that can be read at all."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def compose(content: bytes, file: str, kind: str) -> yaml.Node | None:
    """The node at the top; None for a text without any content.

    Args:
        content: UTF-8 text.
        file: Name of the file for messages.
        kind: What kind of file it is, for messages: ``a rules file``.

    Raises:
        Unreadable: It is not UTF-8, not YAML, or too much of it.
    """
    text = _decoded(content, file)
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        lines, columns = extent(before)
        character = ord(error.character) if isinstance(error.character, str) else error.character
        message = f"character U+{character:04X} is not allowed in YAML"
        raise Unreadable(Problem(Place(file, lines + 1, columns + 1), message)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = _yaml_complaint(error, mark, kind)
        if _is_variable(mark):
            column -= 1
            message = "a text with ${ in it must be in quotes here, inside [ ] or { }"
        raise Unreadable(Problem(Place(file, line, column), message)) from None
    except (ValueError, OverflowError):  # of int() and chr(), which PyYAML leaves alone
        mark = loader.get_mark()
        message = "not YAML: there is no such character or number"
        raise Unreadable(Problem(Place(file, mark.line + 1, mark.column + 1), message)) from None


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        lines, columns = extent(before)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise Unreadable(Problem(Place(file, lines + 1, columns + 1), message)) from None


class _Loader(yaml.SafeLoader):
    """Gives up on nesting that would exhaust the stack, and on what is too much to compose."""

    _depth = 0
    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH or self._nodes > 2 * MAX_NODES:  # keys are nodes here, too
            problem = TOO_DEEP if self._depth > MAX_DEPTH else TOO_MANY
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # not in the stubs
            raise yaml.composer.ComposerError(None, None, problem, mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _yaml_complaint(error: yaml.MarkedYAMLError, mark: yaml.Mark | None, kind: str) -> str:
    problem = error.problem or "unreadable"
    if problem in (TOO_DEEP, TOO_MANY):
        return f"{problem} for {kind}"
    if "'\\t'" in problem:
        return "YAML can't be indented with tabs; use spaces"
    if "mapping values are not allowed" in problem:
        return _of_colon(*_lines_to(mark))
    if "expected a single document" in (error.context or ""):
        return f"a second document begins here; {kind} is a single one"
    advice = (message for pattern, message in _INSTEAD.items() if re.fullmatch(pattern, problem))
    return f"not YAML: {next(advice, problem)}"


def _lines_to(mark: yaml.Mark | None) -> tuple[str, str]:
    """The last line with something in it before that of the mark, and the mark's up to there."""
    if mark is None or not mark.buffer:
        return "", ""
    *before, line = mark.buffer[: mark.pointer].split("\n")
    return next((above for above in reversed(before) if above.strip()), ""), line


def _of_colon(above: str, line: str) -> str:
    """What to say of a colon that YAML can't have, behind that beginning of its line."""
    if not _KEY.fullmatch(line):
        return "unexpected ':'; put a text that contains ': ' in quotes"
    if _WITH_KEY.match(above):
        return f"unexpected ':'; indent {line.strip()!r} like the key above it"
    return (
        "unexpected ':'; options go on the rule's line, as in 'p95 < 500ms over 10s', or the rule "
        "begins with 'check:' when it has keys below it"
    )


def _is_variable(mark: yaml.Mark | None) -> bool:
    """Whether YAML took the brace of ``${`` for the beginning of a mapping."""
    if mark is None or not mark.buffer:
        return False
    return mark.buffer[max(mark.pointer - 1, 0) : mark.pointer + 1] == "${"
