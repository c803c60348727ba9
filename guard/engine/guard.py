"""The guard of one run: all its rules, judged once a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from itertools import chain

from guard.engine.bench import Bench, as_if_ended, urgency
from guard.engine.counts import NOTHING, Counts, Odometer
from guard.engine.failures import Failing, FailureRecord
from guard.engine.judge import Judge, Transition
from guard.engine.pulse import Pulse
from guard.engine.seating import Seating
from guard.engine.snapshot import EntryKey, Snapshot, Vitals
from guard.engine.standing import PIECE, Moment, Standings
from guard.engine.verdict import RuleResult, Verdict, decide, results_of
from guard.engine.window import Timeline
from guard.rule import Rule, Selection
from guard.terminal import visible

LISTED = 20
"""Entries of a rule that a verdict lists at most while the run goes on."""

NOTED_EVERY = 10.0
"""Seconds after which it is noted what has failed so far. A breach is told with what failed in its
window, and up to this long before."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision to stop the run: why, in one sentence, and when."""

    reason: str
    at: float


def _always() -> bool:
    return True


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
        self._seating = Seating(self.rules)
        self._total = _Feed(self._seating.on_total())
        self._entries: dict[EntryKey, _Feed] = {}
        self._timelines = {rule.over: Timeline(rule.over) for rule in rules if rule.over}
        self._order = {id(rule): index for index, rule in enumerate(self.rules)}
        self._pulse = Pulse()
        self._failures = FailureRecord()
        self._failing: list[dict[str | None, Failing]] = [{} for _ in rules]
        self._last = 0.0
        # Of a tick that was broken off: its time, and how many benches had been judged.
        self._missed = 0.0
        self._judged = 0
        self._until = 0.0
        self._judged_until = 0.0
        self._users: int | None = 0
        self._answers = 0

    @property
    def selections(self) -> frozenset[Selection]:
        """The entries that snapshots must hold beside the total."""
        return self._seating.selections

    @property
    def failures(self) -> frozenset[str]:
        """The patterns of failure texts that counts must tell apart."""
        return frozenset(rule.check.failure for rule in self.rules if rule.check.failure)

    @property
    def unmatched(self) -> list[Selection]:
        """The selections of which no request has been seen yet."""
        return self._seating.unmatched

    def tick(
        self, snapshot: Snapshot, now: float, go_on: Callable[[], bool] = _always
    ) -> list[Transition]:
        """Judge every rule that is judged live, once.

        Args:
            snapshot: What there is to judge.
            now: Seconds since the test start.
            go_on: Asked between small pieces of the work whether to go on; it may let others have
                their turn. What a tick leaves undone is left to the end of the run.

        Returns:
            The changes of state, in the order of the rules. :attr:`stop` tells whether one of
            them, now or earlier, asks for the run to be stopped.
        """
        passed = now - self._last
        self._last = now
        self._missed, self._judged = passed, 0
        snapshot = self._felt(snapshot, now)
        answers = snapshot.answers
        self._answers = snapshot.total.requests if answers is None else answers
        pieces = chain(self._take_in(snapshot, now), self._judge(snapshot.vitals, now, passed))
        found: list[Transition] = []
        for number, changes in enumerate(pieces):
            found += changes
            if number % PIECE == PIECE - 1 and not go_on():
                return self._in_order(found, snapshot, now)
        self._missed = 0.0
        found = self._in_order(found, snapshot, now)
        for change in found:
            if change.is_breach and change.rule.action.stops:
                self.stop = self.stop or Stop(str(change), now)
        return found

    def settle(self, snapshot: Snapshot, now: float) -> None:
        """Take the counts that came in after the load stopped into the whole-run windows."""
        self._settle(self._felt(snapshot, now), now)

    def finish(self, snapshot: Snapshot, now: float) -> list[Transition]:
        """Judge the whole-run rules on the final totals. After this nothing moves any more."""
        passed = now - self._last
        snapshot = self._felt(snapshot, now)
        self._settle(snapshot, now)
        self._last = now
        found: list[Transition] = []
        run_benches = self._seating.run_benches.values()
        for number, run_bench in enumerate(run_benches):
            stood_for = passed + self._missed_by(number)
            found += run_bench.evaluate(snapshot.vitals, now, stood_for, final=True)
        for number, bench in enumerate(self._seating.benches, start=len(run_benches)):
            found += bench.conclude(now, passed + self._missed_by(number), self._users)
        self.final = True
        return self._in_order(found, snapshot, now)

    def fail(self, how: str, now: float, *, running: bool) -> None:
        """Note that the guard itself failed: the run's outcome is an error, whatever else, and a
        run that is still going on must be stopped."""
        if self.failure is None:
            self.failure = visible(f"the guard itself failed: {how}")
            if running:
                self.stop = self.stop or Stop(self.failure, now)

    def standings(self, go_on: Callable[[], bool] = _always, *, thorough: bool = True) -> Standings:
        """Where each rule stands, on each entry that it is judged on, and what it would read. Not
        to be looked at after the next tick.

        Args:
            go_on: Called between small pieces of the work; it may let others have their turn.
            thorough: Whether to measure what is not measured at every tick.
        """
        judges = chain.from_iterable(self._seating.judges_of(i) for i in range(len(self.rules)))
        return Standings([*judges], self._last, thorough=thorough, go_on=go_on)

    def moment(self, go_on: Callable[[], bool] = _always, *, thorough: bool = True) -> Moment:
        """How the run is. Arguments as for :meth:`standings`."""
        standings = self.standings(go_on, thorough=thorough)
        return Moment(self._last, self._users, self._answers, standings)

    def verdict(self, go_on: Callable[[], bool] = _always) -> Verdict:
        """The verdict as it would be if the run ended at the last tick.

        While the run goes on, it lists only those of the entries of a large ``each`` that stand out
        most.

        Args:
            go_on: Called between small pieces of the work; it may let others have their turn.
        """
        results: list[RuleResult] = []
        for index in range(len(self.rules)):
            judges = self._seating.judges_of(index)
            if not self.final:
                outstanding = _outstanding(judges, go_on)
                judges = [as_if_ended(judge, self._last, self._users) for judge in outstanding]
                go_on()
            results += results_of(judges, self._failing[index])
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

    def _felt(self, snapshot: Snapshot, now: float) -> Snapshot:
        return replace(snapshot, vitals=self._pulse.feel(snapshot, now))

    def _settle(self, snapshot: Snapshot, now: float) -> None:
        for _ in self._take_in(snapshot, now):
            pass
        for bench in self._seating.benches:
            bench.end(self._until)

    def _take_in(self, snapshot: Snapshot, now: float) -> Iterator[Sequence[Transition]]:
        """Let each window have what was counted since the last time, entry by entry."""
        self._users = snapshot.vitals.users
        until = now if snapshot.counted_until is None else snapshot.counted_until
        for key, counts in snapshot.entries.items():
            feed = self._entries.get(key)
            if feed is None and counts.requests:
                benches = self._seating.on_entry(key, self._judged_until)
                feed = self._entries[key] = _Feed(benches)
            if feed is not None:
                feed.take_in(counts, until)
            yield ()
        self._total.take_in(snapshot.total, until)
        self._until = until
        self._seating.arm(snapshot, until, now)

    def _judge(self, vitals: Vitals, now: float, passed: float) -> Iterator[Sequence[Transition]]:
        """Evaluate every rule that is judged live, bench by bench."""
        until, users = self._until, vitals.users
        self._judged_until = until
        begins: dict[float | None, float] = {None: 0.0}
        begins |= {length: line.begin(until) for length, line in self._timelines.items()}
        for run_bench in self._seating.run_benches.values():
            changes: Sequence[Transition] = run_bench.evaluate(vitals, now, passed)
            self._judged += 1
            yield changes
        for bench in self._seating.benches:
            changes = bench.evaluate(begins[bench.length], until, now, passed, users)
            self._judged += 1
            yield changes

    def _missed_by(self, number: int) -> float:
        """The time for which the bench of that number has not been judged."""
        return self._missed if number >= self._judged else 0.0

    def _in_order(
        self, changes: Iterable[Transition], snapshot: Snapshot, now: float
    ) -> list[Transition]:
        """The changes in the order of the rules, and of the breaches, what failed."""
        found = sorted(changes, key=lambda change: self._order[id(change.rule)])
        breaches = [change for change in found if change.is_breach]
        if breaches or now - self._failures.noted_at >= NOTED_EVERY:
            self._failures.note(now, snapshot.failures())
        for change in breaches:
            begin = change.reading.at - max(change.reading.seconds, NOTED_EVERY)
            of_rule = self._failing[self._order[id(change.rule)]]
            if change.entry not in of_rule:  # else it is not the first
                failing = self._failures.since(begin, change.rule.check, change.entry)
                of_rule[change.entry] = failing
        return found


class _Feed:
    """Feeds the benches that an entry concerns."""

    __slots__ = ("_benches", "_odometer")

    def __init__(self, benches: Sequence[Bench]) -> None:
        self._benches = benches
        self._odometer = Odometer()

    def take_in(self, counts: Counts, until: float) -> None:
        added = self._odometer.advance(counts)
        if added is not NOTHING:
            for bench in self._benches:
                bench.add(added, until)


def _outstanding(judges: Sequence[Judge], go_on: Callable[[], bool]) -> Sequence[Judge]:
    """The judges of a rule who matter most, in their order: those whose check is broken, then those
    who had data."""
    if len(judges) <= LISTED:
        return judges
    ranks = []
    for number, judge in enumerate(judges):
        ranks.append((urgency(judge), number))
        if number % PIECE == PIECE - 1:
            go_on()
    return [judges[number] for number in sorted(number for _, number in nsmallest(LISTED, ranks))]


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
