"""Which format a file is, and its rows as liquidations: what joins the parsers of ``sources`` to open files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from liqcli.embedded import SAMPLE_SOURCE, is_sample
from liqcli.errors import ROW_ERRORS, DamagedError, UsageError, describe_error
from liqcli.file_rows import Line, Meter, is_parquet, iter_lines, opens_array, peek, split_cells, split_header
from liqcli.import_table import (
    build_table_map,
    describe_assumptions,
    describe_columns,
    describe_inverse,
    doubt_meaning,
    use_order_price,
)
from liqcli.model import Liquidation, Rejected, find_fault
from liqcli.records import PEEKED_LINES, Record, csv_records, open_records
from liqcli.sources import binance_files, binance_stream, binance_vision, generic, tardis_csv
from liqcli.sqlite_rows import is_sqlite
from liqcli.symbols import nearest

FORMATS = ("auto", "tardis", "binance-vision", "binance-stream", "generic")
RAW_SHOWN = 500
MANY_COPIES = 1 << 40  # "as often as it stands": twins in one file are real events

Item = Liquidation | Rejected


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user said about the files; None means not said."""

    format: str = "auto"
    exchange: str | None = None
    symbol: str | None = None
    tz: str | None = None
    columns: str | None = None
    kind: str = "auto"
    market: str | None = None
    quote: str | None = None
    source: str | None = None
    contract_sizes: Mapping[str, float] = field(default_factory=dict)
    replace: bool = False
    no_header: bool = False
    table: str | None = None
    drop_near_repeats: bool = False


@dataclass(slots=True)
class Feed:
    """
    The rows of one open file.

    ``options`` is what, beside its bytes, decides which rows it gives; ``most_copies`` 1 says that a repeated row is
    the recorder's; ``remark`` belongs into the summary; ``doubled`` counts rows that the format's own doubling took
    away (known when ``items`` is used up).
    """

    format: str
    items: Iterator[Item]
    options: dict[str, Any]
    most_copies: int = MANY_COPIES
    doubled: int = 0
    notes: list[str] = field(default_factory=list)
    remark: str = ""


def open_feed(path: Path, options: ImportOptions, now_us: int, meter: Meter | None = None) -> Feed:
    """
    Detect the format (or take the one the user names) and open the rows; ``meter`` tells how far their reading is.

    Raises
    ------
    UsageError
        An option is missing or does not fit the file.
    DamagedError
        The file cannot be read as what it should be.
    """
    if is_parquet(path) or is_sqlite(path):
        if options.format not in ("auto", "generic"):
            kind = "a Parquet file" if is_parquet(path) else "an SQLite database"
            raise UsageError(f"{path}: {kind} is imported as generic, not as {options.format}")
        return _open_generic(path, options, now_us, meter)
    if options.format in ("auto", "generic") and opens_array(path, without=b'"forceOrder"'):
        return _open_generic(path, options, now_us, meter)
    head, lines = peek(iter_lines(path, meter), PEEKED_LINES)
    if not head:
        return Feed("empty", iter(()), {}, notes=["holds no rows"])
    name = options.format
    if name == "auto":
        name = "generic" if options.no_header else detect_format(path.name, head)
    if name == "generic":
        return _open_generic(path, options, now_us, meter)
    openers = {"tardis": _open_tardis, "binance-vision": _open_vision, "binance-stream": _open_stream}
    feed = openers[name](path, lines, head[0], options, now_us)
    takes_symbol = name == "binance-vision" or (name == "tardis" and feed.options.get("symbol"))
    words = ("exchange", "columns", "tz", "quote", "source", *(() if takes_symbol else ("symbol",)))
    ignored = [f"--{word}" for word in words if getattr(options, word)]
    if ignored:
        feed.notes.append(f"{', '.join(ignored)} not used: a {name} file says it itself")
    return feed


def detect_format(file_name: str, head: Sequence[Line]) -> str:
    """Name the format of a text file by its first lines (and, for the Binance archive, its name)."""
    first = head[0].text
    if any('"forceOrder"' in line.text or ('"ap"' in line.text and '"S"' in line.text) for line in head):
        return "binance-stream"
    if first.lstrip().startswith("{"):
        return "generic"
    try:
        cells = [cell.strip() for cell in split_cells(first)] if first.count('"') % 2 == 0 else []
    except ValueError:
        cells = []
    if set(tardis_csv.COLUMNS) <= set(cells):
        return "tardis"
    if cells[:3] == list(binance_vision.COLUMNS[:3]) or binance_vision.symbol_of_file(file_name):
        return "binance-vision"
    if cells[: len(binance_stream.CSV_HEADER)] == list(binance_stream.CSV_HEADER) or _is_headerless(cells):
        return "binance-stream"
    return "generic"


def check_format(name: str) -> str:
    """
    Check a ``--format`` value.

    Raises
    ------
    UsageError
        Unknown; the nearest names are given.
    """
    if name not in FORMATS:
        raise UsageError(f"--format: unknown format {name!r}{nearest(name, FORMATS)}")
    return name


def _is_headerless(cells: Sequence[str]) -> bool:
    """Tell the recorded CSV without a header by its constant columns."""
    return len(cells) == binance_stream.CSV_WIDTH and cells[1] in ("BUY", "SELL") and cells[2:4] == ["LIMIT", "IOC"]


def _convert(parse: Callable[[Any], Liquidation], raw: object, now_us: int) -> Liquidation | str:
    """Parse and check one row; a string is the reason why it is refused."""
    try:
        row = parse(raw)
        return find_fault(row, now_us) or row
    except ROW_ERRORS as error:
        return describe_error(error)


def _convert_records(
    name: str, records: Iterator[Record], parse: Callable[[Any], Liquidation], now_us: int
) -> Iterator[Item]:
    for number, raw, cells, reason in records:
        row = reason if cells is None else _convert(parse, cells, now_us)
        yield Rejected(name, number, row, raw[:RAW_SHOWN]) if isinstance(row, str) else row


def _open_tardis(path: Path, lines: Iterator[Line], first: Line, options: ImportOptions, now_us: int) -> Feed:
    header, records, _notes = csv_records(lines)
    _need_columns(path, "tardis", header, [c for c in tardis_csv.COLUMNS if c not in ("id", "local_timestamp")])
    sizes = dict(options.contract_sizes)
    head = list(itertools.islice(records, 1))
    symbol = options.symbol if any(cells and tardis_csv.is_numbered(cells) for _, _, cells, _ in head) else None
    records = itertools.chain(head, records)
    market = tardis_csv.NumberedMarket(symbol)
    feed = Feed("tardis", iter(()), {"contract_sizes": sizes, **({"symbol": symbol} if symbol else {})})

    def parse(row: Mapping[str, str]) -> Liquidation:
        return tardis_csv.parse_row(row, sizes, market.name_of(row))

    feed.items = _convert_records(path.name, records, parse, now_us)
    return feed


def _open_vision(path: Path, lines: Iterator[Line], first: Line, options: ImportOptions, now_us: int) -> Feed:
    header, records, _notes = csv_records(lines)
    _need_columns(path, "binance-vision", header, binance_vision.COLUMNS)
    instrument = (options.symbol or binance_vision.symbol_of_file(path.name) or "").upper()
    if not instrument:
        raise UsageError(f"{path}: its name does not say the contract; pass --symbol BTCUSD_PERP")
    parsed = _convert_records(path.name, records, lambda row: binance_vision.parse_row(row, instrument), now_us)
    feed = Feed("binance-vision", iter(()), {"symbol": instrument})
    feed.items = _undoubled(feed, parsed)
    return feed


def _undoubled(feed: Feed, parsed: Iterator[Item]) -> Iterator[Item]:
    """Hold back the rows of an archive day (some thousand), for whether all stand twice shows only at the end."""
    held: list[Liquidation] = []
    for item in parsed:
        if isinstance(item, Rejected):
            yield item
        else:
            held.append(item)
    rows, feed.doubled, how = binance_files.undouble(held)
    if how:
        feed.notes.append(how)
    yield from rows


def _open_stream(path: Path, lines: Iterator[Line], first: Line, options: ImportOptions, now_us: int) -> Feed:
    if "{" in first.text:
        items = _iter_frames(path.name, lines, now_us)
    else:
        cells = split_header(first)
        has_header = [cell.strip() for cell in cells[:2]] == list(binance_stream.CSV_HEADER[:2])
        if not has_header and not _is_headerless(cells):
            raise DamagedError(f"{path}: neither forceOrder frames nor a recorded CSV of them; try --format generic")
        if has_header:
            next(lines)
        items = _iter_recorded(path.name, lines, not has_header, now_us)
    return Feed("binance-stream", items, {}, most_copies=1)


def _iter_frames(name: str, lines: Iterator[Line], now_us: int) -> Iterator[Item]:
    for number, text in lines:
        try:
            message = json.loads(
                text[text.find("{") :] if text[:1] not in "{[" else text
            )  # some write a time before it
            orders = list(binance_stream.iter_orders(message))
        except ROW_ERRORS as error:
            yield Rejected(name, number, f"not JSON ({describe_error(error)})", text[:RAW_SHOWN])
            continue
        for order in orders:
            row = _convert(binance_stream.parse_order, order, now_us)
            yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row


def _iter_recorded(name: str, lines: Iterator[Line], symbol_is_cut: bool, now_us: int) -> Iterator[Item]:
    def parse(text: str) -> Liquidation:
        return binance_stream.parse_recorded_row(split_cells(text), symbol_is_cut)

    for number, text in lines:
        row = _convert(parse, text, now_us)
        yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row


def _open_generic(path: Path, options: ImportOptions, now_us: int, meter: Meter | None) -> Feed:
    header, records, unusual = open_records(path, meter, has_header=not options.no_header, table=options.table)
    if not header:
        return Feed("empty", iter(()), {}, notes=["holds no rows"])
    sample = is_sample(path)
    table, notes = build_table_map(header, replace(options, source=SAMPLE_SOURCE) if sample else options)
    has_header = not options.no_header
    table, fallback, why = use_order_price(
        table, header, open_records(path, has_header=has_header, table=options.table).rows
    )
    head = list(itertools.islice(records, 0 if has_header else 1))
    records = itertools.chain(head, records)
    taken = describe_columns(table, options, next((row.cells for row in head if row.cells), None), why)
    notes = [*unusual, *taken, *notes, *doubt_meaning(table), *describe_assumptions(table)]
    if sample and options.source != SAMPLE_SOURCE:
        notes.append(f"this is the synthetic sample of liqcli, and is kept as such (source {SAMPLE_SOURCE})")
    items = _convert_records(path.name, records, lambda cells: generic.parse_record(cells, table), now_us)
    decisive = {
        **({"table": options.table} if options.table else {}),
        **({"buy_means": table.buy_means} if table.buy_means else {}),
        "columns": dict(sorted(table.columns.items())),
        "exchange": table.exchange,
        "symbol": table.symbol,
        "tz": options.tz or "UTC",
        "quote": table.quote,
        "source": table.source,
    }
    feed = Feed("generic", iter(()), decisive, notes=notes, remark=fallback)
    feed.items = _remarking(feed, items, table)
    return feed


def _remarking(feed: Feed, items: Iterator[Item], table: generic.TableMap) -> Iterator[Item]:
    """Add to the summary what was assumed of the rows, which shows only at the end."""
    yield from items
    feed.remark = " · ".join(filter(None, (feed.remark, describe_inverse(table))))


def _need_columns(path: Path, name: str, header: Sequence[str], needed: Sequence[str]) -> None:
    if missing := [column for column in needed if column not in header]:
        raise DamagedError(
            f"{path}: not a {name} file, its first line lacks {', '.join(missing)}; try --format generic"
        )
