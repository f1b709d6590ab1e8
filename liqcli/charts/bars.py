"""The panel below: how much per bucket of time, shorts up and longs down, on the time axis of the heat."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from liqcli.charts.picture import HeatmapPicture
from liqcli.charts.regions import LEAST_CASCADE_PX, widen
from liqcli.charts.shapes import rectangles
from liqcli.charts.sheet import Sheet
from liqcli.charts.ticks import nice_step
from liqcli.charts.units import format_amount, format_tick
from liqcli.charts.view import Sides, View

_WORDS, _STRIP = 12.5, 24  # size of the words; strip at the panel's upper edge that is theirs alone
_THINNEST = 1.6  # of a bar [px]


def draw_bars(axes: Axes, sheet: Sheet, picture: HeatmapPicture, view: View, sides: Sides) -> None:
    """Draw the bars, their zero line, the amounts at the right, and the words."""
    long, short = sides.long.sum(axis=0), sides.short.sum(axis=0)
    up, down = float(short.max(initial=0.0)), float(long.max(initial=0.0))
    span = (up + down) or 1.0
    free = view.bars.height - sheet.px(_STRIP) - sheet.px(8)
    per_px = span / free
    bottom = -down - sheet.px(8) * per_px
    axes.set_ylim(bottom, bottom + view.bars.height * per_px)
    starts = picture.grid.bucket_starts_us.astype(np.float64)
    pixel_us = (view.end_us - view.start_us) / view.bars.width
    width = max(
        picture.grid.bucket_us * (0.84 if picture.grid.bucket_us / pixel_us >= 4 else 1.0),
        sheet.px(_THINNEST) * pixel_us,
    )
    left = starts + (picture.grid.bucket_us - width) / 2
    for heights, color, name in ((short, sheet.theme.short, "bars short"), (-long, sheet.theme.long, "bars long")):
        axes.add_collection(
            PolyCollection(
                _columns(left, width, heights, per_px * sheet.px(1)),
                facecolors=color,
                edgecolors="none",
                antialiased=False,
                zorder=4,
                label=name,
            ),
            autolim=False,
        )
    axes.axhline(0.0, color=sheet.theme.muted, linewidth=sheet.points(0.8), alpha=0.7, zorder=5)
    _mark_cascades(axes, sheet, picture, view)
    _write_amounts(axes, sheet, picture.unit, view, (-down, up), (bottom, per_px))
    _write_words(sheet, picture.unit, view, long, short, len(picture.cascades))


def _mark_cascades(axes: Axes, sheet: Sheet, picture: HeatmapPicture, view: View) -> None:
    """Shade each cascade below the strip of words, at least three pixels wide; the tables give their numbers."""
    top = 1 - sheet.px(_STRIP) / view.bars.height
    least = sheet.px(LEAST_CASCADE_PX) * (view.end_us - view.start_us) / view.bars.width
    for start_us, end_us, _rank in picture.cascades:
        start, end = widen(start_us, end_us, least)
        axes.axvspan(start, end, ymax=top, color=sheet.theme.warn, alpha=0.28, linewidth=0, zorder=3, label="cascade")


def _columns(
    left: NDArray[np.float64], width: float, heights: NDArray[np.float64], least: float
) -> list[NDArray[np.float64]]:
    some = heights != 0
    shown = np.sign(heights) * np.maximum(np.abs(heights), least)  # a bucket with an event is never invisible
    return rectangles(left[some], left[some] + width, 0.0, shown[some])


def _write_amounts(
    axes: Axes, sheet: Sheet, unit: str, view: View, ends: tuple[float, float], ruler: tuple[float, float]
) -> None:
    bottom, per_px = ruler
    step = nice_step(max(sheet.px(34) * per_px, 1.0 if unit == "events" else 0.0))
    first, last = int(np.ceil(ends[0] / step)), int(np.floor(ends[1] / step))
    ticks = [k * step for k in range(first, last + 1)]
    axes.set_yticks(ticks, labels=[])
    axes.grid(axis="y", color=sheet.theme.grid, linewidth=sheet.points(0.8))
    for tick in ticks:
        y = view.bars.bottom + (tick - bottom) / per_px
        text = format_tick(abs(tick), unit)
        sheet.text(view.bars.right + sheet.px(6), y, text, 11.5, sheet.theme.muted, va="center_baseline")


def _write_words(
    sheet: Sheet, unit: str, view: View, long: NDArray[np.float64], short: NDArray[np.float64], cascades: int
) -> None:
    x, y = view.bars.left + sheet.px(8), view.bars.top - sheet.px(_STRIP) / 2 - sheet.px(1)
    for arrow, name, series, color in (
        ("▲", "shorts liquidated", short, sheet.theme.short),
        ("▼", "longs liquidated", long, sheet.theme.long),
    ):
        words = f"{arrow} {name}"
        peak = f"peak {format_amount(float(series.max(initial=0.0)), unit)} {unit}" if series.any() else "none"
        sheet.text(x, y, words, _WORDS, color, bold=True, va="center_baseline")
        x += sheet.text_width(words, _WORDS, bold=True) + sheet.px(7)
        sheet.text(x, y, peak, _WORDS, sheet.theme.muted, va="center_baseline")
        x += sheet.text_width(peak, _WORDS) + sheet.px(26)
    if cascades:
        words = f"▮ {cascades} cascade{'s' if cascades != 1 else ''}"
        if x + sheet.text_width(words, _WORDS, bold=True) <= view.bars.right:
            sheet.text(x, y, words, _WORDS, sheet.theme.warn, bold=True, va="center_baseline")
