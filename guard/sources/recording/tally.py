"""What happened in each second of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from guard.engine.counts import NONE_LIKE, NOTHING, Counts
from guard.engine.snapshot import EntryKey
from guard.rule import Selection, matches
from guard.sources.recording.layout import Kind


@dataclass(frozen=True, slots=True)
class Span:
    """Some rows, and from when to when they go. Moments are in microseconds since 1970.

    Attributes:
        requests: How many requests there are, without rows that stand for several.
        sent: When the first was sent; None without any.
        first: When the first was answered, or the first word on users was; None without rows.
        last: The last such moment.
        keys: The entries of the requests.
        has_users: Whether one of the rows says how many users there are.
    """

    requests: int = 0
    sent: int | None = None
    first: int | None = None
    last: int | None = None
    keys: frozenset[EntryKey] = field(default_factory=frozenset)
    has_users: bool = False


class Concern(NamedTuple):
    """What rows of a kind concern.

    Attributes:
        in_total: Whether they are requests of the aggregate.
        entry: Their entry, if somebody needs it.
        failure: Of requests that failed, their entry and the text of the failure.
        patterns: The patterns that the text of their failure matches.
    """

    in_total: bool
    entry: EntryKey | None
    failure: tuple[EntryKey, str] | None
    patterns: tuple[str, ...]


class Group(NamedTuple):
    """Rows that concern the same, in the same second.

    Attributes:
        second: In which second after the first sending the requests ended: 1 for the first.
        concern: What they concern.
        number: How many there are.
        times: How many have which response time in milliseconds, as Locust rounds it. Requests
            without one are missing.
        took: Sum of their response times in microseconds.
        fastest: Shortest of these.
        slowest: Longest of these.
        size: Sum of the sizes of their responses in bytes.
        users: The highest number of users that one of them says.
    """

    second: int
    concern: Concern
    number: int
    times: Mapping[int, int]
    took: int | None
    fastest: int | None
    slowest: int | None
    size: int
    users: int | None


class Concerns:
    """Finds what rows concern.

    Args:
        selections: The entries that are needed.
        failures: The patterns of failure texts that are told apart.
    """

    MOST = 50_000
    """Kinds that are remembered. Failures may all have texts of their own."""

    def __init__(self, selections: Iterable[Selection], failures: Iterable[str]) -> None:
        self._selections = tuple(selections)
        self._failures = tuple(failures)
        self._needed: dict[EntryKey, EntryKey | None] = {}
        self._of: dict[Kind, Concern] = {}

    def of(self, kind: Kind) -> Concern:
        """What rows of that kind concern."""
        try:
            return self._of[kind]
        except KeyError:
            if len(self._of) >= self.MOST:
                self._of.clear()
            concern = self._of[kind] = self._find(kind)
            return concern

    def _find(self, kind: Kind) -> Concern:
        key, failure = kind.key, kind.failure
        if key is None:
            return Concern(in_total=False, entry=None, failure=None, patterns=())
        if key not in self._needed:
            is_needed = any(selection.matches(*key) for selection in self._selections)
            self._needed[key] = key if is_needed else None
        like = () if failure is None else tuple(p for p in self._failures if matches(p, failure))
        failed = None if failure is None else (key, failure)
        return Concern(not kind.is_sum, self._needed[key], failed, like)


class Tally:
    """Counts requests."""

    __slots__ = (
        "failures", "failures_like", "fastest", "requests", "size", "slowest", "times", "took",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.took = 0
        self.times: dict[int, int] = {}
        self.fastest: int | None = None
        self.slowest: int | None = None
        self.size = 0
        self.failures_like: dict[str, int] | None = None

    def add(self, group: Group) -> int:
        """Count them. How many response times were new."""
        _, concern, number, times, took, fastest, slowest, size, _ = group
        self.requests += number
        self.size += size
        if concern.failure is not None:
            self.failures += number
            for pattern in concern.patterns:
                like = self.failures_like = self.failures_like or {}
                like[pattern] = like.get(pattern, 0) + number
        if took is None or fastest is None or slowest is None:
            return 0
        self.took += took
        if self.fastest is None or fastest < self.fastest:
            self.fastest = fastest
        if self.slowest is None or slowest > self.slowest:
            self.slowest = slowest
        before = len(self.times)
        if not before:
            self.times = dict(times)
        else:
            for time, count in times.items():
                self.times[time] = self.times.get(time, 0) + count
        return len(self.times) - before

    def counts(self, epoch: int) -> Counts:
        """What has been counted."""
        return Counts(
            requests=self.requests,
            failures=self.failures,
            response_time=self.took / 1000,
            response_times=self.times,
            fastest=None if self.fastest is None else self.fastest / 1000,
            slowest=None if self.slowest is None else self.slowest / 1000,
            content_length=self.size,
            failures_like=self.failures_like or NONE_LIKE,
            epoch=epoch,
        )


class Second:
    """What happened in one second.

    Attributes:
        total: All requests; None without any.
        entries: Those of the entries that somebody needs.
        users: The highest number of users that a file told, by its number.
        failed: How many requests of the aggregate failed, by entry and text.
    """

    __slots__ = ("entries", "failed", "total", "users")

    def __init__(self) -> None:
        self.total: Tally | None = None
        self.entries: dict[EntryKey, Tally] = {}
        self.users: dict[int, int] = {}
        self.failed: dict[tuple[EntryKey, str], int] = {}

    def add(self, group: Group, file: int) -> int:
        """Count them, which are of the file of that number. How many response times were new."""
        if group.users is not None:
            self.users[file] = max(self.users.get(file, 0), group.users)
        concern, new = group.concern, 0
        if concern.in_total:
            if self.total is None:
                self.total = Tally()
            new += self.total.add(group)
            if concern.failure is not None:
                so_far = self.failed.get(concern.failure, 0)
                self.failed[concern.failure] = so_far + group.number
                new += not so_far
        if concern.entry is not None:
            tally = self.entries.get(concern.entry)
            if tally is None:
                tally = self.entries[concern.entry] = Tally()
                new += 1
            new += tally.add(group)
        return new

    @property
    def weight(self) -> int:
        """How many different response times it holds, and entries: what it takes of memory."""
        of_entries = sum(len(tally.times) + 1 for tally in self.entries.values())
        return of_entries + len(self.failed) + (len(self.total.times) if self.total else 0)

    def total_counts(self, epoch: int) -> Counts:
        """What was counted of all requests."""
        return self.total.counts(epoch) if self.total else NOTHING

    def counts_of_entries(self, epoch: int) -> Mapping[EntryKey, Counts]:
        """What was counted of each entry."""
        return {key: tally.counts(epoch) for key, tally in self.entries.items()}


class Seconds:
    """Seconds, kept until they are asked for.

    Attributes:
        held: The weight of all of them.
    """

    def __init__(self) -> None:
        self.held = 0
        self._seconds: dict[int, Second] = {}

    def add(self, group: Group, file: int = 0) -> None:
        """Count them in their second. They are of the file of that number."""
        second = self._seconds.get(group.second)
        if second is None:
            second = self._seconds[group.second] = Second()
        self.held += second.add(group, file)

    def take(self, number: int) -> Second:
        """That second, which is kept no longer."""
        second = self._seconds.pop(number, None) or Second()
        self.held -= second.weight
        return second

    def drop_later_half(self) -> int:
        """Keep only the earlier ones, at least one. Gives the number of the last that is kept."""
        numbers = sorted(self._seconds)
        half, kept = self.held / 2, 0
        for index, number in enumerate(numbers):
            kept += self._seconds[number].weight
            if kept >= half:
                for later in numbers[index + 1 :]:
                    self.take(later)
                return number
        return numbers[-1]
