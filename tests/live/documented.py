"""What docs/modes-and-faults.md promises, and whether a run keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "modes-and-faults.md"

KEYS = {
    "schema", "outcome", "exit_code", "reason", "stopped", "stopped_at", "final", "duration",
    "rules", "title", "host", "started", "guard_version", "locust_version",
}  # fmt: skip


@dataclass(frozen=True)
class Promise:
    """A line of a table: what becomes of a run.

    Attributes:
        what: The mode or the fault.
        stopped: Whether the guard stops the run.
        exit_code: What the process that is guarded exits with.
        outcome: The verdict's.
    """

    what: str
    stopped: bool
    exit_code: int
    outcome: str

    def is_kept_by(self, run: Run, tests: int = 1, raised: str | None = None) -> dict[str, Any]:
        """Wait for the end of the run and look at all that it left. Gives the verdict.

        Args:
            run: The process that is guarded.
            tests: How many load tests it ran; the promise is about the last.
            raised: Text of an exception whose tracebacks, of which there must be one, are no fault
                of the guard's.
        """
        self.is_said_by(run, tests, raised)
        return self.is_filed_by(run)

    def is_filed_by(self, run: Run) -> dict[str, Any]:
        """The part of a process whose output nobody reads: its exit code and its verdict file."""
        assert run.exit_code() == self.exit_code, run.output
        verdict = run.verdict
        assert verdict.keys() == KEYS
        assert (verdict["outcome"], verdict["final"]) == (self.outcome, True), verdict["reason"]
        assert verdict["stopped"] is self.stopped, verdict["reason"]
        assert (verdict["stopped_at"] is not None) is self.stopped
        assert run.left_over() == [], "processes outlived the run"
        return verdict

    def is_kept_in_good_order_by(self, run: Run, tests: int = 1) -> dict[str, Any]:
        """The same, and the run came to its end before the guard's patience did."""
        verdict = self.is_kept_by(run, tests)
        assert "has not ended within" not in run.output, run.output
        assert "does not come to its end" not in run.output, run.output
        return verdict

    def is_left_by(self, run: Run, raised: str | None = None) -> None:
        """The same for a run that was killed, or never began: there is no final verdict."""
        code = run.exit_code()
        assert (code if code >= 0 else 128 - code) == self.exit_code, run.output
        outcome = f"{run.verdict['outcome']}, not final" if run.verdict_file.exists() else "none"
        assert outcome == self.outcome
        assert not (outcome != "none" and run.verdict["final"])
        assert run.verdict_lines() == []
        _assert_raised(raised, run)
        assert run.left_over() == [], "processes outlived the run"

    def is_said_by(self, run: Run, tests: int = 1, raised: str | None = None) -> None:
        """The part of a process that can write no file: its exit code and its output."""
        assert run.exit_code() == self.exit_code, run.output
        lines = run.verdict_lines()
        assert len(lines) == tests, run.output
        assert f": verdict: {self.outcome}: " in lines[-1], run.output
        _assert_raised(raised, run)
        self._no_event_came_twice(run, tests)
        assert run.left_over() == [], "processes outlived the run"

    @staticmethod
    def _no_event_came_twice(run: Run, tests: int) -> None:
        """The scripted locustfile says each event that it hears, and in which process."""
        heard = Counter(line for line in run.lines if line.startswith("heard "))
        for line, times in heard.items():
            expected = 1 if "quit" in line else tests
            assert times <= expected, f"{line!r} {times} times:\n{run.output}"


def _assert_raised(raised: str | None, run: Run) -> None:
    tracebacks = _tracebacks(run.lines)
    assert all(raised is not None and raised in end for end in tracebacks), run.output
    assert raised is None or tracebacks, f"{raised!r} was not raised:\n{run.output}"


def _tracebacks(output: Sequence[str]) -> list[str]:
    """What was raised, by the last line of each traceback."""
    lines = iter(output)
    return [
        next((end for end in lines if not end.startswith(" ")), "")
        for line in lines
        if "Traceback" in line
    ]


def promises() -> dict[str, Promise]:
    """The lines of the page's tables, by what they are about."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or not cells[-2].isdecimal():
            continue
        what, run, code, outcome = cells[0], cells[-3], cells[-2], cells[-1]
        assert run in ("stopped", "goes on"), line
        found[what] = Promise(what, run == "stopped", int(code), outcome)
    return found
