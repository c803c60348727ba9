"""TeamCity: build problems, warnings in the log, and the test results.

Source: https://www.jetbrains.com/help/teamcity/service-messages.html
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from guard.effects.ci.service import Issue, Level, Report, Service, issues

_ESCAPES = {"|": "||", "'": "|'", "[": "|[", "]": "|]", "\n": "|n", "\r": "|r"}


def _commands(report: Report) -> Sequence[str]:
    lines = [_message_of(issue) for issue in issues(report, None)]
    if report.junit_file and report.junit_file.is_file():
        lines.append(_message("importData", type="junit", path=str(report.junit_file)))
    return lines


def _message_of(issue: Issue) -> str:
    if issue.level is Level.WARNING:
        return _message("message", text=f"locust-guard: {issue.text}", status="WARNING")
    # The same problem is the same from build to build, whatever was measured.
    identity = f"locust-guard-{sha256(issue.title.encode()).hexdigest()[:16]}"
    return _message("buildProblem", description=f"locust-guard: {issue.text}", identity=identity)


def _message(name: str, **values: str) -> str:
    given = " ".join(f"{key}='{value_text(value)}'" for key, value in values.items())
    return f"##teamcity[{name} {given}]"


def value_text(text: str) -> str:
    """A value of a service message, with its escapes. All but ASCII is escaped, because the
    encoding of the log is the agent's."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(_unit_text(code) for code in codes)


def _unit_text(code: int) -> str:
    return _ESCAPES.get(chr(code)) or (chr(code) if 32 <= code < 127 else f"|0x{code:04X}")


SERVICE = Service(
    name="teamcity",
    title="TeamCity",
    is_here=lambda environ: bool(environ.get("TEAMCITY_VERSION")),
    link=lambda environ: environ.get("BUILD_URL"),
    commands=_commands,
)
