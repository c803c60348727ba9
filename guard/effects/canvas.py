"""What all charts have in common: time, users, shades, marks, and how plotly is told of them.

Time is in seconds since the test start. The page makes dates of it, so that the axis speaks of
hours, minutes and seconds. Colours are such that they are seen on white and on black; the page sees
to the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guard.effects.chronicle import Bustle, Span
from guard.rule import State
from guard.terminal import shortened, visible

Figure = dict[str, Any]
Points = Sequence[tuple[float, float | None]]

ALARM, GREY = "#ef4444", "#8594a8"

_ONE_TICK = 1.5
"""Seconds that a span of one tick takes at most, if nothing is late."""

_MOST_BANDS = 300
"""Parts of a chart's width that can be told apart."""

_BANDS = {
    State.WAITING: ("not armed yet", "rgba(133,148,168,0.16)"),
    State.PENDING: ("pending", "rgba(245,158,11,0.28)"),
    State.BREACHED: ("breached", "rgba(224,36,36,0.17)"),
}


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


def blank(course: Course, tracks: Sequence[Sequence[Span]]) -> Figure:
    """A chart with nothing in it but the users, and what was when."""
    end = end_of(course)
    day = 86_400
    longest = "day %-j, %-H:%M" if end > day else "%-H:%M:%S" if end > 3600 else "%-M:%S"
    users = _users(course.bustle)
    filled = {"color": GREY, "width": 1, "shape": "hv"}
    shade: Figure = {"fill": "tozeroy", "fillcolor": "rgba(133,148,168,0.14)"}
    return {
        "data": [trace("users", users, "y", line=filled, **shade)] if users else [],
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
                "y": -0.16,
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
                # What is not seen keeps the first and the last moment off the numbers beside them.
                "ticks": "outside",
                "ticklen": 8,
                "tickcolor": "rgba(0,0,0,0)",
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


def titled(text: str) -> dict[str, Any]:
    """The title of an axis, off its numbers."""
    return {"text": text, "standoff": 12}


def trace(
    name: str,
    points: Points,
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
        "name": plain(name),
        "x": [_second(at) for at, _ in points],
        "y": [value for _, value in points],
        "yaxis": axis,
        **more,
    }
    if lonely and sum(value is not None for _, value in points) < 3:
        trace["mode"] = "lines+markers"
    if trace["mode"] != "lines":
        trace["cliponaxis"] = False  # one at the very end is seen whole
    return trace


def finished(figure: Figure, marks: Sequence[tuple[str, float]], course: Course) -> Figure:
    """The chart with room above its lines, the users' further below, and its marks."""
    for axis, room in (("y", 1.25), ("y2", 1.08)):
        traces = [trace["y"] for trace in figure["data"] if trace["yaxis"] == axis]
        highest = max((value for values in traces for value in values if value), default=1)
        figure["layout"][axis.replace("y", "yaxis")]["range"] = [0, rounded(highest * room)]
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
                "line": {"color": GREY if name == "recovery" else ALARM, "width": 1.2},
            }
        )
        if named and moment - named[-1][1] < end_of(course) / 8:
            named[-1][0].append(name)
        else:
            named.append(([name], moment))
    for names, moment in named:
        layout["annotations"].append(
            {
                "x": _second(moment),
                "xanchor": "right" if moment > end_of(course) / 2 else "left",
                "yref": "paper",
                "y": 1,
                "yanchor": "bottom",
                "text": ", ".join(names),
                "showarrow": False,
            }
        )


def _users(bustle: Sequence[Bustle]) -> list[tuple[float, float | None]]:
    points: list[tuple[float, float | None]] = []
    for pace in bustle:
        if pace.fewest is not None and pace.fewest != pace.most:
            points.append((pace.at, pace.fewest))
        points.append((pace.at, pace.most))
    return points if any(users is not None for _, users in points) else []


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
    recovered. A span of several ticks, or of one that was late, is in its gravest state all along.
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


def end_of(course: Course) -> float:
    """Up to when there is something to be drawn."""
    return max(course.duration, *(pace.at for pace in course.bustle[-1:]), 1.0)


def rounded(value: float) -> float:
    """As exactly as anybody sees it, and in few characters."""
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def _second(seconds: float) -> float:
    """As exactly as ticks are, and in few characters."""
    short = round(float(seconds), 2)
    return int(short) if short.is_integer() else short


def plain(text: str) -> str:
    """Without what plotly takes for markup."""
    return (
        shortened(visible(text), 60).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
