"""Read a file of any layout as named records: CSV, JSON lines or array, Parquet, or an SQLite table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from liqcli.core.errors import DamagedError
from liqcli.ingest.files.csv_layout import Layout, find_layout
from liqcli.ingest.files.parquet_rows import iter_parquet, parquet_columns
from liqcli.ingest.files.readers import (
    ReadProgress,
    TextLine,
    is_parquet,
    iter_lines,
    opens_array,
    peek,
    read_array,
    split_cells,
    split_header,
)
from liqcli.ingest.files.sqlite_rows import choose_table, is_sqlite, iter_table, table_columns

PEEKED_LINES = 20


class SourceRow(NamedTuple):
    """One row: its number, its text, and its cells by column name, or the reason why it cannot be read."""

    number: int
    raw: str
    cells: Mapping[str, Any] | None
    reason: str = ""


class SourceRows(NamedTuple):
    """
    Columns of a file, its rows, read lazily, notes for the user, and the table of a database that is read.

    ``layout`` and the number of the ``first`` line after the header are those of a text table.
    """

    header: list[str]
    rows: Iterator[SourceRow]
    notes: Sequence[str] = ()
    table: str = ""
    layout: Layout | None = None
    first: int = 1


def open_records(
    path: Path, meter: ReadProgress | None = None, *, has_header: bool = True, table: str | None = None
) -> SourceRows:
    """
    Open a file as records; an empty file has neither columns nor rows.

    Parameters
    ----------
    meter : ReadProgress, optional
        Updated as the file is read.
    has_header : bool
        Whether the first line of a CSV is a header; otherwise columns are named ``1``, ``2``, ...
    table : str, optional
        Table of an SQLite database. Required if there are several.

    Raises
    ------
    UsageError
        The table is missing or not specified.
    DamagedError
        The file is in none of these formats.
    """
    if is_sqlite(path):
        table = choose_table(path, table)
        cells = iter_table(path, table, meter)
        rows: Iterator[SourceRow] = (SourceRow(number, str(row), row) for number, row in cells)
        return SourceRows(table_columns(path, table), rows, [f"reading table {table}"], table)
    if is_parquet(path):
        header = parquet_columns(path)
        return SourceRows(header, _parquet_records(path, header, meter))
    if opens_array(path):
        objects = list(_objects(read_array(path, meter)))
        return SourceRows(_keys_of(objects[:PEEKED_LINES]), iter(objects))
    head, lines = peek(iter_lines(path, meter), PEEKED_LINES)
    if not head:
        return SourceRows([], iter(()))
    if head[0].text.lstrip().startswith("{"):
        return SourceRows(_json_keys(path, head), _json_records(lines))
    layout = find_layout(head, has_header)
    rows = csv_rows(itertools.islice(lines, layout.skip, None), layout)
    first = head[layout.skip - 1].number + 1 if layout.skip else 1
    return SourceRows(layout.header, rows, layout.notes, layout=layout, first=first)


def peek_cells(rows: Iterator[SourceRow]) -> tuple[list[Mapping[str, Any]], Iterator[SourceRow]]:
    """Return the cells of the first readable rows, and an iterator that still yields all rows."""
    head, rows = peek(rows, PEEKED_LINES)
    return [row.cells for row in head if row.cells is not None], rows


def csv_records(lines: Iterator[TextLine]) -> SourceRows:
    """Read lines of comma-separated text with a header."""
    header = split_header(next(lines))
    return SourceRows(header, csv_rows(lines, Layout(",", header)))


def csv_rows(lines: Iterator[TextLine], layout: Layout) -> Iterator[SourceRow]:
    """Split lines into cells; a line with another number of cells than the header becomes a reason."""
    header, width = layout.header, len(layout.header)
    for number, text in lines:
        try:
            cells = split_cells(text, layout.delimiter)
        except ValueError as error:
            yield SourceRow(number, text, None, str(error))
            continue
        if len(cells) == width + 1 and (layout.unnamed != "none" or not cells[-1].strip()):
            del cells[0 if layout.unnamed == "first" else -1]  # a delimiter at the end of a line adds an empty cell
        if len(cells) == width:
            yield SourceRow(number, text, dict(zip(header, cells, strict=True)))
        else:
            yield SourceRow(number, text, None, f"{len(cells)} cells, but the header has {width}")


def _json_records(lines: Iterator[TextLine]) -> Iterator[SourceRow]:
    for number, text in lines:
        try:
            cells = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield SourceRow(number, text, None, f"not JSON ({error})")
            continue
        yield _record_of(number, text, cells)


def _objects(entries: Sequence[Any]) -> Iterator[SourceRow]:
    """Yield the entries of a JSON array, numbered from 1."""
    for number, entry in enumerate(entries, 1):
        try:
            text = json.dumps(entry, ensure_ascii=False)
        except RecursionError:
            text = "deeply nested lists"
        yield _record_of(number, text, entry)


def _record_of(number: int, text: str, entry: object) -> SourceRow:
    return (
        SourceRow(number, text, entry)
        if isinstance(entry, dict)
        else SourceRow(number, text, None, "not a JSON object")
    )


def _json_keys(path: Path, head: Sequence[TextLine]) -> list[str]:
    keys = _keys_of(_json_records(iter(head)))
    if not keys:
        raise DamagedError(f"{path}: none of the first lines is a JSON object; nothing was stored")
    return keys


def _keys_of(records: Iterable[SourceRow]) -> list[str]:
    """Collect the keys of the first records; a field may be missing from any one of them."""
    return list({key: None for record in records for key in record.cells or ()})


def _parquet_records(path: Path, header: Sequence[str], meter: ReadProgress | None) -> Iterator[SourceRow]:
    for number, cells in iter_parquet(path, header, meter):
        yield parquet_record(number, cells)


def parquet_record(number: int, cells: Mapping[str, Any] | str) -> SourceRow:
    """Return a row of Parquet, or the reason why its cells cannot be read."""
    return SourceRow(number, "", None, cells) if isinstance(cells, str) else SourceRow(number, str(cells), cells)
