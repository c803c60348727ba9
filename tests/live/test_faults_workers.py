"""Workers that die, hang, come back or come late, and masters without any."""

from __future__ import annotations

import json
import signal

import pytest

pytestmark = pytest.mark.lost_workers

ENDED = (signal.SIGTERM, signal.SIGINT)
HEARD_FROM = "requests < 1 for 1s else warn"
"""A rule that tells when a worker has reported requests."""
GONE = "all workers were gone at "


@pytest.fixture
def start_master(start, ports):
    """Start a master that waits for so many workers and runs until something ends it."""

    def start_master(*options, workers=1, rules, headless=True, **more):
        expected = ("--expect-workers", str(workers))
        return start("--master", *ports, *expected, "-u", "3", "-r", "3", *options,
                     rules=f"rules: [{', '.join(rules)}]", headless=headless, **more)  # fmt: skip

    return start_master


@pytest.mark.promised("one of several workers is killed with -9")
def test_one_of_three_is_killed(start_master, start_worker, promise):
    master = start_master(workers=3, rules=("p95 < 1s", "workers == 3 else warn"))
    workers = [start_worker() for _ in range(3)]
    master.says(" total users)")
    workers[0].signal(signal.SIGKILL)
    master.says("workers was 2")
    assert master.process.poll() is None
    master.signal(signal.SIGTERM)
    promise.is_kept_by(master)
    assert [worker.exit_code() for worker in workers] == [-signal.SIGKILL, 0, 0]


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(
            "fail", marks=pytest.mark.promised("a worker is lost, `lost_workers < 1 else fail`")
        ),
        pytest.param(
            "stop", marks=pytest.mark.promised("a worker is lost, `lost_workers < 1 else stop`")
        ),
        pytest.param(
            "void", marks=pytest.mark.promised("a worker is lost, `lost_workers < 1 else void`")
        ),
    ],
)
def test_a_rule_on_lost_workers(start_master, start_worker, promise, action):
    master = start_master(workers=2, rules=(f"lost_workers < 1 else {action}",))
    workers = [start_worker(), start_worker()]
    master.says(" total users)")
    workers[0].signal(signal.SIGKILL)
    master.says("breached at")
    if action != "stop":
        master.signal(signal.SIGTERM)
    assert promise.is_kept_by(master)["reason"] == "lost_workers was 1, must be < 1"
    assert workers[1].exit_code() == 0


@pytest.mark.promised("one of several workers is ended by SIGTERM or Ctrl-C")
@pytest.mark.parametrize("number", ENDED)
def test_one_of_two_is_ended(start_master, start_worker, promise, number):
    """It takes its leave of the master, which knows at once."""
    master = start_master(workers=2, rules=("p95 < 1s", "workers > 1 else warn", HEARD_FROM))
    workers = [start_worker(), start_worker()]
    master.says(" total users)")
    workers[0].signal(number)
    master.says("workers was 1")
    master.says("requests was")
    assert master.process.poll() is None
    master.signal(signal.SIGTERM)
    promise.is_kept_by(master)
    assert "failed to send heartbeat" not in master.output
    assert [worker.exit_code() for worker in workers] == [0, 0]


@pytest.mark.promised("a run is stopped while users are spread anew, because a worker has gone")
def test_a_stop_while_users_are_spread(start_master, start_worker, promise):
    """A master that is ended meanwhile forgets that it ends, and tells all listeners twice."""
    master = start_master("-u", "8", workers=2, rules=("workers > 1 else stop", "requests > 0"))
    workers = [start_worker(), start_worker()]
    master.says(" total users)")
    workers[0].signal(signal.SIGTERM)
    promise.is_kept_by(master)
    assert [worker.exit_code() for worker in workers] == [0, 0]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(
            signal.SIGKILL, marks=pytest.mark.promised("the only worker is killed with -9")
        ),
        *(
            pytest.param(
                number, marks=pytest.mark.promised("the only worker is ended by SIGTERM or Ctrl-C")
            )
            for number in ENDED
        ),
        pytest.param(
            signal.SIGSTOP, marks=pytest.mark.promised("the only worker hangs and stays so")
        ),
    ],
)
def test_the_only_worker_goes(start_master, start_worker, promise, number):
    """A headless master alone would go on for ever, and pass (S7)."""
    master = start_master(rules=("p95 < 1s", HEARD_FROM))
    worker = start_worker()
    master.says("breached at")
    worker.signal(number)
    verdict = promise.is_kept_by(master)
    assert verdict["reason"].startswith(GONE)
    worker.signal(signal.SIGKILL)  # nothing else gets through to one that hangs


@pytest.mark.promised("a worker hangs for a while and comes back")
def test_a_worker_comes_back(start_master, start_worker, promise):
    rules = ("p95 < 1s", "lost_workers < 1 else warn")
    master = start_master(workers=2, rules=rules)
    workers = [start_worker(), start_worker()]
    master.says(" total users)")
    workers[0].signal(signal.SIGSTOP)
    master.says("breached at")
    workers[0].signal(signal.SIGCONT)
    master.says("recovered at")
    master.signal(signal.SIGTERM)
    verdict = promise.is_kept_by(master)
    lost = verdict["rules"][1]
    assert (lost["state"], lost["value"]) == ("ok", 1)
    assert lost["breached_at"] < lost["recovered_at"]
    assert [worker.exit_code() for worker in workers] == [0, 0]


@pytest.mark.promised("a worker joins a running test")
def test_a_worker_comes_late(start_master, start_worker, scripted, promise):
    """The requests of the new one are judged, and its first report breaks no rate."""
    rules = (
        *("rps > 50 over 6s after ramp-up else stop", "rps < 200 over 6s after ramp-up else stop"),
        *("rps < 1 over 6s after ramp-up else warn", "rps of /late < 1 over 6s else warn"),
        *("workers < 2 else warn", "max of /late < 10ms else warn"),
    )
    master = start_master("--json", rules=rules)
    workers = [start_worker()]
    master.says("guarding by")
    workers.append(start_worker(locustfile=scripted.replace('name="/"', 'name="/late"')))
    for judged in ("workers was 2", "rps was", "rps of /late was"):  # so it is a while since
        master.says(judged)
    master.signal(signal.SIGTERM)
    verdict = promise.is_kept_by(master)
    text = master.output
    stats = json.loads(text[text.rindex("[\n    {") : text.rindex("]") + 1])
    counted = {entry["name"]: entry["num_requests"] for entry in stats}
    late = verdict["rules"][-1]
    assert (late["value"], late["requests"]) == (50, counted["/late"])
    assert [worker.exit_code() for worker in workers] == [0, 0]


@pytest.mark.promised("one of several workers is killed while users are being spawned")
def test_one_is_killed_during_the_ramp_up(start_master, start_worker, promise):
    judged = ("users < 8", "requests < 1")
    told = (f"{check} for 1s after ramp-up else warn" for check in judged)
    rules = ("p95 < 1s after ramp-up", *told)
    master = start_master("-u", "8", "-r", "1", workers=2, rules=rules)
    workers = [start_worker(), start_worker()]
    workers[0].says("heard test_start")
    workers[0].signal(signal.SIGKILL)
    # All are spawned on the one that is left, however late it reports them.
    master.says("users was 8")
    master.says("requests was")
    master.signal(signal.SIGTERM)
    promise.is_kept_by(master)
    assert workers[1].exit_code() == 0


@pytest.mark.promised("the only worker is killed while users are being spawned")
def test_the_only_one_is_killed_during_the_ramp_up(start_master, start_worker, promise):
    master = start_master("-u", "600", "-r", "1", rules=("p95 < 1s",))
    worker = start_worker()
    worker.says("heard test_start")
    worker.signal(signal.SIGKILL)
    assert promise.is_kept_by(master)["reason"].startswith(GONE)
    assert " total users)" not in master.output


@pytest.mark.promised("all workers are gone, with a web UI")
def test_all_workers_go_with_a_web_ui(start_master, start_worker, ui, promise):
    master = all_go_with_a_web_ui(start_master, start_worker, ui)
    assert master.process.poll() is None
    master.signal(signal.SIGTERM)
    assert promise.is_kept_by(master)["reason"].startswith(GONE)


@pytest.mark.promised("a worker is back after that, and a test is started")
def test_a_test_after_all_workers_went(start_master, start_worker, ui, scripted, promise):
    """Its guard knows nothing of what became of the test before (R2)."""
    master = all_go_with_a_web_ui(start_master, start_worker, ui)
    worker = start_worker(locustfile=scripted.replace('name="/"', 'name="/again"'))
    master.says("(index 1) reported as ready")
    ui.start()
    master.says("requests of /again was")
    master.signal(signal.SIGTERM)
    verdict = promise.is_kept_by(master, tests=2)
    assert verdict["rules"][0]["value"] == 0
    assert worker.exit_code() == 0


def all_go_with_a_web_ui(start_master, start_worker, ui):
    """Gives the master, whose first test is over."""
    rules = ("lost_workers < 1", "p95 < 1s", "requests of /again < 1 for 1s else warn")
    master = start_master("--autostart", *ui.options, headless=False, rules=rules)
    worker = start_worker()
    master.says(" total users)")
    worker.signal(signal.SIGKILL)
    master.says("verdict: inconclusive")
    return master


@pytest.mark.promised("workers never come, `--expect-workers-max-wait`")
@pytest.mark.parametrize("command", ["guarded", "plain"])
def test_workers_never_come(start_master, scripted, promise, command):
    """Locust itself gives up. No test began, so there is nothing to judge."""
    installing = "import guard\n\nguard.install()\n" + scripted
    master = start_master("--expect-workers-max-wait", "1", rules=("p95 < 1s",), command=command,
                          locustfile=installing)  # fmt: skip
    promise.is_left_by(master)
    assert master.says("Gave up waiting for workers to connect")


@pytest.mark.promised("the master is killed with -9")
def test_the_master_is_killed(start_master, start_worker, scripted, promise):
    """Its workers notice after a minute, by themselves; here they need not wait so long."""
    impatient = scripted + "\nimport locust.runners\nlocust.runners.MASTER_HEARTBEAT_TIMEOUT = 3\n"
    master = start_master(rules=("p95 < 1ms for 1s",))
    worker = start_worker(locustfile=impatient)
    master.says("breached at")
    master.signal(signal.SIGKILL)
    promise.is_left_by(master)
    assert worker.says("Didn't get heartbeat from master")
    assert worker.exit_code() == 0
