"""When ``surely`` stops a run: how often by chance, and how late after a change.

All is simulated, from a fixed seed, so the same figures come out again. The tables are printed in
Markdown; those of docs/why-your-load-test-stops.md are among them, and ``--plot docs`` draws its
picture.

    python benchmarks/detection.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _detection.agreement import agreement
from _detection.chance import bursts, false_stops, hours
from _detection.cost import cost
from _detection.delays import check_rarity, of_failures, of_response_times
from _detection.grid import compare
from _detection.report import QUICK, Effort
from _table import Figure, conclude
from numpy.random import Generator, default_rng

SEED = 2026


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="When `surely` stops a run.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the simulation")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="draw the picture there")
    return parser.parse_args()


def chance(chapter: int) -> Generator:
    """Each chapter has its own, so that none depends on how long another was."""
    return default_rng([SEED, chapter])


def measure(effort: Effort) -> list[Figure]:
    """Print all tables. What is claimed of them."""
    claims = [
        *agreement(chance(1), max(effort.runs // 100, 5)),
        *check_rarity(chance(2), effort),
        *hours(chance(3), effort),
        *false_stops(chance(4), effort),
        *of_failures(chance(5), effort),
        *of_response_times(chance(6), effort),
    ]
    bursts(chance(7), effort)
    claims += cost(chance(8))
    compare(SEED, effort)
    return claims


if __name__ == "__main__":
    chosen = options()
    effort = QUICK if chosen.quick else Effort()
    if chosen.plot:
        from _detection.plot import draw

        draw(chance(9), effort, chosen.plot)
    conclude("What is claimed", measure(effort))
