"""A run as somebody writes it down, second by second, to see what rules make of it.

Plain, frozen values. ``str()`` of a series gives the text that the language reads back to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from guard.rule import Unit, threshold_text

SLACK = 1e-6
"""By how much a sum of fractions may fall short of a whole number that it means."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some seconds in a row.

    Attributes:
        first: The value in the first of them, in the unit of the series; None for nothing.
        last: The value in the last of them. Those between lie on a line.
        seconds: How many there are.
    """

    first: float | None
    last: float | None
    seconds: int = 1

    def values(self) -> Iterator[float | None]:
        """The value in each of its seconds."""
        if self.first is None or self.last is None or self.first == self.last:
            for _ in range(self.seconds):
                yield self.first
            return
        span, steps = self.last - self.first, self.seconds - 1
        for step in range(steps):
            yield self.first + span * step / steps
        yield self.last


@dataclass(frozen=True, slots=True)
class Series:
    """A value for each second from the test start on.

    Attributes:
        unit: What the values are in.
        parts: The parts that it consists of, one after the other.
    """

    unit: Unit
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> int:
        """How many seconds it has."""
        return sum(part.seconds for part in self.parts)

    def values(self) -> Iterator[float | None]:
        """The value in each of its seconds; None where there is nothing."""
        for part in self.parts:
            yield from part.values()

    def held(self) -> Iterator[float | None]:
        """The value in each of its seconds, and then the last one for ever."""
        yield from self.values()
        while True:
            yield self.parts[-1].last

    def counts(self) -> Iterator[int]:
        """How many there are in each of its seconds, where its values are numbers of something.

        What is less than one is carried over, so 0.5 is one in every other second, and a ramp has
        as many in all as its values add up to.
        """
        due, given = 0.0, 0
        for value in self.values():
            due += value or 0.0
            count = math.floor(due + SLACK) - given
            given += count
            yield count

    def __str__(self) -> str:
        return " ".join(map(self._part_text, self.parts))

    def _part_text(self, part: Part) -> str:
        times = f"x{part.seconds}" if part.seconds > 1 else ""
        if part.first is None or part.last is None:
            return f"_{times}"
        first, last = (threshold_text(value, self.unit) for value in (part.first, part.last))
        return first + ("" if part.first == part.last else f"..{last}") + times


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of one entry. Several of one entry add up.

    Attributes:
        method: Method of the entry.
        name: Its name.
        rps: How many requests are answered in each second. There are none after its end.
        response_time: How long each of them took; None where nobody measured that. Its last value
            goes on.
        failures: How many of them failed; none after its end.
        failure: The text of these failures.
        content_length: The size of each response. Its last value goes on.
    """

    method: str
    name: str
    rps: Series
    response_time: Series | None = None
    failures: Series | None = None
    failure: str = ""
    content_length: Series | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole run.

    Attributes:
        traffic: Its requests.
        vitals: Metrics of the run, by name.
        ramp_up: When the first ramp-up is complete, in seconds since the test start; None for
            never.
    """

    traffic: tuple[Traffic, ...] = ()
    vitals: Mapping[str, Series] = field(default_factory=dict)
    ramp_up: float | None = 0.0

    @property
    def seconds(self) -> int:
        """How long it takes: as long as the longest series."""
        lengths = [traffic.rps.seconds for traffic in self.traffic]
        return max([*lengths, *(series.seconds for series in self.vitals.values())], default=0)
