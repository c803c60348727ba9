"""The verdict as a JSON file, kept up to date so that a killed run still leaves its story."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from guard.effects import Effect
from guard.effects.about import About
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


def replace(path: Path, content: str) -> None:
    """Write a file, atomically, whatever was there before.

    Raises:
        OSError: It can't be written.
    """
    path = Path(os.path.realpath(path))  # a link stays one, to what is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".verdict-", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def refusal(path: Path, begin: re.Pattern[bytes] = BEGIN, kind: str = "verdict") -> str | None:
    """Why a verdict must not be kept there, lest something else be lost; None if it may.

    What is there may be a verdict, or an empty file.

    Args:
        path: The file.
        begin: What a file begins with that may be replaced.
        kind: What such a file is.
    """
    # Path's own methods would raise errors.
    if not os.path.isfile(path):  # noqa: PTH113
        return "is no file" if os.path.exists(path) else None  # noqa: PTH110
    try:
        with path.open("rb") as file:
            if any(os.path.samestat(os.fstat(file.fileno()), stream) for stream in _streams()):
                return "is where the output goes"
            found = file.read(200)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if not found or begin.match(found):
        return None
    return f"is there already, and is no {kind}"


def _streams() -> Iterator[os.stat_result]:
    """What the process writes to."""
    for descriptor in (1, 2):
        with suppress(OSError):  # closed
            yield os.fstat(descriptor)


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


def _umask() -> int:
    """The process's file mode mask. It can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
