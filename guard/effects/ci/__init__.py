"""CI services: what each is told at the end of a run, where its reader looks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from guard.effects.ci import azure, github, gitlab, jenkins, teamcity
from guard.effects.ci.service import Environ, Service

__all__ = ["AUTO", "OFF", "SERVICES", "job_link", "service_of"]

AUTO = "auto"
OFF = "off"

SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        service.name: service
        for service in (
            github.SERVICE, gitlab.SERVICE, azure.SERVICE, teamcity.SERVICE, jenkins.SERVICE,
        )
    }
)  # fmt: skip
"""Each by its name in ``--guard-ci``."""


def service_of(name: str, environ: Environ) -> Service | None:
    """The service that is told of a run, None for none.

    Args:
        name: Its name, ``off``, or ``auto`` for the one that the environment shows.
        environ: The environment variables.
    """
    if name == AUTO:
        return next((each for each in SERVICES.values() if each.is_here(environ)), None)
    return SERVICES.get(name)


def job_link(environ: Environ) -> str | None:
    """The address of the CI job that this is, None if it is none or nobody knows."""
    service = service_of(AUTO, environ)
    link = service.link(environ) if service else None
    return link if link and link.startswith(("http://", "https://")) else None
