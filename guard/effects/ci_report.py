"""The end of a run, told to the CI service that runs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from guard.effects import Effect
from guard.effects.about import About
from guard.effects.ci.service import Environ, Report, Service
from guard.engine.verdict import Verdict
from guard.terminal import Page

logger = logging.getLogger("guard")


@dataclass(frozen=True, slots=True)
class Job:
    """The CI job that a run is part of.

    Attributes:
        service: The service.
        environ: The environment variables.
        here: The folder that the places of rules are relative to.
        out: Where the service reads commands.
    """

    service: Service
    environ: Environ
    here: Path
    out: IO[str]


class CiReport(Effect):
    """Keeps a report for the service, and prints commands that it reads, when all else is said.

    A report that can't be kept is said; the commands are printed nevertheless.

    Args:
        job: The job.
        about: What is to be told of the run beside the verdict.
        began: When the run began, in seconds since 1970.
        junit_file: Where the results are as JUnit XML, if anywhere.
    """

    def __init__(
        self, job: Job, about: About, began: float, junit_file: Path | None = None
    ) -> None:
        self._job = job
        self._about = about
        self._began = began
        self._junit_file = junit_file

    def fold(self, verdict: Verdict) -> tuple[str, str]:
        """The lines before and after the final table; empty where the service has none."""
        service = self._job.service
        return service.fold(self._report(verdict)) if service.fold else ("", "")

    def closed(self, verdict: Verdict, exit_code: int | None) -> None:
        service, report = self._job.service, self._report(verdict)
        if service.keep:
            try:
                service.keep(report)
            except OSError as error:
                logger.error("can't leave a summary for %s: %s", service.title, error)
        if commands := service.commands(report):
            # A command begins a line, and the locustfile may have begun one.
            page = Page(self._job.out)
            for line in ("", *commands):
                page.command(line)

    def _report(self, verdict: Verdict) -> Report:
        job = self._job
        return Report(verdict, self._about, self._began, job.environ, job.here, self._junit_file)
