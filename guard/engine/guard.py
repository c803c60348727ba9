"""The guard of one run: all its rules, judged once a tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guard.engine.counts import Odometer, total
from guard.engine.judge import Judge, Transition
from guard.engine.snapshot import EntryKey, Snapshot
from guard.engine.verdict import Verdict, decide, result_of
from guard.rule import Rule, Selection


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision to stop the run: why, in one sentence, and when."""

    reason: str
    at: float


class Guard:
    """Judges rules on snapshots of one run.

    ``now`` is in seconds since the test start and never goes back. A late tick counts for the time
    that really passed.

    Attributes:
        rules: What it judges by.
        stop: The decision to stop the run, once it has been made.
        failure: How the guard itself failed, if it did.
        distrust: Why the run can't be trusted whatever the rules say, if it can't.
        final: Whether the final totals have been judged.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.stop: Stop | None = None
        self.failure: str | None = None
        self.distrust: str | None = None
        self.final = False
        self._judges = [Judge(rule) for rule in rules]
        self._total = Odometer()
        self._entries: dict[EntryKey, Odometer] = {}
        self._keys: dict[Selection, list[EntryKey]] = {s: [] for s in self.selections}
        self._last = 0.0
        self._users = 0

    @property
    def selections(self) -> frozenset[Selection]:
        """The entries that snapshots must hold beside the total."""
        return frozenset(rule.check.selection for rule in self.rules if rule.check.selection)

    @property
    def unmatched(self) -> list[Selection]:
        """Those of which no request has been seen yet."""
        return [selection for selection, keys in self._keys.items() if not keys]

    def tick(self, snapshot: Snapshot, now: float) -> list[Transition]:
        """Judge every rule that is judged live, once.

        Returns:
            The changes of state, in the order of the rules. :attr:`stop` tells whether one of
            them, now or earlier, asks for the run to be stopped.
        """
        self._observe(snapshot, now, self._judges)
        live = [judge for judge in self._judges if not judge.rule.judged_at_end]
        transitions = self._evaluate(live, now)
        for transition in transitions:
            if transition.is_breach and transition.rule.action.stops:
                self.stop = self.stop or Stop(str(transition), now)
        return transitions

    def settle(self, snapshot: Snapshot, now: float) -> None:
        """Take the counts that came in after the load stopped into the whole-run windows."""
        self._observe(snapshot, now, self._whole_run)

    def finish(self, snapshot: Snapshot, now: float) -> list[Transition]:
        """Judge the whole-run rules on the final totals. After this nothing moves any more."""
        self._observe(snapshot, now, self._whole_run)
        transitions = self._evaluate(self._whole_run, now)
        self.final = True
        return transitions

    def fail(self, how: str, now: float, *, running: bool) -> None:
        """Note that the guard itself failed: the run's outcome is an error, whatever else, and a
        run that is still going on must be stopped."""
        if self.failure is None:
            self.failure = f"the guard itself failed: {how}"
            if running:
                self.stop = self.stop or Stop(self.failure, now)

    @property
    def verdict(self) -> Verdict:
        """The verdict as it would be if the run ended at the last tick."""
        judges = self._judges
        if not self.final:
            judges = [judge.as_if_ended(self._last, self._users) for judge in judges]
        results = [result_of(judge) for judge in judges]
        outcome, reason = decide(results, self.failure, self.distrust)
        return Verdict(
            outcome=outcome,
            reason=reason,
            rules=results,
            stopped=self.stop is not None,
            stopped_at=self.stop.at if self.stop else None,
            final=self.final,
            duration=self._last,
        )

    @property
    def _whole_run(self) -> list[Judge]:
        return [judge for judge in self._judges if judge.rule.over is None]

    def _observe(self, snapshot: Snapshot, now: float, judges: Sequence[Judge]) -> None:
        """Give each judge what was counted since the last observation."""
        until = now if snapshot.counted_until is None else snapshot.counted_until
        self._users = snapshot.vitals.users
        added_total = self._total.advance(snapshot.total)
        added = {
            key: self._odometer(key).advance(counts) for key, counts in snapshot.entries.items()
        }
        for judge in judges:
            part = added_total
            if selection := judge.rule.check.selection:
                part = total(added[key] for key in self._keys[selection] if key in added)
            judge.observe(part, until, snapshot)

    def _odometer(self, key: EntryKey) -> Odometer:
        """The entry's odometer. Only for a new entry is it asked which selections it matches."""
        if key not in self._entries:
            self._entries[key] = Odometer()
            for selection, keys in self._keys.items():
                if selection.matches(*key):
                    keys.append(key)
        return self._entries[key]

    def _evaluate(self, judges: Sequence[Judge], now: float) -> list[Transition]:
        passed = now - self._last
        self._last = now
        changes = (judge.evaluate(now, passed, self._users) for judge in judges)
        return [change for change in changes if change is not None]


def widened(rules: Sequence[Rule], shortest: float) -> tuple[list[Rule], list[Rule]]:
    """The rules with no window shorter than ``shortest`` seconds, and those that were widened.

    Where counts come in lumps, a window needs to hold two of them to mean anything.
    """
    short = [rule for rule in rules if _is_short(rule, shortest)]
    return [_widen(r, shortest) if _is_short(r, shortest) else r for r in rules], short


def _is_short(rule: Rule, shortest: float) -> bool:
    return rule.over is not None and rule.over < shortest


def _widen(rule: Rule, over: float) -> Rule:
    wide = replace(rule, over=over)
    return replace(wide, name=str(wide)) if rule.name == str(rule) else wide
