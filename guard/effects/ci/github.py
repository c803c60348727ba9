"""GitHub Actions: a summary of the job, and annotations at the lines of rules.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands and,
for the escapes, https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from guard.effects.ci.markdown import summary
from guard.effects.ci.service import Environ, Issue, Report, Service, issues

MOST_BYTES = 1_048_576
"""What the summary of a step may have; GitHub takes nothing of a longer one."""


def _commands(report: Report) -> Sequence[str]:
    root = report.environ.get("GITHUB_WORKSPACE")
    return [_annotation(issue) for issue in issues(report, root)]


def _annotation(issue: Issue) -> str:
    properties = {"title": f"locust-guard: {issue.title}"}
    if issue.place:
        file, number, column = issue.place.file, issue.place.line, issue.place.column
        properties = {"file": file, "line": str(number), "col": str(column), **properties}
    given = ",".join(f"{name}={property_text(value)}" for name, value in properties.items())
    return f"::{issue.level.value} {given}::{message_text(issue.text)}"


def message_text(text: str) -> str:
    """What the command shows, with its escapes."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_text(text: str) -> str:
    """The value of a property of a command, with its escapes."""
    return message_text(text).replace(":", "%3A").replace(",", "%2C")


def _keep(report: Report) -> None:
    """Append the summary to those of this step."""
    file = report.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    path = Path(file)
    taken = path.stat().st_size if path.exists() else 0
    begin = "\n\n" if taken else ""  # what was written before may not end its last line
    content = summary(report.verdict, report.about, MOST_BYTES - taken - len(begin))
    if content:
        with path.open("a", encoding="utf-8") as out:
            out.write(begin + content)


def _link(environ: Environ) -> str | None:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name) for name in names)
    if not (server and repository and run):
        return None
    return f"{server}/{repository}/actions/runs/{run}"


SERVICE = Service(
    name="github",
    title="GitHub Actions",
    is_here=lambda environ: environ.get("GITHUB_ACTIONS") == "true",
    link=_link,
    commands=_commands,
    keep=_keep,
)
