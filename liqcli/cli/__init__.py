"""
The command line: one module per command; each parses its options, calls the Python API and prints the result.

Shared options and their parsing are in ``options``, printing in ``output`` and ``tables``. Computing, fetching and
writing reports belong to the packages below.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli.group import HELP_NAMES, CommandGroup
from liqcli.cli.output import STATE, fail
from liqcli.core.errors import ExitCode, OutputError
from liqcli.core.process import run_as_command
from liqcli.core.version import __version__

app = typer.Typer(
    cls=CommandGroup,
    context_settings=HELP_NAMES,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help="Real crypto-futures liquidations: fetch them, map them, keep them as plain Parquet.",
    epilog="Start with: liqcli demo",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"liqcli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
    lake: Annotated[
        Path | None,
        typer.Option("--lake", metavar="DIR", help="Folder of the Parquet lake; same as --lake of a command."),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", envvar="LIQCLI_QUIET", show_envvar=False, help="Same as --quiet of a command."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="LIQCLI_DEBUG", show_envvar=False, help="Same as --debug of a command.")
    ] = False,
) -> None:
    """Without a command: on a terminal what the lake holds, else the help."""
    if ctx.invoked_subcommand is not None:
        return
    if not sys.stdout.isatty():
        typer.echo(ctx.get_help())
        raise typer.Exit(int(ExitCode.USAGE))
    from liqcli.cli.welcome import print_welcome

    print_welcome(lake)


def main() -> None:
    """Entry point of the ``liqcli`` command."""
    run_as_command()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # "–" on a Latin-1 terminal, or a file name that is not valid text
    try:
        app()
    except OSError as error:  # stdout cannot be written, such as a full disk; files raise OutputError or LakeError
        if STATE.debug:
            raise
        fail(f"{error.filename or 'stdout'}: {error.strerror or error}")
        _leave(int(OutputError.exit_code))
    except SystemExit as done:
        if _flush() and not {"duckdb", "pyarrow"} & set(sys.modules):
            raise  # no engine threads to stop: --help, --version, usage errors
        _leave(done.code if isinstance(done.code, int) else int(done.code is not None))


def _leave(code: int) -> None:
    """
    Flush the output and end the process without interpreter shutdown; all files are on disk by now.

    Shutting down the thread pools of the engines can abort (seen once, 2026-11-22: "terminate called without an active
    exception", exit code -6, after all work was done), which cron would report as a failure. And if the reader of a
    pipe is gone (``liqcli sources | head``), Python would exit with 120.
    """
    _flush()
    os._exit(code)


def _flush() -> bool:
    """Flush stdout and stderr; return False if one of them cannot be written."""
    delivered = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            delivered = False
    return delivered
