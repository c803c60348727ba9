"""Whether the memory of the guard stays flat: a long run under twenty rules, guarded and not.

The same load runs twice at the same time, each on a master and two workers: 200 requests a second
of fifty names, made up without a server. One master has a guard, the other `--guard-off`. In the
first third windows fill, and most that can happen has happened once. Between the second third and
the last nothing should grow. This is looked at in two ways:

- The resident memory of both masters, sampled from outside every ten seconds. Locust's statistics
  and history grow all the time, so what counts is what the guarded one has more than the other.
  This misses nothing, but has the noise of the allocator in it. The slope of a line through either
  is given too; it depends on when exactly Locust's dictionaries double, which is not the same in
  both.
- The number and size of the guard's own objects and of the containers they hold, counted in the
  guarded master every twenty seconds. This has hardly any noise. The garbage collector's list of
  objects makes it cheap, some 30 ms; tracemalloc would slow the whole process down and take memory
  of its own for every object. Nothing is collected before, so garbage counts too.

    python benchmarks/soak.py --minutes 30
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory

import psutil
from _table import Figure, conclude

HERE = Path(__file__).parent
LOCUST = (sys.executable, "-m", "guard", "run", "--headless", "--only-summary", "--processes", "2")
USERS = 100  # each makes two requests a second
LOAD = (
    *("-f", str(HERE / "_soak.py"), "--guard-rules", str(HERE / "_soak.yaml")),
    *("-u", str(USERS), "-r", "20"),
)

SAMPLE_EVERY_S = 10
SHORTEST = 9
"""Minutes: the longest window of the rules must be full when the first third is over."""

CLAIMED_REQUESTS_A_SECOND = 190
CLAIMED_KB_A_MINUTE = 20.0
"""The noise of the allocator moves medians that are ten minutes apart by up to 100 kB."""
CLAIMED_OBJECTS = 0.01
"""One left behind every eight seconds is more, in half an hour."""
CLAIMED_SIZE = 0.1
"""Dictionaries and deques with as much in them can differ in size."""


@dataclass(frozen=True, slots=True)
class Soak:
    """One run, and what was seen of it.

    Attributes:
        process: The master.
        folder: Where it leaves its output and its verdict.
        memory: Minutes since the start, and the resident memory of the master in kB.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    memory: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, minutes: float, port: int, *options: str) -> Soak:
        folder.mkdir()
        length = ("-t", f"{round(minutes * 60)}s")
        ports = ("--master-bind-port", str(port), "--master-port", str(port))
        verdict = ("--guard-json", str(folder / "verdict.json"))
        command = (*LOCUST, *LOAD, *length, *ports, *verdict, *options)
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        return cls(process, folder)

    def sample(self, minutes: float) -> None:
        memory = psutil.Process(self.process.pid).memory_info().rss / 1000
        self.memory.append((minutes, memory))

    def end(self) -> None:
        """Let the run stop its workers, if it has not ended by itself."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    @property
    def counts(self) -> list[dict[str, float]]:
        """What the master told of itself."""
        lines = [line for line in self.output.splitlines() if line.startswith("soak: ")]
        return [json.loads(line.removeprefix("soak: ")) for line in lines]

    @property
    def requests_a_second(self) -> float:
        last = self.counts[-1]
        return last["requests"] / last["minutes"] / 60

    @property
    def kb_a_minute(self) -> float:
        """Slope of its memory after the first third."""
        minutes, memory = zip(*self.memory[len(self.memory) // 3 :], strict=True)
        return linear_regression(minutes, memory).slope


def soak(minutes: float, port: int, folder: Path) -> tuple[Soak, Soak]:
    """Both runs side by side, from start to end."""
    with ExitStack() as stack:
        runs = (
            Soak.start(folder / "guarded", minutes, port),
            Soak.start(folder / "unguarded", minutes, port + 1, "--guard-off"),
        )
        for run in runs:
            stack.callback(run.end)
        begin = time.monotonic()
        while (passed := (time.monotonic() - begin) / 60) < minutes:
            for run in runs:
                assert run.process.poll() is None, run.output
                run.sample(passed)
            time.sleep(SAMPLE_EVERY_S)
        for run in runs:
            run.process.wait(60)
    return runs


def figures(guarded: Soak, unguarded: Soak) -> list[Figure]:
    minutes = guarded.memory[-1][0]
    pairs = zip(guarded.memory, unguarded.memory, strict=True)
    before, after = thirds([with_guard - without for (_, with_guard), (_, without) in pairs])
    more = (after - before) / (minutes / 3)
    requests = guarded.requests_a_second, unguarded.requests_a_second
    slopes = guarded.kb_a_minute, unguarded.kb_a_minute
    counts = guarded.counts
    last = counts[-1]
    verdict = json.loads((guarded.folder / "verdict.json").read_text(encoding="utf-8"))
    code = guarded.process.returncode
    return [
        Figure(
            "memory of the master, guarded : not",
            f"at the end {guarded.memory[-1][1] / 1000:.1f} : {unguarded.memory[-1][1] / 1000:.1f}"
            f" MB, slope {slopes[0]:.0f} : {slopes[1]:.0f} kB a minute",
        ),
        Figure(
            "... what the guarded one has more",
            f"{before / 1000:.2f} MB, then {after / 1000:.2f} MB: {more:.1f} kB a minute more",
            f"under {CLAIMED_KB_A_MINUTE:g} kB a minute more",
            more < CLAIMED_KB_A_MINUTE,
        ),
        growth("objects of the guard", [count["objects"] for count in counts], CLAIMED_OBJECTS),
        growth("... their size in kB", [count["bytes"] / 1000 for count in counts], CLAIMED_SIZE),
        Figure(
            "requests a second, guarded : not",
            f"{requests[0]:.1f} : {requests[1]:.1f}",
            f"both over {CLAIMED_REQUESTS_A_SECOND}",
            min(requests) > CLAIMED_REQUESTS_A_SECOND,
        ),
        Figure(
            "ticks",
            f"{last['ticks']} in {60 * last['minutes']:.0f} s, {last['late']} of them late, "
            f"the latest by {1000 * last['latest']:.0f} ms",
        ),
        Figure(
            "verdict",
            f"{verdict['outcome']}, exit code {code}",
            "pass, exit code 0",
            (verdict["outcome"], code) == ("pass", 0),
        ),
    ]


def growth(what: str, values: Sequence[float], claim: float) -> Figure:
    before, after = thirds(values)
    share = after / before - 1
    return Figure(
        what,
        f"{before:,.0f}, then {after:,.0f}: {share:+.2%}",
        f"under {claim:.0%} more",
        share < claim,
    )


def thirds(values: Sequence[float]) -> tuple[float, float]:
    """Medians of the second third and of the last."""
    third = len(values) // 3
    return median(values[third : 2 * third]), median(values[2 * third :])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="How long (default 30)")
    parser.add_argument(
        "--port", type=int, default=5557, help="The first of two for the masters (default 5557)"
    )
    options = parser.parse_args()
    if options.minutes < SHORTEST:
        parser.error(f"a soak takes {SHORTEST} minutes at least")
    with TemporaryDirectory() as folder:
        runs = soak(options.minutes, options.port, Path(folder))
        found = figures(*runs)
    conclude(
        f"A master with two workers for {options.minutes:g} minutes; medians of the second third,"
        " then of the last",
        found,
    )
