"""Text for people, as wide, as colourful and as Unicode as the place that it is written to."""

from __future__ import annotations

import errno
import io
import logging
import re
import shutil
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # rich takes its time to import
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

logger = logging.getLogger("guard")

WIDTH = 80
"""Columns where there is no terminal, and the fewest where there is one."""

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that can't be seen: control characters, separators of lines, changes of the direction
of writing, halves of characters, and what has no width but for what joins emoji."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Those that would do something to a terminal."""

_COMMAND = re.compile(r"##(?=\w*\[)|^(\s*):(?=:)", re.MULTILINE)
"""Where a CI service would read a command: ``##vso[`` and ``##teamcity[`` anywhere in a line,
``::error::`` at its beginning."""


def visible(text: str) -> str:
    """The text in one line, with escapes for what can't be seen: ``\\n``, ``\\x1b``."""
    return _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], text)


def defused(text: str) -> str:
    """The text with a blank in each command that a CI service would read in it."""
    return _COMMAND.sub(lambda match: "# #" if match[1] is None else f"{match[1]}: ", text)


def shortened(text: str, most: int) -> str:
    """The text, without its middle if it has more characters than that."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}\u2026{text[head + 1 - most :]}"


class OneLine(logging.Filter):
    """Lets a log message be one line, that no terminal and no CI service takes for more than text,
    and so each line of a traceback.

    What is logged names requests and quotes failures, and these are what a server sent.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        plain = defused(visible(message))
        if plain != message:
            record.msg, record.args = plain, None
        if record.exc_info and not record.exc_text:
            trace = logging.Formatter().formatException(record.exc_info).split("\n")
            record.exc_text = "\n".join(defused(visible(line)) for line in trace)
        return True


logger.addFilter(OneLine())


_GONE = (errno.EIO, errno.EBADF)
"""What is said of a terminal that is closed."""


class UnwritableError(Exception):
    """What is to be written finds no place. The text says why."""


class Page:
    """What is written to one file.

    80 columns wide or as wide as the terminal, without colour unless the file is one, and in ASCII
    where its encoding knows no more. A file that is closed at its other end is no error.

    Raises:
        UnwritableError: The file can't be written, because the disk is full, say.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._encoding = getattr(file, "encoding", None) or "utf-8"

    def text(self, content: str, style: str = "") -> Text:
        """The content, with what the file can't show as an escape. No markup is read in it, and
        nothing in it but the end of a line does anything."""
        from rich.text import Text

        lines = content.split("\n")
        return Text(self._writable("\n".join(map(visible, lines))), style)

    def table(self, headings: Sequence[str], *, leading: int = 0) -> Table:
        """An empty table. Its cells wrap.

        Args:
            headings: One a column.
            leading: How many empty lines there are between its rows.
        """
        from rich.box import ASCII2, SIMPLE_HEAD
        from rich.table import Table

        is_utf = self._encoding.lower().startswith("utf")
        box = SIMPLE_HEAD if is_utf else ASCII2
        table = Table(box=box, pad_edge=False, show_edge=False, leading=leading)
        for heading in headings:
            table.add_column(heading, overflow="fold")
        return table

    def show(self, *what: RenderableType) -> None:
        """Write tables and texts below each other, wrapped to the width."""
        from rich.console import Console

        is_terminal = self._file.isatty()
        drawn = io.StringIO()
        console = Console(
            file=drawn,
            force_terminal=is_terminal,
            width=max(WIDTH, shutil.get_terminal_size().columns) if is_terminal else WIDTH,
            highlight=False,
        )
        for renderable in what:
            console.print(renderable)
        text = drawn.getvalue()
        # The blanks up to the width are for a background colour that a file does not have.
        self._write(text if is_terminal else defused(re.sub(r" +$", "", text, flags=re.MULTILINE)))

    def say(self, line: str) -> None:
        """Write a line that is not wrapped, however long."""
        self._write(self._writable(line) + "\n")

    def command(self, line: str) -> None:
        """Write a line for a program that reads this, with all that it does."""
        self._write(self._encodable(line) + "\n")

    def _writable(self, text: str) -> str:
        return self._encodable(_CONTROL.sub(lambda found: ascii(found[0])[1:-1], text))

    def _encodable(self, text: str) -> str:
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and error.errno not in _GONE:
                raise UnwritableError(error.strerror or str(error)) from error
            logger.debug("nobody reads this any more")
