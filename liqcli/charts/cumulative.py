"""The figure of USD liquidated within x% of the last price: cumulative sums, longs and shorts stacked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.compact_layout import (
    COMPACT,
    EDGE,
    DrawnFigure,
    ValueAxis,
    draw_compact,
    list_axis,
    write_axis,
)
from liqcli.charts.figure_spec import CumulativeSpec
from liqcli.charts.header import draw_header, plan_header
from liqcli.charts.hit_regions import Page, Region
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.formatting import format_axis, format_price, format_usd, price_decimals

_ROW, _SIZE = 21, 12.5  # of the numbers below the curve [px]
_APART = 92  # minimum distance between columns of numbers [px]
_NARROWEST = 0.1  # minimum share of the width for a side
_FEWEST_STEPS = 25  # minimum steps per side in a window with one price
_MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class _DistanceAxis:
    """The distance axis: ``zero`` [px] is the last price, a step is ``per_step`` wide [px]."""

    box: Box
    zero: float
    per_step: float

    def x(self, steps: float) -> float:
        """Position of a number of steps from the last price, negative below it. [px]"""
        return self.zero + steps * self.per_step


@dataclass(frozen=True, slots=True)
class _Side:
    """One side: ``way`` is -1 below and 1 above the last price; sums within 0, 1, 2 … steps. [USD]"""

    way: int
    word: str
    long: NDArray[np.float64]
    short: NDArray[np.float64]

    @property
    def words(self) -> str:
        """The side in words; the last price itself belongs to the upper side."""
        return "below" if self.way < 0 else "at or above"

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.long) - 1

    @property
    def total(self) -> float:
        """Total of this side. [USD]"""
        return float(self.long[-1] + self.short[-1])

    def within(self, steps: int) -> tuple[float, float]:
        """Return longs and shorts within a number of steps. [USD]"""
        k = min(steps, self.steps)
        return float(self.long[k]), float(self.short[k])


def draw_cumulative(
    picture: CumulativeSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    size: tuple[int, int] = COMPACT,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw cumulative sums by distance from the last price.

    Regions: panel 0; step, with keys counted from the last price: -1 is the first one below it, 0 the first above.

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    return draw_compact(_compose, picture, theme, palette, size, dpi)


def _compose(sheet: Canvas, picture: CumulativeSpec) -> list[Region]:
    px = sheet.px
    head = plan_header(sheet, picture)
    draw_header(sheet, picture, head)
    below = _Side(-1, "below", picture.below_long, picture.below_short)
    above = _Side(1, "above", picture.above_long, picture.above_short)
    headings = ("from last price", "price", "▲ shorts, USD", "▼ longs, USD")
    left = px(EDGE) + max(sheet.text_width(text, _SIZE, bold=True) for text in headings) + px(20)
    foot = px(_ROW) * len(headings) + px(22)
    box = Box(left, foot, sheet.width - left - px(80), sheet.height - head.height - foot - px(26))
    ruler = _plan_ruler(box, below, above)
    axes = sheet.axes(box, "sums")
    axes.set_xlim((box.left - ruler.zero) / ruler.per_step, (box.right - ruler.zero) / ruler.per_step)
    top = max(below.total, above.total) or 1.0
    axis = ValueAxis(box, 0.0, (1 + _MARGIN) * top)
    ticks, step = list_axis(sheet, axis, 52)
    write_axis(sheet, axes, axis, [(tick, format_axis(tick, step, "USD")) for tick in ticks if tick > 0])
    for side in (below, above):
        _draw_side(axes, sheet, side)
        _write_total(sheet, ruler, side, box.width / 2 - px(10))
    axes.axvline(0.0, color=sheet.theme.text, linewidth=sheet.points(1.0), linestyle=(0, (5, 4)), alpha=0.8, zorder=7)
    _write_numbers(sheet, picture, ruler, (below, above), headings)
    page = Page(sheet.width, sheet.height)
    steps = [
        page.region("step", key, Box(ruler.x(key), box.bottom, ruler.per_step, box.height))
        for key in range(-below.steps, above.steps)
    ]
    return [page.region("panel", 0, box), *steps]


def _plan_ruler(box: Box, below: _Side, above: _Side) -> _DistanceAxis:
    """Place the last price so that both sides fit at the same scale."""
    longer = max(above.steps, below.steps)
    least = _NARROWEST / (1 - _NARROWEST) * longer if longer >= _FEWEST_STEPS else _FEWEST_STEPS
    left, right = max(below.steps, least), max(above.steps, least)
    per_step = box.width / ((left + right) * (1 + _MARGIN / 2))
    zero = box.left + per_step * left + (box.width - per_step * (left + right)) / 2
    return _DistanceAxis(box, zero, per_step)


def _draw_side(axes: Axes, sheet: Canvas, side: _Side) -> None:
    """Draw shorts stacked on longs as steps."""
    edge = max(abs(limit) for limit in axes.get_xlim() if limit * side.way >= 0)
    # The sum of a step counts from its outer edge on, so no event appears too near the last price.
    x = side.way * np.append(np.arange(side.steps + 1, dtype=np.float64), edge)
    long, short = (np.append(sums, sums[-1]) for sums in (side.long, side.short))
    both = long + short
    layers = ((np.zeros_like(both), long, sheet.theme.long, "long"), (long, both, sheet.theme.short, "short"))
    for low, high, color, name in layers:
        label = f"{side.word} {name}"
        axes.fill_between(
            x, low, high, step="post", facecolor=color, edgecolor="none", alpha=0.75, zorder=3, label=label
        )
    axes.step(
        x, both, where="post", color=sheet.theme.text, linewidth=sheet.points(1.4), zorder=5, label=f"{side.word} total"
    )


def _write_total(sheet: Canvas, ruler: _DistanceAxis, side: _Side, room: float) -> None:
    """Write the total above each side; longs and shorts only where both fit into ``room`` [px]."""
    theme = sheet.theme
    total = f"{format_usd(side.total)} USD"
    whole, brief = (f"{side.words} the last price: {total}", theme.text), (f"{side.words}: {total}", theme.text)
    parts = [
        (f"▼ longs {format_usd(float(side.long[-1]))}", theme.long),
        (f"▲ shorts {format_usd(float(side.short[-1]))}", theme.short),
    ]
    for words in ([whole, *parts], [brief, *parts], [whole], [brief]):
        widths = [sheet.text_width(text, 13, bold=True) + sheet.px(18) for text, _ in words]
        if sum(widths) <= room:
            break
    x = ruler.box.left if side.way < 0 else ruler.box.right - sum(widths) + sheet.px(18)
    for (text, color), width in zip(words, widths, strict=True):
        sheet.text(x, ruler.box.top + sheet.px(9), text, 13, color, bold=True)
        x += width


def _round_multiples(picture: CumulativeSpec, ruler: _DistanceAxis, apart: float) -> int:
    """Choose the number of steps between two columns of numbers: round in percent, and wide enough."""
    multiple = 1
    while True:
        percent = multiple * picture.step_pct
        mantissa = percent / 10 ** math.floor(math.log10(percent) + 1e-9)
        if multiple * ruler.per_step >= apart and any(abs(mantissa - m) < 1e-6 for m in (1, 2, 2.5, 5)):
            return multiple
        multiple += 1


def _write_numbers(
    sheet: Canvas, picture: CumulativeSpec, ruler: _DistanceAxis, sides: tuple[_Side, _Side], headings: tuple[str, ...]
) -> None:
    """Write the sums within each round distance below the curve, separately for longs and shorts."""
    theme, px = sheet.theme, sheet.px
    colors = (theme.text, theme.muted, theme.short, theme.long)
    ys = [ruler.box.bottom - px(22) - row * px(_ROW) for row in range(len(headings))]
    for y, heading, color in zip(ys, headings, (theme.muted, *colors[1:]), strict=True):
        sheet.text(px(EDGE), y, heading, _SIZE, color, bold=color is not theme.muted)
    for steps, cells in _list_columns(sheet, picture, ruler, sides):
        half = max(sheet.text_width(cell, _SIZE, bold=True) for cell in cells) / 2
        x = ruler.x(steps)
        if not ruler.box.left + half <= x <= ruler.box.right + px(40) - half:
            continue
        sheet.line((x, ruler.box.bottom), (x, ruler.box.bottom - px(6)), theme.muted)
        for y, cell, color in zip(ys, cells, colors, strict=True):
            sheet.text(x, y, cell, _SIZE, color, bold=color is not theme.muted, ha="center")


def _list_columns(
    sheet: Canvas, picture: CumulativeSpec, ruler: _DistanceAxis, sides: tuple[_Side, _Side]
) -> list[tuple[int, list[str]]]:
    """List the columns of numbers: steps from the last price, and distance, price, shorts and longs as text."""
    step = 10.0 ** (math.floor(math.log10(picture.last_price)) - 4)  # five significant digits
    wide = sheet.text_width(format_price(9.9 * 10**4 * step, step), _SIZE, bold=True) + sheet.px(16)
    every = _round_multiples(picture, ruler, max(wide, sheet.px(_APART)))
    decimals = price_decimals(round(every * picture.step_pct, 9))
    columns = [(0, ["last price", format_price(picture.last_price), "", ""])]
    for side in sides:
        edge = ruler.box.right if side.way > 0 else ruler.box.left
        for k in range(every, int(abs(edge - ruler.zero) / ruler.per_step) + every, every):
            percent = side.way * k * picture.step_pct
            if percent < -100:  # prices would be negative
                break
            price = format_price(picture.last_price * (1 + percent / 100), step)
            long, short = side.within(k)
            columns.append((side.way * k, [f"{percent:+,.{decimals}f}%", price, format_usd(short), format_usd(long)]))
    return columns
