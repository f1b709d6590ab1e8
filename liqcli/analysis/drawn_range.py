"""Which prices the automatic axis spans, and the tick of a window's prices: both read from its price profile.

A profile has one row a distinct price: what ``sql/price_profile.sql`` gives.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth, PriceSeries
from liqcli.query.columns import ProfileRows

TICK_MANTISSAS = (Decimal(5), Decimal("2.5"), Decimal(2), Decimal(1))  # falling
KEPT_PER_MILLE = 995  # of the USD that the axis has to hold
STRETCH = 0.5  # of the prices that hold it: what lies no further out is drawn as well
LEAST_STRETCH = 0.005  # of the price, where nearly all was liquidated at one
ON_TICK = 0.9  # of the events: averages of several fills lie between ticks
FEWEST_PRICES = 8  # distinct ones, to tell a tick from chance: (1/2)^8 that all are even by accident
FEW_FIGURES = 4  # of a price; with fewer distinct prices no tick coarser than that is believed
_DEEP = 0.2  # of the width that suits the axis: a finer tick does not matter to it
_RARE = 0.005  # of the candles: prices seen for a shorter time do not widen the axis


def fit_axis(profile: ProfileRows, traded: tuple[float, float] | None = None) -> tuple[float, float]:
    """
    Choose the prices that the automatic axis spans, from the lowest to the highest event on it. [quote]

    The axis holds the shortest range of prices with 99.5 % of the USD, and what was ``traded`` in the window; an event
    that lies within half of that range beyond it is drawn as well, so that only what would flatten the rest is left
    out.

    Parameters
    ----------
    profile : ProfileRows
        At least one price.
    traded : (float, float) or None
        Lowest and highest price of the candles, spikes left out. [quote]
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
    """Give the lowest and highest price that candles closed at, rare spikes left out. [quote]"""
    if candles is None or not len(candles.ts_us):
        return None
    return float(np.quantile(candles.close, _RARE)), float(np.quantile(candles.close, 1 - _RARE))


def find_tick(profile: ProfileRows, width: float) -> BinWidth | None:
    """
    Find the greatest common step of the prices, as far as it matters to an axis of about this bin width.

    Steps are {1, 2, 2.5, 5} x 10^k. A step is common when nine of ten events lie on its multiples: ``k * num / den`` is
    one correctly rounded division of whole numbers, so it equals the price exactly where the price is such a decimal.

    Returns
    -------
    BinWidth or None
        None where the prices have no step, or one so fine that any bin holds several.
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
