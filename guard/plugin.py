"""The Locust door: its options, and what must be right before anything starts."""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import locust
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from guard.checker import Checker, Unguarded
from guard.effects.ci import AUTO, OFF, SERVICES, service_of
from guard.effects.ci_report import Job
from guard.effects.files import remove
from guard.effects.report_files import KINDS
from guard.process import Process

if TYPE_CHECKING:
    from guard.language.rulefile import RuleFile

logger = logging.getLogger("guard")

BAD_RULES = 2
"""Exit code for bad rules or options."""


@cache
def install() -> None:
    """Add the guard to this process's Locust. Calling it again changes nothing.

    Listeners of ``quitting`` run in reverse order, so this belongs before anything else registers
    one: the guard then has the last word, and sees the last reports of the workers.
    """
    _process()
    _started_in()
    locust.events.init_command_line_parser.add_listener(_add_options)
    locust.events.init.add_listener(_on_init)
    locust.events.test_stopping.add_listener(_on_test_stopping)
    locust.events.quitting.add_listener(_on_quitting)


def run(options: Sequence[str]) -> NoReturn:
    """Run Locust under guard in this process, as if its command line had these options."""
    install()
    # Not before: it imports locust_plugins, which registers listeners of ``quitting``.
    from locust.main import main as locust_main

    sys.argv = ["locust-guard run", *options]
    _process().run(locust_main)
    raise AssertionError("Locust's main ends the process")


@cache
def _started_in() -> Path:
    """The folder that options are relative to. The locustfile, which runs before they are read, may
    go elsewhere."""
    return Path.cwd()


@cache
def _process() -> Process:
    """This process. Created once, and before Locust has anything to do at its end."""
    return Process()


def _add_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("Guard options")
    # Options of a group are not in the web UI, where a change would change nothing.
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
    group.add_argument(
        "--guard-junit",
        metavar="<filename>",
        env_var="LOCUST_GUARD_JUNIT",
        help="Write the results to this file as JUnit XML, at the end.",
    )
    group.add_argument(
        "--guard-ci",
        type=_ci,
        default=AUTO,
        metavar="<name>",
        env_var="LOCUST_GUARD_CI",
        help="Which CI service is told of the run, in its own way: "
        f"{', '.join(SERVICES)} or off. Defaults to the one that runs it.",
    )
    group.add_argument(
        "--guard-html",
        metavar="<filename>",
        env_var="LOCUST_GUARD_HTML",
        help="Write a report with charts to this file as HTML, at the end.",
    )
    group.add_argument(
        "--guard-title",
        metavar="<text>",
        env_var="LOCUST_GUARD_TITLE",
        help="What the test is called in reports. Defaults to the name of the locustfile.",
    )
    group.add_argument(
        "--guard-stop-deadline",
        type=_timespan,
        metavar="<time>",
        env_var="LOCUST_GUARD_STOP_DEADLINE",
        help="How long a test may take to end, e.g. 90s or 5m. Then the verdict is left as it "
        "stands and, if the guard stopped the run, the process ends. Defaults to --stop-timeout "
        "and a minute, which is what Locust waits for its workers.",
    )
    _check_before_start(parser)


def _ci(text: str) -> str:
    """The name of a CI service, ``auto`` or ``off``."""
    names = (AUTO, OFF, *SERVICES)
    name = text.lower() or AUTO
    if name in names:
        return name
    from difflib import get_close_matches

    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ArgumentTypeError(f"{text!r} is no CI service; {hint}there are {', '.join(names)}")


def _timespan(text: str) -> float | None:
    """Seconds, written as for Locust's own options; None where a shell's variable was empty."""
    # Imported late, because few runs have need of it.
    from guard.language.errors import Complaint
    from guard.language.units import timespan

    if not text:
        return None
    with suppress(Complaint):
        if seconds := timespan(f"{text}s" if text.isdecimal() else text):
            return seconds
    raise ArgumentTypeError(f"{text!r} is no time to wait; write e.g. 90s or 5m")


def _check_before_start(parser: LocustArgumentParser) -> None:
    """Let the parser refuse bad rules too. Later would be after ``--processes`` has forked workers,
    which Locust leaves alone for a minute when the master exits."""
    parse_args = parser.parse_args

    def parse_and_check(*args: Any, **kwargs: Any) -> Any:
        options = parse_args(*args, **kwargs)
        only_tells = (
            options.list_commands or options.show_task_ratio or options.show_task_ratio_json
        )
        # The web UI parses them again whenever its page is loaded: too late to refuse any.
        if not (options.worker or only_tells or _process().has_begun):
            _process().has_begun = True
            _forget_reports(
                _files(options), {"--html": options.html_file, "--logfile": options.logfile}
            )
            if not options.guard_off:
                _process().hold_signals()
                _rules(options.guard_rules, options.locustfile)
        return options

    parser.parse_args = parse_and_check  # Locust has no event for it


def _files(options: Namespace) -> dict[str, str]:
    """Where reports are to be kept, by the name of their kind."""
    given = {name: getattr(options, f"guard_{name}") for name in KINDS}
    return {name: file for name, file in given.items() if file}


def _forget_reports(files: Mapping[str, str], others: Mapping[str, str | None]) -> None:
    """Remove the reports on an earlier run, lest they be taken for some on this.

    Args:
        files: Where they are to be kept, by the name of their kind.
        others: What Locust itself writes, by its option.
    """
    paths = {name: _started_in() / file for name, file in files.items()}
    for name, file in files.items():
        why_not = "is no file" if file == "-" else KINDS[name].refusal(paths[name])
        if why_not:
            _refuse_file(f"--guard-{name}: {file} {why_not}", KINDS[name].name)
    written = {f"--guard-{name}": path for name, path in paths.items()}
    written |= {option: _started_in() / other for option, other in others.items() if other}
    for path in paths.values():
        options = [option for option, other in written.items() if other.resolve() == path.resolve()]
        if len(options) > 1:
            complaint = f"{' and '.join(options)}: {_shown(path)} can't hold more than one"
            _refuse_file(complaint, "report")
    for path in paths.values():
        remove(path)


def _refuse_file(complaint: str, kind: str) -> NoReturn:
    _refuse(
        f"locust-guard: {complaint}\n"
        f"locust-guard: nothing was started; name another file, which the {kind} may replace"
    )


def _on_init(environment: Environment, **_: Any) -> None:
    environment.guard = _guard_of(environment)  # type: ignore[attr-defined]  # ours, for listeners
    _process().set_clock()


def _guard_of(environment: Environment) -> Checker | Unguarded:
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None:
        return Unguarded()
    if options.guard_off:
        logger.warning("this run is not guarded (--guard-off)")
        return Unguarded()
    path, rules = _rules(options.guard_rules, options.locustfile)
    process = _process()
    checker = Checker(
        environment,
        rules.rules,
        str(path),
        options.guard_title or _title_of(options.locustfile),
        files={name: _started_in() / file for name, file in _files(options).items()},
        stop_deadline=options.guard_stop_deadline,
        process=process,
        job=_job(options),
        destinations=rules.destinations,
    )
    process.answer_for(checker, checker.stop_deadline)
    return checker


def _job(options: Namespace) -> Job | None:
    """The CI job that is to be told of the run."""
    service = service_of(options.guard_ci, os.environ)
    if service is None:
        return None
    # Where Locust prints its statistics as JSON, nothing may stand beside them.
    out = sys.stderr if options.json else sys.stdout
    return Job(service, os.environ, Path.cwd(), out)


@cache
def _rules(given: str | None, locustfile: str) -> tuple[Path, RuleFile]:
    """The rules of this run, and their file; without any, the run is refused.

    Args:
        given: The file that ``--guard-rules`` names, if it does.
        locustfile: What ``--locustfile`` says: files with commas between, a folder or a URL.
    """
    # Imported late, because workers and unguarded runs can do without.
    from guard.language.errors import RulesError
    from guard.language.rulefile import RULES_FILES, find_rules, load_file

    first = _started_in() / locustfile.split(",", maxsplit=1)[0].strip()
    folders = [first if first.is_dir() else first.parent, _started_in()]
    path = _started_in() / given if given else find_rules(folders)
    if path is None:
        looked_in = " or ".join(dict.fromkeys(map(str, folders)))
        _refuse(
            f"locust-guard: there is no {' or '.join(RULES_FILES)} in {looked_in}\n"
            "locust-guard: write one, name one with --guard-rules FILE, or go unguarded with "
            "--guard-off"
        )
    path = _shown(path)
    try:
        rules = load_file(path)
        if rules.destinations:
            from guard.language import addresses

            addresses.verify(rules.destinations)
        return path, rules
    except RulesError as error:
        _refuse(f"{error}\nlocust-guard: nothing was started; mend {path} first")


def _title_of(locustfile: str) -> str:
    """The names of the files, which may be given with commas between, or by a URL."""
    given = [part.strip() for part in locustfile.split(",")]
    paths = [urlsplit(part).path if "://" in part else part for part in given if part]
    return ", ".join((Path.cwd() / path).name for path in paths)


def _shown(path: Path) -> Path:
    """The path as people here would write it: relative where it is below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(BAD_RULES)


def _on_test_stopping(environment: Environment, **_: Any) -> None:
    """Called before the listeners of the locustfile: while they take their time, a guard that did
    not know of the stop might begin another one."""
    checker = getattr(environment, "guard", None)
    if isinstance(checker, Checker):
        checker.on_test_stopping()


def _on_quitting(environment: Environment, **_: Any) -> None:
    checker = getattr(environment, "guard", None)
    if isinstance(checker, Checker):
        checker.on_quitting()
