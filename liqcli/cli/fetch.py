"""``liqcli fetch``: real liquidations from their sources into the lake."""

from __future__ import annotations

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
    render_table,
    say,
    set_speech,
    split_names,
    warn,
)
from liqcli.cli.progress import show_progress
from liqcli.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.fetcher import FetchRow, FetchSummary
    from liqcli.fetcher.market import MarketRow
    from liqcli.lake import Lake
    from liqcli.model import Window

KINDS = ("liquidations", "candles", "open-interest")
HEADER = ("source", "exchange", "symbol", "windows", "requests", "events", "USD", "rejected", "result")
MARKET_HEADER = ("kind", "exchange", "symbol", "windows", "requests", "rows", "result")


def fetch(
    exchange: Annotated[
        str | None, typer.Option(help="Exchanges, comma separated.", show_default="what the sources give")
    ] = None,
    symbol: Annotated[
        str, typer.Option(help="Symbols in any spelling, comma separated; SOL alone means every contract on SOL.")
    ] = "BTCUSDT,ETHUSDT,SOLUSDT",
    source: Annotated[
        str | None, typer.Option(help="Sources, comma separated.", show_default="all that are quick and need no key")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What to fetch, comma separated: liquidations, candles, open-interest.",
            show_default="all three; with --source only liquidations",
        ),
    ] = None,
    interval: Annotated[str, typer.Option(help="Length of a candle: 1m 5m 15m 1h 4h 1d.")] = "1m",
    lookback: LookbackOption = "24h",
    since: SinceOption = None,
    until: UntilOption = None,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Get liquidations, candles and open interest from their sources into the lake.

    Only what the lake lacks is asked for: a broken-off run is taken up again, and a second run changes nothing.
    Candles and open interest come from one exchange a symbol: binance, or where it refuses bybit, okx, gate.
    """
    from liqcli.config import lake_root
    from liqcli.fetcher import fetch as run_fetch
    from liqcli.lake import Lake
    from liqcli.timespan import resolve_window

    set_speech(quiet, debug)
    kinds = _choose_kinds(kind, source)
    _check_interval(interval)
    store = Lake(lake_root(lake))
    symbols, exchanges = split_names(symbol), split_names(exchange)
    latest = _find_latest(store, symbols) if (until or "").strip().lower() == "latest" else None
    window = resolve_window(since, until, lookback, latest)
    code = ExitCode.DONE
    listed: tuple[str, ...] = ()
    if "liquidations" in kinds:
        with show_progress() as progress:
            summary = run_fetch(store, window, symbols, split_names(source), exchanges, progress.say, progress=progress)
        _tell(summary)
        code, listed = summary.exit_code, tuple(row.symbol for row in summary.rows if row.usable)
    if market_kinds := [name for name in kinds if name != "liquidations"]:
        market = _fetch_market(store, window, _spell_out(symbols, listed), market_kinds, exchanges, interval)
        if kind is not None and not code:  # unless asked for by name, their failure is only a warning
            code = market if "liquidations" not in kinds else ExitCode.PARTIAL if market else code
    if code:
        raise typer.Exit(int(code))


def _tell(summary: FetchSummary) -> None:
    typer.echo(render_summary(summary))
    for line in list_troubles(summary):
        warn(line)
    for line in list_notes(summary):
        say(line)


def render_market(rows: Sequence[MarketRow]) -> str:
    """Write what came of candles and open interest as a table, a row a kind and symbol."""
    from liqcli.formats import format_count

    cells = (
        (
            row.kind,
            row.exchange,
            row.symbol,
            f"{row.answered}/{row.planned}" if row.planned else "known" if row.usable else "none",
            format_count(row.requests),
            format_count(row.rows),
            row.result,
        )
        for row in rows
    )
    return render_table(MARKET_HEADER, cells, right=(3, 4, 5))


def render_summary(summary: FetchSummary) -> str:
    """Write the summary as a table, a row a source, exchange and symbol."""
    return render_table(HEADER, (_cells(row) for row in summary.rows), right=(3, 4, 5, 6, 7))


def list_troubles(summary: FetchSummary) -> list[str]:
    """Say of each row what could have come and did not, and why."""
    troubles: list[str] = []
    for row in summary.rows:
        said = [text for text in (row.error, *row.gaps) if text]
        if row.cut:
            said.append(f"{row.cut} moments hold more events than the source gives; what came is stored")
        if row.rejected:
            said.append(f"{row.rejected} rows refused; they are kept in the lake, under rejected/")
        troubles += [f"{_name(row)}: {text}" for text in said]
    return troubles


def list_notes(summary: FetchSummary) -> list[str]:
    """Say of each row what its source cannot give."""
    return [f"{_name(row)}: {note}" for row in summary.rows for note in row.notes]


def _name(row: FetchRow) -> str:
    return f"{row.source} {row.exchange} {row.symbol}"


def _cells(row: FetchRow) -> tuple[str, ...]:
    from liqcli.formats import format_count, format_usd

    windows = f"{row.answered}/{row.planned}" if row.planned else "known" if row.usable else "none"
    return (
        row.source,
        row.exchange,
        row.symbol,
        windows,
        format_count(row.requests),
        format_count(row.events),
        format_usd(row.notional),
        format_count(row.rejected),
        row.result,
    )


def _fetch_market(
    store: Lake, window: Window, symbols: Sequence[str], kinds: Sequence[str], exchanges: Sequence[str], interval: str
) -> ExitCode:
    """Fetch candles and open interest, and say how it went; an exchange that was passed over is no warning."""
    from liqcli.fetcher.market import fetch_market, judge_market

    with show_progress() as progress:
        rows = fetch_market(store, window, symbols, kinds, exchanges, interval, progress=progress)
    typer.echo(render_market(rows))
    told: set[str] = set()  # a place that refused is refused for every symbol, which is said once
    for row in rows:
        for trouble in row.troubles:
            if trouble not in told:
                told.add(trouble)
                (say if row.result == "ok" else warn)(f"{row.kind} {row.symbol}: {trouble}")
    return judge_market(rows)


def _choose_kinds(kind: str | None, source: str | None) -> tuple[str, ...]:
    """What to fetch; sources are sources of liquidations, so naming one means these alone."""
    if kind is None:
        return KINDS[:1] if source else KINDS
    kinds = split_names(kind)
    for name in kinds or ("",):
        check_choice(name, KINDS, "--kind")
    return tuple(dict.fromkeys(kinds))


def _check_interval(interval: str) -> None:
    from liqcli.market_data import INTERVAL_US

    check_choice(interval, tuple(INTERVAL_US), "--interval")


def _spell_out(symbols: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Turn words into symbols with a quote; a bare base means what was listed on it, else its USDT contract."""
    from liqcli.symbols import normalise_symbol, split_symbol

    found: list[str] = []
    for word in map(normalise_symbol, symbols):
        on_base = [name for name in listed if split_symbol(name)[0] == word]
        found += [word] if split_symbol(word)[1] else on_base or [f"{word}USDT"]
    return list(dict.fromkeys(found))


def _find_latest(store: Lake, symbols: Sequence[str]) -> int | None:
    """The last stored event of these symbols. [µs UTC]"""
    from liqcli.analysis.status import build_status
    from liqcli.symbols import match_symbols

    wanted = {name for symbol in symbols for name in match_symbols(symbol, store.symbols())}
    rows, _damaged = build_status(store)
    held = (row.last_us for row in rows if row.symbol in wanted and row.kind == "liquidations")
    return max((last_us for last_us in held if last_us is not None), default=None)
