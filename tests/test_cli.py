"""The command line beside the runs themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

import guard
from guard.cli import main


def test_help_names_the_commands_and_the_exit_codes():
    result = CliRunner().invoke(main, ["--help"], terminal_width=80)
    assert result.exit_code == 0
    assert "run" in result.output
    assert "3 fail, 4 inconclusive" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_version():
    assert CliRunner().invoke(main, ["--version"]).output == (
        f"locust-guard, version {guard.__version__}\n"
    )


@pytest.mark.parametrize("command", ["import guard", "import guard.cli", "import guard.language"])
def test_locust_and_gevent_are_not_imported(command):
    """So that everything but a run starts fast and unpatched."""
    code = f"{command}, sys; print({{'locust', 'gevent'}} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "set()\n"


def test_rules_load_without_locust(tmp_path):
    (tmp_path / "rules.yaml").write_text("rules: [p95 < 1s]")
    code = f"""
import guard, sys
print(guard.load_rules({str(tmp_path / "rules.yaml")!r})[0], 'locust' in sys.modules)
"""
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout == (
        "p95 < 1000ms False\n"
    )


def test_python_m_guard_is_the_command():
    command = [sys.executable, "-m", "guard", "--version"]
    assert guard.__version__ in subprocess.run(command, capture_output=True, text=True).stdout


def test_the_public_names_are_sorted_and_there():
    assert guard.__all__ == sorted(guard.__all__)
    for name in guard.__all__:
        assert getattr(guard, name).__doc__
