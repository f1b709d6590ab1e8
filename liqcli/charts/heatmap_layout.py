"""Layout of the heat map: the ranges of its axes and the position of its panels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.timeline import Timeline
from liqcli.core.choices import PositionFilter
from liqcli.core.model import PriceSeries


@dataclass(frozen=True, slots=True)
class HeatmapLayout:
    """The panels of the page and the ranges of the two shared axes."""

    header: Box
    heat: Box
    profile: Box
    bars: Box
    legend: Box
    time: Timeline
    low: float
    high: float

    def y(self, price: float) -> float:
        """Height of a price. [px]"""
        return self.heat.bottom + self.heat.height * (price - self.low) / (self.high - self.low)


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
    Divide the page into panels.

    Parameters
    ----------
    sheet : Canvas
        The page.
    picture : HeatmapSpec
        Defines the time axis.
    span : (float, float)
        The price axis. [quote]
    header_height, gutter : float
        Space for header and price labels. [px]
    """
    px = sheet.px
    edge, between = px(28), px(10)
    caption = px(26)
    bars_height = max(px(148), 0.15 * sheet.height)
    foot = px(44)
    profile_width = min(max(0.185 * sheet.width, px(230)), px(330))
    heat_width = sheet.width - edge - profile_width - between - gutter - px(10)
    bottom = foot + bars_height + caption
    heat_height = sheet.height - header_height - caption - bottom
    heat = Box(edge, bottom, heat_width, heat_height)
    profile = Box(heat.right + between, bottom, profile_width, heat_height)
    bars = Box(edge, foot, heat_width, bars_height)
    aside = profile.left + px(44)
    legend = Box(aside, px(14), sheet.width - px(20) - aside, bottom - px(24))
    header = Box(edge, sheet.height - header_height, sheet.width - 2 * edge, header_height)
    time = Timeline(*time_span(picture), heat.left, heat.right)
    return HeatmapLayout(header, heat, profile, bars, legend, time, *span)
