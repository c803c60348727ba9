"""The progress bar appears where it is worth it."""

from __future__ import annotations

import io

import pytest

from guard.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("file", "seconds", "is_seen"),
    [(Terminal(), 1.5, True), (Terminal(), 0.5, False), (io.StringIO(), 1.5, False)],
    ids=["a second of work", "less", "no terminal"],
)
def test_on_a_terminal_and_after_a_second(file, seconds, is_seen):
    moments = iter([0.0, seconds, seconds + 1])
    with Bar(file, lambda: next(moments)) as bar:
        bar.show("reading", 0.25)
        bar.show("judging", 0.75)
    assert ("reading" in file.getvalue()) is is_seen
