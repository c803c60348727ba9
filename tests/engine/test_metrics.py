"""The metrics by hand, and against Locust's own numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.engine import metrics
from guard.engine.counts import Counts
from guard.rule import Basis, Unit

SERIES = [(10, 0, 100), (30, 3, 200), (10, 0, {100: 9, 900: 1}), (50, 1, 300)]


# All four seconds, sorted: 19 of 100 ms (10 + 9), 30 of 200, 50 of 300, 1 of 900.
# The last two, sorted: 9 of 100 ms, 50 of 300, 1 of 900.
@pytest.mark.parametrize(
    ("metric", "whole_run", "last_two_seconds"),
    [
        pytest.param("requests", 100, 60, id="requests"),
        pytest.param("failures", 4, 1, id="failures"),
        pytest.param("fail_ratio", 0.04, 1 / 60, id="fail_ratio"),
        pytest.param("rps", 25, 30, id="rps: 100 in 4 s, 60 in 2 s"),
        pytest.param("fail_per_sec", 1, 0.5, id="fail_per_sec: 4 in 4 s, 1 in 2 s"),
        pytest.param("avg", 238, 280, id="avg: 23800 ms / 100, 16800 ms / 60"),
        pytest.param("median", 300, 300, id="median: ranks 50 and 30, from zero"),
        pytest.param("min", 100, 100, id="min"),
        pytest.param("max", 900, 900, id="max"),
        pytest.param("p0", 100, 100, id="p0 is the fastest"),
        pytest.param("p48", 200, 300, id="p48: ranks 48 and 28"),
        pytest.param("p49", 300, 300, id="p49: ranks 49 and 29"),
        pytest.param("p14", 100, 100, id="p14: ranks 14 and 8"),
        pytest.param("p15", 100, 300, id="p15: ranks 15 and 9"),
        pytest.param("p98", 300, 300, id="p98: ranks 98 and 58"),
        pytest.param("p99", 900, 900, id="p99: ranks 99 and 59"),
        pytest.param("p99.9", 900, 900, id="p99.9: ranks 99 and 59"),
        pytest.param("p100", 900, 900, id="p100 is the slowest"),
    ],
)
def test_value(drive, metric, whole_run, last_two_seconds):
    """A metric is of the requests in the window, and rates are over the window's seconds."""
    checks = [f"{metric} >= 0", f"{metric} >= 0 over 2s", f"{metric} >= 0 for 1s after 2s"]
    run = drive(checks, SERIES).finish()
    values = [result.value for result in run.verdict.rules]
    assert values == pytest.approx([whole_run, last_two_seconds, last_two_seconds])
    assert [result.requests for result in run.verdict.rules] == [100, 60, 60]


@pytest.mark.parametrize(
    ("metric", "first", "second"),
    [("min", 300, 200), ("max", 900, 400), ("median", 300, 400)],
)
def test_extremes_are_of_the_window_not_of_the_run(drive, metric, first, second):
    """Locust keeps extremes of the whole run only; a window's own come from its histogram."""
    rule = f"{metric} >= 0 over 1s"
    assert drive(rule, [(8, 0, {300: 5, 900: 3})]).result.value == first
    both = [(8, 0, {300: 5, 900: 3}), (3, 0, {200: 1, 400: 2})]
    assert drive(rule, both).result.value == second


NO_REQUESTS = Counts()
UNTIMED = Counts(requests=3, failures=1)


@pytest.mark.parametrize(
    ("metric", "counts", "seconds", "value"),
    [
        ("requests", NO_REQUESTS, 1.0, 0),
        ("failures", NO_REQUESTS, 1.0, 0),
        ("fail_ratio", NO_REQUESTS, 1.0, None),
        ("rps", NO_REQUESTS, 1.0, 0),
        ("rps", NO_REQUESTS, 0.0, None),
        ("rps", UNTIMED, 0.0, None),
        ("fail_per_sec", UNTIMED, 0.0, None),
        *((name, NO_REQUESTS, 1.0, None) for name in ("avg", "median", "min", "max", "p0", "p95")),
        *((name, UNTIMED, 1.0, None) for name in ("avg", "median", "min", "max", "p0", "p95")),
        ("fail_ratio", UNTIMED, 1.0, 1 / 3),
    ],
)
def test_trap_no_data_is_neither_zero_nor_nan(metric, counts, seconds, value):
    """What can't be computed is no data: not 0, which would pass, and never NaN or infinite."""
    assert metrics.find(metric).measure(counts, seconds) == value


def test_trap_percentiles_are_not_averaged_over_seconds(drive):
    """99 fast seconds and a slow one are one distribution of 1090 requests."""
    series = [(10, 0, 100)] * 99 + [(100, 0, 1000)]
    # rank int(1090 * 0.95) = 1035 lies beyond the 990 fast ones; the mean of p95s would be 109
    assert drive("p95 >= 0 for 1s", series).result.value == 1000
    # rank int(1090 * 0.9) = 981 lies within them
    assert drive("p90 >= 0 for 1s", series).result.value == 100


def test_trap_ratio_is_weighted_by_requests(drive):
    """One failing request in an idle second doesn't outweigh a thousand good ones."""
    series = [(1000, 0, 100), (1, 1, 100)]
    assert drive("fail_ratio >= 0 over 2s", series).result.value == pytest.approx(1 / 1001)


def test_percentile_of_entries_is_that_of_all_their_requests(drive):
    """Entries are one distribution too: 90 of 100 ms and 10 of 500 ms."""
    series = [{"GET /x/1": (90, 0, 100), "GET /x/2": (10, 0, 500), "GET /y": (500, 0, 50)}]
    assert drive("p89 of /x/* >= 0 for 1s", series).result.value == 100
    assert drive("p90 of /x/* >= 0 for 1s", series).result.value == 500


RESPONSE_TIMES = st.one_of(
    st.integers(0, 100_000), st.floats(0, 100_000), st.floats(0, 300), st.none()
)
SHARES = {"p0": 0.0, "p50": 0.5, "p57": 0.57, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "p100": 1.0}


@pytest.fixture(scope="module")
def locust_stats():
    """Locust's statistics, imported without letting Locust patch this process for gevent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
        from locust import stats
    return stats


def as_counts(entry):
    """As the live source reads an entry."""
    return Counts(
        requests=entry.num_requests,
        failures=entry.num_failures,
        response_time=entry.total_response_time,
        response_times=entry.response_times,
        fastest=entry.min_response_time,
        slowest=entry.max_response_time if entry.response_times else None,
    )


@pytest.fixture(scope="module")
def entry_of(locust_stats):
    """Makes the entry that Locust keeps of requests that took so long."""

    def entry_of(times, failures=0):
        stats = locust_stats.RequestStats()
        for time in times:
            stats.log_request("GET", "/", time, 0)
        for _ in range(min(failures, len(times))):
            stats.log_error("GET", "/", "503")
        return stats.get("/", "GET")

    return entry_of


@pytest.fixture(scope="module")
def ranks_untimed(entry_of):
    """Whether requests without a response time shift Locust's percentiles: before 2.46.2."""
    return entry_of([1, 2, None]).get_response_time_percentile(0.5) == 1


@pytest.fixture(scope="module")
def takes_lower_median(entry_of):
    """Whether the median of two requests is the faster one, not the p50: before 2.46.6."""
    return entry_of([1, 2]).median_response_time == 1


@settings(deadline=None, max_examples=200)
@given(times=st.lists(RESPONSE_TIMES, min_size=1, max_size=300), failures=st.integers(0, 5))
def test_values_equal_locusts_own(entry_of, ranks_untimed, takes_lower_median, times, failures):
    """What the guard judges is what Locust's report shows, today's where an older one differs."""
    timed = [time for time in times if time is not None]
    entry = entry_of(times, failures)
    ranked = entry_of(timed) if ranks_untimed else entry
    theirs = {name: ranked.get_response_time_percentile(share) for name, share in SHARES.items()}
    theirs |= {"median": entry.median_response_time, "avg": entry.avg_response_time}
    theirs |= {"min": entry.min_response_time, "max": entry.max_response_time}
    if not timed:  # where Locust shows 0, the guard has no data
        theirs = dict.fromkeys(theirs)
    elif takes_lower_median and len(timed) % 2 == 0:
        theirs["median"] = min(max(theirs["p50"], theirs["min"]), theirs["max"])
    theirs |= {"requests": entry.num_requests, "failures": entry.num_failures}
    theirs |= {"fail_ratio": entry.fail_ratio}
    ours = {name: metrics.find(name).measure(as_counts(entry), 10.0) for name in theirs}
    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "n", "share"),
    [
        pytest.param("p57", 100, 0.57, id="57 * 0.01 is too large"),
        pytest.param("p33.3", 1000, 0.333, id="33.3 / 100 is too small"),
        pytest.param("p99.99", 10_000, 0.9999, id="99.99 / 100 is too small"),
        pytest.param("p99.9", 9_999_999_998_001, 0.999, id="99.9 / 100 is too large"),
    ],
)
def test_share_is_the_float_that_locust_is_given(name, n, share):
    """Locust multiplies n by 0.999, not by 99.9 / 100; each n here tells the two apart."""
    rank = int(n * share)
    slower = {3: n - rank - 1} if n - rank > 1 else {}
    counts = Counts(n, 0, 0.0, {1: rank, 2: 1, **slower})
    assert metrics.find(name).measure(counts, 1.0) == 2


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("p0", Unit.MILLISECONDS),
        ("p0.1", Unit.MILLISECONDS),
        ("p7", Unit.MILLISECONDS),
        ("p99.999", Unit.MILLISECONDS),
        ("p100", Unit.MILLISECONDS),
        ("p100.0", Unit.MILLISECONDS),
        ("avg", Unit.MILLISECONDS),
        ("median", Unit.MILLISECONDS),
        ("min", Unit.MILLISECONDS),
        ("max", Unit.MILLISECONDS),
        ("fail_ratio", Unit.RATIO),
        ("rps", Unit.RATE),
        ("fail_per_sec", Unit.RATE),
        ("requests", Unit.COUNT),
        ("failures", Unit.COUNT),
    ],
)
def test_find(name, unit):
    """Fixed names and percentiles from 0 to 100 are metrics, each with its unit."""
    metric = metrics.find(name)
    assert (metric.name, metric.unit) == (name, unit)
    assert metric.meaning


@pytest.mark.parametrize(
    "name",
    [
        *("", "p", "p-1", "p100.1", "p101", "p1000", "p095", "p9.", "p.9", "P95", "p95 ", "p95\n"),
        *("p(95)", "95", "p95%", "p1e1", "p9\u0665", "fail_ratios", "FAIL_RATIO"),
    ],
)
def test_find_knows_nothing_else(name):
    assert metrics.find(name) is None


def test_metrics_that_count_requests():
    """Only for these an empty window is a reading, of zero."""
    assert {m.name for m in metrics.METRICS.values() if m.basis is Basis.TALLY} == {
        "requests",
        "rps",
    }


@settings(deadline=None, max_examples=100)
@given(
    times=st.dictionaries(st.integers(0, 10**6), st.integers(1, 99), min_size=1),
    share=st.floats(0, 1),
)
def test_percentile_is_the_response_time_at_its_rank(times, share):
    """Of n sorted response times the one at rank int(n * share) from zero, or the last."""
    one_by_one = sorted(time for time, count in times.items() for _ in range(count))
    rank = min(math.floor(len(one_by_one) * share), len(one_by_one) - 1)
    assert metrics.percentile(Counts(response_times=times), share) == one_by_one[rank]
