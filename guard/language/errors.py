"""What is wrong with a rules file, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guard.rule import Place


class Complaint(ValueError):
    """A fault in a piece of text.

    Attributes:
        message: What is wrong, and what would be right.
        start: Where in the text it begins, counted in characters from zero.
        end: Where it ends; None for the end of the text.
        expected: What belongs there: ``a time such as 10s``.
        repeats: Start and end of another part of the text that the message repeats; equal if none.
    """

    def __init__(
        self,
        message: str,
        start: int = 0,
        end: int | None = None,
        expected: str = "",
        repeats: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.expected = expected
        self.repeats = repeats


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A fault at a place in a file."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RulesError(Exception):
    """A rules file can't be used. Its text has one line a problem.

    Attributes:
        problems: Every fault found, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))  # one of an anchor comes with each alias
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, legal: Sequence[str]) -> str:
    """``; did you mean 'p95'?`` when one of the legal words is close, or the same but for its
    capitals, else nothing."""
    near = difflib.get_close_matches(word, legal, n=1)
    if not near:
        folded = {other.casefold(): other for other in legal}
        near = [folded[word.casefold()]] if word.casefold() in folded else []
    return f"; did you mean {near[0]!r}?" if near else ""


def one_of(words: Sequence[str], conjunction: str = "or") -> str:
    """``stop, fail or warn``."""
    *most, last = words
    return f"{', '.join(most)} {conjunction} {last}" if most else last
