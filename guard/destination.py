"""Who is to be told of a run, and when."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from guard.rule import Place

if TYPE_CHECKING:
    from apprise import NotifyBase


class Occasion(Enum):
    """What there is to tell."""

    STOP = "stop"
    VERDICT = "verdict"
    NOT_PASSED = "not-passed"
    BREACH = "breach"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages about a run go.

    Attributes:
        url: The address, of Apprise's form. It is a secret, so nothing shows it. Empty where its
            variables stand for nothing: then nobody is told.
        on: What is told there.
        written: The address for messages: its variables if it has any, or else its scheme.
        place: Where it is written.
        missing: Names of its variables that are not set, as ``${NAME}``. Then there is no address.
        host: The host, where it is written out and is one.
    """

    url: str = field(repr=False)
    on: frozenset[Occasion]
    written: str
    place: Place | None = field(default=None, compare=False)
    missing: tuple[str, ...] = ()
    host: str = ""


def service_of(url: str) -> NotifyBase | None:
    """What Apprise tells by at the address; None if it is none that Apprise knows.

    An answer that leads elsewhere is not followed, lest the message or what is secret about the
    address be sent on, unless the address asks for it.
    """
    with _silence():
        # Imported late, because few runs have need of it, and it takes its time.
        from apprise import Apprise, AppriseAsset

        asset = AppriseAsset(app_id="locust-guard", app_desc="locust-guard", http_redirects=False)
        return Apprise.instantiate(url, asset=asset)


def schemes_of(service: NotifyBase) -> tuple[str, ...]:
    """What addresses of the service can begin with."""
    found: list[str] = []
    given: tuple[Any, ...] = (service.protocol, service.secure_protocol)
    for one in given:
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, (list, tuple, set, frozenset)):  # some have none, or a number there
            found += one
    return tuple(found)


@contextmanager
def _silence() -> Iterator[None]:
    """Without what Apprise logs of addresses, right or wrong."""
    logger = logging.getLogger("apprise")
    was, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was
