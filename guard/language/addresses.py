"""Whether the addresses of destinations are any, which Apprise knows. No message repeats one."""

from __future__ import annotations

from collections.abc import Sequence

from guard.destination import Destination, schemes_of, service_of
from guard.language.environment import NOT_SHOWN
from guard.language.errors import Problem, RulesError, did_you_mean, one_of
from guard.language.notify import scheme_of
from guard.rule import Place

_ON_THE_WEB = ("http://", "https://")


def verify(destinations: Sequence[Destination]) -> None:
    """See whether each destination can be told.

    Raises:
        RulesError: A variable is not set, or an address is none that Apprise knows; all of them are
            in the error.
    """
    problems = [*map(_not_set, destinations), *map(_fault, destinations)]
    if found := [problem for problem in problems if problem]:
        raise RulesError(found)


def faults(destinations: Sequence[Destination]) -> list[Problem]:
    """What is wrong with addresses, but for variables that are not set: where rules are only looked
    at, there are no secrets."""
    return [problem for problem in map(_fault, destinations) if problem]


def shown(destination: Destination) -> str:
    """An address as far as it is written out and no secret: its scheme, and its host where it has
    one; or its variables."""
    if destination.written in _ON_THE_WEB and (service := service_of(destination.url)):
        return f"{schemes_of(service)[0]}://"  # a webhook's own address, and it is known whose
    return f"{destination.written}{destination.host}"


def _not_set(destination: Destination) -> Problem | None:
    missing = destination.missing
    if not missing:
        return None
    name = missing[0][2:-1]
    are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    how = f"set {them}; an address that is ${{{name}:-}} and no more tells nobody without it"
    return Problem(_place(destination), f"to: {one_of(missing, 'and')} {are} not set; {how}")


def _fault(destination: Destination) -> Problem | None:
    url = destination.url
    if not url or service_of(url) is not None:
        return None
    return Problem(_place(destination), f"to: {_complaint(destination)}")


def _complaint(destination: Destination) -> str:
    from apprise.manager_plugins import NotificationManager

    services = NotificationManager()
    scheme = scheme_of(destination.url) or ""
    if destination.written != f"{scheme}://":
        stands = f"what {destination.written} stands for"
        return f"{stands} is no complete address that Apprise knows {NOT_SHOWN}"
    if scheme in ("http", "https"):
        own = "jsons" if scheme == "https" else "json"
        return (
            "Apprise knows no service with this address; a webhook of your own is "
            f"{own}:// and the rest of its address"
        )
    known = sorted(services.schemas())
    if scheme not in known:
        near = did_you_mean(scheme, known) or ";"
        return f"unknown kind of address {scheme!r}{near} see https://appriseit.com/services/"
    service = services[scheme]
    packages = service.requirements["packages_required"]
    if not service.enabled and packages:
        needed = [packages] if isinstance(packages, str) else packages
        return f"{scheme}:// needs {one_of(needed, 'and')}; install it"
    return f"not a complete address of {scheme}://; see {service.setup_url}"


def _place(destination: Destination) -> Place:
    return destination.place or Place("", 1, 1)
