"""Open a generic file: map its columns, describe the mapping to the user, convert its rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from liqcli.core.model import SAMPLE_SOURCE
from liqcli.ingest.files.generic_rows import TableMap, parse_record
from liqcli.ingest.files.json_records import open_records
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import ReadProgress
from liqcli.ingest.files.row_reader import Item, RowReader, convert_rows
from liqcli.ingest.files.sample import is_sample_file
from liqcli.ingest.files.table_map import build_table_map, use_order_price
from liqcli.ingest.files.table_notes import describe_assumptions, describe_columns, describe_inverse, doubt_meaning


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
    header, records, unusual, name = open_records(path, meter, has_header=has_header, table=options.table)
    if not header:
        return RowReader("empty", iter(()), {}, notes=["holds no rows"], table=name)
    sample = is_sample_file(path)
    table, notes = build_table_map(header, replace(options, source=SAMPLE_SOURCE) if sample else options)
    all_rows = open_records(path, has_header=has_header, table=options.table).rows
    table, fallback, why = use_order_price(table, header, all_rows)
    head = list(itertools.islice(records, 0 if has_header else 1))
    records = itertools.chain(head, records)
    used = describe_columns(table, options, next((row.cells for row in head if row.cells), None), why)
    notes = [*unusual, *used, *notes, *doubt_meaning(table), *describe_assumptions(table)]
    if sample and options.source != SAMPLE_SOURCE:
        notes.append(f"this is liqcli's synthetic sample; stored under source {SAMPLE_SOURCE}")
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
    items = convert_rows(path.name, records, lambda cells: parse_record(cells, table), now_us)
    reader = RowReader("generic", iter(()), decisive, notes=notes, remark=fallback, table=name)
    reader.items = _with_remark(reader, items, table)
    return reader


def _with_remark(reader: RowReader, items: Iterator[Item], table: TableMap) -> Iterator[Item]:
    """Add assumed contract kinds to the remark; they are known once all rows are read."""
    yield from items
    reader.remark = " · ".join(filter(None, (reader.remark, describe_inverse(table))))
