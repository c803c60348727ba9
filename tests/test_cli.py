"""The command line beside the runs themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import guard
from guard.cli import main
from guard.language import testschema
from guard.language.advice import ADVICE
from guard.language.schema import rules_schema

ROOT = Path(__file__).parents[1]


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
    assert subprocess.run(command, capture_output=True, text=True).stdout == ("p95 < 1s False\n")


def test_python_m_guard_is_the_command():
    command = [sys.executable, "-m", "guard", "--version"]
    assert guard.__version__ in subprocess.run(command, capture_output=True, text=True).stdout


def test_the_public_names_are_sorted_and_there():
    assert guard.__all__ == sorted(guard.__all__)
    for name in guard.__all__:
        assert getattr(guard, name).__doc__


def locust_guard(*arguments, cwd, **options):
    command = [sys.executable, "-m", "guard", *arguments]
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=environment, **options
    )


@pytest.fixture
def folder(tmp_path):
    """A folder with a good file, one with a warning, one with an error, and names; and tests of
    the good one that pass."""
    (tmp_path / "rules.yaml").write_text("rules: [p95 < 500ms]")
    (tmp_path / "odd.yaml").write_text("rules: [p95 < 505ms]")
    (tmp_path / "bad.yaml").write_text("rules: [p955 < 1s]")
    (tmp_path / "names.txt").write_text("/checkout\n")
    (tmp_path / "shop.test.yaml").write_text(TESTS)
    return tmp_path


TESTS = """
rules: rules.yaml
tests:
  - name: Fast is good
    series: [{rps: 5x10, response_time: 400}]
    expect: {outcome: pass}
  - name: slow is bad
    series: [{rps: 5x10, response_time: 600}]
    expect: {outcome: fail}
"""


@pytest.mark.parametrize(
    ("arguments", "code", "summaries"),
    [
        pytest.param([], 0, ["rules.yaml: 1 rule, no warnings"], id="the file that is here"),
        pytest.param(["--strict"], 0, ["rules.yaml: 1 rule, no warnings"], id="nothing to be said"),
        pytest.param(["odd.yaml"], 0, ["odd.yaml: 1 rule, 1 warning"], id="a warning is no error"),
        pytest.param(["odd.yaml", "--strict"], 2, ["odd.yaml: 1 rule, 1 warning"], id="but strict"),
        pytest.param(["bad.yaml"], 2, ["bad.yaml: 1 error"], id="an error"),
        pytest.param(
            ["bad.yaml", "rules.yaml"],
            2,
            ["bad.yaml: 1 error", "rules.yaml: 1 rule, no warnings"],
            id="the good file behind a bad one is looked at too",
        ),
        pytest.param(["gone.yaml"], 2, ["gone.yaml: 1 error"], id="a file that is not there"),
        pytest.param(["."], 2, [".: 1 error"], id="a folder"),
        pytest.param(["--names", "names.txt"], 0, ["rules.yaml: 1 rule, no warnings"], id="names"),
    ],
)
def test_the_exit_code_of_check(folder, arguments, code, summaries):
    result = locust_guard("check", *arguments, cwd=folder)
    assert result.returncode == code
    said = result.stdout + result.stderr
    assert all(summary in said.splitlines() for summary in summaries)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--names", "gone.txt"], "gone.txt: can't be read: No such file", id="names"),
        pytest.param(["--strct"], "No such option '--strct'", id="an option that there is not"),
        pytest.param(["--format", "xml"], "'xml' is not one of 'text', 'json', 'github'", id="xml"),
    ],
)
def test_bad_options_of_check(folder, arguments, message):
    result = locust_guard("check", *arguments, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_check_without_a_file_says_how_to_get_one(tmp_path):
    result = locust_guard("check", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        "locust-guard: there is no rules.yaml or rules.yml here; name a file, or write one with "
        "'locust-guard init'\n"
    )


def test_check_finds_rules_yml_too(folder):
    (folder / "rules.yaml").rename(folder / "rules.yml")
    assert "rules.yml: 1 rule" in locust_guard("check", cwd=folder).stdout


def test_check_reads_the_standard_input(tmp_path):
    result = locust_guard("check", "-", cwd=tmp_path, input="rules: [p955 < 1s]")
    assert result.returncode == 2
    assert result.stderr.startswith("<stdin>:1:9: rule 1: unknown metric 'p955'")


def test_check_writes_what_the_encoding_of_its_output_knows(tmp_path):
    (tmp_path / "rules.yaml").write_text("rules: [p95 of /日本 < 505ms]", encoding="utf-8")
    result = locust_guard("check", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert result.stdout.count("\\u65e5\\u672c") == 2


def test_check_does_not_import_locust(folder):
    """So that it starts fast: well under half a second."""
    code = (
        "import sys; from click.testing import CliRunner; from guard.cli import main; "
        "code = CliRunner().invoke(main, sys.argv[1:]).exit_code; "
        "print(code, {'locust', 'gevent'} & set(sys.modules))"
    )
    for arguments in (
        ["check", "rules.yaml"],
        ["test"],
        ["schema"],
        ["schema", "--of", "tests"],
        ["init", "new.yaml"],
    ):
        command = [sys.executable, "-c", code, *arguments]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert result.stdout.splitlines()[-1] == "0 set()"


def test_the_help_of_check_names_every_warning():
    said = CliRunner().invoke(main, ["check", "--help"], terminal_width=80).output
    assert re.findall(r"^    ([a-z-]+)  ", said, re.MULTILINE) == list(ADVICE)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param([], 0, "shop.test.yaml: 2 passed", id="the files that are here"),
        pytest.param(["shop.test.yaml"], 0, "pass  slow is bad", id="a file"),
        pytest.param(["-k", "FAST"], 0, "shop.test.yaml: 1 passed", id="by name"),
        pytest.param(["wrong.yaml"], 1, "wrong.yaml: 1 passed, 1 failed", id="one fails"),
        pytest.param(["bad.test"], 2, "bad.test: 1 error", id="bad rules"),
        pytest.param(["bad.test", "wrong.yaml"], 2, "1 passed, 1 failed", id="both are told"),
        pytest.param(["gone.yaml"], 2, "gone.yaml:1:1: can't be read: No such", id="no such file"),
        pytest.param(["-k", "x"], 2, "locust-guard: no test has 'x' in its name", id="none"),
        pytest.param(["--format", "junit"], 0, '<testsuite name="shop.test.yaml"', id="junit"),
        pytest.param(["--format", "xml"], 2, "'xml' is not one of 'text', 'junit'", id="xml"),
    ],
)
def test_the_exit_code_of_test(folder, arguments, code, said):
    (folder / "wrong.yaml").write_text(TESTS.replace("600", "100"))
    (folder / "bad.test").write_text(TESTS.replace("rules.yaml", "bad.yaml"))
    result = locust_guard("test", *arguments, cwd=folder)
    assert result.returncode == code
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_test_without_a_file_says_how_they_are_called(tmp_path):
    result = locust_guard("test", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "locust-guard: there is no *.test.yaml or *.test.yml here; name a file\n"
    )


def test_the_example_in_the_help_of_test_is_right(folder):
    said = CliRunner().invoke(main, ["test", "--help"], terminal_width=80).output
    assert max(map(len, said.splitlines())) <= 80
    example = re.search(r"^  +rules: .*?(?=\n\n)", said, re.MULTILINE | re.DOTALL)[0]
    (folder / "rules.yaml").write_text(
        "rules: [p95 of POST /checkout < 500ms over 10s for 5s else stop]"
    )
    (folder / "example.yaml").write_text(textwrap.dedent(example))
    result = locust_guard("test", "example.yaml", cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr


def test_init_writes_a_file_that_passes_and_says_what_next(tmp_path):
    result = locust_guard("init", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("wrote rules.yaml\n  locust-guard check\n")
    assert locust_guard("check", "--strict", cwd=tmp_path).returncode == 0


def test_the_rules_that_init_comments_out_are_good_too(tmp_path):
    """Whoever takes away the number sign gets a rule."""
    locust_guard("init", cwd=tmp_path)
    text = (tmp_path / "rules.yaml").read_text(encoding="utf-8")
    more, count = re.subn(r"^  # - ", "  - ", text, flags=re.MULTILINE)
    assert count >= 3
    (tmp_path / "rules.yaml").write_text(more, encoding="utf-8")
    result = locust_guard("check", "--strict", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_init_says_next_names_another_file(tmp_path):
    result = locust_guard("init", "my rules.yaml", cwd=tmp_path)
    assert "locust-guard check 'my rules.yaml'\n" in result.stdout
    assert "locust-guard run --guard-rules 'my rules.yaml' -f locustfile.py" in result.stdout


@pytest.mark.parametrize("kind", ["file", "link", "link to nowhere", "folder"])
def test_init_leaves_alone_what_is_there(tmp_path, kind):
    there, other = tmp_path / "rules.yaml", tmp_path / "other"
    if kind in ("file", "link"):
        other.write_text("precious")
    match kind:
        case "file":
            other.rename(there)
        case "folder":
            there.mkdir()
        case _:
            there.symlink_to(other)
    result = locust_guard("init", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "locust-guard: rules.yaml is there already; name another file, or remove it first\n"
    )
    assert kind in ("folder", "link to nowhere") or there.read_text() == "precious"
    assert other.exists() == (kind == "link")


def test_init_where_it_can_not_write(tmp_path):
    result = locust_guard("init", "no/rules.yaml", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        "locust-guard: no/rules.yaml can't be written: No such file or directory\n"
    )


def test_the_examples_pass_the_strict_check():
    examples = ROOT / "examples"
    files = [str(file) for file in sorted(examples.rglob("rules.yaml"))]
    result = locust_guard("check", "--strict", *files, cwd=examples)
    assert files
    assert result.returncode == 0, result.stdout + result.stderr


def test_schema_prints_the_schema(tmp_path):
    result = locust_guard("schema", cwd=tmp_path)
    assert json.loads(result.stdout) == rules_schema()
    result = locust_guard("schema", "--of", "tests", cwd=tmp_path)
    assert json.loads(result.stdout) == testschema.tests_schema()


def test_the_pre_commit_hook_runs_a_command_on_rules_files():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command = hook["entry"].split()
    assert (program, command in main.commands) == ("locust-guard", True)
    for file in ("rules.yaml", "load/rules.yml"):
        assert re.search(hook["files"], file)
    for file in ("my-rules.yaml", "rules.yaml.j2", "rules/x.yaml"):
        assert not re.search(hook["files"], file)


def test_ctrl_c_is_neither_a_failed_test_nor_a_crash(monkeypatch):
    """Click would exit with 1, which is for tests that fail."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("guard.trial_listing.try_file", interrupt)
    result = CliRunner().invoke(main, ["test", "x.test.yaml"])
    assert (result.exit_code, result.stderr) == (130, "locust-guard: interrupted\n")


def test_test_takes_folders(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert locust_guard("test", ".", cwd=folder).returncode == 0
    result = locust_guard("test", "empty", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (
        2, "locust-guard: there is no *.test.yaml or *.test.yml in empty\n",
    )  # fmt: skip
