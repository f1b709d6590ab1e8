"""``liqcli record``: record the live streams of exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from liqcli.api.arguments import split_names
from liqcli.cli import completion
from liqcli.cli.options import DebugOption, LakeOption, QuietOption
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.tables import render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode
from liqcli.sources.registry import POLLED, RECORDED_BY_DEFAULT, list_recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.ingest.stream import RecordRow

RECORDED = (*list_recorded(), *POLLED)
HEADER = ("exchange", "symbol", "events", "USD", "connected", "disconnects", "rejected", "result")


def record(
    exchange: Annotated[
        str | None,
        typer.Option(
            metavar="a,b",
            help=f"Exchanges, comma separated: {', '.join(RECORDED)}.",
            show_default=f"{', '.join(RECORDED_BY_DEFAULT)}, which publish no history",
            autocompletion=completion.some_of(*RECORDED),
        ),
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol",
            "-s",
            help="Symbols in any spelling, comma separated; SOL means every quote currency of SOL, all every symbol.",
            show_default="all where one stream has every symbol, elsewhere BTCUSDT,ETHUSDT,SOLUSDT",
            autocompletion=completion.default_symbols,
        ),
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="1h", help="Duration of the recording.", show_default="until Ctrl-C")
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="Output format: table or json.", autocompletion=completion.one_of("table", "json")
        ),
    ] = "table",
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Record liquidations from the live streams of exchanges.

    Events are on disk within a second and in the lake within a minute. Connection times are stored as coverage: an
    interruption is a gap, an unusually long silence is unconfirmed. Lost and silent connections are reopened. Gaps are
    filled where the exchange has a history (okx and others). Gate, CoinEx and Poloniex are polled about every minute,
    because their history is fuller than their stream. Recorded and fetched events of an exchange are never added up.
    """
    from liqcli.cli.record_view import open_view
    from liqcli.core.durations import parse_length
    from liqcli.core.environment import lake_root
    from liqcli.core.model import US_PER_S
    from liqcli.ingest.stream import record as run_record
    from liqcli.lake.store import Lake

    set_verbosity(quiet, debug)
    check_choice(output_format, ("table", "json"), "--format")
    seconds = parse_length(length, "--for") / US_PER_S if length else None
    store = Lake(lake_root(lake))
    with open_view() as view:
        names = split_names(symbol or ""), split_names(exchange or "")
        summary = run_record(store, *names, seconds, view.say, view.warn, show=view.show)
    report_recording(summary.rows, summary.interrupted, output_format)
    if summary.exit_code != ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))


def report_recording(rows: Sequence[RecordRow], interrupted: bool, output_format: str) -> None:
    """Print the result of a recording, and what went wrong."""
    import json

    if output_format == "json":
        typer.echo(json.dumps([record_row(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        typer.echo(render_recorded(rows))
    for problem in dict.fromkeys(f"{row.source}: {row.error}" for row in rows if row.error):
        warn(problem)
    for row in rows:
        if row.lost:
            warn(f"{row.source}: {row.lost} events lost, because the disk was full or too slow; that time is a gap")
    if interrupted:
        say("interrupted; all received events are stored")


def record_row(row: RecordRow) -> dict[str, Any]:
    """Convert a row to plain values; keys of ``docs/units.md#record``."""
    return {
        "exchange": row.source,
        "symbol": row.symbol,
        "events": row.events,
        "notional": row.notional,
        "connected_s": row.covered_s,
        "disconnects": row.breaks,
        "rejected": row.rejected,
        "lost": row.lost,
        "unconfirmed_s": row.unconfirmed_s,
        "clock_offset_s": row.clock_offset_s,
        "result": row.result,
        "error": row.error,
    }


def render_recorded(rows: Sequence[RecordRow]) -> str:
    """Render the summary as a table: one row per exchange and symbol."""
    from liqcli.core.formatting import format_count, format_duration, format_usd
    from liqcli.core.model import US_PER_S

    cells = (
        (
            row.source,
            row.symbol,
            format_count(row.events),
            format_usd(row.notional),
            format_duration(round(row.covered_s) * US_PER_S) if row.covered_s else "0 s",
            format_count(row.breaks),
            format_count(row.rejected),
            row.result,
        )
        for row in rows
    )
    return render_table(HEADER, cells, right=(2, 3, 4, 5, 6))
