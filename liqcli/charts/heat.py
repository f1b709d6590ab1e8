"""The heat: cells by time and price, translucent bands of cumulative sums behind them, and gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.palettes import HeatNorm
from liqcli.charts.timeline import GAP_WORDS, visible_gaps

BAND_POWER = 0.58  # below 1, so that the second and third band stay visible beside the largest
_CELL_PX = 5  # minimum side of a cell
_BAND_PX = 11  # minimum height of a band
_GAP_SIZE = 12


def band_colors(so_far: NDArray[np.float64], glow: ListedColormap) -> NDArray[np.uint8]:
    """
    Colour the cumulative sums around each price: hue and opacity grow with the sum.

    Parameters
    ----------
    so_far : ndarray, shape (n_bins, n_buckets)
        Running sums along time.
    glow : ListedColormap
        From least to most, with opacity.

    Returns
    -------
    ndarray of uint8, shape (n_bins, n_buckets, 4)
        RGBA; transparent where the sum is 0.
    """
    top = float(so_far.max()) if so_far.size else 0.0
    strength = np.power(so_far / top, BAND_POWER) if top > 0 else np.zeros_like(so_far)
    colors: NDArray[np.uint8] = glow(strength, bytes=True)
    colors[so_far <= 0] = 0
    return colors


@dataclass(frozen=True, slots=True)
class Bands:
    """Cumulative sums over ``bins`` neighbours, centred on each bin: shape (n_bins, n_buckets)."""

    bins: int
    so_far: NDArray[np.float64]


def sum_bands(picture: HeatmapSpec, sheet: Canvas, view: HeatmapLayout) -> Bands:
    """
    Sum along time, and for each bin over enough neighbours for a visible band.

    The sums slide from bin to bin, so a band is centred on its events and neighbours blend. Nothing is added beyond
    the grid.
    """
    grid = picture.grid
    least = sheet.px(_BAND_PX) / view.heat.height * (view.high - view.low) / grid.bin.width
    side = min(math.ceil(max(least - 1.0, 0.0) / 2), len(grid.price_edges) - 2)
    rows = np.cumsum(np.asarray(picture.values, dtype=np.float64), axis=1)
    padded = np.pad(rows, ((side, side), (0, 0)))
    # Summed one by one: a difference of two running totals would leave rounding errors in empty bins.
    so_far = sum((padded[k : k + len(rows)] for k in range(2 * side + 1)), start=np.zeros_like(rows))
    return Bands(2 * side + 1, so_far)


def draw_heat(
    axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, colors: NDArray[np.uint8], norm: HeatNorm
) -> None:
    """Draw coloured bands and cells on the panel of time and price."""
    grid = picture.grid
    left = float(grid.bucket_starts_us[0])
    right = left + grid.bucket_us * len(grid.bucket_starts_us)
    style: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "resample": False}
    axes.imshow(
        colors,
        extent=(left, right, float(grid.price_edges[0]), float(grid.price_edges[-1])),
        zorder=1,
        label="bands",
        **style,
    )
    _draw_cells(axes, sheet, picture, view, norm)


def _draw_cells(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, norm: HeatNorm) -> None:
    """
    Draw the non-empty cells, coldest first, each at least a few pixels large around its centre.

    An image would lose cells smaller than its pixels, such as a short burst within a month.
    """
    grid, values = picture.grid, np.asarray(picture.values, dtype=np.float64)
    rows, columns = np.nonzero(values > 0)
    order = np.argsort(values[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    x = grid.bucket_starts_us[columns] + grid.bucket_us / 2
    y = (grid.price_edges[rows] + grid.price_edges[rows + 1]) / 2
    least = sheet.px(_CELL_PX)
    half_x = max(grid.bucket_us, least * view.time.us_per_px) / 2
    half_y = max(grid.bin.width, least * (view.high - view.low) / view.heat.height) / 2
    cells = PolyCollection(
        rectangles(x - half_x, x + half_x, y - half_y, y + half_y),
        array=values[rows, columns],
        cmap=sheet.palette,
        norm=norm,
        edgecolors="none",
        antialiased=False,
        zorder=3,
        label="cells",
    )
    axes.add_collection(cells, autolim=False)


def write_gaps(
    sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, prices: NDArray[np.float64], taken: Sequence[Box]
) -> None:
    """
    Write "not recorded" into each gap that is wide enough, vertically where necessary.

    Parameters
    ----------
    sheet, picture, view
        The page, its content and its layout.
    prices : ndarray, shape (n, 3)
        Time [µs UTC], lowest and highest price [quote] of the drawn candles or line; the text avoids them.
    taken : sequence of Box
        Boxes of text already placed; a gap without free space gets no text.
    """
    wide, tall = sheet.text_width(GAP_WORDS, _GAP_SIZE), sheet.px(_GAP_SIZE * 1.4)
    edge = sheet.px(10)
    for start, end in visible_gaps(picture.gaps, view.time):
        left, right = view.time.x(start), view.time.x(end)
        upright = right - left < wide + sheet.px(14)
        if right - left < tall + sheet.px(2):
            continue
        width, height = (tall, wide) if upright else (wide, tall)
        inside = prices[(prices[:, 0] >= start) & (prices[:, 0] <= end)]
        lowest = view.y(float(inside[:, 1].min(initial=view.high)))
        highest = view.y(float(inside[:, 2].max(initial=view.low)))
        at_top = view.heat.top - highest, view.heat.top - edge - height
        at_bottom = lowest - view.heat.bottom, view.heat.bottom + edge
        for air, bottom in (at_top, at_bottom):
            box = Box((left + right - width) / 2, bottom, width, height)
            if air >= height + 1.4 * edge and not any(box.touches(other) for other in taken):
                x, y, turn = (left + right) / 2, bottom + height / 2, 90 if upright else 0
                sheet.text(x, y, GAP_WORDS, _GAP_SIZE, sheet.theme.muted, ha="center", va="center", rotation=turn)
                break
