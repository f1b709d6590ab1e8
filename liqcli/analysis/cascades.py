"""
Cascades: the bursts of a window, measured and ranked, with the price that followed.

:mod:`liqcli.analysis.bursts` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.bursts import Bursts
from liqcli.analysis.cascade_thresholds import MINUTE_US, CascadeRule
from liqcli.analysis.clusters import Cluster
from liqcli.core.model import Position, PriceSeries
from liqcli.query.columns import BurstPrices, Ints, MinuteRows

AFTER_US = {"15m": 15 * MINUTE_US, "1h": 60 * MINUTE_US}


@dataclass(frozen=True, slots=True)
class Cascade:
    """
    A burst of liquidations; rank 1 holds the most USD.

    ``start_us`` and ``end_us`` are the times of its first and last event [µs UTC]; ``position`` is the side with more
    USD and ``position_share`` its share of them, 0.5 to 1; ``events`` the number of events and ``orders`` that of the
    orders they belong to; ``notional``, ``long_notional``, ``short_notional`` [USD]; ``peak_per_minute`` the most in
    one clock minute [USD]; ``price_from`` and ``price_to`` the first and last price; ``extreme`` the lowest price when
    longs dominate, the highest when shorts do [quote]; ``share`` of the window's USD, 0 to 1; ``price_after_15m_pct``
    and ``price_after_1h_pct`` the change of the market price from the end on [%], None without fine enough candles.
    """

    rank: int
    start_us: int
    end_us: int
    position: Position
    position_share: float
    events: int
    orders: int
    notional: float
    long_notional: float
    short_notional: float
    peak_per_minute: float
    price_from: float
    price_to: float
    extreme: float
    share: float
    price_after_15m_pct: float | None
    price_after_1h_pct: float | None


class BurstSums(NamedTuple):
    """Sums of each burst, and its largest minute. [1e-6 USD]"""

    usd_e6: list[int]
    long_e6: list[int]
    short_e6: list[int]
    peak_e6: list[int]
    prints: list[int]
    orders: list[int]


def build_cascades(
    minutes: MinuteRows,
    bursts: Bursts,
    printed: BurstPrices,
    candles: PriceSeries | None,
    rule: CascadeRule | None = None,
) -> tuple[Cascade, ...]:
    """
    Measure and rank the bursts of a window.

    Parameters
    ----------
    minutes, bursts
        As given to and returned by :func:`find_bursts`.
    printed : BurstPrices
        First and last event of each burst and the prices there, in the order of the bursts.
    candles : PriceSeries or None
        For the price afterwards; candles that reach beyond the window cover its last cascades too.
    rule : CascadeRule or None
        None uses the defaults.

    Returns
    -------
    tuple of Cascade
        By falling USD, then earlier start; disjoint in time.
    """
    least_usd = (rule or CascadeRule()).least_usd
    starts = np.searchsorted(minutes.minute_us, bursts.first_us)
    ends = np.searchsorted(minutes.minute_us, bursts.last_us, side="right")
    parts = starts, ends
    sums = BurstSums(
        usd_e6=_reduce(np.add, minutes.usd_e6, *parts),
        long_e6=_reduce(np.add, minutes.long_e6, *parts),
        short_e6=_reduce(np.add, minutes.short_e6, *parts),
        peak_e6=_reduce(np.maximum, minutes.usd_e6, *parts),
        prints=_reduce(np.add, minutes.prints, *parts),
        orders=_reduce(np.add, minutes.orders, *parts),
    )
    kept = [k for k, usd_e6 in enumerate(sums.usd_e6) if usd_e6 >= least_usd * 1e6]
    kept.sort(key=lambda k: (-sums.usd_e6[k], int(printed.start_us[k])))
    window_e6 = int(minutes.usd_e6.sum())
    return tuple(_measure(rank, sums, window_e6, printed, k, candles) for rank, k in enumerate(kept, start=1))


def _reduce(function: np.ufunc, column: Ints, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> list[int]:
    """Reduce the parts ``[start, end)`` of a column, none of them empty."""
    if not len(starts):
        return []
    found: list[int] = function.reduceat(np.append(column, 0), np.stack([starts, ends], axis=1).ravel())[::2].tolist()
    return found


def find_price_after(prices: PriceSeries | None, ts_us: int, after_us: int) -> float | None:
    """
    Compute the change of the market price over ``after_us`` from an instant on. [%]

    Both prices are candle closes, the first one the first close at or after the instant: compared with the
    liquidation's own price, the basis between two markets would look like a move. None when either close is unknown,
    or when a candle is longer than a third of ``after_us``.
    """
    if prices is None or 3 * prices.step_us > after_us:
        return None
    start_close = -(-ts_us // prices.step_us) * prices.step_us
    # A target between two closes uses the later one.
    closes_us = prices.ts_us + prices.step_us
    target = -(-(start_close + after_us) // prices.step_us) * prices.step_us
    at = np.searchsorted(closes_us, [start_close, target])
    if at[1] >= len(closes_us) or closes_us[at[0]] != start_close or closes_us[at[1]] != target:
        return None
    return float(100 * (prices.close[at[1]] / prices.close[at[0]] - 1))


def _measure(
    rank: int, sums: BurstSums, window_e6: int, printed: BurstPrices, k: int, candles: PriceSeries | None
) -> Cascade:
    usd_e6, long_e6, short_e6 = sums.usd_e6[k], sums.long_e6[k], sums.short_e6[k]
    longs = long_e6 >= short_e6
    end_us = int(printed.end_us[k])
    return Cascade(
        rank=rank,
        start_us=int(printed.start_us[k]),
        end_us=end_us,
        position="long" if longs else "short",
        position_share=(long_e6 if longs else short_e6) / usd_e6,
        events=sums.prints[k],
        orders=sums.orders[k],
        notional=usd_e6 / 1e6,
        long_notional=long_e6 / 1e6,
        short_notional=short_e6 / 1e6,
        peak_per_minute=sums.peak_e6[k] / 1e6,
        price_from=float(printed.price_from[k]),
        price_to=float(printed.price_to[k]),
        extreme=float(printed.price_low[k] if longs else printed.price_high[k]),
        share=usd_e6 / window_e6,
        price_after_15m_pct=find_price_after(candles, end_us, AFTER_US["15m"]),
        price_after_1h_pct=find_price_after(candles, end_us, AFTER_US["1h"]),
    )


def add_cascades(clusters: Sequence[Cluster], cascades: Sequence[Cascade]) -> tuple[Cluster, ...]:
    """Add to each cluster the ranks of the cascades that reached its prices."""

    def reached(cluster: Cluster, cascade: Cascade) -> bool:
        prices = (cascade.price_from, cascade.price_to, cascade.extreme)
        return min(prices) < cluster.high and max(prices) >= cluster.low

    return tuple(replace(c, cascades=tuple(str(x.rank) for x in cascades if reached(c, x))) for c in clusters)
