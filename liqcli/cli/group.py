"""The command group: imports the module of the command that runs, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from liqcli.cli.command import Command, name_values
from liqcli.cli.output import STATE, fail
from liqcli.cli.plain_values import use_plain_values
from liqcli.core.errors import ExitCode, LiqcliError


class CommandEntry(NamedTuple):
    """Location of a command, and the first paragraph of its docstring for ``liqcli --help``."""

    function: str
    summary: str


# In the order of `liqcli --help`. A test compares each summary with the docstring of its function.
COMMANDS = {
    "fetch": CommandEntry(
        "liqcli.cli.fetch:fetch", "Fetch liquidations, candles and open interest from their sources into the lake."
    ),
    "import": CommandEntry("liqcli.cli.import_:import_files_command", "Import files into the lake."),
    "record": CommandEntry(
        "liqcli.cli.record:record",
        "Record liquidations from the live streams of exchanges.",
    ),
    "watch": CommandEntry(
        "liqcli.cli.watch:watch",
        "Record a symbol and show its heat map in a page that reloads itself.",
    ),
    "heatmap": CommandEntry(
        "liqcli.cli.heatmap:heatmap",
        "Draw where and when positions were liquidated, as a report, a picture or plain numbers.",
    ),
    "overview": CommandEntry(
        "liqcli.cli.overview:overview",
        "Rank every symbol in the lake by liquidated USD, with sides, change, largest event, cascades and coverage.",
    ),
    "compare": CommandEntry(
        "liqcli.cli.compare:compare",
        "Draw the heat maps of several symbols on one time axis, with their totals.",
    ),
    "daily": CommandEntry(
        "liqcli.cli.daily:daily",
        "Fetch data, write a report per symbol and lookback of liqcli.toml, and update the index.",
    ),
    "alerts": CommandEntry(
        "liqcli.cli.alerts:alerts",
        "Evaluate the thresholds of liqcli.toml on the lake: exit code 1 if one is met, else 0.",
    ),
    "init": CommandEntry("liqcli.cli.init:init", "Write a commented liqcli.toml, the settings of the daily run."),
    "schedule": CommandEntry(
        "liqcli.cli.schedule:schedule",
        "Print a crontab line, and a systemd service and timer, that run liqcli daily.",
    ),
    "clusters": CommandEntry(
        "liqcli.cli.clusters:clusters",
        "Rank the price bands that stand out, with key levels, cascades and the trade checklist.",
    ),
    "cascades": CommandEntry(
        "liqcli.cli.cascades:cascades",
        "List the bursts of liquidations: time, side, size, and the price move that followed.",
    ),
    "levels": CommandEntry(
        "liqcli.cli.levels:levels",
        "Estimate where open positions would be liquidated, from open interest and candles.",
    ),
    "score": CommandEntry(
        "liqcli.cli.score:score",
        "Score levels or clusters on what happened next, compared with baselines, with 95% intervals.",
    ),
    "status": CommandEntry(
        "liqcli.cli.status:status",
        "List what the lake holds: exchange, symbol, source, first, last, events, USD, coverage, gaps, size.",
    ),
    "verify": CommandEntry("liqcli.cli.verify:verify", "Read every file of the lake and list what is damaged."),
    "sql": CommandEntry("liqcli.cli.sql:sql", "Run one SELECT over the lake."),
    "sources": CommandEntry(
        "liqcli.cli.sources:sources",
        "List each source: exchanges, history depth, completeness, price kind, limits, key needed.",
    ),
    "doctor": CommandEntry(
        "liqcli.cli.doctor:doctor",
        "Check the installation: versions, settings, lake, disk, fonts, clock, and whether the sources' hosts answer.",
    ),
    "demo": CommandEntry(
        "liqcli.cli.demo:demo",
        "Write reports from the embedded synthetic sample, without network or setup.",
    ),
}


HELP_NAMES = {"help_option_names": ["--help", "-h"]}  # context settings of the group and of every command


def load_command(name: str) -> Any:  # noqa: ANN401 - typer's own copy of Click is private
    """Import the module of one command and build the command."""
    module, _, function = COMMANDS[name].function.partition(":")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, cls=Command, context_settings=HELP_NAMES)(getattr(importlib.import_module(module), function))
    return typer.main.get_command(app)


class LazyCommands(Mapping[str, Any]):
    """Commands by name, each built when first looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as above
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = load_command(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(TyperGroup):
    """The group behind ``liqcli``, in the shell and in tests."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(**attributes)
        self.commands = LazyCommands()  # type: ignore[assignment] # nothing adds commands

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """List the names, without loading a command."""
        return list(COMMANDS)

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as above
        """List the options, with plain names for their values."""
        return name_values(use_plain_values(super().get_params(ctx)))

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Print the help of the group, without loading a command."""
        from liqcli.cli.group_help import print_group_help

        print_group_help(self, ctx, {name: entry.summary for name, entry in COMMANDS.items()})

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as above
        """Run a command; see :class:`liqcli.core.errors.ExitCode` for the exit codes."""
        STATE.quiet = STATE.debug = False
        try:
            return super().invoke(ctx)
        except LiqcliError as error:
            if STATE.debug:
                raise
            fail(str(error))
            raise typer.Exit(int(error.exit_code)) from error
        except KeyboardInterrupt as error:
            fail("interrupted; complete data are stored, and the next run resumes")
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from error
        except BrokenPipeError as error:  # `liqcli status | head` is not an error
            sys.stderr.close()
            raise typer.Exit(int(ExitCode.DONE)) from error
