"""``liqcli compare``: several symbols on one time axis."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    BucketOption,
    EngineOption,
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
from liqcli.core.choices import SCALES, check_choice
from liqcli.core.errors import ExitCode, UsageError


@expand_options
def compare(
    *,
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol",
            "-s",
            metavar="A,B,C",
            help="Two to eight symbols, comma separated; SOL means every contract on SOL.",
            autocompletion=completion.stored_symbols,
        ),
    ],
    lookback: LookbackOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: ExchangeOption = None,
    position: PositionOption = "both",
    min_usd: MinUsdOption = 0.0,
    bucket: BucketOption = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file: .html .md .png .json, or - for stdout; repeatable.",
            show_default="A-B-C-LOOKBACK.html in this folder, such as BTC-ETH-SOL-24h.html",
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="Format of -o -: json or html.", autocompletion=completion.one_of("json", "html")
        ),
    ] = "json",
    scale: Annotated[
        str, typer.Option(help="Colour scale: log, linear or percentile.", autocompletion=completion.one_of(*SCALES))
    ] = "log",
    shown: PictureOptions,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser: the first .html that is written.")
    ] = False,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Add a generation timestamp to pages; their bytes then differ each time.")
    ] = False,
    engine: EngineOption = None,
    run: RunOptions,
) -> None:
    """Draw the heat maps of several symbols on one time axis, with their totals."""
    from liqcli.cli.lake import open_lake
    from liqcli.report.compare_files import SUFFIXES, TEXTS
    from liqcli.report.output_files import check_outputs

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    to_stdout = STDOUT in (output or [])
    check_outputs(outputs, SUFFIXES)
    check_choice(output_format, TEXTS, "--format")
    if open_page and output and not any(map(is_page, outputs)):
        raise UsageError("--open shows a page: add -o compare.html, or leave out -o")
    found = open_lake(run.lake, engine).compare(
        symbol,
        lookback=lookback,
        since=since,
        until=until,
        exchanges=exchange or (),
        position=position,
        bucket=bucket,
        min_usd=min_usd,
        scale=scale,
        **shown.arguments(),
    )
    for name, fact in found.missing.items():
        warn(f"{name}: {fact}")
    for path in found.damaged:
        warn(f"{path}: damaged, left out; to repair it: liqcli verify")
    written = found.save(*outputs, stamp=stamp) if outputs or not to_stdout else []
    for path in written:
        say(f"wrote {path}")
    if to_stdout:
        typer.echo(found.render(output_format, stamp), nl=False)
    if open_page:
        open_in_browser(next(filter(is_page, written)))
    if found.damaged:
        raise typer.Exit(int(ExitCode.PARTIAL))
