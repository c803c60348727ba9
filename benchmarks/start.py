"""What guarding adds to the start: of Locust, by importing the plugin and reading its rules, and of
the command line, which needs no Locust.

    python benchmarks/start.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from _pairs import alternate, median_difference
from _table import Figure, conclude

ROUNDS = 15
CLAIMED_ADDED_MS = 300
CLAIMED_COMMAND_S = 0.5

QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart"
RULES = QUICKSTART / "rules.yaml"
COMMANDS = {
    "--help": ["--help"],
    "test shop.test.yaml": ["test", str(QUICKSTART / "shop.test.yaml")],
}
"""Commands that need no Locust, with their arguments."""

LOCUST = "import locust.main"
PLUGIN = "import locust.main, guard.plugin; guard.plugin.install()"
RULES_READ = f"{PLUGIN}; guard.load_rules({str(RULES)!r})"

IMPORTED = """
import sys
from guard.cli import main
main(sys.argv[1:], standalone_mode=False)
print(*sorted({"locust", "gevent"} & set(sys.modules)), file=sys.stderr)
"""


def run(command: Sequence[str]) -> Callable[[], float]:
    """A run of the command in a fresh process; it returns its seconds."""

    def seconds() -> float:
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    return seconds


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def added(what: str, ours: list[float], theirs: list[float]) -> Figure:
    milliseconds = 1000 * median_difference(ours, theirs)
    return Figure(
        what,
        f"{milliseconds:.0f} ms more",
        f"median under {CLAIMED_ADDED_MS} ms more",
        milliseconds < CLAIMED_ADDED_MS,
    )


def starts_of_locust() -> list[Figure]:
    """Locust alone, with the plugin, and with the plugin and rules that were read."""
    contestants = {code: run(python(code)) for code in (LOCUST, PLUGIN, RULES_READ)}
    alternate(contestants, 1)  # writes the bytecode and fills the file cache
    seconds = alternate(contestants, ROUNDS)
    return [
        Figure("import locust.main", f"{1000 * median(seconds[LOCUST]):.0f} ms"),
        added("... and the plugin", seconds[PLUGIN], seconds[LOCUST]),
        added("... and the quickstart's rules", seconds[RULES_READ], seconds[LOCUST]),
    ]


def starts_of_the_command_line(shown: str, arguments: list[str]) -> list[Figure]:
    command = shutil.which("locust-guard", path=sysconfig.get_path("scripts"))
    assert command is not None, "install the project first: pip install -e ."
    ask = run([command, *arguments])
    ask()
    middle = median(ask() for _ in range(ROUNDS))
    imported = subprocess.run(
        [*python(IMPORTED), *arguments], check=True, capture_output=True, text=True
    ).stderr.strip()
    return [
        Figure(
            f"locust-guard {shown}",
            f"{middle:.2f} s",
            f"median under {CLAIMED_COMMAND_S:g} s",
            middle < CLAIMED_COMMAND_S,
        ),
        Figure(
            f"locust-guard {shown} imports",
            imported or "neither",
            "neither locust nor gevent",
            not imported,
        ),
    ]


if __name__ == "__main__":
    conclude(
        f"Start in a fresh process, median of {ROUNDS} alternating rounds",
        [
            *starts_of_locust(),
            *(figure for one in COMMANDS.items() for figure in starts_of_the_command_line(*one)),
        ],
    )
