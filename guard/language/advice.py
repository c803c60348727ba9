"""What is legal in a rules file and yet is probably not what was meant.

Each warning is a function in :data:`ADVICE`; its docstring is the user's documentation of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from guard.engine import share
from guard.language.errors import did_you_mean
from guard.language.names import RequestName
from guard.language.strictness import LOWER, UPPER, covers, rank
from guard.rule import (
    Action,
    Check,
    Comparison,
    Place,
    Rule,
    Start,
    threshold_text,
    timespan_text,
)

REPORT_INTERVAL = 3.0
"""Seconds between two reports of a worker, unless Locust is told otherwise."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning about a rule.

    Attributes:
        name: The warning's name in :data:`ADVICE`.
        rule: The rule.
        message: What is wrong, and what to write instead.
    """

    name: str
    rule: Rule
    message: str

    @property
    def place(self) -> Place | None:
        return self.rule.place


@dataclass(frozen=True, slots=True)
class Case:
    """A rule and what to look at it with.

    Attributes:
        rule: The rule.
        rules: All rules of the file, in its order.
        names: The requests that there are; None where nobody says.
    """

    rule: Rule
    rules: Sequence[Rule]
    names: Sequence[RequestName] | None = None


def advise(rules: Sequence[Rule], names: Sequence[RequestName] | None = None) -> list[Warned]:
    """All warnings about the rules of a file, in the order of the rules.

    Args:
        rules: The rules.
        names: The requests that there are; None where nobody says.
    """
    return [
        Warned(name, rule, message)
        for rule in rules
        for name, warning in ADVICE.items()
        if (message := warning(Case(rule, rules, names)))
    ]


def early_stop(case: Case) -> str | None:
    """The first few requests can stop the run.

    A rule on the whole run is judged from the first second on. One failure among the first ten
    requests is 10% then, and stops a run that would have had one in a million.

    Warns: fail_ratio < 1% else stop
    Warns: rps > 50 else stop
    Fine: fail_ratio < 1% min_requests 500 else stop
    Fine: fail_ratio < 1% over 30s else stop
    A failure may also be answered sooner than any success: while users are being spawned, the first
    few that are counted are no fair sample, and ``surely`` takes them for proof.

    Warns: fail_ratio < 1% surely else stop
    Fine: fail_ratio < 1% surely after ramp-up else stop
    Fine: p95 < 500ms surely else stop
    Fine: failures < 10 else stop
    """
    rule = case.rule
    if rule.surely and rule.check.metric == "fail_ratio" and rule.after == Start():
        return (
            "while users are being spawned, failures may be answered before any success is; add "
            "'after ramp-up'"
        )
    asks_for_requests = rule.min_requests > max(rule.check.fewest, 1)
    if not (rule.on_totals and rule.action.stops) or asks_for_requests or rule.after != Start():
        return None
    if _breaks_once(rule.check):
        return None
    may_be_bad = share.limit(rule.check)
    surely = "'surely after ramp-up', " if may_be_bad is not None and may_be_bad < 1 else ""
    return (
        f"the first few requests can {rule.action.value} the run; add {surely}a window such as "
        "'over 30s', 'min_requests 100' or 'after ramp-up'"
    )


def few_requests(case: Case) -> str | None:
    """A percentile of so few requests is just the slowest or the fastest of them.

    Of fewer than 100 / (100 - N) requests, pN is the slowest one: of 20 for p95, of 100 for p99.
    For low percentiles it is the fastest of fewer than 100 / N. A rule that is judged once, at the
    end, is left alone unless it has a ``min_requests`` of its own.

    Warns: p95 < 500ms over 10s
    Warns: p99 < 2s over 10s min_requests 50 else stop
    Fine: p95 < 500ms over 10s min_requests 20
    Fine: p95 < 500ms surely
    Fine: p95 < 500ms
    """
    rule = case.rule
    percent = rank(rule.check.metric)
    if percent is None or not 0 < percent < 100 or rule.surely is not None:
        return None
    if rule.judged_at_end and rule.min_requests <= 1:
        return None
    high = percent >= 50
    needed = math.ceil(100 / (100 - percent if high else percent))
    if rule.min_requests >= needed:
        return None
    extreme = "slowest" if high else "fastest"
    return (
        f"{rule.check.metric} of fewer than {needed} requests is just the {extreme} of them; "
        f"write 'min_requests {needed}' or more"
    )


def short_window(case: Case) -> str | None:
    """A window shorter than two reports of the workers.

    Workers report every 3 seconds, so on a master such a window is widened to 6 seconds: the rule
    means one thing with workers and another without.

    Warns: fail_ratio < 5% over 5s
    Fine: fail_ratio < 5% over 6s
    """
    over, shortest = case.rule.over, 2 * REPORT_INTERVAL
    if over is None or over >= shortest:
        return None
    return (
        f"'over {timespan_text(over)}' is widened to {timespan_text(shortest)} on a master, whose "
        f"workers report every {timespan_text(REPORT_INTERVAL)}; write 'over "
        f"{timespan_text(shortest)}' or more"
    )


def rounding(case: Case) -> str | None:
    """A threshold that Locust's rounding can't tell from its neighbours.

    Locust rounds the response times that percentiles are taken from: below 100 ms to 1 ms, below
    1 s to 10 ms, below 10 s to 100 ms, above to 1 s. So are ``min`` and ``max`` of a window; those
    of the whole run, and ``avg``, are exact.

    Warns: p95 < 505ms
    Warns: max < 1550ms over 30s
    Fine: p95 < 510ms
    Fine: max < 1550ms
    """
    rule, check = case.rule, case.rule.check
    limit = check.threshold
    step = _step(limit)
    if not _is_rounded(rule) or limit % step == 0:
        return None
    below, above = (threshold_text(step * whole(limit / step), check.unit) for whole in _WHOLES)
    known = f"Locust rounds such a {check.metric} to {threshold_text(step, check.unit)}, so"
    mine = threshold_text(limit, check.unit)
    match check.comparison:
        case Comparison.LESS | Comparison.AT_MOST:
            return f"{known} {mine} is the same limit as '< {above}' or '<= {below}'; write that"
        case Comparison.MORE | Comparison.AT_LEAST:
            return f"{known} {mine} is the same limit as '> {below}' or '>= {above}'; write that"
        case Comparison.EQUAL | Comparison.DIFFERENT:
            return f"{known} it is never {mine}; write {below} or {above}"


def redundant(case: Case) -> str | None:
    """A rule that another one makes superfluous.

    The other is about the same requests in the same window, and whenever this rule is broken so is
    the other, which does at least as much about it.

    Warns: p95 < 500ms  (beside p99 < 500ms)
    Warns: fail_ratio < 2%  (beside fail_ratio < 1%)
    Fine: p95 < 400ms  (beside p99 < 500ms)
    Fine: fail_ratio < 2% else stop  (beside fail_ratio < 1%)
    """
    rule = case.rule
    at = next(i for i, other in enumerate(case.rules) if other is rule)
    for i, other in enumerate(case.rules):
        # Of two rules that say the same the first one stays.
        if i != at and covers(other, rule) and not (i > at and covers(rule, other)):
            return f"it says nothing more than {other.name!r}{_where(other, rule)}; remove it"
    return None


def hardly_broken(case: Case) -> str | None:
    """A check that holds whatever comes, or unless every single request fails.

    No metric is ever below 0, and no ratio of failures above 100%. A bare number is a ratio, so
    ``fail_ratio < 1`` is below 100%, and not below 1%.

    Warns: fail_ratio < 1
    Warns: fail_ratio <= 100%
    Warns: requests >= 0
    Fine: fail_ratio < 1%
    Fine: requests > 0
    """
    check = case.rule.check
    if check.comparison is Comparison.AT_LEAST and check.threshold == 0:
        return f"{check.metric} is never below 0, so the check always holds; write '> 0' or more"
    if check.metric != "fail_ratio" or check.threshold < 1 or check.comparison not in UPPER:
        return None
    if check.comparison is Comparison.AT_MOST:
        return "no ratio is above 100%, so the check always holds; did you mean '<= 1%'?"
    return "1 is 100%, so the check holds unless every request fails; did you mean '< 1%'?"


def direction(case: Case) -> str | None:
    """A lower limit for what is worse the more there is.

    A rule says what must hold, where other tools say what breaks the run. ``else finish`` and
    ``else warn``, ``min``, and failures of which there must be some (``> 0``) are left alone.

    Warns: p95 > 500ms over 30s min_requests 20 else stop
    Warns: cpu >= 90% else void
    Fine: p95 <= 500ms over 30s min_requests 20 else stop
    Fine: failures("*quota*") > 0
    Fine: silence > 5s else finish
    """
    rule, check = case.rule, case.rule.check
    if check.comparison not in LOWER or check.threshold == 0 or not _is_worse_high(check.metric):
        return None
    if rule.action in (Action.FINISH, Action.WARN):
        return None
    meant = replace(check, comparison=_OPPOSITE[check.comparison])
    return (
        f"a rule says what must hold, so this one is broken when {check.metric} is low; did you "
        f"mean '{meant}'?"
    )


def exact_text(case: Case) -> str | None:
    """A failure text without ``*``, which is that of no failure that says a word more.

    Locust's texts are long: that of a 503 is ``HTTPError('503 Server Error: ... for url: ...')``.
    A text with its parentheses is taken to be a whole one.

    Warns: failures(503) == 0
    Fine: failures("*503*") == 0
    Fine: failures("LocustBadStatusCode(code=503)") == 0
    """
    text = case.rule.check.failure
    if text is None or "*" in text or (text.endswith(")") and "(" in text):
        return None
    return (
        f'only failures whose whole text is "{text}" count; write "*{text}*" for all that have it '
        "in their text"
    )


def no_such_request(case: Case) -> str | None:
    """No request has the name that the rule is about. Said with ``--names FILE`` only.

    FILE has one name a line, ``/checkout`` or ``POST /checkout``, or is a CSV file that Locust
    wrote: its statistics (``--csv``) or its log of requests.

    Warns: p95 of POST /chekout < 500ms  (with POST /checkout)
    Fine: p95 of POST /checkout < 500ms  (with POST /checkout)
    Fine: p95 of /check* < 500ms  (with POST /checkout)
    """
    selection = case.rule.check.selection
    if selection is None or case.names is None:
        return None
    if any(name.is_selected(selection) for name in case.names):
        return None
    legal = {text: None for name in case.names for text in (name.label, name.name)}
    near = did_you_mean(selection.label, list(legal))
    return f"no request is named {selection.label!r}{near}"


ADVICE: dict[str, Callable[[Case], str | None]] = {
    "early-stop": early_stop,
    "few-requests": few_requests,
    "short-window": short_window,
    "rounding": rounding,
    "redundant": redundant,
    "hardly-broken": hardly_broken,
    "direction": direction,
    "exact-text": exact_text,
    "no-such-request": no_such_request,
}
"""Every warning by its name."""

_WHOLES = (math.floor, math.ceil)
_GROWING = ("requests", "failures", "max")
_SHRINKING = ("min",)
_WORSE_HIGH = (
    "failures",
    "fail_ratio",
    "fail_per_sec",
    "avg",
    "cpu",
    "memory",
    "exceptions",
    "lost_workers",
    "silence",
)
_OPPOSITE = {Comparison.MORE: Comparison.AT_MOST, Comparison.AT_LEAST: Comparison.LESS}


def _breaks_once(check: Check) -> bool:
    """Whether the check, once broken, can't hold again whatever comes: then the number of requests
    so far makes no difference."""
    if check.metric in _SHRINKING:
        return check.comparison in LOWER
    return check.metric in _GROWING and check.comparison not in LOWER


def _is_worse_high(metric: str) -> bool:
    """Whether more of the metric is worse; of ``min`` a lower limit makes sense."""
    return metric in _WORSE_HIGH or (metric != "min" and rank(metric) is not None)


def _step(milliseconds: float) -> int:
    """What Locust rounds a response time to. Source: ``locust.stats.bucket_response_time``."""
    for limit, step in ((100, 1), (1000, 10), (10_000, 100)):
        if milliseconds < limit:
            return step
    return 1000


def _is_rounded(rule: Rule) -> bool:
    """Whether the readings of the rule come from the histogram of rounded response times."""
    if rule.check.metric in ("min", "max"):
        return rule.over is not None or rule.after != Start()
    return rank(rule.check.metric) is not None


def _where(other: Rule, rule: Rule) -> str:
    """`` in line 3``, or in which other file."""
    if other.place is None:
        return ""
    if rule.place and rule.place.file == other.place.file:
        return f" in line {other.place.line}"
    return f" in {other.place.file}:{other.place.line}"
