"""
Dated snapshots of margin tiers.

::

    <lake>/margin_tiers/exchange=…/date=YYYY-MM-DD/<exchange>.parquet   ts, symbol, floor, rate, deduction, max_leverage, unit

A snapshot holds every contract of an exchange as captured at ``ts`` (UTC). A later one of the same day replaces the
contracts it holds.
"""  # noqa: E501 - the layout is easier to read unwrapped

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import from_us
from liqcli.lake.snapshots import TIERS, list_snapshots, locate_snapshot, merge_snapshot, read_snapshot
from liqcli.lake.store import Lake


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
    path = _path(lake, exchange, from_us(ts_us).date())
    merge_snapshot(lake, TIERS, path, ts_us, tiers)
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
    return path.exists() and any(row.symbol == symbol for _, row in read_snapshot(TIERS, path))


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
    return [file.day for file in list_snapshots(lake, TIERS, exchange) if file.name == exchange]


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
            rows = [(at, row) for at, row in read_snapshot(TIERS, path) if row.symbol == symbol]
        except FileNotFoundError:  # removed by somebody in the meantime
            continue
        except DamagedError:
            damaged.append(path)
            continue
        if rows and (day != end or rows[0][0] <= end_us or day == days[0]):
            return TierSnapshot(exchange, rows[0][0], tuple(row for _, row in rows)), damaged
    return None, damaged


def _path(lake: Lake, exchange: str, day: date) -> Path:
    return locate_snapshot(lake, TIERS, exchange, day, exchange)
