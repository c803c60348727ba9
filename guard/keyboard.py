"""The terminal that people type on."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

try:
    import termios
except ImportError:  # on Windows
    termios = None  # type: ignore[assignment]

_STDIN = 0


class Keyboard:
    """What standard input is, if it is a terminal, as it was at first. Locust has it show nothing
    of what is typed, and puts that right only at an end in good order.
    """

    def __init__(self) -> None:
        self._modes: list[Any] | None = None
        if termios is not None:
            with suppress(termios.error):
                self._modes = termios.tcgetattr(_STDIN)

    def restore(self) -> None:
        """Have it show again what is typed. A process in the background must not change that, and
        would be suspended for it."""
        if self._modes is not None and not _is_in_background():
            with suppress(termios.error):
                termios.tcsetattr(_STDIN, termios.TCSANOW, self._modes)


def _is_in_background() -> bool:
    with suppress(OSError):  # somebody else's terminal has no background of ours
        return os.tcgetpgrp(_STDIN) != os.getpgrp()
    return False
