"""What a test of rules expects: which keys there are, what each takes and means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guard.language.errors import Complaint, did_you_mean, one_of
from guard.language.units import count, threshold, timespan
from guard.rule import Outcome, Place, Rule, State, Unit

NEVER = "never"
"""What is written for a moment that does not come."""

NO_DATA = "no data"
"""What is written for a reading that there is none of."""

Value = State | Outcome | float | int | str | None
"""What is expected. None is no data, or never."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that is expected.

    Attributes:
        key: What it is about.
        value: What it shall be: a state, an outcome, seconds since the test start, a value in the
            unit of the rule's metric, or a pattern of a text.
        place: Where it is written.
    """

    key: str
    value: Value
    place: Place


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """What is expected of a rule.

    Attributes:
        rule: The rule.
        entry: On which entry; None for the only one that there is.
        points: What is expected.
        place: Where the rule is named.
    """

    rule: Rule
    entry: str | None
    points: tuple[Expected, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a run.

    Attributes:
        points: What is expected of its verdict.
        rules: What is expected of rules.
    """

    points: tuple[Expected, ...] = ()
    rules: tuple[ExpectedRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of what is expected.

    Attributes:
        meaning: One line for documentation and editors.
        read: From its text, and the rule that it is about, to what is expected. Raises a Complaint.
        takes: What belongs there.
        of_rule: Whether only the rule tells in which unit it is.
    """

    meaning: str
    read: Callable[[str, Rule | None], Value]
    takes: str
    of_rule: bool = False


def _known(kind: str, legal: tuple[str, ...], text: str) -> str:
    if text in legal:
        return text
    near = did_you_mean(text, legal) or ";"
    raise Complaint(f"unknown {kind} {text!r}{near} {kind}s are {one_of(legal)}")


OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.ERROR)
STATES = tuple(state.value for state in State)


def _outcome(text: str, _: Rule | None) -> Outcome:
    return Outcome(_known("outcome", OUTCOMES, text))


def _state(text: str, _: Rule | None) -> State:
    return State(_known("state", STATES, text))


def moment(text: str, _: Rule | None = None) -> float | None:
    """Seconds since the test start; None for never.

    Raises:
        Complaint: The text is neither a time nor ``never``.
    """
    if text == NEVER:
        return None
    try:
        return timespan(text)
    except Complaint as complaint:
        raise Complaint(f"{complaint.message}, or {NEVER}") from None


def _value(text: str, rule: Rule | None) -> float | None:
    assert rule is not None
    if text == NO_DATA:
        return None
    return threshold(text, rule.check.unit, rule.check.metric)


def _evidence(text: str, rule: Rule | None) -> float:
    if rule is not None and rule.surely is None:
        raise Complaint("there is no evidence, because the rule is not 'surely'")
    return threshold(text, Unit.RATIO, "evidence")


def _count(text: str, _: Rule | None) -> int:
    return count(text)


def _pattern(text: str, _: Rule | None) -> str:
    if not text.strip():
        raise Complaint("write a text, in which '*' stands for any")
    return " ".join(text.split())


_A_MOMENT = f"a time such as 40s, or {NEVER}"
_A_VALUE = f"a value such as 900ms, or {NO_DATA}"
_A_TEXT = "a text, in which * stands for any"

RUN_KEYS: dict[str, Key] = {
    "outcome": Key("the outcome of the run", _outcome, one_of(OUTCOMES)),
    "stopped_at": Key("when a rule stopped the run", moment, _A_MOMENT),
    "reason": Key("the reason of the verdict", _pattern, _A_TEXT),
}
"""What can be expected of a run, beside ``rules``."""

RULE_KEYS: dict[str, Key] = {
    "state": Key("where the rule stands at the end", _state, one_of(STATES)),
    "outcome": Key("its outcome", _outcome, one_of(OUTCOMES)),
    "at": Key("when it was breached first", moment, _A_MOMENT),
    "pending_at": Key("since when it was pending then", moment, _A_MOMENT),
    "recovered_at": Key("when its check held again", moment, _A_MOMENT),
    "value": Key("its reading at the first breach, or else the last one", _value, _A_VALUE, True),
    "worst": Key("its reading furthest beyond the limit, or nearest to it", _value, _A_VALUE, True),
    "requests": Key("how many requests are behind the value", _count, "a whole number such as 50"),
    "evidence": Key("how far the evidence came at most", _evidence, "a ratio such as 25%"),
    "reason": Key("its reading in words", _pattern, _A_TEXT),
}  # fmt: skip
"""What can be expected of a rule, beside ``entry``."""
