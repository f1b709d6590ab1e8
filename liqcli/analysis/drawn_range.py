"""Choose the price range that the automatic axis spans, and find the tick of the prices."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth, PriceSeries
from liqcli.query.columns import ProfileRows

TICK_MANTISSAS = (Decimal(5), Decimal("2.5"), Decimal(2), Decimal(1))  # falling
KEPT_PER_MILLE = 995  # of the USD, which the axis must hold
STRETCH = 0.5  # of the range that holds it: events up to this far beyond are included
LEAST_STRETCH = 0.005  # of the price, for windows with nearly all USD at one price
ON_TICK = 0.9  # of the events; averages of several fills lie between ticks
FEWEST_PRICES = 8  # distinct prices needed to trust a tick: all are even by chance with (1/2)^8
FEW_FIGURES = 4  # significant digits of a price; with fewer prices no coarser tick is accepted
_DEEP = 0.2  # of the ideal bin width; a finer tick does not matter
_RARE = 0.005  # of the candles; prices seen for less time do not widen the axis


def fit_axis(profile: ProfileRows, traded: tuple[float, float] | None = None) -> tuple[float, float]:
    """
    Choose the price range of the automatic axis, from the lowest to the highest event on it. [quote]

    The axis covers the shortest price range that holds 99.5% of the USD, and the prices ``traded`` in the window.
    Events within half of that range beyond it are included, so that only those are left out that would flatten the
    rest.

    Parameters
    ----------
    profile : ProfileRows
        At least one price.
    traded : (float, float) or None
        Lowest and highest price of the candles, without spikes. [quote]
    """
    prices = profile.price
    total = int(profile.notional_e6.sum())
    wanted = total - total * (1000 - KEPT_PER_MILLE) // 1000
    sums = np.concatenate([[0], np.cumsum(profile.notional_e6)])
    last = np.searchsorted(sums[1:], sums[:-1] + wanted)
    first = np.flatnonzero(last < len(prices))
    k = first[np.argmin(prices[last[first]] - prices[first])]  # the lowest of equals
    low, high = float(prices[k]), float(prices[last[k]])
    if traded is not None:
        low, high = min(low, traded[0]), max(high, traded[1])
    spare = max(STRETCH * (high - low), LEAST_STRETCH * high)
    kept = prices[(prices >= low - spare) & (prices <= high + spare)]
    return float(kept[0]), float(kept[-1])


def find_traded(candles: PriceSeries | None) -> tuple[float, float] | None:
    """Find the lowest and highest close of candles, rare spikes excluded. [quote]"""
    if candles is None or not len(candles.ts_us):
        return None
    return float(np.quantile(candles.close, _RARE)), float(np.quantile(candles.close, 1 - _RARE))


def find_tick(profile: ProfileRows, width: float) -> BinWidth | None:
    """
    Find the largest common step of the prices that matters to an axis of about this bin width.

    Steps are {1, 2, 2.5, 5} x 10^k. A step is common when nine of ten events lie on its multiples: ``k * num / den`` is
    one correctly rounded division of integers, so it equals the price exactly where the price is such a decimal.

    Returns
    -------
    BinWidth or None
        None when the prices have no step, or one so fine that any bin holds several.
    """
    lowest, highest = float(profile.price[0]), float(profile.price[-1])
    few = len(profile.price) < FEWEST_PRICES
    largest = 10.0 ** (math.floor(math.log10(highest)) + 1 - FEW_FIGURES) if few else highest - lowest
    events = int(profile.events.sum())
    exponent = math.floor(math.log10(largest))
    while 10.0 ** (exponent + 1) > _DEEP * width:
        for mantissa in TICK_MANTISSAS[3:] if few else TICK_MANTISSAS:
            step = BinWidth.from_decimal(mantissa.scaleb(exponent))
            if _DEEP * width <= step.width <= largest * (1 + 1e-9):
                on_step = int(profile.events[_lie_on(profile.price, step)].sum())
                if on_step >= ON_TICK * events:
                    return step
        exponent -= 1
    return None


def _lie_on(prices: NDArray[np.float64], step: BinWidth) -> NDArray[np.bool_]:
    k = np.rint(prices * step.den / step.num)
    return np.asarray((k * step.num / step.den == prices) & (k * step.num < 2.0**53))
