"""Importing candles and open interest from tables: column maps, checks, and storing by exchange and symbol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from liqcli.column_names import check_once, describe_header, fill_columns, guess_columns, parse_columns
from liqcli.errors import ROW_ERRORS, UsageError, describe_error
from liqcli.file_rows import Meter
from liqcli.import_formats import RAW_SHOWN, ImportOptions
from liqcli.import_progress import ImportProgress
from liqcli.lake import Lake
from liqcli.market_data import (
    INTERVAL_US,
    Candle,
    OpenInterest,
    find_candle_fault,
    find_open_interest_fault,
    infer_interval,
    write_candles,
    write_open_interest,
)
from liqcli.model import Rejected, parse_number
from liqcli.records import Record, open_records
from liqcli.sources.generic import canonical_name, canonical_symbol, check_quote
from liqcli.symbols import doubt_exchange
from liqcli.time_cells import parse_time_cell, parse_zone

_TIMES = ("open_time_utc", "open_time", "time_utc", "ts", "timestamp", "time", "datetime", "date")
KNOWN_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "candles": {
        "ts": _TIMES,
        "exchange": ("exchange",),
        "symbol": ("symbol",),
        "open": ("open",),
        "high": ("high",),
        "low": ("low",),
        "close": ("close",),
        "volume": ("volume_base", "volume"),
        "taker_buy": ("taker_buy", "taker_buy_base", "taker_buy_volume", "taker_buy_base_asset_volume"),
    },
    "open-interest": {
        "ts": _TIMES,
        "exchange": ("exchange",),
        "symbol": ("symbol",),
        "open_interest": ("open_interest_base", "open_interest", "sum_open_interest"),
        "open_interest_usd": ("open_interest_usd", "sum_open_interest_value"),
    },
}
_NEEDED = {"candles": ("ts", "open", "high", "low", "close"), "open-interest": ("ts",)}

Key = tuple[str, str]


@dataclass(slots=True)
class MarketImport:
    """What one file of candles or open interest gave."""

    stored: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    exchanges: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    first_us: int | None = None
    last_us: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def rejected_count(self) -> int:
        """How many rows were refused."""
        return len(self.rejected)


@dataclass(frozen=True, slots=True)
class _Reader:
    kind: str
    columns: Mapping[str, str]
    options: ImportOptions
    zone: tzinfo
    quote: str | None

    def parse(self, cells: Mapping[str, Any], now_us: int) -> tuple[Key, Candle | OpenInterest]:
        exchange = self.options.exchange or str(cells[self.columns["exchange"]])
        symbol = self.options.symbol or str(cells[self.columns["symbol"]])
        key = (canonical_name(exchange, "exchange"), canonical_symbol(symbol, self.quote))
        ts_us = parse_time_cell(cells[self.columns["ts"]], self.zone)
        row: Candle | OpenInterest
        if self.kind == "candles":
            opened, high, low, close = (
                parse_number(cells[self.columns[word]]) for word in ("open", "high", "low", "close")
            )
            row = Candle(
                ts_us, opened, high, low, close, *(self._optional(cells, word) for word in ("volume", "taker_buy"))
            )
            fault = find_candle_fault(row, now_us)
        else:
            amounts = [self._optional(cells, word) for word in ("open_interest", "open_interest_usd")]
            row = OpenInterest(ts_us, *amounts)
            fault = find_open_interest_fault(row, now_us)
        if fault:
            raise ValueError(fault)
        return key, row

    def _optional(self, cells: Mapping[str, Any], word: str) -> float | None:
        cell = cells.get(self.columns.get(word, ""))
        return None if cell is None or cell == "" else parse_number(cell)


def import_market_file(
    lake: Lake, path: Path, options: ImportOptions, now_us: int, told: ImportProgress
) -> MarketImport:
    """
    Import one file of candles or open interest (``options.kind``); a row of a known time replaces the old one.

    Raises
    ------
    UsageError
        A needed column or name is missing, or candles have no usual length.
    DamagedError
        The file cannot be read; nothing of it is stored.
    """
    meter = Meter()
    records = open_records(path, meter, has_header=not options.no_header, table=options.table)
    outcome = MarketImport(notes=list(records.notes))
    if not records.header:
        outcome.notes.append("holds no rows")
        return outcome
    reader = _build_reader(path, records.header, options, outcome)
    rows = _read_rows(path.name, told.watch(path.name, meter, records.rows), reader, now_us, outcome)
    source = canonical_name(options.source, "source") if options.source else "import"
    interval = _find_interval(path, rows) if options.kind == "candles" and rows else ""
    if interval:
        outcome.notes.append(f"candles of {interval}")
        _refuse_crooked(path.name, rows, INTERVAL_US[interval], outcome)
    with lake.locked():
        for (exchange, symbol), found in sorted(rows.items()):
            if interval:
                write_candles(lake, exchange, symbol, interval, source, (r for _, r in found if isinstance(r, Candle)))
            else:
                snapshots = (r for _, r in found if isinstance(r, OpenInterest))
                write_open_interest(lake, exchange, symbol, source, snapshots)
    _sum_up(outcome, rows)
    return outcome


def _build_reader(path: Path, header: Sequence[str], options: ImportOptions, outcome: MarketImport) -> _Reader:
    known = KNOWN_NAMES[options.kind]
    if options.columns is not None:
        named = parse_columns(options.columns, tuple(known))
        columns = fill_columns(named, header, known, _needed_words(options))
    else:
        named, columns = {}, guess_columns(header, known)
    if columns != named:
        outcome.notes.append("columns taken: " + ",".join(f"{word}={column}" for word, column in columns.items()))
    has = describe_header(header)
    check_once(columns, header)
    for word, column in columns.items():
        if column not in header:
            raise UsageError(f"--columns {word}={column}: no such column; {has}")
    for word in _NEEDED[options.kind]:
        if word not in columns:
            raise UsageError(f"{path}: no column is known as {word}: pass --columns {word}=COLUMN; {has}")
    if options.kind == "open-interest" and not {"open_interest", "open_interest_usd"} & set(columns):
        raise UsageError(f"{path}: no column is known as open_interest: pass --columns open_interest=COLUMN; {has}")
    for word in ("exchange", "symbol"):
        if not getattr(options, word) and word not in columns:
            raise UsageError(f"{path}: nothing says the {word}: pass --{word} NAME; {has}")
    if options.exchange and (meant := doubt_exchange(options.exchange)):
        outcome.notes.append(meant)
    try:
        if options.exchange:
            canonical_name(options.exchange, "exchange")
        if options.symbol:
            canonical_symbol(options.symbol, check_quote(options.quote))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return _Reader(options.kind, columns, options, parse_zone(options.tz or "UTC"), check_quote(options.quote))


def _needed_words(options: ImportOptions) -> list[str]:
    words = [*_NEEDED[options.kind], *(["open_interest|open_interest_usd"] if options.kind == "open-interest" else [])]
    return words + [word for word in ("exchange", "symbol") if not getattr(options, word)]


def _read_rows(
    name: str, records: Iterable[Record], reader: _Reader, now_us: int, outcome: MarketImport
) -> dict[Key, list[tuple[Record, Candle | OpenInterest]]]:
    rows: dict[Key, list[tuple[Record, Candle | OpenInterest]]] = defaultdict(list)
    for record in records:
        if record.cells is None:
            outcome.rejected.append(Rejected(name, record.number, record.reason, record.raw[:RAW_SHOWN]))
            continue
        try:
            key, row = reader.parse(record.cells, now_us)
        except ROW_ERRORS as error:
            outcome.rejected.append(Rejected(name, record.number, describe_error(error), record.raw[:RAW_SHOWN]))
        else:
            rows[key].append((record._replace(cells=None), row))
    return rows


def _find_interval(path: Path, rows: Mapping[Key, Sequence[tuple[Record, Candle | OpenInterest]]]) -> str:
    found = {infer_interval([row.ts_us for _, row in pairs]) for pairs in rows.values()}
    if len(found) != 1 or None in found:
        raise UsageError(
            f"{path}: cannot tell how long its candles are; the commonest step between open times must be one of "
            f"{', '.join(INTERVAL_US)}, the same for all symbols"
        )
    return str(found.pop())


def _refuse_crooked(
    name: str, rows: dict[Key, list[tuple[Record, Candle | OpenInterest]]], step_us: int, outcome: MarketImport
) -> None:
    """Refuse candles that do not open on a multiple of their length."""
    for key, pairs in rows.items():
        crooked = [record for record, row in pairs if row.ts_us % step_us]
        outcome.rejected += [
            Rejected(name, record.number, "open time is no multiple of the candle length", record.raw[:RAW_SHOWN])
            for record in crooked
        ]
        rows[key] = [pair for pair in pairs if pair[1].ts_us % step_us == 0]


def _sum_up(outcome: MarketImport, rows: Mapping[Key, Iterable[tuple[Record, Candle | OpenInterest]]]) -> None:
    times = [row.ts_us for pairs in rows.values() for _, row in pairs]
    outcome.stored = len(times)
    outcome.exchanges = tuple(sorted({exchange for exchange, _ in rows}))
    outcome.symbols = tuple(sorted({symbol for _, symbol in rows}))
    if times:
        outcome.first_us, outcome.last_us = min(times), max(times)
