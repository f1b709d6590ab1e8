"""A file of any layout as named records: CSV, JSON lines or array, Parquet, or a table of an SQLite database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from liqcli.core.errors import DamagedError
from liqcli.ingest.files.csv_layout import Layout, find_layout
from liqcli.ingest.files.readers import (
    Line,
    Meter,
    is_parquet,
    iter_lines,
    iter_parquet,
    opens_array,
    parquet_columns,
    peek,
    read_array,
    split_cells,
    split_header,
)
from liqcli.ingest.files.sqlite_rows import choose_table, is_sqlite, iter_table, table_columns

PEEKED_LINES = 20


class Record(NamedTuple):
    """One row: where it stood, what it said, and its cells by column name, or the reason why there are none."""

    number: int
    raw: str
    cells: Mapping[str, Any] | None
    reason: str = ""


class Records(NamedTuple):
    """The columns of a file, its rows, read as they are asked for, and what is unusual about it, for the user."""

    header: list[str]
    rows: Iterator[Record]
    notes: Sequence[str] = ()


def open_records(
    path: Path, meter: Meter | None = None, *, has_header: bool = True, table: str | None = None
) -> Records:
    """
    Open a file as records; an empty one has neither columns nor rows.

    Parameters
    ----------
    meter : Meter, optional
        Tells how far the reading is.
    has_header : bool
        Whether the first line of a CSV names its columns; without it their names are ``1``, ``2``, ...
    table : str, optional
        Which table of an SQLite database; needed where it holds several.

    Raises
    ------
    UsageError
        The table is not named, or is none of the database's.
    DamagedError
        Not readable as any of these.
    """
    if is_sqlite(path):
        table = choose_table(path, table)
        cells = iter_table(path, table, meter)
        rows: Iterator[Record] = (Record(number, str(row), row) for number, row in cells)
        return Records(table_columns(path, table), rows, [f"table {table} is read"])
    if is_parquet(path):
        header = parquet_columns(path)
        return Records(header, _parquet_records(path, header, meter))
    if opens_array(path):
        objects = list(_objects(read_array(path, meter)))
        return Records(_keys_of(objects[:PEEKED_LINES]), iter(objects))
    head, lines = peek(iter_lines(path, meter), PEEKED_LINES)
    if not head:
        return Records([], iter(()))
    if head[0].text.lstrip().startswith("{"):
        return Records(_json_keys(path, head), _json_records(lines))
    layout = find_layout(head, has_header)
    rows = _csv_records(itertools.islice(lines, layout.skip, None), layout)
    return Records(layout.header, rows, layout.notes)


def csv_records(lines: Iterator[Line]) -> Records:
    """Read lines of comma-separated text whose first line names the columns."""
    header = split_header(next(lines))
    return Records(header, _csv_records(lines, Layout(",", header)))


def _csv_records(lines: Iterator[Line], layout: Layout) -> Iterator[Record]:
    header, width = layout.header, len(layout.header)
    for number, text in lines:
        try:
            cells = split_cells(text, layout.delimiter)
        except ValueError as error:
            yield Record(number, text, None, str(error))
            continue
        if len(cells) == width + 1 and (layout.unnamed != "none" or not cells[-1].strip()):
            del cells[0 if layout.unnamed == "first" else -1]  # the delimiter at a line's end begins an empty cell
        if len(cells) == width:
            yield Record(number, text, dict(zip(header, cells, strict=True)))
        else:
            yield Record(number, text, None, f"{len(cells)} columns where the header has {width}")


def _json_records(lines: Iterator[Line]) -> Iterator[Record]:
    for number, text in lines:
        try:
            cells = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield Record(number, text, None, f"not JSON ({error})")
            continue
        yield _record_of(number, text, cells)


def _objects(entries: Sequence[Any]) -> Iterator[Record]:
    """The entries of a JSON array; an entry's number stands for its line."""
    for number, entry in enumerate(entries, 1):
        try:
            text = json.dumps(entry, ensure_ascii=False)
        except RecursionError:
            text = "lists in lists"
        yield _record_of(number, text, entry)


def _record_of(number: int, text: str, entry: object) -> Record:
    return Record(number, text, entry) if isinstance(entry, dict) else Record(number, text, None, "not a JSON object")


def _json_keys(path: Path, head: Sequence[Line]) -> list[str]:
    keys = _keys_of(_json_records(iter(head)))
    if not keys:
        raise DamagedError(f"{path}: none of its first lines is a JSON object; nothing of it was stored")
    return keys


def _keys_of(records: Iterable[Record]) -> list[str]:
    """Collect the keys of the first records: a field that is empty in the first may be there in the next."""
    return list({key: None for record in records for key in record.cells or ()})


def _parquet_records(path: Path, header: Sequence[str], meter: Meter | None) -> Iterator[Record]:
    for number, cells in iter_parquet(path, header, meter):
        yield Record(number, str(cells), cells) if not isinstance(cells, str) else Record(number, "", None, cells)
