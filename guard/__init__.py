"""locust-guard: judges a Locust load test while it runs, and stops it when it breaks a rule."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from guard.engine.verdict import Verdict
from guard.language.errors import RulesError
from guard.rule import Rule
from guard.version import __version__

__all__ = ["RulesError", "Verdict", "__version__", "install", "load_rules"]


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
    """
    from guard.language import rulefile

    return rulefile.load_rules(path, environment)
