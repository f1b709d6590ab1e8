"""``liqcli levels``: estimated levels on stdout or in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liqcli.cli.options import (
    BinOption,
    BinsOption,
    BucketOption,
    ExchangeOption,
    FormatOption,
    LookbackOption,
    PictureOptions,
    PriceRangeOption,
    RunOptions,
    SinceOption,
    SymbolArgument,
    SymbolOption,
    UntilOption,
    choose_symbol,
    expand_options,
)
from liqcli.cli.output import STDOUT, say, set_verbosity, warn
from liqcli.cli.tables import render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode

if TYPE_CHECKING:
    from liqcli.api.levels import Levels

HEADER = ("move", "falls to", "longs, est. USD", "rises to", "shorts, est. USD")


@expand_options
def levels(
    *,
    symbol_argument: SymbolArgument = None,
    symbol: SymbolOption = None,
    lookback: LookbackOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: ExchangeOption = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write .html, .png, .json, .csv or .parquet, or - for stdout; repeatable.",
            show_default="-",
        ),
    ] = None,
    output_format: FormatOption = "table",
    bucket: BucketOption = None,
    bin_width: BinOption = None,
    bins: BinsOption = None,
    price_range: PriceRangeOption = None,
    shown: PictureOptions,
    run: RunOptions,
) -> None:
    """Estimate where open positions would be liquidated, from open interest and candles."""
    from liqcli.cli.lake import open_lake
    from liqcli.report.levels_outputs import SUFFIXES
    from liqcli.report.output_files import check_outputs

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    check_outputs(outputs, SUFFIXES)
    check_choice(output_format, ("table", "json", "csv"), "--format")
    found = open_lake(run.lake).levels(
        choose_symbol(symbol_argument, symbol),
        lookback=lookback,
        since=since,
        until=until,
        exchanges=exchange or (),
        bucket=bucket,
        bin=bin_width or None,
        bins=bins,
        price_range=price_range,
        **shown.arguments(),
    )
    for path in found.damaged:
        warn(f"{path}: damaged, left out; to repair it: liqcli verify")
    _describe(found)
    for path in found.save(*outputs):
        say(f"wrote {path}")
    if not outputs or STDOUT in (output or []):
        table = _render_table(found.report)
        typer.echo(table if output_format == "table" else found.render(output_format), nl=output_format == "table")
    if found.damaged:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _describe(found: Levels) -> None:
    """Print on stderr what the estimate rests on, and the named levels."""
    from liqcli.core.formatting import format_percent_signed, format_price, format_usd
    from liqcli.report.levels_figure import describe_inputs

    report = found.report
    width = report["meta"]["bin_width"]
    say(f"{found.symbol}: {describe_inputs(found.data)}")
    for note in report["meta"]["notes"]:
        say(note)
    if report["measured"]:
        say(report["measured"]["sentence"])
    for position, where in (("long", "below"), ("short", "above")):
        for word in ("nearest", "largest"):
            if band := report[word][position]:
                low, high = (format_price(band[end], width) for end in ("price_low", "price_high"))
                amount, distance = format_usd(band["notional"]), format_percent_signed(band["distance_pct"])
                say(f"{word} level of {position}s {where}: {low} – {high} ({distance}), estimated {amount} USD")


def _render_table(report: dict[str, Any]) -> str:
    from liqcli.core.formatting import format_percent, format_price, format_usd

    def known(amount: float | None) -> str:
        return "off the axis" if amount is None else format_usd(amount)

    rows = [
        (
            format_percent(row["distance_pct"]),
            format_price(row["price_below"]),
            known(row["long_notional"]),
            format_price(row["price_above"]),
            known(row["short_notional"]),
        )
        for row in report["reach"]
    ]
    return render_table(HEADER, rows, right=(0, 1, 2, 3, 4))
