"""The legend: the scales of cells and field, the hues of the sides, and the hatching."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.colors import ListedColormap, to_rgb
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.field import Field
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.palettes import HeatNorm
from liqcli.charts.text_fit import cut
from liqcli.charts.ticks import round_ticks, scale_ticks
from liqcli.charts.timeline import GAP_WORDS
from liqcli.core.formatting import format_amount, format_duration, format_price, format_tick

SMOOTHED = "already liquidated, smoothed"
_WORDS, _TICKS = 12.5, 11.5
_BLOCK = 52  # height of a scale with its words [px]


def draw_legend(
    sheet: Canvas,
    picture: HeatmapSpec,
    view: HeatmapLayout,
    field: Field,
    norm: HeatNorm,
    glow: ListedColormap,
) -> None:
    """Draw the scale of the cells, the scale of the field and the swatches: stacked, or beside each other."""
    px, box = sheet.px, view.legend
    if view.portrait:
        half = (box.width - px(24)) / 2
        first = Box(box.left, box.bottom, half, box.height)
        second = Box(box.right - half, box.bottom, half, box.height)
    else:
        first, second = box, Box(box.left, box.bottom, box.width, box.height - px(_BLOCK))
    _draw_cell_scale(sheet, picture, first, norm)
    _draw_field_scale(sheet, picture, second, field, glow)
    note = second.top - px(_BLOCK) - px(9)
    rows = box.bottom + px(6) if view.portrait else note - px(22)
    room = box
    if view.portrait:
        _write_fitting(sheet, second.left, rows + px(1), second.width, (SMOOTHED, "smoothed"))
        room = first
    else:
        _write_fitting(sheet, box.left, note, box.width, (SMOOTHED,))
    _draw_swatches(sheet, Box(room.left, rows, room.width, px(14)), gaps=bool(picture.gaps) and not view.portrait)


def _draw_cell_scale(sheet: Canvas, picture: HeatmapSpec, box: Box, norm: HeatNorm) -> None:
    unit, step, px = picture.unit, picture.grid.bin.width, sheet.px
    largest = float(np.asarray(picture.values, dtype=np.float64).max(initial=0.0))
    cell = f"{format_duration(picture.grid.bucket_us)} × {format_price(step, step)}"
    words = (
        f"Cell: {unit} per {cell}, {norm.scale} scale",
        f"Cell: {unit} per {cell}, {norm.scale}",
        f"Cell: {unit} per {cell}",
        f"{unit} per {cell}",
        f"Cell: {unit}",
    )
    y = box.top - px(11)
    _write_fitting(sheet, box.left, y, box.width, words)
    top = f"max {format_amount(largest, unit)}"
    width = sheet.text_width(top, _TICKS, bold=True)
    sheet.text(box.right, y - px(31), top, _TICKS, bold=True, ha="right")
    scale = Box(box.left, box.bottom, box.width, y - px(6) - box.bottom)
    draw_color_scale(sheet, scale, unit, norm if largest > 0 else None, box.right - width - px(10))


def draw_color_scale(sheet: Canvas, box: Box, unit: str, norm: HeatNorm | None, right: float) -> None:
    """Draw the scale of the cells at the top of a box, with values of ``norm`` below it as far as ``right``. [px]"""
    px = sheet.px
    _draw_scale(sheet, Box(box.left, box.top - px(11), box.width, px(11)), sheet.palette)
    if norm is None:
        return
    if norm.scale == "percentile":
        ticks = [norm.value_at(place) for place in (0.25, 0.5, 0.75)]
    else:
        ticks = scale_ticks(norm.floor, norm.top, norm.scale == "log")
    _write_ticks(sheet, Box(box.left, box.top - px(25), box.width, px(12)), unit, ticks, norm.spread, right)


def _draw_field_scale(sheet: Canvas, picture: HeatmapSpec, box: Box, field: Field, glow: ListedColormap) -> None:
    unit, step, px = picture.unit, picture.grid.bin.width, sheet.px
    bin_words = format_price(step, step)
    words = (f"Field: {unit} so far per {bin_words}", f"{unit} so far per {bin_words}", f"Field: {unit} so far", unit)
    y = box.top - px(11)
    _write_fitting(sheet, box.left, y, box.width, words)
    _draw_scale(sheet, Box(box.left, y - px(17), box.width, px(11)), glow)
    if field.top > 0:
        room = Box(box.left, y - px(31), box.width, px(12))
        fine = sorted({*round_ticks(0.0, field.top, 4)[0], *round_ticks(0.0, field.top / 4, 2)[0]})
        ticks = [tick for tick in fine if 0 < tick <= field.top]
        _write_ticks(sheet, room, unit, ticks, field.place, room.right)


def _write_fitting(sheet: Canvas, x: float, y: float, room: float, versions: Sequence[str]) -> None:
    """Write the longest version that fits."""
    fitting = (words for words in versions if sheet.text_width(words, _WORDS) <= room)
    words = next(fitting, None) or cut(versions[-1], room, lambda t: sheet.text_width(t, _WORDS))
    sheet.text(x, y, words, _WORDS, sheet.theme.muted)


def _draw_scale(sheet: Canvas, box: Box, palette: ListedColormap) -> None:
    """Draw a palette from cold to hot on the background of the panel."""
    width, height = round(box.width), round(box.height)
    colors = palette(np.linspace(0, 1, width))
    strength = colors[:, 3:]
    mixed = strength * colors[:, :3] + (1 - strength) * np.array(to_rgb(sheet.theme.panel))
    pixels = np.broadcast_to(np.rint(255 * mixed).astype(np.uint8), (height, width, 3))
    sheet.figure.figimage(pixels, round(box.left), round(box.bottom))


def _write_ticks(
    sheet: Canvas,
    box: Box,
    unit: str,
    ticks: Sequence[float],
    place: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    right: float,
) -> None:
    """Write values below their colours, from the largest down, without overlaps."""
    free = right
    for tick in reversed(ticks):
        if unit == "events" and (tick < 1 or tick != round(tick)):
            continue
        text = format_tick(tick, unit)
        width = sheet.text_width(text, _TICKS)
        at = float(place(np.array([tick]))[0])
        left = min(max(box.left + at * box.width - width / 2, box.left), box.right - width)
        if left + width <= free:
            sheet.text(left, box.bottom, text, _TICKS, sheet.theme.muted)
            free = left - sheet.px(10)


def _draw_swatches(sheet: Canvas, box: Box, gaps: bool) -> None:
    theme, side = sheet.theme, sheet.px(11)
    x = box.left
    items: list[tuple[str, str, str | None]] = [("longs", theme.long, None), ("shorts", theme.short, None)]
    if gaps:
        items.append((GAP_WORDS, theme.gap, theme.muted))
    y = box.bottom
    for words, color, hatch in items:
        width = side + sheet.px(6) + sheet.text_width(words, _WORDS)
        if x > box.left and x + width > box.right:
            x, y = box.left, y - sheet.px(18)
        sheet.swatch(Box(x, y, side, side), color, hatch)
        sheet.text(x + side + sheet.px(6), y + side / 2, words, _WORDS, theme.text, va="center_baseline")
        x += width + sheet.px(14)
