"""
Find bursts of liquidations: minutes far above the window's own baseline, joined with those that lead in and out.

The events of one exchange, symbol, position and second are the fills of one order, so an order filled in 40 pieces
counts once. :mod:`liqcli.analysis.cascade_thresholds` defines how much a minute must hold, and
:mod:`liqcli.analysis.cascades` measures the bursts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
from liqcli.core.intervals import Interval
from liqcli.core.model import Window
from liqcli.query.columns import Ints, MinuteRows


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
