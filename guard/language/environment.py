"""Variables of the environment in the values of a rules file: ``${NAME}``, ``${NAME:-default}``.

What a variable stands for may be secret, so no message ever shows it: messages name the variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from guard.language.errors import Complaint

NOT_SHOWN = "(its value is not shown, as it may be secret)"
"""Why a message about a value doesn't repeat it."""

HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
"""What can't be printed or written to a file: bytes that are no text, and halves of pairs."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_DOLLAR = re.compile(
    rf"\$\$\{{|\$\{{(?P<name>{_NAME})(?P<has_default>:-(?P<default>[^{{}}]*))?\}}|\$\{{"
)
_NEARLY = re.compile(rf"\$\{{ *({_NAME}) *(?:(?::[-=+?]?|[-=+?]) *([^{{}}\n]*?))? *\}}")
_SECRET_WORD = re.compile(
    r".*(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|APIKEY|ACCESSKEY|CREDENTIAL|WEBHOOK)S?"
)
_SECRET_LAST_WORD = re.compile(
    r".*PASS|KEYS?|PWDS?|O?AUTH|AUTHORIZATION|AUTHENTICATION|BEARER|COOKIE|CREDS|DSN|HOOK|JWT|PAT|PEM|PIN"
)
_HOLDS_A_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an expanded text that is written differently.

    Attributes:
        start: Where it begins in the expanded text.
        end: Where it ends there.
        written_start: Where it begins in the written text.
        written_end: Where it ends there.
        variable: The variable it stands for, ``${NAME}``; empty for the plain ``${`` of ``$${``.
    """

    start: int
    end: int
    written_start: int
    written_end: int
    variable: str


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its variables filled in.

    Attributes:
        written: As it is written.
        text: With the value of each variable in its place.
        stretches: Where the two differ.
    """

    written: str
    text: str
    stretches: tuple[Stretch, ...] = ()

    def written_offset(self, offset: int) -> int:
        """Where a character of the expanded text is written: the ``$`` for one of a value."""
        moved = 0
        for stretch in self.stretches:
            if offset < stretch.start:
                break
            if offset < stretch.end or stretch.start == stretch.end == offset:
                return stretch.written_start
            moved = stretch.written_end - stretch.end
        return offset + moved

    def variables(self, start: int = 0, end: int | None = None) -> tuple[str, ...]:
        """The variables whose values reach into that part of the expanded text."""
        end = len(self.text) if end is None else end
        return tuple(
            dict.fromkeys(
                stretch.variable
                for stretch in self.stretches
                if stretch.variable and max(start, stretch.start) < min(end, stretch.end)
            )
        )

    @property
    def empty_variables(self) -> tuple[str, ...]:
        """The variables that stand for nothing at all."""
        empty = (stretch for stretch in self.stretches if stretch.start == stretch.end)
        return tuple(dict.fromkeys(stretch.variable for stretch in empty))

    def covers(self, start: int, end: int) -> bool:
        """Whether that part of the expanded text is the value of one variable, or within it."""
        return any(s.variable and s.start <= start and end <= s.end for s in self.stretches)


class NotSet(Complaint):
    """A variable has no value.

    Attributes:
        variable: The variable: ``${NAME}``.
    """

    def __init__(self, variable: str, message: str, start: int, end: int) -> None:
        super().__init__(message, start, end)
        self.variable = variable


def expand(
    text: str, environment: Mapping[str, str], longest: int, *, secret: bool = False
) -> tuple[Expanded, list[Complaint]]:
    """Fill in the variables of a text. ``$${`` gives a plain ``${``.

    Args:
        text: The text as it is written.
        environment: The value of each variable. An empty one counts as set, but a default goes
            before it.
        longest: How many characters the expanded text may have.
        secret: Whether the text may be a secret, because nothing shows it.

    Returns:
        The expanded text, and everything that is wrong with its variables, by offsets in the
        written text. With a complaint the expanded text is of no use.
    """
    if "${" not in text:
        return Expanded(text, text), []
    pieces: list[str] = []
    stretches: list[Stretch] = []
    complaints: list[Complaint] = []
    done = size = 0
    for match in _DOLLAR.finditer(text):
        try:
            variable, value = _meaning(match, environment, secret=secret)
        except Complaint as complaint:
            complaints.append(complaint)
            continue
        pieces += (text[done : match.start()], value)
        size += match.start() - done
        stretches.append(Stretch(size, size + len(value), *match.span(), variable))
        size += len(value)
        done = match.end()
        if size > longest:
            message = f"too long with what {variable or '$${'} stands for"
            return Expanded(text, text), [Complaint(f"{message}; up to {longest} characters")]
    return Expanded(text, "".join([*pieces, text[done:]]), tuple(stretches)), complaints


def is_secret(name: str) -> bool:
    """Whether the name of a variable says that its value is a secret: ``SLACK_WEBHOOK``."""
    words = [word.rstrip("0123456789") for word in name.upper().split("_")]
    *_, last = ["", *filter(None, words)]
    return bool(_SECRET_LAST_WORD.fullmatch(last)) or any(map(_SECRET_WORD.fullmatch, words))


def _meaning(
    match: re.Match[str], environment: Mapping[str, str], *, secret: bool
) -> tuple[str, str]:
    """The variable that is referred to, and what stands in its place."""
    name = match["name"]
    if match[0] == "$${":
        return "", "${"
    start, end = match.span()
    if name is None:
        raise Complaint(_not_a_variable(match.string[start:]), start, end)
    variable = f"${{{name}}}"
    if is_secret(name) and not secret:
        why = "its name says that it is a secret, and what rules say is shown in logs and reports"
        raise Complaint(f"{variable} can't be used here: {why}", start, end)
    value = environment.get(name)
    if match["has_default"] and not value:
        return variable, match["default"]
    if value is None:
        how = f"set it, or write ${{{name}:-...}} with a default"
        raise NotSet(variable, f"{variable} is not set; {how}", start, end)
    if _HOLDS_A_PASSWORD.search(value) and not secret:
        why = "it is an address with a password, and what rules say is shown in logs and reports"
        raise Complaint(f"what {variable} stands for can't be used here: {why}", start, end)
    if HALF_A_CHARACTER.search(value):
        raise Complaint(f"what {variable} stands for is not text {NOT_SHOWN}", start, end)
    return variable, value


def _not_a_variable(text: str) -> str:
    """What is wrong with a text that begins with ``${`` but not with a variable."""
    legal = "variables are ${NAME} and ${NAME:-default}; write $${ to mean ${ itself"
    if "}" not in text:
        return f"the {{ of ${{ is never closed; {legal}"
    shown = text[: text.index("}") + 1]
    if "{" in shown[2:]:
        return f"a variable can't hold another {{; {legal}"
    near = ""
    if match := _NEARLY.match(text):
        near = f" did you mean ${{{match[1]}{f':-{match[2]}' if match[2] else ''}}}?"
    return f"{shown!r} is not a variable;{near} {legal}"
