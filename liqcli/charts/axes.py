"""The shared axes: prices at the right edge, UTC time at the foot, and the quiet grid behind the panels."""

from __future__ import annotations

from matplotlib.axes import Axes

from liqcli.charts.picture import HeatmapPicture
from liqcli.charts.price import TAG_SIZE
from liqcli.charts.sheet import Box, Sheet
from liqcli.charts.ticks import format_day, round_ticks, time_ticks
from liqcli.charts.view import View, price_span
from liqcli.formats import format_price

LABEL_SIZE = 13
_PRICE_EVERY, _TIME_EVERY = 62, 96  # least distance of two labels [px]
_BESIDE = 10  # between panel and price label


def price_ticks(sheet: Sheet, low: float, high: float, height: float) -> tuple[list[float], float]:
    """Round prices for the axis, and their step."""
    return round_ticks(low, high, max(int(height / sheet.px(_PRICE_EVERY)), 2))


def measure_gutter(sheet: Sheet, picture: HeatmapPicture) -> float:
    """How much room the price labels and the last price need right of the panels. [px]"""
    low, high = price_span(picture)
    ticks, step = price_ticks(sheet, low, high, sheet.height * 0.65)  # the height is not known yet, the figures are
    widths = [sheet.text_width(format_price(tick, step), LABEL_SIZE) for tick in (*ticks, low, high)]
    if picture.last_price is not None:
        widths.append(sheet.text_width(format_price(picture.last_price), TAG_SIZE, bold=True) + sheet.px(8))
    return max(widths) + sheet.px(_BESIDE + 6)


def draw_price_axis(sheet: Sheet, view: View, panels: tuple[Axes, ...], tag: Box | None) -> None:
    """Draw price lines through the panels and their labels, leaving out what the last price covers."""
    ticks, step = price_ticks(sheet, view.low, view.high, view.heat.height)
    for axes in panels:
        axes.set_ylim(view.low, view.high)
        axes.set_yticks(ticks, labels=[])
        axes.grid(axis="y", color=sheet.theme.grid, linewidth=sheet.points(0.8))
    half = sheet.px(LABEL_SIZE * 0.75)
    for tick in ticks:
        y = view.y(tick)
        hidden = tag is not None and tag.bottom - half < y < tag.top + half
        if hidden or not view.heat.bottom + half < y < view.heat.top - half:
            continue
        text = format_price(tick, step)
        sheet.text(view.profile.right + sheet.px(_BESIDE), y, text, LABEL_SIZE, sheet.theme.muted, va="center_baseline")


def draw_time_axis(sheet: Sheet, view: View, panels: tuple[Axes, ...]) -> None:
    """Draw time lines through the panels; the labels stand under the last one, and UTC is said at its end."""
    ticks = time_ticks(view.start_us, view.end_us, max(int(view.heat.width / sheet.px(_TIME_EVERY)), 2))
    for axes in panels:
        axes.set_xlim(view.start_us, view.end_us)
        axes.set_xticks([tick.ts_us for tick in ticks], labels=[])
        axes.grid(axis="x", color=sheet.theme.grid, linewidth=sheet.points(0.8))
    y = view.bars.bottom - sheet.px(20)
    zone = "UTC" if any(tick.strong for tick in ticks) else f"UTC {format_day(view.start_us, year=True)}"
    if view.end_us - view.start_us > 36 * 3600 * 1_000_000:
        zone = "UTC"
    room = view.bars.right - sheet.text_width(zone, LABEL_SIZE, bold=True) - sheet.px(14)
    sheet.text(view.bars.right, y, zone, LABEL_SIZE, sheet.theme.muted, bold=True, ha="right")
    for tick in ticks:
        half = sheet.text_width(tick.label, LABEL_SIZE, bold=tick.strong) / 2
        x = max(view.x(tick.ts_us), view.bars.left + half)
        if x + half <= room:
            color = sheet.theme.text if tick.strong else sheet.theme.muted
            sheet.text(x, y, tick.label, LABEL_SIZE, color, bold=tick.strong, ha="center")
