"""The lines of a recording, in blocks: of a file, compressed or not, or of the standard input."""

from __future__ import annotations

import codecs
import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK = 4 << 20
"""Bytes of a block, about."""

LONGEST_ROW = 16 << 20
"""Bytes after which a quotation that does not end is taken for a stray quote."""

STDIN = "-"
"""The name of the standard input."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines, with no row cut in two.

    Attributes:
        lines: Their bytes.
        first: Number of the first one, from 1.
        is_last: Whether nothing follows, so that the last row may be half written.
    """

    lines: bytes
    first: int
    is_last: bool


class Lines:
    """The lines of a recording. They can be read as often as need be.

    What is written to the file later is not read.

    Args:
        path: The file, or ``-`` for the standard input, which is kept in a temporary file.

    Raises:
        OSError: It can't be read.

    Attributes:
        header: The first line.
        size: Its bytes as they are stored.
        is_cut: Whether it is compressed and ended too early when it was last read.
    """

    def __init__(self, path: str) -> None:
        self.is_cut = False
        self._file = _spooled() if path == STDIN else _opened(path)
        self._is_compressed = self._file.read(2) == _GZIP
        self.size = self._file.seek(0, 2)
        self.header = ""
        block = next(self._blocks(), None)
        self.header = block.lines.partition(b"\n")[0].decode("utf-8", "replace") if block else ""

    @property
    def read(self) -> float:
        """How much of it has been read, 0 to 1."""
        return min(1.0, self._file.tell() / max(self.size, 1))

    def close(self) -> None:
        """Read no more."""
        self._file.close()

    def blocks(self) -> Iterator[Block]:
        """All lines after the header."""
        blocks = self._blocks()
        first = next(blocks)
        yield Block(first.lines.partition(b"\n")[2], 2, first.is_last)
        yield from blocks

    def _blocks(self) -> Iterator[Block]:
        first, rest = 1, b""
        for piece in self._pieces():
            rest = rest + piece if rest or first > 1 else piece.removeprefix(codecs.BOM_UTF8)
            if len(rest) >= BLOCK and (end := _end_of_rows(rest)):
                lines, rest = rest[:end], rest[end:]
                yield Block(lines, first, is_last=False)
                first += lines.count(b"\n")
        yield Block(rest, first, is_last=True)

    def _pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        if not self._is_compressed:
            left = self.size
            while left > 0 and (piece := self._file.read(min(BLOCK, left))):
                left -= len(piece)
                yield piece
            return
        with gzip.GzipFile(fileobj=self._file) as unpacked:
            try:
                while piece := unpacked.read1(BLOCK):  # no more at a time than is whole
                    yield piece
            except (EOFError, zlib.error):
                self.is_cut = True  # what was there has been read


def _opened(path: str) -> IO[bytes]:
    return Path(path).open("rb")


def _spooled() -> IO[bytes]:
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the lines
    shutil.copyfileobj(sys.stdin.buffer, spooled)
    spooled.seek(0)
    return spooled


def _end_of_rows(text: bytes) -> int:
    """Where the last row ends that is whole: at an end of a line that is in no quotation; zero if
    there is none."""
    end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2 and len(text) < LONGEST_ROW:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    return end
