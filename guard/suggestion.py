"""Limits from a good run, as a rules file that is ready to be edited."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from guard.engine.reading import quantity
from guard.engine.verdict import RuleResult
from guard.language.errors import RulesError
from guard.language.rulefile import parse_rules
from guard.rule import Rule, Selection, Start, Unit, method_and_name, timespan_text
from guard.sources.recording.recording import Recording, Survey

MARGIN = 0.25
"""How far a limit is from the worst reading, as a share of it."""

ENOUGH = 20
"""Requests that a percentile needs to say anything."""

MOST_ENTRIES = 20
"""Entries that are suggested limits for, those with the most requests."""

LEAST_RATIO = 0.01
"""The lowest limit on failures. A run without any says little about what is normal."""

LEAST_SILENCE = 10.0
"""The lowest limit on silence, in seconds."""

Judge = Callable[[Sequence[Rule]], Sequence[RuleResult]]
"""From rules to what became of each over the whole of the run."""

# Each with a limit that nothing breaks, in whose place the suggested one is put.
_OF_ALL = (
    "fail_ratio < 100%",
    f"fail_ratio < 100% over 10s min_requests {ENOUGH}",
    f"p95 < 10000d over 10s min_requests {ENOUGH}",
    "p99 < 10000d over 10s min_requests 100",
    "rps > 0 over 10s",
    "silence < 10000d",
)
_OF_ENTRY = ("fail_ratio < 100%", f"p95 < 10000d over 10s min_requests {ENOUGH}")
_OF_RARE_ENTRY = f"p95 < 10000d min_requests {ENOUGH}"
"""For an entry whose windows never held enough requests."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A rule, and what was seen.

    Attributes:
        rule: The rule.
        seen: The worst reading.
    """

    rule: Rule
    seen: str


def rules_file(
    files: Sequence[str],
    recording: Recording,
    survey: Survey,
    judge: Judge,
    ramped_up_at: float | None,
) -> str | None:
    """The text of a rules file that this run passes; None if there is no rule to suggest.

    Args:
        files: What was read.
        recording: The recording.
        survey: What there is in it.
        judge: Judges rules on it.
        ramped_up_at: When ramp-up was complete; None where nobody says.
    """
    entries, left_out = _busiest(judge)
    after = Start() if ramped_up_at is None else Start(ramp_up=True)
    of_all = [replace(rule, after=after) for rule in _rules(_OF_ALL)]
    of_entries = [
        _on(rule, entry, after)
        for entry, _ in entries
        for rule in _rules((*_OF_ENTRY, _OF_RARE_ENTRY))
    ]
    results = judge([*of_all, *of_entries])
    if not any(map(_suggested, results)):
        return None
    lines = list(_head(files, recording, survey, ramped_up_at))
    lines += _section("All requests", survey.requests, results[: len(of_all)])
    step = len(_OF_ENTRY) + 1
    for number, (entry, requests) in enumerate(entries):
        begin = len(of_all) + number * step
        of_entry = _without_second_best(results[begin : begin + step])
        lines += _section(entry, requests, of_entry)
    if left_out:
        lines.append(f"\n  # {left_out} more with fewer requests are left out.")
    return "\n".join(lines) + "\n"


def _busiest(judge: Judge) -> tuple[list[tuple[str, float]], int]:
    """The entries with the most requests and how many each has, and how many others there are."""
    results = [r for r in judge(_rules(("requests of each * >= 0",))) if r.judged and r.entry]
    results.sort(key=lambda result: -(result.value or 0.0))
    entries = [(result.entry or "", result.value or 0.0) for result in results]
    return entries[:MOST_ENTRIES], len(entries[MOST_ENTRIES:])


def _head(
    files: Sequence[str], recording: Recording, survey: Survey, ramped_up_at: float | None
) -> Iterator[str]:
    formats = " and ".join(layout.title for layout in recording.layouts)
    named = " ".join("-" if file == "-" else file for file in files)
    yield f"# Limits from {_in_comment(named)}"
    requests = "1 request" if survey.requests == 1 else f"{survey.requests:,} requests"
    yield f"# ({formats}: {requests} in {survey.duration:.1f} s)."
    yield f"# Each is the worst reading of that run and a margin of {MARGIN:.0%}: look at each, and"
    yield "# add `else stop` to those that are to stop a run. `locust-guard check` says what they"
    yield "# mean, and `locust-guard replay` what they would have done."
    if ramped_up_at is None:
        yield "# Ramp-up is in it; to leave it out, suggest with --ramp-up TIME."
    else:
        yield f"# Ramp-up, {timespan_text(ramped_up_at)}, is not in it."
    yield "rules:"


def _section(title: str, requests: float, results: Sequence[RuleResult]) -> Iterator[str]:
    yield f"\n  # {_in_comment(title)}" if title != "All requests" else f"  # {title}"
    found = [suggested for result in results if (suggested := _suggested(result))]
    if any(result.worst == 1 and result.rule.check.unit is Unit.RATIO for result in results):
        yield "  # all requests failed, which is no limit"
    elif not found and requests < ENOUGH:
        yield "  # too few requests to say anything"
    elif not found:
        yield "  # a rule can't say this name"
    for suggested in found:
        yield f"  - {_as_yaml(str(suggested.rule))}  # at worst {suggested.seen}"


def _without_second_best(results: Sequence[RuleResult]) -> Sequence[RuleResult]:
    """Without the percentile of the whole run where there is one of its windows."""
    *others, of_windows, of_run = results
    return [*others, of_windows if of_windows.judged else of_run]


def _suggested(result: RuleResult) -> Suggested | None:
    """The rule with a limit a margin beyond what was seen; None where there is none to be had."""
    worst = result.worst
    if not result.judged or worst is None or not math.isfinite(worst):
        return None
    rule = result.rule
    limit = _limit(rule, worst)
    if limit is None:
        return None
    bounded = replace(rule, check=replace(rule.check, threshold=limit))
    if not _is_legal(bounded):
        return None
    return Suggested(bounded, quantity(worst, rule.check.unit))


def _limit(rule: Rule, worst: float) -> float | None:
    match rule.check.unit:
        case Unit.RATIO:
            limit = _rounded(max(worst * (1 + MARGIN), LEAST_RATIO), up=True)
            return limit if limit < 1 else None
        case Unit.RATE:
            return _rounded(worst * (1 - MARGIN), up=False) or None
        case Unit.SECONDS:
            return float(math.ceil(max(worst * (1 + MARGIN), LEAST_SILENCE)))
        case _:
            # Above what was seen also where that was nothing.
            return _rounded(max(worst * (1 + MARGIN), 1.0), up=True)


def _rounded(value: float, *, up: bool) -> float:
    """With two digits, as people write limits and as Locust rounds response times."""
    if value <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(value))
    scaled = value * 10.0**digits
    # What is two digits already, but for the errors of floats, is left as it is.
    whole = round(scaled) if abs(scaled - round(scaled)) < 1e-6 else None
    if whole is None:
        whole = math.ceil(scaled) if up else math.floor(scaled)
    rounded = float(f"{whole}e{-digits}")
    return math.ceil(rounded) if up and value >= 1 else rounded


def _rules(lines: Sequence[str]) -> list[Rule]:
    text = "rules:\n" + "".join(f"  - {line}\n" for line in lines)
    return list(parse_rules(text.encode(), "suggested"))


def _on(rule: Rule, entry: str, after: Start) -> Rule:
    method, name = method_and_name(entry)
    check = replace(rule.check, selection=Selection(name, method))
    return replace(rule, check=check, after=after)


def _is_legal(rule: Rule) -> bool:
    """Whether a file may say it. The names of requests can hold anything."""
    text = f"rules:\n  - {_as_yaml(str(rule))}\n"
    try:
        (read,) = parse_rules(text.encode(), "suggested")
    except (RulesError, ValueError):
        return False
    return str(read) == str(rule)


def _as_yaml(line: str) -> str:
    """The line as it stands where YAML reads it as it stands; else quoted."""
    line = line.replace("${", "$${")
    is_plain = line.isprintable() and ": " not in line and " #" not in line
    return line if is_plain and not line.endswith(":") else json.dumps(line)


def _in_comment(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)
