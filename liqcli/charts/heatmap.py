"""The heat map, composed of its parts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from liqcli.charts.axes import draw_price_axis, measure_gutter
from liqcli.charts.bars import STRIP, BarSeries, draw_bars, plan_bars, shade_cascades, write_words
from liqcli.charts.canvas import Canvas, own_style
from liqcli.charts.cluster_labels import draw_clusters
from liqcli.charts.compact_layout import DrawnFigure
from liqcli.charts.field import draw_field, smooth_field
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.free_space import FreeSpace
from liqcli.charts.header import draw_header, plan_header
from liqcli.charts.heat import cover_cells, draw_cells, mark_largest, write_gaps
from liqcli.charts.heatmap_layout import HeatmapLayout, Sides, lay_out, split_sides
from liqcli.charts.hit_regions import Region, map_regions
from liqcli.charts.interest_strip import draw_interest
from liqcli.charts.legend import draw_legend
from liqcli.charts.palettes import HeatNorm, find_glow, find_palette
from liqcli.charts.price import (
    cover_price,
    draw_candles,
    draw_last_price,
    draw_tag,
    draw_trace,
    fit_candles,
    price_extents,
)
from liqcli.charts.price_range import draw_outside, draw_prices_outside, find_prices_outside, price_span
from liqcli.charts.profile import draw_profile
from liqcli.charts.rank_chips import draw_ranks
from liqcli.charts.themes import find_theme
from liqcli.charts.timeline import draw_gaps, draw_time_axis
from liqcli.core.choices import PaletteName, PositionFilter, ScaleName, ThemeName
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_duration

DESIGN = (1600, 1000)  # [px]
PORTRAIT, PORTRAIT_DESIGN = (800, 1100), (457, 628)  # for narrow screens: text is as large at half the size [px]
SMALLEST, LARGEST = (800, 500), (6000, 6000)
_MOST_RANKS = 10  # of cascades; their own picture numbers all


def draw_heatmap(
    picture: HeatmapSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    scale: ScaleName = "log",
    position: PositionFilter = "both",
    size: tuple[int, int] = DESIGN,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw realized liquidations by price and time.

    Parameters
    ----------
    picture : HeatmapSpec
        Contents of the picture.
    theme, palette, scale : str
        Colours of the page and of the heat, and the scale of the values.
    position : {"both", "long", "short"}
        Side that profile and bars show; ``picture.values`` are drawn unchanged.
    size, dpi : (int, int), float
        Width and height [px]; a page that is higher than wide has the layout for narrow screens. Resolution stated in
        the file, without effect on the look.

    Returns
    -------
    DrawnFigure
        The figure and its regions; :func:`liqcli.charts.render_png` renders it.

    Raises
    ------
    UsageError
        Unknown theme, palette or scale; values of another shape than the grid; a size too small or too large.
    """
    _check(picture, size)
    look = find_theme(theme, palette)
    with own_style():
        design = DESIGN if size[0] >= size[1] else PORTRAIT_DESIGN
        sheet = Canvas(size, dpi, look, find_palette(palette, look.name), design)
        heat = HeatNorm(picture.values, scale), find_glow(palette, look.name)
        regions = _compose(sheet, picture, heat, position)
    return DrawnFigure(sheet.figure, regions)


def _check(picture: HeatmapSpec, size: tuple[int, int]) -> None:
    shape = (len(picture.grid.price_edges) - 1, len(picture.grid.bucket_starts_us))
    if np.shape(picture.values) != shape or 0 in shape:
        raise UsageError(f"the cells have the shape {np.shape(picture.values)}, the grid has {shape}")
    if not all(low <= side <= high for low, side, high in zip(SMALLEST, size, LARGEST, strict=True)):
        raise UsageError(f"a picture of {size[0]} x {size[1]} px: between 800 x 500 and 6000 x 6000 is possible")


def _compose(
    sheet: Canvas, picture: HeatmapSpec, colors: tuple[HeatNorm, ListedColormap], position: PositionFilter
) -> list[Region]:
    norm, glow = colors
    head, span = plan_header(sheet, picture), price_span(picture)
    view = lay_out(sheet, picture, span, head.height, measure_gutter(sheet, span, picture.last_price))
    sides = split_sides(picture, position)
    heat, profile, bars = (
        sheet.axes(box, name) for box, name in ((view.heat, "heat"), (view.profile, "profile"), (view.bars, "bars"))
    )
    timed = [heat, bars]
    draw_header(sheet, picture, head)
    field = smooth_field(picture, sheet, view)
    draw_field(heat, picture, view, field, glow)
    draw_cells(heat, sheet, picture, view, norm)
    draw_profile(profile, sheet, picture, view, sides)
    _draw_bars(bars, sheet, picture, view, sides)
    if picture.interest is not None and view.interest is not None:
        timed.append(sheet.axes(view.interest, "interest"))
        draw_interest(timed[-1], sheet, view.interest, picture.interest)
    draw_time_axis(sheet, view.time, view.lowest.bottom, timed)
    tag = None
    if picture.last_price is not None:
        draw_last_price(sheet, (heat, profile), picture.last_price)
        tag = draw_tag(sheet, view, picture.last_price)
    draw_price_axis(sheet, view, (heat, profile), tag)
    space = FreeSpace(view.heat)
    cover_cells(space, sheet, picture, view)
    price_words = _draw_price(heat, sheet, picture, view, space)
    mark_largest(heat, sheet, picture, view, space)
    labels = draw_clusters(heat, sheet, picture, view, space)
    write_gaps(sheet, picture, view, space)
    for axes in timed:
        draw_gaps(axes, sheet, picture.gaps, view.time)
    _write_captions(sheet, view, picture, price_words)
    draw_legend(sheet, picture, view, field, norm, glow)
    return map_regions(sheet, picture, view, labels)


def _draw_price(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, space: FreeSpace) -> str:
    """Draw candles or a line; returns the caption that says which."""
    candles = fit_candles(picture, sheet, view)
    extents = price_extents(picture, candles)
    outside = draw_outside(sheet, view, picture)
    led_out = candles is None and outside  # the line connects prices of events; those outside are labelled already
    escapes = [] if led_out else find_prices_outside(extents, view.low, view.high)
    space.take(draw_prices_outside(sheet, view, escapes, outside))
    cover_price(space, view, extents, candles.step_us if candles is not None else 0)
    if candles is not None:
        draw_candles(axes, sheet, view, candles)
        words = f"{format_duration(candles.step_us)} candles, light up, dark down"
        return words if view.portrait else f"price: {words} ({candles.basis})"
    if picture.trace is not None:
        draw_trace(axes, sheet, picture)
        return "price: line of the last liquidation per bucket"
    return ""


def _draw_bars(axes: Axes, sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, sides: Sides) -> None:
    """Draw the bars: sums of the columns of the grid, with cascades and their ranks."""
    grid = picture.grid
    series = BarSeries(
        grid.bucket_starts_us, grid.bucket_us, sides.long.sum(axis=0), sides.short.sum(axis=0), picture.unit
    )
    panel = plan_bars(sheet, view.bars, view.time, series)
    draw_bars(axes, sheet, panel, series)
    shade_cascades(axes, sheet, view.time, picture.cascades, view.bars.height, sheet.px(STRIP))
    inside = [c for c in picture.cascades if c[1] >= view.time.start_us and c[0] < view.time.end_us]
    draw_ranks(sheet, view.time, inside, (view.bars.top + view.heat.bottom) / 2, view.bars.top, _MOST_RANKS)
    write_words(sheet, view.bars, series, picture.cascades)


def _write_captions(sheet: Canvas, view: HeatmapLayout, picture: HeatmapSpec, price_words: str) -> None:
    """Write the caption of each panel."""
    y = view.heat.top + sheet.px(8)
    if not np.any(picture.values > 0):
        middle = view.heat.left + view.heat.width / 2, view.heat.bottom + view.heat.height / 2
        sheet.text(*middle, "no liquidations in this window", 16, sheet.theme.muted, ha="center", va="center")
    unit = picture.unit
    sheet.caption(view.heat, y, price_words)
    if not view.portrait:
        sheet.caption(view.profile, y, f"{'Events' if unit == 'events' else unit} by price")
