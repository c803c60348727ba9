"""Text on a terminal, in a file, and where nobody reads it."""

from __future__ import annotations

import io
import re

import pytest

from guard.terminal import Page


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Closed(io.StringIO):
    def write(self, _):
        raise BrokenPipeError


def shown(file):
    page = Page(file)
    table = page.table(("One", "Two"), leading=1)
    table.add_row(page.text("red [bold]", "red"), page.text("x" * 100))
    table.add_row(page.text("grün"), page.text("y"))
    page.show(table)
    return file.getvalue()


def test_a_file_gets_80_columns_no_colour_and_no_trailing_blanks():
    text = shown(io.StringIO())
    assert max(map(len, text.splitlines())) == 80
    assert "\x1b" not in text
    assert "red [bold]" in text
    assert not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize(("columns", "width"), [("40", 80), ("100", 100)])
def test_a_terminal_is_used_as_wide_as_it_is(monkeypatch, columns, width):
    """But for less than 80 columns, in which no table has room."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown(Terminal()))
    assert max(map(len, plain.splitlines())) == width


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(monkeypatch, no_color, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[31m" in shown(Terminal())) == coloured


def test_nobody_reading_is_no_error():
    page = Page(Closed())
    page.say("line")
    page.show("line")


def test_a_line_is_written_whole():
    file = io.StringIO()
    Page(file).say("word " * 50)
    assert file.getvalue() == "word " * 50 + "\n"
