"""The verdict as a JSON file, kept up to date so that a killed run still leaves its story."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guard.effects import Effect
from guard.effects.about import About
from guard.effects.files import replace
from guard.engine.judge import Transition
from guard.engine.verdict import Verdict

logger = logging.getLogger("guard")

BEGIN = re.compile(rb'\s*\{\s*"schema"\s*:\s*\d+\s*,\s*"outcome"')
"""What a verdict begins with, however it is formatted."""


class VerdictFile(Effect):
    """Replaces the file, atomically, at every change.

    A file that can't be written is said once; the run goes on.

    Args:
        path: The file.
        about: What is to be told of the run beside the verdict.
    """

    def __init__(self, path: Path, about: About) -> None:
        self._path = path
        self._about = about
        self._complained = False

    def started(self, verdict: Verdict) -> None:
        self._write(verdict)

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        self._write(verdict)

    def refreshed(self, verdict: Verdict) -> None:
        self._write(verdict)

    def stopping(self, reason: str, verdict: Verdict) -> None:
        self._write(verdict)

    def ended(self, verdict: Verdict) -> None:
        self._write(verdict)

    def _write(self, verdict: Verdict) -> None:
        try:
            replace(self._path, as_json(verdict, self._about))
        except OSError as error:
            if not self._complained:
                logger.error("can't write the verdict to %s: %s", self._path, error.strerror)
            self._complained = True


def as_json(verdict: Verdict, about: About) -> str:
    """The file's content: a line a key, and a line a rule.

    Args:
        verdict: The verdict.
        about: What is to be told of the run beside it.
    """
    told = {**verdict.as_dict(), **about.as_dict()}
    return "{\n" + ",\n".join(f"  {_json(k)}: {_value(v)}" for k, v in told.items()) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_json(element)}" for element in value) + "\n  ]"
    return _json(value)


def _json(value: Any) -> str:
    # The escape is for CI services, which would read a command in what a server sent: ##vso[
    return json.dumps(value, allow_nan=False).replace("##", "#\\u0023")
