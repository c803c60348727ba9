"""Every way in which Locust can be started without a web UI."""

from __future__ import annotations

import pytest

STOP = "rules: [max < 500ms else stop]"
SLOW = ("-u", "2", "-t", "2h", "--slow-after", "2")
INSTALL = "import guard\nguard.install()\n"


@pytest.mark.promised("headless, one process")
@pytest.mark.parametrize("command", ["guarded", "plain"])
def test_headless(start, scripted, promise, command):
    """``quit()`` is what ends the process (S1), and not from a greenlet that it kills (R3)."""
    promise.is_kept_in_good_order_by(
        start(*SLOW, rules=STOP, command=command, locustfile=INSTALL + scripted)
    )


@pytest.mark.promised("headless, `--processes N`")
@pytest.mark.parametrize("command", ["guarded", "plain"])
def test_processes(start, scripted, ports, promise, command):
    """The listeners of ``test_start`` and ``test_stop`` that workers have, too, are silent (X7)."""
    run = start(*SLOW, "--processes", "2", *ports, rules=STOP, command=command,
                locustfile=INSTALL + scripted)  # fmt: skip
    promise.is_kept_in_good_order_by(run)
    assert sum("guarding by" in line for line in run.lines) == 1
    assert run.output.count("heard test_stop in WorkerRunner") == 2, run.output


@pytest.mark.promised("headless, master and workers started apart")
def test_master_and_workers(start, ports, promise):
    workers = [start("--worker", *ports, headless=False) for _ in range(2)]
    master = start("--master", "--expect-workers", "2", *ports, *SLOW, rules=STOP)
    promise.is_kept_in_good_order_by(master)
    for worker in workers:
        assert worker.exit_code() == 0
        assert not worker.verdict_file.exists()
        assert "guarding by" not in worker.output
        assert worker.left_over() == []


@pytest.mark.promised("headless, workers that get the locustfile from the master (`-f -`)")
@pytest.mark.parametrize("command", ["guarded", "plain"])
def test_workers_that_get_the_locustfile_from_the_master(start, scripted, ports, promise, command):
    """They have no rules file, and need none (O2)."""
    installs = INSTALL + scripted
    worker = start("--worker", "-f", "-", *ports, command=command, headless=False,
                   files={"locustfile.py": "raise AssertionError('not this one')"})  # fmt: skip
    master = start("--master", *ports, *SLOW, rules=STOP, command=command, locustfile=installs)
    promise.is_kept_in_good_order_by(master)
    assert worker.exit_code() == 0
    assert "Traceback" not in worker.output
    assert worker.left_over() == []


STEPS = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return (1 + int(seconds // 2), 10) if seconds < {until} else None
"""


@pytest.mark.parametrize(
    ("options", "until"),
    [
        pytest.param(
            ["--slow-after", "3"],
            60,
            id="stopped in its second stage",
            marks=pytest.mark.promised("headless, `LoadTestShape`"),
        ),
        pytest.param(
            ["--slow-after", "3", "--reset-stats"],
            60,
            id="stopped, and the statistics are reset at every stage",
            marks=pytest.mark.promised("headless, `LoadTestShape` and `--reset-stats`"),
        ),
        pytest.param(
            [],
            5,
            id="to its end",
            marks=pytest.mark.promised("headless, `LoadTestShape` that ends by itself"),
        ),
    ],
)
def test_shape(start, scripted, promise, options, until):
    run = start(*options, rules=STOP, locustfile=scripted + STEPS.format(until=until))
    promise.is_kept_in_good_order_by(run)
    assert "Shape test updating to 2 users" in run.output


@pytest.mark.promised("headless, `LoadTestShape` and `--processes N`")
def test_shape_of_a_master(start, scripted, ports, promise):
    """Stopping it may not leave the shape going, which would start users again."""
    run = start("--processes", "2", *ports, "--slow-after", "3", rules=STOP,
                locustfile=scripted + STEPS.format(until=60))  # fmt: skip
    promise.is_kept_in_good_order_by(run)


LONG_TASK = """
import gevent

@task
def work(self):
    print("began to work", flush=True)
    gevent.sleep(3)
    print("finished the work", flush=True)

Scripted.tasks = [Scripted.request, Scripted.request, work]
"""


@pytest.mark.promised("headless, `--stop-timeout`")
def test_users_finish_their_tasks(start, scripted, promise):
    run = start("-u", "20", "-r", "20", "-t", "2h", "--stop-timeout", "40", "--slow-after", "1",
                rules=STOP, locustfile=scripted + LONG_TASK)  # fmt: skip
    promise.is_kept_in_good_order_by(run)
    began = sum("began to work" in line for line in run.lines)
    assert sum("finished the work" in line for line in run.lines) == began > 0
    stopped = next(number for number, line in enumerate(run.lines) if "stopping the run" in line)
    assert any("finished the work" in line for line in run.lines[stopped:])


@pytest.mark.parametrize(
    "slow_after",
    [
        pytest.param(
            "1e9", id="to the limit", marks=pytest.mark.promised("headless, `-i N`, locust-plugins")
        ),
        pytest.param(
            "1", id="stopped before", marks=pytest.mark.promised("`-i N` that is not reached")
        ),
    ],
)
def test_iterations(start, promise, slow_after):
    """The last user quits the runner. Of two that end at once, locust-plugins takes none for the
    last, and the run goes on without users."""
    pytest.importorskip("locust_plugins", reason="the extra 'test' has it")
    limit = "100" if slow_after == "1e9" else "1000000"
    run = start("-u", "1", "-t", "2h", "-i", limit, "--slow-after", slow_after, rules=STOP,
                with_plugins=True)  # fmt: skip
    promise.is_kept_in_good_order_by(run)


PYTEST_STYLE = """
def test_front_page(session):
    session.get("/")
"""


@pytest.mark.promised("headless, pytest-style locustfile")
def test_pytest_style(start, promise):
    from locust.util import load_locustfile

    if not hasattr(load_locustfile, "load_locustfile_pytest"):
        pytest.skip("this Locust takes no pytest-style locustfiles")
    refused = "http://127.0.0.1:1"
    run = start("-u", "1", "-t", "2h", "-H", refused, locustfile=PYTEST_STYLE,
                rules="rules: [fail_ratio < 1% else stop]")  # fmt: skip
    promise.is_kept_in_good_order_by(run)
