"""The command-line door: ``locust-guard``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from guard.version import __version__

BAD_RULES = 2
"""Exit code for bad rules or options."""

FORMATS = ("text", "json", "github")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
