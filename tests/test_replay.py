"""``locust-guard replay``, from its options to its exit code."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from guard.language.advice import advise
from guard.language.rulefile import load_rules

HEADER = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception"
RULES = """
rules:
  - fail_ratio < 10%
  - p95 of GET /slow < 500ms over 5s for 3s else stop
"""


def row(moment, name="/", ms=100, failure=""):
    return f"{1_700_000_000 + moment:.3f},GET,{name},{ms},10,200,{failure}"


def shop(seconds=30, slow_from=10):
    """Two names, ten requests a second each. One of them turns slow, and quick again after 10 s."""
    for number in range(seconds * 10):
        moment = number / 10
        is_slow = slow_from <= moment < slow_from + 10
        yield row(moment, "/")
        yield row(moment, "/slow", 900 if is_slow else 100)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "run.csv").write_text("\n".join([HEADER, *shop()]) + "\n")
    return tmp_path


def replay(*arguments, cwd, **options):
    command = [sys.executable, "-m", "guard", "replay", *arguments]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, cwd=cwd, text=True, encoding="utf-8", check=False, **piped)


def test_it_tells_what_would_have_happened_when(folder):
    """The slow ones, sent from 10 s on, are answered from 10.9 s on. In the window of 5 s that ends
    at 11 s two of 42 are slow, at 12 s twelve. The third broken evaluation makes the breach."""
    done = replay("run.csv", cwd=folder)
    assert done.returncode == 3
    assert done.stderr == ""
    said = " ".join(done.stdout.split())
    assert "run.csv: 600 requests of 2 names in 30.0 s (Locust's CsvRequestLogger)" in said
    assert "pending at 12 s: p95 of GET /slow was 900 ms over 5 s" in said
    assert "breached at 14 s: p95 of GET /slow was 900 ms over 5 s" in said
    assert "the run of 30.0 s would have been stopped at 14 s; --continue judges the rest" in said
    assert "900 ms < 500 ms 80% beyond" in said
    assert "Verdict: fail - p95 of GET /slow was 900 ms over 5 s" in said
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_it_judges_beyond_the_stop_if_told_to(folder):
    done = replay("run.csv", "--continue", "--json", "verdict.json", cwd=folder)
    assert done.returncode == 3
    assert "recovered at 26 s" in done.stdout
    assert "--continue" not in done.stdout
    verdict = json.loads((folder / "verdict.json").read_text())
    assert (verdict["stopped_at"], verdict["duration"]) == (14.0, 30.0)


def test_the_verdict_is_that_of_a_live_run_with_what_was_read(folder):
    done = replay("run.csv", "--json", "-", cwd=folder)
    verdict = json.loads(done.stdout)
    assert "would have been stopped" in done.stderr
    assert (verdict["schema"], verdict["outcome"], verdict["exit_code"]) == (1, "fail", 3)
    assert (verdict["stopped_at"], verdict["duration"], verdict["final"]) == (14.0, 14.0, True)
    assert verdict["started"] == "2023-11-14T22:13:20+00:00"
    assert (verdict["recording"], verdict["bad_rows"]) == (["run.csv"], 0)
    (broken,) = [rule for rule in verdict["rules"] if rule["state"] == "breached"]
    assert (broken["pending_at"], broken["breached_at"]) == (11.0, 14.0)
    assert broken["users_at_breach"] is None


def test_junit(folder):
    assert replay("run.csv", "--junit", "report.xml", cwd=folder).returncode == 3
    report = ElementTree.parse(folder / "report.xml").getroot()  # noqa: S314 - our own
    assert (report.get("tests"), report.get("failures"), len(report)) == ("2", "1", 2)
    assert "When: pending since 11 s, breached at 14 s" in report.findtext(".//failure")


def test_html(folder):
    """What the rules read is in the report, up to the stop."""
    done = replay("run.csv", "--html", "report.html", cwd=folder)
    assert done.returncode == 3
    report = (folder / "report.html").read_text(encoding="utf-8")
    figures = json.loads(re.search('id="figures">(.*?)</script>', report)[1])
    load, _, slow = figures.values()
    assert load["data"][0]["name"] == "requests/s"
    assert load["data"][0]["y"][9] == pytest.approx(20, abs=0.5)
    line = dict(zip(slow["data"][0]["x"], slow["data"][0]["y"], strict=True))
    assert (line[11], line[13]) == (100, 900)
    assert max(line) == 14
    assert replay("run.csv", "--html", "report.html", cwd=folder).returncode == 3  # and again
    assert replay("run.csv", "--html", "-", cwd=folder).stdout.startswith("<!DOCTYPE html>")


def test_a_good_run_passes(folder):
    (folder / "rules.yaml").write_text("rules: [p95 < 1s]")
    done = replay("run.csv", cwd=folder)
    assert done.returncode == 0
    assert "no rule was ever broken" in done.stdout
    assert "the run would not have been stopped" in done.stdout


def test_what_a_recording_cannot_tell_is_left_out_and_said(folder):
    rules = ["cpu < 90% for 10s else void", "users > 1", "lost_workers < 1", "silence < 5s"]
    (folder / "rules.yaml").write_text("rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    done = replay("run.csv", "--json", "verdict.json", cwd=folder)
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "the recording does not tell: cpu < 90%, users > 1, lost_workers < 1" in said
    assert "silence is judged as if users were running all the time" in said
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["left_out"] == ["cpu < 90%", "users > 1", "lost_workers < 1"]
    assert [rule["name"] for rule in verdict["rules"]] == ["silence < 5s"]


def test_requests_that_nobody_made_are_said_with_what_was_meant(folder):
    (folder / "rules.yaml").write_text("rules: [p95 of /slwo < 1s, p95 of GET /slow < 1s]")
    done = replay("run.csv", cwd=folder)
    assert done.returncode == 4
    assert "there are no requests of /slwo; did you mean /slow?" in done.stdout
    assert done.stdout.count("there are no requests of") == 1


def test_rules_that_are_all_left_out_judge_nothing(folder):
    (folder / "rules.yaml").write_text("rules: [cpu < 90%]")
    assert replay("run.csv", cwd=folder).returncode == 4


def test_ramp_up(folder):
    """What came before is not judged, and without being told nobody knows when it was over."""
    (folder / "rules.yaml").write_text("rules: [max of GET /slow < 500ms after ramp-up]")
    without = replay("run.csv", cwd=folder)
    assert without.returncode == 4
    assert "say when it was with --ramp-up TIME" in " ".join(without.stdout.split())
    assert replay("run.csv", "--ramp-up", "15s", cwd=folder).returncode == 3
    assert replay("run.csv", "--ramp-up", "22s", cwd=folder).returncode == 0
    bad = replay("run.csv", "--ramp-up", "22", cwd=folder)
    assert bad.returncode == 2
    assert "--ramp-up: '22' has no unit; write 22s or 22ms" in bad.stderr


def test_bad_rows_are_said_and_with_strict_an_error(folder):
    with (folder / "run.csv").open("a") as file:
        file.write("oops\n" * 12 + row(1) + "\n")
    done = replay("run.csv", cwd=folder)
    assert done.returncode == 3
    assert "12 rows can't be read:\n  run.csv, line 602: 1 column instead of 7" in done.stdout
    assert "and 2 more" in done.stdout
    strict = replay("run.csv", "--strict", cwd=folder)
    assert strict.returncode == 2
    assert strict.stdout == ""
    assert "run.csv, line 602: 1 column instead of 7" in strict.stderr


def test_a_file_of_each_worker(folder):
    rows = list(shop())
    for number in (0, 1):
        (folder / f"{number}.csv").write_text("\n".join([HEADER, *rows[number::2]]) + "\n")
    assert "0.csv, 1.csv: 600 requests" in replay("0.csv", "1.csv", cwd=folder).stdout
    verdicts = [
        json.loads(replay(*files, "--json", "-", cwd=folder).stdout)["rules"]
        for files in (["run.csv"], ["0.csv", "1.csv"])
    ]
    assert verdicts[0] == verdicts[1]


def test_the_standard_input(folder):
    with (folder / "run.csv").open() as file:
        assert replay("-", "--format", "locust", cwd=folder, stdin=file).returncode == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "none.csv: can't be read: No such file or directory"),
        (["run.csv", "--rules", "none.yaml"], "none.yaml:1:1: can't be read"),
        (["run.csv", "--rules", "bad.yaml"], "unknown metric 'p955'"),
        (["run.csv", "--format", "k6"], "run.csv: is not k6's CSV output"),
        (["run.csv", "--json", "rules.yaml"], "rules.yaml is there already, and is no verdict"),
        (["run.csv", "--junit", "rules.yaml"], "rules.yaml is there already, and is no JUnit"),
        (["run.csv", "--html", "rules.yaml"], "rules.yaml is there already, and is no report of"),
        (["run.csv", "--json", "x", "--html", "x"], "--json and --html can't go to the same place"),
        (["run.csv", "--suggest", "--html", "x"], "--suggest judges nothing"),
        (["run.csv", "--suggest", "--json", "x"], "--suggest judges nothing"),
        (["run.csv", "--suggest", "--rules", "rules.yaml"], "--suggest judges nothing"),
        (["run.csv", "--json", "-", "--junit", "-"], "can't go to the same place"),
        (["run.csv", "--json", "x", "--junit", "./x"], "can't go to the same place"),
        (["run.csv", "./run.csv"], "./run.csv is given twice"),
        (["run.csv", "--junit", "pytest.xml"], "pytest.xml is there already, and is no JUnit"),
        (["run.csv", "--rules", "smoke"], "a pack is used by a file that says 'extends: smoke'"),
        (["run.csv", "--rules", ""], "can't be read"),
        (["run.csv", "--suggest", "--ramp-up", "2m"], "too few requests after ramp-up"),
        ([], "Missing argument 'RECORDING...'"),
    ],
)
def test_what_cannot_be_done_is_refused(folder, arguments, said):
    (folder / "bad.yaml").write_text("rules: [p955 < 1s]")
    (folder / "pytest.xml").write_text('<testsuites name="pytest tests"></testsuites>')
    before = (folder / "rules.yaml").read_text()
    done = replay(*arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "rules.yaml").read_text() == before


def test_without_a_rules_file_it_says_so(folder):
    (folder / "rules.yaml").unlink()
    done = replay("run.csv", cwd=folder)
    assert done.returncode == 2
    assert "there is no rules.yaml" in done.stderr


@pytest.mark.parametrize("ramp_up", [(), ("--ramp-up", "3s")], ids=["whole", "after-ramp-up"])
def test_suggested_rules_are_good_ones_that_the_run_passes(folder, ramp_up):
    rows = [*shop(), row(3, '"/odd: name # 1"'), row(3, "/*"), row(4, "/rare", failure="lost")]
    (folder / "run.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    done = replay("run.csv", "--suggest", *ramp_up, cwd=folder)
    assert done.returncode == 0
    (folder / "rules.yaml").write_text(done.stdout)
    rules = load_rules(folder / "rules.yaml")
    assert advise(rules) == []
    lines = list(map(str, rules))
    after = " after ramp-up" if ramp_up else ""
    assert f"p95 of GET /slow < 1200ms over 10s{after} min_requests 20" in lines
    assert f"p95 of GET / < 130ms over 10s{after} min_requests 20" in lines
    assert f"fail_ratio of GET / < 1%{after}" in lines
    passed = replay("run.csv", "--continue", *ramp_up, cwd=folder)
    assert passed.returncode in (0, 4 if ramp_up else 0), passed.stdout


def test_of_many_entries_the_busiest_get_limits(folder):
    rows = [row(n / 100, f"/{n % 40}") for n in range(4000)]
    (folder / "run.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    said = replay("run.csv", "--suggest", cwd=folder).stdout
    assert "# 20 more with fewer requests are left out." in said


def in_terminal(folder, *arguments):
    """Start it where its messages go to a terminal."""
    reading, writing = pty.openpty()
    command = [sys.executable, "-m", "guard", "replay", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    return process, reading


def read_until(descriptor, text, seconds=30):
    said, end = b"", time.monotonic() + seconds
    while text not in said and time.monotonic() < end:
        try:
            said += os.read(descriptor, 10_000)
        except OSError:  # nobody writes to it any more
            break
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_a_long_replay_has_a_bar_and_ctrl_c_ends_it(folder):
    """Exit code 130, one line, no traceback; and nothing that was to be written."""
    rows = (
        f"{1_700_000_000 + number / 2000:.4f},GET,/{number % 200},120,10,200,\n"
        for number in range(100_000)
    )
    part = gzip.compress("".join(rows).encode())  # of which a file may have many
    (folder / "run.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n".encode()) + 100 * part)
    (folder / "rules.yaml").write_text("rules: [p95 of each * < 1s over 60s]")
    process, terminal = in_terminal(folder, "run.csv.gz", "--json", "verdict.json")
    said = read_until(terminal, b"%")
    assert b"reading" in said or b"judging" in said
    process.send_signal(signal.SIGINT)
    said += read_until(terminal, b"interrupted")
    assert process.wait(20) == 130
    assert b"locust-guard: interrupted" in said
    assert b"Traceback" not in said
    assert not (folder / "verdict.json").exists()


def test_it_starts_fast_and_without_locust(folder):
    code = """
import sys
from guard.cli import main
main(["replay", "run.csv"], standalone_mode=False)
"""
    code = (
        "import sys\nfrom guard.cli import main\ntry:\n    main(['replay', 'run.csv'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'locust', 'gevent', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n")


def test_an_entry_without_a_method_is_called_by_its_name(folder):
    """As the samples of JMeter are."""
    (folder / "rules.yaml").write_text("rules: [max of each Log* < 1s]")
    rows = ["timeStamp,elapsed,label,success", "0,90,Log in,true", "900,100,Log out,true"]
    (folder / "run.jtl").write_text("\n".join(rows) + "\n")
    verdict = json.loads(replay("run.jtl", "--json", "-", cwd=folder).stdout)
    assert [rule["entry"] for rule in verdict["rules"]] == ["Log in", "Log out"]


def test_a_ramp_up_beyond_the_end_is_said(folder):
    (folder / "rules.yaml").write_text("rules: [p95 < 1s after ramp-up]")
    done = replay("run.csv", "--ramp-up", "2m", cwd=folder)
    assert "--ramp-up 2m is after the end of the recording" in " ".join(done.stdout.split())
    assert done.returncode == 4


def test_what_can_not_be_suggested_says_why(folder):
    rows = [f"{n / 10},GET,{name},{n},10,500,bad" for n in range(100) for name in ("/${a}", "")]
    (folder / "odd.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    done = replay("odd.csv", "--suggest", cwd=folder)
    assert '- "p95 of \\"GET /$${a}\\" < ' in done.stdout or "p95 of GET /$${a} < " in done.stdout
    assert "# all requests failed, which is no limit" in done.stdout
    assert "# a rule can't say this name" in done.stdout
    (folder / "suggested.yaml").write_text(done.stdout)
    assert replay("odd.csv", "--rules", "suggested.yaml", cwd=folder).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["--json=-", "--junit=-", "--suggest"])
def test_a_full_disk_is_no_success(folder, option):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = replay("run.csv", option, cwd=folder, stdout=full)
    assert done.returncode == 2
    assert "the output can't be written: No space left on device" in done.stderr
