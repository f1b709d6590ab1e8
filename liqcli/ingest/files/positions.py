"""Import snapshots of open positions from tables: generic ones, and Hydromancer's Reservoir of Hyperliquid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from liqcli.core.errors import ROW_ERRORS, UsageError, describe_error
from liqcli.core.formatting import format_count, format_counted, format_time
from liqcli.core.instruments import find_kind
from liqcli.core.model import CLOCK_SKEW_US, EARLIEST_US, Position, Rejected
from liqcli.core.positions import OpenPosition, find_position_fault
from liqcli.ingest.files.column_mapping import describe_used, guess_columns
from liqcli.ingest.files.json_records import SourceRow, open_records, peek_cells
from liqcli.ingest.files.market_columns import KNOWN_NAMES, build_columns
from liqcli.ingest.files.market_data import MarketImport
from liqcli.ingest.files.market_rows import MarketReader, build_reader
from liqcli.ingest.files.names import canonical_name
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import ReadProgress
from liqcli.ingest.files.row_reader import RAW_SHOWN
from liqcli.ingest.progress import Progress
from liqcli.lake.positions import write_positions
from liqcli.lake.store import Lake

_RESERVOIR = {"user", "market", "size", "notional", "entry_price", "liquidation_price", "leverage_type"}
_NAMED_MS = re.compile(r"(?<!\d)(1[4-9]\d{11})(?!\d)")  # milliseconds since the epoch, 2014 to 2033
_UNIT_FACTOR = 3.0  # size x entry price is this far from the notional in the median: size does not count coins
_SIDES: dict[str, Position] = {"long": "long", "short": "short"}

Snapshots = dict[tuple[str, int], list[OpenPosition]]  # by exchange and time [µs UTC]


def import_positions_file(
    lake: Lake, path: Path, options: ImportOptions, now_us: int, progress: Progress, meter: ReadProgress
) -> MarketImport:
    """
    Import one file of positions; rows of equal exchange and time are one snapshot.

    Raises
    ------
    UsageError
        A needed column or name is missing, or ``size`` does not count base coins.
    MixedSeriesError
        The file contradicts an option.
    DamagedError
        The file cannot be read; nothing was stored.
    """
    records = open_records(path, meter, has_header=not options.no_header, table=options.table)
    outcome = MarketImport(notes=list(records.notes))
    if not records.header:
        outcome.notes.append("holds no rows")
        return outcome
    options = _complete(options, path.name, records.header, outcome.notes)
    sample, rows = peek_cells(records.rows)
    given = [word for word in ("exchange", "symbol") if getattr(options, word)]
    found = build_columns("positions", records.header, sample, options.columns, given)
    outcome.notes.append(f"{describe_used(found.columns)}; size counts base coins")
    reader = build_reader(options, found.columns, found.guessed, None)
    reader.check_names(sample)
    rows = progress.watch(path.name, meter, rows)
    snapshots = _read_rows(path.name, rows, reader, now_us, outcome)
    _check_unit(snapshots)
    source = canonical_name(options.source, "source") if options.source else "import"
    for (exchange, ts_us), held in sorted(snapshots.items()):
        new, known = write_positions(lake, exchange, source, ts_us, held)
        outcome.new, outcome.known = outcome.new + new, outcome.known + known
    if len(snapshots) > 1:
        outcome.notes.append(f"{format_count(len(snapshots))} snapshots: rows of one exchange and time are one")
    _sum_up(outcome, snapshots)
    return outcome


def _complete(options: ImportOptions, name: str, header: Sequence[str], notes: list[str]) -> ImportOptions:
    """Add what the file does not state: the exchange of Reservoir snapshots, and the time in the file's name."""
    if set(header) >= _RESERVOIR and options.columns is None:
        notes.append("snapshot of Hydromancer's Reservoir: positions on Hyperliquid, quoted in USDC")
        options = replace(options, exchange=options.exchange or "hyperliquid", quote=options.quote or "USDC")
    named = _NAMED_MS.findall(name)
    stated = guess_columns(header, {"ts": KNOWN_NAMES["positions"]["ts"]}) or "ts=" in (options.columns or "")
    if len(named) == 1 and not stated:
        notes.append(f"time according to the file name: {format_time(int(named[0]) * 1000, True)} UTC")
        options = replace(options, columns=",".join(filter(None, (options.columns, f"ts=:{named[0]}"))))
    return options


def _read_rows(
    name: str, records: Iterable[SourceRow], reader: MarketReader, now_us: int, outcome: MarketImport
) -> Snapshots:
    snapshots: Snapshots = {}
    seen: set[tuple[object, ...]] = set()
    for record in records:
        outcome.rows += 1
        reason = record.reason
        if record.cells is not None:
            try:
                place, row = _parse(record.cells, reader, now_us)
                account = reader.read_cell(record.cells, "account")
                held = (place, account, row.symbol, row.position)
                if account is not None and held in seen:
                    raise ValueError("the account has another position of this side and symbol in the snapshot")
                seen.add(held)
            except ROW_ERRORS as error:
                reason = describe_error(error)
            else:
                snapshots.setdefault(place, []).append(row)
                continue
        outcome.rejected.append(Rejected(name, record.number, reason, record.raw[:RAW_SHOWN]))
    return snapshots


def _parse(cells: Mapping[str, Any], reader: MarketReader, now_us: int) -> tuple[tuple[str, int], OpenPosition]:
    """
    Parse one row: exchange and time, and the position.

    A liquidation price of 0 or below, or none, means that no price liquidates the position.
    """
    key, ts_us = reader.parse_place(cells)
    if not EARLIEST_US <= ts_us <= now_us + CLOCK_SKEW_US:
        raise ValueError("time outside 2015..now")
    if find_kind(*key[:2]) == "inverse":
        raise ValueError(f"{key.symbol} is an inverse contract, whose positions are not supported")
    size, entry = (reader.read_number(cells, word) for word in ("size", "entry_price"))
    liquidation, leverage, notional = (
        _read_optional(reader, cells, word) for word in ("liquidation_price", "leverage", "notional")
    )
    if size is None or entry is None:
        raise ValueError("size or entry_price is empty")
    row = OpenPosition(
        key.symbol,
        _read_side(reader.read_cell(cells, "position"), size),
        abs(size),
        None if notional is None else abs(notional),
        entry,
        liquidation if liquidation is not None and liquidation > 0 else None,
        leverage,
    )
    if fault := find_position_fault(row):
        raise ValueError(fault)
    return (key.exchange, ts_us), row


def _read_optional(reader: MarketReader, cells: Mapping[str, Any], word: str) -> float | None:
    """Parse a number that may be missing; NaN is how tables of floats say so."""
    cell = reader.read_cell(cells, word)
    return None if cell != cell or str(cell).lower() == "nan" else reader.read_number(cells, word)


def _read_side(cell: object, size: float) -> Position:
    """Read the side from its column; without one, sizes of shorts are negative."""
    if cell is None:
        return "long" if size > 0 else "short"
    side = _SIDES.get(str(cell).strip().lower())
    if side is None:
        raise ValueError(f"position is neither long nor short: {str(cell)[:60]!r}")
    if size < 0 and side == "long":
        raise ValueError("position is long, but size is negative")
    return side


def _check_unit(snapshots: Snapshots) -> None:
    """
    Check that sizes count base coins, by the notional where it is stated.

    Raises
    ------
    UsageError
        They are far from it in the median.
    """
    rows = [row for held in snapshots.values() for row in held if row.notional is not None]
    ratios = [row.size * row.entry_price / row.notional for row in rows if row.notional]
    if ratios and not 1 / _UNIT_FACTOR <= (ratio := median(ratios)) <= _UNIT_FACTOR:
        raise UsageError(
            f"size times entry price is {ratio:.3g} times the notional in the median, so size does not seem to count "
            "base coins; convert it, or pass --columns size=COLUMN for another column"
        )


def _sum_up(outcome: MarketImport, snapshots: Snapshots) -> None:
    rows = [row for held in snapshots.values() for row in held]
    outcome.exchanges = tuple(sorted({exchange for exchange, _ in snapshots}))
    outcome.symbols = tuple(sorted({row.symbol for row in rows}))
    times = [ts_us for _, ts_us in snapshots]
    if times:
        outcome.first_us, outcome.last_us = min(times), max(times)
    if none := sum(row.liquidation_price is None for row in rows):
        outcome.notes.append(f"{format_counted(none, 'position')} without a liquidation price")
