"""What the rules language can say, judged on real Locust processes, with and without workers."""

from __future__ import annotations

import signal

import pytest

SHOP = """
import os
import time

import gevent
import locust.runners
from locust import User, constant, events, task

locust.runners.CPU_MONITOR_INTERVAL = 1  # instead of ten seconds

STARTED = time.monotonic()


class Customer(User):
    wait_time = constant(0.02)

    def ask(self, method, name, ms, error=None, size=100):
        events.request.fire(request_type=method, name=name, response_time=ms, response_length=size,
                            exception=error, context={})
"""


def shop(*lines):
    body = "".join(f"        {line}\n" for line in lines)
    return f"{SHOP}\n    @task\n    def buy(self):\n{body}"


MODES = pytest.mark.parametrize("workers", [0, 2], ids=["standalone", "two workers"])


@pytest.fixture
def run(start, ports):
    """Run the shop under rules, with so many workers."""

    def run(workers, *options, rules, locustfile):
        distributed = ("--processes", str(workers), *ports) if workers else ()
        return start("-u", "4", "-r", "4", *options, *distributed, rules=rules,
                     locustfile=locustfile)  # fmt: skip

    return run


@MODES
def test_each_entry_is_judged_on_its_own(run, workers):
    """The mean of all is far below the limit; the one slow entry, which comes late, is not."""
    locustfile = shop(
        "self.ask('GET', '/item/1', 50)",
        "self.ask('GET', '/item/[id]?', 60)",
        "if time.monotonic() - STARTED > 4: self.ask('POST', '/item/late', 900)",
        "self.ask('GET', '/home', 2000)",
    )
    process = run(workers, "-t", "60s", locustfile=locustfile, rules="""
rules:
  - p95 of each /item/* < 500ms over 6s min_requests 20 else stop
  - avg of /item/* < 500ms
""")  # fmt: skip
    assert process.exit_code() == 3, process.output
    verdict = process.verdict
    states = {rule["entry"]: rule["state"] for rule in verdict["rules"][:-1]}
    assert states == {"GET /item/1": "ok", "GET /item/[id]?": "ok", "POST /item/late": "breached"}
    assert verdict["reason"].startswith("p95 of POST /item/late was 900 ms over 6 s")
    late = next(rule for rule in verdict["rules"] if rule["entry"] == "POST /item/late")
    assert late["breached_at"] >= 8  # it appeared when 2 s had passed at the earliest
    assert verdict["rules"][-1]["outcome"] == "pass"


@MODES
def test_failures_are_told_apart_by_their_text(run, workers):
    """Two in ten say 503, one in ten says that it timed out. One worker is like all."""
    locustfile = shop(
        "texts = [RuntimeError('503 Service'), '503', TimeoutError('it timed out')] + [None] * 7",
        "for text in texts: self.ask('GET', '/a', 50, text)",
        "self.ask('GET', '/b', 50, TimeoutError('it timed out'))",
    )
    process = run(workers, "-t", "9s", locustfile=locustfile, rules="""
rules:
  - fail_ratio("*503*") of /a < 15%
  - fail_ratio("*timed out*") of /a < 15%
  - fail_ratio("*timed out*") of each * < 15%
  - failures("503") of /a > 0
  - failures("nothing like it") == 0
""")  # fmt: skip
    assert process.exit_code() == 3, process.output
    rules = process.verdict["rules"]
    values = {(rule["check"], rule["entry"]): rule["value"] for rule in rules}
    assert values['fail_ratio("*503*") of /a < 15%', "/a"] == pytest.approx(0.2)
    assert values['fail_ratio("*timed out*") of /a < 15%', "/a"] == pytest.approx(0.1)
    assert values['fail_ratio("*timed out*") of each * < 15%', "GET /b"] == 1.0
    failed = {(rule["check"], rule["entry"]) for rule in rules if rule["outcome"] == "fail"}
    assert failed == {
        ('fail_ratio("*503*") of /a < 15%', "/a"),
        ('fail_ratio("*timed out*") of each * < 15%', "GET /b"),
    }


@MODES
def test_metrics_of_the_run(run, workers):
    """The same rules hold with workers and without; each metric has been read (N10)."""
    locustfile = shop("self.ask('GET', '/', 50, size=5000)", "sum(range(100_000))")
    process = run(workers, "-t", "12s", locustfile=locustfile, rules=f"""
rules:
  - users == 4 after ramp-up + 2s
  - workers == {workers or 1} after ramp-up
  - lost_workers == 0
  - cpu > 0.01%
  - cpu < 100%
  - memory > 10MB
  - memory < 4GB
  - exceptions == 0
  - silence < 6s
  - content_length == 5kB
""")  # fmt: skip
    assert process.exit_code() == 0, process.output
    rules = process.verdict["rules"]
    assert {rule["outcome"] for rule in rules} == {"pass"}
    assert all(rule["value"] is not None for rule in rules)
    of_run = [(rule["entry"], rule["requests"]) for rule in rules[:-1]]
    assert of_run == [(None, None)] * 9


@MODES
def test_a_saturated_generator_voids_the_run(run, workers):
    locustfile = shop("self.ask('GET', '/', 50)", "sum(range(1_000_000))")
    process = run(workers, "-t", "30s", locustfile=locustfile, rules="""
rules:
  - requests > 0
  - cpu < 20% for 2s else void
""")  # fmt: skip
    process.says("breached at")
    process.signal(signal.SIGINT)
    assert process.exit_code() == 4, process.output
    assert process.verdict["outcome"] == "inconclusive"
    assert process.verdict["reason"].startswith("cpu was ")


@MODES
def test_silence_stops_a_run_whose_target_hangs(run, workers):
    """Requests in flight are not counted, so every other metric stands still (N3)."""
    locustfile = shop(
        "if time.monotonic() - STARTED > 6: gevent.sleep(600)",
        "self.ask('GET', '/', 50)",
    )
    process = run(workers, "-t", "120s", locustfile=locustfile, rules="""
rules: [silence < 5s else stop, p95 < 1s]
""")  # fmt: skip
    assert process.exit_code() == 3, process.output
    rule = process.verdict["rules"][0]
    assert (rule["state"], rule["unit"]) == ("breached", "s")
    assert 5 <= rule["value"] < 8
    assert process.verdict["stopped_at"] < 25


@MODES
def test_exceptions_of_user_code(run, workers):
    """They are no failed requests, and Locust keeps them apart (N9)."""
    locustfile = shop("self.ask('GET', '/', 50)", "raise KeyError('no such basket')")
    process = run(workers, "-t", "60s", locustfile=locustfile, rules="""
rules: [exceptions < 10 else stop]
""")  # fmt: skip
    assert process.exit_code() == 3, process.output
    assert process.verdict["rules"][0]["value"] >= 10


def test_a_lost_worker_stops_the_run(start, ports):
    locustfile = shop("self.ask('GET', '/', 50)")
    options = {"command": "plain", "headless": False, "locustfile": locustfile}
    workers = [start("--worker", *ports, **options) for _ in range(2)]
    master = start("--master", *ports, "--expect-workers", "2", "-u", "4", "-t", "120s",
                   locustfile=locustfile, rules="""
rules:
  - lost_workers == 0 else stop
  - requests < 1 over 6s else warn
""")  # fmt: skip
    master.says("breached at")  # the second rule tells that there were requests
    workers[0].signal(signal.SIGKILL)
    assert master.exit_code() == 3, master.output
    assert master.verdict["reason"].startswith("lost_workers was 1, must be == 0")


SHAPE = """

from locust import LoadTestShape


class Steps(LoadTestShape):
    def tick(self):
        if self.get_run_time() < 4:
            return 2, 2
        if self.get_run_time() < 12:
            return 4, 2
        return None
"""


@pytest.mark.parametrize("options", [(), ("--reset-stats",)], ids=["", "with --reset-stats"])
@MODES
def test_rules_are_armed_at_the_end_of_the_first_ramp_up(run, workers, options):
    """Also with a shape, each stage of which ends with a ramp-up of its own (N2)."""
    locustfile = shop("self.ask('GET', '/', 50)") + SHAPE
    process = run(workers, *options, locustfile=locustfile, rules="""
rules:
  - users >= 2 after ramp-up else stop
  - users < 2 after 0s else warn
  - requests > 1 after ramp-up + 1s else stop
""")  # fmt: skip
    assert process.exit_code() == 0, process.output
    assert [rule["outcome"] for rule in process.verdict["rules"]] == ["pass"] * 3
    assert process.verdict["rules"][1]["breached_at"] is not None


ODD_NAMES = [
    "/item/[id]",
    "/search?q=a*b",
    "my basket",
    "/caf\u00e9/\u6771\u4eac",
    "say \"hi\" & 'bye'",
]


@MODES
def test_odd_names_of_requests(run, workers):
    """Brackets, question marks, spaces, quotes and Unicode stand for themselves (N8), and a rule
    that looks for a name that nobody uses adds no line to Locust's report (N7)."""
    locustfile = shop(f"for name in {ODD_NAMES!r}: self.ask('GET', name, 50)")
    process = run(workers, "-t", "9s", locustfile=locustfile, rules="""
rules:
  - max of /item/[id] < 1s
  - max of /search?q=* < 1s
  - max of "my basket" < 1s
  - max of GET /caf\u00e9/\u6771\u4eac < 1s
  - max of "say \\"hi\\" & 'bye'" < 1s
  - check: max of /nowhere < 1s
    no_data: pass
  - max of /item/i < 1s no_data pass
""")  # fmt: skip
    assert process.exit_code() == 0, process.output
    *odd, nowhere, bracket = process.verdict["rules"]
    assert [rule["value"] for rule in odd] == [50] * 5
    assert (nowhere["value"], bracket["value"]) == (None, None)
    report = process.output[: process.output.index("Verdict: ")]
    assert "GET      /nowhere" not in report


@MODES
def test_requests_without_a_response_time(run, workers):
    """They count as requests, and in no percentile (N6). Response times are rounded as Locust
    rounds them: 1234 ms is 1200 ms (N5)."""
    locustfile = shop("for ms in (None, None, 1234): self.ask('GET', '/', ms)")
    process = run(workers, "-t", "9s", locustfile=locustfile, rules="""
rules: [p1 >= 1200ms, p1 <= 1200ms, max >= 1234ms, requests > 0]
""")  # fmt: skip
    assert process.exit_code() == 0, process.output
    low, high, largest, requests = process.verdict["rules"]
    assert (low["value"], high["value"], largest["value"]) == (1200, 1200, 1234)
    assert requests["value"] > 2
