"""The packs judge the quickstart: a shop that is well, and one that turns bad."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "quickstart"


@pytest.fixture
def judged(start, free_port):
    """Run the quickstart under a pack; its exit code and its verdict."""

    def judged(pack, *options, **variables):
        run = start(
            *("-u", "20", "-r", "10", "--shop-port", str(free_port()), *options),
            rules=f"extends: {pack}",
            locustfile=(FOLDER / "locustfile.py").read_text(),
            env=variables,
        )
        return run.exit_code(), run.verdict

    return judged


SECONDS = {"smoke": "14s", "ci": "43s", "soak": "12s", "stress": "60s", "generator-health": "45s"}
HEALTHY = ("--shop", "healthy")
BAD = ("--shop-bad-after", "4")


@pytest.mark.parametrize(
    ("pack", "options", "variables", "exit_code", "decided_by"),
    [
        pytest.param("smoke", HEALTHY, {"SMOKE_FAIL_RATIO": "5%"}, 0, "4 rules passed",
                     id="smoke: a shop that is well"),
        pytest.param("smoke", BAD, {"SMOKE_FAIL_RATIO": "2%"}, 3, "of POST /checkout was ",
                     id="smoke: a tenth of one request fails"),
        pytest.param("ci", HEALTHY, {}, 0, "6 rules passed", id="ci: a shop that is well"),
        pytest.param("ci", BAD, {}, 3, "'CI - few of each request fail' (fail)",
                     id="ci: one request fails"),
        pytest.param("ci", HEALTHY, {"CI_P95": "20ms"}, 3, "CI - requests are fast: p95 was ",
                     id="ci: a limit of one's own"),
        pytest.param("generator-health", HEALTHY, {"GENERATOR_MEMORY": "1MB"}, 0,
                     "3 rules passed; warning: Generator - memory is left: memory was ",
                     id="generator-health: an idle generator, but a large one"),
        pytest.param("stress", BAD, {"STRESS_P95": "500ms"}, 0,
                     "finished because Breaking point - requests are slow", id="stress: it breaks"),
        pytest.param("soak", HEALTHY, {}, 4, "its window of 300 s was never full",
                     id="soak: half a minute is none"),
    ],
)  # fmt: skip
def test_packs(judged, pack, options, variables, exit_code, decided_by):  # noqa: PLR0917 - a table
    code, verdict = judged(pack, "-t", SECONDS[pack], *options, **variables)
    assert (code, verdict["final"]) == (exit_code, True)
    assert decided_by in verdict["reason"]


def test_a_pack_and_rules_of_your_own(start, free_port):
    run = start(
        *("-u", "20", "-r", "10", "-t", "8s", "--shop-port", str(free_port()), *HEALTHY),
        rules="extends: [generator-health, more/rules.yaml]\nrules: [p95 of GET / < 10s]",
        locustfile=(FOLDER / "locustfile.py").read_text(),
        files={"more/rules.yaml": "defaults: {else: warn}\nrules: [rps > 1000/s]"},
    )
    assert run.exit_code() == 0
    assert [rule["name"] for rule in run.verdict["rules"]][3:] == [
        "rps > 1000/s",
        "p95 of GET / < 10s",
    ]
