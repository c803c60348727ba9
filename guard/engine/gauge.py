"""One metric of one window, which judges with different limits look at together."""

from __future__ import annotations

import math
from typing import NamedTuple

from guard.engine.metrics import Metric, RunMetric, narrowed
from guard.engine.reading import Reading
from guard.engine.snapshot import Vitals
from guard.engine.window import Window
from guard.rule import Rule


class Sample(NamedTuple):
    """What a reading is of, beside its value: as in :class:`~guard.engine.reading.Reading`."""

    requests: int | None
    seconds: float
    at: float
    users: int | None


class Gauge:
    """Measures a metric and remembers its last reading.

    Attributes:
        metric: What it measures.
        failure: Pattern of the failures that count; None for all.
        min_requests: A window with fewer requests is no data.
        value: The last value with data, None while there was none.
        current: What it showed when it was last read; None for no data.
        before: What the value before that was of, None while there was none.
        judged: Whether there ever was data. A count of no requests is none.
        low: The lowest value ever read.
        high: The highest.
        quiet: Whether nothing between these two can be news to any judge.
    """

    __slots__ = (
        "_measure",
        "_sample",
        "before",
        "current",
        "failure",
        "high",
        "judged",
        "low",
        "metric",
        "min_requests",
        "quiet",
        "value",
    )

    def __init__(self, metric: Metric | RunMetric, rule: Rule) -> None:
        self.metric = metric
        self.failure = rule.check.failure
        self.min_requests = rule.min_requests
        self.value: float | None = None
        self.current: float | None = None
        self.judged = False
        self.low = math.inf
        self.high = -math.inf
        self.quiet = False
        self._sample: Sample | None = None
        self.before: Sample | None = None
        if isinstance(metric, Metric):
            measure = metric.measure
            self._measure = narrowed(measure, self.failure) if self.failure else measure

    @property
    def adds_up(self) -> bool:
        """Whether its final value may come when users are being stopped."""
        return isinstance(self.metric, RunMetric) and self.metric.adds_up

    def serves(self, metric: Metric | RunMetric, rule: Rule) -> bool:
        """Whether it measures what the rule is about."""
        return (
            self.metric.name == metric.name
            and self.failure == rule.check.failure
            and self.min_requests == rule.min_requests
        )

    @property
    def reading(self) -> Reading | None:
        """The last one with data, or the last one while there was none yet."""
        return Reading(self.value, *self._sample) if self._sample else None

    @property
    def requests(self) -> int:
        """How many requests are behind the last reading."""
        return (self._sample.requests or 0) if self._sample else 0

    def read(self, window: Window, sample: Sample) -> float | None:
        """Measure the requests of a window; None for no data."""
        requests = window.requests
        if requests >= self.min_requests:
            value = self._measure(window, sample.seconds)
            if value is not None:
                self.before, self.value, self._sample = self._sample, value, sample
                self.current = value
                if requests:
                    self.judged = True
                return value
        self.current = None
        if not self.judged:
            self._sample = sample
        return None

    def peek(self, window: Window) -> float | None:
        """What it would measure, without taking note of it."""
        if window.requests < self.min_requests:
            return None
        return self._measure(window, window.seconds)

    def read_run(self, vitals: Vitals, before: Vitals, sample: Sample) -> float | None:
        """Measure the run, without what had added up before; None for no data."""
        assert isinstance(self.metric, RunMetric)
        value = self.metric.measure(vitals)
        if value is not None:
            if self.metric.adds_up:
                value -= self.metric.measure(before) or 0.0
            self.before, self.value, self._sample = self._sample, value, sample
            self.judged = True
        return value
