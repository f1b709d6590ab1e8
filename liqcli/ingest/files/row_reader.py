"""Rows of one open file, whatever its format, and the conversion of raw records to liquidations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import ROW_ERRORS, DamagedError, describe_error
from liqcli.core.model import Liquidation, Rejected, find_fault
from liqcli.ingest.files.json_records import SourceRow
from liqcli.lake.merge import UNLIMITED

if TYPE_CHECKING:
    import pyarrow as pa

RAW_SHOWN = 500  # characters of a rejected row that are kept

Item = Liquidation | Rejected


@dataclass(slots=True)
class RowReader:
    """
    Rows of one open file.

    Attributes
    ----------
    format : str
        Detected or requested format.
    items : iterator of Liquidation, Rejected or blocks of rows (see ``lake/row_blocks.py``)
        Read lazily, once.
    options : dict
        Import options that decide which rows the bytes yield. Stored in the import log.
    most_copies : int
        Maximum number of identical rows to keep; 1 if the recorder is known to repeat rows.
    doubled : int
        Rows removed because the format repeats them. Final once ``items`` is exhausted.
    notes : list of str
        Messages for the user.
    remark : str
        Short addition to the summary line.
    table : str
        Table of a database that is read; empty for other files. The tables of one database are separate imports.
    """

    format: str
    items: Iterator[Item | pa.Table]
    options: dict[str, Any]
    most_copies: int = UNLIMITED
    doubled: int = 0
    notes: list[str] = field(default_factory=list)
    remark: str = ""
    table: str = ""


def convert_row(parse: Callable[[Any], Liquidation], raw: object, now_us: int) -> Liquidation | str:
    """Parse and check one row; return the reason as a string if the row is rejected."""
    try:
        row = parse(raw)
        return find_fault(row, now_us) or row
    except ROW_ERRORS as error:
        return describe_error(error)


def convert_rows(
    name: str, records: Iterator[SourceRow], parse: Callable[[Any], Liquidation], now_us: int
) -> Iterator[Item]:
    """Parse and check records of the file ``name``."""
    for number, raw, cells, reason in records:
        row = reason if cells is None else convert_row(parse, cells, now_us)
        yield Rejected(name, number, row, raw[:RAW_SHOWN]) if isinstance(row, str) else row


def require_columns(path: Path, name: str, header: Sequence[str], needed: Sequence[str]) -> None:
    """
    Check that a file has the columns of its format.

    Raises
    ------
    DamagedError
        Columns are missing.
    """
    if missing := [column for column in needed if column not in header]:
        raise DamagedError(f"{path}: not a {name} file (missing columns: {', '.join(missing)}); try --format generic")
