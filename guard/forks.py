"""The workers that Locust forks for ``--processes``."""

from __future__ import annotations

from contextlib import suppress

import psutil

PATIENCE = 3.0
"""Seconds that a worker has at least, to end when it is told to."""


class Forks:
    """Sees to it that no forked worker is left behind.

    Locust means to, but takes those that still run for gone. They would miss their master after a
    minute, and one whose users hang would not even then.
    """

    def __init__(self) -> None:
        self._others: set[psutil.Process] = set()
        self._workers: set[psutil.Process] = set()
        self._are_to_come = False

    def are_to_come(self) -> None:
        """What this process has started so far is no worker."""
        self._others = _children()
        self._are_to_come = True

    def have_come(self) -> None:
        """What it has started since is one. Later calls change nothing."""
        if self._are_to_come:
            self._are_to_come = False
            self._workers = _children() - self._others

    def end(self, patience: float) -> None:
        """Wait for the workers to end, for so many seconds if need be, and kill those that stay."""
        _, staying = psutil.wait_procs(self._workers, timeout=max(patience, PATIENCE))
        for worker in staying:
            with suppress(psutil.Error):
                worker.kill()
        psutil.wait_procs(staying, timeout=PATIENCE)


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children())
