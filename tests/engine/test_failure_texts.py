"""Failures told apart by their text, as in `failures("*503*")`, and the size of responses."""

from __future__ import annotations

import pytest

from guard.rule import Outcome

SERIES = [
    {"GET /x": (10, {"503": 2, "timeout": 1}), "POST /x": (10, {"503": 4}), "GET /y": (20, 0)},
    {"GET /x": (10, {"502": 1}), "POST /x": (30, {"503": 6, "slow 503!": 2}), "GET /y": (40, 9)},
]


@pytest.mark.parametrize(
    ("check", "whole_run", "last_second"),
    [
        pytest.param('failures("503")', 12, 6, id="that text"),
        pytest.param('failures("*503*")', 14, 8, id="a text with that in it"),
        pytest.param('failures("50*")', 13, 7, id="a text that begins so"),
        pytest.param('failures("*")', 16 + 9, 9 + 9, id="any text, the empty one included"),
        pytest.param("failures", 16 + 9, 9 + 9, id="no pattern: all failures"),
        pytest.param('failures("504")', 0, 0, id="a text that never came: none, of requests"),
        pytest.param('failures("*503*") of GET /x', 2, 0, id="of an entry"),
        pytest.param('failures("*503*") of /x', 14, 8, id="of a name: the sum of its methods"),
        pytest.param('failures("*503*") of /*', 14, 8, id="of a wildcard: the sum of all"),
        pytest.param('failures("*503*") of GET /y', 0, 0, id="of an entry that had others"),
        pytest.param('fail_ratio("*503*")', 14 / 120, 8 / 80, id="a share of all requests"),
        pytest.param('fail_ratio("*503*") of /x', 14 / 60, 8 / 40, id="a share of the entry's"),
        pytest.param('fail_per_sec("*503*")', 7, 8, id="per second"),
        pytest.param('fail_per_sec("*503*") of POST /x', 6, 8, id="per second of an entry"),
    ],
)
def test_value(drive, check, whole_run, last_second):
    """Only failures whose text matches count; requests are all requests."""
    run = drive([f"{check} >= 0 for 1h", f"{check} >= 0 over 1s"], SERIES)
    assert [result.value for result in run.verdict.rules] == [whole_run, last_second]


@pytest.mark.parametrize(
    ("options", "series", "trace"),
    [
        pytest.param("over 1s", [3, 0, 3], "BoB", id="a window forgets"),
        pytest.param("over 2s", [3, 0, 0, 3], "oBoB", id="a window slides"),
        pytest.param("else stop", [1, 1, 1, 0], "ooBB", id="the whole run does not"),
        pytest.param("over 1s after 2s", [3, 3, 3], "woB", id="armed later"),
        pytest.param("for 2s over 1s", [3, 3, 0], "pBo", id="for some time"),
    ],
)
def test_windows(drive, options, series, trace):
    """Failures of other texts don't count, however many there are."""
    seconds = [(10, {"503": bad, "other": 5}) for bad in series]
    assert drive(f'failures("503") < 3 {options}', seconds).trace == trace


def test_two_texts_of_the_same_window_are_counted_apart(drive):
    """Rules that differ only in the text don't share what they measure."""
    rules = ['failures("5*") < 9 over 2s', 'failures("*3") < 9 over 2s', "failures < 9 over 2s"]
    run = drive(rules, [(10, {"503": 1, "502": 2}), (10, {"503": 1, "3": 4})])
    assert [result.value for result in run.verdict.rules] == [4, 6, 8]
    assert run.guard.failures == {"5*", "*3"}


@pytest.mark.parametrize("over", ["over 3s", "for 1h"])
def test_reset_of_the_statistics_loses_none(drive, over):
    """Also where a text had outgrown its old number, or did not come again."""
    run = drive(f'failures("503") >= 0 {over}', [(10, {"503": 2, "502": 1})])
    run.reset()
    run.play([(10, {"503": 3})])
    run.reset()
    assert run.play([(10, {"502": 7})]).result.value == 5


def test_each_entry_has_its_own_texts(drive):
    run = drive('failures("*503*") of each /x < 6 over 1s', SERIES)
    assert run.traces == {"GET /x": "oo", "POST /x": "oB"}
    assert {entry: result.value for entry, result in run.by_entry.items()} == {
        "GET /x": 0,
        "POST /x": 8,
    }
    assert run.finish().verdict.reason == (
        'failures("*503*") of POST /x was 8 over 1 s (30 requests), must be < 6'
    )


def test_no_requests_are_no_data(drive):
    """4: None failed so, for there were none."""
    run = drive('failures("503") == 0 over 1s for 2s', [(1, {"503": 1}), (), (1, {"503": 1})])
    assert run.trace == "ppB"
    idle = drive('fail_ratio("503") < 1%', "--").finish()
    assert idle.result.outcome is Outcome.INCONCLUSIVE
    assert idle.result.reason == (
        """'fail_ratio("503") < 1%' had no data: there were no requests"""
    )


@pytest.mark.parametrize(
    ("series", "value"),
    [
        pytest.param([(10, 0, 100, 500)], 500, id="all of one size"),
        pytest.param([(10, 0, 100, 500), (30, 0, 100, 100)], 200, id="weighted by requests"),
        pytest.param([(1, 0, 100, 500), (1, 1, None, 0)], 250, id="failures have a size too"),
        pytest.param([(1, 0, 100, 500), (), (1, 0, 100, 100)], 300, id="an empty second has none"),
    ],
)
def test_content_length_is_the_mean_size(drive, series, value):
    """`content_length`: bytes of all responses by the number of requests, untimed ones included."""
    assert drive("content_length >= 0B for 1h", series).result.value == value


def test_content_length_in_a_window(drive):
    """What has left the window is no part of the mean; a reset loses nothing."""
    run = drive("content_length < 1kB over 2s", [(10, 0, 100, 5000), (30, 0, 100, 200)])
    assert (run.trace, run.result.value) == ("oB", 1400)
    run.reset()
    run.play([(10, 0, 100, 600)])
    assert (run.trace, run.result.value, run.result.worst) == ("oBo", 1400, 1400)
    assert run.play("--").result.state.value == "ok"
    assert run.finish().verdict.reason == (
        "content_length was 1.4 kB over 2 s (40 requests), must be < 1 kB"
    )
