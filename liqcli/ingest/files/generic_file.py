"""Open a generic file: map its columns, describe the mapping to the user, convert its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.errors import ROW_ERRORS, MixedSeriesError, UsageError
from liqcli.core.model import SAMPLE_SOURCE
from liqcli.ingest.files.csv_layout import Layout
from liqcli.ingest.files.generic_blocks import Chunk, column_kinds, convert_blocks, read_lines
from liqcli.ingest.files.generic_rows import TableMap, parse_record
from liqcli.ingest.files.json_records import PEEKED_LINES, SourceRow, open_records
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.parquet_blocks import is_usual, read_batches
from liqcli.ingest.files.parquet_rows import iter_batches, read_schema
from liqcli.ingest.files.quantities import UnclearQuantityError
from liqcli.ingest.files.readers import ReadProgress, is_parquet, peek
from liqcli.ingest.files.row_reader import Item, RowReader, convert_rows
from liqcli.ingest.files.sample import is_sample_file
from liqcli.ingest.files.table_map import build_table_map, use_order_price
from liqcli.ingest.files.table_notes import describe_assumptions, describe_columns, describe_inverse, doubt_meaning
from liqcli.ingest.files.text_blocks import iter_blocks

if TYPE_CHECKING:
    import pyarrow as pa


def open_generic(path: Path, options: ImportOptions, now_us: int, meter: ReadProgress | None) -> RowReader:
    """
    Open a file of any layout: CSV, JSON lines or array, Parquet, SQLite.

    Raises
    ------
    UsageError
        A needed column is missing or ambiguous, or an option does not fit the file.
    DamagedError
        The file cannot be read.
    """
    has_header = not options.no_header
    header, records, unusual, name, layout, first_line = open_records(
        path, meter, has_header=has_header, table=options.table
    )
    if not header:
        return RowReader("empty", iter(()), {}, notes=["holds no rows"], table=name)
    sample = is_sample_file(path)
    table, notes = build_table_map(header, replace(options, source=SAMPLE_SOURCE) if sample else options)
    beside = ReadProgress(opened=meter.opened) if meter else None  # closed with the other, but no progress
    all_rows = open_records(path, beside, has_header=has_header, table=options.table).rows
    table, fallback, why = use_order_price(table, header, all_rows)
    head, records = peek(records, PEEKED_LINES)
    _check_quantity(table, head)
    first = None if has_header else next((row.cells for row in head[:1] if row.cells), None)
    used = describe_columns(table, options, first, why)
    notes = [*unusual, *used, *notes, *doubt_meaning(table), *describe_assumptions(table)]
    if sample and options.source != SAMPLE_SOURCE:
        notes.append(f"this is liqcli's synthetic sample; stored under source {SAMPLE_SOURCE}")
    decisive = {
        **({"table": options.table} if options.table else {}),
        **({"buy_means": table.buy_means} if table.buy_means else {}),
        **({"contract_sizes": dict(table.sizes.given)} if table.sizes.given else {}),
        "columns": dict(sorted(table.columns.items())),
        "exchange": table.exchange,
        "symbol": table.symbol,
        "tz": options.tz or "UTC",
        "quote": table.quote,
        "source": table.source,
    }
    kinds = column_kinds(table, layout or Layout(",", header))
    chunks: Iterator[Chunk] | None = None
    if kinds and layout:
        blocks = (block.from_number(first_line) for block in iter_blocks(path, meter))
        chunks = read_lines(filter(None, blocks), layout, kinds)
    elif kinds and is_parquet(path) and is_usual(read_schema(path), kinds, table.zone is UTC):
        chunks = read_batches(iter_batches(path, header, meter), kinds)
    items: Iterator[Item | pa.Table]
    if chunks:
        items = convert_blocks(path.name, chunks, table, now_us)
    else:
        items = convert_rows(path.name, records, lambda cells: parse_record(cells, table), now_us)
    reader = RowReader("generic", iter(()), decisive, notes=notes, remark=fallback, table=name)
    reader.items = _with_remark(reader, items, table)
    return reader


def _check_quantity(table: TableMap, head: Sequence[SourceRow]) -> None:
    """
    Check the unit of the quantity column on the first rows, so that one message replaces one rejection per row.

    Raises
    ------
    UsageError
        The unit is unclear in all of these rows. Rows of a file in which it is clear for some are rejected one by one.
    """
    unclear = None
    for row in head:
        if row.cells is None:
            continue
        try:
            parse_record(row.cells, table)
            return
        except UnclearQuantityError as error:
            unclear = unclear or error
        except (*ROW_ERRORS, MixedSeriesError):
            return
    if unclear:
        raise UsageError(str(unclear))


def _with_remark(reader: RowReader, items: Iterator[Item | pa.Table], table: TableMap) -> Iterator[Item | pa.Table]:
    """Add what is known once all rows are read: assumed contract kinds, contract sizes that no row used."""
    yield from items
    if unused := table.sizes.unused():
        reader.notes.append(f"--contract-size {', '.join(unused)} not used: no row has such a contract without a size")
    reader.remark = " · ".join(filter(None, (reader.remark, describe_inverse(table))))
