"""The table that every benchmark prints, and what it claims."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        what: What was measured.
        measured: The figure with its unit.
        claim: What it must be, in words; empty for a figure given for reference.
        holds: Whether it is.
    """

    what: str
    measured: str
    claim: str = ""
    holds: bool = True

    @property
    def result(self) -> str:
        if not self.claim:
            return ""
        return "ok" if self.holds else "MISSED"


def conclude(title: str, figures: Sequence[Figure]) -> NoReturn:
    """Print the figures and exit, with 1 when a claim is missed."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column in ("", "measured", "claim", "result"):
        table.add_column(column)
    for figure in figures:
        table.add_row(figure.what, figure.measured, figure.claim, figure.result)
    # Wide enough for any row, so that a narrow terminal or a pipe does not break a figure in two.
    Console(width=140, highlight=False).print(table)
    sys.exit(0 if all(figure.holds for figure in figures) else 1)
