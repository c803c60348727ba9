"""What is wrong with a rules file, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Complaint(ValueError):
    """A fault in a piece of text.

    Attributes:
        message: What is wrong, and what would be right.
        offset: Where in the text it begins, counted in characters from zero.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A fault at a position of a file. Lines and columns count from one."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class RulesError(Exception):
    """A rules file can't be used. Its text has one line a problem.

    Attributes:
        problems: Every fault found, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, legal: Sequence[str]) -> str:
    """``; did you mean 'p95'?`` when one of the legal words is close, else nothing."""
    near = difflib.get_close_matches(word, legal, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def one_of(words: Sequence[str]) -> str:
    """``stop, fail or warn``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
