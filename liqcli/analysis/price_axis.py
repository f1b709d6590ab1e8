"""
Choose the price axis of the cluster search: its step, its ends and the widest band, from the events alone.

The drawn grid plays no part, so ``--bin`` and ``--bucket`` cannot change a cluster. Events are first summed in bins
finer than any step of the search; the steps of the axis consist of whole fine bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth

Ints = NDArray[np.int64]

FINE_OF_PRICE, FINE_OF_RANGE = 1e-4, 1e-3  # a fine bin is a power of ten, no larger than either share
LEAST_OF_PRICE = 1e-7  # and at least this share of the highest price, so that edges stay exact
MOST_PLACES = 22  # 10^22 is the largest power of ten that a double holds exactly
SPAN_PART = 0.99  # of the USD lies in the span: a small order far away does not widen it
WIDEST_OF_PRICE = 0.004
WIDEST_OF_SPAN = 1 / 20
WIDEST_OF_AXIS = 1 / 10
STEPS_OF_WIDEST = 10
MARGIN_OF_SPAN, MARGIN_OF_PRICE = 0.5, 0.005  # the axis extends to the last event within either
ON_TICK = 0.95  # of the events must lie on multiples of the tick
TICKS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)  # in fine bins


@dataclass(frozen=True, slots=True)
class PriceAxis:
    """
    ``n_steps`` equal price steps of ``size`` fine bins each; the lowest one is number ``first``, counted from price 0.

    ``fine`` is the width of a fine bin [quote]. A band may have up to ``widest`` steps, one without neighbors up to
    ``widest_alone``.
    """

    fine: BinWidth
    size: int
    first: int
    n_steps: int
    widest: int
    widest_alone: int

    @property
    def step(self) -> BinWidth:
        """Width of a step. [quote]"""
        return BinWidth(self.fine.num * self.size, self.fine.den)

    def edge(self, k: int) -> float:
        """Lower edge of step ``k`` of the axis. [quote]"""
        return self.step.edge(self.first + k)

    @property
    def low(self) -> float:
        """Lower end of the axis. [quote]"""
        return self.edge(0)

    @property
    def high(self) -> float:
        """Upper end of the axis. [quote]"""
        return self.edge(self.n_steps)

    def place(self, bins: Ints) -> Ints:
        """Return the step of each fine bin; below 0 or at least ``n_steps`` for bins beyond the ends."""
        return bins // self.size - self.first


def choose_fine_width(lowest: float, highest: float) -> BinWidth:
    """Choose the width of the fine bins: a power of ten, at most 1/10,000 of the price and 1/1,000 of the range."""
    ideal = FINE_OF_PRICE * lowest
    if highest > lowest:
        ideal = min(ideal, FINE_OF_RANGE * (highest - lowest))
    ideal = max(ideal, LEAST_OF_PRICE * highest)
    return BinWidth.from_decimal(Decimal(1).scaleb(max(math.floor(math.log10(ideal)), -MOST_PLACES)))


def build_axis(fine: BinWidth, bins: Ints, usd_e6: Ints, events: Ints) -> PriceAxis:
    """
    Choose the axis from the contents of the fine bins.

    The widest band is 0.4% of the median price, or 1/20 of the span if that is more, and at most 1/10 of the axis
    unless it has no neighbors. The axis ends at the last events near the span, so an order far away, even inside a
    requested price range, changes neither. A step is about a tenth of the widest band and a multiple of the prices'
    tick.

    Parameters
    ----------
    fine : BinWidth
        Width of the fine bins. [quote]
    bins, usd_e6, events : arrays of int64, shape ``(n,)``
        Numbers of the fine bins that hold events, rising; their USD [1e-6 USD] and number of events.
    """
    low, middle, high = find_span(bins, usd_e6)
    span = high - low + 1
    margin = max(MARGIN_OF_SPAN * span, MARGIN_OF_PRICE * high)
    near = bins[(bins >= low - margin) & (bins <= high + margin)]
    lowest, highest = int(near[0]), int(near[-1])
    alone = max(WIDEST_OF_PRICE * middle, WIDEST_OF_SPAN * span)
    widest = min(alone, WIDEST_OF_AXIS * (highest - lowest + 1))
    tick = find_tick(bins, events, widest)
    size = tick * _round_step(widest / STEPS_OF_WIDEST / tick)
    first, last = lowest // size, highest // size
    # One extra step, because the edges of a band fall inside steps.
    return PriceAxis(fine, size, first, last - first + 1, math.ceil(widest / size) + 1, math.ceil(alone / size) + 1)


def find_span(bins: Ints, usd_e6: Ints) -> tuple[int, int, int]:
    """Find the bins below which 0.5%, 50% and 99.5% of the USD lie."""
    sums = np.cumsum(usd_e6)
    outside = (1 - SPAN_PART) / 2
    at = np.searchsorted(sums, np.array([outside, 0.5, 1 - outside]) * float(sums[-1]))
    low, middle, high = (int(bins[min(k, len(bins) - 1)]) for k in at.tolist())
    return low, middle, high


def find_tick(bins: Ints, events: Ints, most: float) -> int:
    """
    Find the largest round number of bins on whose multiples nearly all events lie.

    At most ``most``: a few events at round prices are no evidence of a tick.
    """
    total = int(events.sum())
    fitting = [k for k in TICKS if k <= max(most, 1) and int(events[bins % k == 0].sum()) >= ON_TICK * total]
    return max(fitting)


def _round_step(ideal: float) -> int:
    """Round to the nearest (by ratio) of {1, 2, 5} x 10^k."""
    if ideal <= 1:
        return 1
    exponent = math.floor(math.log10(ideal))
    steps: list[int] = [mantissa * 10**k for k in (exponent, exponent + 1) for mantissa in (1, 2, 5)]
    return min(steps, key=lambda step: abs(math.log(step / ideal)))
