"""A report that is written when the test is over."""

from __future__ import annotations

import logging
from pathlib import Path

from guard.effects import Effect
from guard.effects.about import About
from guard.effects.files import hindrance, remove, replace
from guard.effects.report_files import KINDS
from guard.engine.verdict import Verdict

logger = logging.getLogger("guard")


class FinalReport(Effect):
    """Writes the report once the verdict is final. That it can't be written is said, and the run
    goes on; if that shows when it begins, it is said then too.

    Args:
        path: The file.
        about: What is to be told of the run beside the verdict.

    Attributes:
        kind: What kind of report it is, of :data:`~guard.effects.report_files.KINDS`.
    """

    kind: str

    def __init__(self, path: Path, about: About) -> None:
        self._path = path
        self._about = about

    def started(self, verdict: Verdict) -> None:
        if KINDS[self.kind].refusal(self._path) is None:
            remove(self._path)
        if why := hindrance(self._path):
            self._complain(why)

    def ended(self, verdict: Verdict) -> None:
        try:
            replace(self._path, self._text(verdict))
        except OSError as error:
            self._complain(error.strerror or str(error))

    def _text(self, verdict: Verdict) -> str:
        raise NotImplementedError

    def _complain(self, why: str) -> None:
        logger.error("can't write the %s to %s: %s", KINDS[self.kind].name, self._path, why)
