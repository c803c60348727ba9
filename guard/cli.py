"""The command-line door: ``locust-guard``."""

from __future__ import annotations

import click

from guard.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="locust-guard")
def main() -> None:
    """Guard Locust load tests: judge them by rules while they run, stop those that break them, and
    leave a verdict that CI can trust.

    \b
    Exit codes: 0 pass, 2 bad rules or options, 3 fail, 4 inconclusive,
    5 error in the guard.
    """


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
    # Imported late: it imports Locust, which patches the standard library and takes its time.
    from guard import plugin

    plugin.run(locust_options)
