"""The command-line door: ``locust-guard``."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import click

from guard.terminal import UnwritableError
from guard.version import __version__

BAD_RULES = 2
"""Exit code for bad rules or options."""

FAILED = 1
"""Exit code for tests of rules that fail."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

FORMATS = ("text", "json", "github")
RECORDINGS = ("locust", "jtl", "k6")
TEST_FORMATS = ("text", "junit")
TEST_FILES = ("*.test.yaml", "*.test.yml")
"""What test files are called where nobody says their names."""

SCHEMAS = ("rules", "tests")


class _Commands(click.Group):
    """Ends all commands alike where they can't go on."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("locust-guard: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except UnwritableError as error:
            _refuse(f"the output can't be written: {error}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="locust-guard")
def main() -> None:
    """Guard Locust load tests: judge them by rules while they run, stop those that break them, and
    leave a verdict that CI can trust.

    \b
    Exit codes: 0 pass, 2 bad rules or options, 3 fail, 4 inconclusive,
    5 error in the guard.
    """


# What only some commands need is imported in them: Locust patches the standard library, and other
# things take their time.


@main.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("locust_options", nargs=-1, type=click.UNPROCESSED)
def run(locust_options: tuple[str, ...]) -> None:
    """Run Locust under guard. Takes all options of locust.

    The rules are those of rules.yaml beside the locustfile, or of --guard-rules FILE. See
    locust-guard run --help for these and all other options.
    """
    from guard import plugin

    plugin.run(locust_options)


@main.command()
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option(
    "--names",
    "names_file",
    metavar="FILE",
    help="The requests that there are: one name a line, or a CSV file that Locust wrote.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="For people, for machines, or for GitHub Actions.",
)
def check(files: tuple[str, ...], strict: bool, names_file: str | None, form: str) -> None:
    """Check rules files and say what they mean.

    Prints each rule in plain words, and warns of what is legal but probably not meant. FILE is
    rules.yaml in the working directory when not given; - is the standard input.

    \b
    Warnings:
      early-stop       the first few requests can stop the run
      few-requests     a percentile of so few requests is one of them
      short-window     a window shorter than two reports of the workers
      rounding         a threshold that Locust's rounding can't tell
                       from its neighbours
      redundant        a rule that another one makes superfluous
      hardly-broken    a check that holds (nearly) whatever comes
      direction        a lower limit for what is worse the more there is
      exact-text       a failure text without "*" is the whole text
      no-such-request  no request has this name (with --names)

    \b
    Exit codes: 0 good, 2 errors, or warnings with --strict.
    """
    from guard import listing
    from guard.language.names import UnreadableNames, load_names

    try:
        names = load_names(names_file) if names_file else None
    except UnreadableNames as unreadable:
        _refuse(str(unreadable))
    results = [
        listing.check_stream(sys.stdin.buffer, names)
        if file == "-"
        else listing.check_file(file, names)
        for file in files or [_rules_here()]
    ]
    listing.FORMATS[form](results, sys.stdout, sys.stderr)
    if any(result.errors or (strict and result.warnings) for result in results):
        sys.exit(BAD_RULES)


@main.command()
@click.argument("recordings", metavar="RECORDING...", nargs=-1, required=True)
@click.option("--rules", "rules_file", metavar="FILE", help="The rules.  [default: rules.yaml]")
@click.option(
    "--format",
    "form",
    type=click.Choice(RECORDINGS),
    help="What wrote it.  [default: tell by the first line]",
)
@click.option("--ramp-up", metavar="TIME", help="When spawning was complete: 30s after the start.")
@click.option("--continue", "past_stop", is_flag=True, help="Judge beyond the first stop.")
@click.option("--strict", is_flag=True, help="Take a row that can't be read for an error.")
@click.option("--json", "json_file", metavar="FILE", help="Leave the verdict there; - prints it.")
@click.option("--junit", "junit_file", metavar="FILE", help="Leave the results as JUnit XML there.")
@click.option("--html", "html_file", metavar="FILE", help="Leave a report with charts there.")
@click.option("--suggest", is_flag=True, help="Print rules that the run passes, to be edited.")
def replay(
    *,
    recordings: tuple[str, ...],
    rules_file: str | None,
    form: str | None,
    ramp_up: str | None,
    past_stop: bool,
    strict: bool,
    json_file: str | None,
    junit_file: str | None,
    html_file: str | None,
    suggest: bool,
) -> None:
    """Tell what rules would have done to a run that is over.

    RECORDING is a file with a row a request: CSV of Locust's CsvRequestLogger, of JMeter (JTL) or
    of k6, in any order, plain or as .gz; - is the standard input. Several of one run, such as one a
    worker, are judged together.

    \b
    Exit codes: 0 pass, 2 bad rules, options or recordings, 3 fail,
    4 inconclusive.
    """
    from guard import replaying
    from guard.language.errors import Complaint, RulesError
    from guard.language.units import timespan
    from guard.replay import Order
    from guard.sources.recording.file import RecordingError

    given = {"json": json_file, "junit": junit_file, "html": html_file}
    reports = {name: file for name, file in given.items() if file}
    if suggest and (rules_file is not None or past_stop or reports):
        *names, last = ("--rules", *(f"--{name}" for name in given), "--continue")
        _refuse(f"--suggest judges nothing, so {', '.join(names)} and {last} mean nothing")
    try:
        order = Order(
            recordings,
            form,
            "" if suggest else _rules_here() if rules_file is None else rules_file,
            None if ramp_up is None else timespan(ramp_up),
            past_stop,
            strict,
            reports,
        )
        code = replaying.suggest(order) if suggest else replaying.run(order)
    except RulesError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(BAD_RULES)
    except Complaint as complaint:
        _refuse(f"--ramp-up: {complaint.message}")
    except (RecordingError, replaying.ReplayError) as error:
        _refuse(str(error))
    sys.exit(code)


@main.command()
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("-k", "part", metavar="TEXT", default="", help="Only tests with TEXT in their name.")
@click.option(
    "--format",
    "form",
    type=click.Choice(TEST_FORMATS),
    default=TEST_FORMATS[0],
    show_default=True,
    help="For people, or JUnit XML for CI.",
)
def test(files: tuple[str, ...], part: str, form: str) -> None:
    """Test rules on runs that are written down, without any Locust.

    A test file says which rules it is about, what happens in a run, second by second, and what the
    rules shall make of it. FILE may be a folder, for every *.test.yaml in it; it is the working
    directory when not given.

    \b
      rules: rules.yaml
      tests:
        - name: a slow checkout stops the run
          series:
            - entry: POST /checkout
              rps: 50x60                    # 50 in each of 60 seconds
              response_time: 100x30 900x30  # ms
          expect:
            outcome: fail
            stopped_at: 35s

    \b
    Exit codes: 0 all tests pass, 1 some fail, 2 bad files.
    """
    from guard import trial_listing

    wanted = part.casefold()
    results = [
        trial_listing.try_file(file, lambda test: wanted in test.name.casefold())
        for file in _test_files(files)
    ]
    if not any(result.trials or result.errors for result in results):
        _refuse(f"no test has {part!r} in its name")
    trial_listing.FORMATS[form](results, sys.stdout, sys.stderr)
    if any(result.errors for result in results):
        sys.exit(BAD_RULES)
    if any(result.failed for result in results):
        sys.exit(FAILED)


@main.command()
@click.option(
    "--of",
    "kind",
    type=click.Choice(SCHEMAS),
    default=SCHEMAS[0],
    show_default=True,
    help="Files with rules, or with tests of rules.",
)
def schema(kind: str) -> None:
    """Print the JSON schema of rules files, for editors.

    An editor with a YAML language server completes and checks a file that begins with

    \b
      # yaml-language-server: $schema=rules.schema.json
    """
    from guard.language.schema import rules_schema
    from guard.language.testschema import tests_schema

    made = tests_schema() if kind == "tests" else rules_schema()
    click.echo(json.dumps(made, indent=2))


@main.command()
@click.argument("file", default="rules.yaml")
def init(file: str) -> None:
    """Write a first rules file, to be changed to your needs.

    FILE is rules.yaml in the working directory when not given. A file that is there already is
    left alone.
    """
    from importlib.resources import files

    from guard.language.rulefile import RULES_FILES

    starter = files("guard.language").joinpath("starter.yaml").read_bytes()
    try:
        with Path(file).open("xb") as written:  # not through a link either, to wherever it leads
            written.write(starter)
    except FileExistsError:
        _refuse(f"{file} is there already; name another file, or remove it first")
    except OSError as error:
        _refuse(f"{file} can't be written: {error.strerror or error}")
    named = "" if file in RULES_FILES else f" {shlex.quote(file)}"
    given = f" --guard-rules{named}" if named else ""
    click.echo(
        f"wrote {file}\n"
        f"  locust-guard check{named}\n"
        "      says what its rules mean\n"
        f"  locust-guard run{given} -f locustfile.py --headless -u 20 -r 10 -t 1m\n"
        "      runs Locust under guard"
    )


def _test_files(files: tuple[str, ...]) -> list[str]:
    """These files, and those of these folders."""
    found: list[str] = []
    for file in files or (".",):
        folder = Path(file)
        if not folder.is_dir():
            found.append(file)
            continue
        inside = sorted(str(path) for pattern in TEST_FILES for path in folder.glob(pattern))
        if not inside:
            where = "here; name a file" if not files else f"in {file}"
            _refuse(f"there is no {' or '.join(TEST_FILES)} {where}")
        found += inside
    return found


def _rules_here() -> str:
    from guard.language.rulefile import RULES_FILES, find_rules

    path = find_rules([Path()])
    if path is None:
        _refuse(
            f"there is no {' or '.join(RULES_FILES)} here; name a file, or write one with "
            "'locust-guard init'"
        )
    return str(path)


def _refuse(message: str) -> NoReturn:
    click.echo(f"locust-guard: {message}", err=True)
    sys.exit(BAD_RULES)
