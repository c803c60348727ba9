"""Telling people of a run by messages: Slack, Teams, mail and whatever else Apprise knows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent.monkey import is_module_patched

from guard.destination import Destination, Occasion, schemes_of, service_of
from guard.effects import Effect
from guard.effects.about import About
from guard.effects.lane import Lane
from guard.effects.message import Message, of_changes, of_stop, of_verdict
from guard.engine.judge import Transition
from guard.engine.verdict import Verdict
from guard.rule import Outcome

if TYPE_CHECKING:
    from apprise import NotifyBase

logger = logging.getLogger("guard")

LIMIT = 10.0
"""Seconds that a message may take."""

HEAD_START = 0.5
"""Seconds that the run has to begin to stop before somebody is told of it. To send a message takes
some milliseconds of CPU."""

BURST = 3.0
"""Seconds for which breaches and recoveries are gathered into one message."""

PAUSE = 20.0
"""Seconds that the next message about breaches and recoveries is away from the last one."""

_TYPES = {
    Outcome.PASS: "success",
    Outcome.FAIL: "failure",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.ERROR: "failure",
}
"""What Apprise calls the kinds of messages, which decides colours and signs."""

_READ_MARKDOWN = frozenset({"mmost", "discord", "rocket", "zulip", "ryver", "guilded"})
"""Schemes of services that read Markdown in what Apprise takes for plain text."""

_TOO_LATE = "it took too long"
_STATUS = re.compile(r"\berror=(\d{3})\b")


class Notifier(Effect):
    """Has each destination told of what it wants to be told of.

    Args:
        destinations: Who is to be told, and when.
        about: What is to be told of the run beside the verdict.
    """

    def __init__(self, destinations: Sequence[Destination], about: About) -> None:
        self._destinations = destinations
        self._mailboxes = [_Mailbox(each, about) for each in destinations if each.url]

    def started(self, verdict: Verdict) -> None:
        for destination in self._destinations:
            if not destination.url:
                logger.info("nobody is told where %s would say: it is empty", destination.written)

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        for mailbox in self._mailboxes:
            mailbox.changed(transitions, verdict)

    def stopping(self, reason: str, verdict: Verdict) -> None:
        for mailbox in self._mailboxes:
            mailbox.stopping(reason, verdict)

    def ended(self, verdict: Verdict) -> None:
        for mailbox in self._mailboxes:
            mailbox.ended(verdict)

    def linger(self) -> None:
        try:
            for mailbox in self._mailboxes:
                mailbox.lane.wait()
        except gevent.Timeout:
            for mailbox in self._mailboxes:
                if not mailbox.lane.is_idle:
                    mailbox.complain(_TOO_LATE)
            raise


class _Mailbox:
    """The messages to one destination.

    What changes within a few seconds is one message, and the next one does not follow at once.
    Nothing is sent twice: a stop tells of the breaches that were still to be told, and a verdict
    too.

    Attributes:
        lane: Where they are sent.
    """

    def __init__(self, destination: Destination, about: About) -> None:
        self.lane = Lane(HEAD_START)
        self._destination = destination
        self._about = about
        self._service = _ready(service_of(destination.url))
        self._waiting: list[Transition] = []
        self._last: Verdict | None = None
        self._timer: gevent.Greenlet[..., None] | None = None
        self._complained = False

    def changed(self, transitions: Sequence[Transition], verdict: Verdict) -> None:
        wanted = [change for change in transitions if self._wants(change)]
        if not wanted or self.lane.is_elsewhere:
            return
        self._waiting += wanted
        self._last = verdict
        if self._timer is None:
            self._timer = gevent.spawn_later(BURST, self._flush)

    def stopping(self, reason: str, verdict: Verdict) -> None:
        if Occasion.STOP in self._destination.on:
            self._forget_breaches()
            self._send(of_stop(reason, verdict, self._about))
        else:
            self._send_waiting()

    def ended(self, verdict: Verdict) -> None:
        on, has_passed = self._destination.on, verdict.outcome is Outcome.PASS
        if Occasion.VERDICT in on or (Occasion.NOT_PASSED in on and not has_passed):
            self._forget_breaches()
            self._send_waiting()
            self._send(of_verdict(verdict, self._about))
        else:
            self._send_waiting()
        if self._timer is not None and not self.lane.is_elsewhere:
            self._timer.kill(block=False)

    def _forget_breaches(self) -> None:
        self._waiting = [change for change in self._waiting if not change.is_breach]

    def _wants(self, change: Transition) -> bool:
        on = self._destination.on
        if change.is_breach:
            return Occasion.BREACH in on
        return change.is_recovery and Occasion.RECOVERY in on

    def _flush(self) -> None:
        self._timer = None
        if self._waiting:
            self._send_waiting()
            self._timer = gevent.spawn_later(PAUSE, self._flush)

    def _send_waiting(self) -> None:
        if self._waiting and self._last is not None:
            self._send(of_changes(self._waiting, self._last, self._about))
            self._waiting = []

    def _send(self, message: Message) -> None:
        self.lane.add(partial(self._deliver, message))

    def _deliver(self, message: Message) -> None:
        """Send it, in the greenlet of the lane."""
        try:
            with gevent.Timeout(LIMIT):
                reason = _beside_the_run(partial(self._try, message))
        except gevent.Timeout:
            reason = _TOO_LATE
        if reason is not None:
            self.complain(reason)

    def _try(self, message: Message) -> str | None:
        """Send it. Gives why it could not be."""
        with _silenced() as said:
            try:
                return None if self._told(message) else _why(said)
            except Exception as error:  # noqa: BLE001 - its text may hold the address
                return type(error).__name__

    def _told(self, message: Message) -> bool:
        service = self._service
        if service is None:
            return False
        # Where it shows plain text, a list of lines reads best.
        is_marked = str(service.resolve_format("text").value) == "markdown"
        return service.notify(
            title=message.title_as_markdown if is_marked else message.title,
            body=message.as_markdown() if is_marked else message.as_text(),
            body_format="markdown" if is_marked else "text",
            notify_type=_TYPES[message.outcome],
        )

    def complain(self, reason: str) -> None:
        """Say, once, that the destination can't be told."""
        if not self._complained:
            self._complained = True
            logger.error("can't tell %s of the run: %s", self._destination.written, reason)


def _beside_the_run(work: Callable[[], str | None]) -> str | None:
    """Do it so that greenlets go on: in a thread, where nobody has patched the standard library."""
    if is_module_patched("socket"):
        return work()
    given: str | None = gevent.get_hub().threadpool.apply(work)
    return given


def _ready(service: NotifyBase | None) -> NotifyBase | None:
    """The service with what it takes from here, unless its address says otherwise."""
    from apprise import NotifyFormat, OverflowMode, URLBase

    if service is None:
        return None
    if service.socket_read_timeout == URLBase.socket_read_timeout:
        service.socket_read_timeout = 2 * LIMIT  # the limit on all of it comes first
    if service.socket_connect_timeout == URLBase.socket_connect_timeout:
        service.socket_connect_timeout = 2 * LIMIT
    # There are a few messages a run at most, and some wait for seconds before each.
    service.request_rate_per_sec = 0
    if service.overflow_mode is OverflowMode.UPSTREAM:
        service.overflow_mode = OverflowMode.TRUNCATE  # what is too long is refused else
    if _READ_MARKDOWN.intersection(schemes_of(service)):
        service.notify_format = NotifyFormat.MARKDOWN
    return service


_said: ContextVar[list[str] | None] = ContextVar("said", default=None)


class _Quiet(logging.Filter):
    """Lets nothing through that libraries say while a message is sent. It may hold the address."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = _said.get()
        if said is None or record.name == logger.name:
            return True
        said.append(record.getMessage())
        return False


_QUIET = _Quiet()


@contextmanager
def _silenced() -> Iterator[list[str]]:
    """Keep from everybody what is logged meanwhile in this greenlet. Gives it."""
    where: list[Any] = [logging.getLogger(name) for name in ("apprise", "urllib3.connectionpool")]
    for each in (*where, *logging.getLogger().handlers):
        each.addFilter(_QUIET)  # adding it again changes nothing
    said: list[str] = []
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)


def _why(said: Sequence[str]) -> str:
    """Why a message was not taken, in words of our own."""
    text = " ".join(said)
    if match := _STATUS.search(text):
        return f"the answer was {match[1]}"
    if "onnection error" in text:
        return "there was no connection, or it broke"
    return "the message was not taken"
