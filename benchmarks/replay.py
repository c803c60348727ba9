"""Speed and memory of ``locust-guard replay``, from its start to its verdict, beside what reading
the file alone takes with Python's csv module, and what the reader without Apache Arrow takes.

The recordings are made up: a thousand requests a second, their response times log-normally
distributed, one in 300 failing.

    python benchmarks/replay.py
    python benchmarks/replay.py --rows 10000000
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from _table import Figure, conclude

CLAIMED_ROWS = 400_000
CLAIMED_MB = 300
CLAIMED_START_S = 0.5

HEADER = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\r\n"
RULES = """
rules:
  - fail_ratio < 1%
  - p95 of GET /product/1 < 5s over 10s for 5s else stop
  - p99 < 5s over 30s
  - fail_ratio("*503*") < 5% over 10s
  - silence < 30s
"""
NO_ARROW = "import sys; sys.modules['pyarrow'] = None; from guard.cli import main; main()"
ARROW = "from guard.cli import main; main()"


def record(file: Path, rows: int, names: int, *, is_sorted: bool = True) -> None:
    """Write a recording."""
    rng = Random(names)  # noqa: S311 - traffic, not a secret
    times = [f"{rng.lognormvariate(math.log(120), 0.6):.2f}" for _ in range(100_003)]
    tails = [",2000,200,\r\n"] * 299 + [",0,503,503 Service Unavailable\r\n"]
    with file.open("w", newline="") as out:
        out.write(HEADER)
        for number in range(rows):
            # 7919 is prime to the number of rows, so every moment comes once.
            at = number if is_sorted else number * 7919 % rows
            moment = 1_700_000_000 + at / 1000
            name, took, tail = number * 31 % names, times[number % 100_003], tails[number % 300]
            out.write(f"{moment:.6f},GET,/product/{name},{took}{tail}")


def replay(file: Path, code: str = ARROW) -> tuple[float, float]:
    """CPU seconds of a replay, and the most memory it took in MB."""
    command = [sys.executable, "-c", code, "replay", file.name]
    process = subprocess.Popen(command, cwd=file.parent, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 4), process.returncode  # a short run fills no window
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mb


def csv_module(file: Path) -> float:
    """CPU seconds of reading the file twice, and doing nothing with it."""
    begin = time.process_time()
    for _ in range(2):
        with file.open(newline="", encoding="utf-8") as lines:
            for _ in csv.reader(lines):
                pass
    return time.process_time() - begin


def figures_of(folder: Path, what: str, rows: int, names: int, *, is_sorted: bool) -> list[Figure]:
    file = folder / "run.csv"
    record(file, rows, names, is_sorted=is_sorted)
    seconds, memory = replay(file)
    found = [
        Figure(
            f"replay, {rows:,} rows {what}",
            f"{rows / seconds:,.0f} rows/s",
            f"over {CLAIMED_ROWS:,} rows/s" if is_sorted else "",
            rows / seconds > CLAIMED_ROWS or not is_sorted,
        ),
        Figure("… its memory", f"{memory:.0f} MB", f"under {CLAIMED_MB} MB", memory < CLAIMED_MB),
    ]
    file.unlink()
    return found


def figures_of_others(folder: Path, rows: int) -> list[Figure]:
    """How others do who read the same."""
    file = folder / "run.csv"
    record(file, rows, 5)
    others: list[tuple[str, Callable[[], float]]] = [
        (f"replay without Apache Arrow, {rows:,} rows", lambda: replay(file, NO_ARROW)[0]),
        ("Python's csv module, read twice and nothing counted", lambda: csv_module(file)),
    ]
    return [Figure(what, f"{rows / seconds():,.0f} rows/s") for what, seconds in others]


def start(folder: Path) -> Figure:
    record(folder / "run.csv", 100, 5)
    seconds = min(replay(folder / "run.csv")[0] for _ in range(5))
    claim = f"under {CLAIMED_START_S:g} s"
    return Figure("replay, 100 rows", f"{seconds:.2f} s", claim, seconds < CLAIMED_START_S)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "rules.yaml").write_text(RULES)
        figures = [
            start(folder),
            *figures_of(folder, "of 5 names", rows, 5, is_sorted=True),
            *figures_of(folder, "of 1,000 names", rows, 1000, is_sorted=True),
            *figures_of(folder, "in no order", rows, 5, is_sorted=False),
            *figures_of_others(folder, rows // 10),
        ]
    conclude("CPU time and memory of a replay, five rules", figures)
