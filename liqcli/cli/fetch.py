"""
``liqcli fetch``: real liquidations from their sources into the lake.

What came of a fetch, as tables for people and as JSON for programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    DebugOption,
    LakeOption,
    LookbackOption,
    QuietOption,
    SinceOption,
    UntilOption,
    check_choice,
    split_names,
)
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.progress import show_progress
from liqcli.cli.tables import render_table
from liqcli.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from liqcli.core.intervals import Interval
    from liqcli.ingest.fetch import FetchRow, FetchSummary
    from liqcli.ingest.fetch.tasks import MarketRow
    from liqcli.lake.store import Lake

KINDS = ("liquidations", "candles", "open-interest")


def fetch(
    exchange: Annotated[
        str | None,
        typer.Option(
            help="Exchanges, comma separated.",
            show_default="what the sources give",
            autocompletion=completion.exchanges,
        ),
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            help="Symbols in any spelling, comma separated; SOL alone means every contract on SOL.",
            autocompletion=completion.default_symbols,
            show_default="BTCUSDT,ETHUSDT,SOLUSDT, or what the named sources have on BTC, ETH and SOL",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Sources, comma separated.",
            show_default="all that can serve without a key",
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
        typer.Option(
            "--again",
            help="Ask also for what the lake believes complete; a damaged file is set aside, not merged with.",
        ),
    ] = False,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="How to sum up: table or json.", autocompletion=completion.one_of("table", "json")
        ),
    ] = "table",
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Get liquidations, candles and open interest from their sources into the lake.

    Only what the lake lacks is asked for: a broken-off run is taken up again, and a second run changes nothing.
    Candles and open interest come from one exchange a symbol: binance, or where it refuses bybit, okx, gate.
    """
    import json

    from liqcli.core.environment import lake_root
    from liqcli.core.times import check_lookback, resolve_window
    from liqcli.ingest.fetch import DEFAULT_BASES, DEFAULT_SYMBOLS
    from liqcli.ingest.fetch import fetch as run_fetch
    from liqcli.ingest.fetch.market_data import fetch_market, spell_out
    from liqcli.lake.store import Lake

    set_verbosity(quiet, debug)
    as_table = check_choice(output_format, ("table", "json"), "--format") == "table"
    kinds = _choose_kinds(kind, source)
    _check_interval(interval)
    store = Lake(lake_root(lake))
    symbols, exchanges = split_names(symbol), split_names(exchange)
    if symbol is not None and not symbols:
        raise UsageError("--symbol: no symbol given")
    latest = _find_latest(store, symbols or DEFAULT_SYMBOLS) if (until or "").strip().lower() == "latest" else None
    window = resolve_window(since, until, check_lookback(lookback, since), latest)
    summary, market, listed = None, [], []
    if "liquidations" in kinds:
        with show_progress() as progress:
            summary = run_fetch(
                store, window, symbols, split_names(source), exchanges, progress.say, progress=progress, again=again
            )
        listed = [row.symbol for row in summary.rows if row.usable]
        if as_table:
            typer.echo(render_summary(summary))
    if market_kinds := [name for name in kinds if name != "liquidations"]:
        words = spell_out(symbols or (DEFAULT_BASES if listed else DEFAULT_SYMBOLS), listed)
        with show_progress() as progress:
            market = fetch_market(
                store, window, words, market_kinds, exchanges, interval, progress=progress, again=again
            )
    if market and as_table:
        typer.echo(("\n" if summary else "") + render_market(market))
    if not as_table:
        typer.echo(json.dumps(fetch_record(summary, market), ensure_ascii=False, indent=1))
    _tell(summary, market)
    if code := _judge(summary, market, named=kind is not None):
        raise typer.Exit(int(code))


def _judge(summary: FetchSummary | None, market: Sequence[MarketRow], named: bool) -> ExitCode:
    """Say how it went; unless candles and open interest were asked for by name, their failure is only a warning."""
    from liqcli.ingest.fetch.tasks import assess_market

    if summary is None:
        return assess_market(market)
    if named and not summary.exit_code and assess_market(market):
        return ExitCode.PARTIAL
    return summary.exit_code


def _tell(summary: FetchSummary | None, market: Sequence[MarketRow]) -> None:
    """Say what did not come and why, each cause once, and what can be done; notes only where narration is wanted."""
    from liqcli.ingest.fetch.messages import list_market_problems, list_notes, list_problems, suggest_next_step

    lines = dict.fromkeys(list_problems(summary), True) if summary else {}
    for line, lacking in list_market_problems(market):  # an exchange that was passed over is no warning
        lines[line] = lines.get(line, False) or lacking
    for line, matters in lines.items():
        (warn if matters else say)(line)
    nothing = summary is not None and summary.exit_code == ExitCode.NO_DATA  # then the notes say why
    for line in list_notes(summary) if summary else []:
        (warn if nothing else say)(line)
    for line in suggest_next_step(lines):
        say(line)


def _choose_kinds(kind: str | None, source: str | None) -> tuple[str, ...]:
    """What to fetch; sources are sources of liquidations, so naming one means these alone."""
    if kind is None:
        return KINDS[:1] if source else KINDS
    kinds = split_names(kind)
    for name in kinds or ("",):
        check_choice(name, KINDS, "--kind")
    return tuple(dict.fromkeys(kinds))


def _check_interval(interval: str) -> None:
    from liqcli.core.market_data import INTERVAL_US

    check_choice(interval, tuple(INTERVAL_US), "--interval")


def _find_latest(store: Lake, symbols: Sequence[str]) -> int | None:
    """The last stored event of these symbols. [µs UTC]"""
    from liqcli.core.symbols import match_symbols
    from liqcli.lake.status import build_status

    wanted = {name for symbol in symbols for name in match_symbols(symbol, store.symbols())}
    rows, _damaged = build_status(store)
    held = (row.last_us for row in rows if row.symbol in wanted and row.kind == "liquidations")
    return max((last_us for last_us in held if last_us is not None), default=None)


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
    """Write what came of liquidations, a row a source, exchange and symbol."""
    return render_table(HEADER, map(_cells, summary.rows), right=(3, 4, 5, 6, 7, 8), short=_shorten)


def render_market(rows: Sequence[MarketRow]) -> str:
    """Write what came of candles and open interest, a row a kind and symbol."""
    return render_table(MARKET_HEADER, map(_market_cells, rows), right=(4, 5, 6, 7), short=_shorten)


def fetch_record(summary: FetchSummary | None, market: Sequence[MarketRow]) -> dict[str, Any]:
    """Put both into plain data, as ``--format json`` prints them; keys as in ``docs/units.md#fetch``."""
    return {
        "liquidations": [_record(row) for row in summary.rows] if summary else [],
        "market": [_market_record(row) for row in market],
    }


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


def _record(row: FetchRow) -> dict[str, Any]:
    from liqcli.ingest.fetch.messages import problems_of

    return {
        "source": row.source,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "events": row.events,
        "notional": round(row.notional, 6),
        "coverage": row.share,
        "covered": _intervals(row.covered),
        "gaps": _intervals(row.holes),
        "rejected": row.rejected,
        "result": row.result,
        "troubles": problems_of(row),
        "notes": list(row.notes),
    }


def _market_record(row: MarketRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "sources": row.places,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "rows": row.rows,
        "coverage": row.share,
        "gaps": _intervals([hole.interval for hole in row.holes]),
        "result": row.result,
        "troubles": list(dict.fromkeys(row.troubles)),
    }


def _intervals(intervals: Sequence[Interval]) -> list[dict[str, str]]:
    from liqcli.core.formatting import format_iso

    return [{"start": format_iso(start), "end": format_iso(end)} for start, end in intervals]
