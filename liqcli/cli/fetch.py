"""``liqcli fetch``: liquidations, candles and open interest from their sources into the lake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import LookbackOption, RunOptions, SinceOption, UntilOption, expand_options
from liqcli.cli.output import print_messages, set_verbosity
from liqcli.cli.progress import show_progress
from liqcli.cli.tables import render_table
from liqcli.core.choices import KINDS, check_choice

if TYPE_CHECKING:
    from liqcli.ingest.fetch import FetchRow, FetchSummary
    from liqcli.ingest.fetch.tasks import MarketRow


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
            help="Symbols in any spelling, comma separated; SOL means every contract on SOL.",
            autocompletion=completion.default_symbols,
            show_default="BTCUSDT,ETHUSDT,SOLUSDT, or what the sources have on BTC, ETH and SOL",
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
            help="What to fetch, comma separated: liquidations, candles, open-interest.",
            autocompletion=completion.some_of(*KINDS),
            show_default="all three; with --source only liquidations",
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
        if as_table and not is_unreached(summary.rows):
            typer.echo(render_summary(summary))

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
        on_liquidations=print_liquidations,
        progress=show_progress,
    )
    if not as_table:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
    elif result.market and not result.unreached:
        above = result.liquidations and not is_unreached(result.rows)
        typer.echo(("\n" if above else "") + render_market(result.market))
    print_messages(result.messages())
    if result.exit_code:
        raise typer.Exit(int(result.exit_code))


HEADER = (
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
SHORT = {"exchange": "exch.", "requests": "req.", "covered": "cov.", "rejected": "rej."}  # on a narrow screen
MARKET_HEADER = ("kind", "source", "exchange", "symbol", "requests", "rows", "covered", "gaps", "result")


def _shorten(word: str) -> str:
    return SHORT.get(word, word)


def render_summary(summary: FetchSummary) -> str:
    """Render the summary of liquidations: one row per source, exchange and symbol."""
    return render_table(HEADER, map(_cells, summary.rows), right=(3, 4, 5, 6, 7, 8), short=_shorten)


def render_market(rows: Sequence[MarketRow]) -> str:
    """Render the summary of candles and open interest: one row per kind and symbol."""
    return render_table(MARKET_HEADER, map(_market_cells, rows), right=(4, 5, 6, 7), short=_shorten)


def _cells(row: FetchRow) -> tuple[str, ...]:
    from liqcli.core.formatting import format_count, format_coverage, format_usd

    return (
        row.source,
        row.exchange,
        row.symbol,
        format_count(row.requests),
        format_count(row.events),
        format_usd(row.notional),
        format_coverage(row.share),
        format_count(len(row.holes)),
        format_count(row.rejected),
        row.result,
    )


def _market_cells(row: MarketRow) -> tuple[str, ...]:
    from liqcli.core.formatting import format_count, format_coverage

    return (
        row.kind,
        "+".join(row.places) or row.exchange,
        row.exchange,
        row.symbol,
        format_count(row.requests),
        format_count(row.rows),
        format_coverage(row.share),
        format_count(len(row.holes)),
        row.result,
    )
