"""The list of cascades: rank, side, USD, share, start, length and price change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import CascadeMark, CascadesSpec
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.ticks import format_day
from liqcli.core.formatting import format_count, format_duration, format_percent_signed, format_share, format_usd
from liqcli.core.model import US_PER_S, from_us

_ROW, _SIZE = 25, 13  # height of a row, size of its text [px]
_GAP = 14  # between two columns [px]
_DAY_US = 86_400 * US_PER_S
_HEADS = ("liquidated", "USD", "share", "start (UTC)", "length", "price")


@dataclass(frozen=True, slots=True)
class CascadeList:
    """The rows that fit, their cells, and the width of each column. [px]"""

    bursts: tuple[CascadeMark, ...]
    cells: list[tuple[str, ...]]
    widths: list[float]

    @property
    def columns(self) -> int:
        """Number of columns, without the rank."""
        return len(self.widths)


def plan_list(sheet: Canvas, picture: CascadesSpec, height: float) -> CascadeList:
    """Choose the largest cascades that fit into a height [px] and measure their columns."""
    fits = max(int(height / sheet.px(_ROW)) - 2, 1)
    shown = tuple(sorted(picture.bursts, key=lambda burst: burst.rank)[:fits])
    dated = picture.end_us - picture.start_us > _DAY_US
    cells = [_cells(burst, dated) for burst in shown]
    widths = [
        max(sheet.text_width(text, _SIZE, bold=column < 2) for text in (head, *(row[column] for row in cells)))
        for column, head in enumerate(_HEADS)
    ]
    return CascadeList(shown, cells, widths)


def list_width(sheet: Canvas, plan: CascadeList) -> float:
    """Measure the width of the list with ranks; 0 without cascades. [px]"""
    if not plan.bursts:
        return 0.0
    return sheet.px(30) + sum(plan.widths) + sheet.px(_GAP) * (plan.columns - 1)


def draw_list(sheet: Canvas, picture: CascadesSpec, plan: CascadeList, box: Box) -> list[Region]:
    """Write the list from the top of a box down; returns the region of each row."""
    if not plan.bursts:
        return []
    page, theme = Page(sheet.width, sheet.height), sheet.theme
    y = box.top - sheet.px(_ROW) / 2
    _write_row(sheet, box, y, plan, _HEADS, [theme.muted] * plan.columns, bold=False)
    rows = []
    for burst, cells in zip(plan.bursts, plan.cells, strict=True):
        y -= sheet.px(_ROW)
        sheet.chip(box.left + sheet.px(10), y, burst.rank)
        hue = theme.long if burst.position == "long" else theme.short
        _write_row(sheet, box, y, plan, cells, [hue, theme.text, *[theme.muted] * 3, theme.text], bold=True)
        place = Box(box.left, y - sheet.px(_ROW) / 2, list_width(sheet, plan), sheet.px(_ROW))
        rows.append(page.region("label", burst.rank, place))
    rest = len(picture.bursts) - len(plan.bursts)
    if rest:
        usd = sum(burst.usd for burst in picture.bursts) - sum(burst.usd for burst in plan.bursts)
        words = f"{format_count(rest)} more, {format_usd(usd)} USD in total"
        sheet.text(box.left, y - sheet.px(_ROW), words, _SIZE, theme.muted, va="center_baseline")
    return rows


def _cells(burst: CascadeMark, dated: bool) -> tuple[str, ...]:
    arrow = "▼" if burst.position == "long" else "▲"
    clock = f"{from_us(burst.start_us):%H:%M}"
    length_us = max(burst.end_us - burst.start_us, US_PER_S)
    return (
        f"{arrow} {burst.position}s",
        format_usd(burst.usd),
        format_share(burst.share, 1.0),
        f"{format_day(burst.start_us)} {clock}" if dated else clock,
        format_duration(length_us),
        format_percent_signed(100 * (burst.price_to / burst.price_from - 1)),
    )


def _write_row(
    sheet: Canvas, box: Box, y: float, plan: CascadeList, cells: Sequence[str], colors: Sequence[str], bold: bool
) -> None:
    """Write one row: the side is left-aligned, all other cells are right-aligned."""
    x = box.left + sheet.px(30)
    for column, (text, width, color) in enumerate(zip(cells, plan.widths, colors, strict=True)):
        place, ha = (x, "left") if column == 0 else (x + width, "right")
        sheet.text(place, y, text, _SIZE, color, bold=bold and column < 2, ha=ha, va="center_baseline")
        x += width + sheet.px(_GAP)
