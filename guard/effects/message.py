"""What a message about a run says, for whoever reads it where.

Names and texts of failures come from the system under test, so they may hold anything: markup,
escape sequences, mentions of a whole channel, ten thousand characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from guard.effects.about import About
from guard.effects.circumstances import circumstances
from guard.effects.console import change_text
from guard.engine.judge import Transition
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Outcome
from guard.terminal import shortened, visible

LONGEST = 300
"""Characters of a line."""

LONGEST_NAME = 80
"""Characters of a name or a text of a failure within a line."""

LINK = "More"
"""The label of the link, which is ours or of the CI service, and is left as it is."""

_IN_LINKS = "%/:?#&=+,;@!$~-._"
"""What a link may hold; all else is quoted, lest it be taken for markup."""

MOST = 5
"""Changes, or broken rules, that a message lists."""

_CALLING = re.compile(r"(?<!\w)@(?=\S)|<(?=[\w!/@#])")
"""What calls somebody, as ``@all``, ``@**all**``, ``<!channel>`` or ``<at id="all">``, or is taken
for a tag and dropped."""
_MARKDOWN = re.compile(r"[\\`*_\[\]<>~|]|^(?:[#+=-]|\d+(?=[.)]))")
"""What has a meaning in Markdown: some characters anywhere, others at the beginning of a line. No
more are escaped than need be, because not every service knows all escapes."""


@dataclass(frozen=True, slots=True)
class Message:
    """A title, and lines with a label each or none.

    Attributes:
        title: What it is about, in a few words.
        outcome: The outcome that it tells of, which decides its colour.
        lines: Label and text of each line.
    """

    title: str
    outcome: Outcome
    lines: Sequence[tuple[str, str]] = field(default_factory=tuple)

    def as_text(self) -> str:
        """As plain text."""
        return "\n".join(f"{label}: {text}" if label else text for label, text in self.lines)

    def as_markdown(self) -> str:
        """As Markdown in which nothing but the labels and the link is marked up."""
        return "\n\n".join(
            f"**{label}**: {text if label == LINK else _unmarked(text)}"
            if label
            else _unmarked(text)
            for label, text in self.lines
        )

    @property
    def title_as_markdown(self) -> str:
        """The title without any markup."""
        return _unmarked(self.title)


def of_stop(reason: str, verdict: Verdict, about: About) -> Message:
    """The guard stops the run."""
    return Message(
        plain(f"stopping {about.title}", LONGEST_NAME),
        verdict.outcome,
        [("", plain(reason)), ("Outcome", verdict.outcome.value), *_told(reason, verdict, about)],
    )


def of_verdict(verdict: Verdict, about: About) -> Message:
    """The run is over."""
    stopped = "" if verdict.stopped_at is None else f", stopped by the guard at {_at(verdict)}"
    return Message(
        plain(f"{verdict.outcome.value}: {about.title}", LONGEST_NAME),
        verdict.outcome,
        [
            ("", plain(verdict.reason)),
            ("Took", f"{verdict.duration:.0f} s{stopped}"),
            *_told(verdict.reason, verdict, about),
        ],
    )


def of_changes(changes: Sequence[Transition], verdict: Verdict, about: About) -> Message:
    """Rules are broken, or their checks hold again."""
    breaches = sum(change.is_breach for change in changes)
    words = {
        "breached": breaches,
        "recovered": len(changes) - breaches,
    }
    counted = ", ".join(f"{count} {word}" for word, count in words.items() if count)
    what = counted.split()[1] if len(changes) == 1 else counted
    said = [("", plain(change_text(change))) for change in changes[:MOST]]
    if len(changes) > MOST:
        said.append(("", f"and {len(changes) - MOST} more"))
    broken = [change for change in changes if change.is_breach]
    results = _results_of(broken, verdict)
    return Message(
        plain(f"{what}: {about.title}", LONGEST_NAME),
        verdict.outcome if breaches else Outcome.PASS,
        [*said, *_about(about), *(_circumstances(results[0]) if results else ())],
    )


def _told(reason: str, verdict: Verdict, about: About) -> Iterator[tuple[str, str]]:
    """What is told of every run: where more is to be seen, and of the breach that is the reason."""
    yield from _about(about)
    breached = sorted(
        (result for result in verdict.rules if result.breached),
        key=lambda result: (result.reason not in reason, result.breached_at or 0.0),
    )
    if not breached:
        return
    yield from _circumstances(breached[0])
    others = [_name(result.rule.name) for result in breached[1:]]
    others = [name for name in dict.fromkeys(others) if name != _name(breached[0].rule.name)]
    if others:
        more = f" and {len(others) - MOST} more" if len(others) > MOST else ""
        yield "Also breached", plain("; ".join(others[:MOST]) + more)


def _about(about: About) -> Iterator[tuple[str, str]]:
    if about.host:
        yield "Host", plain(about.host)
    if about.link:
        yield LINK, quote(about.link, safe=_IN_LINKS)
    yield "Test began", about.started


def _circumstances(result: RuleResult) -> Iterator[tuple[str, str]]:
    """What was going on at a breach."""
    for label, text in circumstances(result, LONGEST_NAME):
        yield label, plain(text)


def _results_of(changes: Sequence[Transition], verdict: Verdict) -> list[RuleResult]:
    broken = {(id(change.rule), change.entry) for change in changes}
    return [
        result
        for result in verdict.rules
        if result.breached
        and (id(result.rule), result.entry if result.rule.check.each else None) in broken
    ]


def _at(verdict: Verdict) -> str:
    return f"{verdict.stopped_at or 0.0:.0f} s"


def _name(text: str) -> str:
    return plain(text, LONGEST_NAME)


def plain(text: str, longest: int = LONGEST) -> str:
    """The text on one line of so many characters, with nothing in it that can't be seen, and
    nothing that calls a whole channel."""
    return shortened(_CALLING.sub(lambda found: f"{found[0]}\u200b", visible(text)), longest)


def _unmarked(text: str) -> str:
    """The text as Markdown that shows it as it is."""
    return _MARKDOWN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found}\\" if found[0].isdigit() else f"\\{found}"
