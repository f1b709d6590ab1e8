"""The picture of the whole market: a treemap of the symbols over a timeline of the cascades."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from liqcli.charts.bars import STRIP, draw_bars, plan_bars, shade_cascades, write_words
from liqcli.charts.canvas import CAPTION_SIZE, Box, Canvas, own_style
from liqcli.charts.compact_layout import CAPTION, EDGE, FOOT, DrawnFigure
from liqcli.charts.fonts import printable
from liqcli.charts.header import SAMPLE_MARK, draw_header, plan_header
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.overview_spec import Lane, OverviewSpec
from liqcli.charts.palettes import find_palette
from liqcli.charts.themes import find_theme
from liqcli.charts.timeline import GAP_WORDS, Timeline, draw_gaps, draw_time_axis
from liqcli.charts.treemap import Tile, draw_treemap
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_usd

LANDSCAPE = (1600, 1080)  # [px]
PORTRAIT = (820, 1640)  # for phones, without a header, shown at half the size [px]
_SMALLEST, _LARGEST = 700, 6000
_LANE, _LANES = 22, 9  # height [px], most
_BARS = 150  # height of the bars [px]
_LEAST_MAP = 0.42  # of the height below the header, for the treemap


def draw_overview(
    picture: OverviewSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    size: tuple[int, int] = LANDSCAPE,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw the treemap and the timeline; a page taller than wide is laid out for phones, at twice the size.

    Regions: tile (by rank of the symbol), cascade (by rank, over bars and lanes).

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    if not all(_SMALLEST <= side <= _LARGEST for side in size):
        raise UsageError(
            f"a picture of {size[0]} x {size[1]} px: between {_SMALLEST} and {_LARGEST} px a side are possible"
        )
    look = find_theme(theme, palette)
    tall = size[1] > size[0]
    design = (PORTRAIT[0] // 2, PORTRAIT[1] // 2) if tall else LANDSCAPE
    with own_style():
        sheet = Canvas(size, dpi, look, find_palette(palette, look.name), design)
        regions = _compose(sheet, picture, tall)
    return DrawnFigure(sheet.figure, regions)


def _compose(sheet: Canvas, picture: OverviewSpec, tall: bool) -> list[Region]:
    px, edge = sheet.px, sheet.px(4 if tall else EDGE)
    below = float(sheet.height)
    if not tall:  # a page shows title and numbers beside a picture for phones
        head = plan_header(sheet, picture)
        draw_header(sheet, picture, head)
        below -= head.height
    lanes = _fit_lanes(sheet, picture, below)
    lanes_tall = px(CAPTION) + len(lanes) * px(_LANE) if lanes else 0.0
    room = max((sheet.text_width(_label(lane), CAPTION_SIZE) for lane in lanes), default=0.0)
    gutter = px(14) + max(room, sheet.text_width("100.0K", CAPTION_SIZE))
    time = Timeline(picture.start_us, picture.end_us, edge, sheet.width - edge - gutter)
    bars = Box(time.left, px(FOOT) + lanes_tall, time.width, px(_BARS))
    top = bars.top + px(CAPTION) + px(14)
    area = Box(edge, top, sheet.width - 2 * edge, below - top - px(CAPTION))
    _write_legend(sheet, area)
    tiles = draw_treemap(sheet, area, picture.tiles)
    panels = [_draw_bars(sheet, picture, bars, time)]
    hatched = f" · hatched: {GAP_WORDS}" if picture.gaps else ""
    mark = f"{SAMPLE_MARK} · " if tall and picture.sample else ""
    sheet.caption(area, bars.top + px(8), f"{mark}all symbols over time{hatched}")
    if lanes:
        panels.append(_draw_lanes(sheet, lanes, Box(time.left, px(FOOT), time.width, len(lanes) * px(_LANE)), time))
        sheet.caption(area, bars.bottom - px(18), "cascades by symbol; a larger circle is more USD")
    draw_time_axis(sheet, time, px(FOOT), panels)
    for axes in panels:
        draw_gaps(axes, sheet, picture.gaps, time)
    return _map(sheet, picture, tiles, time, bars.top)


def _map(
    sheet: Canvas, picture: OverviewSpec, tiles: list[tuple[Tile, Box]], time: Timeline, top: float
) -> list[Region]:
    page, bottom = Page(sheet.width, sheet.height), sheet.px(FOOT)
    found = [page.region("tile", rank, box) for rank, (tile, box) in enumerate(tiles, start=1) if tile.symbols == 1]
    for start, end, rank in picture.bursts:
        left, right = (min(max(time.x(ts), time.left), time.right) for ts in (start, end))
        found.append(page.region("cascade", rank, Box(left, bottom, max(right - left, sheet.px(3)), top - bottom)))
    return found


def _write_legend(sheet: Canvas, area: Box) -> None:
    """Say over the treemap what area and colours mean."""
    x, y = area.left, area.top + sheet.px(8)
    theme = sheet.theme
    for words, color in (
        ("area: USD", theme.muted),
        ("■ mostly longs", theme.long),
        ("■ mostly shorts", theme.short),
        ("bar: the split", theme.muted),
    ):
        sheet.text(x, y, words, CAPTION_SIZE, color)
        x += sheet.text_width(words, CAPTION_SIZE) + sheet.px(10)


def _fit_lanes(sheet: Canvas, picture: OverviewSpec, below: float) -> list[Lane]:
    """Choose as many lanes as leave the treemap its part of the page."""
    spare = below * (1 - _LEAST_MAP) - sheet.px(FOOT + _BARS + 3 * CAPTION + 14)
    return list(picture.lanes[: max(0, min(_LANES, int(spare / sheet.px(_LANE))))])


def _draw_bars(sheet: Canvas, picture: OverviewSpec, box: Box, time: Timeline) -> Axes:
    axes = sheet.axes(box, "bars")
    draw_bars(axes, sheet, plan_bars(sheet, box, time, picture.bars), picture.bars)
    shade_cascades(axes, sheet, time, picture.bursts, box.height, sheet.px(STRIP))
    write_words(sheet, box, picture.bars, picture.bursts)
    return axes


def _draw_lanes(sheet: Canvas, lanes: list[Lane], box: Box, time: Timeline) -> Axes:
    """Draw a row per symbol with a circle per cascade, its area in proportion to the USD."""
    axes = sheet.axes(box, "lanes")
    axes.set_ylim(0, len(lanes))
    sheet.rule(axes, across=range(1, len(lanes)))
    largest = max(mark.usd for lane in lanes for mark in lane.marks)
    widest = sheet.points(_LANE * 0.92)  # diameter
    for row, lane in enumerate(lanes):
        y = len(lanes) - row - 0.5
        marks = sorted(lane.marks, key=lambda mark: -mark.usd)
        hue = {"long": sheet.theme.long, "short": sheet.theme.short}
        sizes = np.array([mark.usd / largest for mark in marks]) * widest**2
        axes.scatter(
            [(mark.start_us + mark.end_us) / 2 for mark in marks],
            [y] * len(marks),
            s=np.maximum(sizes, sheet.points(4) ** 2),
            c=[hue[mark.position] for mark in marks],
            alpha=0.8,
            linewidths=0,
            zorder=4,
        )
        at = box.bottom + (len(lanes) - row - 0.5) * box.height / len(lanes)
        sheet.text(box.right + sheet.px(8), at, _label(lane), CAPTION_SIZE, sheet.theme.text, va="center_baseline")
    return axes


def _label(lane: Lane) -> str:
    return f"{printable(lane.name)}  {format_usd(lane.usd)}"
