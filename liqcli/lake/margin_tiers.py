"""
Dated snapshots of margin tiers.

::

    <lake>/margin_tiers/exchange=…/date=YYYY-MM-DD/<exchange>.parquet   ts, symbol, floor, rate, deduction, max_leverage, unit

A snapshot holds every contract of an exchange as captured at ``ts`` (UTC). A later one of the same day replaces the
contracts it holds.
"""  # noqa: E501 - the layout is easier to read unwrapped

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import from_us
from liqcli.lake.partitions import is_name
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "margin_tiers"
_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True)
class TierSnapshot:
    """Tiers of one contract, by rising floor, as captured at ``ts_us`` [µs UTC]."""

    exchange: str
    ts_us: int
    tiers: tuple[MarginTier, ...]


def write_margin_tiers(lake: Lake, exchange: str, ts_us: int, tiers: Iterable[MarginTier]) -> Path:
    """
    Store a snapshot; contracts that an earlier snapshot of the same day holds and this one does not are kept.

    Raises
    ------
    LakeError
        Not writable; the old file is unchanged.
    DamagedError
        The snapshot of the same day cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = _path(lake, exchange, from_us(ts_us).date())
    fresh = [(ts_us, *tier) for tier in tiers]
    with lake.locked():
        named = {row[1] for row in fresh}
        kept = [row for row in _read(path) if row[1] not in named] if path.exists() else []
        rows = sorted([*kept, *fresh], key=lambda row: (row[1], row[2]))
        schema = _schema()
        columns = list(zip(*rows, strict=True)) or [() for _ in schema]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        buffer = io.BytesIO()
        pq.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
        lake.write_file(path, buffer.getvalue())
    return path


def has_margin_tiers(lake: Lake, exchange: str, symbol: str, day: date) -> bool:
    """
    Return whether the snapshot of a day holds a contract.

    Raises
    ------
    DamagedError
        The snapshot cannot be read.
    """
    path = _path(lake, exchange, day)
    return path.exists() and any(row[1] == symbol for row in _read(path))


def set_aside_damaged_tiers(lake: Lake, exchange: str, day: date) -> tuple[Path, Path] | None:
    """Move the snapshot of a day to ``<lake>/damaged`` if it cannot be read; return its old and new path."""
    path = _path(lake, exchange, day)
    try:
        has_margin_tiers(lake, exchange, "", day)
    except DamagedError:
        return path, lake.set_aside(path)
    return None


def list_tier_days(lake: Lake, exchange: str) -> list[date]:
    """List the days with a snapshot of an exchange, rising."""
    if not is_name(exchange):
        return []
    folder = lake.root / FOLDER / f"exchange={exchange}"
    found = (_DAY.fullmatch(path.parent.name) for path in folder.glob(f"date=*/{exchange}.parquet"))
    return sorted(date.fromisoformat(match[1]) for match in found if match)


def find_margin_tiers(lake: Lake, exchange: str, symbol: str, end_us: int) -> tuple[TierSnapshot | None, list[Path]]:
    """
    Find the tiers of a contract for a window that ends at ``end_us``.

    The last snapshot captured before the end counts; where there is none, the first one after it.

    Returns
    -------
    snapshot, damaged : TierSnapshot or None, list of Path
        None if no snapshot holds the contract; files that cannot be read.
    """
    days = list_tier_days(lake, exchange)
    end = from_us(end_us).date()
    damaged = []
    for day in [*reversed([day for day in days if day <= end]), *(day for day in days if day > end)]:
        path = _path(lake, exchange, day)
        try:
            rows = [row for row in _read(path) if row[1] == symbol]
        except DamagedError:
            damaged.append(path)
            continue
        if rows and (day != end or rows[0][0] <= end_us or day == days[0]):
            return TierSnapshot(exchange, rows[0][0], tuple(MarginTier(*row[1:]) for row in rows)), damaged
    return None, damaged


def _path(lake: Lake, exchange: str, day: date) -> Path:
    if not is_name(exchange):
        raise UsageError(f"{exchange!r} is not a valid name in the lake (letters, digits and dashes only)")
    return lake.root / FOLDER / f"exchange={exchange}" / f"date={day.isoformat()}" / f"{exchange}.parquet"


def _schema() -> pa.Schema:
    import pyarrow as pa

    numbers = [(name, pa.float64()) for name in ("floor", "rate", "deduction", "max_leverage")]
    return pa.schema([("ts", pa.timestamp("us")), ("symbol", pa.string()), *numbers, ("unit", pa.string())])


def _read(path: Path) -> list[tuple[Any, ...]]:
    """Read the rows of a snapshot: time [µs UTC], then the fields of a tier."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path).select(_schema().names)
        times = table.column("ts").cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
        columns: Sequence[Sequence[Any]] = [table.column(name).to_pylist() for name in _schema().names[1:]]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedError(f"{path}: damaged or not Parquet ({error}); fetch the margin tiers with --again") from error
    return list(zip(times, *columns, strict=True))
