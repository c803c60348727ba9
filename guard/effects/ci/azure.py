"""Azure Pipelines: issues at the lines of rules, a summary, the test results, and the final table
as a group of the log.

Sources: https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands for the
commands and their escapes, and for ``results.publish``, which is not among them, what the task
PublishTestResults prints: https://github.com/microsoft/azure-pipelines-task-lib, node/task.ts
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from guard.effects.ci.markdown import summary
from guard.effects.ci.service import Environ, Issue, Report, Service, issues, line
from guard.effects.files import replace
from guard.terminal import shortened

MOST_BYTES = 1_048_576
"""What a summary may have."""


def _commands(report: Report) -> Sequence[str]:
    root = report.environ.get("BUILD_SOURCESDIRECTORY")
    lines = [_logissue(issue) for issue in issues(report, root)]
    summary_file = _summary_file(report)
    if summary_file and summary_file.is_file():
        lines.append(_command("task.uploadsummary", {}, str(summary_file)))
    file = report.junit_file
    if file and file.is_file() and "," not in str(file):  # a comma would make two of it
        properties = {
            "type": "JUnit",
            "mergeResults": "false",
            "runTitle": shortened(line(report.about.title), 200),
            "publishRunAttachments": "true",
            "resultFiles": str(file),
        }
        lines.append(_command("results.publish", properties))
    return lines


def _logissue(issue: Issue) -> str:
    properties = {"type": issue.level.value}
    if issue.place:
        properties["sourcepath"] = issue.place.file
        properties["linenumber"] = str(issue.place.line)
        properties["columnnumber"] = str(issue.place.column)
    return _command("task.logissue", properties, issue.text)


def _command(name: str, properties: dict[str, str], message: str = "") -> str:
    given = "".join(f"{name}={property_text(value)};" for name, value in properties.items())
    return f"##vso[{name}{' ' if given else ''}{given}]{message_text(message)}"


def message_text(text: str) -> str:
    """What the command is about, with its escapes."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def property_text(text: str) -> str:
    """The value of a property of a command, with its escapes."""
    return message_text(text).replace(";", "%3B").replace("]", "%5D")


def _keep(report: Report) -> None:
    if file := _summary_file(report):
        replace(file, summary(report.verdict, report.about, MOST_BYTES))


def _summary_file(report: Report) -> Path | None:
    """A file for the agent to pick up after us, in the folder that it empties after the job. The
    page shows its name."""
    folder = report.environ.get("AGENT_TEMPDIRECTORY")
    return Path(folder) / f"locust-guard-{os.getpid()}-{report.ended}.md" if folder else None


def _fold(report: Report) -> tuple[str, str]:
    return f"##[group]{report.headline}", "##[endgroup]"


def _link(environ: Environ) -> str | None:
    names = ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID")
    server, project, build = (environ.get(name) for name in names)
    server = server or environ.get("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")
    if not (server and project and build):
        return None
    return f"{server.rstrip('/')}/{quote(project)}/_build/results?buildId={build}"


SERVICE = Service(
    name="azure",
    title="Azure Pipelines",
    is_here=lambda environ: environ.get("TF_BUILD", "").lower() == "true",
    link=_link,
    commands=_commands,
    fold=_fold,
    keep=_keep,
)
