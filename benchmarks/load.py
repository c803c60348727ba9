"""What guarding costs a load generator: the healthy quickstart with and without its guard.

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

LOCUSTFILE = Path(__file__).parents[1] / "examples" / "quickstart" / "locustfile.py"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took and did."""

    cpu_seconds: float
    requests: int


def run(*options: str) -> Run:
    """The quickstart on loopback for 20 s with 50 users, in a fresh process."""
    command = [sys.executable, "-m", "guard", "run", "-f", str(LOCUSTFILE)]
    command += ["--headless", "-u", "50", "-r", "50", "-t", "20s", "--only-summary"]
    command += ["--shop", "healthy", "--shop-port", str(free_port()), *options]
    before = cpu_seconds_of_children()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = re.search(r"^ +Aggregated +(\d+)", done.stdout + done.stderr, re.MULTILINE)
    # Without a guard Locust's own exit code is 1, because some requests failed.
    expected = 1 if "--guard-off" in options else 0
    assert summary and done.returncode == expected, done.stderr
    return Run(cpu_seconds_of_children() - before, int(summary[1]))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    runs = alternate({"guarded": run, "unguarded": partial(run, "--guard-off")}, 5)
    for k, v in runs.items():
        print(k, v)
    for f in ("cpu_seconds", "requests"):
        a, b = ([getattr(r, f) for r in runs[k]] for k in runs)
        print(f, median(a), median(b), median_ratio(a, b), median_difference(a, b))
