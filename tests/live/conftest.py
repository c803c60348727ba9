"""Real Locust processes, each in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from browser import Browser
from documented import Promise, promises

ROOT = Path(__file__).parents[2]
LOCUSTFILES = Path(__file__).parent / "locustfiles"
COMMANDS = {
    "guarded": (sys.executable, "-m", "guard", "run"),
    "plain": (sys.executable, "-m", "locust"),
    "program": (sys.executable, "program.py"),
}


SHOWS_CI = {"GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION", "JENKINS_URL"}
"""Variables by which a CI service is known. It may be one that runs these tests."""


@dataclass
class Run:
    """A process, what it printed so far, and the verdict it left."""

    process: subprocess.Popen[str]
    verdict_file: Path
    lines: list[str] = field(default_factory=list)
    _may_read: threading.Event = field(default_factory=threading.Event)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._may_read.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._may_read.wait()
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def says(self, text: str, timeout: float = 40, times: int = 1) -> str:
        """Wait for a line with this text, or for so many of them. Gives the last one."""

        def said() -> list[str]:
            return [line for line in self.lines if text in line][:times]

        with self._news:
            found = self._news.wait_for(
                lambda: len(said()) == times or not self._reader.is_alive(), timeout
            )
        assert found, f"{text!r} was not said within {timeout} s:\n{self.output}"
        assert len(said()) == times, f"{text!r} was never said:\n{self.output}"
        return said()[-1]

    def stop_reading(self) -> None:
        """Let go of our end of the process's output."""
        assert self.process.stdout is not None
        with open(os.devnull) as nothing:  # noqa: PTH123 - a device, not a path
            os.dup2(nothing.fileno(), self.process.stdout.fileno())

    def fill_output(self) -> None:
        """Read no more until the process has ended, and fill the pipe that it writes to."""
        self._may_read.clear()
        pipe = os.open(f"/proc/{self.process.pid}/fd/1", os.O_WRONLY | os.O_NONBLOCK)
        full_since = None
        while full_since is None or time.monotonic() - full_since < 0.5:
            try:
                os.write(pipe, b"filled\n")
                full_since = None
            except BlockingIOError:  # the reader may still have taken what it was waiting for
                full_since = full_since or time.monotonic()
                time.sleep(0.05)
        os.close(pipe)

    def left_over(self, timeout: float = 15) -> list[str]:
        """Processes that this one started and that are still there after some time."""
        deadline = time.monotonic() + timeout
        while (left := self._session()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [" ".join(process.cmdline()) for process in left]

    def _session(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                is_of_it = os.getsid(process.pid) == self.process.pid
                if is_of_it and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self, timeout: float = 90) -> int:
        code = self.process.wait(timeout)
        self._may_read.set()
        self._reader.join(10)
        return code

    @property
    def verdict(self) -> dict[str, Any]:
        return json.loads(self.verdict_file.read_text(encoding="utf-8"))

    def verdict_lines(self) -> list[str]:
        """The log lines in which the verdict is told: there must be one."""
        return [line for line in self.lines if "/guard: verdict: " in line]


Start = Callable[..., Run]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "promised(what): shows this line of docs/modes-and-faults.md; see `promise`"
    )
    config.addinivalue_line("markers", "lost_workers: needs Locust's own patience with workers")
    # What a shell starts in the background ignores Ctrl-C, and what nohup starts that the terminal
    # is closed; and so would all that is started here.
    for number, default in ((signal.SIGINT, signal.default_int_handler),
                            (signal.SIGHUP, signal.SIG_DFL)):  # fmt: skip
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """What the page promises about what the test's mark names."""
    mark = request.node.get_closest_marker("promised")
    return promises()[mark.args[0]]


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Finds a port that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def ports(free_port: Callable[[], int]) -> tuple[str, ...]:
    """Options that let a master and its workers meet on a port of their own."""
    port = str(free_port())
    return ("--master-bind-port", port, "--master-port", port)


@pytest.fixture
def start_worker(start: Start, ports: tuple[str, ...]) -> Start:
    """Start a worker, in a process of its own and without the guard. Takes what `start` takes."""

    def start_worker(*options: str, **more: Any) -> Run:
        # Only a master needs the package.
        files = {"sitecustomize.py": "import sys\nsys.modules['guard'] = None\n"}
        return start("--worker", *ports, *options, command="plain", headless=False, files=files,
                     env={"PYTHONPATH": "."}, **more)  # fmt: skip

    return start_worker


@pytest.fixture
def ui(free_port: Callable[[], int]) -> Browser:
    """A web UI, for a process that is started with its options."""
    return Browser(free_port())


@pytest.fixture
def scripted() -> str:
    """The text of the scripted locustfile, to be added to."""
    return (LOCUSTFILES / "scripted.py").read_text()


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start Locust in a folder that holds the locustfile and, if given, a rules file.

    Takes the rules as YAML text, a locustfile by the name of one in ``locustfiles`` or as text,
    other files by name, the command, and environment variables, where None unsets one;
    and whether locust-plugins is there. The rest
    are Locust's options.

    A scripted master is patient with workers that can't keep up, unless the test is marked as one
    with ``lost_workers``.
    """
    runs: list[Run] = []
    patience = {} if request.node.get_closest_marker("lost_workers") else {"LIVENESS": "20"}

    def start(
        *options: str,
        rules: str | None = None,
        locustfile: str = "scripted",
        command: str = "guarded",
        files: dict[str, str] | None = None,
        env: dict[str, str | None] | None = None,
        headless: bool = True,
        with_plugins: bool = False,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
    ) -> Run:
        folder = tmp_path / f"run{len(runs)}"
        folder.mkdir()
        source = LOCUSTFILES / f"{locustfile}.py"
        text = source.read_text() if "\n" not in locustfile else locustfile
        for name, content in {"locustfile.py": text, **(files or {})}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        if rules is not None:
            (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        mode = ("--headless", "--only-summary") if headless else ()
        verdict_file = folder / "verdict.json"
        variables = {name: v for name, v in os.environ.items() if not name.startswith("LOCUST_")}
        variables = {name: v for name, v in variables.items() if name not in SHOWS_CI}
        variables |= {"LOCUST_GUARD_JSON": "verdict.json", **patience, **(env or {})}
        if not with_plugins:
            path = (variables.get("PYTHONPATH"), str(LOCUSTFILES.parent / "without_plugins"))
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        process = subprocess.Popen(
            [*COMMANDS[command], *mode, *options],
            cwd=folder,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        run = Run(process, verdict_file)
        runs.append(run)
        return run

    yield start
    for run in runs:
        run._may_read.set()
        if run.process.poll() is None:
            run.process.terminate()
            try:
                run.process.wait(10)
            except subprocess.TimeoutExpired:
                run.process.kill()
                run.process.wait()
        with suppress(ProcessLookupError):  # the good case
            os.killpg(run.process.pid, signal.SIGKILL)
