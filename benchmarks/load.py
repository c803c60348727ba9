"""What guarding costs a load generator: the healthy quickstart with and without its guard.

The load is light and the same in both, so a guard in its way would show in the CPU it takes.

    python benchmarks/load.py --pairs 5
"""

from __future__ import annotations

import argparse
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from _pairs import alternate, median_difference, median_ratio
from _table import Figure, conclude

HERE = Path(__file__).parent
LOCUSTFILES = f"{HERE.parent / 'examples' / 'quickstart' / 'locustfile.py'},{HERE / '_probe.py'}"

SECONDS = 20
LOAD = ("--headless", "-u", "50", "-r", "50", "-t", f"{SECONDS}s", "--only-summary")

CLAIMED_SHARE_OF_CORE = 0.5 / 100
CLAIMED_REQUESTS_RATIO = 0.99
CLAIMED_ONCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took and did.

    Attributes:
        cpu: CPU seconds of the whole process.
        cpu_under_load: Those from the first user to the last, without start and end.
        requests: How many requests were done.
    """

    cpu: float
    cpu_under_load: float
    requests: float


def run(*options: str) -> Run:
    """The quickstart on loopback for 20 s with 50 users, in a fresh process."""
    shop = ("--shop", "healthy", "--shop-port", str(free_port()))
    command = [sys.executable, "-m", "guard", "run", "-f", LOCUSTFILES, *LOAD, *shop, *options]
    before = cpu_of_children()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    cpu = cpu_of_children() - before
    # Without a guard Locust's own exit code is 1, because some requests failed.
    assert done.returncode == (1 if "--guard-off" in options else 0), done.stderr
    return Run(
        cpu,
        number_after("CPU seconds under load:", done.stdout),
        number_after(" Aggregated ", done.stderr),
    )


def number_after(label: str, text: str) -> float:
    match = re.search(rf"{label}\s*([\d.]+)", text)
    assert match, text
    return float(match[1])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def figures(guarded: Sequence[Run], unguarded: Sequence[Run]) -> list[Figure]:
    under_load = [r.cpu_under_load for r in guarded], [r.cpu_under_load for r in unguarded]
    requests = [r.requests for r in guarded], [r.requests for r in unguarded]
    cpu = [r.cpu for r in guarded], [r.cpu for r in unguarded]
    # A ratio alone would tell how light this load is, not how much the guard takes.
    share = median_difference(*under_load) / SECONDS
    requests_ratio = median_ratio(*requests)
    once = median_difference(*cpu)
    return [
        Figure(
            "CPU while users run",
            f"{compared(under_load, '.3f', ' s')}, {share:.2%} of a core more",
            f"under {CLAIMED_SHARE_OF_CORE:.1%} of a core more",
            share < CLAIMED_SHARE_OF_CORE,
        ),
        Figure(
            "requests done",
            compared(requests, ".0f", ""),
            f"ratio over {CLAIMED_REQUESTS_RATIO:g}",
            requests_ratio > CLAIMED_REQUESTS_RATIO,
        ),
        Figure(
            "CPU of the whole process",
            f"{compared(cpu, '.3f', ' s')}, {once:.3f} s more",
            f"under {CLAIMED_ONCE_S:g} s more",
            once < CLAIMED_ONCE_S,
        ),
    ]


def compared(values: tuple[list[float], list[float]], form: str, unit: str) -> str:
    guarded, unguarded = map(median, values)
    return f"{guarded:{form}} : {unguarded:{form}}{unit}, ratio {median_ratio(*values):.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="How many runs of each (default 5)")
    pairs = parser.parse_args().pairs
    runs = alternate({"guarded": partial(run), "unguarded": partial(run, "--guard-off")}, pairs)
    conclude(f"Guarded : not guarded, medians of {pairs} alternating pairs", figures(**runs))
