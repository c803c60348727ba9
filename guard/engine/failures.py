"""Which requests failed and why: what a breach is told with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import nlargest
from typing import NamedTuple

from guard.engine.snapshot import EntryKey, FailureCounts, label, no_failures
from guard.rule import Check, matches

TOLD = 3
"""How many entries and texts a breach is told with."""

MOST = 200
"""Entries and texts, taken together, that are kept of each time: those that failed most."""


class Failing(NamedTuple):
    """What failed most in the window of a reading.

    Attributes:
        entries: Method and name of the entries with the most failures, and how many each has. Of
            all entries, whatever the rule is about.
        texts: The most frequent texts of failures that the rule is about, and how many have each.
    """

    entries: tuple[tuple[str, int], ...] = ()
    texts: tuple[tuple[str, int], ...] = ()


class FailureRecord:
    """Remembers when what failed, from time to time."""

    __slots__ = ("_before", "_gains", "noted_at")

    def __init__(self) -> None:
        self.noted_at = 0.0
        self._before = no_failures()
        self._gains: list[tuple[float, FailureCounts]] = []

    def note(self, at: float, counts: FailureCounts) -> None:
        """Take in the counts of that moment."""
        before = self._before
        if any(counts.get(what, count) < count for what, count in before.items()):
            before = no_failures()  # they have been reset
        gained = {what: new for what, n in counts.items() if (new := n - before.get(what, 0)) > 0}
        if len(gained) > MOST:
            gained = dict(nlargest(MOST, gained.items(), key=lambda item: item[1]))
        if gained:
            self._gains.append((at, gained))
        self._before = counts
        self.noted_at = at

    def since(self, begin: float, check: Check, entry: str | None) -> Failing:
        """What has failed since then, as far as that is known.

        Args:
            begin: In seconds since the test start.
            check: Whose failures are of interest.
            entry: The entry that it is on, where it is judged on each.
        """
        entries, texts = Counter[str](), Counter[str]()
        concerns = _concerns(check, entry)
        for at, gained in reversed(self._gains):
            if at <= begin:
                break
            for (key, text), count in gained.items():
                entries[label(key)] += count
                if concerns(key, text):
                    texts[text] += count
        return Failing(tuple(entries.most_common(TOLD)), tuple(texts.most_common(TOLD)))


def _concerns(check: Check, entry: str | None) -> Callable[[EntryKey, str], bool]:
    selection, pattern = check.selection, check.failure

    def concerns(key: EntryKey, text: str) -> bool:
        if selection and not selection.matches(*key):
            return False
        if check.each and entry is not None and label(key) != entry:
            return False
        return pattern is None or matches(pattern, text)

    return concerns
