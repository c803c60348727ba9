"""What a chronicle looks like: charts for plotly, as plain values.

Time is in seconds since the test start. The page makes dates of it, so that the axis speaks of
hours, minutes and seconds. Colours are such that they are seen on white and on black; the page sees
to the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guard.effects.chronicle import Bustle, Span
from guard.engine.reading import limit, quantity, subject
from guard.engine.verdict import RuleResult
from guard.rule import Rule, State, Unit, timespan_text
from guard.terminal import shortened, visible

Figure = dict[str, Any]

MOST_LINES = 5
"""Entries of one rule that have a line each."""

RATE_OVER = 6.0
"""Seconds over which requests are counted for their rate: two reports of a worker."""

_SELDOM = 11.0
"""Seconds within which those readings come that are not taken at every tick."""

_ONE_TICK = 1.5
"""Seconds that a span of one tick takes at most, if nothing is late."""

_MANY = 600
"""Points of a line from which on it is a thin one."""

_MOST_BANDS = 300
"""Parts of a chart's width that can be told apart."""

_COLOURS = ("#3b8eea", "#d97706", "#8b5cf6", "#0d9488", "#db2777")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_LIMIT, _EVIDENCE, _GREY = "#ef4444", "#8b5cf6", "#8594a8"
_BANDS = {
    State.WAITING: ("not armed yet", "rgba(133,148,168,0.16)"),
    State.PENDING: ("pending", "rgba(245,158,11,0.28)"),
    State.BREACHED: ("breached", "rgba(224,36,36,0.17)"),
}
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


@dataclass(frozen=True, slots=True)
class Course:
    """How the run went.

    Attributes:
        bustle: How busy it was.
        duration: Seconds that it took.
        stopped_at: When the guard decided to stop it.
    """

    bustle: Sequence[Bustle]
    duration: float
    stopped_at: float | None


def moment_text(seconds: float) -> str:
    """A moment of the run for people: ``21 s``, ``3725 s (1h2m5s)``."""
    said = f"{seconds:.0f} s"
    return said if seconds < 120 else f"{said} ({timespan_text(round(seconds))})"


def load_chart(course: Course) -> Figure:
    """Users and requests per second over the run."""
    rates = _rates(course.bustle)
    figure = _figure(course, [])
    figure["data"].append(
        _trace("requests/s", rates, "y2", line={"color": _COLOURS[0], "width": 1.8})
    )
    figure["layout"]["yaxis2"] |= {**_AXES[Unit.RATE], "title": {"text": "requests"}}
    return _finished(figure, _marks([], course), course)


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
    figure = _figure(course, [line.spans for line in lines])
    data, layout = figure["data"], figure["layout"]
    if check.metric == "users":
        data.clear()  # they are the reading
        layout["yaxis"]["visible"] = False
    single, is_marked = len(lines) == 1, False
    for line, colour, dash in zip(lines, _COLOURS, _DASHES, strict=False):
        points = list(_points(rule, line, course))
        width = 1.8 if len(points) < _MANY else 1.1
        drawn = {"color": colour, "width": width, "dash": "solid" if single else dash}
        data.append(_trace(line.label, points, "y2", line=drawn, lonely=True))
        found = line.result
        if found.breached_at is not None and found.value is not None:
            at = [(found.breached_at, _shown(found.value, check.unit))]
            marker = {"symbol": "x", "size": 10, "color": _LIMIT}
            # All of them are one thing in the legend.
            one: Figure = {"legendgroup": "breach", "showlegend": not is_marked}
            data.append(_trace("breach", at, "y2", mode="markers", marker=marker, **one))
            is_marked = True
    ends = [(moment, _shown(check.threshold, check.unit)) for moment in (0.0, _end(course))]
    dashed = {"color": _LIMIT, "width": 1.6, "dash": "6px,3px"}
    data.append(_trace(f"limit: {limit(rule)}", ends, "y2", line=dashed, hoverinfo="skip"))
    layout["yaxis2"] |= {**_AXES[check.unit], "title": {"text": _plain(check.measured)}}
    if rule.surely is not None:
        _add_evidence(figure, lines)
    return _finished(figure, _marks(lines, course), course)


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


def _figure(course: Course, tracks: Sequence[Sequence[Span]]) -> Figure:
    """A chart with nothing in it but the users, and what was when."""
    end = _end(course)
    day = 86_400
    longest = "day %-j, %-H:%M" if end > day else "%-H:%M:%S" if end > 3600 else "%-M:%S"
    users = _users(course.bustle)
    filled = {"color": _GREY, "width": 1, "shape": "hv"}
    shade: Figure = {"fill": "tozeroy", "fillcolor": "rgba(133,148,168,0.14)"}
    return {
        "data": [_trace("users", users, "y", line=filled, **shade)] if users else [],
        "layout": {
            "height": 360,
            "margin": {"l": 70, "r": 56, "t": 30, "b": 40},
            "font": {"family": "system-ui, sans-serif", "size": 12},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hovermode": "x unified",
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": -0.14,
                "yanchor": "top",
                "bgcolor": "rgba(0,0,0,0)",
            },
            "xaxis": {
                "type": "date",
                "range": [0, _second(end)],
                "tickformat": longest,
                "hoverformat": longest,
                "showgrid": False,
                "zeroline": False,
            },
            "yaxis": {
                "side": "right",
                "title": {"text": "users"},
                "showgrid": False,
                "zeroline": False,
                "visible": bool(users),
                "fixedrange": True,
                "automargin": True,
            },
            "yaxis2": {
                "side": "left",
                "overlaying": "y",
                "tickmode": "auto",  # and not where the users have theirs
                "nticks": 6,
                "showgrid": True,
                "zeroline": False,
                "automargin": True,
            },
            "shapes": list(_bands(tracks, end)),
            "annotations": [],
        },
    }


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
        "title": {"text": "evidence"},
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }
    for line, dash in zip(lines, _DASHES, strict=False):
        points = [
            (span.end, _rounded(math.floor(span.evidence * 1000) / 10))
            for span in line.spans
            if span.evidence is not None
        ]
        name = "evidence" if len(lines) == 1 else f"evidence: {line.label}"
        drawn = {"color": _EVIDENCE, "width": 1.5, "dash": dash}
        fill: Figure = (
            {"fill": "tozeroy", "fillcolor": "rgba(139,92,246,0.15)"} if len(lines) == 1 else {}
        )
        figure["data"].append(_trace(name, points, "y3", line=drawn, **fill))


def _trace(
    name: str,
    points: Sequence[tuple[float, float | None]],
    axis: str,
    *,
    lonely: bool = False,
    **more: Any,
) -> Figure:
    """What plotly draws.

    Args:
        name: What it is called; no markup is read in it.
        points: Moments and values.
        axis: Where the values are.
        lonely: Whether points that have no neighbour are to be seen.
        more: What else plotly is told.
    """
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": _plain(name),
        "x": [_second(at) for at, _ in points],
        "y": [value for _, value in points],
        "yaxis": axis,
        **more,
    }
    if lonely and sum(value is not None for _, value in points) < 3:
        trace["mode"] = "lines+markers"
    return trace


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
        yield _end(course), _shown(result.value, unit)


def _readings(spans: Sequence[Span]) -> Iterator[tuple[float, float]]:
    for span in spans:
        for value in (span.low, span.high):
            if value is not None:
                yield span.end, value


def _users(bustle: Sequence[Bustle]) -> list[tuple[float, float | None]]:
    points: list[tuple[float, float | None]] = []
    for pace in bustle:
        if pace.fewest is not None and pace.fewest != pace.most:
            points.append((pace.at, pace.fewest))
        points.append((pace.at, pace.most))
    return points if any(users is not None for _, users in points) else []


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
            rates.append((pace.at, _rounded(rate)))
    return rates


def _bands(tracks: Sequence[Sequence[Span]], end: float) -> Iterator[Figure]:
    """The times in which a rule waited, was pending or was breached, on any of its entries."""
    found = sorted(band for spans in tracks for band in _states(spans, end))
    for state, (name, colour) in _BANDS.items():
        times = [(begin, until) for begin, until, name_ in found if name_ == state.value]
        for number, (begin, until) in enumerate(_joined(times, end / _MOST_BANDS)):
            yield {
                "type": "rect",
                "x0": _second(begin),
                "x1": _second(until),
                "yref": "y2 domain",
                "y0": 0,
                "y1": 1,
                "layer": "below",
                "line": {"width": 0},
                "fillcolor": colour,
                "name": name,
                "legendgroup": name,
                "showlegend": number == 0,
            }


def _states(spans: Sequence[Span], end: float) -> Iterator[tuple[float, float, str]]:
    """From when to when the rule was in which state.

    It is pending from the tick before the one that finds it so, because that is how long its check
    has been broken; and breached from the very tick on that finds it so, to the one that finds it
    recovered.
    """
    before = None
    for span in spans:
        state = span.state
        if span.end - span.begin < _ONE_TICK:
            if before is State.BREACHED:
                state = before
            elif state is State.BREACHED:
                state = before or State.OK
        yield span.begin, span.end, state.value
        before = span.state
    if before is State.BREACHED:
        yield spans[-1].end, end, before.value


def _joined(times: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Those that are no further apart than that, as one."""
    joined: list[tuple[float, float]] = []
    for begin, end in times:
        if joined and begin - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


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


def _finished(figure: Figure, marks: Sequence[tuple[str, float]], course: Course) -> Figure:
    """The chart with room above its lines, the users' further below, and its marks."""
    for axis, room in (("y", 1.25), ("y2", 1.08)):
        traces = [trace["y"] for trace in figure["data"] if trace["yaxis"] == axis]
        highest = max((value for values in traces for value in values if value), default=1)
        figure["layout"][axis.replace("y", "yaxis")]["range"] = [0, _rounded(highest * room)]
    _mark(figure["layout"], marks, course)
    return figure


def _mark(layout: Figure, marks: Sequence[tuple[str, float]], course: Course) -> None:
    """A line for each, and its name on top: one for those that are close together."""
    named: list[tuple[list[str], float]] = []
    for name, moment in marks:
        layout["shapes"].append(
            {
                "type": "line",
                "x0": _second(moment),
                "x1": _second(moment),
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": _GREY if name == "recovery" else _LIMIT, "width": 1.2},
            }
        )
        if named and moment - named[-1][1] < _end(course) / 8:
            named[-1][0].append(name)
        else:
            named.append(([name], moment))
    for names, moment in named:
        layout["annotations"].append(
            {
                "x": _second(moment),
                "xanchor": "right" if moment > _end(course) / 2 else "left",
                "yref": "paper",
                "y": 1,
                "yanchor": "bottom",
                "text": ", ".join(names),
                "showarrow": False,
            }
        )


def _end(course: Course) -> float:
    """Up to when there is something to be drawn."""
    return max(course.duration, *(pace.at for pace in course.bustle[-1:]), 1.0)


def _shown(value: float, unit: Unit) -> float | None:
    if not math.isfinite(value):
        return None
    return _rounded(value * 100 if unit is Unit.RATIO else value)


def _rounded(value: float) -> float:
    """As exactly as anybody sees it, and in few characters."""
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def _second(seconds: float) -> float:
    """As exactly as ticks are, and in few characters."""
    short = round(float(seconds), 2)
    return int(short) if short.is_integer() else short


def _plain(text: str) -> str:
    """Without what plotly takes for markup."""
    return (
        shortened(visible(text), 60).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
