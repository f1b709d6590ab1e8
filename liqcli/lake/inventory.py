"""What each file of the lake holds: first, last, events, USD."""

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
    """What one file holds: times [µs UTC]; ``usd_e6`` [1e-6 USD] of all rows but the ``amountless``, whose are none."""

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    events: int
    usd_e6: int
    full: bool
    fill: bool
    amountless: int = 0


@dataclass(frozen=True, slots=True)
class StoredMarketFile:
    """What one file of candles or open interest holds; times in µs UTC."""

    partition: Partition
    path: Path
    first_us: int
    last_us: int
    rows: int


def read_inventory(
    engine: Engine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False, end_us: int = FOREVER_US
) -> tuple[list[StoredFile], list[Path]]:
    """
    Read first, last, count and USD of each file; ``thorough`` looks for damage in every page.

    Rows from ``end_us`` on are not looked at: what came after a window must not change what is said of it. [µs UTC]

    Returns
    -------
    holdings, damaged
        One holding a readable file, in the order of ``partitions``; and the files that cannot be read.
    """
    rows, damaged = _read_files(
        engine, lake, partitions, "stored", "holdings", LAKE_COLUMNS, thorough, {"end_us": end_us}
    )
    holdings = [
        StoredFile(partition, path, first, last, events, usd_e6, full > 0, fill > 0, amountless)
        for partition, path, (first, last, events, usd_e6, full, fill, amountless) in rows
    ]
    return holdings, damaged


def read_market_inventory(
    engine: Engine, lake: Lake, partitions: Sequence[Partition]
) -> tuple[list[StoredMarketFile], list[Path]]:
    """Read first, last and count of each file of candles or open interest; and give the files that cannot be read."""
    rows, damaged = _read_files(engine, lake, partitions, "stored_market", "market_range", ("ts",), thorough=False)
    return [StoredMarketFile(partition, path, *numbers) for partition, path, numbers in rows], damaged


def try_fetch_log(lake: Lake, exchange: str, symbol: str, source: str) -> tuple[FetchLog, list[Path]]:
    """Read a window memory; where it is damaged nothing is known of the coverage, and the file is given to be named."""
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
    """Run a query that gives a row of numbers a file; a damaged page makes it look into every one."""
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
