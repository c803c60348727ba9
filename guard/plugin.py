"""The Locust door: options and listeners.

Everything that decides lives in the engine; here it is only wired to Locust's events.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import gevent
import locust
from locust import log as locust_log
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from guard import __version__
from guard.effects import Effect
from guard.effects.console import Console
from guard.effects.verdict_file import VerdictFile
from guard.engine.guard import Guard, widened
from guard.engine.verdict import Verdict, process_exit_code
from guard.rule import Rule, timespan_text
from guard.sources.live import report_interval
from guard.watch import Watch

logger = logging.getLogger("guard")

BAD_RULES = 2
"""Exit code for bad rules or options."""


@cache
def install() -> None:
    """Add the guard to this process's Locust. Calling it again changes nothing.

    Listeners of ``quitting`` run in reverse order, so this belongs before anything else registers
    one: the guard then has the last word, and sees the last reports of the workers.
    """
    locust.events.init_command_line_parser.add_listener(_add_options)
    locust.events.init.add_listener(_on_init)
    locust.events.quitting.add_listener(_on_quitting)


def run(options: Sequence[str]) -> NoReturn:
    """Run Locust under guard in this process, as if its command line had these options."""
    from locust.main import main as locust_main

    install()
    sys.argv = ["locust-guard run", *options]
    locust_main()
    raise AssertionError("Locust's main ends the process")


def _add_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Guard options")
    group.add_argument(
        "--guard-rules",
        metavar="<filename>",
        env_var="LOCUST_GUARD_RULES",
        help="The rules that the run is judged by. Defaults to rules.yaml or rules.yml beside the "
        "locustfile, then in the working directory.",
    )
    group.add_argument(
        "--guard-off",
        action="store_true",
        env_var="LOCUST_GUARD_OFF",
        help="Run without a guard.",
    )
    group.add_argument(
        "--guard-json",
        metavar="<filename>",
        env_var="LOCUST_GUARD_JSON",
        help="Write the verdict to this file, at every change and at the end.",
    )
    _check_before_start(parser)


def _check_before_start(parser: LocustArgumentParser) -> None:
    """Let the parser refuse bad rules too. Later would be after ``--processes`` has forked workers,
    which Locust leaves alone for a minute when the master exits."""
    parse_args = parser.parse_args

    def parse_and_check(*args: Any, **kwargs: Any) -> Any:
        options = parse_args(*args, **kwargs)
        if not (options.guard_off or options.worker):
            if options.guard_json:
                # The verdict of an earlier run must not be taken for one on this.
                with suppress(OSError):
                    Path(options.guard_json).unlink(missing_ok=True)
            _rules(options.guard_rules, options.locustfile)
        return options

    parser.parse_args = parse_and_check  # Locust has no event for it


def _on_init(environment: Environment, **_: Any) -> None:
    environment.guard = _guard_of(environment)  # type: ignore[attr-defined]  # ours, for listeners


def _guard_of(environment: Environment) -> Checker | Unguarded:
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None:
        return Unguarded()
    if options.guard_off:
        logger.warning("this run is not guarded (--guard-off)")
        return Unguarded()
    path, rules = _rules(options.guard_rules, options.locustfile)
    json_file = Path(options.guard_json) if options.guard_json else None
    return Checker(environment, rules, str(path), json_file)


@cache
def _rules(given: str | None, locustfile: str) -> tuple[Path, Sequence[Rule]]:
    """The rules of this run and their file; without any, the run is refused.

    Args:
        given: The file that ``--guard-rules`` names, if it does.
        locustfile: What ``--locustfile`` says: files with commas between, a folder or a URL.
    """
    # Imported late, because workers and unguarded runs can do without.
    from guard.language.errors import RulesError
    from guard.language.rulefile import RULES_FILES, find_rules, load_rules

    first = Path(locustfile.split(",", maxsplit=1)[0].strip())
    folders = [(first if first.is_dir() else first.parent).absolute(), Path.cwd()]
    path = given or find_rules(folders)
    if path is None:
        looked_in = " or ".join(dict.fromkeys(map(str, folders)))
        _refuse(
            f"locust-guard: there is no {' or '.join(RULES_FILES)} in {looked_in}\n"
            "locust-guard: write one, name one with --guard-rules FILE, or go unguarded with "
            "--guard-off"
        )
    path = _shown(Path(path))
    try:
        return path, load_rules(path)
    except RulesError as error:
        _refuse(f"{error}\nlocust-guard: nothing was started; mend {path} first")


def _shown(path: Path) -> Path:
    """The path as people here would write it: relative where it is below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(BAD_RULES)


def _on_quitting(environment: Environment, **_: Any) -> None:
    checker = getattr(environment, "guard", None)
    if isinstance(checker, Checker):
        checker.on_quitting()


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


def _about_the_run() -> dict[str, Any]:
    """What the verdict file tells beside the verdict."""
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "guard_version": __version__,
        "locust_version": locust.__version__,
    }
