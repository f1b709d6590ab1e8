"""The figure of estimated levels: a field of price and time, candles over it, and what stands now on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from liqcli.charts.axes import draw_price_axis, measure_gutter
from liqcli.charts.canvas import Box, Canvas, own_style
from liqcli.charts.compact_layout import DrawnFigure
from liqcli.charts.header import draw_header, plan_header
from liqcli.charts.heatmap_layout import HeatmapLayout, clip_candles
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.levels_colors import FieldScale, find_field_palette
from liqcli.charts.levels_side import draw_standing
from liqcli.charts.levels_spec import LevelsSpec
from liqcli.charts.palettes import find_palette
from liqcli.charts.price import draw_last_price, draw_tag, thin_candles
from liqcli.charts.themes import find_theme
from liqcli.charts.ticks import scale_ticks
from liqcli.charts.timeline import Timeline, draw_gaps, draw_time_axis
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_duration, format_price, format_tick, format_usd
from liqcli.core.model import PriceSeries

DESIGN = (1600, 1000)
_SMALLEST, _LARGEST = (800, 500), (6000, 4000)
_MOST_CANDLES, _LEAST_PX = 220, 5.0
_MARK_SIZE, _WORDS, _TICKS = 12.5, 12.5, 11.5


def draw_levels(
    picture: LevelsSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    size: tuple[int, int] = DESIGN,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw levels by price and time, and what stands at the end.

    Regions: panel 0 (field) and 1 (standing).

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    if not all(low <= side <= high for low, side, high in zip(_SMALLEST, size, _LARGEST, strict=True)):
        raise UsageError(f"a picture of {size[0]} x {size[1]} px: between 800 x 500 and 6000 x 4000 is possible")
    look = find_theme(theme, palette)
    with own_style():
        find_palette(palette, look.name)
        sheet = Canvas(size, dpi, look, find_field_palette(palette, look), DESIGN)
        regions = _compose(sheet, picture)
    return DrawnFigure(sheet.figure, regions)


def _compose(sheet: Canvas, picture: LevelsSpec) -> list[Region]:
    head = plan_header(sheet, picture)
    span = float(picture.price_edges[0]), float(picture.price_edges[-1])
    view = _lay_out(sheet, picture, span, head.height, measure_gutter(sheet, span, picture.last_price))
    field, side = sheet.axes(view.heat, "field"), sheet.axes(view.profile, "standing")
    draw_header(sheet, picture, head)
    scale = FieldScale(picture.values)
    _draw_field(field, sheet, picture, scale)
    words = _draw_candles(field, sheet, picture, view)
    draw_standing(side, sheet, picture, view)
    draw_time_axis(sheet, view.time, view.heat.bottom, (field,))
    draw_last_price(sheet, (field, side), picture.last_price)
    tag = draw_tag(sheet, view, picture.last_price)
    draw_price_axis(sheet, view, (field, side), tag)
    draw_gaps(field, sheet, picture.unknown, view.time)
    _draw_mark(sheet, view.heat, picture.kind)
    sheet.caption(view.heat, view.heat.top + sheet.px(8), words)
    sheet.caption(
        view.profile, view.profile.top + sheet.px(8), f"{picture.kind.capitalize()} USD that stands now · Σ sum"
    )
    _draw_legend(sheet, picture, view, scale)
    page = Page(sheet.width, sheet.height)
    return [page.region("panel", 0, view.heat), page.region("panel", 1, view.profile)]


def _lay_out(
    sheet: Canvas, picture: LevelsSpec, span: tuple[float, float], header_height: float, gutter: float
) -> HeatmapLayout:
    """Divide the page: the field, the panel of what stands, and the legend below both."""
    px = sheet.px
    edge, between, foot = px(28), px(10), px(84)
    profile_width = min(max(0.2 * sheet.width, px(250)), px(340))
    width = sheet.width - edge - profile_width - between - gutter - px(10)
    height = sheet.height - header_height - px(26) - foot
    heat = Box(edge, foot, width, height)
    profile = Box(heat.right + between, foot, profile_width, height)
    legend = Box(edge, px(8), profile.right - edge, px(40))
    header = Box(edge, sheet.height - header_height, sheet.width - 2 * edge, header_height)
    time = Timeline(picture.start_us, picture.end_us, heat.left, heat.right)
    return HeatmapLayout(header, heat, profile, legend, legend, time, *span)


def _draw_field(axes: Axes, sheet: Canvas, picture: LevelsSpec, scale: FieldScale) -> None:
    """Draw the field as one image."""
    left = float(picture.starts_us[0])
    right = left + picture.bucket_us * len(picture.starts_us)
    colors = sheet.palette(scale.spread(picture.values), bytes=True)
    style: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "resample": False}
    axes.imshow(
        colors,
        extent=(left, right, float(picture.price_edges[0]), float(picture.price_edges[-1])),
        zorder=1,
        label="field",
        **style,
    )


def _draw_candles(axes: Axes, sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout) -> str:
    """Draw candles over the field; returns the caption."""
    if picture.prices is None:
        return ""
    inside = clip_candles(picture.prices, picture.start_us, picture.end_us)
    if not len(inside.ts_us):
        return ""
    candles = thin_candles(inside, min(_MOST_CANDLES, int(view.heat.width / sheet.px(_LEAST_PX))))
    _draw_bodies(axes, sheet, view, candles)
    return f"price: {format_duration(candles.step_us)} candles ({candles.basis})"


def _draw_bodies(axes: Axes, sheet: Canvas, view: HeatmapLayout, candles: PriceSeries) -> None:
    """Draw wicks and bodies with a rim in the colour of the page: bright where price rose, dark where it fell."""
    theme = sheet.theme
    middle = candles.ts_us + candles.step_us / 2
    half = min(0.34 * candles.step_us, sheet.px(5) * view.time.us_per_px)
    pixel = (view.high - view.low) / view.heat.height
    low, high = np.minimum(candles.open, candles.close), np.maximum(candles.open, candles.close)
    flat = np.maximum(sheet.px(1) * pixel - (high - low), 0) / 2
    wicks = np.stack([np.column_stack([middle, candles.low]), np.column_stack([middle, candles.high])], axis=1)
    bodies = np.stack(
        [
            np.column_stack([middle + x * half, y])
            for x, y in ((-1, low - flat), (1, low - flat), (1, high + flat), (-1, high + flat))
        ],
        axis=1,
    )
    up, down = ("#f4f6fa", "#0b0e14") if theme.name == "dark" else ("#ffffff", "#141a24")
    rim = "#f4f6fa" if theme.name == "dark" else "#141a24"
    rising = candles.close >= candles.open
    for width, color, zorder in ((3.0, theme.halo, 4.0), (1.1, rim, 4.2)):
        axes.add_collection(
            LineCollection(list(wicks), colors=color, linewidths=sheet.points(width), alpha=0.95, zorder=zorder),
            autolim=False,
        )
    for chosen, color in ((rising, up), (~rising, down)):
        axes.add_collection(
            PolyCollection(
                list(bodies[chosen]), facecolors=color, edgecolors=rim, linewidths=sheet.points(0.9), zorder=4.4
            ),
            autolim=False,
        )


def _draw_mark(sheet: Canvas, box: Box, kind: str) -> None:
    """Mark the field with the word that tells it from realized data."""
    text = kind.upper() if kind == "measured" else f"{kind.upper()}, NOT REALIZED"
    width = sheet.text_width(text, _MARK_SIZE, bold=True) + sheet.px(20)
    plate = Box(box.left + sheet.px(10), box.top - sheet.px(32), width, sheet.px(22))
    sheet.pill(plate, sheet.theme.warn, zorder=6)
    mark = sheet.text(
        plate.left + width / 2,
        plate.bottom + plate.height / 2,
        text,
        _MARK_SIZE,
        sheet.theme.warn_text,
        bold=True,
        ha="center",
        va="center_baseline",
    )
    mark.set_zorder(7)


def _draw_legend(sheet: Canvas, picture: LevelsSpec, view: HeatmapLayout, scale: FieldScale) -> None:
    """Draw the scale of the field with its amounts, and the swatches of the sides, in one row."""
    px, box, theme = sheet.px, view.legend, sheet.theme
    cell = f"{format_price(picture.bin.width, picture.bin.width)}"
    words = f"{picture.kind} USD per {cell} of price, at the start of each {format_duration(picture.bucket_us)}"
    y = box.bottom + px(14)
    sheet.text(box.left, y, words, _WORDS, theme.muted, va="center_baseline")
    left = box.left + sheet.text_width(words, _WORDS) + px(14)
    bar = Box(left, y - px(5), min(px(240), max(box.right - left - px(430), px(80))), px(10))
    pixels = sheet.palette(np.linspace(0, 1, round(bar.width)), bytes=True)[..., :3]
    sheet.figure.figimage(
        np.broadcast_to(pixels, (round(bar.height), *pixels.shape)), round(bar.left), round(bar.bottom)
    )
    free = bar.left
    for tick in scale_ticks(0, scale.top, logarithmic=False):  # the scale is nearly linear
        text = format_tick(tick, "USD")
        width = sheet.text_width(text, _TICKS)
        place = bar.left + float(scale.spread(np.array([tick]))[0]) * bar.width
        start = min(max(place - width / 2, bar.left), bar.right - width)
        if start >= free:
            sheet.text(start, bar.top + px(5), text, _TICKS, theme.muted)
            free = start + width + px(8)
    most = f"max {format_usd(scale.largest)}"
    sheet.text(bar.right + px(10), y, most, _WORDS, bold=True, va="center_baseline")
    x = bar.right + px(10) + sheet.text_width(most, _WORDS, bold=True) + px(26)
    for name, color in (("longs, below the price", theme.long), ("shorts, above", theme.short)):
        sheet.swatch(Box(x, y - px(5), px(11), px(11)), color)
        sheet.text(x + px(17), y, name, _WORDS, theme.text, va="center_baseline")
        x += px(17) + sheet.text_width(name, _WORDS) + px(18)
    if picture.measured is not None:
        text = f"outline: measured, {picture.measured.words}, max {format_usd(picture.measured.largest)}"
        if x + sheet.text_width(text, _WORDS) <= box.right:
            sheet.text(x, y, text, _WORDS, theme.text, va="center_baseline")
