"""How far candles widen a price axis. Used to choose the bins and to draw the axis, which must agree."""

from __future__ import annotations

import numpy as np

from liqcli.core.model import PriceSeries

_RARE = 0.005  # of the candles; prices seen for less time can be cut off
_MANY = 200  # from this many candles a quantile finds rare prices; with fewer, only wicks can be cut off
_STRETCH = 0.15  # of the axis; a smaller spike stays whole


def reach_candles(candles: PriceSeries, low: float, high: float) -> tuple[float, float]:
    """Widen ``[low, high]`` to the candles, except for a rare spike that would stretch it. [quote]"""
    known = (
        np.isfinite(candles.open) & np.isfinite(candles.high) & np.isfinite(candles.low) & np.isfinite(candles.close)
    )
    if not known.any():
        return low, high
    lows, highs = candles.low[known], candles.high[known]
    if len(lows) >= _MANY:
        usual = float(np.quantile(lows, _RARE)), float(np.quantile(highs, 1 - _RARE))
    else:
        bodies = np.stack([candles.open[known], candles.close[known]])
        usual = float(bodies.min()), float(bodies.max())
    low, high = min(low, usual[0]), max(high, usual[1])
    allowed = _STRETCH * (high - low)
    lowest, highest = float(lows.min()), float(highs.max())
    whole_low = min(low, lowest) if low - lowest <= allowed else low
    whole_high = max(high, highest) if highest - high <= allowed else high
    return whole_low, whole_high
