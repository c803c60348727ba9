"""Telling the listeners of ``guard.events``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from locust.env import Environment

from guard import events
from guard.effects import Effect
from guard.effects.lane import Lane
from guard.engine.judge import Transition
from guard.engine.verdict import Verdict
from guard.rule import State

PATIENCE = 1.0
"""Seconds for which a stop waits for its listeners."""


class Listeners(Effect):
    """Fires the events, in order and in a greenlet of its own: a listener may take its time.

    Args:
        environment: Whose events they are.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lane = Lane()

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        for transition in transitions:
            if hook := _hook_of(transition):
                self._fire(
                    hook,
                    rule=transition.rule,
                    entry=transition.entry,
                    reading=transition.reading,
                    verdict=verdict,
                )

    def stopping(self, reason: str, verdict: Verdict) -> None:
        self._fire(events.stop, reason=reason, verdict=verdict)
        self._lane.wait(PATIENCE)

    def ended(self, verdict: Verdict) -> None:
        self._fire(events.verdict, verdict=verdict)

    def linger(self) -> None:
        self._lane.wait()

    def _fire(self, hook: events.Hook, **keywords: Any) -> None:
        if hook.has_listeners:
            self._lane.add(lambda: hook.fire(environment=self._environment, **keywords))


def _hook_of(transition: Transition) -> events.Hook | None:
    if transition.is_breach:
        return events.breach
    if transition.is_recovery:
        return events.recovery
    return events.pending if transition.after is State.PENDING else None
