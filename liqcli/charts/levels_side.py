"""The panel of what stands now: mass by price, and sums outward from the last price."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from liqcli.charts.axes import price_ticks
from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.levels_spec import LevelsSpec, MeasuredOutline
from liqcli.charts.text_fit import spread
from liqcli.core.formatting import format_usd

_SIZE, _ROW = 12, 19
_THINNEST = 1.4  # of a bar [px]
_ROOM = 0.66  # of the panel for the longest bar; the sums stand on the right


def draw_standing(axes: Axes, sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout) -> None:
    """Draw bars of mass by price, the curves of the sums, and the sums at round prices."""
    largest = max(float(picture.long.max(initial=0)), float(picture.short.max(initial=0))) or 1.0
    axes.set_xlim(0.0, largest / _ROOM)
    _draw_curves(axes, sheet, picture, largest / _ROOM)
    _draw_bars(axes, sheet, picture, view)
    if picture.measured is not None and picture.measured.largest > 0:
        _draw_measured(axes, sheet, picture.measured, picture.price_edges, largest)
    taken = [*_write_outside(sheet, picture, view), *_write_marks(sheet, picture, view, largest)]
    _write_sums(sheet, picture, view, taken)


def _draw_bars(axes: Axes, sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout) -> None:
    edges = picture.price_edges
    bin_px = view.heat.height * float(edges[1] - edges[0]) / (view.high - view.low)
    high = max(bin_px * (0.84 if bin_px >= 4 else 1.0), sheet.px(_THINNEST)) / bin_px
    middle, half = (edges[:-1] + edges[1:]) / 2, np.diff(edges) / 2 * high
    for mass, color, name in ((picture.long, sheet.theme.long, "longs"), (picture.short, sheet.theme.short, "shorts")):
        some = mass > 0
        axes.add_collection(
            PolyCollection(
                rectangles(np.zeros(some.sum()), mass[some], (middle - half)[some], (middle + half)[some]),
                facecolors=color,
                edgecolors="none",
                antialiased=False,
                zorder=4,
                label=name,
            ),
            autolim=False,
        )


def _draw_measured(
    axes: Axes, sheet: Canvas, measured: MeasuredOutline, edges: NDArray[np.float64], longest: float
) -> None:
    """Outline measured positions; their largest bin is as long as the longest bar, since they cover another share."""
    for mass, color in ((measured.long, sheet.theme.long), (measured.short, sheet.theme.short)):
        held = np.flatnonzero(mass)
        if not len(held):
            continue
        rows = slice(int(held[0]), int(held[-1]) + 1)
        x = np.concatenate([[0.0], np.repeat(mass[rows], 2), [0.0]]) / measured.largest * longest
        y = np.repeat(edges[rows.start : rows.stop + 1], 2)
        axes.plot(x, y, color=sheet.theme.text, linewidth=sheet.points(2.4), alpha=0.9, zorder=4.5)
        axes.plot(x, y, color=color, linewidth=sheet.points(1.0), zorder=4.6, label="measured")


def _draw_curves(axes: Axes, sheet: Canvas, picture: LevelsSpec, width: float) -> None:
    """Draw the sums outward from the last price as stepped areas, both on one scale."""
    top = max(float(picture.long_reach[1][-1]), float(picture.short_reach[1][-1])) or 1.0
    for (price, notional), color in (
        (picture.long_reach, sheet.theme.long),
        (picture.short_reach, sheet.theme.short),
    ):
        x = notional / top * width * 0.97
        axes.fill_betweenx(price, 0, x, facecolor=color, edgecolor="none", alpha=0.13, zorder=2)
        axes.plot(x, price, color=color, linewidth=sheet.points(1.6), alpha=0.9, zorder=3, label="sum")


def _write_outside(sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout) -> list[Box]:
    """Write what stands beyond the axis at its ends; returns the boxes of the texts."""
    boxes = []
    edge, height = sheet.px(4), sheet.px(_ROW)
    for arrow, amount, bottom, color in (
        ("▲", picture.short_outside, view.heat.top - height - edge, sheet.theme.short),
        ("▼", picture.long_outside, view.heat.bottom + edge, sheet.theme.long),
    ):
        if amount <= 0:
            continue
        text = f"{arrow} {format_usd(amount)} beyond"
        box = Box(view.profile.right - sheet.text_width(text, _SIZE, bold=True) - sheet.px(16), bottom, 0, height)
        box = Box(box.left, box.bottom, view.profile.right - edge - box.left, height)
        sheet.pill(box, sheet.theme.band, zorder=5)
        middle = box.left + sheet.px(6), bottom + height / 2
        label = sheet.text(*middle, text, _SIZE, color, bold=True, va="center_baseline")
        label.set_zorder(6)
        boxes.append(box)
    return boxes


def _write_marks(sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout, largest: float) -> list[Box]:
    """Label the nearest and the largest level of each side beside its bar; returns the boxes of the labels."""
    marks = sorted(picture.marks, key=lambda mark: mark.low)
    half, spare = sheet.px(_ROW) / 2, sheet.px(_ROW + 6)  # the texts of _write_outside
    rows = spread(
        [view.y((mark.low + mark.high) / 2) for mark in marks],
        2 * half,
        view.heat.bottom + half + 2 + spare * (picture.long_outside > 0),
        view.heat.top - half - 2 - spare * (picture.short_outside > 0),
    )
    taken = []
    for mark, y in zip(marks, rows, strict=True):
        color = sheet.theme.long if mark.position == "long" else sheet.theme.short
        text = f"{mark.word} {format_usd(mark.notional)}"
        width = sheet.text_width(text, _SIZE, bold=True) + sheet.px(12)
        start = view.profile.left + view.profile.width * _ROOM * mark.notional / largest + sheet.px(6)
        box = Box(min(start, view.profile.right - width - sheet.px(4)), y - half, width, 2 * half)
        sheet.pill(Box(box.left, y - sheet.px(9), width, sheet.px(18)), sheet.theme.band, zorder=5)
        label = sheet.text(box.left + sheet.px(6), y, text, _SIZE, color, bold=True, va="center_baseline")
        label.set_zorder(6)
        taken.append(box)
    return taken


def _write_sums(sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout, taken: list[Box]) -> None:
    """Write at each round price what is liquidated if price reaches it."""
    ticks, _step = price_ticks(sheet, view.low, view.high, view.heat.height)
    half = sheet.px(_ROW) / 2
    for tick in ticks:
        y = view.y(tick)
        price, notional = picture.long_reach if tick < picture.last_price else picture.short_reach
        order = np.argsort(price)
        amount = float(np.interp(tick, price[order], notional[order]))
        if not view.heat.bottom + half < y < view.heat.top - half or amount <= 0:
            continue
        text = f"Σ {format_usd(amount)}"
        width = sheet.text_width(text, _SIZE)
        box = Box(view.profile.right - width - sheet.px(8), y - half, width + sheet.px(8), 2 * half)
        if any(box.touches(other) for other in taken) or abs(y - view.y(picture.last_price)) < 2 * half:
            continue
        sheet.pill(Box(box.left - sheet.px(4), y - half, width + sheet.px(8), 2 * half), sheet.theme.panel, zorder=5)
        label = sheet.text(box.left, y, text, _SIZE, sheet.theme.text, va="center_baseline")
        label.set_zorder(6)
