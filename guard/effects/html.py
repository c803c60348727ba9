"""A run and its verdict as one page of HTML, which needs nothing else to be read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.effects import charts
from guard.effects.about import About
from guard.effects.canvas import Course, Figure
from guard.effects.charts import Line, moment_text
from guard.effects.chronicle import Chronicle
from guard.effects.circumstances import circumstances, worst_text
from guard.effects.console import called, state_text
from guard.effects.final_report import FinalReport
from guard.effects.ranking import by_rule, more_text, outcomes_text, ranked
from guard.effects.story import margin_text
from guard.engine.judge import Transition
from guard.engine.reading import limit, told_apart
from guard.engine.standing import Moment
from guard.engine.verdict import RuleResult, Verdict
from guard.rule import Outcome, Rule
from guard.terminal import shortened, visible

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST_ENTRIES = 10
"""Entries of one rule that are told of."""
_MOST_CHARACTERS = 200
"""Of a text that somebody else has written; the whole of it is there when asked for."""
_MOST_IN_A_CHART = 40

_MARKS = {
    Outcome.PASS: "✔",
    Outcome.FAIL: "✘",
    Outcome.INCONCLUSIVE: "?",
    Outcome.ERROR: "!",
}
_IN_WORDS = {
    Outcome.PASS: "Every rule held.",
    Outcome.FAIL: "A rule was broken.",
    Outcome.INCONCLUSIVE: "There is no saying whether the rules held.",
    Outcome.ERROR: "The guard itself failed.",
}


class HtmlReport(FinalReport):
    """Follows a test, and writes the page when it is over. Arguments as for a final report."""

    kind = "html"
    follows = True

    def __init__(self, path: Path, about: About) -> None:
        super().__init__(path, about)
        self._chronicle = Chronicle()

    def ticked(self, moment: Moment) -> None:
        self._chronicle.take(moment)

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        if not verdict.final:
            self._chronicle.note(transitions)

    def _text(self, verdict: Verdict) -> str:
        return as_html(verdict, self._about, self._chronicle)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        number: Which of the page's it is.
        figure: What plotly draws.
        words: What it shows.
    """

    number: int
    figure: Figure
    words: str


@dataclass(frozen=True, slots=True)
class Group:
    """A rule and what became of it.

    Attributes:
        number: Which of the rules it is, from one on.
        rule: The rule.
        results: On each entry; those first that matter most.
        chart: Its readings; None where it had none.
    """

    number: int
    rule: Rule
    results: Sequence[RuleResult]
    chart: Chart | None

    @property
    def told(self) -> Sequence[RuleResult]:
        """The results that have a line each."""
        return self.results[:_MOST_ENTRIES]

    @property
    def breaches(self) -> Sequence[RuleResult]:
        """Those of them that broke the rule."""
        return [result for result in self.told if result.breached]

    @property
    def more(self) -> str:
        """How many others there are, and how they ended: ``990 more entries: pass``."""
        return _more(self.results[_MOST_ENTRIES:], "entry", "entries")

    @property
    def more_breaches(self) -> str:
        """How many others broke the rule."""
        others = [result for result in self.results[_MOST_ENTRIES:] if result.breached]
        return _more(others, "breach", "breaches")

    @property
    def outcome(self) -> Outcome:
        """The worst one: that of the first."""
        return self.results[0].outcome


def as_html(verdict: Verdict, about: About, chronicle: Chronicle) -> str:
    """The file's content.

    Args:
        verdict: The verdict.
        about: What the run was.
        chronicle: How it went.
    """
    # Imported late: it is needed once, when the run is over.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    course = Course(chronicle.bustle, verdict.duration, verdict.stopped_at)
    groups = _groups(verdict, chronicle, course)
    load = None
    if chronicle.bustle:
        load = Chart(0, charts.load_chart(course), charts.load_words(course))
    drawn = [chart for chart in (load, *(group.chart for group in groups)) if chart]
    environment = Environment(
        loader=PackageLoader("guard.effects", "report"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": _short, "whole": _whole, "moment": moment_text}
    return environment.get_template("page.html").render(
        verdict=verdict,
        about=about,
        replayed="recording" in about.more,
        groups=groups,
        load=load,
        mark=_MARKS,
        in_words=_IN_WORDS,
        called=called,
        limit=limit,
        state_text=state_text,
        reading=_reading,
        margin_text=margin_text,
        facts=_facts,
        worst_text=worst_text,
        link=about.link if about.link and re.match("https?://", about.link) else None,
        **_assets({chart.number: chart.figure for chart in drawn}),
    )


def _groups(verdict: Verdict, chronicle: Chronicle, course: Course) -> list[Group]:
    groups = []
    for number, results in enumerate(map(ranked, by_rule(verdict.rules)), start=1):
        rule, chart = results[0].rule, None
        lines = [
            Line(_label(result), result, chronicle.spans(rule, result.entry))
            for result in results[: charts.MOST_LINES]
        ]
        if lines := [line for line in lines if line.has_readings]:
            figure = charts.rule_chart(rule, lines, course)
            chart = Chart(number, figure, charts.rule_words(rule, lines, course))
        groups.append(Group(number, rule, results, chart))
    return groups


def _label(result: RuleResult) -> str:
    return shortened(visible(result.entry or result.rule.check.metric), _MOST_IN_A_CHART)


def _more(results: Sequence[RuleResult], one: str, many: str) -> str:
    if not results:
        return ""
    return f"{more_text(len(results), one, many)}: {outcomes_text(results)}"


def _reading(result: RuleResult) -> str:
    """The reading for people."""
    check, value = result.rule.check, result.value
    if value is None or not math.isfinite(value):
        return "no data"
    return told_apart(value, check.threshold, check.unit)


def _facts(result: RuleResult) -> list[tuple[str, str]]:
    """What there is to know of a breach, but for what the page says in another place."""
    elsewhere = ("Failed most", "Failures", "Because")
    return [(what, text) for what, text in circumstances(result) if what not in elsewhere]


def _finalize(value: object) -> object:
    """Whatever is put into the page, but for what is HTML already."""
    is_plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value) if is_plain and isinstance(value, str) else value


def _short(text: str, most: int = 80) -> Markup:
    """The text, cut; the whole of it shows when it is pointed at."""
    from markupsafe import Markup

    text = visible(text)
    if len(text) <= most:
        return Markup("{}").format(text)
    return Markup('<span title="{}">{}</span>').format(text, shortened(text, most))


def _whole(text: str) -> Markup:
    """The text; a long one without its middle, and the whole of it can be unfolded."""
    from markupsafe import Markup

    text = visible(text)
    if len(text) <= _MOST_CHARACTERS * 2:
        return Markup("{}").format(text)
    return Markup("<details><summary>{}</summary>{}</details>").format(
        shortened(text, _MOST_CHARACTERS), text
    )


def _assets(figures: Mapping[int, Figure]) -> dict[str, Any]:
    """What the page brings along, and what it may run: that, and nothing else."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # it has no types

    folder = files("guard.effects").joinpath("report")
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    script = folder.joinpath("page.js").read_text(encoding="utf-8")
    plotly: str = get_plotlyjs() if figures else ""
    drawn = json.dumps(figures, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    packed = base64.b64encode(gzip.compress(plotly.encode(), 6, mtime=0)).decode()
    return {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "figures": Markup(drawn),  # noqa: S704 - JSON without any "<"
        "plotly": packed,
        "may_run": Markup(" ").join(map(_hash, (script, plotly))),
    }


def _hash(script: str) -> str:
    """What a policy calls the script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
