"""What is told of a run beside its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """What a run was, for its reports.

    Attributes:
        title: What the test is called.
        host: What was tested, as far as that is known.
        rules_file: Where the rules come from, for people.
        started: When the test began, as an ISO 8601 date in UTC.
        guard_version: Version of locust-guard.
        locust_version: Version of Locust; None if nobody wrote it down.
        link: Where more is to be seen: the CI job, or the web UI.
        more: What else the verdict file tells.
    """

    title: str
    host: str
    rules_file: str
    started: str
    guard_version: str
    locust_version: str | None
    link: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What the verdict file tells beside the verdict."""
        return {
            "title": self.title,
            "host": self.host,
            "started": self.started,
            "guard_version": self.guard_version,
            "locust_version": self.locust_version,
            **self.more,
        }
