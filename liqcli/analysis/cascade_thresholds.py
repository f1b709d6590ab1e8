"""
What an ordinary minute of a window holds, and how far above it a cascade starts and continues.

A cascade is many forced orders in a short time. Two figures of a minute must leave their baseline together, because
either alone misleads: USD alone would count one large order, the number of orders alone a swarm of tiny ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.thin_data import LEAST_USD
from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.query.columns import Ints, MinuteRows

MINUTE_US = 60 * US_PER_S
MAD_TO_SD = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """
    Thresholds of a cascade above the baseline.

    A minute starts a cascade at ``start_k`` spreads above the median, with at least ``min_orders`` orders, and
    continues it at ``stay_k`` spreads. A run of ``long_run`` minutes at the lower threshold is also a cascade when it
    holds in total what a starting minute must hold. ``quiet_minutes`` below the lower threshold end a cascade.
    Anything below ``least_usd`` [USD] is discarded, whatever the baseline.
    """

    start_k: float = 5.0
    stay_k: float = 3.0
    min_orders: int = 5
    long_run: int = 3
    quiet_minutes: int = 4
    least_usd: float = LEAST_USD


@dataclass(frozen=True, slots=True)
class Baseline:
    """
    An ordinary minute of a window: medians and median absolute deviations (MAD) over all covered minutes.

    Empty minutes count as 0. Every median is the lower one, so each figure is one that occurred. In a thin window more
    than half of the minutes are empty and both median and MAD are 0; the number of ``empty_minutes`` and the
    ``typical_order`` (median over the filled minutes of their mean order) then set the scale. USD in 1e-6 USD.
    """

    minutes: int
    empty_minutes: int
    usd_median: int
    usd_mad: int
    typical_order: int
    orders_median: int
    orders_mad: int


@dataclass(frozen=True, slots=True)
class CascadeThresholds:
    """Minimums of a minute that starts (hot) or continues (warm) a cascade. [1e-6 USD], orders"""

    hot_usd_e6: int
    hot_orders: int
    warm_usd_e6: int
    warm_orders: int


def count_covered_minutes(window: Window, gaps: Iterable[Interval], filled_us: Ints) -> int:
    """
    Count the clock minutes of a window that have data, empty ones included.

    A minute that overlaps a gap may be empty only because it was not recorded, so it counts only when it holds an
    event.

    Parameters
    ----------
    window : Window
        Half-open. [UTC]
    gaps : iterable of (start, end)
        Intervals without data. [µs UTC]
    filled_us : array of int64, shape ``(n,)``
        Starts of the minutes that hold events. [µs UTC]
    """
    first = window.start_us // MINUTE_US
    covered = np.ones(-(-window.end_us // MINUTE_US) - first, dtype=bool)
    for start, end in Intervals(gaps) & [window.interval]:
        covered[start // MINUTE_US - first : -(-end // MINUTE_US) - first] = False
    covered[filled_us // MINUTE_US - first] = True
    return int(covered.sum())


def measure_baseline(minutes: MinuteRows, covered: int) -> Baseline:
    """
    Measure an ordinary minute.

    Parameters
    ----------
    minutes : MinuteRows
        The minutes that hold events, at least one.
    covered : int
        Number of minutes with data, empty ones included.
    """
    empty = covered - len(minutes.minute_us)
    usd = np.concatenate([np.zeros(empty, dtype=np.int64), minutes.usd_e6])
    orders = np.concatenate([np.zeros(empty, dtype=np.int64), minutes.orders])
    usd_median, orders_median = _lower_median(usd), _lower_median(orders)
    return Baseline(
        minutes=covered,
        empty_minutes=empty,
        usd_median=usd_median,
        usd_mad=_lower_median(np.abs(usd - usd_median)),
        typical_order=_lower_median(minutes.usd_e6 // minutes.orders),
        orders_median=orders_median,
        orders_mad=_lower_median(np.abs(orders - orders_median)),
    )


def _lower_median(values: NDArray[Any]) -> int:
    return int(np.sort(values)[(len(values) - 1) // 2])


def find_thresholds(baseline: Baseline, rule: CascadeRule) -> CascadeThresholds:
    """
    Derive thresholds from the baseline; scaling every order by a factor scales the USD thresholds by it.

    Orders: m + k spreads + k² / 6, where m is the typical rate per minute and a spread is the larger of MAD x 1.4826
    and √m (the standard deviation of independent orders, Poisson). The last term corrects for the Poisson
    distribution's longer upper tail (Cornish-Fisher). m is the median, or -ln(share of empty minutes) in thin windows
    where the median is 0. With k = 5 independent orders exceed the threshold about once in a million minutes.

    USD: median + k x 1.4826 x MAD, and at least the threshold of orders times the typical order. The latter applies
    where most minutes are empty and the MAD is 0. (A minimum from the sums of the filled minutes would fail where it
    matters: in a thin window with one cascade most filled minutes belong to the cascade.)

    Returns
    -------
    CascadeThresholds
        Warm never above hot.
    """
    empty = baseline.empty_minutes / baseline.minutes
    rate = max(float(baseline.orders_median), -math.log(empty) if empty > 0 else 0.0)
    spread = max(math.sqrt(rate), MAD_TO_SD * baseline.orders_mad)

    def orders(k: float) -> int:
        return math.ceil(rate + k * spread + k * k / 6)

    def usd(k: float, least_orders: int) -> int:
        by_spread = math.ceil(baseline.usd_median + k * MAD_TO_SD * baseline.usd_mad)
        return max(1, by_spread, least_orders * baseline.typical_order)

    hot, warm = max(rule.min_orders, orders(rule.start_k)), orders(rule.stay_k)
    return CascadeThresholds(usd(rule.start_k, hot), hot, usd(rule.stay_k, warm), warm)
