"""Text on a terminal, in a file, and where nobody reads it."""

from __future__ import annotations

import io
import logging
import re

import pytest

from guard.terminal import OneLine, Page, defused, shortened, visible


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gr\u00fcn \U0001f469\u200d\U0001f467 [id]", "gr\u00fcn \U0001f469\u200d\U0001f467 [id]"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
        ("\u202egpj.exe\u2028\ud800", r"\u202egpj.exe\u2028\ud800"),
    ],
)
def test_what_cannot_be_seen_is_an_escape(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see ##vso[task.complete]", "see # #vso[task.complete]"),
        ("##teamcity[x] ##[error]y", "# #teamcity[x] # #[error]y"),
        ("a\n  ::error::x", "a\n  : :error::x"),
        ("## of std::vector[0]", "## of std::vector[0]"),
    ],
)
def test_what_a_ci_service_would_read_as_a_command_has_a_blank_in_it(text, shown):
    assert defused(text) == shown


def test_a_long_text_loses_its_middle():
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("abcdefghijk", 10) == "abcdef\u2026ijk"


def test_a_log_message_is_one_line_and_no_command(caplog):
    caplog.set_level(logging.INFO, logger="guard")
    logging.getLogger("guard").info("%s failed", "a\n::error::b\x1b[0m ##vso[x]")
    logging.getLogger("guard").info("as %s is", "it")
    assert caplog.messages == [r"a\n::error::b\x1b[0m # #vso[x] failed", "as it is"]
    assert sum(isinstance(each, OneLine) for each in logging.getLogger("guard").filters) == 1


def test_a_table_gives_no_command_and_no_colour_of_its_content():
    file = io.StringIO()
    page = Page(file)
    table = page.table(("One", "Two"))
    table.add_row(page.text("a\n::error::b \x1b[31m"), page.text("##vso[x] " * 20))
    page.show(table, page.text("Verdict " + "x" * 71 + " ::set-output::y"))
    text = file.getvalue()
    assert "\x1b" not in text
    assert "##vso[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert ": :set-output" in text
