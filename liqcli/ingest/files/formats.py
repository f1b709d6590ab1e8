"""
Which format a file is, and its rows as liquidations: what joins the parsers of ``sources`` to open files.

How the columns of a generic file become liquidations: by ``--columns``, by well-known names, by what is assumed.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import ROW_ERRORS, DamagedError, UsageError, describe_error
from liqcli.core.model import SAMPLE_SOURCE, Liquidation, Rejected, find_fault
from liqcli.core.symbols import doubt_exchange, nearest
from liqcli.core.times import parse_zone
from liqcli.ingest.files import generic_rows
from liqcli.ingest.files.column_mapping import (
    Claim,
    describe_taken,
    fill_columns,
    guess_columns,
    parse_columns,
    plain_name,
)
from liqcli.ingest.files.json_records import PEEKED_LINES, SourceRow, csv_records, open_records
from liqcli.ingest.files.readers import (
    ReadProgress,
    TextLine,
    is_parquet,
    iter_lines,
    opens_array,
    peek,
    split_cells,
    split_header,
)
from liqcli.ingest.files.sample import is_sample_file
from liqcli.ingest.files.sqlite_rows import is_sqlite
from liqcli.sources.binance import archive as binance_archive
from liqcli.sources.binance import archive_files, force_orders
from liqcli.sources.tardis import csv as tardis_csv

if TYPE_CHECKING:
    from liqcli.core.model import Position

_PLACES = ("exchange", "symbol", "instrument")


def build_table_map(header: Sequence[str], options: ImportOptions) -> tuple[generic_rows.TableMap, list[str]]:
    """
    Make the column map of a generic file, from ``--columns`` or by well-known names, and what to know about it.

    Raises
    ------
    UsageError
        Something needed is missing, or a name cannot be one.
    """
    words = tuple(generic_rows.KNOWN_NAMES)
    named = parse_columns(options.columns, words) if options.columns is not None else None
    if named is None:
        columns = guess_columns(header, generic_rows.KNOWN_NAMES)
    else:
        columns = fill_columns(named, header, generic_rows.KNOWN_NAMES, _needed_words(options))
    columns, buy_means = _read_meaning(columns, header)
    notes = []
    if options.exchange and (meant := doubt_exchange(options.exchange)):
        notes.append(meant)
    try:
        table = generic_rows.TableMap(
            columns=columns,
            exchange=generic_rows.canonical_name(options.exchange, "exchange") if options.exchange else None,
            symbol=options.symbol,
            zone=parse_zone(options.tz or "UTC"),
            quote=generic_rows.check_quote(options.quote),
            source=generic_rows.canonical_name(options.source, "source") if options.source else "import",
            buy_means=buy_means,
            guessed=frozenset(columns).difference(named or ()),
        )
        table = _hold_names(table, header)
    except ValueError as error:
        raise UsageError(str(error)) from None
    generic_rows.check_columns(table, header)
    if "side" in columns:
        notes.append(
            f"{columns['side']} is read as the order's side: sell means that a long was liquidated, buy a short; "
            f"if buy means a long: --columns position={columns['side']}:buy-is-long"
        )
    return table, notes


def _hold_names(table: generic_rows.TableMap, header: Sequence[str]) -> generic_rows.TableMap:
    """
    Hold --exchange and --symbol against the columns that say the same; a constant in ``--columns`` overrules both.

    Raises
    ------
    ValueError
        --symbol is no symbol.
    """
    found = {**guess_columns(header, {word: generic_rows.KNOWN_NAMES[word] for word in _PLACES}), **table.columns}
    exchange = None if found.get("exchange", "").startswith(":") else table.exchange
    symbol = None if found.get("symbol", "").startswith(":") else table.symbol
    claims = []
    if exchange and (column := found.get("exchange")):
        claims.append((column, Claim("exchange", exchange, column, partial(generic_rows.is_same_exchange, exchange))))
    if symbol:
        name = generic_rows.canonical_symbol(symbol, table.quote)
        if column := found.get("symbol") or found.get("instrument"):
            claims.append((column, Claim("symbol", name, column, partial(generic_rows.is_same_symbol, name))))
    return dataclasses.replace(table, exchange=exchange, symbol=symbol, claims=claims)


def describe_columns(
    table: generic_rows.TableMap, options: ImportOptions, first: Mapping[str, object] | None, price_remark: str
) -> list[str]:
    """
    Say which columns were taken: nothing where the user named them all.

    Parameters
    ----------
    table : TableMap
        As the rows are read.
    first : mapping or None
        The first row of a file without column names; its values show what each number stands for.
    price_remark : str
        Why this column is the price, or empty.
    """
    columns = dict(table.columns)
    if table.buy_means:
        meaning = next(word for word, position in generic_rows.BUY_MEANS.items() if position == table.buy_means)
        columns["position"] += f":{meaning}"
    named = parse_columns(options.columns, tuple(generic_rows.KNOWN_NAMES)) if options.columns is not None else None
    if columns == named and first is None:
        return []
    if first and table.buy_means:
        first = {**first, columns["position"]: first.get(table.columns["position"], "")}
    return [describe_taken(columns, first, {"price": price_remark})]


def describe_assumptions(table: generic_rows.TableMap) -> list[str]:
    """Say what the file does not state and what is assumed."""
    unsaid = {word: default for word, default in generic_rows.UNSAID.items() if word not in table.columns}
    if not unsaid:
        return []
    assumed = " nor ".join(f"{word} ({default})" for word, default in unsaid.items())
    said = f"the file does not say {assumed}; what stands in brackets is assumed, "
    feed = generic_rows.FEEDS.get(_exchange_of(table) or "")
    if feed and table.buy_means == "long" and (own := {word: feed.says[word] for word in unsaid if word in feed.says}):
        return [f"{said}but {feed.what}: if these rows are its own, add {_as_constants(own)} to --columns"]
    return [f"{said}--columns {_as_constants({word: generic_rows.OTHERWISE[word] for word in unsaid})} says otherwise"]


def describe_inverse(table: generic_rows.TableMap) -> str:
    """Say which contracts were assumed to be inverse, once the rows are read; empty where none were."""
    if not table.assumed_inverse:
        return ""
    shown = [
        f"{symbol}: inverse, {' or '.join(f'{size:g}' for size in sorted(sizes))} USD a contract"
        for symbol, sizes in sorted(table.assumed_inverse.items())
    ]
    more = [f"{len(shown) - 3} more"] if len(shown) > 3 else []
    return f"{', '.join([*shown[:3], *more])} (assumed; --columns contract_kind=:linear says otherwise)"


def doubt_meaning(table: generic_rows.TableMap) -> list[str]:
    """Point out a meaning of buy that is the opposite of what the exchange's own feed means by it."""
    exchange = _exchange_of(table) or ""
    if table.buy_means != "short" or exchange not in generic_rows.FEEDS:
        return []
    column = table.columns["position"]
    return [
        f"position={column}:buy-is-short means the opposite: {generic_rows.SIDE_UNCLEAR[exchange]}; right for files of "
        f"Tardis and CryptoHFTData, for the exchange's own pass position={column}:buy-is-long"
    ]


def _exchange_of(table: generic_rows.TableMap) -> str | None:
    constant = table.columns.get("exchange", "")
    return constant[1:].strip().lower() if constant.startswith(":") else table.exchange


def _as_constants(values: Mapping[str, str]) -> str:
    return ",".join(f"{word}=:{value}" for word, value in values.items())


def use_order_price(
    table: generic_rows.TableMap, header: Sequence[str], rows: Iterable[SourceRow]
) -> tuple[generic_rows.TableMap, str, str]:
    """
    Take the order's price as such where averages stand beside it: they are blank, or the user names the order's price.

    Parameters
    ----------
    rows : iterable of Record
        The rows of the file; read only as far as the first average.

    Returns
    -------
    tuple
        The map, a sentence for the summary, and a remark on the price's column; both may be empty.
    """
    price = table.columns["price"]
    averages = [name for name in header if name.strip().lower() in (*generic_rows.AVERAGES, "ap")]
    if price in averages:
        average = price
        others = guess_columns([name for name in header if name not in averages], {"price": generic_rows.ORDER_PRICES})
        if not others or not _is_blank(average, rows):
            return table, "", ""
        price, blank = others["price"], True
    elif averages and plain_name(price) in map(plain_name, generic_rows.ORDER_PRICES):
        average = averages[0]
        blank = _is_blank(average, rows)
        if "price_kind" in table.columns:
            return table, "", f"{average} is blank in every row" if blank else ""
    else:
        return table, "", ""
    columns = {**table.columns, "price": price}
    columns.setdefault("price_kind", ":order")
    kind = columns["price_kind"].removeprefix(":")
    table = dataclasses.replace(table, columns=columns)
    if blank:
        why = f"{average} is blank in every row"
        return table, f"{why}: the order's price is taken ({price}, price_kind={kind})", why
    why = f"the order's; {average} has what was paid"
    return table, f"{price} is the order's price beside {average} (price_kind={kind})", why


def _is_blank(column: str, rows: Iterable[SourceRow]) -> bool:
    return all(row.cells is None or generic_rows.is_blank(row.cells.get(column)) for row in rows)


def _read_meaning(columns: dict[str, str], header: Sequence[str]) -> tuple[dict[str, str], Position | None]:
    """
    Part ``position=side:buy-is-long`` into the column and what "buy" means in it.

    Raises
    ------
    UsageError
        Another word stands behind the colon.
    """
    named, colon, meaning = columns.get("position", "").rpartition(":")
    if not named or not colon or columns["position"] in header:
        return columns, None
    if meaning not in generic_rows.BUY_MEANS:
        raise UsageError(
            f"--columns position={columns['position']}: {meaning!r} is neither {' nor '.join(generic_rows.BUY_MEANS)}"
        )
    return {**columns, "position": named}, generic_rows.BUY_MEANS[meaning]


def _needed_words(options: ImportOptions) -> list[str]:
    """What a row of a generic file must say, as far as the options do not say it for all."""
    words = ["ts", "position|side", "price", "qty&notional&contracts&contract_size", "contract_kind"]
    words += [] if options.exchange else ["exchange"]
    return words + ([] if options.symbol else ["symbol|instrument"])


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


def open_reader(path: Path, options: ImportOptions, now_us: int, meter: ReadProgress | None = None) -> Feed:
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


def detect_format(file_name: str, head: Sequence[TextLine]) -> str:
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
    if cells[:3] == list(binance_archive.COLUMNS[:3]) or binance_archive.symbol_of_file(file_name):
        return "binance-vision"
    if cells[: len(force_orders.CSV_HEADER)] == list(force_orders.CSV_HEADER) or _is_headerless(cells):
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
    return len(cells) == force_orders.CSV_WIDTH and cells[1] in ("BUY", "SELL") and cells[2:4] == ["LIMIT", "IOC"]


def _convert(parse: Callable[[Any], Liquidation], raw: object, now_us: int) -> Liquidation | str:
    """Parse and check one row; a string is the reason why it is refused."""
    try:
        row = parse(raw)
        return find_fault(row, now_us) or row
    except ROW_ERRORS as error:
        return describe_error(error)


def _convert_records(
    name: str, records: Iterator[SourceRow], parse: Callable[[Any], Liquidation], now_us: int
) -> Iterator[Item]:
    for number, raw, cells, reason in records:
        row = reason if cells is None else _convert(parse, cells, now_us)
        yield Rejected(name, number, row, raw[:RAW_SHOWN]) if isinstance(row, str) else row


def _open_tardis(path: Path, lines: Iterator[TextLine], first: TextLine, options: ImportOptions, now_us: int) -> Feed:
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


def _open_vision(path: Path, lines: Iterator[TextLine], first: TextLine, options: ImportOptions, now_us: int) -> Feed:
    header, records, _notes = csv_records(lines)
    _need_columns(path, "binance-vision", header, binance_archive.COLUMNS)
    instrument = (options.symbol or binance_archive.symbol_of_file(path.name) or "").upper()
    if not instrument:
        raise UsageError(f"{path}: its name does not say the contract; pass --symbol BTCUSD_PERP")
    parsed = _convert_records(path.name, records, lambda row: binance_archive.parse_row(row, instrument), now_us)
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
    rows, feed.doubled, how = archive_files.drop_repeated_rows(held)
    if how:
        feed.notes.append(how)
    yield from rows


def _open_stream(path: Path, lines: Iterator[TextLine], first: TextLine, options: ImportOptions, now_us: int) -> Feed:
    if "{" in first.text:
        items = _iter_frames(path.name, lines, now_us)
    else:
        cells = split_header(first)
        has_header = [cell.strip() for cell in cells[:2]] == list(force_orders.CSV_HEADER[:2])
        if not has_header and not _is_headerless(cells):
            raise DamagedError(f"{path}: neither forceOrder frames nor a recorded CSV of them; try --format generic")
        if has_header:
            next(lines)
        items = _iter_recorded(path.name, lines, not has_header, now_us)
    return Feed("binance-stream", items, {}, most_copies=1)


def _iter_frames(name: str, lines: Iterator[TextLine], now_us: int) -> Iterator[Item]:
    for number, text in lines:
        try:
            message = json.loads(
                text[text.find("{") :] if text[:1] not in "{[" else text
            )  # some write a time before it
            orders = list(force_orders.iter_orders(message))
        except ROW_ERRORS as error:
            yield Rejected(name, number, f"not JSON ({describe_error(error)})", text[:RAW_SHOWN])
            continue
        for order in orders:
            row = _convert(force_orders.parse_order, order, now_us)
            yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row


def _iter_recorded(name: str, lines: Iterator[TextLine], symbol_is_cut: bool, now_us: int) -> Iterator[Item]:
    def parse(text: str) -> Liquidation:
        return force_orders.parse_recorded_row(split_cells(text), symbol_is_cut)

    for number, text in lines:
        row = _convert(parse, text, now_us)
        yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row


def _open_generic(path: Path, options: ImportOptions, now_us: int, meter: ReadProgress | None) -> Feed:
    header, records, unusual = open_records(path, meter, has_header=not options.no_header, table=options.table)
    if not header:
        return Feed("empty", iter(()), {}, notes=["holds no rows"])
    sample = is_sample_file(path)
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
    items = _convert_records(path.name, records, lambda cells: generic_rows.parse_record(cells, table), now_us)
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


def _remarking(feed: Feed, items: Iterator[Item], table: generic_rows.TableMap) -> Iterator[Item]:
    """Add to the summary what was assumed of the rows, which shows only at the end."""
    yield from items
    feed.remark = " · ".join(filter(None, (feed.remark, describe_inverse(table))))


def _need_columns(path: Path, name: str, header: Sequence[str], needed: Sequence[str]) -> None:
    if missing := [column for column in needed if column not in header]:
        raise DamagedError(
            f"{path}: not a {name} file, its first line lacks {', '.join(missing)}; try --format generic"
        )
