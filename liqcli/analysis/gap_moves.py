"""How far the price moved while nothing was recorded: liquidations that are likely, but not known."""

from __future__ import annotations

from dataclasses import dataclass

from liqcli.core.intervals import Interval
from liqcli.core.model import PriceSeries


@dataclass(frozen=True, slots=True)
class GapMove:
    """The first price of a gap and the one furthest from it [quote], both from whole candles; ``percent`` [%]."""

    price_from: float
    price_furthest: float
    percent: float


def measure_move(gap: Interval, candles: PriceSeries | None) -> GapMove | None:
    """Measure the largest move from the start of a gap [µs]; None without a candle that lies inside the gap."""
    if candles is None:
        return None
    inside = (candles.ts_us >= gap[0]) & (candles.ts_us + candles.step_us <= gap[1])
    if not inside.any():
        return None
    first = float(candles.open[inside][0])
    ends = float(candles.low[inside].min()), float(candles.high[inside].max())
    furthest = max(ends, key=lambda price: abs(price - first))
    return GapMove(first, furthest, 100 * (furthest - first) / first)
