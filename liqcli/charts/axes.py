"""The price axis: round prices at the right edge, and faint lines behind the panels."""

from __future__ import annotations

from matplotlib.axes import Axes

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.price import TAG_SIZE, price_tag_text
from liqcli.charts.ticks import round_ticks
from liqcli.charts.timeline import LABEL_SIZE
from liqcli.core.formatting import format_price

_EVERY = 62  # least distance of two labels [px]
_BESIDE = 10  # between panel and price label


def price_ticks(sheet: Canvas, low: float, high: float, height: float) -> tuple[list[float], float]:
    """Choose round prices for the axis; returns them and their step."""
    return round_ticks(low, high, max(int(height / sheet.px(_EVERY)), 2))


def measure_gutter(sheet: Canvas, span: tuple[float, float], last_price: float | None) -> float:
    """Measure the width that price labels and last price need right of the panels. [px]"""
    low, high = span
    ticks, step = price_ticks(sheet, low, high, sheet.height * 0.65)  # the height is only estimated here
    widths = [sheet.text_width(format_price(tick, step), LABEL_SIZE) for tick in (*ticks, low, high)]
    if last_price is not None:
        widths.append(sheet.text_width(price_tag_text(last_price, span), TAG_SIZE, bold=True) + sheet.px(8))
    return max(widths) + sheet.px(_BESIDE + 6)


def draw_price_axis(sheet: Canvas, view: HeatmapLayout, panels: tuple[Axes, ...], tag: Box | None) -> None:
    """Draw price lines through the panels, and their labels except where the last price covers them."""
    ticks, step = price_ticks(sheet, view.low, view.high, view.heat.height)
    for axes in panels:
        axes.set_ylim(view.low, view.high)
        sheet.rule(axes, across=ticks)
    half = sheet.px(LABEL_SIZE * 0.75)
    for tick in ticks:
        y = view.y(tick)
        hidden = tag is not None and tag.bottom - half < y < tag.top + half
        if hidden or not view.heat.bottom + half < y < view.heat.top - half:
            continue
        text = format_price(tick, step)
        sheet.text(view.profile.right + sheet.px(_BESIDE), y, text, LABEL_SIZE, sheet.theme.muted, va="center_baseline")
