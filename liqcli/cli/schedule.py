"""``liqcli schedule``: entries for cron and systemd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.daily import ConfigOption
from liqcli.cli.options import DebugOption, LakeOption
from liqcli.cli.output import set_verbosity
from liqcli.core.choices import check_choice
from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    from liqcli.core.settings import Settings

FORMATS = ("all", "cron", "service", "timer")


def schedule(
    at: Annotated[str, typer.Option(metavar="HH:MM", help="Time of day in the settings' time zone.")] = "00:10",
    config: ConfigOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the reports.", show_default="from the settings"),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Print a service that keeps liqcli record running instead.")
    ] = False,
    exchange: Annotated[
        str | None,
        typer.Option(metavar="a,b", help="With --record: exchanges to record.", show_default="as liqcli record"),
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol", "-s", help="With --record: symbols to record, or all.", show_default="as liqcli record"
        ),
    ] = None,
    lake: LakeOption = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="What to print: all, cron, service or timer.",
            autocompletion=completion.one_of("all", "cron", "service", "timer"),
        ),
    ] = "all",
    debug: DebugOption = False,
) -> None:
    """
    Print a crontab line, and a systemd service and timer, that run liqcli daily.

    With --record, print a systemd service that keeps liqcli record running, also after a reboot.
    """
    from datetime import UTC, datetime

    from liqcli.core.environment import lake_root, use_settings
    from liqcli.core.settings import find_settings
    from liqcli.core.settings_file import read_settings
    from liqcli.daily import schedule as core
    from liqcli.daily.schedule import machine_zone

    set_verbosity(False, debug)
    check_choice(output_format, FORMATS, "--format")
    if not record and (exchange or symbol):
        raise UsageError("--exchange and --symbol need --record; liqcli daily reads them from liqcli.toml")
    if record:
        typer.echo(_format_record(lake_root(lake).absolute(), exchange, symbol, output_format))
        return
    settings = read_settings(use_settings(find_settings(config)))
    job = core.ScheduledJob(
        program=_program(),
        lake=lake_root(lake).absolute(),
        config=settings.path,
        out=_reports_folder(out, settings),
        at=core.parse_at(at),
        time_zone=settings.time_zone,
    )
    cron, timer = core.choose_clocks(job, machine_zone(), datetime.now(tz=UTC).date())
    if output_format == "all":
        typer.echo(core.format_all(job, cron, timer, _notes()))
    elif output_format == "cron":
        typer.echo(core.format_cron(job, cron))
    else:
        typer.echo(core.format_service(job) if output_format == "service" else core.format_timer(job, timer))


def _format_record(lake: Path, exchange: str | None, symbol: str | None, output_format: str) -> str:
    from liqcli.daily.record_service import RecordJob, format_record_notes, format_record_service

    if output_format not in ("all", "service"):
        raise UsageError(f"--record has no {output_format}: use --format all or service")
    options = [
        word for flag, value in (("--exchange", exchange), ("--symbol", symbol)) if value for word in (flag, value)
    ]
    job = RecordJob(_program(), lake, tuple(options))
    return format_record_service(job) if output_format == "service" else format_record_notes(job, _notes())


def _reports_folder(out: Path | None, settings: Settings) -> Path | None:
    """Return the folder unless the settings name it, so that settings can change without a new crontab line."""
    if out is None and settings.out is not None:
        return None
    from liqcli.core.settings import expand_path

    return (expand_path(out, "--out") if out else settings.reports_folder).absolute()


def _program() -> tuple[str, ...]:
    """Return the command with this interpreter, which needs no PATH; -P ignores the current folder."""
    import sys

    return (str(Path(sys.executable).absolute()), "-P", "-m", "liqcli")


def _notes() -> list[str]:
    """List variables of this shell that a scheduled run does not get, without their values."""
    import os

    lost = sorted(n for n in os.environ if n.startswith("LIQCLI_") and n not in ("LIQCLI_LAKE", "LIQCLI_CONFIG"))
    return [f"Not passed on from this shell: {', '.join(lost)}. Put keys under [keys] of liqcli.toml."] * bool(lost)
