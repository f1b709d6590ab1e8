"""The figure of cascades: USD per minute with the threshold, the price above it, and a list of the largest cascades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from liqcli.charts.bars import LEAST_CASCADE_PX, STRIP, WORDS, shade_cascades
from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.cascade_list import CascadeList, draw_list, list_width, plan_list
from liqcli.charts.cascade_rate import draw_rate, write_rate_words
from liqcli.charts.compact_layout import AXIS_SIZE, CAPTION, COMPACT, EDGE, FOOT, DrawnFigure, draw_compact
from liqcli.charts.figure_spec import CascadesSpec
from liqcli.charts.header import draw_header, plan_header
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.price_line import PriceLine, build_price_line, draw_price_line, plan_axis
from liqcli.charts.rank_chips import draw_ranks
from liqcli.charts.timeline import GAP_WORDS, Timeline, draw_gaps, draw_time_axis, widen
from liqcli.core.choices import PaletteName, ThemeName

_CHIPS = 30  # height of the strip with the ranks, over the minutes [px]
_MOST_CHIPS = 60  # ranks to place
_RATE_SHARE = 0.58  # of the height of both panels


@dataclass(frozen=True, slots=True)
class _Panels:
    """The panels of the page; ``price`` is None where no price is known. [px]"""

    time: Timeline
    rate: Box
    price: Box | None
    aside: Box


def draw_cascades(
    picture: CascadesSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    size: tuple[int, int] = COMPACT,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw cascades of liquidations over time.

    Regions: panel (0 USD per minute, 1 price), cascade (by rank, over all panels), label (its row in the list).

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    return draw_compact(_compose, picture, theme, palette, size, dpi)


def _compose(sheet: Canvas, picture: CascadesSpec) -> list[Region]:
    head = plan_header(sheet, picture)
    draw_header(sheet, picture, head)
    line = build_price_line(picture)
    listed = plan_list(sheet, picture, sheet.height - head.height - sheet.px(16))
    rooms = _lay_out(sheet, picture, head.height, line, listed)
    bursts = [(b.start_us, b.end_us, b.rank) for b in picture.bursts]
    rate = sheet.axes(rooms.rate, "rate")
    draw_rate(rate, sheet, picture, rooms.rate, rooms.time)
    shade_cascades(rate, sheet, rooms.time, bursts, rooms.rate.height, sheet.px(STRIP))
    panels = [rate]
    if line is not None and rooms.price is not None:
        price = sheet.axes(rooms.price, "price")
        draw_price_line(price, sheet, line, *plan_axis(sheet, line, rooms.price), list(picture.bursts))
        hatched = f" · hatched: {GAP_WORDS}" if picture.gaps else ""
        sheet.caption(rooms.price, rooms.price.top + sheet.px(8), line.words + hatched)
        shade_cascades(price, sheet, rooms.time, bursts, rooms.price.height)
        panels.append(price)
    draw_time_axis(sheet, rooms.time, rooms.rate.bottom, panels)
    for axes in panels:
        draw_gaps(axes, sheet, picture.gaps, rooms.time)
    write_rate_words(sheet, picture, rooms.rate, rooms.time)
    _draw_chips(sheet, picture, rooms)
    return [*_map(sheet, picture, rooms), *draw_list(sheet, picture, listed, rooms.aside)]


def _lay_out(sheet: Canvas, picture: CascadesSpec, head: float, line: PriceLine | None, listed: CascadeList) -> _Panels:
    px = sheet.px
    wide = list_width(sheet, listed)
    top = sheet.height - head
    aside = Box(sheet.width - px(EDGE) - wide, px(16), wide, top - px(16))
    tall = top - px(CAPTION) - px(FOOT)
    labels = ["100K"]
    if line is not None:
        _, priced = plan_axis(sheet, line, Box(0, 0, 1, (1 - _RATE_SHARE) * tall))
        labels += [text for _, text in priced]
    gutter = px(16) + max(sheet.text_width(text, AXIS_SIZE) for text in labels)
    right = aside.left - gutter - (px(20) if wide else 0.0)
    time = Timeline(picture.start_us, picture.end_us, px(EDGE), right)
    both = tall - px(_CHIPS)
    rate = Box(time.left, px(FOOT), time.width, _RATE_SHARE * both if line is not None else both)
    price = Box(time.left, rate.top + px(_CHIPS), time.width, both - rate.height) if line is not None else None
    return _Panels(time, rate, price, aside)


def _draw_chips(sheet: Canvas, picture: CascadesSpec, rooms: _Panels) -> None:
    """Draw the ranks above the minutes, each with a line to its cascade."""
    y = rooms.rate.top + sheet.px(_CHIPS) / 2
    if not picture.bursts:
        words = "no cascades in this window"
        sheet.text(rooms.time.left + sheet.px(8), y, words, WORDS, sheet.theme.muted, va="center_baseline")
    bursts = [(b.start_us, b.end_us, b.rank) for b in picture.bursts]
    draw_ranks(sheet, rooms.time, bursts, y, rooms.rate.top, _MOST_CHIPS)


def _map(sheet: Canvas, picture: CascadesSpec, rooms: _Panels) -> list[Region]:
    page = Page(sheet.width, sheet.height)
    boxes = [rooms.rate] if rooms.price is None else [rooms.rate, rooms.price]
    found = [page.region("panel", key, box) for key, box in enumerate(boxes)]
    least = sheet.px(LEAST_CASCADE_PX) * rooms.time.us_per_px
    for burst in picture.bursts:
        start, end = widen(burst.start_us, burst.end_us, least)
        left, right = (float(np.clip(rooms.time.x(ts), rooms.time.left, rooms.time.right)) for ts in (start, end))
        box = Box(left, rooms.rate.bottom, right - left, boxes[-1].top - rooms.rate.bottom)
        found.append(page.region("cascade", burst.rank, box))
    return found
