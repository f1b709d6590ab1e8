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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.fetcher import FetchRow, FetchSummary
    from liqcli.lake import Lake

KINDS = ("liquidations",)
LATER_KINDS = ("candles", "open-interest")
HEADER = ("source", "exchange", "symbol", "windows", "requests", "events", "USD", "rejected", "result")


def fetch(
    exchange: Annotated[
        str | None, typer.Option(help="Exchanges, comma separated.", show_default="what the sources give")
    ] = None,
    symbol: Annotated[
        str, typer.Option(help="Symbols in any spelling, comma separated; SOL alone means every contract on SOL.")
    ] = "BTCUSDT,ETHUSDT,SOLUSDT",
    source: Annotated[
        str | None, typer.Option(help="Sources, comma separated.", show_default="all that need no key: gate, htx, okx")
    ] = None,
    kind: Annotated[str, typer.Option(help="What to fetch.")] = "liquidations",
    lookback: LookbackOption = "24h",
    since: SinceOption = None,
    until: UntilOption = None,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Get liquidations from their sources into the lake.

    Only what the lake lacks is asked for: a broken-off run is taken up again, and a second run changes nothing.
    """
    from liqcli.config import lake_root
    from liqcli.fetcher import fetch as run_fetch
    from liqcli.lake import Lake
    from liqcli.timespan import resolve_window

    set_speech(quiet, debug)
    _check_kinds(split_names(kind))
    store = Lake(lake_root(lake))
    symbols = split_names(symbol)
    latest = _find_latest(store, symbols) if (until or "").strip().lower() == "latest" else None
    window = resolve_window(since, until, lookback, latest)
    summary = run_fetch(store, window, symbols, split_names(source), split_names(exchange), say=say)
    typer.echo(render_summary(summary))
    for line in list_troubles(summary):
        warn(line)
    for line in list_notes(summary):
        say(line)
    if summary.exit_code:
        raise typer.Exit(int(summary.exit_code))


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


def _check_kinds(kinds: Sequence[str]) -> None:
    from liqcli.errors import UsageError

    for kind in kinds or ("",):
        if kind in LATER_KINDS:
            raise UsageError(f"--kind {kind} is not there yet; fetch gets liquidations")
        check_choice(kind, KINDS, "--kind")


def _find_latest(store: Lake, symbols: Sequence[str]) -> int | None:
    """The last stored event of these symbols. [µs UTC]"""
    from liqcli.analysis.status import build_status
    from liqcli.symbols import match_symbols

    wanted = {name for symbol in symbols for name in match_symbols(symbol, store.symbols())}
    rows, _damaged = build_status(store)
    held = (row.last_us for row in rows if row.symbol in wanted and row.kind == "liquidations")
    return max((last_us for last_us in held if last_us is not None), default=None)
