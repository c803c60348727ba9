"""Options, where they may come from, and what is refused before anything starts."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

GOOD = "rules: [p95 < 1s]"
BAD = "rules: [p95 < 1ms]"
QUICK = ("-u", "1", "-t", "2s")
VERDICT = '{\n  "schema": 1,\n  "outcome": "fail"\n}\n'
"""Of an earlier run."""


def refused(run) -> None:
    assert run.exit_code() == 2
    assert "Traceback" not in run.output
    assert "Ramping" not in run.output
    assert "spawned" not in run.output


def test_bad_rules_are_refused_with_all_their_errors(start):
    run = start(*QUICK, rules="rules:\n  - p955 < 1s\n  - fail_ratio < 150%\n")
    refused(run)
    assert run.says("rules.yaml:2:5: rule 1: unknown metric 'p955'; did you mean 'p95'?")
    assert run.says("rules.yaml:3:18: rule 2: fail_ratio lies between 0% and 100%")
    assert run.says("nothing was started")


def test_bad_rules_are_refused_before_workers_are_forked(start, ports):
    """Locust leaves the workers of a master that exits at once alone for a minute."""
    run = start(*QUICK, "--processes", "2", *ports, rules="rules: [p955 < 1s]")
    refused(run)
    assert "reported as ready" not in run.output
    assert "Starting Locust" not in run.output


def test_the_verdict_of_an_earlier_run_does_not_outlive_a_refusal(start):
    run = start(*QUICK, rules="rules: [p955 < 1s]", files={"verdict.json": VERDICT})
    refused(run)
    assert not run.verdict_file.exists()


def test_the_verdict_of_an_earlier_run_is_not_taken_for_one_on_an_unguarded_run(start):
    run = start(*QUICK, "--guard-off", files={"verdict.json": VERDICT})
    assert run.exit_code() == 0
    assert not run.verdict_file.exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rules.yaml", "is there already, and is no verdict"),
        ("locustfile.py", "is there already, and is no verdict"),
        ("link-to-rules", "is there already, and is no verdict"),
        (".", "is no file"),
        ("pipe", "is no file"),
        ("/dev/null", "is no file"),
        ("-", "is no file"),
        ("/dev/stdout", "is no file"),
    ],
)
def test_a_verdict_replaces_nothing_else(start, tmp_path, name, why):
    """A slip in an option must not cost a file, nor a device that only root could lose."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link-to-rules").symlink_to("run0/rules.yaml")
    given = str(tmp_path / name) if name in ("pipe", "link-to-rules") else name
    before = Path("/dev/null").stat().st_mode
    run = start(*QUICK, "--guard-json", given, rules=GOOD)
    refused(run)
    assert run.says(f"locust-guard: --guard-json: {given} {why}")
    assert run.says("nothing was started; name another file, which the verdict may replace")
    assert (run.verdict_file.parent / "rules.yaml").read_text() == GOOD
    assert Path("/dev/null").stat().st_mode == before


def test_a_verdict_does_not_replace_the_output(start, tmp_path):
    """Which is an empty file when it is redirected, as far as a verdict is concerned."""
    output = tmp_path / "output"
    with output.open("w") as file:
        run = start(*QUICK, "--guard-json", "/dev/stdout", rules=GOOD, stdout=file.fileno())
        assert run.exit_code() == 2
    assert "--guard-json: /dev/stdout is where the output goes" in output.read_text()


@pytest.mark.parametrize("indent", [None, 2, 4])
def test_a_verdict_may_have_been_formatted_anew(start, indent):
    earlier = json.dumps(json.loads(VERDICT), indent=indent)
    run = start(*QUICK, rules=GOOD, files={"verdict.json": earlier})
    assert run.exit_code() == 0
    assert run.verdict["outcome"] == "pass"


def test_options_are_refused_at_the_start_only(start, ui):
    """The web UI parses them anew whenever its page is loaded."""
    run = start("--autostart", *ui.options, "-u", "1", rules=GOOD, headless=False,
                env={"LOCUST_GUARD_JSON": None},
                files={"locust.conf": "guard-json = verdict.json\n"})  # fmt: skip
    run.says(" total users)")
    folder = run.verdict_file.parent
    (folder / "locust.conf").write_text("guard-json = rules.yaml\nguard-rules = nowhere.yaml\n")
    assert "<html" in ui.page()
    run.signal(signal.SIGTERM)
    assert run.exit_code() == 0
    assert run.verdict["outcome"] == "pass"


def test_a_verdict_replaces_an_earlier_one_and_what_a_link_leads_to(start, tmp_path):
    (tmp_path / "link").symlink_to("run0/earlier.json")
    run = start(*QUICK, "--guard-json", str(tmp_path / "link"), rules=GOOD,
                files={"earlier.json": VERDICT})  # fmt: skip
    assert run.exit_code() == 0
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "run0" / "earlier.json").read_text())["outcome"] == "pass"


@pytest.mark.parametrize("option", ["--list", "--show-task-ratio"])
def test_what_only_tells_needs_no_rules(start, option):
    run = start(option, headless=False)
    assert run.exit_code() == 0
    assert run.says("Scripted")


def test_rules_in_a_folder_of_locustfiles(start, scripted):
    files = {"tests/mine.py": scripted, "tests/rules.yaml": BAD}
    run = start(*QUICK, "-f", "tests", files=files)
    assert run.exit_code() == 3
    assert run.says("guarding by 1 rule from tests/rules.yaml")


def test_a_run_without_rules_is_refused_with_the_way_out(start):
    run = start(*QUICK)
    refused(run)
    assert run.says("there is no rules.yaml or rules.yml in ")
    assert run.says("--guard-rules FILE, or go unguarded with --guard-off")


def test_a_missing_rules_file_is_refused(start):
    run = start(*QUICK, "--guard-rules", "nowhere.yaml", rules=GOOD)
    refused(run)
    assert run.says("nowhere.yaml:1:1: can't be read: No such file or directory")


def test_guard_off_says_so_and_leaves_locust_alone(start):
    run = start(*QUICK, "--guard-off", rules=BAD)
    assert run.exit_code() == 0
    assert run.says("this run is not guarded (--guard-off)")
    assert not run.verdict_file.exists()


@pytest.mark.parametrize(
    ("files", "env", "options"),
    [
        pytest.param({}, {}, ["--guard-rules", "mine.yaml"], id="command line"),
        pytest.param({"locust.conf": "guard-rules = mine.yaml\n"}, {}, [], id="locust.conf"),
        pytest.param(
            {"pyproject.toml": '[tool.locust]\nguard-rules = "mine.yaml"\n'},
            {},
            [],
            id="pyproject.toml",
        ),
        pytest.param({}, {"LOCUST_GUARD_RULES": "mine.yaml"}, [], id="environment"),
    ],
)
def test_options_come_from_everywhere_locusts_do(start, files, env, options):
    """From files and the environment, too (O1)."""
    run = start(*QUICK, *options, rules=GOOD, files={"mine.yaml": BAD, **files}, env=env)
    assert run.exit_code() == 3
    assert run.says("guarding by 1 rule from mine.yaml")


@pytest.mark.parametrize(
    ("files", "env"),
    [
        # The first line is no TOML: before 2.42.6 Locust ignored a locust.conf that is.
        pytest.param({"locust.conf": "run-time = 1s\nguard-off = true\n"}, {}, id="locust.conf"),
        pytest.param({"pyproject.toml": "[tool.locust]\nguard-off = true\n"}, {}, id="pyproject"),
        pytest.param({}, {"LOCUST_GUARD_OFF": "1"}, id="environment"),
    ],
)
def test_guard_off_from_everywhere(start, files, env):
    assert start(*QUICK, rules=BAD, files=files, env=env).exit_code() == 0


def test_guard_json_from_locust_conf(start):
    run = start(
        *QUICK, rules=GOOD, files={"locust.conf": "guard-json = out/v.json\n"},
        env={"LOCUST_GUARD_JSON": None},
    )  # fmt: skip
    run.verdict_file = run.verdict_file.parent / "out" / "v.json"
    assert run.exit_code() == 0
    assert run.verdict["outcome"] == "pass"


def test_rules_yml_beside_the_locustfile(start):
    assert start(*QUICK, files={"rules.yml": BAD}).exit_code() == 3


def test_rules_beside_the_locustfile_come_before_the_working_directory(start, scripted):
    """Locust's own word for the locustfile has no folder (O3)."""
    files = {"test/mine.py": scripted, "test/rules.yaml": BAD}
    run = start(*QUICK, "-f", "test/mine.py", rules=GOOD, files=files)
    assert run.exit_code() == 3
    assert run.says("guarding by 1 rule from test/rules.yaml")


def test_a_locustfile_that_goes_elsewhere(start, scripted):
    """Files are where the one who started the run sees them."""
    goes = "import os\n\nos.mkdir('elsewhere')\nos.chdir('elsewhere')\n" + scripted
    run = start(*QUICK, "--guard-rules", "mine.yaml", files={"mine.yaml": BAD}, locustfile=goes)
    assert run.exit_code() == 3
    assert run.verdict["outcome"] == "fail"
    run = start(*QUICK, rules=BAD, locustfile=goes)
    assert run.exit_code() == 3
    assert run.verdict["outcome"] == "fail"


def test_an_empty_variable_is_none(start):
    """As for Locust's own options that take a value."""
    names = ("RULES", "JSON", "STOP_DEADLINE")
    run = start(*QUICK, rules=BAD, env={f"LOCUST_GUARD_{name}": "" for name in names})
    assert run.exit_code() == 3
    assert not run.verdict_file.exists()


def test_two_lines_in_the_locustfile_and_plain_locust(start, scripted):
    installs = "import guard\nguard.install()\n" + scripted
    run = start(*QUICK, rules=BAD, locustfile=installs, command="plain")
    assert run.exit_code() == 3
    assert run.verdict["outcome"] == "fail"


def test_installing_twice_is_installing_once(start, scripted):
    installs = "import guard\nguard.install()\nguard.install()\n" + scripted
    run = start(*QUICK, rules=BAD, locustfile=installs)
    assert run.exit_code() == 3
    assert sum("guarding by" in line for line in run.lines) == 1
    assert len(run.verdict_lines()) == 1


def test_help_of_run_is_locusts_with_the_guards_options(start):
    run = start("--help", headless=False)
    assert run.exit_code() == 0
    for option in ("--guard-rules", "--guard-off", "--guard-json", "--spawn-rate"):
        assert option in run.output
