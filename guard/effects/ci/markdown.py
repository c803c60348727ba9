"""The verdict in Markdown, as GitHub and Azure show it.

Names and failures come from what is tested. Each of their characters that could be markup is
written as a reference, which is never markup, and names stand in ``<code>``, where nobody is
mentioned and nothing is linked. Source: https://github.github.com/gfm/#entity-and-numeric-character-references
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from guard.effects.about import About
from guard.effects.circumstances import MOST_TEXT, circumstances
from guard.effects.console import called
from guard.effects.ranking import by_rule, ranked
from guard.engine.reading import limit, told_apart
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Action, Outcome
from guard.terminal import shortened, visible

SIGNS = {
    Outcome.PASS: "\u2705",
    Outcome.FAIL: "\u274c",
    Outcome.INCONCLUSIVE: "\u2753",
    Outcome.ERROR: "\U0001f4a5",
}

WARNED = "\u26a0\ufe0f"

_MOST_ENTRIES = 10
"""Entries of one rule that have a line each."""
_MOST_REASON = 1000
_MOST_RULES = 200
_MOST_BREACHES = 20
_LINKED = "\u200b"
"""Comes after ``@`` and ``#`` outside of names, lest somebody be mentioned."""


def summary(verdict: Verdict, about: About, most_bytes: int) -> str:
    """The summary of a run, without what does not fit in.

    Args:
        verdict: The verdict.
        about: What is to be told beside it.
        most_bytes: How long it may be.
    """
    parts = [_head(verdict, about), _table(verdict.rules), *_breaches(verdict.rules)]
    parts.append(f"<sub>{' · '.join(_facts(about))}</sub>\n\n")
    said, left = "", most_bytes
    for part in parts:
        size = len(part.encode())
        if size <= left:
            said, left = said + part, left - size
    return said


def _head(verdict: Verdict, about: About) -> str:
    title = _plain(about.title, 200)
    reason = _plain(verdict.reason, _MOST_REASON)
    stopped = ""
    if verdict.stopped and verdict.stopped_at is not None:
        stopped = f" Stopped at {verdict.stopped_at:.0f} s of the run."
    sign = SIGNS[verdict.outcome]
    return f"### {sign} {title}: {verdict.outcome.value}\n\n{reason}.{stopped}\n\n"


def _facts(about: About) -> Iterator[str]:
    if about.host:
        yield f"of {_code(about.host)}"
    yield f"by {_code(about.rules_file)}"
    yield f"begun {_plain(about.started, 100)}"
    yield f"locust-guard {_plain(about.guard_version, 100)}"
    if about.locust_version:
        yield f"Locust {_plain(about.locust_version, 100)}"


def _table(results: Sequence[RuleResult]) -> str:
    lines = [
        "| | Rule | Entry | Reading | Worst | Limit | State |",
        "|---|---|---|--:|--:|---|---|",
    ]
    rows = [f"| {' | '.join(cells)} |" for cells in _rows(results)]
    if more := len(rows) - _MOST_RULES:
        del rows[_MOST_RULES:]
        if more > 0:
            rows.append(f"| | and {more} more | | | | | |")
    return "\n".join([*lines, *rows, "", ""]) if rows else ""


def _rows(results: Sequence[RuleResult]) -> Iterator[tuple[str, ...]]:
    for of_rule in map(ranked, by_rule(results)):
        yield from map(_cells, of_rule[:_MOST_ENTRIES])
        if others := of_rule[_MOST_ENTRIES:]:
            signs = Counter(map(_sign, others))
            ended = " ".join(f"{count} {sign}" for sign, count in signs.items())
            yield "", _code(called(others[0].rule)), f"and {ended}", "", "", "", ""


def _sign(result: RuleResult) -> str:
    warned = result.breached and result.rule.action is Action.WARN
    return WARNED if warned else SIGNS[result.outcome]


def _cells(result: RuleResult) -> tuple[str, ...]:
    check = result.rule.check
    readings = [
        _in_one("no data" if value is None else told_apart(value, check.threshold, check.unit))
        for value in (result.value, result.worst)
    ]
    return (
        _sign(result),
        _code(called(result.rule)),
        _code(result.entry) if result.entry else "",
        *readings,
        _in_one(limit(result.rule)),
        result.state.value,
    )


def _breaches(results: Sequence[RuleResult]) -> Iterator[str]:
    breached = sorted((r for r in results if r.breached), key=_decisiveness)
    for result in breached[:_MOST_BREACHES]:
        told = "".join(
            f"- {what}: {_code(text) if what.startswith('Fail') else _plain(text, _MOST_REASON)}\n"
            for what, text in circumstances(result)
        )
        heading = f"<summary>{_sign(result)} {_plain(result.reason, _MOST_REASON)}</summary>"
        yield f"<details>{heading}\n\n{told}\n</details>\n\n"
    if more := len(breached[_MOST_BREACHES:]):
        yield f"{more} more breaches are in the other reports.\n\n"


def _decisiveness(result: RuleResult) -> tuple[bool, float]:
    return result.outcome is Outcome.PASS, result.breached_at or 0.0


def _in_one(text: str) -> str:
    """The text of a cell that is not broken into lines."""
    return _plain(text, 100).replace(" ", "&nbsp;")


def _code(text: str) -> str:
    return f"<code>{_escaped(shortened(visible(text), MOST_TEXT))}</code>"


def _plain(text: str, most: int) -> str:
    escaped = _escaped(shortened(visible(text), most))
    return re.sub("(&#64;|&#35;)", rf"\1{_LINKED}", escaped)


def _escaped(text: str) -> str:
    """The text with a reference for each character that means something somewhere."""
    return re.sub(r"[^\w ,;%'()+=\u0080-\U0010ffff-]|_", lambda match: f"&#{ord(match[0])};", text)
