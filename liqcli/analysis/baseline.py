"""What an ordinary minute of a window holds, and how far above it a cascade begins and goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.thin_data import LEAST_USD
from liqcli.intervals import Interval, clip_intervals
from liqcli.model import US_PER_S, Window

MINUTE_US = 60 * US_PER_S
MAD_TO_SD = 1.4826  # of a normal distribution

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """
    How far from the baseline a burst lies.

    ``start_k`` and ``stay_k`` spreads above the median begin and carry on a burst; a minute that begins one holds at
    least ``min_orders`` orders; ``long_run`` minutes in a row at the lower level are a burst too, when they hold
    together what the higher one asks of a minute; ``quiet_minutes`` below the level end it. A burst of less than
    ``least_usd`` is none, whatever the baseline says.
    """

    start_k: float = 5.0
    stay_k: float = 3.0
    min_orders: int = 5
    long_run: int = 3
    quiet_minutes: int = 4
    least_usd: float = LEAST_USD


@dataclass(frozen=True, slots=True)
class Levels:
    """What a minute must hold to begin (hot) or carry on (warm) a burst. [1e-6 USD], orders"""

    hot_usd_e6: int
    hot_orders: int
    warm_usd_e6: int
    warm_orders: int


def list_listened_minutes(window: Window, gaps: Iterable[Interval], filled: NDArray[np.generic]) -> NDArray[np.int64]:
    """
    List the clock minutes of a window that say something, empty ones included.

    A minute touched by a gap may look empty only because nobody listened, so it counts only when it holds a print
    (``filled``: starts of such minutes [µs]).

    Returns
    -------
    array of int64, shape (n_minutes,)
        Starts, rising. [µs UTC]
    """
    first = window.start_us // MINUTE_US
    heard = np.ones(-(-window.end_us // MINUTE_US) - first, dtype=bool)
    for start, end in clip_intervals(gaps, window.interval):
        heard[start // MINUTE_US - first : -(-end // MINUTE_US) - first] = False
    heard[np.asarray(filled, dtype=np.int64) // MINUTE_US - first] = True
    return (first + np.flatnonzero(heard).astype(np.int64)) * MINUTE_US


def find_levels(baseline: Columns, rule: CascadeRule) -> Levels:
    """
    Turn the baseline into levels; multiplying every size by a factor multiplies the USD levels by it.

    Orders: m + k spreads + k² / 6, where m is the middle rate a minute, a spread the larger of MAD x 1.4826 and √m
    (that of orders which come independently of each other, Poisson), and the last term stands for the Poisson
    distribution's longer upper tail (Cornish-Fisher). m is the median, or -ln(share of empty minutes) in thin windows
    where the median is 0. With k = 5 independent orders pass about once in a million minutes.

    USD: median + k x 1.4826 x MAD, but at least as many typical orders as the level of orders says. That is the floor
    where most minutes are empty and the MAD is 0. (A floor from the sums of the filled minutes would fail where it
    matters: in a thin window with one cascade the filled minutes are mostly the cascade's own.)

    Parameters
    ----------
    baseline : mapping of arrays
        The row of ``sql/cascade_baseline.sql``.
    rule : CascadeRule
        The two k and the smallest count.

    Returns
    -------
    Levels
        Warm never above hot.
    """
    row = {name: int(column[0]) for name, column in baseline.items()}
    empty = row["empty_minutes"] / row["minutes"]
    rate = max(float(row["orders_median"]), -math.log(empty) if empty > 0 else 0.0)
    spread = max(math.sqrt(rate), MAD_TO_SD * row["orders_mad"])

    def orders(k: float) -> int:
        return math.ceil(rate + k * spread + k * k / 6)

    def usd(k: float, least_orders: int) -> int:
        return max(
            1, math.ceil(row["usd_median"] + k * MAD_TO_SD * row["usd_mad"]), least_orders * row["typical_order"]
        )

    hot, warm = max(rule.min_orders, orders(rule.start_k)), orders(rule.stay_k)
    return Levels(usd(rule.start_k, hot), hot, usd(rule.stay_k, warm), warm)
