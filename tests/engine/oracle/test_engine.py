"""The engine against the oracle: random rules on random runs, compared at every tick.

Set ``GUARD_ORACLE_EXAMPLES`` to try more runs than usual.
"""

from __future__ import annotations

import os
from itertools import accumulate
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.engine import metrics
from guard.engine.counts import Counts
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.rule import Action, Basis, Check, Comparison, Outcome, Rule, Selection, Start, matches

EXAMPLES = int(os.environ.get("GUARD_ORACLE_EXAMPLES", "400"))

ENTRIES = [("GET", "/a"), ("POST", "/a"), ("GET", "/b"), ("GET", "/b/c")]
PHANTOM = ("GET", "/phantom")
"""A row without a request, as indexing Locust's statistics leaves it."""
SELECTIONS = [
    Selection("/a"),
    Selection("/a", "GET"),
    Selection("*"),
    Selection("/b*"),
    Selection("*c"),
    Selection("/nowhere"),
]
PATTERNS = ["*503*", "503", "*"]
TEXTS = [None, None, "503", "HTTPError(503)", "timeout"]
TIMES = [None, 50, 100, 150, 400]

THRESHOLDS = {
    "fail_ratio": [0.0, 0.25, 0.5, 1.0],
    "failures": [0.0, 1.0, 4.0],
    "fail_per_sec": [0.5, 1.0, 2.0],
    "requests": [0.0, 1.0, 3.0, 10.0],
    "rps": [1.0, 2.0, 5.0],
    "content_length": [10.0, 100.0, 300.0],
    "users": [0.0, 5.0],
    "workers": [2.0],
    "lost_workers": [1.0],
    "cpu": [0.5, 0.9],
    "memory": [1e6],
    "exceptions": [0.0, 1.0, 3.0],
    "silence": [1.0, 3.0],
    **{p: [100.0, 200.0] for p in ("avg", "median", "min", "max", "p0", "p50", "p90", "p99.9")},
}


class Request(NamedTuple):
    """One request; ``text`` is that of its failure, None for a good one."""

    entry: tuple[str, str]
    ms: int | None
    text: str | None
    size: int


class Tick(NamedTuple):
    """What there is at one tick.

    ``requests`` are those counted with it, up to ``until``; ``answers`` what Locust shows as their
    number; ``exceptions`` those that are new. With ``reset`` all counters begin anew before it.
    """

    now: float
    until: float
    lag: float
    ramped_up_at: float | None
    requests: list[Request]
    answers: int
    reset: bool
    settled: bool
    only_changed: bool
    users: int
    workers: int
    lost_workers: int
    cpu: float | None
    memory: float | None
    exceptions: int


@st.composite
def rules(draw, of_metrics: list[str]) -> Rule:
    """Any rule on one of those metrics that can be written."""
    metric = metrics.find(draw(st.sampled_from(of_metrics)))
    on_run = metric.basis is Basis.RUN
    selection = None if on_run else draw(st.sampled_from([None, *SELECTIONS]))
    check = Check(
        metric=metric.name,
        unit=metric.unit,
        comparison=draw(st.sampled_from(Comparison)),
        threshold=draw(st.sampled_from(THRESHOLDS[metric.name])),
        selection=selection,
        each=selection is not None and draw(st.booleans()),
        failure=draw(st.sampled_from([None, *PATTERNS])) if metric.of_failures else None,
        basis=metric.basis,
    )
    return Rule(
        name=str(check),
        check=check,
        over=None if on_run else draw(st.sampled_from([None, 0.5, 1.0, 2.0, 3.0, 5.0])),
        hold=draw(st.sampled_from([0.0, 0.0, 1.0, 2.0, 3.5])),
        after=draw(
            st.sampled_from(
                [Start(), Start(), Start(1.0), Start(3.0), Start(0.0, True), Start(2.0, True)]
            )
        ),
        min_requests=check.fewest if on_run else draw(st.sampled_from([check.fewest] * 2 + [4])),
        no_data=draw(st.sampled_from([o for o in Outcome if o is not Outcome.ERROR])),
        action=draw(st.sampled_from(Action)),
    )


# Rules on the same metric share what they measure, or must not, so a run has few metrics.
RULES = st.lists(st.sampled_from(sorted(THRESHOLDS)), min_size=1, max_size=3).flatmap(
    lambda of_metrics: st.lists(rules(of_metrics), min_size=1, max_size=6)
)

REQUESTS = st.lists(
    st.tuples(
        st.builds(
            Request,
            st.sampled_from(ENTRIES),
            st.sampled_from(TIMES),
            st.sampled_from(TEXTS),
            st.sampled_from([0, 20, 500]),
        ),
        st.integers(1, 4),
    ),
    max_size=4,
).map(lambda groups: [request for request, count in groups for _ in range(count)])
STEPS = st.sampled_from([1.0, 1.0, 1.0, 1.0, 0.98, 1.02, 0.93, 0.05, 2.0, 3.5])


@st.composite
def runs(draw) -> list[Tick]:
    """A run with its vital signs, standalone or on a master, where counts come in rounds."""
    distributed = draw(st.booleans())
    moments = list(accumulate(draw(st.lists(STEPS, min_size=1, max_size=14))))
    ramp_up = draw(st.sampled_from([None, 0.0, 1.0, 2.5, 4.0]))
    ticks: list[Tick] = []
    waiting: list[Request] = []
    until, answers = 0.0, 0
    for now in moments:
        new = draw(REQUESTS)
        reset = not distributed and draw(st.integers(0, 9)) == 9
        waiting, answers = waiting + new, len(new) + (0 if reset else answers)
        counted = not distributed or draw(st.booleans())
        if counted:
            until = now - 0.02 if distributed else now
        ticks.append(
            Tick(
                now=now,
                until=until,
                lag=1.5 if distributed else 0.0,
                ramped_up_at=ramp_up if ramp_up is not None and now >= ramp_up else None,
                requests=waiting if counted else [],
                answers=answers,
                reset=reset,
                settled=False,
                only_changed=draw(st.booleans()),
                users=draw(st.sampled_from([0, 1, 5, 5, 5])),
                workers=draw(st.sampled_from([1, 2])),
                lost_workers=draw(st.sampled_from([0, 1])),
                cpu=draw(st.sampled_from([None, 0.3, 0.6, 0.95])),
                memory=draw(st.sampled_from([None, 1e5, 1e7])),
                exceptions=draw(st.sampled_from([0, 0, 0, 1])),
            )
        )
        waiting = [] if counted else waiting
    end = ticks[-1].now + draw(st.sampled_from([0.0, 0.3, 1.0, 4.0]))
    # Nobody may ask for the verdict after the load, or somebody once or twice.
    for _ in range(draw(st.integers(1, 3))):
        late = waiting + draw(REQUESTS)
        answers, waiting = answers + len(late), []
        final = ticks[-1]._replace(
            now=end,
            until=end,
            lag=0.0,
            requests=late,
            answers=answers,
            reset=False,
            settled=True,
            only_changed=False,
            exceptions=draw(st.sampled_from([0, 1])),
            users=draw(st.sampled_from([0, 5])),
        )
        ticks.append(final)
    return ticks


class Locust:
    """Shows a run to a guard: cumulative counts, which a reset sets to zero."""

    def __init__(self, patterns: frozenset[str]) -> None:
        self.patterns = patterns
        self.counted: dict[tuple[str, str] | None, list[Request]] = {None: [], PHANTOM: []}
        self.epoch = 0
        self.exceptions = 0

    def snapshot(self, tick: Tick) -> Snapshot:
        if tick.reset:
            self.epoch += 1
            self.counted = {key: [] for key in self.counted}
            # Only a number that went down shows that it began anew.
            self.exceptions *= tick.exceptions >= self.exceptions
        for request in tick.requests:
            self.counted[None].append(request)
            self.counted.setdefault(request.entry, []).append(request)
        self.exceptions += tick.exceptions
        changed = {request.entry for request in tick.requests}
        everything = tick.reset or not tick.only_changed
        return Snapshot(
            total=self.counts(self.counted[None]),
            entries={
                key: self.counts(requests)
                for key, requests in self.counted.items()
                if key is not None and (everything or key in changed)
            },
            vitals=Vitals(
                tick.users,
                tick.workers,
                tick.lost_workers,
                tick.cpu,
                tick.memory,
                self.exceptions,
            ),
            answers=tick.answers,
            counted_until=tick.until,
            lag=tick.lag,
            ramped_up_at=tick.ramped_up_at,
        )

    def counts(self, requests: list[Request]) -> Counts:
        times = [request.ms for request in requests if request.ms is not None]
        texts = [request.text for request in requests if request.text is not None]
        like = {p: sum(matches(p, text) for text in texts) for p in self.patterns}
        return Counts(
            requests=len(requests),
            failures=len(texts),
            response_time=float(sum(times)),
            response_times={ms: times.count(ms) for ms in times},
            fastest=min(times, default=None),
            slowest=max(times, default=None),
            content_length=float(sum(request.size for request in requests)),
            failures_like={pattern: count for pattern, count in like.items() if count},
            epoch=self.epoch,
        )


COLUMNS = (
    *("entry", "state", "outcome", "judged", "value", "requests", "worst"),
    *("pending_at", "breached_at", "recovered_at"),
)


def rows_of(guard: Guard, given_rules: list[Rule]) -> list[list[dict[str, Any]]]:
    """What a verdict says of each rule on each entry."""
    return [
        [
            {column: getattr(result, column) for column in COLUMNS}
            for result in guard.verdict().rules
            if result.rule is rule
        ]
        for rule in given_rules
    ]


def in_short(transitions, given_rules) -> list[tuple[Any, ...]]:
    numbers = {id(rule): number for number, rule in enumerate(given_rules)}
    return [
        (
            change.reading.at,
            numbers[id(change.rule)],
            change.entry or (None if change.rule.on_run else "Aggregated"),
            change.before,
            change.after,
        )
        for change in transitions
    ]


@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(given_rules=RULES, run=runs())
def test_engine_judges_like_the_oracle(oracle, given_rules, run):
    """Every state, moment, value and outcome is the same at every tick and in the end."""
    guard, judge = Guard(given_rules), oracle(given_rules)
    locust = Locust(guard.failures)
    for number, tick in enumerate(run):
        snapshot = locust.snapshot(tick)
        changes, seen = [], len(judge.changes)
        if not tick.settled:
            changes = guard.tick(snapshot, tick.now)
            judge.tick(tick)
        elif number < len(run) - 1:
            guard.settle(snapshot, tick.now)
            judge.settle(tick)
        else:
            changes = guard.finish(snapshot, tick.now)
            judge.finish(tick)
        assert in_short(changes, given_rules) == judge.changes[seen:]
        assert rows_of(guard, given_rules) == judge.rows()
        assert guard.verdict().outcome is judge.outcome()
        assert guard.verdict().stopped_at == judge.stopped_at
