"""Every way in which Locust can be started, with a rule that stops the run."""

from __future__ import annotations

import pytest

STOP = "rules: [max < 500ms else stop]"
SLOW = ("-u", "2", "-t", "60s", "--slow-after", "2")


@pytest.mark.promised("headless, one process")
def test_headless(start, promise):
    promise.is_kept_by(start(*SLOW, rules=STOP))


@pytest.mark.promised("headless, `--processes N`")
def test_processes(start, ports, promise):
    promise.is_kept_by(start(*SLOW, "--processes", "2", *ports, rules=STOP))
