"""Quantities with units: times, ratios, rates and counts."""

from __future__ import annotations

import re
from decimal import Decimal

from guard.language.errors import Complaint
from guard.rule import SIZES, Unit

TIME_EXAMPLES = "500ms, 10s, 1m30s or 2h"

_NUMBER = r"(?:0|[1-9]\d{0,15})(?:\.\d+)?"  # longer ones would overflow on their way
_NUMBER_ONLY = re.compile(_NUMBER, re.ASCII)
_RATE = re.compile(rf"({_NUMBER})(?:/s)?", re.ASCII)
_PERCENT = re.compile(rf"({_NUMBER})%", re.ASCII)
TIME_PATTERN = (
    rf"(?=.)(?:({_NUMBER})d)?(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?(?:({_NUMBER})ms)?"
)
_TIME = re.compile(TIME_PATTERN, re.ASCII)
_SIZE = re.compile(rf"({_NUMBER})({'|'.join(SIZES)})?", re.ASCII)
_WORDS = {
    "ms": ("msec", "msecs", "millis", "millisecond", "milliseconds"),
    "s": ("sec", "secs", "second", "seconds"),
    "m": ("min", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    "%": ("pct", "percent"),
    "kB": ("kb", "kilobyte", "kilobytes"),
    "MB": ("mb", "megabyte", "megabytes"),
    "GB": ("gb", "gigabyte", "gigabytes"),
    "/s": (),
    "B": ("byte", "bytes"),
}
_UNITS = {word: unit for unit, words in _WORDS.items() for word in (unit, unit.lower(), *words)}
_SPELT_OUT = re.compile(rf"({_NUMBER})\s*(\S+)", re.ASCII)
LONGEST = 100 * 366 * 86_400_000
"""Milliseconds of the longest time that makes any sense."""

_MILLISECONDS_OF_PARTS = (86_400_000, 3_600_000, 60_000, 1000, 1)


def unit(word: str) -> str | None:
    """The unit that a word means, as the language writes it: ``s`` for ``seconds``."""
    return _UNITS.get(word) or _UNITS.get(word.lower())


def _short(text: str) -> str | None:
    """A quantity with its unit spelt out or apart, as the language writes it: ``10s``."""
    match = _SPELT_OUT.fullmatch(text)
    short = unit(match[2]) if match else None
    return f"{match[1]}{short}" if match and short else None


def _short_time(text: str) -> str | None:
    short = _short(text)
    return short if short and _TIME.fullmatch(short) else None


def timespan(
    text: str, units: tuple[str, ...] = ("s", "ms"), examples: str = TIME_EXAMPLES
) -> float:
    """Seconds of a time in Locust's own form, ``1m30s``; ``ms``, ``d`` and decimals are understood
    too.

    Args:
        text: The time.
        units: What a number without a unit may have meant, for the complaint.
        examples: Times that make sense where it stands, for the complaint.

    Raises:
        Complaint: The text is not a time, or has no unit.
    """
    milliseconds = _milliseconds(text)
    if milliseconds is None:
        if _NUMBER_ONLY.fullmatch(text):
            with_unit = " or ".join(f"{text}{unit}" for unit in units)
            raise Complaint(f"{text!r} has no unit; write {with_unit}")
        short = _short_time(text)
        raise Complaint(f"{text!r} is not a time; write {short or f'e.g. {examples}'}")
    if milliseconds > LONGEST:
        raise Complaint(f"{text!r} is longer than a hundred years")
    return float(milliseconds / 1000)


def threshold(text: str, unit: Unit, metric: str) -> float:
    """The threshold in the unit of its metric. A bare number is in that unit already, except for
    seconds: other times are in milliseconds, so it would be misread.

    Raises:
        Complaint: The text is not a quantity of that unit, or out of its range.
    """
    match unit:
        case Unit.MILLISECONDS:
            return _time_threshold(text, metric)
        case Unit.RATIO:
            return _ratio(text, metric)
        case Unit.RATE:
            if match := _RATE.fullmatch(text):
                return float(match[1])
            raise Complaint(f"{metric} is a rate, {text!r} is not; write e.g. 50 or 50/s")
        case Unit.COUNT:
            if _NUMBER_ONLY.fullmatch(text):
                return float(text)
            example = _plain(text) or 100
            raise Complaint(f"{metric} is a count, {text!r} is not; write e.g. {example}")
        case Unit.SECONDS:
            try:
                return timespan(text)
            except Complaint as complaint:
                raise Complaint(f"{metric} is a time; {complaint.message}") from None
        case Unit.BYTES:
            return _size(text, metric)


def count(text: str) -> int:
    """A whole number from zero.

    Raises:
        Complaint: The text is anything else.
    """
    if re.fullmatch(r"0|[1-9]\d{0,11}", text, re.ASCII):
        return int(text)
    if re.fullmatch(rf"-{_NUMBER}", text, re.ASCII):
        raise Complaint(f"a number of requests can't be negative, {text!r} is; write e.g. 50")
    raise Complaint(f"{text!r} is not a whole number; write e.g. {_plain(text) or 50}")


def _plain(text: str) -> str | None:
    """The whole number that a text in another notation probably means: ``010``, ``1e3``,
    ``1_000``, ``20.0``."""
    if not re.fullmatch(r"\d[\d_,]{,9}(\.0{1,9})?(e\d)?", text, re.ASCII):
        return None
    return str(int(Decimal(text.replace(",", "").replace("_", ""))))


def _milliseconds(text: str) -> Decimal | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    parts = zip(match.groups(), _MILLISECONDS_OF_PARTS, strict=True)
    return sum((Decimal(part) * size for part, size in parts if part), Decimal())


def _time_threshold(text: str, metric: str) -> float:
    if _NUMBER_ONLY.fullmatch(text):
        return float(text)
    milliseconds = _milliseconds(text)
    if milliseconds is None:
        short = _short_time(text)
        raise Complaint(f"{metric} is a time, {text!r} is not; write {short or 'e.g. 500ms or 2s'}")
    return float(milliseconds)


def _size(text: str, metric: str) -> float:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Complaint(f"{metric} is a size, {text!r} is not; write e.g. 2kB or 5MB")
    return float(Decimal(match[1]) * 1000 ** SIZES.index(match[2] or "B"))


def _ratio(text: str, metric: str) -> float:
    if match := _PERCENT.fullmatch(text):
        ratio = Decimal(match[1]) / 100
    elif _NUMBER_ONLY.fullmatch(text):
        ratio = Decimal(text)
    else:
        short = _short(text)
        example = short if short and short.endswith("%") else "e.g. 1% or 0.01"
        raise Complaint(f"{metric} is a ratio, {text!r} is not; write {example}")
    if ratio > 1:
        hint = "" if match else f"; did you mean {text}%?" if Decimal(text) <= 100 else ""
        raise Complaint(f"{metric} lies between 0% and 100%, {text!r} does not{hint}")
    return float(ratio)
