"""``liqcli fetch``: liquidations, candles and open interest from their sources into the lake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import LookbackOption, RunOptions, SinceOption, UntilOption, expand_options
from liqcli.cli.output import print_messages, set_verbosity
from liqcli.cli.progress import show_progress
from liqcli.cli.tables import render_table
from liqcli.core.choices import KINDS, NAMED_KINDS, check_choice

if TYPE_CHECKING:
    from liqcli.ingest.fetch import FetchRow, FetchSummary


@expand_options
def fetch(
    *,
    exchange: Annotated[
        str | None,
        typer.Option(
            help="Exchanges, comma separated.",
            show_default="all that the sources have",
            autocompletion=completion.exchanges,
        ),
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol",
            "-s",
            help="Symbols in any spelling, comma separated; SOL means every contract on SOL. "
            "all means every symbol: liquidations only, from sources that return all symbols at once (gate, bitfinex, "
            "tardis).",
            autocompletion=completion.default_symbols,
            show_default="BTCUSDT,ETHUSDT,SOLUSDT, or the sources' own contracts on BTC, ETH and SOL",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Sources, comma separated.",
            show_default="all that need no key",
            autocompletion=completion.sources,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What to fetch, comma separated: liquidations, candles, open-interest, margin-tiers, "
            "liquidation-totals, positions.",
            autocompletion=completion.some_of(*KINDS, *NAMED_KINDS),
            show_default="the first three; only liquidations with --source or --symbol all",
        ),
    ] = None,
    interval: Annotated[
        str,
        typer.Option(
            help="Length of a candle: 1m 5m 15m 1h 4h 1d.",
            autocompletion=completion.one_of("1m", "5m", "15m", "1h", "4h", "1d"),
        ),
    ] = "1m",
    lookback: LookbackOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Re-fetch complete windows and replace damaged files."),
    ] = False,
    wallets: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Wallets for --kind positions: one address per line. Their open positions on Hyperliquid, of all "
            "coins, are stored as a snapshot.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Output format: table or json.",
            autocompletion=completion.one_of("table", "json"),
        ),
    ] = "table",
    run: RunOptions,
) -> None:
    """
    Fetch liquidations, candles and open interest from their sources into the lake.

    Requests only missing data: interrupted runs resume, and a second run changes nothing. Candles and open
    interest come from one exchange per symbol: binance, else bybit, okx or gate.
    """
    import json

    from liqcli.api import Lake
    from liqcli.ingest.fetch.messages import is_unreached

    set_verbosity(run.quiet, run.debug)
    as_table = check_choice(output_format, ("table", "json"), "--format") == "table"

    def print_liquidations(summary: FetchSummary) -> None:
        if as_table and summary.shown and not is_unreached(summary.rows):
            typer.echo(render_rows(summary.shown, LIQUIDATION_COLUMNS))

    result = Lake(run.lake).fetch(
        () if symbol is None else symbol,
        lookback=lookback,
        since=since,
        until=until,
        exchanges=exchange or (),
        sources=source or (),
        kinds=kind,
        interval=interval,
        again=again,
        wallets=wallets,
        on_liquidations=print_liquidations,
        progress=show_progress,
    )
    if not as_table:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
    elif result.market and not result.unreached:
        above = result.liquidations and not is_unreached(result.rows)
        typer.echo(("\n" if above else "") + render_rows(result.market, MARKET_COLUMNS))
    print_messages(result.messages())
    if result.exit_code:
        raise typer.Exit(int(result.exit_code))


LIQUIDATION_COLUMNS = (
    "source",
    "exchange",
    "symbol",
    "requests",
    "events",
    "USD",
    "covered",
    "gaps",
    "rejected",
    "result",
)
MARKET_COLUMNS = ("kind", "source", "exchange", "symbol", "requests", "rows", "covered", "gaps", "result")
WORDS = ("kind", "source", "exchange", "symbol", "result")  # other columns are numbers
SHORT = {"exchange": "exch.", "requests": "req.", "covered": "cov.", "rejected": "rej."}  # on a narrow screen


def render_rows(rows: Sequence[FetchRow], columns: Sequence[str]) -> str:
    """Render the summary of a run, a line per row."""
    right = [number for number, name in enumerate(columns) if name not in WORDS]
    cells = (tuple(_cell(row, name) for name in columns) for row in rows)
    return render_table(columns, cells, right=right, short=lambda word: SHORT.get(word, word))


def _cell(row: FetchRow, column: str) -> str:
    from liqcli.core.formatting import format_count, format_coverage, format_usd

    if column == "covered":
        return format_coverage(row.share)
    if column == "USD":
        return format_usd(row.notional)
    if column == "gaps":
        return format_count(len(row.holes))
    value: str | int = getattr(row, column)
    return value if isinstance(value, str) else format_count(value)
