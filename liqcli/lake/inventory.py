"""Read what each file of the lake contains: first and last time, events, USD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.lake.fetch_log import FetchLog
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.query.engine import Engine

LAKE_COLUMNS = ("ts", "position", "price", "price_kind", "qty", "notional", "completeness", "source")
FOREVER_US = 2**62


@dataclass(frozen=True, slots=True)
class StoredFile:
    """
    The contents of one file up to a time: ``later`` counts the rows from there on.

    Times in µs UTC; ``usd_e6`` [1e-6 USD] of all rows except ``amountless`` ones.
    """

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    events: int
    usd_e6: int
    full: bool
    fill: bool
    amountless: int = 0
    later: int = 0


@dataclass(frozen=True, slots=True)
class StoredMarketFile:
    """The contents of one file of candles or open interest; times in µs UTC."""

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    rows: int


def read_inventory(
    engine: Engine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False, end_us: int = FOREVER_US
) -> tuple[list[StoredFile], list[Path]]:
    """
    Read first, last, count and USD of each file; ``thorough`` checks every page for damage.

    Rows from ``end_us`` on are ignored: data after a window must not change what is reported about it. [µs UTC]

    Returns
    -------
    files, damaged
        One entry per readable file, in the order of ``partitions``; and the files that cannot be read.
    """
    rows, damaged = _read_files(
        engine, lake, partitions, "stored", "inventory", LAKE_COLUMNS, thorough, {"end_us": end_us}
    )
    files = [
        StoredFile(partition, path, first, last, events, usd_e6, full > 0, fill > 0, amountless, later)
        for partition, path, (first, last, events, usd_e6, full, fill, amountless, later) in rows
    ]
    return files, damaged


def read_market_inventory(
    engine: Engine, lake: Lake, partitions: Sequence[Partition]
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


def _read_files(
    engine: Engine,
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
