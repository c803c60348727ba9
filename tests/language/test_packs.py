"""The ready-made rules: each loads, each pair goes together, and they say what they are for."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from guard.language import packs
from guard.language.advice import advise
from guard.language.rulefile import parse_rules
from guard.rule import Basis, Outcome, Unit

FOLDER = Path(__file__).parents[2] / "rules"


def rules_of(*names, environment=None):
    return parse_rules(f"extends: [{', '.join(names)}]".encode(), "x.yaml", environment or {})


def own(pack):
    """The rules that stand in the pack itself."""
    return [rule for rule in rules_of(pack) if rule.place.file == f"{pack}.yaml (pack)"]


OWN = [pytest.param(rule, id=rule.name) for pack in packs.PACKS for rule in own(pack)]


def test_every_file_is_a_pack_and_every_pack_a_file():
    names = {file.stem for file in FOLDER.glob("*.yaml")}
    tests = {name for name in names if name.endswith(".test")}
    assert names - tests == set(packs.PACKS)
    assert tests == {f"{pack}.test" for pack in packs.PACKS}


@pytest.mark.parametrize("pack", packs.PACKS)
def test_nothing_in_a_pack_is_doubtful(pack):
    assert advise(rules_of(pack)) == []


def test_there_is_no_other_pack():
    with pytest.raises(KeyError):
        packs.content("../pyproject")


@pytest.mark.parametrize("pair", list(combinations(packs.PACKS, 2)), ids=" and ".join)
def test_every_two_packs_go_together(pair):
    one, other = (set(rules_of(pack)) for pack in pair)
    assert set(rules_of(*pair)) == one | other


@pytest.mark.parametrize("pack", packs.PACKS)
def test_a_pack_says_what_it_is_for_and_when_not_to_use_it(pack):
    comment = packs.content(pack).decode().partition("\n\n")[0]
    assert all(line.startswith("#") for line in comment.splitlines())
    assert "# Not for " in comment


@pytest.mark.parametrize("pack", packs.PACKS)
def test_a_pack_says_which_variables_it_reads_and_needs_none(pack):
    comment, _, rules = packs.content(pack).decode().partition("\n\n")
    read = re.findall(r"\$\{(\w+):-(.+?)\}", rules)
    assert rules.count("${") == len(read)
    for name, default in read:
        assert re.search(rf"^# {name}: .*; {default} if not set", comment, re.MULTILINE)


def test_variables_set_the_limits():
    (limit,) = (
        rule.check.threshold
        for rule in rules_of("soak", environment={"SOAK_P95": "250ms"})
        if rule.check.metric == "p95"
    )
    assert limit == 250


@pytest.mark.parametrize("rule", OWN)
def test_a_pack_names_its_rules(rule):
    """Names keep packs apart, and are what people read in a verdict."""
    assert rule.named


@pytest.mark.parametrize("rule", OWN)
def test_what_stops_a_run_waits_for_evidence(rule):
    """No pack stops a run for its first failed request, or for a window of two reports."""
    if rule.on_run:
        return
    if rule.action.stops:
        assert rule.over is not None
        assert rule.min_requests >= 10
    assert rule.over is None or rule.over >= 6


@pytest.mark.parametrize("rule", OWN)
def test_percentiles_have_enough_requests_to_tell(rule):
    """Of fewer than 100 / (100 - N) requests, pN is just the slowest."""
    if match := re.fullmatch(r"p([\d.]+)", rule.check.metric):
        assert rule.min_requests >= 100 / (100 - float(match[1]))


@pytest.mark.parametrize("rule", OWN)
def test_limits_are_response_times_that_locust_can_tell(rule):
    """It rounds them to 10 ms below 1 s, to 100 ms below 10 s, and to seconds above."""
    limit = rule.check.threshold
    step = 10 if limit < 1000 else 100 if limit < 10_000 else 1000
    assert rule.check.unit is not Unit.MILLISECONDS or limit % step == 0


@pytest.mark.parametrize("rule", OWN)
def test_a_short_run_is_not_inconclusive_for_rules_on_the_generator(rule):
    """It may end before Locust measures anything."""
    if rule.check.metric in ("cpu", "memory"):
        assert rule.no_data is Outcome.PASS


@pytest.mark.parametrize("pack", packs.PACKS)
def test_a_pack_that_has_rules_on_requests_is_not_green_without_any(pack):
    """At least one of them then fails or is inconclusive."""
    on_requests = [rule for rule in own(pack) if rule.check.basis is not Basis.RUN]
    assert not on_requests or any(rule.no_data is not Outcome.PASS for rule in on_requests)
