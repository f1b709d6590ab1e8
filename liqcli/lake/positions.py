"""
Snapshots of open positions.

::

    <lake>/positions/exchange=…/date=YYYY-MM-DD/<source>-<HHMMSSmmm>.parquet

Columns: ``ts``, ``symbol``, ``position``, ``size``, ``notional``, ``entry_price``, ``liquidation_price``, ``leverage``,
``open_interest``. A file is one snapshot, all of the same instant ``ts`` (UTC).
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.model import from_us
from liqcli.core.positions import OpenPosition
from liqcli.core.symbols import split_symbol
from liqcli.lake.partitions import is_name
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "positions"
_PLACE = re.compile(r"exchange=([^/]+)/date=(\d{4}-\d{2}-\d{2})/(.+)-(\d{9})\.parquet")


@dataclass(frozen=True, slots=True)
class PositionSnapshot:
    """Positions of one symbol and exchange at ``ts_us`` [µs UTC]."""

    exchange: str
    source: str
    ts_us: int
    positions: tuple[OpenPosition, ...]

    @property
    def symbol(self) -> str:
        """Symbol of the contract."""
        return self.positions[0].symbol


def write_positions(
    lake: Lake, exchange: str, source: str, ts_us: int, positions: Sequence[OpenPosition]
) -> tuple[int, int]:
    """
    Store a snapshot; of an earlier one of the same source and instant, symbols that this one lacks are kept.

    Returns
    -------
    new, known : int
        Rows that were not stored before, and rows that were.

    Raises
    ------
    LakeError
        Not writable; the old file is unchanged.
    DamagedError
        The stored snapshot cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = _path(lake, exchange, source, ts_us)
    with lake.locked():
        held = _read(path)[1] if path.exists() else []
        named = {row.symbol for row in positions}
        rows = sorted([*(row for row in held if row.symbol not in named), *positions], key=_order)
        known = sum((Counter(held) & Counter(positions)).values())
        columns = [[ts_us] * len(rows), *zip(*rows, strict=True)] if rows else [[] for _ in _schema()]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _schema(), strict=True)]
        buffer = io.BytesIO()
        pq.write_table(pa.table(arrays, schema=_schema()), buffer, compression="zstd")
        lake.write_file(path, buffer.getvalue())
    return len(positions) - known, known


def find_positions(
    lake: Lake, base: str, oldest_us: int, end_us: int, exchanges: Sequence[str] = ()
) -> tuple[list[PositionSnapshot], list[Path]]:
    """
    Find the last snapshot of each exchange with positions on a base coin, taken after ``oldest_us``, until ``end_us``.

    Returns
    -------
    snapshots, damaged : list of PositionSnapshot, list of Path
        One per exchange and symbol, most positions first; files that cannot be read.
    """
    days = {from_us(ts_us).date().isoformat() for ts_us in (oldest_us, end_us)}
    found: dict[tuple[str, str], PositionSnapshot] = {}
    damaged = []
    for path in sorted((lake.root / FOLDER).glob("exchange=*/date=*/*.parquet")):
        match = _PLACE.fullmatch(path.relative_to(lake.root / FOLDER).as_posix())
        if not match or not min(days) <= match[2] <= max(days) or (exchanges and match[1] not in exchanges):
            continue
        try:
            ts_us, rows = _read(path)
        except DamagedError:
            damaged.append(path)
            continue
        if oldest_us <= ts_us <= end_us:
            for symbol in {row.symbol for row in rows if split_symbol(row.symbol)[0] == base}:
                own = tuple(row for row in rows if row.symbol == symbol)
                before = found.get((match[1], symbol))
                if before is None or (ts_us, len(own)) >= (before.ts_us, len(before.positions)):
                    found[match[1], symbol] = PositionSnapshot(match[1], match[3], ts_us, own)
    return sorted(found.values(), key=lambda one: (-len(one.positions), one.exchange, one.symbol)), damaged


def _path(lake: Lake, exchange: str, source: str, ts_us: int) -> Path:
    for name in (exchange, source):
        if not is_name(name):
            raise UsageError(f"{name!r} is not a valid name in the lake (letters, digits and dashes only)")
    at = from_us(ts_us)
    name = f"{source}-{at:%H%M%S}{at.microsecond // 1000:03d}.parquet"
    return lake.root / FOLDER / f"exchange={exchange}" / f"date={at:%Y-%m-%d}" / name


def _order(row: OpenPosition) -> tuple[object, ...]:
    return row.symbol, row.position, *(number if number is not None else -1.0 for number in row[2:])


def _schema() -> pa.Schema:
    import pyarrow as pa

    words = [(name, pa.string()) for name in OpenPosition._fields[:2]]
    return pa.schema([("ts", pa.timestamp("us")), *words, *((name, pa.float64()) for name in OpenPosition._fields[2:])])


def _read(path: Path) -> tuple[int, list[OpenPosition]]:
    """Read the instant and the rows of a snapshot."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read().select(_schema().names)
        times = set(table.column("ts").cast(pa.timestamp("us")).cast(pa.int64()).to_pylist())
        columns = [table.column(name).to_pylist() for name in OpenPosition._fields]
        (ts_us,) = times
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedError(f"{path}: damaged or no snapshot of positions ({error}); remove it") from error
    return ts_us, [OpenPosition(*row) for row in zip(*columns, strict=True)]
