"""What a rule is: a check, and what happens when it is broken.

Plain, frozen values that every other part of the package shares. ``str()`` of each gives the text
that the rules language reads back to the same value.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum


class Unit(Enum):
    """What a metric is measured in. Values of a metric are plain floats in this unit."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    RATIO = "ratio"  # 0 to 1
    RATE = "/s"
    COUNT = "count"
    BYTES = "B"


class Basis(Enum):
    """What a metric is taken from, which decides what it reads where there is nothing."""

    REQUESTS = "requests"  # no data without any
    TALLY = "tally"  # their number itself: zero without any
    RUN = "run"  # the run, not its requests


class Comparison(Enum):
    """How a value must stand to its threshold for the check to hold."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    DIFFERENT = "!="

    @property
    def holds(self) -> Callable[[float, float], bool]:
        """From a value and a threshold to whether the check holds."""
        return _HOLDS[self]


_HOLDS = {
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.EQUAL: operator.eq,
    Comparison.DIFFERENT: operator.ne,
}


class Action(Enum):
    """What a breach does."""

    STOP = "stop"  # stop the run: it failed
    FINISH = "finish"  # stop the run: it still passed
    FAIL = "fail"  # go on: the run failed
    WARN = "warn"  # go on, but say so
    VOID = "void"  # go on: the run can't be trusted

    @property
    def stops(self) -> bool:
        return self in (Action.STOP, Action.FINISH)


class Outcome(Enum):
    """How a rule, or a whole run, ended."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class State(Enum):
    """Where a rule stands at this moment."""

    WAITING = "waiting"  # not armed yet
    OK = "ok"
    PENDING = "pending"  # broken, but not yet for as long as the rule demands
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries that a check is about: by name, or by method and name.

    ``*`` in a name stands for any text; every other character stands for itself. The whole of the
    text may also be the name of a request, and without a method its first word may be one in lower
    case: ``grpc /svc``.
    """

    name: str
    method: str | None = None

    def matches(self, method: str, name: str) -> bool:
        if matches(self.label, name):
            return True
        if self.method is not None:
            return self.method == method and matches(self.name, name)
        word, _, rest = self.name.partition(" ")
        return word == method and rest != "" and matches(rest, name)

    @property
    def label(self) -> str:
        """The entry as people read it: ``POST /checkout``."""
        return f"{self.method} {self.name}" if self.method else self.name

    def __str__(self) -> str:
        return self.label if _BARE.fullmatch(self.name) else _quoted(self.label)


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold: ``p95 of POST /checkout < 500ms``.

    Attributes:
        metric: Name of the metric.
        unit: Its unit, which is that of the threshold too.
        comparison: How the metric's value must stand to the threshold.
        threshold: The limit.
        selection: The entries; None for the aggregate of all requests.
        each: Whether each of those entries is judged on its own, and not their sum.
        failure: Pattern of the failure texts that count as failures; None for all.
        basis: What the metric is taken from.
    """

    metric: str
    unit: Unit
    comparison: Comparison
    threshold: float
    selection: Selection | None = None
    each: bool = False
    failure: str | None = None
    basis: Basis = Basis.REQUESTS

    @property
    def is_worse(self) -> Callable[[float, float], bool]:
        """Whether the first of two values is further beyond, or nearer to, breaking the check."""
        match self.comparison:
            case Comparison.LESS | Comparison.AT_MOST:
                return operator.gt
            case Comparison.MORE | Comparison.AT_LEAST:
                return operator.lt
            case Comparison.EQUAL:
                return lambda a, b: abs(a - self.threshold) > abs(b - self.threshold)
            case Comparison.DIFFERENT:
                return lambda a, b: abs(a - self.threshold) < abs(b - self.threshold)

    @property
    def fewest(self) -> int:
        """How many requests a reading needs at least, where a rule says nothing else."""
        return 1 if self.basis is Basis.REQUESTS else 0

    @property
    def measured(self) -> str:
        """The metric with the failures it is about: ``fail_ratio("*503*")``."""
        return self.metric if self.failure is None else f"{self.metric}({_quoted(self.failure)})"

    def __str__(self) -> str:
        each = "each " if self.each else ""
        of = f" of {each}{self.selection}" if self.selection else ""
        limit = threshold_text(self.threshold, self.unit)
        return f"{self.measured}{of} {self.comparison.value} {limit}"


@dataclass(frozen=True, slots=True)
class Start:
    """When a rule is armed: ``delay`` seconds after the test start, or after the end of ramp-up."""

    delay: float = 0.0
    ramp_up: bool = False

    def __str__(self) -> str:
        if not self.ramp_up:
            return timespan_text(self.delay)
        return f"ramp-up + {timespan_text(self.delay)}" if self.delay else "ramp-up"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file. Lines and columns count from one."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


HARDLY_EVER = 30 * 86_400.0
"""Seconds of healthy running in which ``surely`` alone may be wrong once, on average."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a rules file.

    Attributes:
        name: What reports call the rule; the check itself where the file gives no name.
        check: What must hold.
        over: Length of the window in seconds; None for the whole run since the rule was armed.
        hold: Seconds for which the check must be broken before that is a breach (``for``).
        surely: Where a breach takes evidence and no length of time: the seconds of healthy running
            in which it may come once by chance, on average (``surely``). Else None.
        after: When the rule is armed.
        min_requests: A reading from fewer requests is no data.
        no_data: The rule's outcome when it never had data: pass, fail or inconclusive.
        action: What a breach does (``else``).
        because: Why the rule exists, repeated in the reason; None when not said.
        named: Whether the file gave the rule its name.
        place: Where it is written. Two rules can be the same in two places.
    """

    name: str
    check: Check
    over: float | None = None
    hold: float = 0.0
    surely: float | None = None
    after: Start = Start()
    min_requests: int = 1
    no_data: Outcome = Outcome.INCONCLUSIVE
    action: Action = Action.FAIL
    because: str | None = None
    named: bool = False
    place: Place | None = field(default=None, compare=False)

    @property
    def on_run(self) -> bool:
        """Whether the rule is on the run and not on its requests."""
        return self.check.basis is Basis.RUN

    @property
    def on_totals(self) -> bool:
        """Whether the rule is on all requests since it was armed, the last ones included."""
        return self.over is None and self.surely is None and not self.on_run

    @property
    def judged_at_end(self) -> bool:
        """Whether the rule is judged only once, on the final totals."""
        return self.on_totals and self.hold == 0 and not self.action.stops

    def __str__(self) -> str:
        """The rule as one line: the check and the options that differ from their defaults."""
        parts = [str(self.check)]
        if self.over is not None:
            parts.append(f"over {timespan_text(self.over)}")
        if self.hold:
            parts.append(f"for {timespan_text(self.hold)}")
        if self.surely is not None:
            is_usual = self.surely == HARDLY_EVER
            parts.append("surely" if is_usual else f"surely {timespan_text(self.surely)}")
        if self.after != Start():
            parts.append(f"after {self.after}")
        if self.min_requests != self.check.fewest:
            parts.append(f"min_requests {self.min_requests}")
        if self.no_data is not Outcome.INCONCLUSIVE:
            parts.append(f"no_data {self.no_data.value}")
        if self.action is not Action.FAIL:
            parts.append(f"else {self.action.value}")
        return " ".join(parts)


SIZES = ("B", "kB", "MB", "GB")
"""Units of size, each a thousand times the one before."""

CURLY_QUOTES = "“”„‟«»‘’‚‛"  # noqa: RUF001 - they are told from straight ones by this
"""What word processors make of quotes. The language has straight ones only."""

_METHOD_AND_NAME = re.compile(r"([A-Z][A-Z0-9_-]*)\s+(\S.*)", re.DOTALL)

# A name that needs no quotes: no space, no quote, nothing that reads as a comparison.
_BARE = re.compile(rf"""(?!each$|[{CURLY_QUOTES}])(?:(?![<>"']|!=|==)\S)+""")


def method_and_name(text: str) -> tuple[str | None, str]:
    """A request as people write it, ``POST /checkout``, taken apart; None without a method."""
    match = _METHOD_AND_NAME.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern, in which ``*`` stands for any text, is the whole of the text.

    The pieces between the stars are looked for one after the other, so the time is linear where a
    regular expression could take exponential time.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if not (text.startswith(first) and text.endswith(last) and len(first) + len(last) <= len(text)):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in rest:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def number_text(value: float) -> str:
    """A number as the language writes it: shortest exact decimal, never with an exponent."""
    return f"{Decimal(repr(value)).normalize():f}"


def timespan_text(seconds: float) -> str:
    """Seconds as the language writes them: ``1m30s``, ``500ms``, ``30d``."""
    rest = Decimal(repr(seconds)) * 1000
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        count, rest = divmod(rest, size)
        text += f"{count:f}{unit}" if count else ""
    if rest:
        text += f"{rest.normalize():f}ms"
    return text or "0s"


def in_largest_unit(size: float) -> tuple[Decimal, str]:
    """A number of bytes as a number of the largest unit that it fills, and the unit."""
    exact, power = Decimal(repr(size)), 0
    while exact >= 1000 and power < len(SIZES) - 1:
        exact, power = exact / 1000, power + 1
    return exact.normalize(), SIZES[power]


def threshold_text(value: float, unit: Unit) -> str:
    """A threshold as the language writes it: ``500ms``, ``2s``, ``1%``, ``50/s``, ``5MB``."""
    match unit:
        case Unit.RATIO:
            return f"{(Decimal(repr(value)) * 100).normalize():f}%"
        case Unit.COUNT:
            return number_text(value)
        case Unit.SECONDS:
            return timespan_text(value)
        case Unit.MILLISECONDS if value and value % 1000 == 0:
            return timespan_text(value / 1000)
        case Unit.BYTES:
            return "{:f}{}".format(*in_largest_unit(value))
        case _:
            return f"{number_text(value)}{unit.value}"
