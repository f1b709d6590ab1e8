"""The profile on the right: amounts by price, longs and shorts stacked, and the top clusters behind them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from liqcli.charts.canvas import Canvas, rectangles
from liqcli.charts.cluster_labels import choose_bands
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout, Sides

_THINNEST = 1.6  # of a bar [px]


def draw_profile(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, sides: Sides) -> None:
    """Draw the stacked bars, and the clusters as bands behind them."""
    long, short = sides.long.sum(axis=1), sides.short.sum(axis=1)
    axes.set_xlim(0.0, (float((long + short).max()) or 1.0) / 0.94)
    for band in choose_bands(picture.bands):
        axes.axhspan(band.low, band.high, facecolor=sheet.theme.band, edgecolor="none", zorder=1, label="band")
    _draw_bars(axes, sheet, view, picture.grid.price_edges, long, short)


def _draw_bars(
    axes: Axes,
    sheet: Canvas,
    view: HeatmapLayout,
    edges: NDArray[np.float64],
    long: NDArray[np.float64],
    short: NDArray[np.float64],
) -> None:
    bin_px = view.heat.height * float(edges[1] - edges[0]) / (view.high - view.low)
    high = max(bin_px * (0.84 if bin_px >= 4 else 1.0), sheet.px(_THINNEST)) / bin_px
    middle, half = (edges[:-1] + edges[1:]) / 2, np.diff(edges) / 2 * high
    for start, length, color, name in (
        (np.zeros_like(long), long, sheet.theme.long, "profile long"),
        (long, short, sheet.theme.short, "profile short"),
    ):
        some = length > 0
        axes.add_collection(
            PolyCollection(
                rectangles(start[some], (start + length)[some], (middle - half)[some], (middle + half)[some]),
                facecolors=color,
                edgecolors="none",
                antialiased=False,
                zorder=4,
                label=name,
            ),
            autolim=False,
        )
