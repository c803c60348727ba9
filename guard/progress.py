"""A progress bar, where somebody looks on and it is worth it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # rich takes its time to import
    from rich.progress import Progress, TaskID

WORTH = 1.0
"""Seconds of work before which there is no bar."""


class Bar:
    """A bar on a terminal, which appears after a second and is gone at the end.

    Args:
        file: Where it is shown, if that is a terminal.
        clock: Tells the time in seconds.
    """

    def __init__(self, file: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._begin = clock()
        self._is_seen = file.isatty()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, what: str, done: float) -> None:
        """Say what is being done, and how much of it is, 0 to 1."""
        if not self._is_seen or self._clock() - self._begin < WORTH:
            return
        if self._progress is None or self._task is None:
            from rich.console import Console
            from rich.progress import Progress

            console = Console(file=self._file)
            self._progress = Progress(console=console, transient=True)
            self._task = self._progress.add_task(what, total=1.0)
            self._progress.start()
        self._progress.update(self._task, description=what, completed=done)
