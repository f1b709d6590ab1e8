"""Estimate the levels of one window: calibrate before it, walk through it, sum by price and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.calibration import Calibration, calibrate
from liqcli.analysis.levels.field import (
    LevelField,
    Levels,
    Reach,
    SideBands,
    bin_standing,
    build_field,
    find_bands,
    make_edges,
    reach_outward,
)
from liqcli.analysis.levels.liquidation_price import find_rule
from liqcli.analysis.levels.lots import place_lots
from liqcli.analysis.levels.steps import Steps
from liqcli.analysis.levels.tier_tables import TierTable
from liqcli.analysis.levels.walk import Standing, Walk, walk_forward
from liqcli.analysis.price_bins import check_exact, check_size, choose_bin, choose_bucket
from liqcli.core.errors import EmptyWindowError
from liqcli.core.model import BinWidth, Window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TARGET_ROWS = 220
SHOWN_MASS = 0.75  # of each side's standing mass is on the price axis, if that is not too far away
NEAREST_REACH, FURTHEST_REACH = 0.03, 0.15  # of the last price


@dataclass(frozen=True, slots=True)
class Realized:
    """Realized liquidations per side and step, shape (2, n): ``usd`` [USD] and ``orders``."""

    usd: Floats
    orders: Ints


@dataclass(frozen=True, slots=True)
class LevelAxes:
    """Requested steps and range of the axes; None chooses them."""

    bucket_us: int | None = None
    bin: BinWidth | None = None
    bins: int | None = None
    price_range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LevelEstimate:
    """
    Estimated levels of a window.

    ``walk`` is the model run from ``walk.steps.ts_us[0]`` on, the field shows the window, ``standing`` what stands at
    its end, as ``levels`` by bin. ``longs`` and ``shorts`` are the sums outward from ``last_price``.
    """

    window: Window
    last_price: float
    bucket_us: int
    field: LevelField
    walk: Walk
    standing: Standing
    levels: Levels
    longs: Reach
    shorts: Reach
    long_bands: SideBands
    short_bands: SideBands
    calibration: Calibration
    tiers: TierTable

    @property
    def steps(self) -> Steps:
        """The candles and snapshots behind the estimate."""
        return self.walk.steps

    @property
    def interest_usd(self) -> float:
        """Open interest at the end. [USD]"""
        interest = float(self.steps.interest[-1])
        return interest * self.last_price if self.steps.kind == "linear" else interest


def estimate_levels(
    steps: Steps, realized: Realized, window: Window, tiers: TierTable, exchange: str, axes: LevelAxes | None = None
) -> LevelEstimate:
    """
    Estimate the levels of a window from what was known at each instant.

    Parameters
    ----------
    steps : Steps
        From before the window, as far back as known, to its end; all closed by then.
    realized : Realized
        Of the same steps; only those before the window are used.
    window : Window
        Half-open. [UTC]
    tiers : TierTable
        Margin tiers of the contract.
    exchange : str
        Whose formula applies.

    Raises
    ------
    EmptyWindowError
        No step in the window.
    """
    steps_inside = steps.closes_us > window.start_us
    if not steps_inside.any():
        raise EmptyWindowError("candles and open interest end before the window")
    axes = axes or LevelAxes()
    lots = place_lots(steps, tiers.tiers, rule=find_rule(exchange))
    calibration = calibrate(steps, lots, realized.usd, realized.orders, end_us=window.start_us)
    walk = walk_forward(steps, lots, calibration.weights, calibration.matching)
    standing = walk.standing_after(len(steps) - 1)
    last_price = float(steps.close[-1])
    bucket_us = axes.bucket_us or max(choose_bucket(window.length_us), steps.step_us)
    width, edges = _choose_rows(axes, steps.low[steps_inside], steps.high[steps_inside], standing, last_price)
    first = window.start_us - window.start_us % bucket_us
    starts_us = np.arange(first, window.end_us, bucket_us, dtype=np.int64)
    check_size(len(starts_us), len(edges) - 1, width)
    levels = bin_standing(standing, edges)
    longs, shorts = reach_outward(levels, last_price)
    long_bands, short_bands = find_bands(levels, last_price)
    return LevelEstimate(
        window=window,
        last_price=last_price,
        bucket_us=bucket_us,
        field=build_field(walk, starts_us, edges, width),
        walk=walk,
        standing=standing,
        levels=levels,
        longs=longs,
        shorts=shorts,
        long_bands=long_bands,
        short_bands=short_bands,
        calibration=calibration,
        tiers=tiers,
    )


def _choose_rows(
    axes: LevelAxes, lows: Floats, highs: Floats, standing: Standing, last_price: float
) -> tuple[BinWidth, Floats]:
    """Choose the bins: the traded prices, and most of what stands around the last price."""
    if axes.price_range is not None:
        low, high = axes.price_range
    else:
        reach = [_reach_of(standing, side, last_price) for side in (0, 1)]
        low = min(float(lows.min()), last_price * (1 - reach[0]))
        high = max(float(highs.max()), last_price * (1 + reach[1]))
    width = axes.bin or choose_bin(low, high, axes.bins or TARGET_ROWS)
    check_exact(high, width)
    return width, make_edges(low, high, width)


def _reach_of(standing: Standing, side: int, last_price: float) -> float:
    """Return the distance that holds most of what stands on one side, as a fraction of the last price."""
    mine = standing.side == side
    if not mine.any():
        return NEAREST_REACH
    distance = np.abs(standing.price[mine] / last_price - 1)
    order = np.argsort(distance, kind="stable")
    sums = np.cumsum(standing.notional[mine][order])
    far = float(distance[order][min(int(np.searchsorted(sums, SHOWN_MASS * sums[-1])), len(sums) - 1)])
    return min(max(far, NEAREST_REACH), FURTHEST_REACH)
