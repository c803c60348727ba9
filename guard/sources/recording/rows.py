"""The rows of a recording, read one by one. What this reads is what a recording says; where there
is a faster way (:mod:`.columns`), it must come to the same."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from guard.sources.recording.dates import seconds_of
from guard.sources.recording.layout import Kind, Kinds, Layout
from guard.sources.recording.lines import LONGEST_ROW, Block
from guard.sources.recording.moments import LATEST, MICROSECONDS, MOST_TOOK, ticks_of
from guard.sources.recording.tally import Concern, Group, Span
from guard.sources.rounding import rounded

BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read.

    Attributes:
        line: The line on which it begins.
        why: What is wrong with it.
    """

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


class Row(NamedTuple):
    """What a row says.

    Attributes:
        kind: What it is about.
        sent: When the request was sent, in microseconds since 1970; of a row on users, its moment.
        ended: When it was answered.
        took: Its response time in microseconds, if it has one.
        size: The size of its response in bytes.
        users: How many users were running then, if it says that.
    """

    kind: Kind
    sent: int
    ended: int
    took: int | None
    size: int
    users: int | None


class RowReader:
    """Reads blocks of a layout.

    Args:
        layout: The format.
        header: The names of the columns, in their order.
        delimiter: What stands between two.
    """

    def __init__(self, layout: Layout, header: Sequence[str], delimiter: str) -> None:
        self._layout = layout
        self._header = list(header)
        self._delimiter = delimiter
        place = {name: index for index, name in reversed(list(enumerate(header)))}
        self._time, self._took = place[layout.time], place[layout.took]
        self._size = place.get(layout.size or "")
        self._users = place.get(layout.users or "")
        self._kinds = Kinds(layout, header)
        self._labels = [place[name] for name in self._kinds.labels]

    def rows(self, block: Block) -> Iterator[Row | BadRow]:
        """The rows of interest, and those that can't be read."""
        usual = csv.field_size_limit(LONGEST_ROW)  # a failure may carry a page of text
        try:
            yield from self._rows(block)
        finally:
            csv.field_size_limit(usual)

    def _rows(self, block: Block) -> Iterator[Row | BadRow]:
        lines = list(io.StringIO(block.lines.decode("utf-8", "replace"), newline="\n"))
        begin = 0
        while begin < len(lines):
            unread = _Unread(lines, begin, self._is_row)
            row: Row | BadRow | None = None
            try:
                cells = next(csv.reader(unread, delimiter=self._delimiter))
                if cells and not self._is_header(cells):
                    row = self._row(cells)
            except (csv.Error, ValueError) as error:
                row = BadRow(block.first + begin, str(error))
            begin = unread.number
            is_cut = block.is_last and begin == len(lines) and not lines[-1].endswith("\n")
            if row is not None and not (is_cut and isinstance(row, BadRow)):
                yield row

    def _is_row(self, line: str) -> bool:
        """Whether the line is a row by itself, or the header."""
        try:
            cells = next(csv.reader([line], delimiter=self._delimiter))
            return bool(cells) and (self._is_header(cells) or self._row(cells) is not None)
        except (csv.Error, ValueError):
            return False

    def span(self, block: Block) -> tuple[Span, list[BadRow]]:
        """What there is in the block, and its bad rows."""
        found: list[Row] = []
        bad: list[BadRow] = []
        for row in self.rows(block):
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                found.append(row)
        requests = [row for row in found if row.kind.key is not None]
        return Span(
            requests=sum(not row.kind.is_sum for row in requests),
            sent=min((row.sent for row in requests), default=None),
            first=min((row.ended for row in found), default=None),
            last=max((row.ended for row in found), default=None),
            keys=frozenset(row.kind.key for row in requests if row.kind.key),
            has_users=any(row.users is not None for row in found),
        ), bad

    def groups(
        self,
        block: Block,
        concern: Callable[[Kind], Concern],
        zero: int,
        after: int,
        until: int,
    ) -> Iterator[Group]:
        """What is in the block, row by row. See :meth:`.columns.ColumnReader.groups`."""
        for row in self.rows(block):
            if isinstance(row, BadRow):
                continue
            kind, _, ended, took, size, users = row
            second = max(-((zero - ended) // 1_000_000), 1)
            if after < second <= until:
                times = {} if took is None else {rounded(took / 1000): 1}
                yield Group(second, concern(kind), 1, times, took, took, took, size, users)

    def _is_header(self, cells: Sequence[str]) -> bool:
        """Whether it is the header once more, of a recording that was put after another one."""
        return cells[0].removeprefix(BOM) == self._header[0] and cells[1:] == self._header[1:]

    def _row(self, cells: Sequence[str]) -> Row | None:
        if len(cells) != len(self._header):
            columns = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
            raise ValueError(f"{columns} instead of {len(self._header)}")
        kind = self._kinds.of(tuple([cells[place] for place in self._labels]))
        if kind is None:
            return None
        layout = self._layout
        moment = _moment(cells[self._time], layout.ticks)
        number = _number(cells[self._took], layout.took) if cells[self._took] else None
        if kind.key is None:
            users = None if number is None else _whole(number)
            return Row(kind, moment, moment, None, 0, users)
        took = None
        if number is not None:
            if not 0 <= number <= MOST_TOOK:
                raise ValueError(f"{layout.took} is {cells[self._took]}, which no request takes")
            took = _whole(number * 1000.0)
        sent, ended = moment, moment + (took or 0)
        if layout.is_end:
            sent, ended = moment - (took or 0), moment
        users = None if layout.users == layout.took else self._count(cells, self._users)
        return Row(kind, sent, ended, took, self._count(cells, self._size) or 0, users)

    def _count(self, cells: Sequence[str], place: int | None) -> int | None:
        if place is None or not cells[place]:
            return None
        return _whole(_number(cells[place], self._header[place]))


class _Unread:
    """The lines that a row may consist of.

    Attributes:
        number: Number of the first one that it does not.
    """

    def __init__(self, lines: Sequence[str], begin: int, is_row: Callable[[str], bool]) -> None:
        self.number = begin
        self._lines = lines
        self._begin = begin
        self._is_row = is_row

    def __iter__(self) -> _Unread:
        return self

    def __next__(self) -> str:
        if self.number == len(self._lines):
            raise StopIteration
        line = self._lines[self.number]
        if self.number > self._begin and self._is_row(line):
            # What is asked for more lines has a quotation, and a quotation has no row in it.
            self.number = self._begin + 1
            raise ValueError("a quotation begins here that does not end")
        self.number += 1
        return line


def _moment(text: str, ticks: float) -> int:
    try:
        moment = float(text)
    except ValueError:
        return _whole(seconds_of(text) * MICROSECONDS)
    ticks = ticks_of(moment, ticks)
    if not 0 <= moment <= LATEST * ticks:
        raise ValueError(f"{text!r} is no moment since 1970")
    return _whole(moment * (MICROSECONDS / ticks))


def _number(text: str, column: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{column} is {text!r}, which is no number") from None
    if not abs(number) <= MOST_TOOK * 1000:
        raise ValueError(f"{column} is {text}, which is beyond all measure")
    return number


def _whole(number: float) -> int:
    return math.floor(number + 0.5)
