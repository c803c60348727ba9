"""Who judges what: the judges of all rules, on the benches that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from guard.engine import metrics
from guard.engine.bench import Bench, RunBench
from guard.engine.evidence import Evidence, Watched
from guard.engine.gauge import Gauge
from guard.engine.judge import Judge
from guard.engine.metrics import Metric, RunMetric
from guard.engine.snapshot import EntryKey, Snapshot, Vitals, label
from guard.engine.window import JITTER
from guard.rule import Rule, Selection, Start

Subject = Selection | EntryKey | None
"""What a window is on: the sum of a selection, an entry on its own, or the aggregate."""


class Seating:
    """Seats a judge for every rule, and for a rule with ``each`` one for every entry that appears
    and matches. Judges of the same requests in the same window share a bench.

    Attributes:
        benches: Those on requests.
        run_benches: Those on the run, by when they are armed.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.benches: list[Bench] = []
        self.run_benches: dict[Start, RunBench] = {}
        self._rules = [(rule, _metric(rule)) for rule in rules]
        self._judges: list[list[Judge]] = [[] for _ in rules]
        # Who stands for a rule with ``each`` as long as no entry has appeared.
        self._deputies: dict[int, Judge] = {}
        self._on: dict[Subject, dict[tuple[float | None, Start], Bench]] = defaultdict(dict)
        self._armed = {Start(): 0.0}  # and up to when all was counted then
        self._watched = Watched()
        self._waiting = {rule.after for rule in rules} - {Start()}
        self._seen = {rule.check.selection: False for rule in rules if rule.check.selection}
        for index in range(len(rules)):
            self._seat_first(index)

    def _seat_first(self, index: int) -> None:
        rule, metric = self._rules[index]
        selection = rule.check.selection
        if isinstance(metric, RunMetric):
            run_bench = self.run_benches.setdefault(rule.after, RunBench())
            self._judges[index].append(run_bench.seat(rule, metric))
            if rule.after in self._armed:
                run_bench.arm(Vitals(), 0.0)
        elif rule.check.each and selection:
            deputy = Judge(rule, Gauge(metric, rule), f"each {selection.label}")
            self._deputies[index] = deputy
            if rule.after in self._armed:
                deputy.arm()
        else:
            self._seat(index, selection, selection.label if selection else None, 0.0)

    def _seat(self, index: int, subject: Subject, entry: str | None, since: float) -> None:
        rule, metric = self._rules[index]
        assert isinstance(metric, Metric)
        on_subject = self._on[subject]
        bench = on_subject.get((rule.over, rule.after))
        if bench is None:
            bench = on_subject[rule.over, rule.after] = Bench(rule.over)
            self.benches.append(bench)
            if rule.after in self._armed:
                bench.arm(max(since, self._armed[rule.after]))
        evidence = Evidence(rule.check, rule.surely, self._watched) if rule.surely else None
        self._judges[index].append(bench.seat(rule, metric, entry, evidence))

    def judges_of(self, index: int) -> Sequence[Judge]:
        """The judges of that rule: one, or with ``each`` one an entry that has appeared."""
        return self._judges[index] or [self._deputies[index]]

    @property
    def selections(self) -> frozenset[Selection]:
        """The entries that some rule is about."""
        return frozenset(self._seen)

    @property
    def unmatched(self) -> list[Selection]:
        """Those of which no entry has appeared yet."""
        return [selection for selection, seen in self._seen.items() if not seen]

    def on_total(self) -> list[Bench]:
        """The benches on the aggregate."""
        return list(self._on[None].values())

    def on_entry(self, key: EntryKey, since: float) -> list[Bench]:
        """The benches that a new entry concerns, which had no request before ``since``."""
        matching = {selection for selection in self._seen if selection.matches(*key)}
        self._seen.update(dict.fromkeys(matching, True))
        for index, (rule, _) in enumerate(self._rules):
            if rule.check.each and rule.check.selection in matching:
                self._seat(index, key, label(key), since)
        subjects = [subject for subject in (key, *matching) if subject in self._on]
        return [bench for subject in subjects for bench in self._on[subject].values()]

    def arm(self, snapshot: Snapshot, until: float, now: float) -> None:
        """Arm those whose time has come: on requests at ``until``, up to which they are counted, on
        the run at ``now``."""
        for start in [s for s in self._waiting if _is_due(s, snapshot, until - snapshot.lag)]:
            self._waiting.remove(start)
            self._armed[start] = until
            for on_subject in self._on.values():
                for (_, after), bench in on_subject.items():
                    if after == start:
                        bench.arm(until)
            for deputy in self._deputies.values():
                if deputy.rule.after == start:
                    deputy.arm()
        for start, run_bench in self.run_benches.items():
            if not run_bench.is_armed and _is_due(start, snapshot, now):
                run_bench.arm(snapshot.vitals, now)


def _metric(rule: Rule) -> Metric | RunMetric:
    metric = metrics.find(rule.check.metric)
    if metric is None:
        raise ValueError(f"unknown metric {rule.check.metric!r}")
    return metric


def _is_due(start: Start, snapshot: Snapshot, moment: float) -> bool:
    begin = snapshot.ramped_up_at if start.ramp_up else 0.0
    return begin is not None and moment >= begin + start.delay - JITTER
