"""``liqcli daily``: the scheduled run, for cron and systemd."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli.options import DebugOption, LakeOption, QuietOption
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.progress import show_progress

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file.",
        show_default="LIQCLI_CONFIG, ./liqcli.toml, or liqcli.toml in the user's config directory",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the reports.", show_default="from the settings"),
]


def daily(
    config: ConfigOption = None,
    out: OutOption = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="End of the windows: cut (the last midnight in the time zone of the settings), now, or ISO 8601. "
            "Reports with an explicit time are never removed.",
            show_default="from the settings",
        ),
    ] = None,
    fetch: Annotated[
        bool | None,
        typer.Option("--fetch/--no-fetch", help="Fetch missing data first.", show_default="from the settings"),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics",
            metavar="FILE",
            help="Also write metrics of the run for Prometheus's textfile collector, such as liqcli.prom.",
            show_default="from the settings",
        ),
    ] = None,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Fetch data, write a report per symbol and lookback of liqcli.toml, and update the index.

    Writes OUT/YYYY-MM-DD/, OUT/latest/ and OUT/index.html, and prints the path of the index. Safe to re-run, run
    concurrently or interrupt.
    """
    from dataclasses import replace

    from liqcli.core.environment import lake_root, use_settings
    from liqcli.core.errors import ExitCode
    from liqcli.core.settings import expand_path, find_settings
    from liqcli.core.settings_file import read_settings
    from liqcli.core.times import now_us
    from liqcli.daily import run_daily
    from liqcli.daily.day import WORDS
    from liqcli.daily.metrics import check_metrics_file, write_metrics
    from liqcli.lake.segment_intake import take_in_leftovers
    from liqcli.lake.store import Lake

    set_verbosity(quiet, debug)
    settings = read_settings(use_settings(find_settings(config)))
    if out is not None:
        settings = replace(settings, out=expand_path(out, "--out").absolute())
    if fetch is not None:
        settings = replace(settings, fetch=fetch)
    if metrics is not None:
        settings = replace(settings, metrics=expand_path(metrics, "--metrics").absolute())
    if settings.metrics is not None:
        check_metrics_file(settings.metrics)
    store = Lake(lake_root(lake))
    for line in take_in_leftovers(store, now_us()):
        say(line)
    started_us = now_us()
    keep = until is not None and until.strip().lower() not in WORDS
    result = run_daily(settings, store, until, say, warn, show_progress, keep)
    for alert in result.summary["alerts"]:
        if alert["new"]:
            typer.echo(f"alert: {alert['text']}", err=True)  # a result, so also with --quiet
        else:
            say(f"since {alert['since']}: {alert['text']}")
    if result.exit_code == ExitCode.NO_DATA:
        warn(f"no report has data; the lake is {store.root}")
    if settings.metrics is not None:
        write_metrics(settings.metrics, result.summary, started_us, now_us())
        say(f"wrote {settings.metrics}")
    typer.echo(result.index)
    if result.exit_code:
        raise typer.Exit(result.exit_code)
