"""The profile on the right: amounts by price, longs and shorts stacked, the top clusters labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.figure_spec import ClusterLabel, HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout, Sides
from liqcli.charts.text_fit import spread
from liqcli.core.formatting import format_share, format_usd

_LABEL_SIZE, _LABEL_HEIGHT = 12.5, 22
_MOST_LABELS = 10  # the report has a table of all
_FILL = 0.6  # of the panel height for labels, so that each stays near its cluster
_THINNEST = 1.6  # of a bar [px]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions of rank, amount and share in the labels. [px]"""

    chip: float
    amount_right: float
    share_right: float


def draw_profile(
    axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, sides: Sides
) -> list[tuple[int, Box]]:
    """Draw the stacked bars and label the top clusters; returns rank and box of each label."""
    long, short = sides.long.sum(axis=1), sides.short.sum(axis=1)
    chosen = choose_bands(picture.bands, int(_FILL * view.heat.height / sheet.px(_LABEL_HEIGHT)))
    columns = _columns(sheet, picture.unit, chosen, view)
    room = (columns.chip - sheet.px(16) - view.profile.left) / view.profile.width if chosen else 0.94
    largest = float((long + short).max())
    axes.set_xlim(0.0, (largest or 1.0) / room)
    _draw_bars(axes, sheet, view, picture.grid.price_edges, long, short)
    return _draw_bands(axes, sheet, view, chosen, columns, picture.unit)


def choose_bands(bands: Sequence[ClusterLabel], fits: int) -> list[ClusterLabel]:
    """Choose the clusters to label: as many of the best ranks as fit, sorted by price."""
    ranked = sorted(bands, key=lambda band: band.rank)[: max(min(fits, _MOST_LABELS), 0)]
    return sorted(ranked, key=lambda band: (band.low + band.high, -band.rank))


def _amount(band: ClusterLabel, unit: str) -> str:
    return format_usd(band.notional) + (
        "" if unit == "USD" else " USD"
    )  # clusters are always in USD, the bars may not be


def _columns(sheet: Canvas, unit: str, bands: list[ClusterLabel], view: HeatmapLayout) -> _Columns:
    amounts = [sheet.text_width(_amount(band, unit), _LABEL_SIZE, bold=True) for band in bands]
    shares = [sheet.text_width(format_share(band.share, 1.0), _LABEL_SIZE) for band in bands]
    share_right = view.profile.right - sheet.px(8)
    amount_right = share_right - max(shares, default=0.0) - sheet.px(9)
    return _Columns(amount_right - max(amounts, default=0.0) - sheet.px(18), amount_right, share_right)


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


def _draw_bands(
    axes: Axes, sheet: Canvas, view: HeatmapLayout, bands: list[ClusterLabel], columns: _Columns, unit: str
) -> list[tuple[int, Box]]:
    if not bands:
        return []
    theme, height = sheet.theme, sheet.px(_LABEL_HEIGHT)
    centres = [view.y((band.low + band.high) / 2) for band in bands]
    rows = spread(centres, height, view.heat.bottom + height / 2 + 2, view.heat.top - height / 2 - 2)
    to_x = axes.get_xlim()[1] / view.profile.width
    to_price = (view.high - view.low) / view.heat.height
    leaders, labels = [], []
    for band, row in zip(bands, rows, strict=True):
        axes.axhspan(
            band.low,
            band.high,
            facecolor=theme.band,
            edgecolor=theme.panel,
            linewidth=sheet.points(1.5),
            zorder=1,
            label="band",
        )
        start, end = (columns.chip - sheet.px(12)) - view.profile.left, columns.chip - view.profile.left
        middle = (band.low + band.high) / 2
        leaders.append([(start * to_x, middle), (end * to_x, view.low + (row - view.heat.bottom) * to_price)])
        labels.append((band.rank, _write_label(sheet, band, row, columns, unit)))
    axes.add_collection(
        LineCollection(leaders, colors=theme.muted, linewidths=sheet.points(0.9), alpha=0.8, zorder=8), autolim=False
    )
    return labels


def _write_label(sheet: Canvas, band: ClusterLabel, y: float, columns: _Columns, unit: str) -> Box:
    theme, width = sheet.theme, sheet.chip(columns.chip, y, band.rank).width
    reach = columns.share_right - columns.chip + width / 2 + sheet.px(5)
    back = Box(columns.chip - width / 2, y - sheet.px(10), reach, sheet.px(20))
    sheet.pill(back, theme.band, zorder=1.5)
    amount = _amount(band, unit)
    sheet.text(columns.amount_right, y, amount, _LABEL_SIZE, bold=True, ha="right", va="center_baseline")
    share = format_share(band.share, 1.0)
    sheet.text(columns.share_right, y, share, _LABEL_SIZE, theme.muted, ha="right", va="center_baseline")
    return back
