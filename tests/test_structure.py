"""The structure of the package holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "guard"


def test_imports_flow_one_way():
    """The contracts stand in pyproject.toml under tool.importlinter."""
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE))
)
def test_who_reads_a_clock(file):
    """Time is an argument everywhere else."""
    if file.name in ("watch.py", "checker.py", "dates.py", "progress.py"):
        return
    assert not re.search(r"^\s*(from|import) (time|datetime)\b", file.read_text(), re.MULTILINE)
