"""Series of values, one a second, as tests of rules write them.

::

    series = part+                                parts are separated by blanks
    part   = ( value | value ".." value | "_" ) [ "x" length ]
    value  = a quantity in the unit of the metric
    length = a number of seconds, or a TIME of whole seconds

``50x60`` is 50 in each of 60 seconds, ``10..50x9`` goes in 9 seconds from 10 to 50, which are the
first and the last, and ``_`` is a second of nothing.
"""

from __future__ import annotations

import re

from guard.language.errors import Complaint
from guard.language.units import threshold, timespan
from guard.rule import Unit
from guard.scenario import Part, Series

LONGEST = 7 * 86_400
"""How many seconds a series may have."""

NOTHING = "_"
"""A second without a value."""

IT = "it"
"""What complaints about a value call its metric, whose name comes before."""

_PART = re.compile(r"\S+")
_TIMES = re.compile(r"(?P<values>[^xX*]*)(?:x(?P<length>.*))?")
_WHOLE = re.compile(r"[1-9]\d{0,8}", re.ASCII)


def series(text: str, unit: Unit) -> Series:
    """Read a series.

    Args:
        text: What is written.
        unit: What its values are in.

    Raises:
        Complaint: The text is not a series of such values.
    """
    parts: list[Part] = []
    for match in _PART.finditer(text):
        try:
            parts.append(_part(match[0], unit))
        except Complaint as complaint:
            raise Complaint(complaint.message, match.start(), match.end()) from None
        if sum(part.seconds for part in parts) > LONGEST:
            raise Complaint("a series has up to 7d", match.start(), match.end())
    if not parts:
        raise Complaint(f"write a series, such as {_example(unit)}x60")
    return Series(unit, tuple(parts))


def _part(text: str, unit: Unit) -> Part:
    match = _TIMES.fullmatch(text)
    if match is None:
        raise Complaint(f"{text!r} is not part of a series; write e.g. {_example(unit)}x60")
    values, length = match["values"], match["length"]
    if length == "":
        raise Complaint(
            f"{text!r} lacks a value or a number of seconds; write both without blanks, e.g. "
            f"{values or _example(unit)}x60"
        )
    seconds = 1 if length is None else _seconds(length, text)
    if values == NOTHING:
        return Part(None, None, seconds)
    if NOTHING in values:
        raise Complaint(f"{text!r} is not part of a series; '_' stands alone, as in _x5")
    if not values:
        raise Complaint(f"{text!r} has no value; write e.g. {_example(unit)}{text}")
    first, dots, last = values.partition("..")
    if not dots:
        value = threshold(first, unit, IT)
        return Part(value, value, seconds)
    if length is None or seconds < 2:
        raise Complaint(
            f"{values!r} needs two seconds or more, from the first value to the last; write e.g. "
            f"{values}x10"
        )
    return Part(threshold(first, unit, IT), threshold(last, unit, IT), seconds)


def _seconds(text: str, part: str) -> int:
    """How often a value comes: ``60``, ``60s`` or ``1m``."""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        seconds = timespan(text)
    except Complaint:
        seconds = 0.0
    if seconds and seconds.is_integer():
        return int(seconds)
    raise Complaint(
        f"{part!r} is not a value and its number of seconds; write e.g. "
        f"{part.partition('x')[0]}x60 or {part.partition('x')[0]}x1m"
    )


def _example(unit: Unit) -> str:
    return {Unit.MILLISECONDS: "100ms", Unit.RATIO: "50%", Unit.BYTES: "2kB"}.get(unit, "50")
