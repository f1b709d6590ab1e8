"""``liqcli heatmap``: one symbol, one window, any number of output files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli.common import (
    DebugOption,
    LakeOption,
    LookbackOption,
    QuietOption,
    SinceOption,
    UntilOption,
    check_choice,
    say,
    set_speech,
    split_names,
    warn,
)
from liqcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.analysis.selection import Query
    from liqcli.lake import Lake

BY = ("notional", "count", "qty")
PALETTES = ("liq", "viridis", "magma", "cividis")
SCALES = ("log", "linear", "percentile")
THEMES = ("dark", "light")


def heatmap(
    symbol: Annotated[
        str, typer.Option("--symbol", "-s", help="SOLUSDT, SOL-USDT-SWAP, SOL/USDT:USDT …; SOL = all on SOL.")
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", metavar="FILE", help=".html .md .png .json .csv .parquet; may be given again."),
    ] = None,
    lookback: LookbackOption = "24h",
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: Annotated[str | None, typer.Option(metavar="a,b", help="Only these exchanges.")] = None,
    position: Annotated[str, typer.Option(help="Liquidated positions to count: long, short or both.")] = "both",
    bucket: Annotated[
        str | None, typer.Option(metavar="5m", help="Step of the time axis.", show_default="fits the window")
    ] = None,
    bin_width: Annotated[
        str | None, typer.Option("--bin", metavar="0.5", help="Step of the price axis.", show_default="fits the prices")
    ] = None,
    bins: Annotated[int | None, typer.Option(min=1, max=5000, help="About how many price steps instead.")] = None,
    price_range: Annotated[
        str | None, typer.Option(metavar="LOW:HIGH", help="Draw only these prices; what lies outside is counted.")
    ] = None,
    min_usd: Annotated[float, typer.Option(min=0, help="Count only events of at least this many USD.")] = 0.0,
    by: Annotated[str, typer.Option(help="What a cell shows: notional (USD), count or qty.")] = "notional",
    palette: Annotated[str, typer.Option(help="liq, viridis, magma or cividis (colour-blind safe).")] = "liq",
    scale: Annotated[str, typer.Option(help="Colour scale: log, linear or percentile.")] = "log",
    theme: Annotated[str, typer.Option(help="dark or light.")] = "dark",
    fetch: Annotated[bool, typer.Option("--fetch", help="First get what the window lacks.")] = False,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Draw where and when positions were liquidated, as a report, a picture or plain numbers."""
    from liqcli.analysis.selection import Query, check_position
    from liqcli.config import lake_root
    from liqcli.lake import Lake
    from liqcli.outputs import check_outputs, write_outputs
    from liqcli.report import View, build_findings
    from liqcli.symbols import check_exchange

    set_speech(quiet, debug)
    outputs = output or []
    check_outputs(outputs)
    view = View(
        check_choice(by, BY, "--by"),
        check_choice(palette, PALETTES, "--palette"),
        check_choice(scale, SCALES, "--scale"),
        check_choice(theme, THEMES, "--theme"),
    )
    options = _grid_options(bucket, bin_width, bins, price_range)
    store = Lake(lake_root(lake))
    exchanges = tuple(check_exchange(name, store.exchanges()) for name in split_names(exchange))
    query = Query(symbol, lookback, since, until, exchanges, check_position(position), min_usd)
    complete = _fetch_first(store, query) if fetch else True
    findings = build_findings(store, query, options, view)
    for path in findings.damaged:
        warn(f"{path}: damaged, left out; run liqcli fetch or import again after moving it away")
    for path in write_outputs(findings, outputs):
        say(f"wrote {path}")
    if findings.damaged or not complete:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _fetch_first(store: Lake, query: Query) -> bool:
    """Get what the window lacks; whatever fails is said, and the report is made from what there is."""
    from liqcli.cli.fetch import list_troubles
    from liqcli.fetcher import fetch as run_fetch
    from liqcli.timespan import resolve_window

    if (query.until or "").strip().lower() == "latest":
        raise UsageError("--fetch gets what the window lacks, and latest is what the lake has: use --until now")
    window = resolve_window(query.since, query.until, query.lookback, None)
    summary = run_fetch(store, window, (query.symbol,), (), query.exchanges, say=say)
    for line in list_troubles(summary):
        warn(line)
    return summary.exit_code == ExitCode.DONE


def _grid_options(bucket: str | None, bin_width: str | None, bins: int | None, price_range: str | None) -> GridOptions:
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.analysis.scale import parse_bin, parse_bucket, parse_price_range

    if bin_width and bins:
        raise UsageError("--bin and --bins exclude each other: a width, or about how many")
    low, high = parse_price_range(price_range) if price_range else (None, None)
    return GridOptions(
        parse_bucket(bucket) if bucket else None, parse_bin(bin_width) if bin_width else None, bins, low, high
    )
