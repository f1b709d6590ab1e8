"""The command line: one file a subcommand; each parses, calls one core function, prints."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from liqcli import __version__
from liqcli.cli.cascades import cascades
from liqcli.cli.clusters import clusters
from liqcli.cli.daily import daily
from liqcli.cli.demo import demo
from liqcli.cli.fetch import fetch
from liqcli.cli.heatmap import heatmap
from liqcli.cli.import_ import import_files_command
from liqcli.cli.init import init
from liqcli.cli.options import STATE, fail
from liqcli.cli.record import record
from liqcli.cli.schedule import schedule
from liqcli.cli.sources import sources
from liqcli.cli.sql import sql
from liqcli.cli.status import status
from liqcli.cli.verify import verify
from liqcli.core.errors import ExitCode, LiqcliError, OutputError


class CommandGroup(TyperGroup):
    """The group that turns our errors into one line and an exit code, for the shell and for tests alike."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the vendored Click's own type
        """Run a subcommand; see :class:`liqcli.core.errors.ExitCode` for what each code means."""
        STATE.quiet = STATE.debug = False
        try:
            return super().invoke(ctx)
        except LiqcliError as error:
            if STATE.debug:
                raise
            fail(str(error))
            raise typer.Exit(int(error.exit_code)) from error
        except KeyboardInterrupt as error:
            fail("interrupted; what was complete is stored, the next run goes on from there")
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from error
        except BrokenPipeError as error:  # "liqcli status | head" is no fault
            sys.stderr.close()
            raise typer.Exit(int(ExitCode.DONE)) from error


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
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
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command("fetch")(fetch)
app.command("import")(import_files_command)
app.command("record")(record)
app.command("heatmap")(heatmap)
app.command("daily")(daily)
app.command("init")(init)
app.command("schedule")(schedule)
app.command("clusters")(clusters)
app.command("cascades")(cascades)
app.command("status")(status)
app.command("verify")(verify)
app.command("sql")(sql)
app.command("sources")(sources)
app.command("demo")(demo)


def main() -> None:
    """Entry point of the ``liqcli`` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a "–" on a Latin-1 terminal, a file name that is no text
    try:
        app()
    except OSError as error:  # of what liqcli writes itself its own errors tell; this is a full disk behind ">"
        if STATE.debug:
            raise
        fail(f"{error.filename or 'stdout'}: {error.strerror or error}")
        _leave(int(OutputError.exit_code))
    except SystemExit as done:
        if _flush() and not {"duckdb", "pyarrow"} & set(sys.modules):
            raise  # nothing to take down: --help, --version, a mistake in the command
        _leave(done.code if isinstance(done.code, int) else int(done.code is not None))


def _leave(code: int) -> None:
    """
    End at once, with what was said flushed: everything that had to be written is on the disk by now.

    Taking the engines' thread pools down with the interpreter can abort (seen once, 2026-11-22: "terminate called
    without an active exception", exit code -6, after all work was done), which cron would read as a failure. And where
    the reader of a pipe is gone ("liqcli sources | head"), Python would make 120 of the code.
    """
    _flush()
    os._exit(code)


def _flush() -> bool:
    """Hand on what was said; whether it could be."""
    delivered = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            delivered = False
    return delivered
