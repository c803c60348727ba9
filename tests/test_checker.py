"""One environment under guard, as far as no process is needed."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest
from freezegun import freeze_time
from locust.env import Environment

from guard.checker import Checker
from guard.language.rulefile import parse_rules

RULES = parse_rules(b"rules: [p95 < 1s]", "rules.yaml")


@pytest.fixture
def environment():
    environment = Environment()
    environment.create_local_runner()
    yield environment
    environment.runner.quit()


def test_the_verdict_file_tells_when_the_test_began_in_utc(environment, tmp_path):
    file = tmp_path / "verdict.json"
    checker = Checker(environment, RULES, "rules.yaml", "a test", files={"json": file})
    with freeze_time("2026-01-01 12:00:00"):
        checker.on_quitting()  # no test was started, so this is its beginning and its end
    assert json.loads(file.read_text())["started"] == "2026-01-01T12:00:00+00:00"


def test_a_password_of_the_host_is_not_told(environment, tmp_path):
    environment.host = "https://me:s3cr3t@shop.example:8443/a@b"
    file = tmp_path / "verdict.json"
    Checker(environment, RULES, "rules.yaml", "a test", files={"json": file}).on_quitting()
    assert json.loads(file.read_text())["host"] == "https://shop.example:8443/a@b"


def test_a_headless_process_that_never_started_a_test_is_inconclusive(environment):
    checker = Checker(environment, RULES, "rules.yaml", "a test")
    assert checker.verdict is None
    checker.on_quitting()
    assert environment.process_exit_code == 4
    assert checker.verdict.reason.startswith("the run was ended before a test had begun")


def test_a_fresh_guard_for_each_test(environment):
    """R2: the second test must not go unguarded, nor be judged by the first."""
    checker = Checker(environment, RULES, "rules.yaml", "a test")
    environment.events.test_start.fire(environment=environment)
    environment.stats.log_request("GET", "/", 5000, 0)
    environment.events.test_stopping.fire(environment=environment)
    environment.events.test_stop.fire(environment=environment)
    assert checker.verdict.outcome.value == "fail"
    environment.stats.clear_all()
    environment.events.test_start.fire(environment=environment)
    environment.stats.log_request("GET", "/", 50, 0)
    environment.events.test_stopping.fire(environment=environment)
    assert checker.verdict.outcome.value == "pass"
    checker.on_quitting()
    assert environment.process_exit_code == 0


@pytest.mark.parametrize(
    ("host", "tls", "path", "link"),
    [
        ("127.0.0.1", None, None, "http://127.0.0.1:8089"),
        ("", None, "", f"http://{socket.gethostname()}:8089"),
        ("0.0.0.0", "cert", "/load", f"https://{socket.gethostname()}:8089/load"),  # noqa: S104
        ("::1", None, None, "http://[::1]:8089"),
    ],
)
def test_reports_link_to_the_web_ui(environment, host, tls, path, link):
    environment.web_ui = SimpleNamespace(host=host, port=8089, tls_cert=tls, tls_key=tls)
    environment.parsed_options = SimpleNamespace(web_base_path=path)
    assert link_of(environment) == link
    environment.web_ui = None


def test_reports_link_to_the_job_where_there_is_no_web_ui(environment, monkeypatch):
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example/-/jobs/1")
    assert link_of(environment) == "https://gitlab.example/-/jobs/1"


def link_of(environment):
    return Checker(environment, RULES, "rules.yaml", "a test")._about().link
