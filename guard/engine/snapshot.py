"""Everything the guard reads at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.engine.counts import Counts

EntryKey = tuple[str, str]
"""Method and name of an entry."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Cumulative counts and the state of the run.

    Attributes:
        total: Counts of the aggregate of all requests.
        entries: Counts of the entries that the rules need, by method and name.
        users: How many users are running.
        counted_until: Up to when everything is counted, in seconds since the test start; None for
            the moment of the snapshot. Counts that come in lumps are complete only at times.
        lag: What is counted after that may have been made this many seconds before it.
        ramped_up_at: When the first ramp-up was complete, in seconds since the test start;
            None before.
    """

    total: Counts
    entries: Mapping[EntryKey, Counts] = field(default_factory=dict)
    users: int = 0
    counted_until: float | None = None
    lag: float = 0.0
    ramped_up_at: float | None = None
