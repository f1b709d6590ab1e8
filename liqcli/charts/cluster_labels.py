"""The clusters on the heat: a faint bracket for each, with rank, price and USD where there is space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import ClusterLabel, HeatmapSpec
from liqcli.charts.free_space import FreeSpace
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.core.formatting import format_price, format_usd

MOST_LABELS = 10  # the report has a table of all
_SIZE, _HEIGHT = 12.5, 22
_ARM = 9  # of a bracket [px]
_LEAST_PX = 5  # height of a bracket [px]
_MOST_COVERED = 0.4  # of a label: it is left out where it would cover more data
_EVERY = 8  # distance of the places tried [px]


def choose_bands(bands: Sequence[ClusterLabel]) -> list[ClusterLabel]:
    """Choose the clusters to mark, best rank first."""
    return sorted(bands, key=lambda band: band.rank)[:MOST_LABELS]


def draw_clusters(
    axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, space: FreeSpace
) -> list[tuple[int, Box]]:
    """
    Draw the brackets and their labels; returns rank and box of each label.

    A label stands beside its bracket, as far right as possible, where it covers the least data.
    """
    chosen = [band for band in choose_bands(picture.bands) if band.high > view.low and band.low < view.high]
    _draw_brackets(axes, sheet, view, chosen)
    labels = []
    for band in chosen:
        box = _place(sheet, view, band, space)
        if box is not None:
            space.take([box])
            _write(sheet, band, box)
            labels.append((band.rank, box))
    return labels


def _draw_brackets(axes: Axes, sheet: Canvas, view: HeatmapLayout, bands: list[ClusterLabel]) -> None:
    """Draw faint lines along the edges of each band, and its bracket at the right end."""
    start, end = float(view.time.start_us), float(view.time.end_us)
    arm, inset = sheet.px(_ARM) * view.time.us_per_px, sheet.px(1.5) * view.time.us_per_px
    edges, brackets = [], []
    for band in bands:
        spare = max(sheet.px(_LEAST_PX) * view.per_px - (band.high - band.low), 0.0) / 2
        low, high = band.low - spare, band.high + spare
        edges += [[(start, low), (end, low)], [(start, high), (end, high)]]
        x = end - inset
        brackets.append([(x - arm, low), (x, low), (x, high), (x - arm, high)])
    for lines, style, name in (
        (edges, {"linewidths": sheet.points(0.8), "alpha": 0.3, "linestyles": [(0, (2, 3))]}, "cluster edges"),
        (brackets, {"linewidths": sheet.points(1.8), "alpha": 0.9}, "brackets"),
    ):
        axes.add_collection(
            LineCollection(lines, colors=sheet.theme.text, zorder=5.5, label=name, **style), autolim=False
        )


def label_words(band: ClusterLabel) -> str:
    """Write price and USD of a cluster, and its note: ``99,000 · 2.70M · new``."""
    parts = [band.price or format_price((band.low + band.high) / 2), format_usd(band.notional), band.note]
    return " · ".join(filter(None, parts))


def _chip_width(sheet: Canvas, rank: int) -> float:
    return max(sheet.px(18), sheet.text_width(str(rank), 11, bold=True) + sheet.px(8))


def _place(sheet: Canvas, view: HeatmapLayout, band: ClusterLabel, space: FreeSpace) -> Box | None:
    height = sheet.px(_HEIGHT)
    width = _chip_width(sheet, band.rank) + sheet.text_width(label_words(band), _SIZE, bold=True) + sheet.px(18)
    middle = (view.y(max(band.low, view.low)) + view.y(min(band.high, view.high))) / 2
    bottoms = [
        min(max(middle + shift * height, view.heat.bottom + 2), view.heat.top - height - 2)
        for shift in (-0.5, -0.05, -0.95)
    ]
    rightmost = view.heat.right - sheet.px(_ARM + 6) - width
    lefts = np.arange(rightmost, view.heat.left, -sheet.px(_EVERY))
    found = space.find(width, height, bottoms, lefts)
    return found[0] if found is not None and found[1] <= _MOST_COVERED else None


def _write(sheet: Canvas, band: ClusterLabel, box: Box) -> None:
    theme, y = sheet.theme, box.bottom + box.height / 2
    sheet.pill(box, theme.band, zorder=1.5)
    plate = _chip_width(sheet, band.rank)
    sheet.chip(box.left + sheet.px(3) + plate / 2, y, band.rank, theme.tag, theme.tag_text)
    sheet.text(box.left + plate + sheet.px(9), y, label_words(band), _SIZE, bold=True, va="center_baseline")
