"""USD per minute on a log scale: shorts up and longs down from one line, and the cascade threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from liqcli.charts.bars import STRIP, WORDS
from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.compact_layout import AXIS_SIZE
from liqcli.charts.figure_spec import CascadesSpec
from liqcli.charts.timeline import Timeline
from liqcli.core.formatting import format_tick, format_usd
from liqcli.core.model import US_PER_S

MINUTE_US = 60 * US_PER_S
_COLUMN_PX = 2.0  # minimum width of a bar; one that spans several minutes shows the largest of them
_DECADES = (2.0, 5.0)  # between the smallest and the largest bar
_LEAST_PX = 2.0  # a minute with an event is always visible


@dataclass(frozen=True, slots=True)
class RateScale:
    """The mirrored log axis: both sides start at ``zero`` [px] with ``floor`` [USD]; ``per_decade`` in px."""

    zero: float
    floor: float
    per_decade: float

    def reach(self, usd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of amounts from the zero line. [px]"""
        tall = self.per_decade * np.log10(np.maximum(usd, self.floor) / self.floor)
        return np.where(usd > 0, np.maximum(tall, _LEAST_PX), 0.0)


def fit_scale(sheet: Canvas, picture: CascadesSpec, box: Box) -> RateScale:
    """Divide the height of the panel between the sides by the number of decades each needs."""
    up, down = (float(side.max(initial=0.0)) for side in (picture.short, picture.long))
    top = max(up, down, 1.2 * picture.hot)
    filled = np.concatenate([picture.long[picture.long > 0], picture.short[picture.short > 0], [picture.hot]])
    usual = min(float(np.quantile(filled, 0.02)), picture.hot / 10)
    floor = min(max(usual, top / 10 ** _DECADES[1]), top / 10 ** _DECADES[0])
    # A side without events gets no space; the other one includes at least the threshold.
    decades = [math.log10(max(side, 1.2 * picture.hot) / floor) if side > 0 else 0.0 for side in (up, down)]
    room = box.height - sheet.px(STRIP) - sheet.px(10)
    per_decade = room / (sum(decades) or 1.0)
    return RateScale(sheet.px(5) + decades[1] * per_decade, floor, per_decade)


def find_step(sheet: Canvas, time: Timeline) -> int:
    """Choose the time per bar, a multiple of a minute, so that bars are wide enough. [µs]"""
    return max(1, math.ceil(sheet.px(_COLUMN_PX) * time.us_per_px / MINUTE_US)) * MINUTE_US


def draw_rate(axes: Axes, sheet: Canvas, picture: CascadesSpec, box: Box, time: Timeline) -> None:
    """Draw the minutes, the threshold, and the amounts on the right; the panel's y axis is in pixels."""
    scale = fit_scale(sheet, picture, box)
    axes.set_ylim(0.0, box.height)
    step = find_step(sheet, time)
    starts, (long, short) = _largest(picture, step)
    for side, way, color, name in (
        (short, 1, sheet.theme.short, "minutes short"),
        (long, -1, sheet.theme.long, "minutes long"),
    ):
        some = side > 0
        tips = scale.zero + way * scale.reach(side[some])
        low, high = np.minimum(tips, scale.zero), np.maximum(tips, scale.zero)
        axes.add_collection(
            PolyCollection(
                rectangles(starts[some], starts[some] + step, low, high),
                facecolors=color,
                edgecolors="none",
                antialiased=False,
                zorder=4,
                label=name,
            ),
            autolim=False,
        )
    axes.axhline(scale.zero, color=sheet.theme.muted, linewidth=sheet.points(0.8), alpha=0.7, zorder=5)
    ways = [way for way, side in ((1, picture.short), (-1, picture.long)) if side.any()]
    level = float(scale.reach(np.array([picture.hot]))[0])
    for way in ways:
        axes.axhline(
            scale.zero + way * level,
            color=sheet.theme.warn,
            linewidth=sheet.points(1.2),
            linestyle=(0, (5, 3)),
            zorder=6,
            label="level",
        )
    _write_amounts(axes, sheet, box, scale, ways)


def write_rate_words(sheet: Canvas, picture: CascadesSpec, box: Box, time: Timeline) -> None:
    """Describe the bars and the cascade threshold in the strip above them, as far as they fit."""
    theme, step = sheet.theme, find_step(sheet, time)
    what = "USD per minute" if step == MINUTE_US else f"USD in the largest minute of each {step // MINUTE_US}"
    ordinary = f"median minute {format_usd(picture.median)}"
    begins = f"cascade threshold {format_usd(picture.hot)} USD and {picture.hot_orders} orders per minute"
    x, y = box.left + sheet.px(8), box.top - sheet.px(STRIP) / 2 - sheet.px(1)
    for words, color, bold in (
        ("▲ shorts", theme.short, True),
        ("▼ longs", theme.long, True),
        (f"liquidated, {what}, log scale", theme.muted, False),
        (f"╌ {begins}", theme.warn, True),
        (ordinary, theme.muted, False),
    ):
        width = sheet.text_width(words, WORDS, bold=bold)
        if x + width > box.right:
            return
        sheet.text(x, y, words, WORDS, color, bold=bold, va="center_baseline")
        x += width + sheet.px(12)


def _largest(picture: CascadesSpec, step: int) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Return the largest minute per bar, separately for longs and shorts."""
    columns = picture.minutes_us // step
    first = np.flatnonzero(np.diff(columns, prepend=columns[:1] - 1))
    return columns[first] * step, [np.maximum.reduceat(side, first) for side in (picture.long, picture.short)]


def _write_amounts(axes: Axes, sheet: Canvas, box: Box, scale: RateScale, ways: list[int]) -> None:
    """Write the decades on both sides of the zero line, without overlaps."""
    decade = math.ceil(math.log10(scale.floor) - 1e-9)
    marks = [10.0**k for k in range(decade, decade + 7)]
    free = sheet.px(AXIS_SIZE * 1.5)
    lines = []
    for way in ways:
        last = -free / 2
        for mark in marks:
            reach = scale.per_decade * math.log10(mark / scale.floor)
            y = scale.zero + way * reach
            if reach - last < free or not sheet.px(4) < y < box.height - sheet.px(STRIP):
                continue
            last = reach
            lines.append(y)
            text = format_tick(mark, "USD")
            sheet.text(
                box.right + sheet.px(8), box.bottom + y, text, AXIS_SIZE, sheet.theme.muted, va="center_baseline"
            )
    sheet.rule(axes, across=lines)
