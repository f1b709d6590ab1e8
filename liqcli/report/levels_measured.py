"""Load measured positions beside an estimate of levels, and describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.analysis.levels.estimate import LevelEstimate
from liqcli.analysis.levels.lots import SIDES
from liqcli.analysis.levels.measured import MeasuredLevels, MeasuredSide, measure_levels
from liqcli.core.formatting import format_count, format_counted, format_coverage, format_iso, format_time
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.market_series import read_market
from liqcli.lake.positions import PositionSnapshot, find_positions
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.level_records import band_record, level_records

HOUR_US = 3600 * US_PER_S
OLDEST_US = 48 * HOUR_US  # before the end of the window: older positions say little of those that stand


@dataclass(frozen=True, eq=False)
class MeasuredData:
    """
    The positions of one exchange and symbol, as levels.

    ``interest`` is the open interest of one side at the time of the snapshot, None if unknown [base coins]; ``others``
    names snapshots that were left out.
    """

    snapshot: PositionSnapshot
    measured: MeasuredLevels
    interest: float | None
    others: tuple[str, ...]


def load_measured(
    lake: Lake, base: str, exchanges: Sequence[str], estimate: LevelEstimate
) -> tuple[MeasuredData | None, list[Path]]:
    """
    Load the last snapshot of positions on a base coin, at most 48 h old at the end of the window.

    Of several exchanges, the one with the most positions counts.

    Returns
    -------
    measured, damaged : MeasuredData or None, list of Path
        None without a snapshot; files that cannot be read.
    """
    found, damaged = _find_last(lake, base, estimate.window, exchanges)
    if not found:
        return None, damaged
    chosen, *rest = found
    interest = _find_interest(lake, chosen)
    measured = measure_levels(chosen.positions, chosen.ts_us, interest, estimate)
    return MeasuredData(chosen, measured, interest, tuple(f"{one.exchange} {one.symbol}" for one in rest)), damaged


def describe_positions(lake: Lake, base: str, window: Window) -> str:
    """Describe the positions that an estimate of the window would have beside it; empty if there are none."""
    found, _ = _find_last(lake, base, window)
    if not found:
        return ""
    count = format_counted(len(found[0].positions), "measured position")
    return f"{count} of {found[0].exchange} {found[0].symbol} at {format_time(found[0].ts_us)} UTC"


def _find_last(
    lake: Lake, base: str, window: Window, exchanges: Sequence[str] = ()
) -> tuple[list[PositionSnapshot], list[Path]]:
    return find_positions(lake, base, window.end_us - OLDEST_US, window.end_us, exchanges)


def _find_interest(lake: Lake, snapshot: PositionSnapshot) -> float | None:
    """Find the open interest of the contract: stored with the positions, else the series of the same exchange."""
    stated = [row.open_interest for row in snapshot.positions if row.open_interest]
    if stated:
        return stated[0]
    window = Window(snapshot.ts_us - HOUR_US, snapshot.ts_us + 1)
    if not lake.find("open_interest", [snapshot.symbol], window, [snapshot.exchange]):
        return None
    with DuckDBEngine() as engine:
        market, _ = read_market(engine, lake, [snapshot.symbol], [snapshot.exchange], window)
    series = market.open_interest
    if series is None or series.basis.split()[:2] != [snapshot.exchange, snapshot.symbol]:
        return None
    row = series.find_before(snapshot.ts_us)
    coins = float(series.coins[row]) if row is not None else 0.0
    return coins if coins > 0 else None


def measured_record(data: MeasuredData) -> dict[str, Any]:
    """Build the key ``measured`` of the document; keys as in ``docs/levels.md``."""
    snapshot, levels, sides = data.snapshot, data.measured.levels, dict(zip(SIDES, data.measured.sides, strict=True))
    numbers = {
        f"{position}_{name}": getattr(side, name)
        for position, side in sides.items()
        for name in ("positions", "size", "size_without_price", "covered", "reached")
    }
    return {
        "meta": {
            "symbol": snapshot.symbol,
            "kind": "measured",
            "exchange": snapshot.exchange,
            "source": snapshot.source,
            "as_of": format_iso(snapshot.ts_us),
            "open_interest_coins": data.interest,
            **numbers,
            "long_notional": float(levels.long_notional.sum()),
            "short_notional": float(levels.short_notional.sum()),
            "long_outside": levels.long_outside,
            "short_outside": levels.short_outside,
            "others": list(data.others),
        },
        "levels": level_records(levels),
        "nearest": {position: band_record(side.bands.nearest) for position, side in sides.items()},
        "largest": {position: band_record(side.bands.largest) for position, side in sides.items()},
        "comparison": {position: _comparison_record(side) for position, side in sides.items()},
        "sentence": describe_measured(data),
    }


def _comparison_record(side: MeasuredSide) -> dict[str, float] | None:
    one = side.comparison
    if one is None:
        return None
    return {
        "positions": one.positions,
        "correlation": one.correlation,
        "top_share": one.top_share,
        "measured_median_pct": one.measured_median_pct,
        "estimated_median_pct": one.estimated_median_pct,
    }


def describe_measured(data: MeasuredData) -> str:
    """Describe in a sentence whose positions these are, and how much of open interest they cover."""
    snapshot, (longs, shorts) = data.snapshot, data.measured.sides
    count = format_count(longs.positions + shorts.positions)
    if longs.covered is None or shorts.covered is None:
        share = f"their share of open interest is unknown (no open interest of {snapshot.exchange} {snapshot.symbol})"
    else:
        share = (
            f"{format_coverage(longs.covered)} of the open interest of longs and "
            f"{format_coverage(shorts.covered)} of shorts"
        )
    at = format_time(snapshot.ts_us)
    return f"measured: {count} positions of {snapshot.exchange} {snapshot.symbol} at {at} UTC, {share}"
