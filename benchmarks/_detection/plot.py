"""The picture of docs/why-your-load-test-stops.md, for light pages and for dark ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter
from numpy.random import Generator

from _detection.chance import CHANGE_AFTER, HEALTHY, P0, REQUESTS
from _detection.rarity import share_of_hours
from _detection.report import Effort
from _detection.streams import (
    HOUR,
    Limit,
    Surely,
    delays_of_limits,
    delays_of_surely,
    healthy_hours_stopped,
)
from _detection.traffic import Change, Floats, Independent

NAME = "why-your-load-test-stops"
CHANGES = (0.02, 0.05)
WINDOWS = {10: "over 10s", 60: "over 60s", 300: "over 5m"}
OTHERS = {
    "< 1% over 10s\nfor 10s": Limit(0.01, 10, hold=10),
    "< 1%, the\nwhole run": Limit(0.01, None),
}
POINTS = 14
"""Limits tried on each window, from 1% up to where chance never breaks them."""

NEVER = 1 / 25_000  # hours, where "never" is on the axis
LONGEST_S = 600
_BESIDE = (-8, -20), (8, 0)  # of a rule's mark, where its name stands in each panel, in points


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page."""

    suffix: str
    paper: str
    ink: str
    faint: str
    windows: tuple[str, str, str]
    surely: str


THEMES = (
    Theme("", "#ffffff", "#1f2328", "#d1d9e0", ("#9a6700", "#0969da", "#8250df"), "#1a7f37"),
    Theme("-dark", "#0d1117", "#e6edf3", "#3d444d", ("#d29922", "#4493f8", "#ab7df8"), "#3fb950"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is drawn, for each of the changes.

    Attributes:
        curves: By window: shares of healthy hours stopped of the shape (limits,), the limits, and
            mean delays of the shape (changes, limits).
        others: By rule: the share, and mean delays of the shape (changes,).
        surely: Mean delays, of the shape (changes,).
    """

    curves: dict[int, tuple[Floats, Floats, Floats]]
    others: dict[str, tuple[float, Floats]]
    surely: Floats


def find(rng: Generator, effort: Effort) -> Found:
    others = list(OTHERS.values())
    stopped = healthy_hours_stopped(rng, others, Independent(HEALTHY), REQUESTS, effort.hours)
    delays = _delays(rng, others, effort)
    surely = Surely(P0, REQUESTS)
    of_surely = [
        delays_of_surely(rng, surely, change, effort.runs, CHANGE_AFTER).mean()
        for change in _changes()
    ]
    return Found(
        {over: _curve(rng, over, effort) for over in WINDOWS},
        {name: (stopped[i], delays[:, i]) for i, name in enumerate(OTHERS)},
        np.array(of_surely),
    )


def _curve(rng: Generator, over: int, effort: Effort) -> tuple[Floats, Floats, Floats]:
    number = over * REQUESTS
    most = int(P0 * number)
    while _share(rng, over, most, 200) > NEVER / 2:
        most = int(most * 1.04) + 1
    least = np.unique(np.geomspace(P0 * number, most, POINTS).round().astype(int))
    shares = [min(_share(rng, over, int(bad), effort.runs // 2), 1.0) for bad in least]
    limits = least / number
    return np.array(shares), limits, _delays(rng, [Limit(limit, over) for limit in limits], effort)


def _share(rng: Generator, over: int, least: int, samples: int) -> float:
    return share_of_hours(rng, over, least, requests=REQUESTS, share=HEALTHY, samples=samples)


def _delays(rng: Generator, limits: Sequence[Limit], effort: Effort) -> Floats:
    """Means of the shape (changes, limits); no less than an hour where it takes so long."""
    found = [
        delays_of_limits(rng, limits, change, effort.runs // 4, CHANGE_AFTER)
        for change in _changes()
    ]
    return np.array([np.minimum(delays, HOUR).mean(axis=1) for delays in found])


def _changes() -> list[Change]:
    return [Change(Independent(HEALTHY), Independent(sick), REQUESTS) for sick in CHANGES]


def draw(rng: Generator, effort: Effort, folder: Path) -> None:
    """Draw it for each theme."""
    found = find(rng, effort)
    for theme in THEMES:
        style: Any = {
            "svg.hashsalt": NAME,  # the same picture is the same file
            "font.size": 12,
            "text.color": theme.ink,
            "axes.edgecolor": theme.faint,
            "axes.labelcolor": theme.ink,
            "xtick.color": theme.ink,
            "ytick.color": theme.ink,
        }
        with mpl.rc_context(style):
            figure = Figure(figsize=(6.4, 9), facecolor=theme.paper, layout="constrained")
            for index, axes in enumerate(figure.subplots(len(CHANGES), sharex=True)):
                _panel(axes, index, found, theme)
            axes.set_xlabel("seconds until it is noticed")
            figure.savefig(folder / f"{NAME}{theme.suffix}.svg", metadata={"Date": None})


def _panel(axes: Axes, index: int, found: Found, theme: Theme) -> None:
    axes.set_facecolor(theme.paper)
    axes.set_title(f"when {CHANGES[index]:.0%} fail instead of {HEALTHY:.1%}", loc="left", pad=10)
    axes.set_ylabel("healthy hours that are stopped")
    axes.set(xscale="log", yscale="log", xlim=(0.6, LONGEST_S), ylim=(NEVER / 2, 10))
    axes.xaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100, 300]))
    axes.xaxis.set_major_formatter(FixedFormatter(["1", "3", "10", "30", "100", "300"]))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(FixedLocator([NEVER, 1e-3, 1e-2, 0.1, 1]))
    axes.yaxis.set_major_formatter(FixedFormatter(["never", "0.1%", "1%", "10%", "all"]))
    axes.minorticks_off()
    axes.grid(color=theme.faint, linewidth=0.6)
    for colour, (over, name) in zip(theme.windows, WINDOWS.items(), strict=True):
        shares, limits, delays = found.curves[over]
        axes.plot(delays[index], shares, color=colour, linewidth=2, marker="o", markersize=4)
        axes.annotate(
            f"< {limits[0]:.0%}\n{name}", (delays[index][0], shares[0]), xytext=(0, 5),
            textcoords="offset points", color=colour, ha="center", va="bottom",
        )  # fmt: skip
    for name, (share, delays) in found.others.items():
        axes.plot(delays[index], share, color=theme.ink, marker="s")
        axes.annotate(
            name, (delays[index], share), xytext=_BESIDE[index], textcoords="offset points",
            ha="right" if _BESIDE[index][0] < 0 else "left", va="center",
        )  # fmt: skip
    axes.plot(found.surely[index], NEVER, color=theme.surely, marker="*", markersize=20)
    axes.annotate(
        "surely", (found.surely[index], NEVER), xytext=(-12, 0), textcoords="offset points",
        color=theme.surely, ha="right", va="center", weight="bold", size=14,
    )  # fmt: skip
