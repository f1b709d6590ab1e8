"""The row groups of Parquet files of the lake: their statistics, and their rows as batches."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from liqcli.core.environment import engine_threads
from liqcli.core.intervals import Interval
from liqcli.query.plain_rows import NotPlainError, RowGroup

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
WORDS = ("source", "price_kind", "completeness")  # one each in a row group
NUMBERS = ("ts", "price", "notional")
ROWS_AT_ONCE = 131_072
MOST_THREADS = 4


class FilePart(NamedTuple):
    """A file, the exchange and symbol of its folders, and the time in which it counts, None for all. [µs UTC]"""

    path: Path
    exchange: str
    symbol: str
    intervals: Sequence[Interval] | None


class StoredGroup(NamedTuple):
    """A row group of a file, and the ends of its times [µs UTC], prices [quote] and amounts [USD]."""

    path: Path
    footer: pq.FileMetaData
    number: int
    group: RowGroup
    ts_us: tuple[int, int]
    price: tuple[float, float]
    notional: tuple[float, float]


def none_if_not_plain(function: Callable[Arguments, Result]) -> Callable[Arguments, Result | None]:
    """Return None where a file cannot be read or has anything but plain rows: SQL files do the work, or the error."""

    @functools.wraps(function)
    def run(*args: Arguments.args, **options: Arguments.kwargs) -> Result | None:
        import pyarrow as pa

        try:
            return function(*args, **options)
        except (NotPlainError, OSError, pa.ArrowException):
            return None

    return run


def list_groups(part: FilePart) -> Iterator[StoredGroup]:
    """
    Yield the row groups of a file, from its footer.

    Raises
    ------
    NotPlainError
        A row group without statistics, with missing values, or with several sources, price kinds or completenesses.
    """
    with _open(part.path) as file:
        if str(file.schema_arrow.field("ts").type) != "timestamp[us]":
            raise NotPlainError
        names = file.metadata.schema.names
        places = [names.index(name) for name in (*WORDS, *NUMBERS)]
        for number in range(file.num_row_groups):
            stored = file.metadata.row_group(number)
            *words, ts, price, notional = (_read_range(stored, place) for place in places)
            if any(least != most for least, most in words):
                raise NotPlainError
            source, price_kind, completeness = (str(word) for word, _ in words)
            group = RowGroup(part.exchange, part.symbol, source, price_kind, completeness, part.intervals)
            yield StoredGroup(part.path, file.metadata, number, group, ts, price, notional)


def iter_batches(stored: StoredGroup, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a row group."""
    with _open(stored.path, stored.footer) as file:
        yield from file.iter_batches(ROWS_AT_ONCE, [stored.number], list(columns), use_threads=False)


def run_in_threads(function: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Call a function for each item, in as many threads as queries use."""
    waiting, lock = iter(items), threading.Lock()
    failed = threading.Event()

    def run() -> None:
        while not failed.is_set():
            with lock:
                item = next(waiting, None)
            if item is None:
                return
            try:
                function(item)
            except BaseException:
                failed.set()
                raise

    threads = min(engine_threads() or os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        for job in [pool.submit(run) for _ in range(threads)]:
            job.result()


def _open(path: Path, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, read_dictionary=["position"], pre_buffer=False, metadata=footer)


def _read_range(group: pq.RowGroupMetaData, column: int) -> tuple[Any, Any]:
    """Return the lowest and the highest value; times in µs, because years after 9999 are no ``datetime``."""
    stated = group.column(column).statistics
    if stated is None or not stated.has_min_max or not stated.has_null_count or stated.null_count:
        raise NotPlainError
    if stated.physical_type == "INT64":
        return stated.min_raw, stated.max_raw
    return stated.min, stated.max
