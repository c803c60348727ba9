"""A rule in plain words, as a person would explain it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from guard.rule import (
    Action,
    Basis,
    Check,
    Comparison,
    Outcome,
    Rule,
    Start,
    Unit,
    in_largest_unit,
    threshold_text,
)


@dataclass(frozen=True, slots=True)
class Words:
    """What a rule says.

    Attributes:
        must_hold: ``p95 of POST /checkout below 500 ms``.
        judged: ``every second on the last 10 s, first 10 s after the start; needs 20 requests``.
        if_not: ``broken for 5 s: stops the run, which fails``.
    """

    must_hold: str
    judged: str
    if_not: str


def in_words(rule: Rule) -> Words:
    """The rule in plain words. Options that have their defaults are not mentioned."""
    return Words(_must_hold(rule.check), _judged(rule), _if_not(rule))


_COMPARISONS = {
    Comparison.LESS: "below",
    Comparison.AT_MOST: "at most",
    Comparison.MORE: "above",
    Comparison.AT_LEAST: "at least",
    Comparison.EQUAL: "exactly",
    Comparison.DIFFERENT: "other than",
}
_ACTIONS = {
    Action.STOP: "stops the run, which fails",
    Action.FINISH: "stops the run, which passes",
    Action.FAIL: "the run fails",
    Action.WARN: "only a warning",
    Action.VOID: "the run is inconclusive",
}
_WITHOUT_DATA = {Outcome.PASS: "; passes without data", Outcome.FAIL: "; fails without data"}


def span(seconds: float) -> str:
    """Seconds for people: ``1 min 30 s``, ``1.5 s``, ``500 ms``."""
    minutes, rest = divmod(Decimal(repr(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = (days, "days" if days > 1 else "day"), (hours, "h"), (minutes, "min")
    parts = [f"{count:f} {unit}" for count, unit in units if count]
    if rest >= 1 or not (parts or rest):
        parts.append(f"{rest.normalize():f} s")
    elif rest:
        parts.append(f"{(rest * 1000).normalize():f} ms")
    return " ".join(parts)


def quantity(value: float, unit: Unit) -> str:
    """A threshold for people: ``1.5 s``, ``1%``, ``5 MB``."""
    match unit:
        case Unit.MILLISECONDS:
            return span(value / 1000) if value >= 1000 else threshold_text(value, unit)[:-2] + " ms"
        case Unit.SECONDS:
            return span(value)
        case Unit.BYTES:
            return "{:f} {}".format(*in_largest_unit(value))
        case _:
            return threshold_text(value, unit)


def _must_hold(check: Check) -> str:
    limit = f"{_COMPARISONS[check.comparison]} {quantity(check.threshold, check.unit)}"
    only = f"; only failures like {check.failure} count" if check.failure else ""
    return f"{check.metric}{_of(check)} {limit}{only}"


def _of(check: Check) -> str:
    if check.basis is Basis.RUN:
        return ""
    if check.selection is None:
        return " of all requests"
    if check.each:
        return f" of each {check.selection.label} on its own"
    summed = "*" in check.selection.name
    return f" of all {check.selection.label} together" if summed else f" of {check.selection.label}"


def _judged(rule: Rule) -> str:
    few = rule.min_requests
    needs = f"; needs {few} request{'s' if few != 1 else ''}" if few != rule.check.fewest else ""
    return _when(rule) + needs


def _when(rule: Rule) -> str:
    armed = _moment(rule.after.delay, rule.after.ramp_up)
    at_once = rule.after == Start()
    whole = "the whole run" if at_once else f"the run since {armed}"
    if rule.over is not None:
        first = _moment(rule.after.delay + rule.over, rule.after.ramp_up)
        return f"every second on the last {span(rule.over)}, first {first}"
    if rule.surely is not None:
        return f"every second, by the evidence of {whole}"
    if rule.on_run:
        return "every second" if at_once else f"every second from {armed} on"
    if rule.judged_at_end:
        return f"once at the end, on {whole}"
    return f"every second and at the end, on {whole}"


def _moment(delay: float, ramp_up: bool) -> str:
    origin = "ramp-up" if ramp_up else "the start"
    return f"{span(delay)} after {origin}" if delay else origin


def _if_not(rule: Rule) -> str:
    hold = f"broken for {span(rule.hold)}: " if rule.hold else ""
    if rule.surely is not None:
        hold = f"beyond what chance does once in {span(rule.surely)}: "
    return hold + _ACTIONS[rule.action] + _WITHOUT_DATA.get(rule.no_data, "")
