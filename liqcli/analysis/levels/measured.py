"""Levels of measured positions: what an exchange says liquidates them, beside the estimate and apart from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.estimate import LevelEstimate
from liqcli.analysis.levels.field import Levels, SideBands, bin_standing, find_bands
from liqcli.analysis.levels.lots import SIDES
from liqcli.analysis.levels.walk import Standing
from liqcli.core.positions import OpenPosition

Floats = NDArray[np.float64]
COMPARED, COMPARED_STEP = 0.25, 0.005  # log price: how far from the price shapes are compared, in bins of this width
TOP = 0.2  # of these bins
LEAST_COMPARED = 20  # positions of a side


@dataclass(frozen=True, slots=True)
class SideComparison:
    """
    The estimate against the measured positions of one side, both at the time of the snapshot.

    ``correlation`` over price bins of 0.5 % up to 25 % from the price; ``top_share`` of the measured USD that lies in
    the fifth of these bins with the most estimated mass (an even spread has 0.2); median distances from the price. [%]
    """

    positions: int
    correlation: float
    top_share: float
    measured_median_pct: float
    estimated_median_pct: float


@dataclass(frozen=True, slots=True)
class MeasuredSide:
    """
    One side: ``positions``, their ``size`` and that of those without a liquidation price [base coins].

    ``covered`` is the share of open interest, None if that is unknown; ``reached`` the notional whose liquidation price
    was traded since the snapshot, which is not part of the levels [USD].
    """

    positions: int
    size: float
    size_without_price: float
    covered: float | None
    reached: float
    bands: SideBands
    comparison: SideComparison | None


@dataclass(frozen=True, slots=True)
class MeasuredLevels:
    """Measured levels on the price axis of an estimate; ``sides`` are longs and shorts."""

    ts_us: int
    levels: Levels
    sides: tuple[MeasuredSide, MeasuredSide]


def measure_levels(
    positions: Sequence[OpenPosition], ts_us: int, interest: float | None, estimate: LevelEstimate
) -> MeasuredLevels:
    """
    Sum positions by liquidation price, and compare them with an estimate.

    Parameters
    ----------
    positions : sequence of OpenPosition
        Of one linear contract at ``ts_us`` [µs UTC].
    interest : float or None
        Open interest of the contract then, of one side. [base coins]
    estimate : LevelEstimate
        Gives the price axis, the prices since the snapshot, and what the estimate was then.
    """
    held = _stand(positions)
    steps = estimate.steps
    later = steps.ts_us >= ts_us
    lowest = min([estimate.last_price, *steps.low[later].tolist()])
    highest = max([estimate.last_price, *steps.high[later].tolist()])
    reached = np.where(held.side == 0, held.price >= lowest, held.price <= highest)
    levels = bin_standing(_take(held, ~reached), estimate.field.price_edges)
    bands = find_bands(levels, estimate.last_price)
    step = steps.count_until(ts_us) - 1
    then = estimate.walk.standing_after(step) if step >= 0 else None
    sides = []
    for side, position in enumerate(SIDES):
        own = [row for row in positions if row.position == position]
        size = sum(row.size for row in own)
        sides.append(
            MeasuredSide(
                positions=len(own),
                size=size,
                size_without_price=sum(row.size for row in own if row.liquidation_price is None),
                covered=size / interest if interest else None,
                reached=float(held.notional[reached & (held.side == side)].sum()),
                bands=bands[side],
                comparison=None if then is None else _compare(held, then, side, float(steps.close[step])),
            )
        )
    return MeasuredLevels(ts_us, levels, (sides[0], sides[1]))


def _stand(positions: Sequence[OpenPosition]) -> Standing:
    """Place positions at their liquidation prices; the notional is that at these prices."""
    rows = [row for row in positions if row.liquidation_price is not None]
    price = np.array([row.liquidation_price for row in rows], dtype=np.float64)
    size = np.array([row.size for row in rows], dtype=np.float64)
    side = np.array([SIDES.index(row.position) for row in rows], dtype=np.int8)
    leverage = np.array([row.leverage or np.nan for row in rows], dtype=np.float64)
    return Standing(price, side, leverage, size, size * price)


def _take(standing: Standing, kept: NDArray[np.bool_]) -> Standing:
    return Standing(
        standing.price[kept],
        standing.side[kept],
        standing.leverage[kept],
        standing.contracts[kept],
        standing.notional[kept],
    )


def _compare(measured: Standing, estimated: Standing, side: int, price: float) -> SideComparison | None:
    """Compare the shapes of one side; None with too few positions or without an estimate."""
    sign = -1.0 if side == 0 else 1.0
    edges = np.arange(0, COMPARED + COMPARED_STEP / 2, COMPARED_STEP)
    masses, medians, counts = [], [], []
    for standing in (measured, estimated):
        distance = sign * np.log(standing.price / price)
        near = (standing.side == side) & (distance >= 0) & (distance < edges[-1])
        masses.append(np.histogram(distance[near], edges, weights=standing.notional[near])[0])
        medians.append(_find_median(distance[near], standing.notional[near]))
        counts.append(int(near.sum()))
    if counts[0] < LEAST_COMPARED or not masses[1].any():
        return None
    found, model = masses
    top = np.argsort(-model, kind="stable")[: round(TOP * len(model))]
    return SideComparison(
        positions=counts[0],
        correlation=float(np.corrcoef(found, model)[0, 1]) if found.std() > 0 and model.std() > 0 else 0.0,
        top_share=float(found[top].sum() / found.sum()),
        measured_median_pct=100 * abs(float(np.expm1(sign * medians[0]))),
        estimated_median_pct=100 * abs(float(np.expm1(sign * medians[1]))),
    )


def _find_median(values: Floats, weights: Floats) -> float:
    """Return the weighted median; 0 without values."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)]) if len(values) else 0.0
