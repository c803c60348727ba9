"""Everything the guard reads at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from guard.engine.counts import Counts

EntryKey = tuple[str, str]
"""Method and name of an entry."""

FailureCounts = Mapping[tuple[EntryKey, str], int]
"""How many requests have failed so far, by entry and by the text of the failure."""


def label(key: EntryKey) -> str:
    """An entry as people read it: ``POST /checkout``."""
    return " ".join(filter(None, key))


def no_failures() -> FailureCounts:
    """What nothing has failed of."""
    return {}


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the run itself is at one moment.

    Attributes:
        users: How many users are running; None if nobody knows.
        workers: How many workers are connected; one where the load is generated in this process.
        lost_workers: How many were there during the test and are no more.
        cpu: Share of a CPU core, 0 to 1, that the busiest process takes that generates load; None
            while unknown.
        memory: Memory of the largest of these processes in bytes; None while unknown.
        exceptions: How many exceptions of user code nobody caught.
        silence: Seconds since the last answer; None without users. Where nobody knows of them, it
            is taken for granted that there are some.
    """

    users: int | None = 0
    workers: int = 1
    lost_workers: int = 0
    cpu: float | None = None
    memory: float | None = None
    exceptions: int = 0
    silence: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Cumulative counts and the state of the run.

    Attributes:
        total: Counts of the aggregate of all requests.
        entries: Counts of the entries that the rules need, by method and name. Those that have
            not changed since the snapshot before may be left out.
        vitals: How the run is; its ``silence`` is for the guard to find out.
        answers: How many requests have been answered so far; None for those in ``total``. Where
            counts come in lumps, it may be ahead of them.
        counted_until: Up to when everything is counted, in seconds since the test start; None for
            the moment of the snapshot. Counts that come in lumps are complete only at times.
        lag: What is counted after that may have been made this many seconds before it.
        ramped_up_at: When the first ramp-up was complete, in seconds since the test start;
            None before.
        failures: Tells what has failed so far. It is asked only now and then, as that takes time.
    """

    total: Counts
    entries: Mapping[EntryKey, Counts] = field(default_factory=dict)
    vitals: Vitals = Vitals()
    answers: int | None = None
    counted_until: float | None = None
    lag: float = 0.0
    ramped_up_at: float | None = None
    failures: Callable[[], FailureCounts] = field(default=no_failures, compare=False)
