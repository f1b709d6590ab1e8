"""A file of any layout as named records: CSV with a header, JSON lines or array, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from liqcli.errors import DamagedError
from liqcli.file_rows import (
    Line,
    Meter,
    guess_delimiter,
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

PEEKED_LINES = 20


class Record(NamedTuple):
    """One row: where it stood, what it said, and its cells by column name, or the reason why there are none."""

    number: int
    raw: str
    cells: Mapping[str, Any] | None
    reason: str = ""


class Records(NamedTuple):
    """The columns of a file, and its rows, read as they are asked for."""

    header: list[str]
    rows: Iterator[Record]


def open_records(path: Path, meter: Meter | None = None) -> Records:
    """
    Open a file as records; an empty one has neither columns nor rows. ``meter`` tells how far their reading is.

    Raises
    ------
    DamagedError
        Not readable as any of these.
    """
    if is_parquet(path):
        header = parquet_columns(path)
        return Records(header, _parquet_records(path, header, meter))
    if opens_array(path):
        rows = list(_objects(read_array(path, meter)))
        return Records(_keys_of(rows[:PEEKED_LINES]), iter(rows))
    head, lines = peek(iter_lines(path, meter), PEEKED_LINES)
    if not head:
        return Records([], iter(()))
    if head[0].text.lstrip().startswith("{"):
        return Records(_json_keys(path, head), _json_records(lines))
    delimiter = guess_delimiter(head[0].text)
    header = split_header(next(lines), delimiter)
    return Records(header, _csv_records(lines, header, delimiter))


def csv_records(lines: Iterator[Line]) -> Records:
    """Read lines of comma-separated text whose first line names the columns."""
    header = split_header(next(lines))
    return Records(header, _csv_records(lines, header, ","))


def _csv_records(lines: Iterator[Line], header: Sequence[str], delimiter: str) -> Iterator[Record]:
    width = len(header)
    for number, text in lines:
        try:
            cells = split_cells(text, delimiter)
        except ValueError as error:
            yield Record(number, text, None, str(error))
            continue
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
