"""``liqcli import``: files into the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import DebugOption, LakeOption
from liqcli.cli.output import fail, print_summary, say, set_verbosity
from liqcli.cli.progress import show_progress
from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.ingest.files.rejections import Reason
    from liqcli.ingest.files.summary import FileSummary

REASONS_SHOWN = 5


def import_files_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="CSV, JSON lines or array, also as .gz or .zip; Parquet; SQLite.",
            show_default=False,
        ),
    ],
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            help="File format: auto, tardis, binance-vision, binance-stream, bybit-stream, okx-stream or generic.",
            autocompletion=completion.one_of(
                "auto", "tardis", "binance-vision", "binance-stream", "bybit-stream", "okx-stream", "generic"
            ),
        ),
    ] = "auto",
    kind: Annotated[
        str,
        typer.Option(
            help="Content of the files: liquidations, candles, open-interest or positions.",
            autocompletion=completion.one_of("liquidations", "candles", "open-interest", "positions"),
            show_default="from the columns",
        ),
    ] = "auto",
    market: Annotated[
        str | None,
        typer.Option(
            help="Market of candles: spot or futures. Spot candles are stored as exchange NAME-spot.",
            autocompletion=completion.one_of("spot", "futures"),
            show_default="from a column or the file name, else futures",
        ),
    ] = None,
    exchange: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Exchange, for generic files without this column.",
            autocompletion=completion.exchanges,
        ),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", metavar="NAME", help="Symbol, for files without this column.")
    ] = None,
    quote: Annotated[
        str | None, typer.Option(metavar="USD", help="Quote to append to symbols without one, such as BTC.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of times without an offset.", show_default="UTC")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="WORD=COLUMN,...",
            help="Columns of generic files whose names are not recognised: ts, symbol, instrument, "
            "exchange, position (long, short; for a column of buy and sell, state what buy means: "
            "position=side:buy-is-long or position=side:buy-is-short) or side (the order's: sell closes a long), "
            "price, price_kind, qty (base coins; qty=sz:coins where the exchange counts contracts), notional (USD), "
            "contracts, contract_size, "
            "contract_kind (linear, inverse), completeness, event_id. "
            "Candles: ts (open time), exchange, symbol, market (spot, futures), interval (1m, 1h), open, high, low, "
            "close, volume, and taker_buy, the part bought by takers (base coins). "
            "Open interest: ts, exchange, symbol, open_interest (base coins), open_interest_usd, or "
            "contracts with contract_size. "
            "Positions: ts, exchange, symbol, position (or negative sizes of shorts), size (base coins), notional "
            "(USD), entry_price, liquidation_price, leverage, account. "
            "A constant is written :text, as in price_kind=:bankruptcy.",
            show_default="known names are recognised",
        ),
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header", help="The first line of a CSV is data; --columns takes column numbers, as in ts=1,price=4."
        ),
    ] = False,
    table: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Table of an SQLite database.", show_default="the only one"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Source name of generic files.", show_default="import"),
    ] = None,
    contract_size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INSTR=SIZE",
            help="Coins (inverse: USD) per contract, for generic files with a column of contracts, messages of OKX and "
            "Tardis files of OKX, HTX, BitMEX; repeatable.",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="First remove the rows that an earlier import of the same file stored; rows of other files stay. "
            "Candles and open interest: first remove the source's rows between the first and last row of each file.",
        ),
    ] = False,
    drop_near_repeats: Annotated[
        bool,
        typer.Option(
            "--drop-near-repeats",
            help="Drop rows that repeat another row within 2 s, as feeds with receipt times do.",
        ),
    ] = False,
    lake: LakeOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
    debug: DebugOption = False,
) -> None:
    """
    Import files into the lake.

    Importing a file again changes nothing. Invalid rows are rejected and kept under rejected/ in the lake with line and
    reason. The rest is stored, and the exit code is 6 (5 if nothing was stored). A damaged file is skipped entirely.
    """
    from liqcli.core.environment import lake_root
    from liqcli.ingest.files.importer import import_files
    from liqcli.ingest.files.options import ImportOptions
    from liqcli.lake.store import Lake

    set_verbosity(quiet, debug)
    options = ImportOptions(
        format=format_name,
        exchange=exchange,
        symbol=symbol,
        tz=tz,
        columns=columns,
        kind=kind,
        market=market,
        quote=quote,
        source=source,
        contract_sizes=parse_sizes(contract_size or ()),
        replace=replace,
        no_header=no_header,
        table=table,
        drop_near_repeats=drop_near_repeats,
    )
    with show_progress() as progress:

        def report(file: FileSummary) -> None:
            with progress.aside():
                _report(file)

        summary = import_files(Lake(lake_root(lake)), files, options, progress, report)
    if debug and (errors := [file.error for file in summary.files if file.error]):
        raise errors[0]
    if summary.exit_code:
        raise typer.Exit(int(summary.exit_code))


def _report(file: FileSummary) -> None:
    """Print the result of a file: the summary on stdout, the rest on stderr."""
    from liqcli.core.formatting import format_counted

    for note in file.notes:
        say(f"{file.path}: {note}")
    if file.error:
        fail(str(file.error) if str(file.path) in str(file.error) else f"{file.path}: {file.error}")
    else:
        print_summary(render_summary(file))
    if file.rejected_path:
        fail(
            f"{file.path}: {format_counted(file.rejected, 'row')} rejected, with line and reason in "
            f"{file.rejected_path}"
        )
        for line in render_reasons(file.reasons):
            typer.echo(line, err=True)


def render_reasons(reasons: Sequence[Reason]) -> list[str]:
    """Render why rows were rejected: one line per reason, the most frequent first, with its first row."""
    from liqcli.core.formatting import format_count, format_counted

    shown, rest = reasons[:REASONS_SHOWN], reasons[REASONS_SHOWN:]
    counts = [format_count(reason.count) for reason in shown]
    width = max(map(len, counts), default=0)
    lines = []
    for count, reason in zip(counts, shown, strict=True):
        place = (
            f"line {format_count(reason.first.line)}" if reason.count == 1 else f"first in line {reason.first.line:,}"
        )
        lines.append(f"  {count:>{width}}  {' '.join(reason.first.reason.split())} ({place})")
    if rest:
        rows = sum(reason.count for reason in rest)
        lines.append(f"  {format_count(rows)}  for {format_counted(len(rest), 'other reason')}")
    return lines


def render_summary(file: FileSummary) -> str:
    """Render the summary of a file as one line."""
    from liqcli.core.formatting import format_count, format_counted, format_iso, format_usd_exact

    parts = [format_counted(file.rows, "row")]
    parts += [f"{format_count(file.new)} stored"] if file.known == 0 else [f"{format_count(file.new)} new"]
    parts += [
        f"{format_count(number)} {word}"
        for number, word in ((file.known, "already stored"), (file.doubled, "duplicates"))
        if number
    ]
    if file.dropped:
        parts.append(f"{format_counted(file.dropped, 'near repeat')} dropped")
    if file.rejected:
        parts.append(f"{format_count(file.rejected)} rejected")
    if file.removed:
        parts.append(f"removed {format_counted(file.removed, 'row')}")
    if file.remark:
        parts.append(file.remark)
    if file.symbols:
        names = ", ".join(file.symbols) if len(file.symbols) <= 3 else f"{len(file.symbols)} symbols"
        parts.append(f"{', '.join(file.exchanges)} {names}")
    if file.notional:
        parts.append(f"{format_usd_exact(file.notional)} USD")
    if file.longs or file.shorts:
        parts.append(f"{format_counted(file.longs, 'long')}, {format_counted(file.shorts, 'short')}")
    if file.first_us is not None and file.last_us is not None:
        parts.append(f"{format_iso(file.first_us)} to {format_iso(file.last_us)}")
    return f"{file.path}: {file.format}: " + " · ".join(parts)


def parse_sizes(texts: list[str] | tuple[str, ...]) -> dict[str, float]:
    """
    Read ``BTC-USDT-SWAP=0.01`` options.

    Raises
    ------
    UsageError
        Not of that form, or no positive number.
    """
    from liqcli.core.model import parse_number

    sizes = {}
    for text in texts:
        instrument, _, number = text.rpartition("=")
        try:
            size = parse_number(number)
        except ValueError:
            size = 0.0
        if not instrument or size <= 0:
            raise UsageError(f"--contract-size: {text!r} is not INSTRUMENT=SIZE, as in BTC-USDT-SWAP=0.01")
        sizes[instrument] = size
    return sizes
