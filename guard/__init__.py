"""locust-guard: judges a Locust load test while it runs, and stops it when it breaks a rule."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guard.engine.verdict import Verdict
from guard.language.errors import RulesError
from guard.rule import Rule
from guard.version import __version__

if TYPE_CHECKING:
    from locust.env import Environment

    from guard import events as events
    from guard.checker import Checker
    from guard.language.rulefile import RuleFile

__all__ = ["RulesError", "Verdict", "__version__", "attach", "events", "install", "load_rules"]


def __getattr__(name: str) -> object:
    if name == "events":
        # Imported late: it imports Locust, which patches the standard library.
        return importlib.import_module("guard.events")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def attach(
    environment: Environment,
    rules: str | Path | Sequence[Rule | str],
    *,
    title: str = "",
    json_file: str | Path | None = None,
    junit_file: str | Path | None = None,
    html_file: str | Path | None = None,
    stop_deadline: float | None = None,
) -> Checker:
    """Guard an environment of your own, where Locust is used as a library.

    Its tests are judged and stopped as with the command line: by ``runner.quit()`` or, with a web
    UI, ``runner.stop()``. Several environments can each have their guard. On a worker's environment
    it does nothing. Nothing is printed, only logged, and the exit code is yours to set.

    Args:
        environment: The environment; before its first test starts, with or without a runner yet.
        rules: A rules file, or rules: from :func:`load_rules`, or as lines.
        title: What the tests are called in reports; the name of the program if not given.
        json_file: Where to keep the verdict, if anywhere.
        junit_file: Where to leave the results as JUnit XML at the end, if anywhere.
        html_file: Where to leave a report with charts as HTML at the end, if anywhere.
        stop_deadline: Seconds that a test may take to end. Then the verdict is left as it stands.
            Defaults to the environment's ``stop_timeout`` and a minute.

    Returns:
        What ``environment.guard`` is too: its ``verdict`` is the verdict as it stands, None before
        the first test, and its ``conclude()`` gives the final one.

    Raises:
        RulesError: The rules have faults, or a destination of theirs can't be told.
        ValueError: There are no rules, the environment is guarded already, or a report's
            file is there and is no such report.
    """
    from guard.checker import Checker
    from guard.effects.report_files import KINDS, twice

    if hasattr(environment, "guard"):
        raise ValueError("this environment is guarded already")
    file, judged_by = _rules_of(rules)
    if not judged_by.rules:
        raise ValueError("there are no rules to guard by")
    given = {"json": json_file, "junit": junit_file, "html": html_file}
    files = {name: Path(file).absolute() for name, file in given.items() if file is not None}
    for name, path in files.items():
        if why_not := KINDS[name].refusal(path):
            raise ValueError(f"the {KINDS[name].name} can't be kept in {path}, which {why_not}")
    if path_of_two := twice(files):
        raise ValueError(f"{path_of_two} can't hold more than one report")
    checker = Checker(
        environment,
        judged_by.rules,
        file,
        title or Path(sys.argv[0]).name,
        files=files,
        stop_deadline=stop_deadline,
        destinations=judged_by.destinations,
    )
    environment.events.quitting.add_listener(lambda **_: checker.on_quitting())
    environment.guard = checker  # type: ignore[attr-defined]  # ours, for listeners
    return checker


def _rules_of(rules: str | Path | Sequence[Rule | str]) -> tuple[str, RuleFile]:
    """The rules, and where they come from in people's words."""
    from guard.language.rulefile import RuleFile, load_file, parse_rules

    if isinstance(rules, str | Path):
        found = load_file(rules)
        if found.destinations:
            from guard.language import addresses

            addresses.verify(found.destinations)
        return str(rules), found
    if lines := [rule for rule in rules if isinstance(rule, str)]:
        if len(lines) < len(rules):
            raise ValueError("the rules are neither all lines nor all made by load_rules()")
        content = json.dumps({"rules": lines}, ensure_ascii=False, indent=0)  # JSON is YAML too
        made = parse_rules(content.encode(), "rules", os.environ)
        return "the program", RuleFile(made)
    return "the program", RuleFile(tuple(rule for rule in rules if isinstance(rule, Rule)))


def install() -> None:
    """Guard the load tests of this process. Call it at the top of a locustfile.

    It adds the ``--guard-*`` options to Locust and listens to its events; on workers it does
    nothing else. Calling it twice is the same as calling it once.
    """
    # Imported late: it imports Locust, which patches the standard library.
    from guard import plugin

    plugin.install()


def load_rules(path: str | Path, environment: Mapping[str, str] = os.environ) -> tuple[Rule, ...]:
    """Read the rules of a file and of all that it extends.

    Args:
        path: The file.
        environment: The value of each variable that rules can refer to: ``${NAME}``.

    Raises:
        RulesError: The file can't be read or has faults. Its text names
            each at its line and column.

    Whom the file wants to have told (``notify``) is left out: give :func:`attach` the file.
    """
    from guard.language import rulefile

    return rulefile.load_rules(path, environment)
