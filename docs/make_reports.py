"""Makes docs/reports.md: what each report says of the same run, the quickstart's.

Run it where locust-guard is installed. It takes two minutes, because it runs the quickstart once
for each CI service, and needs the quickstart's port. Where there is a Chromium it takes pictures
too.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

from guard.effects.ci import SERVICES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reports.md"
PICTURES = ROOT / "docs" / "reports"
QUICKSTART = ROOT / "examples" / "quickstart"
SOURCES = "/builds/shop"
"""Where the quickstart is said to have been."""

COMMAND = """\
locust-guard run --headless --only-summary -u 20 -r 10 -t 60s --guard-title Shop \\
    --guard-json verdict.json --guard-junit junit.xml --guard-html report.html
"""

ENVIRONMENTS = {
    "jenkins": {
        "JENKINS_URL": "https://jenkins.example/",
        "BUILD_URL": "https://jenkins.example/job/shop/1234/",
    },
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": SOURCES,
        "GITHUB_STEP_SUMMARY": f"{SOURCES}/summary.md",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "example/shop",
        "GITHUB_RUN_ID": "1234",
    },
    "gitlab": {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.example/shop/-/jobs/1234"},
    "azure": {
        "TF_BUILD": "True",
        "BUILD_SOURCESDIRECTORY": SOURCES,
        "AGENT_TEMPDIRECTORY": f"{SOURCES}/temp",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/example/",
        "SYSTEM_TEAMPROJECT": "shop",
        "BUILD_BUILDID": "1234",
    },
    "teamcity": {
        "TEAMCITY_VERSION": "2025.11",
        "BUILD_URL": "https://teamcity.example/build/1234",
    },
}
"""What the environment of a job holds, by the name of the service."""


class Inbox(BaseHTTPRequestHandler):
    """Takes the messages that are sent to it."""

    messages: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = json.loads(body)
        self.messages.append(f"{message['title']}\n\n{message['message']}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Job:
    """The quickstart as it was run by a service.

    Attributes:
        folder: Where it ran.
        out: What it printed on the standard output.
        err: What it printed on the standard error stream.
    """

    folder: Path
    out: str
    err: str

    def left(self, pattern: str) -> str:
        """The text of a file that it left."""
        (file,) = self.folder.glob(pattern)
        return self.moved(file.read_text(encoding="utf-8")).strip()

    def moved(self, text: str) -> str:
        """The text, with the folder's assumed name."""
        return text.replace(str(self.folder), SOURCES)


def run(service: str, folder: Path, inbox: int) -> Job:
    """Run the quickstart as if a service did.

    Args:
        service: The name of the service.
        folder: Where to run it.
        inbox: A port that takes messages.
    """
    (folder / "temp").mkdir(parents=True)
    rules = (QUICKSTART / "rules.yaml").read_text(encoding="utf-8")
    notify = f"notify:\n  - {{to: 'json://127.0.0.1:{inbox}', on: [stop]}}\n"
    (folder / "rules.yaml").write_text(rules + notify, encoding="utf-8")
    shutil.copy(QUICKSTART / "locustfile.py", folder)
    known = {name for environment in ENVIRONMENTS.values() for name in environment}
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    given = {
        name: value.replace(SOURCES, str(folder)) for name, value in ENVIRONMENTS[service].items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "guard", *shlex.split(COMMAND.replace("\\\n", " "))[1:]],
        cwd=folder,
        env={**inherited, **given},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 3:
        sys.exit(
            f"the quickstart must be stopped and exit 3, not {done.returncode}:\n{done.stderr}"
        )
    return Job(folder, done.stdout, done.stderr)


def picture(page: Path, name: str, *options: str) -> None:
    """Show a page in a browser, and keep what is seen."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print(f"there is no Chromium here, so {name} stays as it is", file=sys.stderr)
        return
    seen = [f"--screenshot={PICTURES / name}", "--virtual-time-budget=8000", page.as_uri()]
    subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", *options, *seen],
        check=True,
        capture_output=True,
    )


def fenced(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"


def log_of(job: Job) -> str:
    """What the guard logged and the final table, as a terminal shows them."""
    lines = job.moved(job.err).splitlines()
    logged = [line.partition(": ")[2] for line in lines if "/guard: " in line]
    table = "\n".join(lines[next(n for n, line in enumerate(lines) if line.startswith("Rule ")) :])
    return "\n".join(logged) + "\n\n" + table


def section_of(job: Job) -> str:
    """What begins the section of GitLab's log, whose carriage return has been read as a line's."""
    found = re.search(r"section_start:.*\n\x1b\[0K.*", job.err)
    return found[0].replace("\x1b[0K", "") if found else ""


def page_of(jobs: dict[str, Job]) -> str:
    """The text of the page."""
    jenkins = jobs["jenkins"]
    said = {name: fenced(job.moved(job.out)) for name, job in jobs.items()}
    headings = {name: f"## {service.title}" for name, service in SERVICES.items()}
    return f"""# What each report says

All of these are of the [quickstart](../examples/quickstart), whose checkout turns slow after some
seconds; those for CI services are of a run each:

{fenced(COMMAND, "sh")}

`python docs/make_reports.py` makes this page.

## In the terminal

The log, and then the final table:

{fenced(log_of(jenkins))}

## The report with charts, `--guard-html`

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="reports/dark.png">
  <img alt="The outcome and its reason, a table of the rules, and charts" src="reports/light.png">
</picture>

On a phone:

<img alt="The same, in one narrow column" src="reports/phone.png" width="300">

## The verdict for machines, `--guard-json`

{fenced(jenkins.left("verdict.json"), "json")}

## JUnit, `--guard-junit`

{fenced(jenkins.left("junit.xml"), "xml")}

## A message, `notify`

What a destination is told `on: [stop]`, in plain text:

{fenced(Inbox.messages[0])}

{headings["github"]}

The summary of the job, in Markdown, is between these lines:

---

{jobs["github"].left("summary.md")}

---

At the lines of `rules.yaml` it shows what these commands say:

{said["github"]}

{headings["gitlab"]}

The final table is a section of the log, whose heading is the second of these lines. GitLab reads
the JUnit file.

{fenced(section_of(jobs["gitlab"]))}

{headings["azure"]}

The first command makes an error, the next one adds the summary, which is the same as above, and the
last one publishes the JUnit file:

{said["azure"]}

{headings["teamcity"]}

{said["teamcity"]}

{headings["jenkins"]}

It reads the JUnit file. Reports and messages link to the build, as they do for each of the others.
"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    server = HTTPServer(("127.0.0.1", 0), Inbox)
    Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as temporary:
        jobs = {
            service: run(service, Path(temporary) / service, server.server_port)
            for service in ENVIRONMENTS
        }
        PAGE.write_text(page_of(jobs), encoding="utf-8")
        report = jobs["jenkins"].folder / "report.html"
        picture(report, "light.png", "--window-size=1000,2500")
        picture(report, "dark.png", "--window-size=1000,2500", "--force-dark-mode")
        picture(report, "phone.png", "--window-size=500,2500")


if __name__ == "__main__":
    main()
