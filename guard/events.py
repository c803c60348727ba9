"""What listeners can be told of: ``guard.events.stop.add_listener(...)``.

All are fired with keywords, and take ``**kwargs`` for what may come to be. ``environment`` is
Locust's. Importing this imports Locust.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from locust.event import EventHook

__all__ = ["breach", "pending", "recovery", "stop", "verdict"]

logger = logging.getLogger("guard")


class Hook(EventHook):
    """An event of Locust's, whose listeners can't harm the run: what one raises is logged, but is
    nothing that decides the exit code, not even ``sys.exit``, and the others are called
    nevertheless.

    Args:
        name: What it is called.
    """

    def __init__(self, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Locust has no types for it
        self._name = name

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens."""
        return bool(self._handlers)

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call the listeners that there are by now; they may add and remove some meanwhile."""
        handlers: Iterable[Any] = tuple(self._handlers)
        for handler in reversed(tuple(handlers)) if reverse else handlers:
            try:
                handler(**kwargs)
            except (Exception, SystemExit):  # also Locust's own, which are for tasks
                logger.exception("a listener of guard.events.%s failed", self._name)


pending = Hook("pending")
"""A check is broken, but not yet for as long as its ``for`` says, or not yet ``surely``.

Keywords: ``environment``; ``rule``, a :class:`guard.rule.Rule`; ``entry``, a method and name where
the rule has ``each``, else None; ``reading``, a :class:`guard.engine.reading.Reading`; ``verdict``,
the :class:`guard.Verdict` as it stands.
"""

breach = Hook("breach")
"""A rule is broken. Keywords as for :data:`pending`."""

recovery = Hook("recovery")
"""The check of a rule that was broken holds again. Keywords as for :data:`pending`."""

stop = Hook("stop")
"""The guard is about to stop the run, which waits for the listeners for a second at most.

Keywords: ``environment``; ``reason``, one sentence; ``verdict``, as it stands.
"""

verdict = Hook("verdict")
"""The test is over. Keywords: ``environment``; ``verdict``, which is final."""
