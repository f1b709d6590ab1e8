"""
The days of a score: which price bins price newly reached, and what was liquidated in them.

Prices are measured in log steps from the opening price of the day, so that bins and maps of different days can be laid
over each other. Side 0 holds longs and the bins below the opening price, side 1 shorts and the bins above; bin ``k`` of
a side covers the distances ``[k, k + 1)`` steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liqcli.analysis.score.orders import Floats, Ints, Orders
from liqcli.core.model import US_PER_S, PriceSeries

DAY_US = 86_400 * US_PER_S
MINUTE_US = 60 * US_PER_S
STEP = 0.001  # log price: a bin is 0.1 % of the price
SPAN = 0.5  # log price: bins further from the opening price are not scored
NEW_US = DAY_US  # a price is newly reached if it was not traded for this long before the day
ROUNDING = 1e-9  # of a bin: a price on an edge may be computed just below it
LEAST_BINS = 5  # on a side: a fifth of fewer is less than a bin
LATE_US = 300 * US_PER_S  # an order prints this late after the candle of its price
LEAST_CANDLES = 0.9  # of the day, and of the time before it
SIGNS = (-1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class LevelMap:
    """
    A map of levels known at ``as_of_us`` [µs UTC]: USD that would be liquidated in each price bin.

    ``price_edges``, shape ``(n + 1,)``, rising [quote]; ``long_notional``, ``short_notional``, shape ``(n,)`` [USD].
    """

    as_of_us: int
    price_edges: Floats
    long_notional: Floats
    short_notional: Floats


@dataclass(frozen=True, slots=True, eq=False)
class DayOutcome:
    """
    What happened on one day, by side and distance from its opening price.

    An order counts in its bin until price first left the bin behind: later ones are of positions opened since.

    ``first``, ``last``: the newly reached bins of each side are ``[first, last)``, none unless ``last`` is greater; the
    bins before ``first`` were traded shortly before the day. ``notional`` [USD], ``orders``, ``minutes`` and ``volume``
    have shape ``(2, n_bins)``; volume is 0 where it is unknown.
    """

    start_us: int
    open: float
    first: tuple[int, int]
    last: tuple[int, int]
    notional: Floats
    orders: Ints
    minutes: Floats
    volume: Floats

    def reached(self, side: int) -> slice | None:
        """Return the newly reached bins of a side, or None if they are too few."""
        enough = self.last[side] - self.first[side] >= LEAST_BINS
        return slice(self.first[side], self.last[side]) if enough else None


def count_bins(step: float = STEP) -> int:
    """Count the bins of a side."""
    return round(SPAN / step)


def read_day(
    start_us: int,
    candles: PriceSeries,
    volume: Floats | None,
    orders: Orders,
    step: float = STEP,
    new_us: int = NEW_US,
) -> DayOutcome | None:
    """
    Measure one day.

    Parameters
    ----------
    start_us : int
        Start of the day. [µs UTC]
    candles : PriceSeries
        Candles of the day and of the time before it.
    volume : array or None
        Volume of each candle [base coin].
    orders : Orders
        Forced orders; those outside the day are ignored.
    step : float
        Width of a bin. [log price]
    new_us : int
        A price is newly reached if it was not traded for this long before the day. [µs]

    Returns
    -------
    DayOutcome or None
        None when a tenth or more of the candles is missing.
    """
    begin, low, high = np.searchsorted(candles.ts_us, [start_us - new_us, start_us, start_us + DAY_US]).tolist()
    if (high - low) * candles.step_us < LEAST_CANDLES * DAY_US:
        return None
    if (low - begin) * candles.step_us < LEAST_CANDLES * new_us:
        return None
    opening = float(candles.open[low])
    extremes = (np.log(candles.low / opening), np.log(candles.high / opening))
    first, last = [], []
    for sign, extreme in zip(SIGNS, extremes, strict=True):
        before = max(0.0, float((sign * extreme[begin:low]).max(initial=0.0)))
        reached = max(0.0, float((sign * extreme[low:high]).max()))
        first.append(min(int(np.ceil(before / step - ROUNDING)), count_bins(step)))
        last.append(min(int(reached / step + ROUNDING), count_bins(step)))
    low_log, high_log = extremes[0][low:high], extremes[1][low:high]
    amounts = np.column_stack([np.full(high - low, candles.step_us / MINUTE_US), _or_zeros(volume, low, high)])
    spent = _spread(low_log, high_log, amounts, max(last), step)
    reach = [np.maximum.accumulate(-low_log), np.maximum.accumulate(high_log)]
    passed = [_find_passed(candles.ts_us[low:high], candles.step_us, one, step) for one in reach]
    notional, count = _place(orders.between(start_us, start_us + DAY_US), opening, step, passed)
    return DayOutcome(start_us, opening, (first[0], first[1]), (last[0], last[1]), notional, count, spent[0], spent[1])


def align_map(level_map: LevelMap, price: float, step: float = STEP) -> Floats:
    """
    Sum a map in bins of equal log width below and above a price; mass is even within a bin of the map.

    Returns
    -------
    array, shape ``(2, n_bins)``
        Longs below, shorts above the price. [USD]
    """
    distances = np.arange(count_bins(step) + 1) * step
    sides = []
    for sign, mass in zip(SIGNS, (level_map.long_notional, level_map.short_notional), strict=True):
        total = np.concatenate([[0.0], np.cumsum(mass)])
        sides.append(np.diff(np.interp(price * np.exp(sign * distances), level_map.price_edges, total)) * sign)
    return np.array(sides)


def _find_passed(ts_us: Ints, step_us: int, reach: Floats, step: float) -> Ints:
    """Find when each bin of a side was first left behind, with five minutes for orders to print. [µs UTC]"""
    edges = np.arange(1, count_bins(step) + 1) * step
    at = np.searchsorted(reach, edges - ROUNDING * step)
    closes = np.concatenate([ts_us + step_us + LATE_US, [ts_us[0] + 2 * DAY_US]])
    return closes[at]


def _place(orders: Orders, opening: float, step: float, passed: Sequence[Ints]) -> tuple[Floats, Ints]:
    """Sum orders in the bins of their side, until each bin was passed; ``reach`` rises with the candles."""
    notional = np.zeros((2, count_bins(step)))
    count = np.zeros((2, count_bins(step)), dtype=np.int64)
    offset = np.log(orders.price / opening) / step
    for side, (sign, chosen) in enumerate(zip(SIGNS, (orders.is_long, ~orders.is_long), strict=True)):
        distance = sign * offset[chosen]
        k = np.floor(distance).astype(np.int64)
        inside = (k >= 0) & (k < count_bins(step))
        inside[inside] = orders.ts_us[chosen][inside] < passed[side][k[inside]]
        np.add.at(notional[side], k[inside], orders.notional[chosen][inside])
        np.add.at(count[side], k[inside], 1)
    return notional, count


def _spread(low: Floats, high: Floats, amounts: Floats, furthest: int, step: float) -> Floats:
    """
    Spread the amounts of each candle evenly over its range of log prices.

    Parameters
    ----------
    low, high : arrays, shape ``(n_candles,)``
        Log distances from the opening price.
    amounts : array, shape ``(n_candles, n_amounts)``
    furthest : int
        Bins from here on are not needed and stay 0.

    Returns
    -------
    array, shape ``(n_amounts, 2, n_bins)``
    """
    edges = np.arange(-furthest, furthest + 1) * step
    # Of each candle, the part below each edge; what lies between two edges is their difference.
    below = np.clip((edges - low[:, None]) / np.maximum(high - low, 1e-9)[:, None], 0.0, 1.0)
    found = np.diff(amounts.T @ below, axis=1)
    spread = np.zeros((amounts.shape[1], 2, count_bins(step)))
    spread[:, 0, :furthest] = found[:, :furthest][:, ::-1]
    spread[:, 1, :furthest] = found[:, furthest:]
    return spread


def _or_zeros(volume: Floats | None, low: int, high: int) -> Floats:
    return np.zeros(high - low) if volume is None else np.nan_to_num(volume[low:high])


def list_days(start_us: int, end_us: int) -> Sequence[int]:
    """List the midnights of the whole days inside ``[start_us, end_us)``. [µs UTC]"""
    first = -(-start_us // DAY_US) * DAY_US
    return range(first, end_us - DAY_US + 1, DAY_US)
