"""What rules read in the course of a run, kept small however long it takes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from guard.engine.judge import Transition
from guard.engine.standing import Moment, Standing
from guard.engine.verdict import AGGREGATED
from guard.rule import Rule, State

BUDGET = 240_000
"""Spans that are kept of all rules and entries together; each takes 13 bytes."""

FEWEST, MOST = 32, 1200
"""Spans that are kept of one of them: so many at least before two and two are made one."""

TURN = 1000
"""Rules and entries that a tick looks at in the load generator: some milliseconds of work, in which
others have their turn."""

_Number = TypeVar("_Number", int, float)

_STATES = tuple(State)
_GRAVITY = {state: number for number, state in enumerate(_STATES)}
_STEP = 7919
"""A prime: multiples of it, modulo something, are spread evenly."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some ticks in a row, on one rule and entry. Times are seconds since the test start.

    Attributes:
        begin: The tick before them.
        end: The last of them.
        low: The lowest reading; None where there was none.
        high: The highest one.
        state: The gravest state.
        evidence: The most evidence, 0 to 1; None for a rule that is not ``surely``.
    """

    begin: float
    end: float
    low: float | None
    high: float | None
    state: State
    evidence: float | None = None


@dataclass(frozen=True, slots=True)
class Bustle:
    """How busy the run was in some ticks in a row.

    Attributes:
        at: The last of them, in seconds since the test start.
        fewest: The fewest users; None if nobody knows.
        most: The most users.
        answers: How many requests had been answered then since the test start, resets or not.
    """

    at: float
    fewest: int | None
    most: int | None
    answers: int


class Track:
    """The readings of one rule on one entry.

    A tick is a span of its own until there are too many. Then two and two are made one, and so on.
    What is lowest and highest, and the gravest state, are never lost.

    Args:
        rule: The rule.
        entry: The entry, as in :class:`~guard.engine.standing.Standing`.
        begin: The tick before its first one.
    """

    __slots__ = (
        "_begin", "_end", "_evidence", "_high", "_left", "_low", "_most", "_state", "_ticks",
        "entry", "rule",
    )  # fmt: skip

    def __init__(self, rule: Rule, entry: str | None, begin: float) -> None:
        self.rule = rule
        self.entry = entry
        self._begin = begin
        self._end = array("f")
        self._low = array("f")
        self._high = array("f")
        self._state = array("b")
        self._evidence = None if rule.surely is None else array("f")
        self._ticks = 1  # to a span
        self._left = 0  # of them, until the last one is full
        self._most = MOST

    def bound(self, most: int) -> None:
        """Keep no more spans than that, from now on and bit by bit."""
        self._most = most

    def take(self, at: float, standing: Standing) -> None:
        """Take in one more tick."""
        value, state, evidence = standing.value, _GRAVITY[standing.state], self._evidence
        if self._left:
            self._left -= 1
            self._end[-1] = at
            if value is not None:
                self._low[-1] = min(self._low[-1], value)
                self._high[-1] = max(self._high[-1], value)
            self._state[-1] = max(self._state[-1], state)
            if evidence is not None and standing.evidence is not None:
                evidence[-1] = max(evidence[-1], standing.evidence)
            return
        if len(self._end) >= self._most and len(self._end) % 2 == 0:
            self._halve()
        self._left = self._ticks - 1
        self._end.append(at)
        is_number = value is not None and not math.isnan(value)
        self._low.append(value if is_number and value is not None else math.inf)
        self._high.append(value if is_number and value is not None else -math.inf)
        self._state.append(state)
        if self._evidence is not None:
            self._evidence.append(standing.evidence or 0.0)

    def _halve(self) -> None:
        self._ticks *= 2
        self._end = self._end[1::2]
        self._low = array("f", _pairs(min, self._low))
        self._high = array("f", _pairs(max, self._high))
        self._state = array("b", _pairs(max, self._state))
        if self._evidence is not None:
            self._evidence = array("f", _pairs(max, self._evidence))

    @property
    def end(self) -> float:
        """The last tick that was taken in."""
        return self._end[-1] if self._end else self._begin

    def __len__(self) -> int:
        return len(self._end)

    def spans(self) -> Iterator[Span]:
        """What there is, in the order of time."""
        begin = self._begin
        evidence: Iterable[float | None] = self._evidence or [None] * len(self)
        parts = zip(self._end, self._low, self._high, self._state, evidence, strict=True)
        for end, low, high, number, share in parts:
            read = math.isfinite(low) and math.isfinite(high)
            state = _STATES[number]
            yield Span(begin, end, low if read else None, high if read else None, state, share)
            begin = end


class Chronicle:
    """Keeps what rules read, tick by tick, in a bounded space.

    It is done in the load generator, between two requests. So tracks are shortened at different
    moments, and where there are very many of them, a tick takes in only some, and those whose state
    has changed.

    Args:
        turn: How many rules and entries a tick looks at. Of more, each has its turn after some
            seconds.
    """

    def __init__(self, turn: int = TURN) -> None:
        self._at_once = turn
        self._tracks: dict[tuple[int, str | None], Track] = {}
        self._order: list[Track | None] = []
        self._turns, self._turn, self._base = 1, 0, MOST
        self._bustle: list[Bustle] = []
        self._ticks, self._left = 1, 0
        self._last, self._answers, self._counted = 0.0, 0, 0

    def take(self, moment: Moment) -> None:
        """Take in one more tick."""
        standings, at = moment.standings, moment.at
        if len(standings) != len(self._order):
            self._arrange(standings)
        self._turn = (self._turn + 1) % self._turns
        numbers = range(self._turn, len(standings), self._turns)
        looked_at = standings[self._turn :: self._turns]
        for number, standing in zip(numbers, looked_at, strict=True):
            track = self._order[number]
            # The first entry of an ``each`` takes the place of its pattern.
            if track is None or track.entry != standing.entry:
                track = self._order[number] = self._track_of(standing.rule, standing.entry)
                track.bound(self._base + number * _STEP % self._base)
            track.take(at, standing)
        self._take_bustle(moment)
        self._last = at

    def note(self, transitions: Sequence[Transition]) -> None:
        """Take in what changed at the last tick, as far as it has not been looked at."""
        if self._turns == 1:
            return
        for change in transitions:
            rule, reading = change.rule, change.reading
            entry = None if rule.on_run else change.entry or AGGREGATED
            track = self._track_of(rule, entry)
            if not len(track) or track.end < self._last:
                found = (change.after, reading.value, reading.requests, reading.evidence)
                track.take(self._last, Standing(rule, entry, *found))

    def _arrange(self, standings: Sequence[Standing]) -> None:
        """Share out the space and the time anew. Each has a track when it has its turn."""
        self._order = [None] * len(standings)
        self._turns = max(1, math.ceil(len(standings) / self._at_once))
        self._base = min(max(BUDGET // max(len(standings), 1) // 2, FEWEST), MOST)

    def _track_of(self, rule: Rule, entry: str | None) -> Track:
        key = (id(rule), entry)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(rule, entry, self._last)
        return track

    def _take_bustle(self, moment: Moment) -> None:
        counted, users = moment.answers, moment.users
        self._answers += counted - self._counted if counted >= self._counted else counted
        self._counted = counted
        new = Bustle(moment.at, users, users, self._answers)
        if self._left:
            self._left -= 1
            self._bustle[-1] = _both(self._bustle[-1], new)
            return
        if len(self._bustle) >= MOST and len(self._bustle) % 2 == 0:
            self._ticks *= 2
            pairs = zip(self._bustle[::2], self._bustle[1::2], strict=True)
            self._bustle = [_both(*pair) for pair in pairs]
        self._left = self._ticks - 1
        self._bustle.append(new)

    @property
    def bustle(self) -> Sequence[Bustle]:
        """How busy the run was, in the order of time."""
        return self._bustle

    def spans(self, rule: Rule, entry: str | None) -> list[Span]:
        """What a rule read on an entry, in the order of time; nothing where it was not judged."""
        track = self._tracks.get((id(rule), entry))
        return [] if track is None else list(track.spans())

    def __len__(self) -> int:
        return sum(map(len, self._tracks.values()))


def _pairs(fold: Callable[[_Number, _Number], _Number], values: array[_Number]) -> map[_Number]:
    """The least, or the greatest, of each two in a row."""
    return map(fold, values[::2], values[1::2])


def _both(one: Bustle, other: Bustle) -> Bustle:
    """The two as one."""
    fewest = [users for users in (one.fewest, other.fewest) if users is not None]
    most = [users for users in (one.most, other.most) if users is not None]
    return Bustle(other.at, min(fewest, default=None), max(most, default=None), other.answers)
