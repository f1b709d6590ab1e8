"""The cells by time and price, the mark of the largest one, and the words in gaps."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.free_space import FreeSpace
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.palettes import HeatNorm
from liqcli.charts.timeline import GAP_WORDS, visible_gaps
from liqcli.core.formatting import format_amount

_CELL_PX = 5  # minimum side of a cell
_RIM_FROM_PX = 6  # smaller cells have no rim
_RIM = 1.0  # [px]
_RING = 2.2  # around the largest cell [px]
_GAP_SIZE, _MARK_SIZE = 12, 12.5

Floats = NDArray[np.float64]


def draw_cells(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, norm: HeatNorm) -> None:
    """
    Draw the non-empty cells, coldest first, each at least a few pixels large around its centre.

    An image would lose cells smaller than its pixels, such as a short burst within a month. A rim in the colour of the
    page separates a cell from the field and from its neighbours.
    """
    values = np.asarray(picture.values, dtype=np.float64)
    rows, columns = np.nonzero(values > 0)
    order = np.argsort(values[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    x, y, half_x, half_y = _centre(sheet, picture, view)
    x, y = x[columns], y[rows]
    rim_x, rim_y = (
        sheet.px(_RIM) * step if half / step >= sheet.px(_RIM_FROM_PX) / 2 else 0.0
        for half, step in ((half_x, view.time.us_per_px), (half_y, view.per_px))
    )
    if rim_x or rim_y:
        axes.add_collection(
            PolyCollection(
                rectangles(x - half_x, x + half_x, y - half_y, y + half_y),
                facecolors=sheet.theme.halo,
                edgecolors="none",
                antialiased=False,
                alpha=0.85,
                zorder=2.9,
                label="cell rims",
            ),
            autolim=False,
        )
    half_x, half_y = half_x - rim_x / 2, half_y - rim_y / 2
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


def _centre(sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout) -> tuple[Floats, Floats, float, float]:
    """Return the centres of buckets [µs UTC] and bins [quote], and half the size of a drawn cell in both."""
    grid, least = picture.grid, sheet.px(_CELL_PX)
    x = np.asarray(grid.bucket_starts_us + grid.bucket_us / 2, dtype=np.float64)
    y = np.asarray((grid.price_edges[:-1] + grid.price_edges[1:]) / 2, dtype=np.float64)
    half_x = max(grid.bucket_us, least * view.time.us_per_px) / 2
    half_y = max(grid.bin.width, least * view.per_px) / 2
    return x, y, half_x, half_y


def cover_cells(space: FreeSpace, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout) -> None:
    """Mark the places of the cells."""
    rows, columns = np.nonzero(np.asarray(picture.values) > 0)
    x, y, half_x, half_y = _centre(sheet, picture, view)
    left = view.time.left + (x[columns] - half_x - view.time.start_us) / view.time.us_per_px
    bottom = view.heat.bottom + (y[rows] - half_y - view.low) / view.per_px
    wide, tall = 2 * half_x / view.time.us_per_px, 2 * half_y / view.per_px
    space.cover(left, left + wide, bottom, bottom + tall, weight=2)


def find_largest(picture: HeatmapSpec) -> tuple[int, int] | None:
    """Return row and column of the largest cell, the earliest and then the lowest of equals; None without any."""
    values = np.asarray(picture.values, dtype=np.float64)
    if not values.size or not values.max() > 0:
        return None
    column, row = np.unravel_index(int(np.argmax(values.T)), values.T.shape)
    return int(row), int(column)


def mark_largest(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, space: FreeSpace) -> None:
    """Draw a ring around the largest cell, and write its value beside it."""
    found = find_largest(picture)
    if found is None:
        return
    row, column = found
    x, y, half_x, half_y = _centre(sheet, picture, view)
    wide, tall = sheet.px(_RING) * view.time.us_per_px, sheet.px(_RING) * view.per_px
    corner = float(x[column]) - half_x - wide / 2, float(y[row]) - half_y - tall / 2
    for color, width, zorder in ((sheet.theme.halo, 1.5 * _RING, 5.9), (sheet.theme.ring, _RING, 6.0)):
        axes.add_patch(
            Rectangle(
                corner,
                2 * half_x + wide,
                2 * half_y + tall,
                facecolor="none",
                edgecolor=color,
                linewidth=sheet.points(width),
                joinstyle="miter",
                zorder=zorder,
                label="ring" if color == sheet.theme.ring else "ring rim",
            )
        )
    words = f"max {format_amount(float(np.asarray(picture.values)[row, column]), picture.unit)}"
    width, height = sheet.text_width(words, _MARK_SIZE, bold=True) + sheet.px(10), sheet.px(20)
    half = half_x / view.time.us_per_px + sheet.px(6), half_y / view.per_px + sheet.px(6)
    middle = view.time.x(float(x[column])), view.y(float(y[row]))
    space.take([Box(middle[0] - half[0], middle[1] - half[1], 2 * half[0], 2 * half[1])])
    aside = [middle[0] + half[0] + sheet.px(6), middle[0] - half[0] - sheet.px(6) - width]
    above = [middle[0] + shift * width for shift in (-0.5, -0.8, -0.2, -1.0, 0.0)]
    places = (
        space.find(width, height, [middle[1] - height / 2], aside),
        space.find(width, height, [middle[1] + half[1] + 6, middle[1] - half[1] - 6 - height], above),
    )
    best = min((place for place in places if place is not None), key=lambda place: place[1], default=None)
    if best is None:
        return
    box = best[0]
    space.take([box])
    sheet.pill(box, sheet.theme.band)
    sheet.text(box.left + sheet.px(5), box.bottom + height / 2, words, _MARK_SIZE, bold=True, va="center_baseline")


def write_gaps(sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, space: FreeSpace) -> None:
    """
    Write "not recorded" into each gap that is wide enough, vertically where necessary.

    A gap without a place free of data and labels gets no text.
    """
    wide, tall = sheet.text_width(GAP_WORDS, _GAP_SIZE), sheet.px(_GAP_SIZE * 1.4)
    edge = sheet.px(10)
    for start, end in visible_gaps(picture.gaps, view.time):
        left, right = view.time.x(start), view.time.x(end)
        upright = right - left < wide + sheet.px(14)
        if right - left < tall + sheet.px(2):
            continue
        width, height = (tall, wide) if upright else (wide, tall)
        bottoms = view.heat.top - edge - height, view.heat.bottom + edge
        found = space.find(width, height, bottoms, [(left + right - width) / 2])
        if found is None or found[1] > 0:
            continue
        x, y, turn = (left + right) / 2, found[0].bottom + height / 2, 90 if upright else 0
        sheet.text(x, y, GAP_WORDS, _GAP_SIZE, sheet.theme.muted, ha="center", va="center", rotation=turn)
        space.take([found[0]])
