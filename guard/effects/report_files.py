"""The files that reports are kept in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from guard.effects import Effect, files
from guard.effects.about import About
from guard.effects.verdict_file import BEGIN, VerdictFile


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report.

    Attributes:
        name: What it is, for people.
        begin: What such a file begins with; another one is not replaced.
        effect: What writes it.
    """

    name: str
    begin: re.Pattern[bytes]
    effect: Callable[[Path, About], Effect]

    def refusal(self, path: Path) -> str | None:
        """Why it must not be kept there, lest something else be lost; None if it may."""
        return files.refusal(path, self.begin, self.name)


_JUNIT = re.compile(rb'\s*(<\?xml[^>]*>\s*)?<testsuites name="locust-guard[":]')
"""What our own JUnit reports begin with. Those of other tools are not ours to replace."""

_WITH_CHARTS = re.compile(rb"<!DOCTYPE html>\n<!-- A report of locust-guard")
"""What a report with charts begins with."""


# Imported late, because few runs have one.


def _junit_file(path: Path, about: About) -> Effect:
    from guard.effects.junit_file import JunitFile

    return JunitFile(path, about)


def _html_report(path: Path, about: About) -> Effect:
    from guard.effects.html import HtmlReport

    return HtmlReport(path, about)


KINDS: Mapping[str, Kind] = {
    "json": Kind("verdict", BEGIN, VerdictFile),
    "junit": Kind("JUnit report", _JUNIT, _junit_file),
    "html": Kind("report of locust-guard", _WITH_CHARTS, _html_report),
}
"""Each by its name in ``--guard-NAME`` and ``NAME_file``."""


def twice(files: Mapping[str, Path]) -> Path | None:
    """The file that two reports would be kept in, if there is one."""
    paths = [path.resolve() for path in files.values()]
    return next((path for path in paths if paths.count(path) > 1), None)
