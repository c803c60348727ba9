"""The evidence behind ``surely``: the statistic, beside its definition, and what is bad."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.engine.alternatives import ALTERNATIVES, NEAREST, alternatives, divergence
from guard.engine.counts import Counts
from guard.engine.evidence import CREDIT, Evidence, Watched
from guard.engine.share import bad_of, limit
from guard.language.grammar import parse

MONTH = 30 * 86_400.0


def check_of(text):
    check, _, complaints = parse(text)
    assert not complaints
    return check


def weighed(text, batches, seconds=MONTH, watched=None, step=1.0):
    """The evidence after batches of requests and failures, one a second."""
    found = Evidence(check_of(text), seconds, watched or Watched())
    found.arm(0.0)
    for number, (requests, failures) in enumerate(batches, start=1):
        found.add(Counts(requests=requests, failures=failures), 0)
        found.weigh(number * step)
    return found


def by_definition(p0, batches, seconds, step=1.0):
    """Share of the evidence by the sum over all moments at which the change may have come.

    R = sum over s of d_s * product of the likelihood ratios of all batches from the s-th on, and
    of that the mean over the alternatives; batches without requests lengthen the next one's d. It
    counts where more were bad than may be, from some batch on.
    """
    intervals, waited = [], 0.0
    for requests, failures in batches:
        waited += step
        if requests:
            intervals.append((min(waited, CREDIT), requests, failures))
            waited = 0.0
    tails = [intervals[begin:] for begin in range(len(intervals))]
    statistics = [
        sum(
            tail[0][0] * math.exp(sum(k * of_bad + (n - k) * of_good for _, n, k in tail))
            for tail in tails
        )
        for of_bad, of_good in alternatives(float(p0))
    ]
    mean = sum(statistics) / len(statistics)
    too_many = any(sum(k - n * p0 for _, n, k in tail) > 0 for tail in tails)
    return min(math.log(mean) / math.log(seconds), 1.0) if too_many and mean > 1 else 0.0


BATCHES = st.lists(
    st.integers(0, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n // 20))),
    min_size=1,
    max_size=30,
)


@given(BATCHES, st.sampled_from([1, 3]))
@example([(49, 1), (0, 0), (1, 0)], 3)
@settings(deadline=None)
def test_the_statistic_is_the_sum_over_all_beginnings(batches, step):
    """As long as it has not come so far that it is held there."""
    shares = [weighed("fail_ratio < 2%", batches[:n], step=step).share
              for n in range(1, len(batches) + 1)]  # fmt: skip
    if max(shares) < 1:
        expected = by_definition(Fraction(1, 50), batches, MONTH, step)
        assert shares[-1] == pytest.approx(expected, abs=1e-9)


def test_evidence_worked_out_by_hand():
    """One batch of ten requests, all bad, against 50%, at one second: with odds from 1.25 on.

    For the first alternative, p1 = 5/9, a bad request tells log(10/9). The farthest tells nine
    tenths of log 2 on average, which is p1 = 0.987.
    """
    scores = alternatives(0.5)
    assert scores[0][0] == pytest.approx(math.log(10 / 9), abs=1e-6)
    assert math.exp(scores[-1][0]) / 2 == pytest.approx(0.9870, abs=1e-3)
    mean = sum(math.exp(10 * of_bad) for of_bad, _ in scores) / len(scores)
    found = weighed("fail_ratio < 50%", [(10, 10)])
    assert found.share == pytest.approx(math.log(mean) / math.log(MONTH))


@given(st.floats(1e-13, 0.999))
@example(1e-13)
def test_the_alternatives_lie_evenly_between_the_limit_and_all(p0):
    """Each tells more than the one before by the same factor, and none is beyond 100%."""
    found = [p0 * math.exp(of_bad) for of_bad, _ in alternatives(p0)]
    assert len(found) == ALTERNATIVES
    assert p0 < found[0]
    assert found[-1] < 1
    assert found[0] == pytest.approx(NEAREST * p0 / (1 - p0 + NEAREST * p0), rel=1e-6, abs=0)
    for p1, (_, of_good) in zip(found, alternatives(p0), strict=True):
        assert of_good == pytest.approx(math.log1p(-p1) - math.log1p(-p0), rel=1e-6, abs=0)
    tells = [divergence(p1, p0) for p1 in found]
    factors = [b / a for a, b in pairwise(tells)]
    assert max(factors) == pytest.approx(min(factors), rel=1e-3)


@given(st.floats(0.001, 0.999), st.integers(1, 400))
def test_a_healthy_batch_tells_nothing_on_average(p0, n):
    """The mean of each likelihood ratio is 1 exactly at the limit, which the promise rests on."""
    for of_bad, of_good in alternatives(p0):
        mean = sum(
            math.exp(
                math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
                + k * (math.log(p0) + of_bad) + (n - k) * (math.log1p(-p0) + of_good)
            )
            for k in range(n + 1)
        )  # fmt: skip
        assert mean == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "p0", "bad"),
    [
        ("fail_ratio < 2%", 0.02, 3),
        ("fail_ratio <= 2%", 0.02, 3),
        ("fail_ratio > 20%", 0.8, 7),
        ("fail_ratio >= 20%", 0.8, 7),
        ('fail_ratio("*503*") < 2%', 0.02, 2),
        ('fail_ratio("*503*") > 2%', 0.98, 8),
        ('fail_ratio("*404*") < 2%', 0.02, 0),
        ("p95 < 500ms", 0.05, 5),
        ("p95 <= 500ms", 0.05, 4),
        ("p95 > 500ms", 0.95, 4),
        ("p95 >= 500ms", 0.95, 3),
        ("p95 < 499.5ms", 0.05, 5),
        ("p95 <= 499.5ms", 0.05, 5),
        ("p95 > 500.5ms", 0.95, 4),
        ("p95 >= 500.5ms", 0.95, 4),
        ("p99.9 < 500ms", 0.001, 5),
        ("median < 500ms", 0.5, 5),
        ("p100 < 500ms", 0.0, 5),
    ],
)
def test_what_is_bad(text, p0, bad):
    """Ten requests of which one has no response time: 3 took 400, 1 500 and 4 600 ms, one 90 s."""
    part = Counts(
        requests=10,
        failures=3,
        response_times={400: 3, 500: 1, 600: 4 - 1, 90_000: 1},
        failures_like={"*503*": 2},
    )
    check = check_of(text)
    assert limit(check) == pytest.approx(p0)
    timed = not text.startswith("fail_ratio")
    assert bad_of(check)(part, part.timed) == (8 if timed else 10, bad)


@pytest.mark.parametrize("text", ["avg < 1s", "max < 1s", "rps > 5", "cpu < 90%", "p95 == 1s"])
def test_what_no_request_speaks_for(text):
    assert limit(check_of(text)) is None


def test_nothing_is_weighed_without_requests():
    found = weighed("fail_ratio < 2%", [(0, 0)] * 5)
    assert not found.weigh(6.0)
    assert (found.requests, found.share) == (0, 0.0)


@pytest.mark.parametrize("text", ["fail_ratio < 99.99999999999998%", "fail_ratio > 0%"])
def test_a_limit_beyond_which_there_is_no_number(text):
    assert weighed(text, [(100, 100), (100, 0)]).share == 0


def test_a_failure_may_be_counted_before_its_request():
    together = weighed("fail_ratio < 1%", [(10, 0), (10, 5)])
    apart = weighed("fail_ratio < 1%", [(10, 0), (0, 3), (10, 2)])
    assert apart.share > 0.9 * together.share > 0.4


def test_time_without_requests_is_not_the_suspects():
    """They begin with the evaluation before them."""
    found = weighed("fail_ratio < 1%", [(10, 0), *[(0, 0)] * 600, (3, 3)])
    assert (found.suspects().begin, found.suspects().until) == (601, 602)


def test_one_bad_request_is_no_proof():
    """Not even after an hour without any, of which ten seconds count."""
    found = Evidence(check_of("fail_ratio < 1%"), MONTH, Watched())
    found.arm(0.0)
    found.add(Counts(requests=1, failures=1), 0)
    assert found.weigh(3600.0)
    assert found.share < 0.5


@pytest.mark.parametrize("seconds", [60.0, MONTH])
def test_mere_time_is_no_evidence(seconds):
    """Hours with a good request now and then let the statistic grow to a minute and beyond."""
    found = weighed("fail_ratio < 0.1%", [(1, 0)] * 5000, seconds=seconds, step=10.0)
    assert max(found._statistics) >= min(seconds, 20_000)
    assert (found.share, found.peak) == (0.0, 0.0)


def test_one_bad_request_is_proof_against_a_limit_of_none():
    assert weighed("fail_ratio <= 0%", [(1000, 0)] * 100).share == 0
    assert weighed("fail_ratio <= 0%", [(1000, 0), (1000, 1)]).share == 1
    assert weighed("fail_ratio <= 0%", [(1000, 1)] + [(1000, 0)] * 100).share == 1
    thousand = Watched()
    thousand.number = 1000
    assert weighed("fail_ratio <= 0%", [(10**9, 1)], watched=thousand).share == 1


def test_nothing_is_proof_against_a_limit_of_all():
    assert weighed("fail_ratio < 100%", [(1000, 1000)] * 100).share == 0


def test_all_bad_is_proof_soon():
    """15 nats at 4.6 a request at most."""
    assert weighed("fail_ratio < 1%", [(5, 5)]).share == 1
    assert weighed("fail_ratio < 1%", [(3, 3)]).share < 1


@pytest.mark.parametrize(
    ("second", "is_proof"),
    [((5, 5), True), ((5, 4), False), ((100, 12), True), ((100, 11), False)],
)
def test_how_large_a_burst_is_proof(second, is_proof):
    """The documentation names these numbers, after ten minutes without a failure."""
    found = weighed("fail_ratio < 1%", [(second[0], 0)] * 600 + [second])
    assert (found.share == 1) == is_proof


@pytest.mark.parametrize("bad", [0, 10**7, 10**9])
def test_counts_of_billions(bad):
    found = weighed("fail_ratio < 1%", [(10**9, bad)] * 3)
    assert found.share == (1 if bad > 10**7 else 0)


COUNTS = st.integers(0, 10**9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(st.lists(COUNTS, min_size=1, max_size=20), st.floats(1e-12, 1 - 1e-12), st.integers(1, 5000))
def test_it_stays_a_share_whatever_comes(batches, p0, number):
    """And no statistic is lost to a number that is none, or beyond the proof."""
    watched = Watched()
    watched.number = number - 1
    found = weighed(f"fail_ratio < {p0:.13f}", batches, watched=watched)
    assert 0 <= found.share <= found.peak <= 1
    assert all(math.isfinite(statistic) for statistic in found._statistics)
    assert sum(found._statistics) <= MONTH * number * len(found._statistics)


def false_breach(chance, rate, p0, seconds, *, entries, lump, limit):
    """When the first of some entries is taken for sick, of which each has its chance to fail at the
    limit, and the last one appears after a minute. No later than ``limit``."""
    watched, found, now = Watched(), [], 0
    while now < limit and not any(one.share >= 1 for one in found):
        now += lump
        while len(found) < entries - (now <= 60 and entries > 1):
            found.append(Evidence(check_of(f"fail_ratio < {p0}"), seconds, watched))
            found[-1].arm(now - lump)
        for one in found:
            bad = sum(chance.random() < p0 for _ in range(rate * lump))
            one.add(Counts(requests=rate * lump, failures=bad), 0)
            one.weigh(now)
    return now


@pytest.mark.parametrize(
    ("rate", "p0", "entries", "lump"),
    [
        pytest.param(1, 0.1, 1, 1, id="a request a second"),
        pytest.param(20, 0.01, 1, 1, id="twenty of which few may be bad"),
        pytest.param(20, 0.5, 1, 1, id="twenty of which half may be"),
        pytest.param(3, 0.05, 5, 1, id="five entries, one of them late"),
        pytest.param(5, 0.05, 1, 3, id="lumps of three seconds"),
    ],
)
def test_the_mean_time_to_a_false_breach_is_what_was_promised(rate, p0, entries, lump):
    """At the limit itself, with 99.9% confidence; the promise is two minutes, to see it in time."""
    promised, runs = 120.0, 100
    chance = random.Random(f"{rate} {p0} {entries} {lump}")  # noqa: S311 - nothing is secret here
    times = [
        false_breach(chance, rate, p0, promised, entries=entries, lump=lump, limit=2000)
        for _ in range(runs)
    ]
    mean = sum(times) / runs
    error = math.sqrt(sum((time - mean) ** 2 for time in times) / (runs - 1) / runs)
    assert mean + 3.1 * error >= promised
    assert sum(time <= promised / 4 for time in times) <= runs / 4


def test_it_does_not_drift_in_a_day():
    """It forgets: what the last ten minutes tell is the same after any time before."""
    batches = [(20, int(second % 9 == 0)) for second in range(600)]
    long = weighed("fail_ratio < 1%", [(20, 0)] * 86_400 + batches)
    short = weighed("fail_ratio < 1%", [(20, 0)] * 600 + batches)
    assert long.share == short.share


def test_it_falls_again_after_a_long_outage():
    """No statistic stays beyond the proof."""
    outage = [(100, 100)] * 3600
    assert weighed("fail_ratio < 1%", outage).share == 1
    assert weighed("fail_ratio < 1%", outage + [(100, 0)] * 60).share < 0.25


def test_the_promise_is_divided_between_all_that_is_watched():
    """The same requests tell the less of a proof the more is watched, by log(K)."""
    alone, watched = Watched(), Watched()
    watched.number = 99
    batches = [(100, 5), (100, 6)]
    a = weighed("fail_ratio < 1%", batches, watched=alone)
    b = weighed("fail_ratio < 1%", batches, watched=watched)
    assert watched.number == 100
    assert a.share * math.log(MONTH) == pytest.approx(b.share * math.log(100 * MONTH))


def test_an_entry_that_comes_late_takes_its_share():
    """What the first one has gathered is less of a proof from the next second on, by log(2)."""
    watched, batches = Watched(), [(100, 5), (100, 4)]
    first = weighed("fail_ratio < 1%", batches, watched=watched)
    gathered = first.share * math.log(MONTH)
    late = Evidence(check_of("fail_ratio < 1%"), MONTH, watched)
    late.arm(2.0)
    late.add(Counts(requests=100, failures=5), 0)
    late.weigh(3.0)
    assert late.share * math.log(2 * MONTH) == pytest.approx(
        weighed("fail_ratio < 1%", batches[:1]).share * math.log(MONTH)
    )
    first.add(Counts(requests=100, failures=4), 0)
    first.weigh(3.0)
    alone = weighed("fail_ratio < 1%", [*batches, (100, 4)])
    assert first.share * math.log(2 * MONTH) == pytest.approx(alone.share * math.log(MONTH))
    assert alone.share * math.log(MONTH) > gathered


def test_each_rule_has_a_time_of_its_own():
    """An hour takes less than 30 days, by log(720)."""
    watched = Watched()
    watched.number = 1
    hour = weighed("fail_ratio < 1%", [(100, 5)], seconds=3600.0, watched=watched)
    month = weighed("fail_ratio < 1%", [(100, 5)], watched=watched)
    assert hour.share * math.log(2 * 3600.0) == pytest.approx(month.share * math.log(3 * MONTH))


def test_the_suspects_begin_where_more_were_bad_than_may_be():
    """Five good seconds, then 3, 1 and 4 bad ones of a hundred each where one may be."""
    batches = [(100, 0)] * 5 + [(100, 3), (100, 1), (100, 4)]
    suspects = weighed("fail_ratio < 1%", batches).suspects()
    assert (suspects.requests, suspects.failures) == (300, 8)
    assert (suspects.begin, suspects.until) == (5.0, 8.0)


def test_suspects_of_a_long_time_are_all_there():
    """One bad request too many, and then as many as may be."""
    suspects = weighed("fail_ratio < 1%", [(100, 2)] + [(100, 1)] * 999).suspects()
    assert (suspects.requests, suspects.failures, suspects.seconds) == (100_000, 1001, 1000.0)


def test_suspects_begin_anew_when_something_is_proven():
    """What comes then tells how it goes on, and an outage of an hour is not held against it."""
    batches = [(100, 100)] * 3600 + [(100, 0)] * 20
    suspects = weighed("fail_ratio < 1%", batches).suspects()
    assert (suspects.begin, suspects.requests, suspects.failures) == (3600.0, 2000, 0)
    batches += [(100, 0)] * 600 + [(100, 6)]
    again = weighed("fail_ratio < 1%", batches)
    assert 0.2 < again.share < 1
    assert (again.suspects().begin, again.suspects().requests) == (4220.0, 100)
