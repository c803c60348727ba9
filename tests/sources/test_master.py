"""Snapshots of a master, whose counts come in lumps."""

from __future__ import annotations

import pytest
from locust.env import Environment
from locust.runners import WorkerNode
from locust.stats import RequestStats

from guard.engine.guard import Guard
from guard.language.rulefile import parse_rules
from guard.rule import Selection, State
from guard.sources.master import MasterSource


class Master:
    """A master with workers that each make ten requests a second and report when told to."""

    def __init__(self, environment: Environment, workers: str, *selections: Selection) -> None:
        self.now = 0.0
        self.environment = environment
        self.runner = environment.create_master_runner("127.0.0.1", 0)
        for name in workers:
            self.runner.clients[name] = WorkerNode(name, state="running")
        self.source = MasterSource(environment, self.runner, selections, lambda: self.now)
        self._last = dict.fromkeys(workers, 0.0)

    def report(self, worker: str, at: float, ms: int = 50, name: str = "/") -> None:
        """The worker reports at this moment what it did since its last report."""
        stats = RequestStats()
        for _ in range(round(10 * (at - self._last[worker]))):
            stats.log_request("GET", name, ms, 0)
        self._last[worker] = self.now = at
        data = {
            "stats": stats.serialize_stats(),
            "stats_total": stats.total.get_stripped_report(),
            "errors": {},
            "user_classes_count": {"User": 1},
        }
        self.environment.events.worker_report.fire(client_id=worker, data=data)


@pytest.fixture
def master():
    environment = Environment()

    def make(workers: str, *selections: Selection) -> Master:
        return Master(environment, workers, *selections)

    yield make
    environment.runner.quit()


def test_a_round_is_complete_when_every_worker_has_reported(master):
    master = master("ab")
    read = master.source.read
    assert (read(None).total.requests, read(None).counted_until) == (0, 0.0)
    master.report("a", 1.0)  # 10 requests
    assert read(None).total.requests == 0
    master.report("b", 2.5)  # 25 requests
    assert (read(None).total.requests, read(None).counted_until) == (35, 2.5)
    master.report("a", 4.0)
    assert (read(None).total.requests, read(None).counted_until) == (35, 2.5)
    master.report("b", 5.5)
    assert (read(None).total.requests, read(None).counted_until) == (95, 5.5)
    assert read(None).lag == 3.0


def test_the_totals_hold_what_no_round_has_yet(master):
    master = master("ab")
    master.report("a", 1.0)
    assert master.source.read_totals(None).total.requests == 10


def test_a_worker_that_is_missing_is_not_waited_for(master):
    master = master("ab")
    master.runner.clients["b"].state = "missing"
    master.report("a", 1.0)
    assert master.source.read(None).total.requests == 10


def test_a_worker_that_does_not_report_holds_up_the_others_for_nine_seconds_at_most(master):
    master = master("ab")
    master.report("a", 3.0)
    for second in range(3, 10):
        master.now = second
        assert master.source.read(None).total.requests == 0
    master.now = 9.5
    assert (master.source.read(None).total.requests, master.source.read(None).counted_until) == (
        30,
        9.5,
    )


def test_reports_that_came_while_the_master_stood_still_are_waited_for(master):
    """It was suspended for 13 seconds; its workers were not."""
    master = master("a")
    for second in (1.0, 2.0):
        master.report("a", second)
        master.source.read(None)
    master.now = 15.0
    snapshot = master.source.read(None)
    assert (snapshot.total.requests, snapshot.counted_until) == (20, 2.0)
    master.report("a", 15.1)
    snapshot = master.source.read(None)
    assert (snapshot.total.requests, snapshot.counted_until) == (151, 15.1)


def test_a_round_that_nobody_read_is_in_the_next_one(master):
    """Its entries are left out of the next, for they have not changed in that one."""
    master = master("a", Selection("*"))
    master.report("a", 1.0, name="/first")
    master.report("a", 2.0, name="/second")
    entries = master.source.read(None).entries
    assert {key: counts.requests for key, counts in entries.items()} == {
        ("GET", "/first"): 10,
        ("GET", "/second"): 10,
    }
    assert master.source.read(None).entries == {}


def test_of_an_entry_in_two_unread_rounds_the_later_counts_stand(master):
    master = master("a", Selection("*"))
    master.report("a", 1.0)
    master.report("a", 2.0)
    assert master.source.read(None).entries["GET", "/"].requests == 20


def test_reports_are_answers_before_their_round_is_complete(master):
    """So that a system that answers is not taken for silent."""
    master = master("ab")
    master.report("a", 1.0)
    snapshot = master.source.read(None)
    assert (snapshot.answers, snapshot.total.requests) == (10, 0)


def test_totals_are_counted_until_the_moment_that_they_are_read(master):
    """Nothing comes any more that may have been made before."""
    master = master("ab")
    master.report("a", 1.0)
    totals = master.source.read_totals(None)
    assert (totals.counted_until, totals.lag) == (None, 0)


def workers_in(source):
    vitals = source.read(None).vitals
    return vitals.workers, vitals.lost_workers


def test_workers_that_are_lost(master):
    """Those that were seen and are not connected any more, for whatever reason."""
    master = master("abc")
    clients, source = master.runner.clients, master.source
    assert workers_in(source) == (3, 0)
    clients["a"].state = "missing"
    assert workers_in(source) == (2, 1)
    del clients["b"]
    assert workers_in(source) == (1, 2)
    clients["a"].state = "running"
    assert workers_in(source) == (2, 1)  # it was only late
    clients["d"] = WorkerNode("d", state="ready")
    assert workers_in(source) == (3, 1)  # another one takes the place, but b is lost


@pytest.mark.parametrize("state", ["ready", "spawning", "running"])
def test_workers_that_are_connected(master, state):
    master = master("ab")
    master.runner.clients["a"].state = state
    assert workers_in(master.source) == (2, 0)


def test_cpu_and_memory_are_those_of_the_busiest_worker(master):
    """Of one that is lost they are old; the master itself makes no load."""
    master = master("abc")
    master.runner.current_cpu_usage = 99
    vitals = master.source.read(None).vitals
    assert (vitals.cpu, vitals.memory) == (None, None)  # nobody has told yet
    figures = {"a": (30, 9_000), "b": (80, 2_000), "c": (95, 99_000)}
    for name, (cpu, memory) in figures.items():
        worker = master.runner.clients[name]
        worker.cpu_usage, worker.memory_usage = cpu, memory
    master.runner.clients["c"].state = "missing"
    vitals = master.source.read(None).vitals
    assert (vitals.cpu, vitals.memory) == (0.8, 9_000)


def test_exceptions_of_all_workers_count(master):
    """Also between rounds: they come in messages of their own."""
    master = master("ab")
    for worker, traceback in (("a", "x"), ("b", "x"), ("b", "y")):
        master.runner.log_exception(worker, "boom", traceback)
    assert master.source.read(None).vitals.exceptions == 3


def test_without_workers_nothing_is_known_of_them(master):
    master = master("a")
    master.source.read(None)
    del master.runner.clients["a"]
    vitals = master.source.read(None).vitals
    assert (vitals.workers, vitals.lost_workers, vitals.cpu, vitals.memory) == (0, 1, None, None)


def test_a_closed_source_listens_no_more(master):
    master = master("a")
    master.source.close()
    master.report("a", 1.0)
    assert master.source.read(None).total.requests == 0


@pytest.mark.parametrize("phase", [0.0, 0.4, 1.5, 2.9])
def test_a_steady_load_has_a_steady_rate(master, phase):
    """Two workers make 20 requests a second, whatever the moments at which each reports them."""
    master = master("ab")
    reports = [(3.0 * n + 0.05, "a") for n in range(20)]
    reports += [(3.0 * n + 0.05 + phase, "b") for n in range(20)]
    reports.sort()
    rules = b"rules: [rps > 19.9 over 10s after 3s, rps < 20.1 over 10s after 3s]"
    guard = Guard(parse_rules(rules, "rules.yaml"))
    states = []
    for second in range(1, 55):
        while reports and reports[0][0] <= second:
            at, worker = reports.pop(0)
            master.report(worker, at)
        master.now = float(second)
        guard.tick(master.source.read(None), master.now)
        states.append({result.state for result in guard.verdict().rules})
    assert states[-1] == {State.OK}
    assert all(state <= {State.OK, State.WAITING} for state in states)
    assert all(result.judged for result in guard.verdict().rules)
    assert guard.verdict().rules[0].value == pytest.approx(20, abs=0.1)


def test_a_rule_is_armed_only_when_no_older_request_can_come_any_more(master):
    """What a worker reports after the end of ramp-up it may have made three seconds before."""
    master = master("ab")
    (rule,) = parse_rules(b"rules: [max < 500ms after ramp-up else stop]", "rules.yaml")
    guard = Guard([rule])
    # Ramp-up ended at 5 s. The round that ends at 6.1 s lacks what a did since 3.2 s, which it
    # reports right after.
    for at, ms in ((3.2, 900), (6.2, 900), (9.2, 50), (12.2, 50)):
        for worker, moment in (("a", at), ("b", at + 2.9)):
            master.report(worker, moment, ms)
            guard.tick(master.source.read(5.0), moment)
    result = guard.verdict().rules[0]
    assert (result.state, result.value) == (State.OK, 50)
