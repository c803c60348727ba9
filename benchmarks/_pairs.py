"""Alternating runs, so that a machine that warms up or slows down does so for all contestants."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")


def alternate(
    contestants: Mapping[str, Callable[[], Result]], rounds: int
) -> dict[str, list[Result]]:
    """Run all contestants once a round, each round in the opposite order of the one before.

    Returns:
        The results of each contestant, by round: those at one index were measured side by side.
    """
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    order = list(contestants)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for name in order:
            results[name].append(contestants[name]())
        order.reverse()
    return results


def median_difference(ours: list[float], theirs: list[float]) -> float:
    """Median of what we took more in each round."""
    return median(a - b for a, b in zip(ours, theirs, strict=True))


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of our share of theirs in each round."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))
