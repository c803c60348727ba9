"""What a transition or a verdict does: say it, keep it, stop the run."""

from __future__ import annotations

from collections.abc import Sequence

from guard.engine.judge import Transition
from guard.engine.standing import Moment
from guard.engine.verdict import Verdict


class Effect:
    """Something that happens because of what the guard found. One instance serves one test.

    Each method is a moment in the life of a test; an effect overrides those it cares for.

    Attributes:
        follows: Whether it cares for every tick, which costs something.
    """

    follows = False

    def started(self, verdict: Verdict) -> None:
        """The test has begun and is guarded."""

    def ticked(self, moment: Moment) -> None:
        """The rules have been judged once more. Told only to who follows."""

    def refreshed(self, verdict: Verdict) -> None:
        """Some time has passed without a change."""

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        """States of rules have changed."""

    def stopping(self, reason: str, verdict: Verdict) -> None:
        """The guard is about to stop the run, for a reason in one sentence."""

    def ended(self, verdict: Verdict) -> None:
        """The test is over and its verdict final."""

    def closed(self, verdict: Verdict, exit_code: int | None) -> None:
        """The process is about to exit with this code or, without one, to wait for the next
        test."""

    def linger(self) -> None:
        """The process is about to exit: wait for what is on its way. May be broken off."""
