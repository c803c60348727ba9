"""With a web UI the process outlives its tests."""

from __future__ import annotations

import signal

import pytest
from browser import Browser

STOP = "rules: [max < 500ms else stop]"
RULES = """
rules:
  - max < 500ms else stop
  - requests < 1 over 1s else warn
"""
"""The second rule tells that there were requests."""

QUICK_REPORTS = """
import locust.runners
locust.runners.WORKER_REPORT_INTERVAL = 0.5
"""
"""The verdict on a master waits for two reports."""

SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return (1 + int(seconds // 2), 10) if seconds < 120 else None
"""


@pytest.fixture
def start_ui(start, free_port):
    """Start Locust with a web UI. Gives the run and a browser on it."""

    def start_ui(*options, **others):
        others.setdefault("rules", RULES)
        browser = Browser(free_port())
        return start(*browser.options, *options, headless=False, **others), browser

    return start_ui


def bad_test(run, browser, verdicts):
    """Start a test that the guard stops, and wait for its verdict."""
    browser.start(slow_after=0)
    run.says("verdict: ", times=verdicts)
    assert run.verdict["outcome"] == "fail"
    assert run.verdict["stopped"] is True


def good_test(run, browser, verdicts):
    """Start a test that breaks no rule, and stop it by hand once it had requests."""
    breaches = run.output.count("breached at")
    browser.start(slow_after=10000)
    run.says("breached at", times=breaches + 1)
    browser.stop()
    run.says("verdict: ", times=verdicts)
    assert run.verdict["outcome"] == "pass"
    assert run.verdict["stopped"] is False


PASS_AFTER_FAIL = [
    pytest.param(
        bad_test, good_test, id="bad, then good",
        marks=pytest.mark.promised("web UI, a bad test and then a good one"),
    ),
    pytest.param(
        good_test, bad_test, id="good, then bad",
        marks=pytest.mark.promised("web UI, a good test and then a bad one"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("command", ["guarded", "plain"])
@pytest.mark.parametrize(("first", "second"), PASS_AFTER_FAIL)
def test_two_tests(start_ui, scripted, promise, first, second, command):  # noqa: PLR0917 - a table
    """Each has a guard of its own (R2) that ``stop()``s it (S1) and reads the numbers anew (N1).
    The exit code is that of the last (X6)."""
    run, browser = start_ui(
        command=command, locustfile=f"import guard; guard.install()\n{scripted}"
    )
    first(run, browser, 1)
    second(run, browser, 2)
    assert browser.stats()["state"] == "stopped"
    if second is good_test:  # else the verdict has the requests up to the breach
        (entry, _) = browser.stats()["stats"]
        assert run.verdict["rules"][0]["requests"] == entry["num_requests"]
    run.signal(signal.SIGTERM)
    promise.is_kept_in_good_order_by(run, tests=2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            bad_test, good_test, id="bad, then good",
            marks=pytest.mark.promised("web UI of a master, a bad test and then a good one"),
        ),
        pytest.param(
            good_test, bad_test, id="good, then bad",
            marks=pytest.mark.promised("web UI of a master, a good test and then a bad one"),
        ),
    ],
)  # fmt: skip
def test_two_tests_of_a_master(  # noqa: PLR0917 - a table
    start, start_ui, scripted, ports, promise, first, second
):
    """The workers stay, too."""
    locustfile = scripted + QUICK_REPORTS
    workers = [start("--worker", *ports, headless=False, locustfile=locustfile) for _ in range(2)]
    run, browser = start_ui("--master", *ports, locustfile=locustfile)
    run.says("2 workers connected")
    first(run, browser, 1)
    run.says("2 workers connected", times=2)
    second(run, browser, 2)
    assert all(worker.process.poll() is None for worker in workers)
    run.signal(signal.SIGTERM)
    promise.is_kept_in_good_order_by(run, tests=2)
    for worker in workers:
        assert worker.exit_code() == 0
        assert worker.left_over() == []


@pytest.mark.promised("web UI, `LoadTestShape`, two tests")
def test_shape_twice(start_ui, scripted, promise):
    """A shape that was stopped can be started again."""
    run, browser = start_ui("--reset-stats", locustfile=scripted + SHAPE)
    bad_test(run, browser, 1)
    bad_test(run, browser, 2)
    run.signal(signal.SIGTERM)
    promise.is_kept_in_good_order_by(run, tests=2)


@pytest.mark.promised("web UI of a master, `LoadTestShape`, two tests")
def test_shape_of_a_master_twice(start_ui, scripted, ports, promise):
    run, browser = start_ui("--processes", "2", *ports, "--reset-stats",
                            locustfile=scripted + QUICK_REPORTS + SHAPE)  # fmt: skip
    run.says("2 workers connected")
    bad_test(run, browser, 1)
    run.says("2 workers connected", times=2)
    bad_test(run, browser, 2)
    run.signal(signal.SIGTERM)
    promise.is_kept_in_good_order_by(run, tests=2)


@pytest.mark.promised("`--autostart`")
def test_autostart(start_ui, promise):
    """The process stays, its page can be loaded, and loading it, which parses the options anew,
    leaves the verdict alone."""
    run, browser = start_ui("--autostart", "-u", "2", "-t", "2h", "--slow-after", "1")
    run.says("verdict: ")
    assert "Locust" in browser.page()
    assert run.verdict["final"] is True
    run.signal(signal.SIGTERM)
    promise.is_kept_in_good_order_by(run)


AUTOQUIT = ("--autostart", "--autoquit", "1", "-u", "2", "--slow-after", "1")


@pytest.mark.promised("`--autostart --autoquit N`")
def test_autoquit(start_ui, promise):
    """Locust quits only after an end of its own (S2), which is hours away."""
    run, _ = start_ui(*AUTOQUIT, "-t", "2h")
    promise.is_kept_in_good_order_by(run)


@pytest.mark.promised("`--autostart --autoquit N` and `LoadTestShape`")
def test_autoquit_with_a_shape(start_ui, scripted, promise):
    """Here Locust takes the guard's stop for the end of the shape, and quits as well (S3)."""
    run, _ = start_ui(*AUTOQUIT, locustfile=scripted + SHAPE)
    promise.is_kept_in_good_order_by(run)


@pytest.mark.promised("`--autostart --autoquit N` and `--processes N`")
def test_autoquit_of_a_master(start_ui, scripted, ports, promise):
    run, _ = start_ui(*AUTOQUIT, "-t", "2h", "--processes", "2", *ports,
                      locustfile=scripted + QUICK_REPORTS)  # fmt: skip
    promise.is_kept_in_good_order_by(run)


@pytest.mark.promised("`--autostart --autoquit N`, and the run time ends first")
def test_autoquit_after_the_run_time(start_ui, promise):
    run, _ = start_ui("--autostart", "--autoquit", "1", "-u", "2", "-t", "2s", rules=STOP)
    promise.is_kept_in_good_order_by(run)


TAB = """

@events.init.add_listener
def add_tab(web_ui, **_):
    print("web UI:", web_ui, flush=True)
    if web_ui is None:
        return
    web_ui.template_args["extended_tabs"] = [{"title": "Sizes of mine", "key": "sizes"}]
    web_ui.template_args["extended_tables"] = [
        {"key": "sizes", "structure": [{"key": "name", "title": "Name"}]}
    ]

    @web_ui.app.after_request
    def extend(answer):
        from flask import request

        if request.path == "/stats/requests":
            more = {"extended_stats": [{"key": "sizes", "data": [{"name": "of mine"}]}]}
            answer.set_data(json.dumps(json.loads(answer.get_data()) | more))
        return answer
"""


def test_a_tab_of_the_locustfiles_own(start_ui, scripted):
    """It works under guard as without (W1)."""
    found = []
    for options in ((), ("--guard-off",)):
        locustfile = "import json\n" + scripted + TAB
        run, browser = start_ui("--autostart", "-u", "1", *options, locustfile=locustfile)
        assert "Sizes of mine" in browser.page()
        requests = browser.stats()
        assert requests["extended_stats"] == [{"key": "sizes", "data": [{"name": "of mine"}]}]
        found.append(requests.keys())
        run.signal(signal.SIGTERM)
        run.exit_code()
    assert found[0] == found[1]


def test_there_is_no_web_ui_when_headless(start, scripted):
    """Listeners of ``init`` see that as without the guard (W3)."""
    run = start("-u", "1", "-t", "1s", rules=STOP, locustfile="import json\n" + scripted + TAB)
    assert run.says("web UI: None")
    assert run.exit_code() == 0


LOGIN = """

@events.init.add_listener
def set_up_login(web_ui, **_):
    web_ui.app.secret_key = "for the test"
    web_ui._login_manager.user_loader(lambda user: None)
    print("routes:", sorted(map(str, web_ui.app.url_map.iter_rules())), flush=True)
"""


@pytest.mark.promised("`--web-base-path` and `--web-login`")
def test_base_path_and_login(start_ui, scripted, promise):
    """The guard adds no routes, so there are none to protect (W2)."""
    options = ("--web-base-path", "/load", "--web-login")
    off, _ = start_ui(*options, "--guard-off", locustfile=scripted + LOGIN)
    unguarded = off.says("routes: ")
    run, _ = start_ui(*options, *AUTOQUIT, locustfile=scripted + LOGIN)
    assert run.says("routes: ") == unguarded
    assert "/load/stats/requests" in unguarded
    promise.is_kept_in_good_order_by(run)
