"""
Read what each file of the lake contains: first and last time, events, USD.

First, last, events and kinds of a file follow from the statistics in its Parquet footer, so a window of a day costs the
same in a lake of years. Only files that the end of the window cuts, or without usable statistics, are scanned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.core.errors import DamagedError
from liqcli.lake.fetch_log import FetchLog
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.query.query_engine import QueryEngine, describe_unreadable, read_footer

if TYPE_CHECKING:
    import pyarrow.parquet as pq

LAKE_COLUMNS = ("ts", "position", "price", "price_kind", "qty", "notional", "completeness", "source")
FOREVER_US = 2**62
_IN_US = "isAdjustedToUTC=false, timeUnit=microseconds"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """
    The contents of one file up to a time: ``later`` counts the rows from there on.

    Times in µs UTC; ``full`` if some rows are complete, ``fill`` if some prices are fills.
    """

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    events: int
    full: bool
    fill: bool
    later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SummedFile(StoredFile):
    """A file with the sum ``usd_e6`` of all rows [1e-6 USD], except ``amountless`` ones."""

    usd_e6: int
    amountless: int


@dataclass(frozen=True, slots=True)
class StoredMarketFile:
    """The contents of one file of candles or open interest; times in µs UTC."""

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    rows: int


def read_extents(
    engine: QueryEngine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False, end_us: int = FOREVER_US
) -> tuple[list[StoredFile], list[Path]]:
    """
    Read first, last and count of each file, from its footer where possible; ``thorough`` checks every page for damage.

    Rows from ``end_us`` on are ignored: data after a window must not change what is reported about it. [µs UTC]

    Returns
    -------
    files, damaged
        One entry per readable file with rows before the end; and the files that cannot be read.

    Raises
    ------
    DamagedError
        None of the files can be read.
    """
    if thorough:
        summed, unreadable = read_inventory(engine, lake, partitions, thorough, end_us)
        return list(summed), unreadable
    found: list[StoredFile] = []
    damaged: list[Path] = []
    unclear: list[Partition] = []
    paths = [partition.path(lake.root) for partition in partitions]
    for partition, path in zip(partitions, paths, strict=True):
        footer = read_footer(path, LAKE_COLUMNS)
        if footer is None:
            damaged.append(path)
        elif (rows := _read_rows(footer, end_us)) is None:
            unclear.append(partition)
        elif rows.events:
            found.append(StoredFile(partition, path, *rows))
    if len(damaged) == len(partitions) > 0:
        raise describe_unreadable(damaged)
    try:
        scanned, broken = read_inventory(engine, lake, unclear, end_us=end_us)
    except DamagedError:
        if len(unclear) + len(damaged) == len(partitions):
            raise
        scanned, broken = [], [p.path(lake.root) for p in unclear]
    bad = {*damaged, *broken}
    return sorted([*found, *scanned], key=lambda file: str(file.path)), [path for path in paths if path in bad]


def read_inventory(
    engine: QueryEngine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False, end_us: int = FOREVER_US
) -> tuple[list[SummedFile], list[Path]]:
    """Scan the files for what :func:`read_extents` returns and for their USD."""
    rows, damaged = _read_files(
        engine, lake, partitions, "stored", "inventory", LAKE_COLUMNS, thorough, {"end_us": end_us}
    )
    files = [
        SummedFile(
            partition, path, first, last, events, full > 0, fill > 0, later, usd_e6=usd_e6, amountless=amountless
        )
        for partition, path, (first, last, events, usd_e6, full, fill, amountless, later) in rows
    ]
    return files, damaged


def read_market_inventory(
    engine: QueryEngine, lake: Lake, partitions: Sequence[Partition]
) -> tuple[list[StoredMarketFile], list[Path]]:
    """Read first, last and count of each file of candles or open interest; also return unreadable files."""
    rows, damaged = _read_files(engine, lake, partitions, "stored_market", "market_range", ("ts",), thorough=False)
    return [StoredMarketFile(partition, path, *numbers) for partition, path, numbers in rows], damaged


def try_fetch_log(lake: Lake, exchange: str, symbol: str, source: str) -> tuple[FetchLog, list[Path]]:
    """Read a fetch log; for a damaged one return an empty log and the path of the file."""
    try:
        return lake.read_fetch_log(exchange, symbol, source), []
    except DamagedError:
        return FetchLog(), [lake.fetch_log_path(exchange, symbol, source)]


class _Rows(NamedTuple):
    """What a footer states about the rows of a file, all of them before the end. [µs UTC]"""

    first_us: int
    last_us: int
    events: int
    full: bool
    fill: bool


def _read_rows(footer: pq.FileMetaData, end_us: int) -> _Rows | None:
    """Read a footer's statistics; no events if all rows are at the end or later, None if they do not tell."""
    schema, names = footer.schema, footer.schema.names
    times, kinds, price_kinds = (names.index(name) for name in ("ts", "completeness", "price_kind"))
    span = _read_range(footer, times) if _IN_US in str(schema.column(times).logical_type) else None
    if span is None:
        return None
    if span[0] >= end_us:
        return _Rows(*span, 0, full=False, fill=False)
    full, fill = _holds(footer, kinds, "full"), _holds(footer, price_kinds, "fill")
    if span[1] >= end_us or full is None or fill is None:
        return None
    return _Rows(*span, footer.num_rows, full, fill)


def _holds(footer: pq.FileMetaData, column: int, word: str) -> bool | None:
    """Return whether some row holds a word; None if the least and the greatest do not tell."""
    ends = _read_range(footer, column)
    if ends is None:
        return None
    first, last = (end.decode(errors="replace") if isinstance(end, bytes) else str(end) for end in ends)
    return True if word in (first, last) else None if first < word < last else False


def _read_range(footer: pq.FileMetaData, column: int) -> tuple[Any, Any] | None:
    """Read the least and the greatest value of a column without nulls; None where a row group does not state them."""
    ends = []
    for number in range(footer.num_row_groups):
        stated = footer.row_group(number).column(column).statistics
        if stated is None or not stated.has_min_max or not stated.has_null_count or stated.null_count:
            return None
        ends += [stated.min_raw, stated.max_raw]
    return (min(ends), max(ends)) if ends else None


def _read_files(
    engine: QueryEngine,
    lake: Lake,
    partitions: Sequence[Partition],
    view: str,
    query: str,
    needed: Sequence[str],
    thorough: bool,
    params: Mapping[str, int] | None = None,
) -> tuple[list[tuple[Partition, Path, list[int]]], list[Path]]:
    """Run a query with one row per file; if a page is damaged, check every file."""
    if not partitions:
        return [], []
    paths = [p.path(lake.root) for p in partitions]
    by_name = {str(path): (p, path) for p, path in zip(partitions, paths, strict=True)}
    damaged = engine.open_files(view, paths, needed, thorough)
    try:
        columns = engine.run(query, params)
    except DamagedError:
        damaged = engine.open_files(view, paths, needed, thorough=True)
        columns = engine.run(query, params)
    rows = zip(*(columns[name].tolist() for name in columns), strict=True)
    return [(*by_name[name], numbers) for name, *numbers in rows], damaged
