"""One file of a recording: its format, who reads it, and what there is in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from guard.engine.snapshot import EntryKey
from guard.sources.recording.layout import LAYOUTS, Layout
from guard.sources.recording.lines import STDIN, Block, Lines
from guard.sources.recording.rows import BadRow, RowReader
from guard.sources.recording.tally import Concerns, Group, Span

if TYPE_CHECKING:
    from guard.sources.recording.columns import ColumnReader

ARROW_FROM = 4 << 20
"""Bytes of a recording from which on Apache Arrow saves more time than its import takes."""

MOST_NAMES = 100_000
"""Entries that are told apart when they are counted."""

MOST_SHOWN = 100
"""Characters of a first line that a message shows."""

MOST_BAD = 10
"""Bad rows of which the line is remembered."""


class RecordingError(Exception):
    """The file can't be taken for a recording. The text says why."""


class RecordingFile:
    """One file of a recording.

    Attributes:
        name: What people call it.
        layout: Its format.
        size: Its bytes as they are stored.
        is_slow: Whether Apache Arrow is missing where it would have saved time.
        spans: What is in each of its blocks.
        keys: Its entries.
        bad: How many rows can't be read.
        first_bad: The first of these, as people are told.
    """

    def __init__(self, path: str, form: str | None, may_be_fast: bool) -> None:
        self.name = "the standard input" if path == STDIN else path
        with self._complaints():
            self._lines = Lines(path)
        self.size = self._lines.size
        try:
            self.layout, columns, delimiter = _recognised(self.name, self._lines.header, form)
        except RecordingError:
            self.close()
            raise
        self._rows = RowReader(self.layout, columns, delimiter)
        self._columns: ColumnReader | None = None
        self.is_slow = False
        if may_be_fast and self.size >= ARROW_FROM:
            # Imported late, because it takes its time, which a small recording doesn't.
            try:
                from guard.sources.recording.columns import ColumnReader

                self._columns = ColumnReader(self.layout, columns, delimiter)
            except ImportError:
                self.is_slow = True
        self.spans: list[Span] = []
        self.keys: set[EntryKey] = set()
        self.bad = 0
        self.first_bad: list[str] = []

    def close(self) -> None:
        """Read no more."""
        self._lines.close()

    def look_through(self) -> Iterator[float]:
        """Find out what there is. Yields how much of it is done."""
        with self._complaints():
            for block in self._lines.blocks():
                span, bad = self._span(block)
                if len(self.keys) < MOST_NAMES:
                    self.keys |= span.keys
                self.spans.append(_without_keys(span))
                self.bad += len(bad)
                room = MOST_BAD - len(self.first_bad)
                self.first_bad += [f"{self.name}, {row}" for row in bad[:room]]
                yield self._lines.read
        if self._lines.is_cut:
            self.bad += 1
            self.first_bad.append(f"{self.name}: is cut off: its compressed data end too early")

    def blocks(self) -> Iterator[Block]:
        """All of it."""
        with self._complaints():
            yield from self._lines.blocks()

    def groups(
        self, block: Block, concerns: Concerns, zero: int, after: int, until: int
    ) -> Iterable[Group]:
        """What is in the block, of the seconds from ``after`` to ``until``."""
        if self._columns is not None:
            from guard.sources.recording.columns import UnreadableError

            with suppress(UnreadableError):
                # As a list, because what is unreadable shows only when it is read.
                return list(self._columns.groups(block, concerns.of, zero, after, until))
        return self._rows.groups(block, concerns.of, zero, after, until)

    def _span(self, block: Block) -> tuple[Span, Sequence[BadRow]]:
        if self._columns is not None:
            from guard.sources.recording.columns import UnreadableError

            with suppress(UnreadableError):
                return self._columns.span(block), ()
        return self._rows.span(block)

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        """Turns what the system says into what people are told."""
        try:
            yield
        except OSError as error:
            raise RecordingError(
                f"{self.name}: can't be read: {error.strerror or error}"
            ) from error


def _without_keys(span: Span) -> Span:
    return Span(span.requests, span.sent, span.first, span.last, has_users=span.has_users)


def _recognised(name: str, header: str, form: str | None) -> tuple[Layout, list[str], str]:
    """The format that a header is of, its columns, and what stands between them."""
    layouts = [LAYOUTS[form]] if form else list(LAYOUTS.values())
    for layout in layouts:
        for delimiter in layout.delimiters:
            columns = _cells(header, delimiter)
            if layout.is_of(columns):
                return layout, columns, delimiter
    if not header.strip():
        raise RecordingError(f"{name}: is empty")
    if form:
        missing = layouts[0].required - set(_cells(header, layouts[0].delimiters[0]))
        lacks = ", ".join(sorted(missing))
        raise RecordingError(f"{name}: is not {layouts[0].title}: its first line lacks {lacks}")
    raise RecordingError(f"{name}: {_instead(header)}")


_NO_RECORDINGS = {
    r"\ufffd\ufffd|.?\x00": "is in UTF-16; save it as UTF-8",
    r"\s*<\?xml|\s*<testResults": (
        "is JMeter's XML; let it write CSV, with -Jjmeter.save.saveservice.output_format=csv"
    ),
    r"\s*\{": "is JSON; let k6 write CSV, with --out csv=FILE",
    r"Type,Name,Request Count|Timestamp,User Count|Method,Name,Error": (
        "holds the statistics of locust --csv, which have no row a request; record these with "
        "Locust's CsvRequestLogger"
    ),
    r"\d{10,},\d+,": "has no header; let JMeter write one, with print_field_names=true",
}
"""What people have instead, by how it begins."""


def _instead(header: str) -> str:
    """What a file is that is no recording, by its first line."""
    for pattern, said in _NO_RECORDINGS.items():
        if re.match(pattern, header):
            return said
    columns = re.sub(r"\s+", " ", header.strip())
    shown = columns if len(columns) <= MOST_SHOWN else f"{columns[:MOST_SHOWN]}..."
    known = "; ".join(
        f"{layout.title} has {', '.join(sorted(layout.required))}" for layout in LAYOUTS.values()
    )
    return f"its first line is of no known format: {shown!r}; {known}"


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []
