"""Open files of known providers: Tardis, the Binance archive, recorded Binance streams."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from liqcli.core.errors import ROW_ERRORS, DamagedError, UsageError, describe_error
from liqcli.core.model import Liquidation, Rejected, shorten
from liqcli.ingest.files.column_mapping import Claim
from liqcli.ingest.files.json_records import csv_records
from liqcli.ingest.files.names import canonical_symbol, is_same_symbol
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import ReadProgress, TextLine, split_cells, split_header
from liqcli.ingest.files.row_reader import RAW_SHOWN, Item, RowReader, convert_row, convert_rows, require_columns
from liqcli.ingest.files.tardis_blocks import convert_blocks
from liqcli.ingest.files.text_blocks import iter_blocks
from liqcli.sources.binance import archive, force_orders
from liqcli.sources.binance.archive_files import drop_repeated_rows
from liqcli.sources.tardis import files as tardis_files

SYMBOL_COLUMN = "symbol"  # not part of the archive's files, but added where several contracts are in one table


def is_archive_table(header: Sequence[str], first: Sequence[str]) -> bool:
    """Return whether a header has the columns of the COIN-M archive, and the first row's symbol, if any, is COIN-M."""
    if not set(archive.COLUMNS) <= set(header) <= {*archive.COLUMNS, SYMBOL_COLUMN}:
        return False
    if SYMBOL_COLUMN not in header:
        return True
    place = header.index(SYMBOL_COLUMN)
    return place < len(first) and archive.is_coin_margined(first[place])


def is_headerless_recording(cells: Sequence[str]) -> bool:
    """Return whether cells belong to a recorded forceOrder CSV without a header; it has constant columns."""
    return len(cells) == force_orders.CSV_WIDTH and cells[1] in ("BUY", "SELL") and cells[2:4] == ["LIMIT", "IOC"]


def open_tardis(
    path: Path,
    lines: Iterator[TextLine],
    first: TextLine,
    options: ImportOptions,
    now_us: int,
    meter: ReadProgress | None = None,
) -> RowReader:
    """
    Open a daily CSV file of Tardis.

    Raises
    ------
    DamagedError
        Columns are missing.
    """
    header, records, *_ = csv_records(lines)
    require_columns(path, "tardis", header, [c for c in tardis_files.COLUMNS if c not in ("id", "local_timestamp")])
    sizes = dict(options.contract_sizes)
    head = list(itertools.islice(records, 1))
    symbol = options.symbol if any(cells and tardis_files.is_numbered(cells) for _, _, cells, _ in head) else None
    market = tardis_files.NumberedMarket(symbol)

    def parse(row: Mapping[str, str]) -> Liquidation:
        return tardis_files.parse_row(row, sizes, market.name_of(row))

    blocks = (block.from_number(first.number + 1) for block in iter_blocks(path, meter))
    items = convert_blocks(path.name, filter(None, blocks), header, sizes, parse, now_us)
    return RowReader("tardis", items, {"contract_sizes": sizes, **({"symbol": symbol} if symbol else {})})


def open_binance_archive(
    path: Path, lines: Iterator[TextLine], _first: TextLine, options: ImportOptions, now_us: int
) -> RowReader:
    """
    Open a ``liquidationSnapshot`` file of data.binance.vision, or a table with its columns and a symbol in each row.

    Raises
    ------
    UsageError
        Neither a column, the file name nor ``--symbol`` names the contract.
    DamagedError
        Columns are missing.
    """
    header, records, *_ = csv_records(lines)
    require_columns(path, "binance-vision", header, archive.COLUMNS)
    instrument = (options.symbol or archive.symbol_of_file(path.name) or "").upper()
    if SYMBOL_COLUMN in header:
        parse = partial(_parse_named_row, claim=_claim_symbol(instrument))
    elif instrument:
        parse = partial(archive.parse_row, instrument=instrument)
    else:
        raise UsageError(f"{path}: the file name does not contain the contract; pass --symbol BTCUSD_PERP")
    parsed = convert_rows(path.name, records, parse, now_us)
    reader = RowReader("binance-vision", iter(()), {"symbol": instrument or None})
    reader.items = _without_repeats(reader, parsed)
    return reader


def _claim_symbol(instrument: str) -> Claim | None:
    if not instrument:
        return None
    symbol = canonical_symbol(instrument, None)
    return Claim("symbol", symbol, SYMBOL_COLUMN, partial(is_same_symbol, symbol))


def _parse_named_row(row: Mapping[str, str], claim: Claim | None) -> Liquidation:
    if claim:
        claim.check(row[SYMBOL_COLUMN])
    instrument = row[SYMBOL_COLUMN].strip().upper()
    if not archive.is_coin_margined(instrument):
        raise ValueError(f"not a COIN-M contract: {shorten(instrument)}; import such rows with --format generic")
    return archive.parse_row(row, instrument)


def _without_repeats(reader: RowReader, parsed: Iterator[Item]) -> Iterator[Item]:
    """Hold all rows of an archive day (a few thousand): only the whole file shows if every row is repeated."""
    held: list[Liquidation] = []
    for item in parsed:
        if isinstance(item, Rejected):
            yield item
        else:
            held.append(item)
    rows, reader.doubled, how = drop_repeated_rows(held)
    if how:
        reader.notes.append(how)
    yield from rows


def open_binance_stream(
    path: Path, lines: Iterator[TextLine], first: TextLine, _options: ImportOptions, now_us: int
) -> RowReader:
    """
    Open recorded ``forceOrder`` messages: JSON lines, or CSV with or without a header.

    Raises
    ------
    DamagedError
        The file is neither.
    """
    if "{" in first.text:
        items = _iter_frames(path.name, lines, now_us)
    else:
        cells = split_header(first)
        has_header = [cell.strip() for cell in cells[:2]] == list(force_orders.CSV_HEADER[:2])
        if not has_header and not is_headerless_recording(cells):
            raise DamagedError(f"{path}: neither forceOrder messages nor a CSV of them; try --format generic")
        if has_header:
            next(lines)
        items = _iter_recorded(path.name, lines, not has_header, now_us)
    return RowReader("binance-stream", items, {}, most_copies=1)


def _iter_frames(name: str, lines: Iterator[TextLine], now_us: int) -> Iterator[Item]:
    for number, text in lines:
        payload = text if text[:1] in "{[" else text[text.find("{") :]  # some recorders write a time in front
        try:
            orders = list(force_orders.iter_orders(json.loads(payload)))
        except ROW_ERRORS as error:
            yield Rejected(name, number, f"not JSON ({describe_error(error)})", text[:RAW_SHOWN])
            continue
        for order in orders:
            row = convert_row(force_orders.parse_order, order, now_us)
            yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row


def _iter_recorded(name: str, lines: Iterator[TextLine], symbol_is_cut: bool, now_us: int) -> Iterator[Item]:
    def parse(text: str) -> Liquidation:
        return force_orders.parse_recorded_row(split_cells(text), symbol_is_cut)

    for number, text in lines:
        row = convert_row(parse, text, now_us)
        yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row
