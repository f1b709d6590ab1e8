"""Detect the format of a file and open its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from liqcli.core.errors import UsageError
from liqcli.ingest.files.generic_file import open_generic
from liqcli.ingest.files.json_records import PEEKED_LINES
from liqcli.ingest.files.message_files import open_bybit_stream, open_okx_stream
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.provider_files import (
    is_archive_table,
    is_headerless_recording,
    open_binance_archive,
    open_binance_stream,
    open_tardis,
)
from liqcli.ingest.files.readers import ReadProgress, TextLine, is_parquet, iter_lines, opens_array, peek, split_cells
from liqcli.ingest.files.row_reader import RowReader
from liqcli.ingest.files.sqlite_rows import is_sqlite
from liqcli.sources.binance import archive, force_orders
from liqcli.sources.bybit import stream as bybit_stream
from liqcli.sources.okx import liquidations as okx_liquidations
from liqcli.sources.tardis import files as tardis_files

_OPENERS = {
    "binance-vision": open_binance_archive,
    "binance-stream": open_binance_stream,
    "bybit-stream": open_bybit_stream,
    "okx-stream": open_okx_stream,
}

_OKX_DETAILS = {"details", "bkPx", "instId"}


def open_reader(path: Path, options: ImportOptions, now_us: int, meter: ReadProgress | None = None) -> RowReader:
    """
    Open the rows of a file in the requested format, or detect it.

    Parameters
    ----------
    meter : ReadProgress, optional
        Updated as the file is read.

    Raises
    ------
    UsageError
        An option is missing or does not fit the file.
    DamagedError
        The file cannot be read in this format.
    """
    if is_parquet(path) or is_sqlite(path):
        if options.format not in ("auto", "generic"):
            kind = "a Parquet file" if is_parquet(path) else "an SQLite database"
            raise UsageError(f"{path}: {kind} can be imported only as generic, not as {options.format}")
        return open_generic(path, options, now_us, meter)
    if options.format in ("auto", "generic") and opens_array(path, without=b'"forceOrder"'):
        return open_generic(path, options, now_us, meter)
    head, lines = peek(iter_lines(path, meter), PEEKED_LINES)
    if not head:
        return RowReader("empty", iter(()), {}, notes=["holds no rows"])
    name = options.format
    if name == "auto":
        name = "generic" if options.no_header else detect_format(path.name, head)
    if name == "generic":
        return open_generic(path, options, now_us, meter)
    if name == "tardis":
        reader = open_tardis(path, lines, head[0], options, now_us, meter)
    else:
        reader = _OPENERS[name](path, lines, head[0], options, now_us)
    takes_symbol = name == "binance-vision" or (name == "tardis" and reader.options.get("symbol"))
    words = ("exchange", "columns", "tz", "quote", "source", *(() if takes_symbol else ("symbol",)))
    ignored = [f"--{word}" for word in words if getattr(options, word)]
    if options.contract_sizes and name in ("binance-vision", "binance-stream", "bybit-stream"):
        ignored.append("--contract-size")
    if ignored:
        reader.notes.append(f"{', '.join(ignored)} ignored: {name} files contain this themselves")
    return reader


def detect_format(file_name: str, head: Sequence[TextLine]) -> str:
    """Detect the format of a text file from its first lines and, for the Binance archive, its name."""
    first = head[0].text
    if any('"forceOrder"' in line.text or ('"ap"' in line.text and '"S"' in line.text) for line in head):
        return "binance-stream"
    if any(f'"{bybit_stream.TOPIC}' in line.text for line in head):
        return "bybit-stream"
    if any(f'"{okx_liquidations.CHANNEL}"' in line.text or set(line.text.split('"')) >= _OKX_DETAILS for line in head):
        return "okx-stream"
    if first.lstrip().startswith("{"):
        return "generic"
    try:
        cells = [cell.strip() for cell in split_cells(first)] if first.count('"') % 2 == 0 else []
    except ValueError:
        cells = []
    if set(tardis_files.COLUMNS) <= set(cells):
        return "tardis"
    starts_alike = cells[:3] == list(archive.COLUMNS[:3]) or archive.symbol_of_file(file_name)
    if starts_alike or is_archive_table(cells, head[1].text.split(",") if len(head) > 1 else ()):
        return "binance-vision"
    if cells[: len(force_orders.CSV_HEADER)] == list(force_orders.CSV_HEADER) or is_headerless_recording(cells):
        return "binance-stream"
    return "generic"
