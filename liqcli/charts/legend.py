"""The legend: the scales of the colours, the hues of the sides, and the hatching."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap, to_rgb

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heat import Bands
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.palettes import HeatNorm
from liqcli.charts.text_fit import cut
from liqcli.charts.ticks import scale_ticks
from liqcli.charts.timeline import GAP_WORDS
from liqcli.core.formatting import format_amount, format_duration, format_price, format_tick
from liqcli.core.model import BinWidth

_WORDS, _TICKS = 12.5, 11.5


def draw_legend(
    sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, bands: Bands, colors: tuple[HeatNorm, ListedColormap]
) -> None:
    """Draw the scale of the cells, the scale of the bands and the swatches, from top to bottom."""
    box, px = view.legend, sheet.px
    norm, glow = colors
    values = np.asarray(picture.values, dtype=np.float64)
    largest = float(values.max(initial=0.0))
    most = float(bands.so_far.max(initial=0.0))
    unit, step = picture.unit, picture.grid.bin
    height = BinWidth(step.num * bands.bins, step.den).width
    cell = f"{format_duration(picture.grid.bucket_us)} × {format_price(step.width, step.width)}"
    band = format_price(height, height)
    y = box.top - px(15)
    words = (f"Cell: {unit} per {cell}, {norm.scale} scale", f"Cell: {unit}, {norm.scale} scale", f"Cell: {norm.scale}")
    _write_line(sheet, box, y, words, f"max {format_amount(largest, unit)}")
    _draw_scale(sheet, Box(box.left, y - px(21), box.width, px(12)), sheet.palette)
    if largest > 0:
        _write_ticks(sheet, Box(box.left, y - px(38), box.width, px(12)), unit, norm)
    y -= px(66)
    head = f"Band: cumulative {unit}"
    captions = (f"{head} per {band}", head)
    _write_line(sheet, box, y, captions, f"max {format_amount(most, unit)}")
    _draw_scale(sheet, Box(box.left, y - px(17), box.width, px(8)), glow)
    _draw_swatches(sheet, Box(box.left, y - px(50), box.width, px(14)), gaps=bool(picture.gaps))


def _write_line(sheet: Canvas, box: Box, y: float, versions: tuple[str, ...], amount: str) -> None:
    """Write the longest version that fits beside the amount."""
    room = box.width - sheet.text_width(amount, _WORDS, bold=True) - sheet.px(12)
    fitting = (words for words in versions if sheet.text_width(words, _WORDS) <= room)
    words = next(fitting, None) or cut(versions[-1], room, lambda t: sheet.text_width(t, _WORDS))
    sheet.text(box.left, y, words, _WORDS, sheet.theme.muted)
    sheet.text(box.right, y, amount, _WORDS, bold=True, ha="right")


def _draw_scale(sheet: Canvas, box: Box, palette: ListedColormap) -> None:
    """Draw a palette from cold to hot on the background of the panel."""
    width, height = round(box.width), round(box.height)
    colors = palette(np.linspace(0, 1, width))
    strength = colors[:, 3:]
    mixed = strength * colors[:, :3] + (1 - strength) * np.array(to_rgb(sheet.theme.panel))
    pixels = np.broadcast_to(np.rint(255 * mixed).astype(np.uint8), (height, width, 3))
    sheet.figure.figimage(pixels, round(box.left), round(box.bottom))


def _write_ticks(sheet: Canvas, box: Box, unit: str, norm: HeatNorm) -> None:
    if norm.scale == "percentile":
        ticks = [norm.value_at(place) for place in (0.25, 0.5, 0.75)]
    else:
        ticks = scale_ticks(norm.floor, norm.top, norm.scale == "log")
    free = box.left
    for tick in ticks:
        if unit == "events" and (tick < 1 or tick != round(tick)):
            continue
        text = format_tick(tick, unit)
        width = sheet.text_width(text, _TICKS)
        place = float(norm.spread(np.array([tick]))[0])
        left = min(max(box.left + place * box.width - width / 2, box.left), box.right - width)
        if left >= free:
            sheet.text(left, box.bottom, text, _TICKS, sheet.theme.muted)
            free = left + width + sheet.px(10)


def _draw_swatches(sheet: Canvas, box: Box, gaps: bool) -> None:
    theme, side = sheet.theme, sheet.px(11)
    x = box.left
    items: list[tuple[str, str, str | None]] = [
        ("long liquidated", theme.long, None),
        ("short liquidated", theme.short, None),
    ]
    if gaps:
        items.append((GAP_WORDS, theme.gap, theme.muted))
    y = box.bottom
    for words, color, hatch in items:
        width = side + sheet.px(6) + sheet.text_width(words, _WORDS)
        if x > box.left and x + width > box.right:
            x, y = box.left, y - sheet.px(22)
        sheet.swatch(Box(x, y, side, side), color, hatch)
        sheet.text(x + side + sheet.px(6), y + side / 2, words, _WORDS, theme.text, va="center_baseline")
        x += width + sheet.px(18)
