"""The frame of a picture: which times and prices its axes span, and where on the page that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec, Shown
from liqcli.charts.timeline import Timeline
from liqcli.core.model import PriceSeries


@dataclass(frozen=True, slots=True)
class HeatmapLayout:
    """The rooms of the page and the ranges of its two shared axes."""

    header: Box
    heat: Box
    profile: Box
    bars: Box
    legend: Box
    time: Timeline
    low: float
    high: float

    def y(self, price: float) -> float:
        """Where a price stands. [px]"""
        return self.heat.bottom + self.heat.height * (price - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Sides:
    """Longs and shorts in the unit of the picture, shape (n_bins, n_buckets) each."""

    long: NDArray[np.float64]
    short: NDArray[np.float64]


def split_sides(picture: HeatmapSpec, shown: Shown) -> Sides:
    """Take the two sides out of the grid in the unit that the cells show; the side not shown is 0."""
    grid = picture.grid
    pairs = {"USD": (grid.long_notional, grid.short_notional), "events": (grid.long_events, grid.short_events)}
    long, short = pairs.get(picture.unit, (grid.long_qty, grid.short_qty))
    return Sides(
        np.asarray(long, dtype=np.float64) * (shown != "short"),
        np.asarray(short, dtype=np.float64) * (shown != "long"),
    )


def time_span(picture: HeatmapSpec) -> tuple[int, int]:
    """The time axis: the window, not the rest of the buckets that reach beyond its ends. [µs UTC]"""
    return picture.grid.window.interval


def clip_candles(prices: PriceSeries, start_us: int, end_us: int) -> PriceSeries:
    """Keep the candles of a stretch of time whose four prices are all there."""
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
    Share the page out.

    Parameters
    ----------
    sheet : Sheet
        The page.
    picture : HeatmapPicture
        Gives the range of the time axis.
    span : (float, float)
        The price axis. [quote]
    header_height, gutter : float
        What title and price labels need. [px]
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
