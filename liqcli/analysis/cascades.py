"""
Cascades: bursts of liquidations, found as minutes far above the window's own baseline.

The events of one exchange, symbol, position and second are the fills of one order, so an order filled in 40 pieces
counts once. :mod:`liqcli.analysis.cascade_thresholds` defines how much a minute must hold; here such minutes are joined
into bursts and measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.cascade_thresholds import (
    MINUTE_US,
    CascadeRule,
    CascadeThresholds,
    count_covered_minutes,
    find_thresholds,
    measure_baseline,
)
from liqcli.analysis.clusters import Cluster
from liqcli.core.intervals import Interval
from liqcli.core.model import Position, PriceSeries, Window
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


@dataclass(frozen=True, slots=True)
class MinuteSums:
    """
    Every clock minute with events, shape ``(n,)``, and what it takes to start a cascade.

    ``ts_us`` starts [µs UTC], rising; ``long``, ``short`` [USD]; ``median`` over all covered minutes, empty ones
    included [USD]; a cascade starts with a minute of at least ``hot`` [USD] in ``hot_orders`` orders.
    """

    ts_us: NDArray[np.int64]
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    median: float
    hot: float
    hot_orders: int
    few: FewOrders | None = None


@dataclass(frozen=True, slots=True)
class FewOrders:
    """
    Minutes outside cascades that hold the USD of one but too few orders.

    ``minutes`` is their number; ``start_us`` [µs UTC], ``notional`` [USD] and ``orders`` are those of the largest.
    """

    minutes: int
    start_us: int
    notional: float
    orders: int


@dataclass(frozen=True, slots=True)
class Bursts:
    """
    Positions of the cascades of a window, before their prices are known.

    ``first_us`` and ``last_us``, shape ``(n,)``: starts of the first and last minute of each burst [µs UTC], rising.
    ``sums`` are the minutes they were found in.
    """

    first_us: Ints
    last_us: Ints
    sums: MinuteSums


class BurstSums(NamedTuple):
    """Sums of each burst, and its largest minute. [1e-6 USD]"""

    usd_e6: list[int]
    long_e6: list[int]
    short_e6: list[int]
    peak_e6: list[int]
    prints: list[int]
    orders: list[int]


def find_bursts(
    minutes: MinuteRows, window: Window, gaps: Iterable[Interval], rule: CascadeRule | None = None
) -> Bursts | None:
    """
    Find the bursts of a window in its minutes.

    Parameters
    ----------
    minutes : MinuteRows
        The minutes that hold events.
    window : Window
        Half-open. [UTC]
    gaps : iterable of (start, end)
        Intervals without data; their minutes stay out of the baseline. [µs UTC]
    rule : CascadeRule or None
        None uses the defaults.

    Returns
    -------
    Bursts or None
        None when the window holds no event.

    References
    ----------
    ``docs/units.md``; ``liqcli/query/sql/symbol_minutes.sql``.
    """
    if not len(minutes.minute_us):
        return None
    rule = rule or CascadeRule()
    baseline = measure_baseline(minutes, count_covered_minutes(window, gaps, minutes.minute_us))
    thresholds = find_thresholds(baseline, rule)
    first_us, last_us = join_minutes(minutes, thresholds, rule)
    sums = MinuteSums(
        minutes.minute_us,
        minutes.long_e6.astype(np.float64) / 1e6,
        minutes.short_e6.astype(np.float64) / 1e6,
        baseline.usd_median / 1e6,
        thresholds.hot_usd_e6 / 1e6,
        thresholds.hot_orders,
        _find_few_orders(minutes, thresholds, first_us, last_us),
    )
    return Bursts(first_us, last_us, sums)


def _find_few_orders(
    minutes: MinuteRows, thresholds: CascadeThresholds, first_us: Ints, last_us: Ints
) -> FewOrders | None:
    """Find the minutes with much USD in few orders; of equal ones the first is the largest."""
    before = np.searchsorted(first_us, minutes.minute_us, side="right") - 1
    inside = (before >= 0) & (minutes.minute_us <= np.append(last_us, 0)[before])
    found = np.flatnonzero(
        (minutes.usd_e6 >= thresholds.hot_usd_e6) & (minutes.orders < thresholds.hot_orders) & ~inside
    )
    if not len(found):
        return None
    top = found[np.argmax(minutes.usd_e6[found])]
    usd = int(minutes.usd_e6[top]) / 1e6
    return FewOrders(len(found), int(minutes.minute_us[top]), usd, int(minutes.orders[top]))


def join_minutes(minutes: MinuteRows, thresholds: CascadeThresholds, rule: CascadeRule) -> tuple[Ints, Ints]:
    """
    Join the minutes far above the baseline into bursts, with the warm minutes that lead in and out of them.

    Neighboring warm minutes form a run. A run is a burst when one of its minutes is hot, or when it is long and holds
    in total what a hot minute must hold: a slow cascade has no single extreme minute. Bursts less than a quiet gap
    apart are one.

    Returns
    -------
    first_us, last_us
        Starts of the first and last minute of each burst [µs UTC], rising.
    """
    warm = (minutes.usd_e6 >= thresholds.warm_usd_e6) & (minutes.orders >= thresholds.warm_orders)
    starts_us, usd_e6, orders = minutes.minute_us[warm], minutes.usd_e6[warm], minutes.orders[warm]
    if not len(starts_us):
        return starts_us, starts_us
    hot = (usd_e6 >= thresholds.hot_usd_e6) & (orders >= thresholds.hot_orders)
    heads = np.flatnonzero(np.diff(starts_us, prepend=starts_us[0] - 2 * MINUTE_US) > MINUTE_US)
    lengths = np.diff(heads, append=len(starts_us))
    tails = heads + lengths - 1
    in_total = (np.add.reduceat(usd_e6, heads) >= thresholds.hot_usd_e6) & (
        np.add.reduceat(orders, heads) >= thresholds.hot_orders
    )
    chosen = np.logical_or.reduceat(hot, heads) | ((lengths >= rule.long_run) & in_total)
    first_us, last_us = starts_us[heads[chosen]], starts_us[tails[chosen]]
    apart = first_us[1:] - last_us[:-1] - MINUTE_US >= rule.quiet_minutes * MINUTE_US
    return first_us[np.append(True, apart)[: len(first_us)]], last_us[np.append(apart, True)[: len(last_us)]]


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
