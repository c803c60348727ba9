"""One environment under guard: what its events mean for its tests, and its exit code."""

from __future__ import annotations

import atexit
import logging
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gevent
import locust
from locust import log as locust_log
from locust.env import Environment
from locust.event import EventHook
from locust.runners import MasterRunner, WorkerRunner

from guard.destination import Destination
from guard.effects.about import About
from guard.effects.ci import job_link
from guard.effects.ci_report import CiReport, Job
from guard.effects.console import Console
from guard.effects.listeners import Listeners
from guard.effects.notify import Notifier
from guard.effects.report_files import KINDS
from guard.effects.stop import seconds_to_stay, stop_users
from guard.engine.guard import Guard, widened
from guard.engine.verdict import Verdict, process_exit_code
from guard.process import Process
from guard.rule import Rule, timespan_text
from guard.sources.live import report_interval
from guard.version import __version__
from guard.watch import Watch

logger = logging.getLogger("guard")

WAIT_FOR_WORKERS = 60.0
"""Seconds, after ``--stop-timeout``, for which Locust waits for its workers to stop."""

PARTING = 2.0
"""Seconds at most to take leave of workers in a process that is about to end."""


class Unguarded:
    """``environment.guard`` where nothing is judged: on workers and with ``--guard-off``."""

    verdict: None = None


class Checker:
    """Guards an environment: a fresh guard for each of its tests. ``environment.guard`` is one.

    Args:
        environment: The environment; its runner may come later.
        rules: What to judge by.
        rules_file: Where the rules come from, for people.
        title: What the tests are called.
        files: Where to keep which reports, by the name of their kind.
        stop_deadline: Seconds that a test may take to end; None for what Locust itself waits for
            workers at most.
        process: The process, where it is there for this environment alone. Else the environment is
            part of a program of the user's.
        job: The CI job that is to be told of the run, if one is.
        destinations: Who is told of the run, by messages.
    """

    def __init__(
        self,
        environment: Environment,
        rules: Sequence[Rule],
        rules_file: str,
        title: str,
        *,
        files: Mapping[str, Path] = MappingProxyType({}),
        stop_deadline: float | None = None,
        process: Process | None = None,
        job: Job | None = None,
        destinations: Sequence[Destination] = (),
    ) -> None:
        self._environment = environment
        self._job = job
        self._rules = rules
        self._rules_file = rules_file
        self._title = title
        self._files = files
        self._stop_deadline = stop_deadline
        self._process = process
        self._destinations = destinations
        self._watch: Watch | None = None
        self._is_quitting = False
        Guard(rules)  # what can't be guarded shows now, while Locust still refuses to start
        if process is None:
            atexit.register(self.linger)
        events = environment.events
        events.test_start.add_listener(self._on_test_start)
        events.test_stopping.add_listener(self.on_test_stopping)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._on_first_quitting)
        events.quit.add_listener(self._on_quit)

    @property
    def stop_deadline(self) -> float:
        """Seconds that a test may take to end."""
        if self._stop_deadline is not None:
            return self._stop_deadline
        return (self._environment.stop_timeout or 0) + WAIT_FOR_WORKERS

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the current or last test as it stands; None before the first test."""
        return self._watch.verdict if self._watch else None

    def conclude(self) -> Verdict | None:
        """Judge the last test on its final totals, now. Later calls change nothing.

        It is done by itself when a test is over: on a master, once the last reports of the workers
        can have come.

        Returns:
            The final verdict; None if there was no test.
        """
        if self._watch is not None:
            self._watch.close()
        return self.verdict

    def on_test_stopping(self, **_: Any) -> None:
        """Note that users are being stopped. Later calls change nothing."""
        if self._watch is None:
            return
        runner = self._environment.runner
        # Ctrl-C in a terminal goes to the workers too, which then leave of their own accord.
        if isinstance(runner, MasterRunner) and runner.worker_count == 0 and not self._is_quitting:
            self._watch.workers_gone()
        self._watch.stopping()

    def on_quitting(self) -> None:
        """Conclude and set the exit code."""
        runner = self._environment.runner
        if runner is not None:
            stop_users(runner)  # as a master does by itself, so that the totals are final
        self._expect_a_test()
        if self._watch is not None:
            self._watch.conclude()
            self._environment.process_exit_code = self.exit_code()

    def exit_code(self) -> int | None:
        """The code to exit with, by the verdict as it stands; None where Locust is to decide."""
        environment, runner = self._environment, self._environment.runner
        if self._watch is None:
            return None
        exceptions = runner is not None and bool(runner.exceptions)
        return process_exit_code(
            self._watch.verdict,
            environment.process_exit_code,
            exceptions or locust_log.unhandled_greenlet_exception,
        )

    def release_workers(self) -> None:
        """Tell the workers that it is over, without waiting for them to end."""
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            try:
                gevent.with_timeout(PARTING, runner.quit, timeout_value=None)
            except Exception:
                logger.exception("can't tell the workers that it is over")

    def leave(self, *, interrupted: bool) -> None:
        """Leave the verdict, without waiting for anything."""
        if interrupted:
            self._expect_a_test()
        self.conclude()

    def linger(self) -> None:
        """Wait for messages and listeners that are on their way, before the process exits."""
        if self._watch is not None:
            with suppress(KeyboardInterrupt):
                self._watch.linger()

    def _expect_a_test(self) -> None:
        """A process that starts its test by itself, and ends without one, has a verdict too."""
        web_ui, options = self._environment.web_ui, self._environment.parsed_options
        starts_by_itself = web_ui is None or (options is not None and options.autostart)
        if self._watch is None and starts_by_itself:
            self._watch = self._new_watch()
            self._watch.distrust("the run was ended before a test had begun")

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
        about = self._about()
        # What is said is on record already, also when the process is killed right after.
        effects = [KINDS[name].effect(path, about) for name, path in self._files.items()]
        if self._job is None:
            effects.append(Console(rules, self._rules_file, self._process is not None))
        else:
            began = datetime.fromisoformat(about.started).timestamp()
            report = CiReport(self._job, about, began, self._files.get("junit"))
            effects += [Console(rules, self._rules_file, fold=report.fold), report]
        if self._destinations:
            effects.append(Notifier(self._destinations, about))
        effects.append(Listeners(self._environment))  # last, because a stop waits for them
        return Watch(self._environment, Guard(rules), effects, self.stop_deadline, self._process)

    def _about(self) -> About:
        return About(
            title=self._title,
            host=_host_of(self._environment),
            rules_file=self._rules_file,
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            guard_version=__version__,
            locust_version=locust.__version__,
            link=_web_link(self._environment) or job_link(os.environ),
        )

    def _on_test_start(self, **_: Any) -> None:
        if isinstance(self._environment.runner, WorkerRunner):
            return  # its master judges
        if self._watch is not None:
            self._watch.close()
        if self._process is not None:
            self._process.test_starts()
        events = self._environment.events
        self._be_last(events.spawning_complete, self._on_spawning_complete)
        self._be_last(events.test_stopping, self._after_test_stopping)
        self._be_last(events.test_stop, self._after_test_stop)
        self._watch = self._new_watch()
        try:
            self._watch.begin()
        except Exception as error:  # noqa: BLE001 - Locust would swallow it and go on unguarded
            self._watch.fail(error)

    @staticmethod
    def _be_last(event: EventHook, listener: Callable[..., None]) -> None:
        """Have it called after those that are there by now."""
        with suppress(ValueError):
            event.remove_listener(listener)
        event.add_listener(listener)

    def _on_spawning_complete(self, **_: Any) -> None:
        """Called after other listeners, Locust's own among them."""
        if self._watch is not None:
            self._watch.ramped_up()

    def _on_test_stop(self, **_: Any) -> None:
        if self._watch is None:
            return
        self._watch.ended()
        if self._process is None or self._environment.web_ui is not None:
            # The process stays, so nothing else asks for the verdict once the last reports are in.
            if last_reports := 2 * report_interval(self._environment):
                gevent.spawn_later(last_reports, self._watch.close)
            else:
                self._watch.close()

    def _after_test_stopping(self, **_: Any) -> None:
        """Called after other listeners of ``test_stopping``."""
        if self._watch is not None:
            self._watch.listeners_done()

    def _after_test_stop(self, **_: Any) -> None:
        """Called after other listeners of ``test_stop``."""
        stays = seconds_to_stay(self._environment) is None
        if self._process is not None and self._process.signal and stays and not self._is_quitting:
            self._process.insist()

    def _on_first_quitting(self, **_: Any) -> None:
        """Called before other listeners of ``quitting``."""
        self._is_quitting = True
        if self._process is not None:
            self._process.quits()
            if self._process.signal is not None:
                logger.info("ending because of %s", self._process.signal.name)
        if self._watch is not None:
            self._watch.wait_for_listeners()

    def _on_quit(self, exit_code: int, **_: Any) -> None:
        if self._watch is not None:
            self._watch.close(exit_code)
        if self._process is not None:
            self._process.has_answered(exit_code)
        self.linger()  # from here on a second signal ends the process at once


def _host_of(environment: Environment) -> str:
    """What is tested: the host of the run, or those of its users, without any password."""
    users = [user.host for user in environment.user_classes if user.host]
    hosts = [environment.host] if environment.host else users
    return ", ".join(dict.fromkeys(re.sub("//[^/?#]*@", "//", host) for host in hosts))


def _web_link(environment: Environment) -> str | None:
    """Where Locust's web UI is, for people at other machines; None without one."""
    web_ui = environment.web_ui
    if web_ui is None:
        return None
    host = web_ui.host
    if host in ("", "*", "0.0.0.0", "::"):  # noqa: S104 - it is what the user said, or did not
        host = socket.gethostname()
    scheme = "https" if web_ui.tls_cert and web_ui.tls_key else "http"
    path = getattr(environment.parsed_options, "web_base_path", None) or ""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{web_ui.port}{path}"
