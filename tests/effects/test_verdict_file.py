"""The verdict file: replaced atomically, never in the way."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace

from guard.effects.about import About
from guard.effects.verdict_file import VerdictFile, as_json
from guard.engine.verdict import Verdict
from guard.rule import Outcome

ABOUT = About(
    title="checkout",
    host="http://localhost",
    rules_file="rules.yaml",
    started="2026-01-01T12:00:00+00:00",
    guard_version="0.1.0",
    locust_version="2.47.0",
    more={"recording": ["a.csv"]},
)
VERDICT = Verdict(Outcome.PASS, "grüße", (), False, None, False, 1.23456)


def test_the_file_holds_the_verdict_and_what_is_known_of_the_run(tmp_path):
    file = tmp_path / "new" / "verdict.json"
    VerdictFile(file, ABOUT).ended(VERDICT)
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "schema": 1,
        "outcome": "pass",
        "exit_code": 0,
        "reason": "grüße",
        "stopped": False,
        "stopped_at": None,
        "final": False,
        "duration": 1.235,
        "rules": [],
        "title": "checkout",
        "host": "http://localhost",
        "started": "2026-01-01T12:00:00+00:00",
        "guard_version": "0.1.0",
        "locust_version": "2.47.0",
        "recording": ["a.csv"],
    }


def test_the_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    """A reader that holds the old file keeps reading the old one."""
    file = tmp_path / "verdict.json"
    effect = VerdictFile(file, ABOUT)
    effect.started(VERDICT)
    with file.open() as old:
        effect.ended(VERDICT)
        assert json.load(old)["schema"] == 1
        assert os.fstat(old.fileno()).st_ino != file.stat().st_ino
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_be_written_is_said_once(tmp_path, caplog):
    caplog.set_level(logging.ERROR, logger="guard")
    (tmp_path / "file").touch()
    effect = VerdictFile(tmp_path / "file" / "verdict.json", ABOUT)
    effect.started(VERDICT)
    effect.ended(VERDICT)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("can't write the verdict to ")


def test_a_printed_verdict_gives_no_command_to_a_ci_service():
    said = "##vso[task.complete]\n::error::x ####"
    text = as_json(replace(VERDICT, reason=said), ABOUT)
    assert json.loads(text)["reason"] == said
    assert "##" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
