"""Volume profile: traded volume per price row, its point of control and value area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth

VALUE_AREA = 0.7  # of the volume


@dataclass(frozen=True, slots=True)
class VolumeProfile:
    """
    Volume per price row; rows without volume are omitted.

    ``prices``, the upper edges of the rows [quote], and ``volumes`` [base coin] have shape ``(n_rows,)``, rising.
    ``point_of_control`` is the row with the most volume [quote]; the value area reaches from ``value_area_low`` to
    ``value_area_high`` [quote] and holds ``value_area_volume`` [base coin].
    """

    prices: NDArray[np.float64]
    volumes: NDArray[np.float64]
    point_of_control: float
    value_area_low: float
    value_area_high: float
    value_area_volume: float


def build_volume_profile(
    close: NDArray[np.float64], volume: NDArray[np.float64], row: BinWidth
) -> VolumeProfile | None:
    """
    Build the volume profile of candles.

    Each candle's volume counts at the row its close rounds up to. The value area starts at the row with the most volume
    (the lower one on a tie) and takes the larger of its two neighboring rows, the upper one on a tie, until it holds
    more than 70% of the volume.

    Parameters
    ----------
    close, volume : array, shape ``(n,)``
        Of the candles [quote], [base coin]; candles without a known volume are ignored.
    row : BinWidth
        Height of a row. [quote]

    Returns
    -------
    VolumeProfile or None
        None when no volume is known.

    References
    ----------
    py-market-profile, whose published numbers the test replays.
    """
    known = np.isfinite(volume) & (volume > 0)
    if not known.any():
        return None
    # The guess can be off by one; comparing with the edges gives the result of decimal arithmetic (see heatmap.sql).
    guess = np.ceil(close[known] * row.den / row.num)
    over, under = close[known] > guess * row.num / row.den, close[known] <= (guess - 1) * row.num / row.den
    rows, where = np.unique((guess + over - under).astype(np.int64), return_inverse=True)
    volumes = np.bincount(where, volume[known], minlength=len(rows)).astype(np.float64)
    low = high = poc = int(np.argmax(volumes))
    held, wanted = float(volumes[poc]), VALUE_AREA * float(volumes.sum())
    while held <= wanted and (low > 0 or high < len(rows) - 1):
        upper = float(volumes[high + 1]) if high < len(rows) - 1 else -1.0
        lower = float(volumes[low - 1]) if low > 0 else -1.0
        high, low = (high + 1, low) if upper >= lower else (high, low - 1)
        held += max(upper, lower)
    prices = rows.astype(np.float64) * row.num / row.den
    return VolumeProfile(prices, volumes, float(prices[poc]), float(prices[low]), float(prices[high]), held)
