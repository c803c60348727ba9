"""What to say of a word that can't stand where it does in a rule, if it is a well-known slip.

Each is a function in :data:`_SLIPS`, from where the word is to what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass

from guard.engine import metrics
from guard.language import elsewhere, units
from guard.language.errors import Complaint
from guard.language.options import ACTIONS, OPTIONS
from guard.rule import CURLY_QUOTES

Advice = tuple[str, tuple[int, int]]
"""A message, and start and end of the part of the text before the word that it repeats."""

NOTHING = (0, 0)

_COMPARISONS = {"≤": "<=", "≥": ">=", "≠": "!=", "＜": "<", "＞": ">"}  # noqa: RUF001 - what people paste
CHARACTERS = dict.fromkeys(CURLY_QUOTES, "quote") | dict.fromkeys(_COMPARISONS, "comparison")
"""What each character that is none of the language's is meant for."""

_QUOTED_OR_FOREIGN = re.compile(
    rf"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([{"".join(CHARACTERS)}])""", re.DOTALL
)
_BEFORE_ACTION = re.compile(rf"(?:\w+\s+)?({'|'.join(ACTIONS)})\b", re.IGNORECASE)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Slip:
    """A word where it can't stand.

    Attributes:
        word: The word.
        before: The text before it.
        behind: The text from the word on.
        expected: Names of the terminals that can stand there.
    """

    word: str
    before: str
    behind: str
    expected: Set[str]


def said_of(slip: Slip) -> Advice | None:
    """What to say of the word; None if it is no well-known slip."""
    return next((advice for known in _SLIPS if (advice := known(slip))), None)


def foreign_character(text: str) -> Complaint | None:
    """A complaint about the first quote or comparison that is not one of the language's, outside
    of quotes; None if there is none."""
    for match in _QUOTED_OR_FOREIGN.finditer(text):
        if match[1]:
            what = CHARACTERS[match[1]]
            instead = _COMPARISONS.get(match[1], "a straight one")
            message = f"{match[1]!r} is no {what} here; write {instead}"
            return Complaint(message, match.start(), match.end(), f"a {what} of the language")
    return None


def _unclosed(slip: Slip) -> Advice | None:
    if slip.word[0] not in "\"'":
        return None
    return f"the quote {slip.word[0]} is never closed", NOTHING


def _unit_apart(slip: Slip) -> Advice | None:
    number = re.search(r"\d[\d.]*(?=\s*$)", slip.before)
    unit = units.unit(slip.word.rstrip(",;"))
    if number is None or unit is None:
        return None
    return f"unexpected {slip.word!r}; write {number[0]}{unit}", number.span()


def _up_apart(slip: Slip) -> Advice | None:
    if slip.word != "up" or slip.before.split()[-1:] not in (["ramp"], ["warm"]):
        return None
    return "unexpected 'up'; write ramp-up, in one word", NOTHING


def _action_without_else(slip: Slip) -> Advice | None:
    match = _BEFORE_ACTION.match(slip.behind)
    if match is None or "ELSE" not in slip.expected or slip.word in OPTIONS:
        return None
    start = len(slip.before)
    action = match[1].lower()
    repeats = (start + match.start(1), start + match.end(1))
    return f"unexpected {slip.word!r}; did you mean 'else {action}'?", repeats


def _second_check(slip: Slip) -> Advice | None:
    if slip.word.lower() not in ("and", "or", "&&", "||"):
        return None
    alone = "a rule is a single check, so make the other a rule of its own"
    return f"unexpected {slip.word!r}; {alone}", NOTHING


def _second_rule(slip: Slip) -> Advice | None:
    if slip.word != "-" and (slip.word[0] != "-" or metrics.find(slip.word[1:]) is None):
        return None
    begins = "each rule begins with '- ', the dash and a space, right below the others"
    return f"unexpected {slip.word!r}; {begins}", NOTHING


def _method_in_lower_case(slip: Slip) -> Advice | None:
    match = re.search(r"\bof\s+(?:each\s+)?(\w+)\s+$", slip.before)
    if match is None or match[1].upper() not in _METHODS or "COMPARISON" not in slip.expected:
        return None
    capitals = f"write the method in capitals, {match[1].upper()} {slip.word}"
    return f"unexpected {slip.word!r}; {capitals}", match.span(1)


def _option_too_early(slip: Slip) -> Advice | None:
    if slip.word not in OPTIONS or "COMPARISON" not in slip.expected:
        return None
    order = "the comparison and the threshold come before the options"
    return f"unexpected {slip.word!r}; {order}", NOTHING


def _comparison_in_words(slip: Slip) -> Advice | None:
    meant = elsewhere.COMPARISONS.get(slip.word.lower())
    if meant is None or "COMPARISON" not in slip.expected:
        return None
    return f"unexpected {slip.word!r}; did you mean {meant!r}?", NOTHING


_SLIPS: tuple[Callable[[Slip], Advice | None], ...] = (
    _unclosed,
    _unit_apart,
    _up_apart,
    _action_without_else,
    _second_check,
    _second_rule,
    _method_in_lower_case,
    _option_too_early,
    _comparison_in_words,
)
"""Every slip that is known; the first that has something to say is heard."""
