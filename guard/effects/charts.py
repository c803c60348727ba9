"""What a chronicle looks like: charts for plotly, as plain values, and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guard.effects.canvas import (
    ALARM,
    Course,
    Figure,
    blank,
    end_of,
    finished,
    plain,
    rounded,
    titled,
    trace,
)
from guard.effects.chronicle import Bustle, Span
from guard.engine.reading import limit, quantity, subject
from guard.engine.verdict import RuleResult
from guard.rule import Rule, Unit, timespan_text

MOST_LINES = 5
"""Entries of one rule that have a line each."""

RATE_OVER = 6.0
"""Seconds over which requests are counted for their rate: two reports of a worker."""

_SELDOM = 11.0
"""Seconds within which those readings come that are not taken at every tick."""

_MANY = 600
"""Points of a line from which on it is a thin one."""

_COLOURS = ("#3b8eea", "#d97706", "#8b5cf6", "#0d9488", "#db2777")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_VIOLET = "#8b5cf6"
_AXES: dict[Unit, Figure] = {
    Unit.MILLISECONDS: {"ticksuffix": " ms", "separatethousands": True},
    Unit.SECONDS: {"ticksuffix": " s"},
    Unit.RATIO: {"ticksuffix": "%"},
    Unit.RATE: {"ticksuffix": "/s"},
    Unit.COUNT: {"separatethousands": True},
    Unit.BYTES: {"tickformat": "~s", "ticksuffix": "B"},
}


@dataclass(frozen=True, slots=True)
class Line:
    """The readings of a rule on one entry.

    Attributes:
        label: What it is called in the chart.
        result: What became of it.
        spans: The readings.
    """

    label: str
    result: RuleResult
    spans: Sequence[Span]

    @property
    def has_readings(self) -> bool:
        """Whether there is anything to be drawn."""
        return self.result.judged and (
            self.result.value is not None or any(span.low is not None for span in self.spans)
        )


def moment_text(seconds: float) -> str:
    """A moment of the run for people: ``21 s``, ``3725 s (1h2m5s)``."""
    said = f"{seconds:.0f} s"
    return said if seconds < 120 else f"{said} ({timespan_text(round(seconds))})"


def load_chart(course: Course) -> Figure:
    """Users and requests per second over the run."""
    rates = _rates(course.bustle)
    figure = blank(course, [])
    figure["data"].append(
        trace("requests/s", rates, "y2", line={"color": _COLOURS[0], "width": 1.8})
    )
    figure["layout"]["yaxis2"] |= {**_AXES[Unit.RATE], "title": titled("requests")}
    return finished(figure, _marks([], course), course)


def load_words(course: Course) -> str:
    """What the load chart shows."""
    known = [pace.most for pace in course.bustle if pace.most is not None]
    said = [f"{'Users and requests' if known else 'Requests'} per second over the run"]
    if known:
        said.append("up to 1 user" if max(known) == 1 else f"up to {max(known)} users")
    if rates := [rate for _, rate in _rates(course.bustle) if rate is not None]:
        said.append(f"up to {quantity(max(rates), Unit.RATE)}")
    return _sentence(said, course)


def rule_chart(rule: Rule, lines: Sequence[Line], course: Course) -> Figure:
    """The readings of a rule over the run beside its limit, and the users behind them."""
    check = rule.check
    figure = blank(course, [line.spans for line in lines])
    data, layout = figure["data"], figure["layout"]
    if check.metric == "users":
        data.clear()  # they are the reading
        layout["yaxis"]["visible"] = False
    single, is_marked = len(lines) == 1, False
    for line, colour, dash in zip(lines, _COLOURS, _DASHES, strict=False):
        points = list(_points(rule, line, course))
        width = 1.8 if len(points) < _MANY else 1.1
        drawn = {"color": colour, "width": width, "dash": "solid" if single else dash}
        data.append(trace(line.label, points, "y2", line=drawn, lonely=True))
        found = line.result
        if found.breached_at is not None and found.value is not None:
            at = [(found.breached_at, _shown(found.value, check.unit))]
            marker = {"symbol": "x", "size": 10, "color": ALARM}
            # All of them are one thing in the legend.
            one: Figure = {"legendgroup": "breach", "showlegend": not is_marked}
            data.append(trace("breach", at, "y2", mode="markers", marker=marker, **one))
            is_marked = True
    ends = [(moment, _shown(check.threshold, check.unit)) for moment in (0.0, end_of(course))]
    dashed = {"color": ALARM, "width": 1.6, "dash": "6px,3px"}
    data.append(trace(f"limit: {limit(rule)}", ends, "y2", line=dashed, hoverinfo="skip"))
    layout["yaxis2"] |= {**_AXES[check.unit], "title": titled(plain(check.measured))}
    if rule.surely is not None:
        _add_evidence(figure, lines)
    return finished(figure, _marks(lines, course), course)


def rule_words(rule: Rule, lines: Sequence[Line], course: Course) -> str:
    """What the chart of a rule shows."""
    entry = lines[0].result.entry if len(lines) == 1 and rule.check.selection else None
    what = (
        subject(rule, entry)
        if len(lines) == 1
        else f"{rule.check.measured} of {len(lines)} entries"
    )
    said = [f"{what} over the run, must be {limit(rule)}"]
    values = [point for line in lines for _, point in _readings(line.spans)]
    values += [line.result.value for line in lines if line.result.value is not None]
    if values := [value for value in values if math.isfinite(value)]:
        low, high = (quantity(value, rule.check.unit) for value in (min(values), max(values)))
        said.append(f"it was {low}" if low == high else f"it was between {low} and {high}")
    for name, moment in _marks(lines, course):
        if name != "stop":
            said.append(f"{name} at {moment_text(moment)}")
    return _sentence(said, course)


def _sentence(said: Sequence[str], course: Course) -> str:
    stop = [] if course.stopped_at is None else [f"stop at {moment_text(course.stopped_at)}"]
    return "; ".join([*said, *stop]) + "."


def _add_evidence(figure: Figure, lines: Sequence[Line]) -> None:
    """How far the evidence was, in a part of the chart of its own."""
    layout = figure["layout"]
    layout["height"] += 130
    layout["yaxis"]["domain"] = layout["yaxis2"]["domain"] = [0.38, 1]
    layout["xaxis"]["anchor"] = "y3"
    layout["yaxis3"] = {
        "domain": [0, 0.27],
        "range": [0, 103],
        "tickvals": [0, 50, 100],
        "ticktext": ["0%", "50%", "100%"],
        "title": titled("evidence"),
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }
    for line, dash in zip(lines, _DASHES, strict=False):
        points = [
            (span.end, rounded(math.floor(span.evidence * 1000) / 10))
            for span in line.spans
            if span.evidence is not None
        ]
        name = "evidence" if len(lines) == 1 else f"evidence: {line.label}"
        drawn = {"color": _VIOLET, "width": 1.5, "dash": dash}
        fill: Figure = (
            {"fill": "tozeroy", "fillcolor": "rgba(139,92,246,0.15)"} if len(lines) == 1 else {}
        )
        figure["data"].append(trace(name, points, "y3", line=drawn, **fill))


def _points(rule: Rule, line: Line, course: Course) -> Iterator[tuple[float, float | None]]:
    """The readings as they are drawn: where there is none for some time, the line is broken."""
    unit, result = rule.check.unit, line.result
    patience = _SELDOM if rule.surely is not None or rule.judged_at_end else 0.0
    last = None
    for span in line.spans:
        if span.low is None or span.high is None:
            if last is not None and span.end - last > patience:
                yield span.end, None
                last = None
            continue
        if span.low != span.high:
            yield (span.begin + span.end) / 2, _shown(span.low, unit)
        yield span.end, _shown(span.high, unit)
        last = span.end
    if rule.judged_at_end and result.value is not None and math.isfinite(result.value):
        yield end_of(course), _shown(result.value, unit)


def _readings(spans: Sequence[Span]) -> Iterator[tuple[float, float]]:
    for span in spans:
        for value in (span.low, span.high):
            if value is not None:
                yield span.end, value


def _rates(bustle: Sequence[Bustle]) -> list[tuple[float, float | None]]:
    """Requests per second over the last seconds, at each moment."""
    rates: list[tuple[float, float | None]] = []
    before = [Bustle(0.0, None, None, 0), *bustle]
    first = 0
    for number, pace in enumerate(bustle, start=1):
        while first + 1 < number and pace.at - before[first + 1].at >= RATE_OVER:
            first += 1
        past = before[first]
        if pace.at > past.at:
            rate = (pace.answers - past.answers) / (pace.at - past.at)
            rates.append((pace.at, rounded(rate)))
    return rates


def _marks(lines: Sequence[Line], course: Course) -> list[tuple[str, float]]:
    """What happened when, in the order of time."""
    results = [line.result for line in lines]
    breaches = [found.breached_at for found in results if found.breached_at is not None]
    recoveries = [found.recovered_at for found in results if found.recovered_at is not None]
    found = []
    if breaches:
        found.append(("breach", min(breaches)))
    if recoveries:
        found.append(("recovery", max(recoveries)))
    if course.stopped_at is not None:
        found.append(("stop", course.stopped_at))
    return sorted(found, key=lambda mark: mark[1])


def _shown(value: float, unit: Unit) -> float | None:
    if not math.isfinite(value):
        return None
    return rounded(value * 100 if unit is Unit.RATIO else value)
