"""One environment under guard: what its events mean for its tests, and its exit code."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import gevent
import locust
from locust import log as locust_log
from locust.env import Environment
from locust.runners import MasterRunner

from guard.effects import Effect
from guard.effects.console import Console
from guard.effects.verdict_file import VerdictFile
from guard.engine.guard import Guard, widened
from guard.engine.verdict import Verdict, process_exit_code
from guard.rule import Rule, timespan_text
from guard.sources.live import report_interval
from guard.version import __version__
from guard.watch import Watch

logger = logging.getLogger("guard")


class Unguarded:
    """``environment.guard`` where nothing is judged: on workers and with ``--guard-off``."""

    verdict: None = None


class Checker:
    """Guards an environment: a fresh guard for each of its tests. ``environment.guard`` is one.

    Args:
        environment: The environment, with its runner.
        rules: What to judge by.
        rules_file: Where the rules come from, for people.
        json_file: Where to keep the verdict, if anywhere.
    """

    def __init__(
        self,
        environment: Environment,
        rules: Sequence[Rule],
        rules_file: str,
        json_file: Path | None,
    ) -> None:
        self._environment = environment
        self._rules = rules
        self._rules_file = rules_file
        self._json_file = json_file
        self._watch: Watch | None = None
        Guard(rules)  # what can't be guarded shows now, while Locust still refuses to start
        events = environment.events
        events.test_start.add_listener(self._on_test_start)
        events.spawning_complete.add_listener(self._on_spawning_complete)
        events.test_stopping.add_listener(self._on_test_stopping)
        events.test_stop.add_listener(self._on_test_stop)
        events.quit.add_listener(self._on_quit)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the current or last test as it stands; None before the first test."""
        return self._watch.verdict if self._watch else None

    def on_quitting(self) -> None:
        """Conclude and set the exit code."""
        if self._watch is None:
            if self._environment.web_ui is not None:
                return  # nobody started a test
            self._watch = self._new_watch()
        self._watch.conclude()
        environment, runner = self._environment, self._environment.runner
        exceptions = runner is not None and bool(runner.exceptions)
        environment.process_exit_code = process_exit_code(
            self._watch.verdict,
            environment.process_exit_code,
            exceptions or locust_log.unhandled_greenlet_exception,
        )

    def _new_watch(self) -> Watch:
        interval = report_interval(self._environment)
        rules, short = widened(self._rules, 2 * interval)
        for rule in short:
            logger.warning(
                "%s: its window is widened to %s, because workers report only every %s",
                rule.name,
                timespan_text(2 * interval),
                timespan_text(interval),
            )
        effects: list[Effect] = [Console(rules, self._rules_file)]
        if self._json_file is not None:
            # What is said is on record already, also when the process is killed right after.
            effects.insert(0, VerdictFile(self._json_file, _about_the_run()))
        return Watch(self._environment, Guard(rules), effects)

    def _on_test_start(self, **_: Any) -> None:
        if self._watch is not None:
            self._watch.close()
        self._watch = self._new_watch()
        try:
            self._watch.begin()
        except Exception as error:  # noqa: BLE001 - Locust would swallow it and go on unguarded
            self._watch.fail(error)

    def _on_spawning_complete(self, **_: Any) -> None:
        if self._watch is not None:
            self._watch.ramped_up()

    def _on_test_stopping(self, **_: Any) -> None:
        if self._watch is None:
            return
        runner = self._environment.runner
        if isinstance(runner, MasterRunner) and runner.worker_count == 0:
            self._watch.workers_gone()
        self._watch.load_ended()

    def _on_test_stop(self, **_: Any) -> None:
        if self._watch is None:
            return
        self._watch.ended()
        if self._environment.web_ui is not None:
            # The process stays, so nothing else asks for the verdict once the last reports are in.
            last_reports = 2 * report_interval(self._environment)
            gevent.spawn_later(last_reports, self._watch.close)

    def _on_quit(self, exit_code: int, **_: Any) -> None:
        if self._watch is not None:
            self._watch.close(exit_code)


def set_clock() -> None:
    """Let Locust's event loop look at the clock, which it did last before all the imports, ours
    among them. The timer for ``--run-time``, which comes next, would go off early by that time."""
    gevent.get_hub().loop.update_now()


def _about_the_run() -> dict[str, Any]:
    """What the verdict file tells beside the verdict."""
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "guard_version": __version__,
        "locust_version": locust.__version__,
    }
