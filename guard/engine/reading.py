"""The value of a check's metric in its window at one moment, and how it is said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from guard.rule import (
    Rule,
    Start,
    Unit,
    in_largest_unit,
    number_text,
    threshold_text,
    timespan_text,
)
from guard.terminal import visible


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement.

    Attributes:
        value: In the unit of the metric; None for no data.
        requests: Number of requests behind it; None for a metric of the run.
        seconds: Time that its window covers; zero for a metric of the run.
        at: When it was taken, in seconds since the test start.
        users: How many users were running then; None if nobody knows.
        evidence: How far the evidence had come towards a breach, 0 to 1; None for a rule that is
            not ``surely``.
    """

    value: float | None
    requests: int | None
    seconds: float
    at: float
    users: int | None = 0
    evidence: float | None = None

    @property
    def rps(self) -> float | None:
        """Requests per second in the window; None for a window of no time, or none at all."""
        if self.requests is None or self.seconds <= 0:
            return None
        return self.requests / self.seconds


def quantity(value: float, unit: Unit, digits: int = 3) -> str:
    """A value with its unit for people: ``950 ms``, ``2.1%``, ``48.3/s``, ``1200``, ``1.5 GB``."""
    match unit:
        case Unit.RATIO:
            return f"{_significant(value * 100, digits)}%"
        case Unit.BYTES:
            size, unit_of_size = in_largest_unit(value)
            return f"{_significant(float(size), digits)} {unit_of_size}"
        case Unit.RATE:
            return f"{_significant(value, digits)}/s"
        case Unit.COUNT:
            return _significant(value, digits)
        case _:
            return f"{_significant(value, digits)} {unit.value}"


def _significant(value: float, digits: int) -> str:
    """Rounded to that many significant digits, but never before the decimal point."""
    if abs(value) < 10 ** (digits - 1):
        return f"{float(f'{value:.{digits}g}'):.{digits + 5}f}".rstrip("0").rstrip(".")
    return f"{value:.0f}"


def told_apart(value: float, threshold: float, unit: Unit) -> str:
    """The value with as many digits as it takes to see that it is not the threshold."""
    if value != threshold:
        for digits in range(3, 17):
            if quantity(value, unit, digits) != quantity(threshold, unit, digits):
                return quantity(value, unit, digits)
    return quantity(value, unit)


def limit(rule: Rule) -> str:
    """What the rule demands: ``< 500 ms``."""
    check = rule.check
    match check.unit:
        case Unit.MILLISECONDS | Unit.SECONDS:
            text = f"{number_text(check.threshold)} {check.unit.value}"
        case Unit.BYTES:
            text = "{:f} {}".format(*in_largest_unit(check.threshold))
        case _:
            text = threshold_text(check.threshold, check.unit)
    return f"{check.comparison.value} {text}"


def span(rule: Rule, seconds: float) -> str:
    """The window of the rule in words: ``over 10 s``, or what it really covered."""
    if rule.surely is not None:
        return f"over {seconds:.0f} s"
    if rule.over is not None:
        stretched = abs(seconds - rule.over) > 0.5
        return f"over {seconds:.0f} s" if stretched else f"over {number_text(rule.over)} s"
    if rule.after == Start():
        return "over the run"
    return "since ramp-up" if rule.after == Start(ramp_up=True) else f"after {rule.after}"


def subject(rule: Rule, entry: str | None) -> str:
    """What is measured: ``p95 of POST /checkout``."""
    return rule.check.measured + (f" of {entry}" if entry else "")


def sentence(rule: Rule, entry: str | None, reading: Reading) -> str:
    """The reading beside what the rule demands, in one line.

    ``p95 of POST /checkout was 950 ms over 10 s (321 requests), must be < 500 ms``
    """
    check = rule.check
    if reading.value is None:
        was = "had no data"
    else:
        was = f"was {told_apart(reading.value, check.threshold, check.unit)}"
    measured = f"{subject(rule, entry)} {was}"
    if reading.requests is not None:
        requests = "1 request" if reading.requests == 1 else f"{reading.requests} requests"
        measured += f" {span(rule, reading.seconds)} ({requests})"
    said = f"{measured}, must be {limit(rule)}{_how_sure(rule, reading)}"
    if rule.named:
        said = f"{rule.name}: {said}"
    return visible(f"{said} ({rule.because})" if rule.because else said)


def _how_sure(rule: Rule, reading: Reading) -> str:
    if rule.surely is None or reading.evidence is None:
        return ""
    if reading.evidence < 1:
        return f", evidence {share_text(reading.evidence)}"
    wrong = "stop" if rule.action.stops else "alarm"
    return f", surely (less than one false {wrong} in {_span_in_words(rule.surely)})"


def share_text(evidence: float) -> str:
    """Evidence for people: ``63%``. It is 100% only when it is proof."""
    return f"{math.floor(evidence * 100)}%"


def _span_in_words(seconds: float) -> str:
    days = seconds / 86_400
    if days >= 1 and days.is_integer():
        return "a day" if days == 1 else f"{days:.0f} days"
    return timespan_text(seconds)
