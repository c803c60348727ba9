"""The files of reports: replaced atomically, and only where nothing else is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

PREFIX = ".locust-guard-"
"""What the names of files begin with that are being written."""


def replace(path: Path, content: str) -> None:
    """Write a file, atomically, whatever was there before.

    Raises:
        OSError: It can't be written.
    """
    path = Path(os.path.realpath(path))  # a link stays one, to what is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=PREFIX, delete=False
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


def remove(path: Path) -> None:
    """Remove a report on an earlier run, lest it be taken for one on this."""
    with suppress(OSError):
        Path(os.path.realpath(path)).unlink(missing_ok=True)


def hindrance(path: Path) -> str | None:
    """Why nothing can be written there, as far as it shows before; None if it can."""
    folder = Path(os.path.realpath(path)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=PREFIX):
            return None
    except OSError as error:
        return error.strerror or str(error)


def refusal(path: Path, begin: re.Pattern[bytes], kind: str) -> str | None:
    """Why a report must not be kept there, lest something else be lost; None if it may.

    What is there may be a report of that kind, or an empty file.

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


def _umask() -> int:
    """The process's file mode mask. It can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
