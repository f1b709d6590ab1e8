"""The price axis on which clusters are searched: its step, its ends and the widest band, from the events alone.

Nothing here knows the drawn grid, so ``--bin`` and ``--bucket`` cannot change a cluster. The events are first added up
in bins so fine that no step of the search needs finer ones; the axis is made of whole fine bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth

Ints = NDArray[np.int64]

FINE_OF_PRICE, FINE_OF_RANGE = 1e-4, 1e-3  # a fine bin is a power of ten no larger than either of these parts
LEAST_OF_PRICE = 1e-7  # and not below this part of the highest price, else the edges were no longer exact
MOST_PLACES = 22  # 10^22 is the largest power of ten that a double holds exactly
SPAN_PART = 0.99  # the span is where this part of the USD lies: a small order far away does not stretch it
WIDEST_OF_PRICE = 0.004
WIDEST_OF_SPAN = 1 / 20
WIDEST_OF_AXIS = 1 / 10
STEPS_OF_WIDEST = 10
MARGIN_OF_SPAN, MARGIN_OF_PRICE = 0.5, 0.005  # the axis goes on to the last event within this part of either
ON_TICK = 0.95  # of the events lie on multiples of the tick
TICKS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)  # in fine bins


@dataclass(frozen=True, slots=True)
class PriceAxis:
    """
    ``n_steps`` equal steps of price, each ``size`` fine bins; the lowest is number ``first`` counted from price 0.

    ``fine`` is the width of a fine bin [quote]; a band may have ``widest`` steps, one that stands alone
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
        """Give the step that each fine bin lies in; below 0 or from ``n_steps`` on where it lies beyond the ends."""
        return bins // self.size - self.first


def choose_fine_width(lowest: float, highest: float) -> BinWidth:
    """Pick the width of the fine bins: a power of ten below a 10,000th of the price and a 1,000th of the range."""
    ideal = FINE_OF_PRICE * lowest
    if highest > lowest:
        ideal = min(ideal, FINE_OF_RANGE * (highest - lowest))
    ideal = max(ideal, LEAST_OF_PRICE * highest)
    return BinWidth.from_decimal(Decimal(1).scaleb(max(math.floor(math.log10(ideal)), -MOST_PLACES)))


def build_axis(fine: BinWidth, bins: Ints, usd_e6: Ints, events: Ints) -> PriceAxis:
    """
    Choose the axis from what the fine bins hold.

    The widest band has 0.4 % of the middle price, or a twentieth of the span where that is more; never more than a
    tenth of the axis, unless it stands alone. The axis ends at the last events near the span: an order far away, though
    inside the price range that a user asks for, changes neither. A step is about a tenth of the widest band, a multiple
    of the prices' tick.

    Parameters
    ----------
    fine : BinWidth
        Their width. [quote]
    bins, usd_e6, events : arrays of int64, shape ``(n,)``
        Numbers of the fine bins that hold events, rising; their USD [1e-6 USD] and events.
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
    # One step more than the width has: its edges fall inside steps.
    return PriceAxis(fine, size, first, last - first + 1, math.ceil(widest / size) + 1, math.ceil(alone / size) + 1)


def find_span(bins: Ints, usd_e6: Ints) -> tuple[int, int, int]:
    """Give the bins below which half a percent, half, and all but half a percent of the USD lie."""
    sums = np.cumsum(usd_e6)
    outside = (1 - SPAN_PART) / 2
    at = np.searchsorted(sums, np.array([outside, 0.5, 1 - outside]) * float(sums[-1]))
    low, middle, high = (int(bins[min(k, len(bins) - 1)]) for k in at.tolist())
    return low, middle, high


def find_tick(bins: Ints, events: Ints, most: float) -> int:
    """
    Give the largest round number of bins on whose multiples nearly all events lie: the bins between hold nothing.

    At most ``most``: a few events at round prices prove no tick.
    """
    total = int(events.sum())
    fitting = [k for k in TICKS if k <= max(most, 1) and int(events[bins % k == 0].sum()) >= ON_TICK * total]
    return max(fitting)


def _round_step(ideal: float) -> int:
    """Give the whole number of {1, 2, 5} x 10^k that is nearest by ratio."""
    if ideal <= 1:
        return 1
    exponent = math.floor(math.log10(ideal))
    steps: list[int] = [mantissa * 10**k for k in (exponent, exponent + 1) for mantissa in (1, 2, 5)]
    return min(steps, key=lambda step: abs(math.log(step / ideal)))
