"""``liqcli overview``: the whole market in one window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    ExchangeOption,
    LookbackOption,
    MinUsdOption,
    PictureOptions,
    PositionOption,
    RunOptions,
    SinceOption,
    UntilOption,
    expand_options,
)
from liqcli.cli.output import STDOUT, is_page, open_in_browser, say, set_verbosity, warn
from liqcli.core.choices import TEXTS, check_choice
from liqcli.core.errors import ExitCode, UsageError


@expand_options
def overview(
    *,
    lookback: LookbackOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: ExchangeOption = None,
    position: PositionOption = "both",
    min_usd: MinUsdOption = 0.0,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file: .html .md .png .json .csv, or - for stdout; repeatable.",
            show_default="market-LOOKBACK.html in this folder, such as market-24h.html",
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option("--format", help="Format of -o -: json, csv or html.", autocompletion=completion.one_of(*TEXTS)),
    ] = "json",
    shown: PictureOptions,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser: the first .html that is written.")
    ] = False,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Add a generation timestamp to pages; their bytes then differ each time.")
    ] = False,
    run: RunOptions,
) -> None:
    """Rank every symbol in the lake by liquidated USD, with sides, change, largest event, cascades and coverage."""
    from liqcli.cli.lake import open_lake
    from liqcli.report.output_files import check_outputs
    from liqcli.report.overview_files import SUFFIXES

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    to_stdout = STDOUT in (output or [])
    check_outputs(outputs, SUFFIXES)
    check_choice(output_format, TEXTS, "--format")
    if open_page and output and not any(map(is_page, outputs)):
        raise UsageError("--open shows a page: add -o market.html, or leave out -o")
    found = open_lake(run.lake).overview(
        lookback=lookback,
        since=since,
        until=until,
        exchanges=exchange or (),
        position=position,
        min_usd=min_usd,
        **shown.arguments(),
    )
    for path in found.damaged:
        warn(f"{path}: damaged, left out; to repair it: liqcli verify")
    for symbol, reason in found.left_out.items():
        warn(f"{symbol} left out: {reason}; to repair it: liqcli verify")
    written = found.save(*outputs, stamp=stamp) if outputs or not to_stdout else []
    for path in written:
        say(f"wrote {path}")
    if to_stdout:
        typer.echo(found.render(output_format, stamp), nl=False)
    if open_page:
        open_in_browser(next(filter(is_page, written)))
    if found.damaged or found.left_out:
        raise typer.Exit(int(ExitCode.PARTIAL))
