"""The requests that a piece of evidence is about."""

from __future__ import annotations

from guard.engine.counts import Counts
from guard.engine.window import Window

_FOLDED_AFTER = 60


class Suspects:
    """Requests, kept as they came for as long as nobody asks for them."""

    __slots__ = ("_begin", "_parts", "_window")

    def __init__(self) -> None:
        self._parts: list[Counts] = []
        self.clear(0.0)

    def clear(self, begin: float) -> None:
        """Begin anew, with requests from that moment on."""
        self._begin = begin
        self._window: Window | None = None
        self._parts.clear()

    def add(self, part: Counts) -> None:
        """Take in one more part."""
        self._parts.append(part)
        if len(self._parts) > _FOLDED_AFTER:
            self._fold()

    def window(self, until: float) -> Window:
        """All of them, as a window that ends then."""
        window = self._fold()
        window.reach(0.0, until)
        return window

    def _fold(self) -> Window:
        window = self._window = self._window or Window(None, self._begin)
        for part in self._parts:
            window.add(part, self._begin)
        self._parts.clear()
        return window
