"""Names of requests that there are, from a file: a list, or what Locust wrote of a run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from guard.rule import Selection, matches, method_and_name

MAX_BYTES = 50_000_000
_METHOD_COLUMNS = ("type", "method", "request_type")
_NAME_COLUMN = "name"
_TOTALS_COLUMN = "user count"  # of Locust's history, which has no names by default
_OF_EXCEPTIONS = ["count", "message", "traceback"]
_INSTEAD = "give the file of Locust's that ends in _stats.csv"


class UnreadableNames(Exception):
    """The file has no names, or can't be read. Its text is one line that says why."""


@dataclass(frozen=True, slots=True, order=True)
class RequestName:
    """A request that there is; the method is None where the file does not tell."""

    name: str
    method: str | None = None

    @property
    def label(self) -> str:
        """The request as people write it: ``POST /checkout``."""
        return f"{self.method} {self.name}" if self.method else self.name

    def is_selected(self, selection: Selection) -> bool:
        """Whether a rule on the selection would see this request, or may see it."""
        if self.method is not None:
            return selection.matches(self.method, self.name)
        word, _, rest = self.name.partition(" ")  # it may be a method in lower case
        return (
            selection.matches("", self.name)
            or matches(selection.name, self.name)
            or selection.matches(word, rest.lstrip())
        )


def load_names(path: str) -> tuple[RequestName, ...]:
    """The names in a file, each once, in the order of the file.

    The file has one name a line, ``/checkout`` or ``POST /checkout``, or is one of Locust's CSV
    files, with a column for the method (``Type``, ``Method`` or ``request_type``) and one for the
    name.

    Raises:
        UnreadableNames: The file can't be read or has no names.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines(keepends=True)
    except OSError as error:
        raise UnreadableNames(f"{path}: can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnreadableNames(f"{path}: not UTF-8; save the file as UTF-8") from None
    if len(content) > MAX_BYTES:
        raise UnreadableNames(f"{path}: too large for a list of names; give it each name once")
    try:
        if lines and _headings(lines[0])[: len(_OF_EXCEPTIONS)] == _OF_EXCEPTIONS:
            raise UnreadableNames(f"{path}: has exceptions, not names of requests; {_INSTEAD}")
        names = _names(lines)
    except csv.Error as error:
        raise UnreadableNames(f"{path}: not a CSV file: {error}") from None
    if not names and lines and _TOTALS_COLUMN in _headings(lines[0]):
        raise UnreadableNames(f"{path}: has the totals of a run only; {_INSTEAD}")
    if not names:
        what = "one name a line, or one of Locust's CSV files"
        raise UnreadableNames(f"{path}: has no names of requests; it takes {what}")
    return tuple(names)


def _names(lines: Sequence[str]) -> list[RequestName]:
    columns = _columns(lines[0]) if lines else None
    found = _of_table(lines[1:], *columns) if columns else map(_of_line, lines)
    return [name for name in dict.fromkeys(found) if name.name]


def _columns(heading: str) -> tuple[int, int] | None:
    """Where a CSV file has the method and the name; None for a file that is none."""
    headings = _headings(heading)
    methods = [index for index, cell in enumerate(headings) if cell in _METHOD_COLUMNS]
    if not methods or _NAME_COLUMN not in headings:
        return None
    return methods[0], headings.index(_NAME_COLUMN)


def _headings(line: str) -> list[str]:
    return [cell.strip().lower() for cell in next(csv.reader([line]), [])]


def _of_table(lines: Sequence[str], method: int, name: int) -> Iterable[RequestName]:
    for row in csv.reader(lines):
        # The rows on all requests together have no method.
        if len(row) > max(method, name) and not (row[method] == "" and row[name] == "Aggregated"):
            yield RequestName(row[name], row[method])


def _of_line(line: str) -> RequestName:
    line = line.strip()
    method, name = method_and_name(line)
    return RequestName(name, method)
