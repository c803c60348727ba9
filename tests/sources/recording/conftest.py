"""Recordings, written and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guard.sources.recording import file
from guard.sources.recording.recording import Recording

LOCUST = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes lines to a file and gives its path. Rows alone are those of Locust."""

    def write_lines(*lines: str, header: str = LOCUST, name: str = "run.csv", end: str = "\n"):
        written = tmp_path / name
        written.write_bytes("".join(line + end for line in (header, *lines)).encode())
        return str(written)

    return write_lines


@pytest.fixture
def seconds_of() -> Callable[..., dict[float, Any]]:
    """Reads recordings into their snapshots, by second."""

    def read_all(*files: str, form: str | None = None, **options: Any) -> dict[float, Any]:
        read = Recording(files, form)
        return dict(read.snapshots(read.survey(), **options))

    return read_all


@pytest.fixture(params=["plain", "fast"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the test be with one of the two readers."""
    monkeypatch.setattr(file, "ARROW_FROM", 0 if request.param == "fast" else 1 << 40)
