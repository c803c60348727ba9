"""The options of a rule, the same in the one-line form, the mapping form and ``defaults``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from guard.language import units
from guard.language.errors import Complaint, did_you_mean, one_of
from guard.rule import HARDLY_EVER, Action, Outcome, Start

ACTIONS = tuple(action.value for action in Action)
NO_DATA_OUTCOMES = tuple(o.value for o in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE))

ALONE = "true"
"""What an option takes where it can stand alone in a line."""

NOT = "false"
"""What undoes a default."""

NOT_SURELY = 0.0
"""The value of ``surely`` for a rule that is not, whatever the defaults say."""

SHORTEST_RARITY = 60.0
"""The least that ``surely`` takes, in seconds."""

_RAMP_UP = re.compile(r"ramp-up(?:\s*\+\s*(\S+))?")
_NEARLY_RAMP_UP = re.compile(r"(ramp|warm)[\s_-]*(ing)?[\s_-]*up", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Options:
    """Values of the options that were given; None for those that were not."""

    over: float | None = None
    hold: float | None = None
    surely: float | None = None
    after: Start | None = None
    min_requests: int | None = None
    no_data: Outcome | None = None
    action: Action | None = None

    def given(self) -> dict[str, Any]:
        """The options that were given, by field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def plus(self, word: str, text: str) -> Options:
        """These options and one more, given by its word and text.

        Raises:
            Complaint: The text is not what the option takes.
        """
        option = OPTIONS[word]
        return replace(self, **{option.field: option.read(text)})

    def filled_from(self, defaults: Options) -> Options:
        """These options, with what they leave out taken from the defaults."""
        filled = replace(defaults, **self.given())
        return replace(filled, surely=filled.surely or None)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the language.

    Attributes:
        field: Its field in :class:`Options`, and in :class:`~guard.rule.Rule`.
        read: From its text to its value; raises a ``Complaint``.
        takes: What it takes, for messages.
        meaning: One line for documentation.
        on_run: Whether it means anything for a rule on the run.
    """

    field: str
    read: Callable[[str], Any]
    takes: str
    meaning: str
    on_run: bool = True


def length(text: str) -> float:
    """A time longer than zero, in seconds.

    Raises:
        Complaint: It is not.
    """
    seconds = units.timespan(text)
    if seconds == 0:
        raise Complaint(f"{text!r} is no time at all; leave the option out or give it a length")
    return seconds


def rarity(text: str) -> float:
    """How long it takes on average until ``surely`` is wrong once, in seconds: ``30d``, which
    ``true`` means too; or :data:`NOT_SURELY` for ``false``.

    Raises:
        Complaint: It is no such time, or too short for one.
    """
    if text.lower() == ALONE:
        return HARDLY_EVER
    if text.lower() == NOT:
        return NOT_SURELY
    if text.lower() in ("no", "off", "never", "none"):
        raise Complaint(f"{text!r} is not a time; to undo a default write {NOT}")
    # A line has nothing but times here.
    examples = "30d" if text[:1].isdigit() else f"30d, or {ALONE}, which means 30d"
    seconds = units.timespan(text, ("d", "h"), examples)
    if seconds < SHORTEST_RARITY:
        often = f"{text!r} is too short a time between two false stops"
        raise Complaint(f"{often}; write 1m or more, e.g. 30d")
    return seconds


def is_undone(word: str, text: str) -> bool:
    """Whether the option says no more than that a default does not hold: ``surely: false``."""
    return word == "surely" and text.lower() == NOT


def start(text: str) -> Start:
    """``10s``, ``ramp-up`` or ``ramp-up + 10s``.

    Raises:
        Complaint: The text is none of them.
    """
    match = _RAMP_UP.fullmatch(text)
    if match is None:
        try:
            return Start(units.timespan(text))
        except Complaint as complaint:
            if _NEARLY_RAMP_UP.match(text):
                raise Complaint(f"unknown start {text!r}; did you mean 'ramp-up'?") from None
            raise Complaint(f"{complaint.message}, or ramp-up") from None
    if match[1] is None:
        return Start(ramp_up=True)
    return Start(units.timespan(match[1]), ramp_up=True)


def action(text: str) -> Action:
    """What a breach does.

    Raises:
        Complaint: There is no such action.
    """
    return Action(_known(text, "action", ACTIONS))


def no_data(text: str) -> Outcome:
    """The outcome of a rule that never had data.

    Raises:
        Complaint: It is none that a rule can ask for.
    """
    return Outcome(_known(text, "outcome", NO_DATA_OUTCOMES))


def _known(text: str, kind: str, legal: tuple[str, ...]) -> str:
    if text in legal:
        return text
    raise Complaint(
        f"unknown {kind} {text!r}{did_you_mean(text, legal) or ';'} {kind}s are {one_of(legal)}"
    )


OPTIONS: dict[str, Option] = {
    "over": Option(
        "over",
        length,
        "a time such as 10s",
        "judge the requests of the last so many seconds",
        on_run=False,
    ),
    "for": Option(
        "hold",
        length,
        "a time such as 5s",
        "the check must be broken this long before it is a breach",
    ),
    "surely": Option(
        "surely",
        rarity,
        "a time such as 30d, or true or false",
        "a breach takes evidence that comes by chance less than once in so long a healthy run",
        on_run=False,
    ),
    "after": Option(
        "after",
        start,
        "a time such as 10s, or ramp-up",
        "arm the rule this long after the test start or the ramp-up",
    ),
    "min_requests": Option(
        "min_requests",
        units.count,
        "a whole number such as 50",
        "fewer requests than this are no data",
        on_run=False,
    ),
    "no_data": Option(
        "no_data",
        no_data,
        f"an outcome: {one_of(NO_DATA_OUTCOMES)}",
        "the rule's outcome when it never had data",
    ),
    "else": Option("action", action, f"an action: {one_of(ACTIONS)}", "what a breach does"),
}
"""Every option by its word in the language."""
