"""
RSI, EMA, ATR, pivots, divergences and volume ratio, with their standard parameters.

Implemented here because TA-Lib needs a C library, pure-Python collections need pandas, and others seed Wilder's average
with the first value, which gives different results. Tests compare the values with the published series of
Stock.Indicators and Tulip Indicators.

Every array has shape ``(n,)``, oldest first, with NaN where no value is known yet. A value at bar i uses bars up to i
only. Pivots are confirmed some bars after their own bar and carry both numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
PivotKind = Literal["low", "high"]
DivergenceKind = Literal["bullish", "bearish"]


@dataclass(frozen=True, slots=True)
class Pivot:
    """A swing point: its ``bar``, the bar ``known`` at whose close it was confirmed, its price [quote]."""

    kind: PivotKind
    bar: int
    known: int
    price: float


@dataclass(frozen=True, slots=True)
class Divergence:
    """A disagreement of price and RSI on two neighboring pivots of one kind; known at the close of bar ``known``."""

    kind: DivergenceKind
    first: Pivot
    second: Pivot
    rsi_first: float
    rsi_second: float

    @property
    def known(self) -> int:
        """The bar at whose close the second pivot was confirmed."""
        return self.second.known


def compute_rsi(close: Series, period: int = 14) -> Series:
    """
    Compute Wilder's relative strength index, seeded with the simple mean of the first ``period`` changes.

    Parameters
    ----------
    close : array, shape (n,)
        Closes. [quote]
    period : int
        Wilder's 14.

    Returns
    -------
    array, shape (n,)
        0 to 100; NaN for the first ``period`` bars. 100 without a fall, 50 when the price never moved.

    References
    ----------
    Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    changes = np.diff(close)
    gains = smooth_wilder(np.maximum(changes, 0.0), period)
    falls = smooth_wilder(np.maximum(-changes, 0.0), period)
    total = gains + falls
    moved = total > 0
    values = np.where(moved, 100 * gains / np.where(moved, total, 1.0), 50.0)
    rsi = np.full(len(close), np.nan)
    rsi[1:] = np.where(np.isnan(total), np.nan, values)
    return rsi


def smooth_wilder(values: Series, period: int) -> Series:
    """Compute Wilder's average: first the mean of ``period`` values, then ``(old x (period - 1) + new) / period``."""
    return _smooth(values, period, 1 / period)


def compute_ema(values: Series, period: int) -> Series:
    """Compute the exponential moving average, weight ``2 / (period + 1)``, seeded with the first mean."""
    return _smooth(values, period, 2 / (period + 1))


def compute_atr(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """
    Compute Wilder's average true range; the first bar has no previous close and so no true range. [quote]

    Returns
    -------
    array, shape (n,)
        NaN for the first ``period`` bars.
    """
    before = close[:-1]
    true_range = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    atr = np.full(len(close), np.nan)
    atr[1:] = smooth_wilder(true_range, period)
    return atr


def find_pivots(values: Series, kind: PivotKind, left: int = 3, right: int = 3) -> list[Pivot]:
    """
    Find swing lows or highs: lower (higher) than all bars on both sides.

    Of equal neighbors the first is the pivot: strict to the left, equality allowed to the right. Only pivots confirmed
    inside the series are returned, so a longer series never changes those already found.

    Parameters
    ----------
    values : array, shape (n,)
        Lows for ``low``, highs for ``high``. [quote]
    kind : {"low", "high"}
        Direction of the swing.
    left, right : int
        Bars to compare with; a pivot is known ``right`` bars later.

    Returns
    -------
    list of Pivot
        By bar.
    """
    signed = values if kind == "low" else -values
    pivots = []
    for bar in range(left, len(values) - right):
        before, after = signed[bar - left : bar], signed[bar + 1 : bar + 1 + right]
        if (before > signed[bar]).all() and (after >= signed[bar]).all():
            pivots.append(Pivot(kind, bar, bar + right, float(values[bar])))
    return pivots


def find_divergences(
    low: Series, high: Series, rsi: Series, left: int = 3, right: int = 3, most_bars: int = 60
) -> list[Divergence]:
    """
    Find regular divergences between price and RSI on confirmed pivots.

    Bullish: the second of two neighboring swing lows has the lower price and the higher RSI. Bearish: the second of two
    swing highs has the higher price and the lower RSI.

    Parameters
    ----------
    low, high, rsi : array, shape (n,)
        Pivots are those of the price; the RSI is read at the pivot's bar.
    left, right : int
        As in :func:`find_pivots`.
    most_bars : int
        Greatest distance between two pivots that are compared.

    Returns
    -------
    list of Divergence
        By the bar of their confirmation, bullish first.
    """
    found = []
    swings = ((1.0, find_pivots(low, "low", left, right)), (-1.0, find_pivots(high, "high", left, right)))
    for sign, pivots in swings:
        for first, second in pairwise(pivots):
            a, b = float(rsi[first.bar]), float(rsi[second.bar])
            apart = second.bar - first.bar
            # NaN compares false: no divergence before there is an RSI
            if apart <= most_bars and sign * second.price < sign * first.price and sign * b > sign * a:
                found.append(Divergence("bullish" if sign > 0 else "bearish", first, second, a, b))
    return sorted(found, key=lambda d: (d.known, d.kind == "bearish"))


def compute_volume_ratio(volume: Series, end: int, recent: int = 3, before: int = 20) -> float | None:
    """
    Compare the mean volume of the last ``recent`` bars up to ``end`` with that of the ``before`` bars preceding them.

    Returns
    -------
    float or None
        1 is usual; None without enough bars, with an unknown volume among them, or when nothing was traded before.
    """
    start = end - recent + 1
    if start - before < 0 or end >= len(volume):
        return None
    usual = float(volume[start - before : start].mean())
    now = float(volume[start : end + 1].mean())
    return now / usual if usual > 0 and np.isfinite(now) else None


def _smooth(values: Series, period: int, weight: float) -> Series:
    smooth = np.full(len(values), np.nan)
    if len(values) < period:
        return smooth
    level = float(values[:period].mean())
    smooth[period - 1] = level
    for bar in range(period, len(values)):
        level += weight * (float(values[bar]) - level)
        smooth[bar] = level
    return smooth
