"""Snapshots of a run that is written down as series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import chain, islice, repeat

from guard.engine.counts import Counts
from guard.engine.snapshot import EntryKey, Snapshot, Vitals
from guard.rule import matches
from guard.scenario import Scenario, Traffic
from guard.sources.rounding import rounded


def snapshots(scenario: Scenario, failures: Collection[str]) -> Iterator[tuple[float, Snapshot]]:
    """What a guard would read at the end of each second.

    The counts of a second are an epoch of their own, so that nothing has to be added up here.

    Args:
        scenario: The run.
        failures: The patterns of failure texts that rules tell apart.
    """
    flows = [_flow(traffic, failures) for traffic in scenario.traffic]
    answers = 0
    failed = Counter[tuple[EntryKey, str]]()
    vitals = islice(_vitals(scenario), scenario.seconds)
    for second, state in enumerate(vitals, start=1):
        entries: dict[EntryKey, list[Counts]] = {}
        for traffic, flow in zip(scenario.traffic, flows, strict=True):
            key, counts = (traffic.method, traffic.name), next(flow)
            entries.setdefault(key, []).append(counts)
            if counts.failures:
                failed[key, traffic.failure] += counts.failures
        total = _sum(list(chain.from_iterable(entries.values())), second)
        answers += total.requests
        ramped_up = scenario.ramp_up is not None and scenario.ramp_up <= second
        yield (
            float(second),
            Snapshot(
                total=total,
                entries={key: _sum(counts, second) for key, counts in entries.items()},
                vitals=state,
                answers=answers,
                ramped_up_at=scenario.ramp_up if ramped_up else None,
                failures=failed.copy,
            ),
        )


def _flow(traffic: Traffic, failures: Collection[str]) -> Iterator[Counts]:
    """What is counted in each second."""
    nothing: Iterator[None] = repeat(None)
    times = traffic.response_time.held() if traffic.response_time else nothing
    sizes = traffic.content_length.held() if traffic.content_length else nothing
    failed = chain(traffic.failures.counts() if traffic.failures else (), repeat(0))
    like = [pattern for pattern in failures if matches(pattern, traffic.failure)]
    for count, took, size, bad in zip(traffic.rps.counts(), times, sizes, failed, strict=False):
        timed = count and took is not None
        yield Counts(
            requests=count,
            failures=bad,
            response_time=count * (took or 0.0),
            response_times={rounded(took): count} if timed and took is not None else {},
            fastest=took if timed else None,
            slowest=took if timed else None,
            content_length=count * (size or 0.0),
            failures_like=dict.fromkeys(like, bad) if bad else {},
        )
    yield from repeat(Counts())


def _sum(all_counts: Collection[Counts], epoch: int) -> Counts:
    times: Counter[int] = Counter()
    failures_like: Counter[str] = Counter()
    for counts in all_counts:
        times.update(counts.response_times)
        failures_like.update(counts.failures_like)
    return Counts(
        requests=sum(counts.requests for counts in all_counts),
        failures=sum(counts.failures for counts in all_counts),
        response_time=sum(counts.response_time for counts in all_counts),
        response_times=dict(times),
        fastest=min((c.fastest for c in all_counts if c.fastest is not None), default=None),
        slowest=max((c.slowest for c in all_counts if c.slowest is not None), default=None),
        content_length=sum(counts.content_length for counts in all_counts),
        failures_like=dict(failures_like),
        epoch=epoch,
    )


def _vitals(scenario: Scenario) -> Iterator[Vitals]:
    """How the run is in each second, for ever."""
    given = scenario.vitals
    workers, lost = (
        given[name].held() if name in given else repeat(usual)
        for name, usual in (("workers", 1.0), ("lost_workers", 0.0))
    )
    nothing: Iterator[None] = repeat(None)
    users, cpu, memory = (
        given[name].held() if name in given else nothing for name in ("users", "cpu", "memory")
    )
    raised = chain(given["exceptions"].counts() if "exceptions" in given else (), repeat(0))
    exceptions = 0
    for user, worker, gone, busy, large, new in zip(
        users, workers, lost, cpu, memory, raised, strict=False
    ):
        exceptions += new
        yield Vitals(
            users=int(user or 0) if "users" in given else None,
            workers=int(worker or 0),
            lost_workers=int(gone or 0),
            cpu=busy,
            memory=large,
            exceptions=exceptions,
        )
