"""What a destination can be told."""

from __future__ import annotations

from guard.destination import Occasion

OCCASIONS: dict[str, str] = {
    Occasion.STOP.value: "the guard stops the run, with the reason",
    Occasion.VERDICT.value: "the run is over, with its outcome",
    Occasion.NOT_PASSED.value: "the run is over and its outcome is not `pass`",
    Occasion.BREACH.value: "a rule is broken, whatever it does about that",
    Occasion.RECOVERY.value: "the check of a broken rule holds again",
}
"""Every occasion by its word, with what has happened then."""

USUAL = frozenset({Occasion.STOP, Occasion.VERDICT})
"""What a destination is told that does not say."""

_MEANT = {
    "always": Occasion.VERDICT,
    "end": Occasion.VERDICT,
    "error": Occasion.NOT_PASSED,
    "fail": Occasion.NOT_PASSED,
    "failed": Occasion.NOT_PASSED,
    "failure": Occasion.NOT_PASSED,
    "inconclusive": Occasion.NOT_PASSED,
    "not_passed": Occasion.NOT_PASSED,
    "recovered": Occasion.RECOVERY,
    "result": Occasion.VERDICT,
}
"""What other words are probably meant for."""


def meant(word: str) -> str | None:
    """The occasion that the word is probably meant for."""
    occasion = _MEANT.get(word.lower())
    return occasion.value if occasion else None
