"""Sum liquidations by distance from the last price, below and above it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.heatmap import ConservationError
from liqcli.core.model import BinWidth, HeatmapGrid
from liqcli.query.columns import RingRows

MOST_RINGS = 125  # on the longer side; with round steps at least 50
_MANTISSAS = (1, 2, 5)  # of a step: x 10^k
_NEAREST = 1e-3  # of the last price: with a single price, steps would be finer than any tick


@dataclass(frozen=True, slots=True)
class DistanceSums:
    """
    Sums on one side of the last price, between it and each distance.

    ``long_e6`` and ``short_e6``, shape ``(n_rings + 1,)``: entry ``i`` is the sum within ``i`` steps; entry 0 is 0, the
    last entry the total of that side. [1e-6 USD]
    """

    long_e6: NDArray[np.int64]
    short_e6: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CumulativeSums:
    """
    Sums outward from ``last_price`` [quote] in rings; ``step`` is the width of a ring as a fraction of it.

    ``above`` includes the last price itself. Both sides add up to the grid they were built for.
    """

    last_price: float
    step: BinWidth
    below: DistanceSums
    above: DistanceSums

    @property
    def step_pct(self) -> float:
        """Width of a ring. [%]"""
        return 100 * self.step.num / self.step.den


def build_cumulative(rows: RingRows, grid: HeatmapGrid, last_price: float) -> CumulativeSums:
    """
    Sum rings outward from the last price.

    Parameters
    ----------
    rows : RingRows
        Rings of the width that :func:`choose_ring` returns for the grid.
    grid : HeatmapGrid
        The grid of the same events.
    last_price : float
        [quote]

    Raises
    ------
    ConservationError
        The sum of the rings differs from the sum of the grid.

    References
    ----------
    ``liqcli/query/sql/cumulative.sql``.
    """
    step = choose_ring(float(grid.price_edges[0]), float(grid.price_edges[-1]), last_price)
    rings_e6, grid_e6 = int(rows.notional_e6.sum()), int(grid.notional_e6.sum())
    if rings_e6 != grid_e6:
        raise ConservationError(f"rings {rings_e6}, grid {grid_e6} [1e-6 USD]: please report this bug")
    return CumulativeSums(last_price, step, _sum_outward(rows, -1 - rows.ring), _sum_outward(rows, rows.ring))


def choose_ring(low: float, high: float, last_price: float) -> BinWidth:
    """Choose a step of {1, 2, 5} x 10^k of the last price so that the further edge is 50 to 125 steps away."""
    furthest = max(abs(low / last_price - 1), abs(high / last_price - 1), _NEAREST)
    least = furthest / MOST_RINGS
    exponent = math.floor(math.log10(least))
    scales = ((m, k) for k in (exponent, exponent + 1) for m in _MANTISSAS)
    mantissa, scale = next((m, k) for m, k in scales if m * 10.0**k >= least * (1 - 1e-9))
    return BinWidth(mantissa * 10 ** max(scale, 0), 10 ** max(-scale, 0))


def _sum_outward(rows: RingRows, distance: NDArray[np.int64]) -> DistanceSums:
    """Sum the rings on one side; ``distance`` counts rings from the last price and is negative on the other side."""
    mine = distance >= 0
    count = int(distance[mine].max()) + 1 if mine.any() else 0

    def accumulate(position: str) -> NDArray[np.int64]:
        chosen = mine & (rows.position == position)
        sums = np.zeros(count + 1, dtype=np.int64)
        sums[distance[chosen] + 1] = rows.notional_e6[chosen]
        return np.cumsum(sums)

    return DistanceSums(accumulate("long"), accumulate("short"))
