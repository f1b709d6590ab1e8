"""Layout of the heat map: the ranges of its axes and the position of its panels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.timeline import Timeline
from liqcli.core.choices import PositionFilter
from liqcli.core.model import PriceSeries

_ASIDE, _ASIDE_PORTRAIT = 270, 108  # profile and price labels; fixed, so that long labels do not narrow the cells [px]
_RANKS, _RANKS_PORTRAIT = 28, 22  # strip between heat and bars for the ranks of cascades [px]


@dataclass(frozen=True, slots=True)
class HeatmapLayout:
    """The panels of the page and the ranges of the two shared axes; ``interest`` is None without open interest."""

    header: Box
    heat: Box
    profile: Box
    bars: Box
    legend: Box
    time: Timeline
    low: float
    high: float
    interest: Box | None = None
    portrait: bool = False

    def y(self, price: float) -> float:
        """Height of a price. [px]"""
        return self.heat.bottom + self.heat.height * (price - self.low) / (self.high - self.low)

    @property
    def per_px(self) -> float:
        """Price per pixel. [quote]"""
        return (self.high - self.low) / self.heat.height

    @property
    def lowest(self) -> Box:
        """The lowest panel, which has the time labels."""
        return self.interest or self.bars


@dataclass(frozen=True, slots=True)
class Sides:
    """Longs and shorts in the unit of the heat map, shape (n_bins, n_buckets) each."""

    long: NDArray[np.float64]
    short: NDArray[np.float64]


def split_sides(picture: HeatmapSpec, shown: PositionFilter) -> Sides:
    """Select longs and shorts of the grid in the unit of the cells; a side that is not shown is 0."""
    grid = picture.grid
    pairs = {"USD": (grid.long_notional, grid.short_notional), "events": (grid.long_events, grid.short_events)}
    long, short = pairs.get(picture.unit, (grid.long_qty, grid.short_qty))
    return Sides(
        np.asarray(long, dtype=np.float64) * (shown != "short"),
        np.asarray(short, dtype=np.float64) * (shown != "long"),
    )


def time_span(picture: HeatmapSpec) -> tuple[int, int]:
    """Return the time axis: the window, without the parts of buckets outside it. [µs UTC]"""
    return picture.grid.window.interval


def clip_candles(prices: PriceSeries, start_us: int, end_us: int) -> PriceSeries:
    """Keep the candles of an interval that have all four prices."""
    keep = (prices.ts_us >= start_us) & (prices.ts_us < end_us)
    for column in (prices.open, prices.high, prices.low, prices.close):
        keep &= np.isfinite(column)
    return PriceSeries(
        prices.ts_us[keep],
        prices.open[keep],
        prices.high[keep],
        prices.low[keep],
        prices.close[keep],
        prices.step_us,
        prices.basis,
    )


def lay_out(
    sheet: Canvas, picture: HeatmapSpec, span: tuple[float, float], header_height: float, gutter: float
) -> HeatmapLayout:
    """
    Divide the page into panels: the heat with the profile beside it, the bars and open interest below.

    The legend stands under the profile, on a portrait page under everything. Edges of the heat are whole pixels, so
    that cells and field meet exactly.

    Parameters
    ----------
    sheet : Canvas
        The page.
    picture : HeatmapSpec
        Defines the time axis, and whether there is open interest.
    span : (float, float)
        The price axis. [quote]
    header_height, gutter : float
        Space for header and price labels. [px]
    """
    px = sheet.px
    portrait = sheet.height > sheet.width
    edge, between, margin = (px(10), px(4), px(4)) if portrait else (px(20), px(8), px(8))
    aside = px(_ASIDE_PORTRAIT if portrait else _ASIDE)
    legend_height = px(82) if portrait else 0.0
    foot = legend_height + (px(38) if portrait else px(40))
    interest_height = px(68) if picture.interest is not None else 0.0
    bars_height = px(74) if portrait else max(px(112), 0.11 * sheet.height)
    caption, ranks = px(26), px(_RANKS_PORTRAIT if portrait else _RANKS)
    left, width = math.floor(edge), math.floor(sheet.width - edge - between - aside)
    below = foot + interest_height + (px(10) if interest_height else 0.0)
    bottom = math.ceil(below + bars_height + ranks)
    heat = Box(left, bottom, width, math.floor(sheet.height - header_height - caption) - bottom)
    profile_width = max(aside - gutter - margin, px(24))
    profile = Box(heat.right + between, bottom, profile_width, heat.height)
    bars = Box(left, below, width, bars_height)
    interest = Box(left, foot, width, interest_height) if interest_height else None
    beside = heat.right + px(48)
    legend = Box(beside, px(10), sheet.width - px(16) - beside, bottom - px(20))
    if portrait:
        legend = Box(edge, px(8), sheet.width - 2 * edge, legend_height)
    header = Box(edge, sheet.height - header_height, sheet.width - 2 * edge, header_height)
    time = Timeline(*time_span(picture), heat.left, heat.right)
    return HeatmapLayout(header, heat, profile, bars, legend, time, *span, interest, portrait)
