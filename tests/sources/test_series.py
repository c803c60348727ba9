"""What a run that is written down gives a guard to read."""

from __future__ import annotations

import pytest

from guard.engine.counts import Counts
from guard.language.series import series
from guard.rule import Unit
from guard.scenario import Scenario, Traffic
from guard.sources.series import snapshots

POST = ("POST", "/checkout")


def traffic(rps, *, key=POST, **given):
    units = {
        "response_time": Unit.MILLISECONDS,
        "failures": Unit.COUNT,
        "content_length": Unit.BYTES,
    }
    read = {
        word: series(text, units[word]) if word in units else text for word, text in given.items()
    }
    return Traffic(*key, series(rps, Unit.RATE), **read)


def play(*parts, failures=(), ramp_up=0.0, **vitals):
    units = {"cpu": Unit.RATIO, "memory": Unit.BYTES}
    read = {word: series(text, units.get(word, Unit.COUNT)) for word, text in vitals.items()}
    return list(snapshots(Scenario(parts, read, ramp_up), failures))


def test_a_second_is_an_epoch_of_its_own():
    (_, first), (at, second) = play(traffic("2 3", response_time="104 250"))
    counts = Counts(3, 0, 750.0, {250: 3}, 250.0, 250.0, epoch=2)
    assert (at, second.entries, second.total) == (2.0, {POST: counts}, counts)
    assert first.total.response_times == {100: 2}  # as Locust rounds it
    assert (first.total.fastest, first.total.response_time) == (104.0, 208.0)
    assert (first.answers, second.answers) == (2, 5)


def test_traffic_of_one_entry_adds_up():
    ((_, only),) = play(
        traffic("2", response_time="100", failures="1", content_length="1kB"),
        traffic("3", response_time="900"),
        traffic("5", key=("GET", "/")),
    )
    assert only.entries[POST] == Counts(
        5, 1, 2900.0, {100: 2, 900: 3}, 100.0, 900.0, 2000.0, epoch=1
    )
    assert (only.total.requests, only.total.timed) == (10, 5)


def test_requests_end_with_their_series_and_times_go_on():
    run = play(traffic("2x3", response_time="100", failures="1"), users="5x5")
    assert [snapshot.total.requests for _, snapshot in run] == [2, 2, 2, 0, 0]
    assert [snapshot.total.failures for _, snapshot in run] == [1, 0, 0, 0, 0]
    assert [snapshot.total.response_times for _, snapshot in run[1:4]] == [{100: 2}, {100: 2}, {}]


@pytest.mark.parametrize(
    ("text", "told"), [("503 Server Error", {"*503*": 2}), ("timeout", {}), ("", {})]
)
def test_failures_are_told_apart_by_their_text(text, told):
    ((_, only),) = play(traffic("5", failures="2", failure=text), failures={"*503*", "x"})
    assert only.total.failures_like == told


def test_the_run_is_as_it_is_written_and_goes_on_like_that():
    *_, (_, last) = play(
        traffic("1x5"), users="10 20", workers="4 3", lost_workers="0 1", cpu="_ 50%",
        memory="_ 1GB", exceptions="1 0 2",
    )  # fmt: skip
    vitals = last.vitals
    assert (vitals.users, vitals.workers, vitals.lost_workers) == (20, 3, 1)
    assert (vitals.cpu, vitals.memory, vitals.exceptions) == (0.5, 1e9, 3)


def test_what_is_not_written_is_one_process_that_nobody_measured():
    ((_, only),) = play(traffic("1"))
    vitals = only.vitals
    assert (vitals.users, vitals.workers, vitals.lost_workers) == (None, 1, 0)
    assert (vitals.cpu, vitals.memory, vitals.exceptions) == (None, None, 0)


@pytest.mark.parametrize(
    ("ramp_up", "told"), [(0.0, [0.0] * 3), (2.0, [None, 2.0, 2.0]), (None, [None] * 3)]
)
def test_ramp_up_is_complete_when_it_says(ramp_up, told):
    assert [s.ramped_up_at for _, s in play(traffic("1x3"), ramp_up=ramp_up)] == told


def test_a_run_takes_as_long_as_its_longest_series():
    assert [at for at, _ in play(traffic("1x2"), traffic("1x3"), users="5x4")] == [1, 2, 3, 4]
