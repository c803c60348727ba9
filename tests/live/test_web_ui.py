"""With a web UI the process outlives its tests."""

from __future__ import annotations

import signal
import urllib.request


def test_autoquit_after_the_guard_stopped_the_run(start, free_port):
    """Locust quits only after an end of its own (S2); the run time is hours away."""
    ui = ("--autostart", "--autoquit", "1", "--web-host", "127.0.0.1", "--web-port")
    run = start(
        *(*ui, str(free_port()), "-u", "1", "-t", "2h"),
        rules="rules: [max < 10ms else stop]",
        headless=False,
    )
    assert run.exit_code(30) == 3
    assert run.verdict["final"] is True
    assert len(run.verdict_lines()) == 1


def test_loading_the_page_leaves_the_verdict_alone(start, free_port):
    """The page parses the options anew. The process stays after the guard's stop (S1)."""
    port = str(free_port())
    run = start(
        *("--autostart", "--web-host", "127.0.0.1", "--web-port", port, "-u", "1"),
        rules="rules: [max < 10ms else stop]",
        headless=False,
    )
    run.says("Verdict: fail")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
        assert page.status == 200
    assert run.verdict["final"] is True
    run.signal(signal.SIGTERM)
    assert run.exit_code() == 3
    assert len(run.verdict_lines()) == 1
