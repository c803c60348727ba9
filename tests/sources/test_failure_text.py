"""The text of a failure: the same standalone and on a master, as Locust's report shows it."""

from __future__ import annotations

import json

import pytest
from locust.env import Environment
from locust.exception import CatchResponseError, RescheduleTask
from locust.stats import RequestStats, StatsError, setup_distributed_stats_event_listeners

from guard.rule import Selection
from guard.sources.live import LiveSource, failure_text


class Thing:
    """Something without a text of its own."""


CAUGHT = [
    pytest.param("503", "503", id="a string"),
    pytest.param("", "", id="an empty string"),
    pytest.param("it's", "it's", id="a string with a quote in it"),
    pytest.param(CatchResponseError("slow"), "slow", id="response.failure with a text"),
    pytest.param(CatchResponseError("it's slow"), "it's slow", id="with a quote in the text"),
    pytest.param(
        CatchResponseError('it\'s "bad" in C:\\tmp'),
        'it\'s "bad" in C:\\tmp',
        id="with both quotes and a backslash in the text",
    ),
    pytest.param(CatchResponseError("two\nlines"), "two\nlines", id="with two lines of text"),
    pytest.param(CatchResponseError("Größe ☃"), "Größe ☃", id="with a text beyond ASCII"),
    pytest.param(CatchResponseError("(503)"), "(503)", id="with brackets in the text"),
    pytest.param(CatchResponseError(503), "503", id="response.failure with a number"),
    pytest.param(CatchResponseError(""), "", id="response.failure without a text"),
    pytest.param(ValueError("bad"), "ValueError('bad')", id="an exception"),
    pytest.param(ValueError(), "ValueError()", id="an exception without a text"),
    pytest.param(RescheduleTask(), "RescheduleTask()", id="one of Locust's exceptions"),
    pytest.param(
        ConnectionRefusedError(111, "Connection refused"),
        "ConnectionRefusedError(111, 'Connection refused')",
        id="an error of the system",
    ),
]


def sent(stats):
    """What a worker's failures are when they have come to the master, through the real listeners
    of both."""
    worker, master = Environment(), Environment()
    setup_distributed_stats_event_listeners(worker.events, stats)
    setup_distributed_stats_event_listeners(master.events, master.stats)
    data = {}
    worker.events.report_to_master.fire(client_id="w", data=data)
    arrived = json.loads(json.dumps(data))  # in place of msgpack: plain types, no objects
    master.events.worker_report.fire(client_id="w", data=arrived)
    return master


@pytest.mark.parametrize(("caught", "text"), CAUGHT)
def test_text(caught, text):
    """Of a string itself, of `response.failure` its text, of any other exception its repr."""
    assert failure_text(StatsError("GET", "/x", caught)) == text


@pytest.mark.parametrize(("caught", "text"), CAUGHT)
def test_text_on_a_master(caught, text):
    """A worker sends the repr, so that a rule's pattern must fit that just as well."""
    stats = RequestStats()
    stats.log_error("GET", "/x", caught)
    (error,) = sent(stats).stats.errors.values()
    assert isinstance(error.error, str)
    assert failure_text(error) == text


@pytest.mark.parametrize("caught", [CatchResponseError("slow"), ValueError("bad"), "503"])
def test_text_is_in_what_locust_reports(caught):
    """A pattern can be read off the failures table."""
    stats = RequestStats()
    stats.log_error("GET", "/x", caught)
    (error,) = stats.errors.values()
    (arrived,) = sent(stats).stats.errors.values()
    assert error.to_name() == f"GET /x: {failure_text(error)}"
    assert arrived.to_name().replace("'", "") == error.to_name().replace("'", "")


def test_addresses_of_objects_are_left_out():
    """Locust counts failures as one that differ only there."""
    text = failure_text(StatsError("GET", "/x", ValueError(Thing())))
    assert text.endswith("Thing object at 0x....>)")


def log(stats, method, name, *errors):
    for error in errors:
        stats.log_request(method, name, 10, 100)
        stats.log_error(method, name, error)


FAILURES = {"*503*", "slow", "*", "nothing like it"}


@pytest.mark.parametrize("distributed", [False, True], ids=["standalone", "on a master"])
def test_patterns_are_counted_per_entry_and_in_total(distributed):
    """A failure counts for each pattern that its text matches, on its entry and in all."""
    environment = Environment()
    slow = CatchResponseError("slow")
    log(environment.stats, "GET", "/a", slow, slow, "503", ConnectionError("503"), KeyError("k"))
    log(environment.stats, "POST", "/a", "503")
    environment.stats.log_request("GET", "/b", 10, 100)
    if distributed:
        environment = sent(environment.stats)
    snapshot = LiveSource(environment, [Selection("*")], FAILURES).read(None)
    assert snapshot.total.failures_like == {"*503*": 3, "slow": 2, "*": 6}
    assert {key: counts.failures_like for key, counts in snapshot.entries.items()} == {
        ("GET", "/a"): {"*503*": 2, "slow": 2, "*": 5},
        ("POST", "/a"): {"*503*": 1, "*": 1},
        ("GET", "/b"): {},
    }


def test_counts_of_texts_go_on_and_begin_anew_with_a_reset():
    environment = Environment()
    source = LiveSource(environment, [Selection("/a")], {"*503*"})
    counted = []
    for errors in (["503"], [], ["503", "502", "HTTPError(503)"]):
        log(environment.stats, "GET", "/a", *errors)
        counted.append(dict(source.read_totals(None).entries["GET", "/a"].failures_like))
    environment.stats.reset_all()
    log(environment.stats, "GET", "/a", "503")
    counted.append(dict(source.read(None).entries["GET", "/a"].failures_like))
    assert counted == [{"*503*": 1}, {"*503*": 1}, {"*503*": 3}, {"*503*": 1}]


def test_without_patterns_no_text_is_looked_at():
    environment = Environment()
    log(environment.stats, "GET", "/a", "503")
    snapshot = LiveSource(environment, [Selection("/a")]).read(None)
    assert snapshot.total.failures_like == {}
    assert snapshot.entries["GET", "/a"].failures_like == {}
