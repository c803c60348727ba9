"""What was going on when a rule was broken, in words that every report uses."""

from __future__ import annotations

import math
from collections.abc import Sequence

from guard.engine.judge import Load
from guard.engine.reading import quantity, share_text, told_apart
from guard.engine.verdict import RuleResult
from guard.rule import Unit
from guard.terminal import shortened, visible

MOST_TEXT = 300
"""Characters of a name or a failure's text that are told where there is room."""


def circumstances(result: RuleResult, most: int = MOST_TEXT) -> list[tuple[str, str]]:
    """What is known of the first breach of a rule, each with what it is; nothing without a breach.

    ``("Load then", "20 users, 11.3 requests/s")``,
    ``("Failed most", "POST /checkout (6), GET / (2)")``

    Args:
        result: What became of the rule.
        most: How many characters are told of each name and text.
    """
    if result.breached_at is None:
        return []
    failing = result.failing
    told = {
        "When": _moments(result),
        "Worst": worst_text(result),
        **({} if result.rule.judged_at_end else _loads(result)),
        "Failed most": _counted(failing.entries, most) if failing else "",
        "Failures": _counted(failing.texts, most) if failing else "",
        "Evidence": "" if result.evidence is None else share_text(result.evidence),
    }
    return [(what, text) for what, text in told.items() if text]


def worst_text(result: RuleResult) -> str:
    """The worst reading for people, nothing if there was none: ``1100 ms``."""
    if result.worst is None or not math.isfinite(result.worst):
        return ""
    return told_apart(result.worst, result.rule.check.threshold, result.rule.check.unit)


def _moments(result: RuleResult) -> str:
    moments = {
        "pending since": result.pending_at,
        "breached at": None if result.rule.judged_at_end else result.breached_at,
        "recovered at": result.recovered_at,
    }
    said = ", ".join(f"{word} {at:.0f} s" for word, at in moments.items() if at is not None)
    return said or "by the final totals"


def _loads(result: RuleResult) -> dict[str, str]:
    """How busy the run was. What is judged on the final totals was not broken at a moment."""
    before = result.last_healthy
    return {
        "Load then": _load(result.users_at_breach, result.rps_at_breach),
        "Last held": _held(before) if before else "never before",
    }


def _held(load: Load) -> str:
    return ", ".join(filter(None, (f"at {load.at:.0f} s", _load(load.users, load.rps))))


def _load(users: int | None, rps: float | None) -> str:
    """``20 users, 11.3 requests/s``, as far as it is known."""
    said = [] if users is None else ["1 user" if users == 1 else f"{users} users"]
    if rps is not None and math.isfinite(rps):
        said.append(f"{quantity(rps, Unit.COUNT)} requests/s")
    return ", ".join(said)


def _counted(counts: Sequence[tuple[str, int]], most: int) -> str:
    return ", ".join(f"{shortened(visible(text), most)} ({count})" for text, count in counts)
