"""Recorded runs of fifteen kinds, replayed from a file and judged by the oracle from what went in.

The oracle is told in whole milliseconds when each request was sent and answered, and never sees the
file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from random import Random
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.playback import play
from guard.rule import Action
from guard.sources.recording.recording import Recording

BEGIN = 1_700_000_000_123
"""When the first request is sent, in milliseconds since 1970."""

RULES = """
rules:
  - fail_ratio < 2%
  - fail_ratio < 10% over 10s for 3s else stop
  - fail_ratio("*503*") < 5% over 5s
  - failures("lost") < 3 for 2s
  - p95 < 500ms over 10s for 5s min_requests 20 else stop
  - p99 of GET /search < 800ms over 5s after ramp-up
  - median of /product/* < 300ms over 10s
  - p90 of each /product/* < 400ms over 10s for 2s else warn
  - avg < 200ms over 5s after 10s
  - max < 2s over 30s
  - min > 10ms
  - rps > 5 over 5s else void
  - rps > 3 after 1s
  - requests of each POST * > 2
  - silence < 6s for 2s
  - fail_per_sec < 2 over 3s no_data fail
"""


class Request(NamedTuple):
    """One request. Times in milliseconds, those of Locust's own rounding; ``sent`` since the start,
    ``ms`` None for one without a response time; ``text`` that of its failure."""

    sent: int
    entry: tuple[str, str]
    ms: int | None
    text: str | None = None
    size: int = 500

    @property
    def ended(self) -> int:
        return self.sent + (self.ms or 0)


SHOP = [("GET", "/search"), ("POST", "/cart"), ("GET", "/product/1"), ("GET", "/product/2")]


def quick(rng: Random) -> int:
    return rng.choice([20, 35, 60, 90, 110, 140, 180, 240])


def slow(rng: Random) -> int:
    return rng.choice([480, 620, 900, 1100, 1500, 2300])


def steady(rng: Random, seconds: int = 40, rps: int = 15) -> Iterator[Request]:
    for number in range(seconds * rps):
        yield Request(number * 1000 // rps, rng.choice(SHOP), quick(rng))


def spikes(rng: Random) -> Iterator[Request]:
    for request in steady(rng):
        is_spike = request.sent % 15_000 < 2000
        yield request._replace(ms=slow(rng)) if is_spike else request


def turns_slow(rng: Random) -> Iterator[Request]:
    for request in steady(rng):
        yield request._replace(ms=slow(rng)) if request.sent > 18_000 else request


def recovers(rng: Random) -> Iterator[Request]:
    for request in steady(rng, 60):
        yield request._replace(ms=slow(rng)) if 12_000 < request.sent < 30_000 else request


def gaps(rng: Random) -> Iterator[Request]:
    for request in steady(rng, 60):
        if not 10_000 < request.sent % 25_000 < 19_500:
            yield request


def bursts(rng: Random) -> Iterator[Request]:
    for second in range(0, 40, 4):
        for _ in range(60):
            yield Request(second * 1000 + rng.randrange(300), rng.choice(SHOP), quick(rng))


def resets(rng: Random) -> Iterator[Request]:
    """A server that restarts: all fail for a second, without a response time."""
    for request in steady(rng):
        is_down = request.sent % 13_000 < 1000
        yield request._replace(ms=None, text="lost", size=0) if is_down else request


def one_name(rng: Random) -> Iterator[Request]:
    for request in steady(rng):
        yield request._replace(entry=("GET", "/search"))


def thousand_names(rng: Random) -> Iterator[Request]:
    for number in range(2000):
        yield Request(number * 12, ("GET", f"/product/{number * 7 % 1000}"), quick(rng))


def none_failing(rng: Random) -> Iterator[Request]:
    yield from steady(rng, 33, 40)


def all_failing(rng: Random) -> Iterator[Request]:
    for request in steady(rng):
        yield request._replace(text=rng.choice(["503 Service Unavailable", "lost"]))


def some_failing(rng: Random) -> Iterator[Request]:
    for request in steady(rng):
        yield request._replace(text="503 Service Unavailable") if rng.random() < 0.06 else request


def hung(rng: Random) -> Iterator[Request]:
    """Nothing is answered any more; after half a minute all waiting requests time out."""
    yield from steady(rng, 20)
    for number in range(10):
        yield Request(20_000 + number * 50, rng.choice(SHOP), 31_000, "timed out", 0)


def rare(rng: Random) -> Iterator[Request]:
    for second in range(0, 50, 3):
        yield Request(second * 1000, rng.choice(SHOP), slow(rng), rng.choice([None, None, "lost"]))


def short(rng: Random) -> Iterator[Request]:
    yield from steady(rng, 3)


KINDS: list[Callable[[Random], Iterator[Request]]] = [
    steady, spikes, turns_slow, recovers, gaps, bursts, resets, one_name, thousand_names,
    none_failing, all_failing, some_failing, hung, rare, short,
]  # fmt: skip


def as_locust(requests, write):
    write(["timestamp", "request_type", "name", "response_time_ms", "response_length",
           "status_code", "exception"])  # fmt: skip
    for sent, (method, name), ms, text, size in requests:
        moment = f"{(BEGIN + sent) / 1000:.3f}"
        write([moment, method, name, "" if ms is None else ms, size, 200, text or ""])


def as_jtl(requests, write):
    write(["timeStamp", "elapsed", "label", "responseCode", "success", "failureMessage", "bytes"])
    for sent, entry, ms, text, size in requests:
        took, is_good = "" if ms is None else ms, str(text is None).lower()
        write([BEGIN + sent, took, " ".join(entry), 200, is_good, text or "", size])


def as_k6(requests, write):
    write(["metric_name", "timestamp", "metric_value", "error", "expected_response", "method",
           "name", "status"])  # fmt: skip
    for request in requests:
        ended, took = BEGIN + request.ended, "" if request.ms is None else request.ms
        is_good = str(request.text is None).lower()
        write(["http_reqs", ended, 1, "", is_good, *request.entry, 200])
        write(["http_req_duration", ended, took, request.text or "", is_good, *request.entry, 200])


def requests_of(kind):
    """Without sizes, of which k6 tells nothing."""
    rng = Random(kind.__name__)  # noqa: S311 - traffic, not a secret
    return [request._replace(size=0) for request in kind(rng)]


FORMATS = {"locust": as_locust, "jtl": as_jtl, "k6": as_k6}


def ticks_of(requests, ramped_up_at):
    """What there is to judge at each second, and in the end."""
    zero = min(request.sent for request in requests)
    last = max(request.ended for request in requests) - zero
    of_second: dict[int, list[Request]] = {}
    for request in sorted(requests, key=lambda request: request.ended):
        second = max(-(-(request.ended - zero) // 1000), 1)
        of_second.setdefault(second, []).append(request)
    answers = 0
    for second in range(1, -(-last // 1000) + 1):
        end = min(second * 1000, last) / 1000
        now = float(second) if end - (second - 1) >= 0.5 else end
        answers += len(of_second.get(second, ()))
        yield SimpleNamespace(
            now=now, until=now, lag=0.0, ramped_up_at=ramped_up_at, answers=answers, users=1,
            requests=of_second.get(second, []), exceptions=0,
        )  # fmt: skip


def judged(oracle, rules, requests, ramped_up_at, past_stop):
    """The oracle after the run, or after the stop."""
    judge, now = oracle(list(rules)), 0.0
    last = None
    for tick in ticks_of(requests, ramped_up_at):
        last, now = tick, tick.now
        if now % 1:
            break
        judge.tick(tick)
        last = SimpleNamespace(**{**vars(tick), "requests": []})
        if judge.stopped_at is not None and not past_stop:
            break
    judge.finish(last)
    return judge, now


def table(results, rules):
    columns = ("entry", "state", "outcome", "judged", "value", "requests", "worst", "pending_at",
               "breached_at", "recovered_at")  # fmt: skip
    found = [
        [{column: getattr(r, column) for column in columns} for r in results if r.rule is rule]
        for rule in rules
    ]
    # Entries of one rule come in the order of their first answer, which a second leaves open.
    return [sorted(rows, key=lambda row: row["entry"] or "") for rows in found]


def replayed(file, rules, past_stop):
    """What became of the rules, and how many requests there were."""
    recording = Recording([str(file)])
    survey, needs = recording.survey(), Guard(rules)
    snapshots = recording.snapshots(survey, needs.selections, needs.failures, ramped_up_at=8.0)
    return play(rules, snapshots, past_stop=past_stop), survey.requests


@pytest.mark.parametrize("past_stop", [False, True], ids=["to-the-stop", "beyond-it"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_recording_is_judged_as_the_run_was(oracle, tmp_path, kind, past_stop):
    """In every format, and with its rows in any order."""
    requests = requests_of(kind)
    rules = parse_rules(RULES.encode(), "rules.yaml")
    if kind is thousand_names:  # the oracle takes its time
        rules = tuple(rule for rule in rules if not rule.check.each)
    judge, ended = judged(oracle, rules, requests, 8.0, past_stop)
    rows = [sorted(of, key=lambda row: row["entry"] or "") for of in judge.rows()]
    shuffled = sorted(requests, key=lambda request: hash((request.sent, request.ms)))
    for form, write in FORMATS.items():
        file = tmp_path / form
        with file.open("w", newline="") as out:
            write(shuffled, csv.writer(out).writerow)
        story, count = replayed(file, rules, past_stop)
        assert count == len(requests)
        assert table(story.verdict.rules, rules) == rows, form
        assert story.verdict.outcome is judge.outcome()
        assert story.verdict.stopped_at == judge.stopped_at
        assert story.verdict.duration == ended
        assert all(result.users_at_breach is None for result in story.verdict.rules)


def test_the_kinds_end_in_every_way(oracle):
    """So that the comparison shows something."""
    rules = parse_rules(RULES.encode(), "rules.yaml")
    assert len(KINDS) == 15
    ends = {}
    for kind in KINDS:
        if kind is not thousand_names:
            judge, _ = judged(oracle, rules, requests_of(kind), 8.0, True)
            ends[kind.__name__] = (judge.outcome().value, judge.stopped_at)
    assert {outcome for outcome, _ in ends.values()} == {"fail", "inconclusive", "pass"}, ends
    assert any(stopped is None for _, stopped in ends.values())
    assert len({stopped for _, stopped in ends.values()}) >= 4, ends
    assert any(rule.action is Action.STOP for rule in rules)
