"""The quickstart does what the README says of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "quickstart"
WINDOW, HOLD = 10, 5
BAD_AFTER = 8


@pytest.fixture
def quickstart(start, free_port):
    """Start the quickstart as it stands, its shop on a port of its own."""

    def start_quickstart(*options, rules=FOLDER / "rules.yaml"):
        return start(
            *("-u", "20", "-r", "10", "--shop-port", str(free_port()), *options),
            rules=rules.read_text(),
            locustfile=(FOLDER / "locustfile.py").read_text(),
        )

    return start_quickstart


@pytest.mark.parametrize("distributed", [False, True], ids=["standalone", "distributed"])
def test_a_shop_that_turns_bad_is_noticed_in_time(quickstart, ports, distributed):
    """Within window + hold + 2 s of the second at which it turns, + 4 s when distributed."""
    options = ("--processes", "2", *ports) if distributed else ()
    run = quickstart("-t", "60s", "--shop-bad-after", str(BAD_AFTER), *options)
    assert run.exit_code() == 3
    verdict = run.verdict
    assert verdict["stopped"] is True
    late = verdict["stopped_at"] - BAD_AFTER
    assert 0 < late <= WINDOW + HOLD + 2 + 4 * distributed
    assert re.search(
        r"p95 of POST /checkout was \d+ ms over 1[0-4] s \(\d+ requests\), must be < 500 ms",
        run.says("stopping the run: "),
    )
    assert "Traceback" not in run.output


def test_a_healthy_shop_passes_although_requests_fail(quickstart):
    run = quickstart("-t", "13s", "--shop", "healthy")
    assert run.exit_code() == 0
    verdict = run.verdict
    assert (verdict["outcome"], verdict["stopped"]) == ("pass", False)
    assert 0 < verdict["rules"][0]["value"] < 0.01
    assert verdict["duration"] == pytest.approx(13, abs=1)


@pytest.mark.parametrize(("shop", "exit_code"), [("healthy", 0), ("bad", 3)])
def test_the_first_rules_of_init_judge_the_quickstart(quickstart, tmp_path, shop, exit_code):
    """As they are written, on a run that is over before their window is full or right after."""
    rules = tmp_path / "first.yaml"
    command = [sys.executable, "-m", "guard", "init", str(rules)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    options = ("--shop", shop, "--shop-bad-after", "2")
    run = quickstart("-t", "13s" if shop == "healthy" else "8s", *options, rules=rules)
    assert run.exit_code() == exit_code
    assert run.verdict["stopped"] is False
