"""Tables in Markdown, and how their cells are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from _detection.traffic import Floats

NOT_NOTICED = 0.05
"""Share of runs in which a change may go unnoticed before a mean delay means nothing."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is simulated.

    Attributes:
        days: Of running at the limit.
        runs: With a change.
        hours: Of healthy running.
    """

    days: int = 1000
    runs: int = 2000
    hours: int = 4000


QUICK = Effort(days=100, runs=200, hours=400)


def show(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    print(f"\n### {title}\n")
    for row in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(row)} |", flush=True)


def in_seconds(delays: Floats) -> str:
    """Mean and 95th percentile: ``4.8 (7.1)``. Where too many are infinite, how many."""
    unnoticed = float(np.isinf(delays).mean())
    if unnoticed > NOT_NOTICED:
        return f"{percent(unnoticed)} not in an hour"
    # Those that are left would be a little later still.
    known = np.minimum(delays, 3600)
    return f"{digits(known.mean())} ({digits(np.percentile(known, 95))})"


def digits(number: float) -> str:
    """Two significant digits, but all before the decimal point."""
    if number >= 100:
        return f"{number:,.0f}"
    if number >= 0.995:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= 0.0995 else f"{number:.1g}"


def percent(share: float) -> str:
    """A share, with as many digits as it takes near 0 and 1."""
    if share in (0, 1):
        return f"{share:.0%}"
    if share > 0.999:
        return "almost 100%"
    if share < 0.001:
        return f"{100 * share:.1g}%"
    return f"{share:.1%}" if min(share, 1 - share) < 0.1 else f"{share:.0%}"
