"""Snapshots of Locust's statistics."""

from __future__ import annotations

import pytest
from locust import runners
from locust.env import Environment

from guard.engine.counts import Odometer
from guard.language import advice
from guard.rule import Selection
from guard.sources.live import LiveSource, report_interval


@pytest.fixture
def environment():
    return Environment()


def log(environment, method, name, *times, failures=0):
    for time in times:
        environment.stats.log_request(method, name, time, 100)
    for _ in range(failures):
        environment.stats.log_error(method, name, "503")


def test_only_the_entries_that_rules_need_are_read(environment):
    source = LiveSource(environment, [Selection("/a"), Selection("/b", "POST")])
    for name in ("/a", "/b", "/c"):
        for method in ("GET", "POST"):
            log(environment, method, name, 10)
    snapshot = source.read(None)
    assert set(snapshot.entries) == {("GET", "/a"), ("POST", "/a"), ("POST", "/b")}
    assert snapshot.total.requests == 6


def test_entries_that_have_not_changed_are_left_out(environment):
    """A thousand entries are not copied every second; the totals hold all of them."""
    source = LiveSource(environment, [Selection("*")])
    log(environment, "GET", "/a", 10)
    log(environment, "GET", "/b", 10)
    assert set(source.read(None).entries) == {("GET", "/a"), ("GET", "/b")}
    log(environment, "GET", "/b", 10)
    assert set(source.read(None).entries) == {("GET", "/b")}
    assert set(source.read(None).entries) == set()
    totals = source.read_totals(None)
    assert {key: counts.requests for key, counts in totals.entries.items()} == {
        ("GET", "/a"): 1,
        ("GET", "/b"): 2,
    }


@pytest.mark.parametrize("reset", ["reset_all", "clear_all"])
def test_a_change_shows_whatever_it_is(environment, reset):
    """A failure alone, and a reset after which the numbers are what they were."""
    source = LiveSource(environment, [Selection("*")])
    log(environment, "GET", "/a", 10)
    source.read(None)
    log(environment, "GET", "/a", failures=1)
    assert source.read(None).entries["GET", "/a"].failures == 1
    before = source.read_totals(None).entries["GET", "/a"]
    getattr(environment.stats, reset)()
    log(environment, "GET", "/a", 10, failures=1)
    after = source.read(None).entries["GET", "/a"]
    assert (after.requests, after.failures) == (before.requests, before.failures)
    assert after.epoch > before.epoch


def test_what_was_read_does_not_go_on_counting(environment):
    """Locust counts in its own histogram."""
    source = LiveSource(environment, [Selection("*")])
    log(environment, "GET", "/a", 10)
    snapshot = source.read(None)
    log(environment, "GET", "/a", 10, 20)
    assert snapshot.entries["GET", "/a"].response_times == {10: 1}
    assert snapshot.total.response_times == {10: 1}


def test_sizes_add_up(environment):
    log(environment, "GET", "/a", 10, 20)
    log(environment, "POST", "/a", None)
    snapshot = LiveSource(environment, [Selection("/a")]).read(None)
    assert snapshot.entries["GET", "/a"].content_length == 200
    assert snapshot.total.content_length == 300


def test_vitals_of_a_local_run(environment):
    """Locust's zero stands for what it has not measured yet."""
    runner = environment.create_local_runner()
    source = LiveSource(environment, ())
    runner.current_cpu_usage, runner.current_memory_usage = 0, 0
    vitals = source.read(None).vitals
    assert (vitals.cpu, vitals.memory, vitals.exceptions) == (None, None, 0)
    runner.current_cpu_usage, runner.current_memory_usage = 42, 1_500_000
    for traceback in ("a", "b", "b"):
        runner.log_exception("local", "boom", traceback)
    vitals = source.read(None).vitals
    assert (vitals.cpu, vitals.memory, vitals.exceptions) == (0.42, 1_500_000, 3)
    assert (vitals.workers, vitals.lost_workers) == (1, 0)


def test_without_selections_no_entry_is_read(environment):
    log(environment, "GET", "/a", 10)
    assert LiveSource(environment, ()).read(None).entries == {}


def test_reading_creates_no_entries(environment):
    """N7: indexing Locust's statistics creates phantom rows."""
    LiveSource(environment, [Selection("/a", "GET"), Selection("*")]).read(None)
    assert dict(environment.stats.entries) == {}


def test_statistics_are_read_anew_after_clear_all(environment):
    """N1: a test start replaces them."""
    source = LiveSource(environment, [Selection("/a")])
    log(environment, "GET", "/a", 10, 20)
    source.read(None)
    environment.stats.clear_all()
    log(environment, "GET", "/a", 30)
    snapshot = source.read(None)
    assert snapshot.total.requests == 1
    assert snapshot.entries["GET", "/a"].slowest == 30


@pytest.mark.parametrize("reset", ["reset_all", "clear_all"])
def test_a_reset_shows_even_when_the_counters_have_outgrown_it(environment, reset):
    """N2: two requests, a reset, three more: the difference is three, not one."""
    source = LiveSource(environment, [Selection("/a")])
    total, entry = Odometer(), Odometer()
    log(environment, "GET", "/a", 10, 10, failures=1)
    snapshot = source.read(None)
    total.advance(snapshot.total)
    entry.advance(snapshot.entries["GET", "/a"])
    assert source.read(None).entries == {}  # nothing new
    getattr(environment.stats, reset)()
    log(environment, "GET", "/a", 10, 10, 50, failures=2)
    snapshot = source.read(None)
    for odometer, counts in ((total, snapshot.total), (entry, snapshot.entries["GET", "/a"])):
        added = odometer.advance(counts)
        assert (added.requests, added.failures) == (3, 2)
        assert added.response_times == {10: 2, 50: 1}


def test_requests_without_a_response_time(environment):
    """N6: they count as requests, not in the histogram."""
    log(environment, "GET", "/a", None, None, 40)
    counts = LiveSource(environment, ()).read(None).total
    assert (counts.requests, counts.response_times) == (3, {40: 1})
    assert (counts.fastest, counts.slowest) == (40, 40)


def test_nothing_has_no_extremes(environment):
    counts = LiveSource(environment, ()).read(None).total
    assert (counts.fastest, counts.slowest) == (None, None)


def test_users_and_the_end_of_ramp_up(environment):
    runner = environment.create_local_runner()
    snapshot = LiveSource(environment, ()).read(12.5)
    assert (snapshot.vitals.users, snapshot.ramped_up_at) == (runner.user_count, 12.5)


def test_only_a_master_gets_its_numbers_in_lumps(environment):
    """N4: a worker reports every three seconds."""
    environment.create_local_runner()
    assert report_interval(environment) == 0
    master = Environment()
    master.create_master_runner("127.0.0.1", 0)
    try:
        assert report_interval(master) == 3
    finally:
        master.runner.quit()


def test_the_report_interval_that_is_warned_of_is_locusts_own():
    """`locust-guard check` can't ask Locust, which takes its time to import."""
    assert advice.REPORT_INTERVAL == runners.WORKER_REPORT_INTERVAL
