"""Dates in recordings."""

from __future__ import annotations

from datetime import datetime, timezone

FORMS = ("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S,%f")
"""Forms of a date, beside ISO 8601, that JMeter can be told to write."""


def seconds_of(text: str) -> float:
    """A date as seconds since 1970. One without a time zone is taken for UTC, as only differences
    matter.

    Raises:
        ValueError: It is of no known form.
    """
    moment = _read(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def text_of(seconds: float) -> str:
    """Seconds since 1970 as a date in UTC, as in the verdict file."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _read(text: str) -> datetime:
    # Python 3.10 knows no Z.
    iso = text[:-1] + "+00:00" if text.endswith("Z") else text
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        pass
    for form in FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is neither a number nor a date")
