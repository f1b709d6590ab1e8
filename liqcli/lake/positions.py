"""
Snapshots of open positions.

::

    <lake>/positions/exchange=…/date=YYYY-MM-DD/<source>-<HHMMSSmmm>.parquet   (…mmmµµµ: not at a whole millisecond)

Columns: ``ts``, ``symbol``, ``position``, ``size``, ``notional``, ``entry_price``, ``liquidation_price``, ``leverage``,
``open_interest``. A file is one snapshot, all of the same instant ``ts`` (UTC).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.model import from_us
from liqcli.core.positions import OpenPosition
from liqcli.core.symbols import split_symbol
from liqcli.lake.partitions import is_name
from liqcli.lake.snapshots import (
    POSITIONS,
    SnapshotFile,
    list_snapshots,
    locate_snapshot,
    merge_snapshot,
    read_snapshot,
)
from liqcli.lake.store import Lake

_NAME = re.compile(r"(.+)-\d{9}(?:\d{3})?")  # source and time of day


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
    if not is_name(source):
        raise UsageError(f"{source!r} is not a valid name in the lake (letters, digits and dashes only)")
    at = from_us(ts_us)
    path = locate_snapshot(lake, POSITIONS, exchange, at.date(), f"{source}-{_format_time_of_day(at)}")
    held = merge_snapshot(lake, POSITIONS, path, ts_us, positions)
    known = sum((Counter(held) & Counter(positions)).values())
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
    first, last = (from_us(ts_us).date() for ts_us in (oldest_us, end_us))
    found: dict[tuple[str, str], PositionSnapshot] = {}
    damaged = []
    for file in list_snapshots(lake, POSITIONS):
        if not first <= file.day <= last or (exchanges and file.exchange not in exchanges):
            continue
        try:
            ts_us, rows = read_positions(file.path)
        except FileNotFoundError:  # removed by somebody in the meantime
            continue
        except DamagedError:
            damaged.append(file.path)
            continue
        if oldest_us <= ts_us <= end_us:
            for symbol in {row.symbol for row in rows if split_symbol(row.symbol)[0] == base}:
                own = tuple(row for row in rows if row.symbol == symbol)
                before = found.get((file.exchange, symbol))
                if before is None or (ts_us, len(own)) >= (before.ts_us, len(before.positions)):
                    found[file.exchange, symbol] = PositionSnapshot(file.exchange, find_source(file), ts_us, own)
    return sorted(found.values(), key=lambda one: (-len(one.positions), one.exchange, one.symbol)), damaged


def read_positions(path: Path) -> tuple[int, list[OpenPosition]]:
    """
    Read the instant [µs UTC] and the rows of a snapshot.

    Raises
    ------
    DamagedError
        Not a snapshot of positions, or of several instants.
    """
    rows = read_snapshot(POSITIONS, path)
    times = {at for at, _ in rows}
    if len(times) != 1:
        raise DamagedError(f"{path}: holds {len(times)} instants, a snapshot holds one; {POSITIONS.remedy}")
    return times.pop(), [row for _, row in rows]


def find_source(file: SnapshotFile) -> str:
    """Read the source from the file name of a snapshot."""
    match = _NAME.fullmatch(file.name)
    return match[1] if match else file.name


def _format_time_of_day(at: datetime) -> str:
    """Write a time of day as digits: to the millisecond, or to the microsecond where that is not exact."""
    milliseconds, rest = divmod(at.microsecond, 1000)
    return f"{at:%H%M%S}{milliseconds:03d}" + (f"{rest:03d}" if rest else "")
