"""What only shows from one snapshot to the next: silence, and exceptions in spite of resets."""

from __future__ import annotations

from dataclasses import replace

from guard.engine.snapshot import Snapshot, Vitals


class Pulse:
    """Completes the vitals of a run."""

    def __init__(self) -> None:
        self._answers = 0
        self._answered_at: float | None = None
        self._exceptions = 0
        self._exceptions_before = 0

    def feel(self, snapshot: Snapshot, now: float) -> Vitals:
        """The vitals of the snapshot, with the silence so far and all exceptions since the test
        start."""
        vitals = snapshot.vitals
        seen = vitals.exceptions
        before = self._exceptions_before if seen >= self._exceptions_before else 0  # else a reset
        self._exceptions += seen - before
        self._exceptions_before = seen
        return replace(
            vitals, exceptions=self._exceptions, silence=self._silence(snapshot, vitals.users, now)
        )

    def _silence(self, snapshot: Snapshot, users: int | None, now: float) -> float | None:
        answers = snapshot.total.requests if snapshot.answers is None else snapshot.answers
        if users == 0:
            self._answered_at = None
        elif self._answered_at is None or answers != self._answers:
            self._answered_at = now  # or users have only just begun to wait for one
        self._answers = answers
        if self._answered_at is None:
            return None
        # Of what came since then nobody knows yet whether it was an answer.
        known_until = now if snapshot.counted_until is None else snapshot.counted_until
        return max(0.0, known_until - self._answered_at)
