"""Bars over time: shorts up and longs down from one zero line, and shaded cascades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.ticks import nice_step
from liqcli.charts.timeline import Timeline, widen
from liqcli.core.formatting import format_amount, format_tick

LEAST_CASCADE_PX = 3  # minimum width of a cascade [px]
STRIP = 24  # height of the strip at the upper edge that is reserved for text [px]
WORDS = 12.5  # size of its text
_THINNEST = 1.6  # of a bar [px]
_RIBBON = 4  # height of a cascade's mark at the panel's upper edge [px]

Burst = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class BarSeries:
    """Amounts per interval of ``step_us`` [µs], starting at ``starts_us``, shape ``(n,)`` each, in ``unit``."""

    starts_us: NDArray[np.int64]
    step_us: int
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    unit: str


@dataclass(frozen=True, slots=True)
class BarPanel:
    """The panel of the bars: ``box`` [px], time axis, and value axis from ``bottom``, ``per_px`` units per pixel."""

    box: Box
    time: Timeline
    bottom: float
    per_px: float

    def y(self, value: float) -> float:
        """Height of an amount; longs are negative. [px]"""
        return self.box.bottom + (value - self.bottom) / self.per_px


def plan_bars(sheet: Canvas, box: Box, time: Timeline, series: BarSeries) -> BarPanel:
    """Fit the value axis to the highest bar of each side, below the text and the ribbons."""
    up, down = float(series.short.max(initial=0.0)), float(series.long.max(initial=0.0))
    per_px = ((up + down) or 1.0) / (box.height - sheet.px(STRIP + _RIBBON + 2) - sheet.px(8))
    return BarPanel(box, time, -down - sheet.px(8) * per_px, per_px)


def draw_bars(axes: Axes, sheet: Canvas, panel: BarPanel, series: BarSeries) -> None:
    """Draw the bars, the zero line, and the amounts on the right."""
    axes.set_ylim(panel.bottom, panel.bottom + panel.box.height * panel.per_px)
    pixel_us = panel.time.us_per_px
    share = 0.84 if series.step_us / pixel_us >= 4 else 1.0  # thin bars have no space between them
    width = max(series.step_us * share, sheet.px(_THINNEST) * pixel_us)
    left = series.starts_us.astype(np.float64) + (series.step_us - width) / 2
    sides = (series.short, sheet.theme.short, "bars short"), (-series.long, sheet.theme.long, "bars long")
    for heights, color, name in sides:
        axes.add_collection(
            PolyCollection(
                _columns(left, width, heights, panel.per_px * sheet.px(1)),
                facecolors=color,
                edgecolors="none",
                antialiased=False,
                zorder=4,
                label=name,
            ),
            autolim=False,
        )
    axes.axhline(0.0, color=sheet.theme.muted, linewidth=sheet.points(0.8), alpha=0.7, zorder=5)
    _write_amounts(axes, sheet, panel, series.unit)


def shade_cascades(
    axes: Axes, sheet: Canvas, time: Timeline, cascades: Sequence[Burst], height: float, strip: float = 0
) -> None:
    """
    Mark each cascade, at least three pixels wide: a ribbon at the upper edge of the panel and a faint band below it.

    ``height`` is that of the panel, ``strip`` the space above the ribbon. [px]
    """
    top = 1 - strip / height
    least = sheet.px(LEAST_CASCADE_PX) * time.us_per_px
    stretches = [widen(start_us, end_us, least) for start_us, end_us, _rank in cascades]
    starts, ends = np.array(stretches, dtype=np.float64).reshape(-1, 2).T
    ribbon = top - sheet.px(_RIBBON) / height
    for low, alpha, name in ((0.0, 0.13, "cascades"), (ribbon, 1.0, "cascade ribbons")):
        axes.add_collection(
            PolyCollection(
                rectangles(starts, ends, low, top),
                transform=axes.get_xaxis_transform(),
                facecolors=sheet.theme.warn,
                edgecolors="none",
                antialiased=False,
                alpha=alpha,
                zorder=3,
                label=name,
            ),
            autolim=False,
        )


def write_words(sheet: Canvas, box: Box, series: BarSeries, cascades: Sequence[Burst]) -> None:
    """Write the sides, their peaks and the other elements into the strip over the bars, as far as they fit."""
    x, y = box.left + sheet.px(8), box.top - sheet.px(STRIP) / 2 - sheet.px(1)
    for words, color, note in _list_words(sheet, series, cascades):
        width = sheet.text_width(words, WORDS, bold=True)
        if x + width > box.right:
            return
        sheet.text(x, y, words, WORDS, color, bold=True, va="center_baseline")
        x += width + sheet.px(7)
        if note and x + sheet.text_width(note, WORDS) <= box.right:
            sheet.text(x, y, note, WORDS, sheet.theme.muted, va="center_baseline")
            x += sheet.text_width(note, WORDS) + sheet.px(6)
        x += sheet.px(18)


def _list_words(sheet: Canvas, series: BarSeries, cascades: Sequence[Burst]) -> list[tuple[str, str, str]]:
    """List the items of the strip: bold text, its colour, and a muted note."""

    def peak(side: NDArray[np.float64]) -> str:
        return f"peak {format_amount(float(side.max()), series.unit)} {series.unit}" if side.any() else "none"

    theme = sheet.theme
    items = [
        ("▲ shorts liquidated", theme.short, peak(series.short)),
        ("▼ longs liquidated", theme.long, peak(series.long)),
    ]
    if cascades:
        items.append((f"▮ {len(cascades)} cascade{'s' if len(cascades) != 1 else ''}", theme.warn, ""))
    return items


def _columns(
    left: NDArray[np.float64], width: float, heights: NDArray[np.float64], least: float
) -> list[NDArray[np.float64]]:
    some = heights != 0
    shown = np.sign(heights) * np.maximum(np.abs(heights), least)  # a bucket with an event is always visible
    return rectangles(left[some], left[some] + width, 0.0, shown[some])


def _write_amounts(axes: Axes, sheet: Canvas, panel: BarPanel, unit: str) -> None:
    step = nice_step(max(sheet.px(24) * panel.per_px, 1.0 if unit == "events" else 0.0))
    lowest = panel.bottom + sheet.px(8) * panel.per_px
    highest = panel.bottom + (panel.box.height - sheet.px(STRIP)) * panel.per_px
    first, last = int(np.ceil(lowest / step)), int(np.floor(highest / step))
    ticks = [k * step for k in range(first, last + 1)]
    sheet.rule(axes, across=ticks)
    for tick in ticks:
        text = format_tick(abs(tick), unit)
        sheet.text(panel.box.right + sheet.px(6), panel.y(tick), text, 11.5, sheet.theme.muted, va="center_baseline")
