"""The figure of open interest above liquidations per bucket, on one time axis."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from liqcli.charts.bars import STRIP, WORDS, BarSeries, draw_bars, plan_bars, shade_cascades, write_words
from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.compact_layout import (
    AXIS_SIZE,
    COMPACT,
    EDGE,
    FOOT,
    DrawnFigure,
    ValueAxis,
    draw_compact,
    list_axis,
    write_axis,
)
from liqcli.charts.figure_spec import OpenInterestLine, OpenInterestSpec
from liqcli.charts.header import draw_header, plan_header
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.timeline import GAP_WORDS, Timeline, draw_gaps, draw_time_axis
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.formatting import format_amount, format_axis, format_percent_signed

_BETWEEN = 12  # the two panels [px]
_LINE_SHARE = 0.56  # of the height of both
_MARGIN = 0.08  # of the span of the line, left free above and below


def draw_interest_picture(
    picture: OpenInterestSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    size: tuple[int, int] = COMPACT,
    dpi: float = 100.0,
) -> DrawnFigure:
    """
    Draw open interest over the liquidations per bucket.

    Regions: panel (0 open interest, 1 liquidations), bucket (over both panels).

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    return draw_compact(_compose, picture, theme, palette, size, dpi)


def _compose(sheet: Canvas, picture: OpenInterestSpec) -> list[Region]:
    px = sheet.px
    head = plan_header(sheet, picture)
    draw_header(sheet, picture, head)
    tall = sheet.height - head.height - px(FOOT) - px(_BETWEEN)
    wide = sheet.width - 2 * px(EDGE)
    labels = _plan_axis(sheet, picture, Box(0, 0, wide, _LINE_SHARE * tall))[1]
    gutter = px(14) + max(sheet.text_width(text, AXIS_SIZE) for text in (*(text for _, text in labels), "100K"))
    below = Box(px(EDGE), px(FOOT), wide - gutter, (1 - _LINE_SHARE) * tall)
    above = Box(below.left, below.top + px(_BETWEEN), below.width, _LINE_SHARE * tall)
    time = Timeline(picture.start_us, picture.end_us, below.left, below.right)

    bars, lines = sheet.axes(below, "bars"), sheet.axes(above, "interest")
    series = BarSeries(picture.starts_us, picture.step_us, picture.long, picture.short, "USD")
    draw_bars(bars, sheet, plan_bars(sheet, below, time, series), series)
    write_words(sheet, below, series, picture.cascades)
    _draw_lines(lines, sheet, picture, above)
    for axes, box in ((bars, below), (lines, above)):
        shade_cascades(axes, sheet, time, picture.cascades, box.height, px(STRIP))
    draw_time_axis(sheet, time, below.bottom, (bars, lines))
    for axes in (bars, lines):
        draw_gaps(axes, sheet, picture.gaps, time)
    return _map(sheet, picture, time, above, below)


def _plan_axis(sheet: Canvas, picture: OpenInterestSpec, box: Box) -> tuple[ValueAxis, list[tuple[float, str]]]:
    """Fit the axis to the lines below the strip of text; it does not start at 0, which the text states."""
    values = np.concatenate([line.values for line in _lines(picture)])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    span = (high - low) or 0.01 * high or 1.0
    free = (box.height - sheet.px(STRIP)) / box.height
    low -= _MARGIN * span
    axis = ValueAxis(box, low, low + (1 + 2 * _MARGIN) * span / free)
    ticks, step = list_axis(sheet, axis)
    top = low + (axis.high - low) * free
    return axis, [(tick, format_axis(tick, step, picture.interest.unit)) for tick in ticks if tick < top]


def _lines(picture: OpenInterestSpec) -> list[OpenInterestLine]:
    return [picture.interest] if picture.contracts is None else [picture.interest, picture.contracts]


def _draw_lines(axes: Axes, sheet: Canvas, picture: OpenInterestSpec, box: Box) -> None:
    """Draw open interest, and dashed the contracts at the first price."""
    axis, labels = _plan_axis(sheet, picture, box)
    write_axis(sheet, axes, axis, labels)
    theme = sheet.theme
    styles = (("interest", theme.interest, "-", 1.8), ("contracts", theme.text, (0, (4, 2.5)), 1.2))
    for line, (name, color, style, width) in zip(_lines(picture), styles, strict=False):
        axes.plot(
            line.ts_us,
            line.values,
            color=color,
            linewidth=sheet.points(width),
            linestyle=style,
            solid_joinstyle="round",
            zorder=4,
            label=name,
        )
    _write_line_words(sheet, picture, box)


def _write_line_words(sheet: Canvas, picture: OpenInterestSpec, box: Box) -> None:
    """Label the lines in the strip, and note that the axis does not start at 0."""
    x, y = box.left + sheet.px(8), box.top - sheet.px(STRIP) / 2 - sheet.px(1)
    worth, theme = picture.interest, sheet.theme
    items = [("━ open interest", theme.interest, True), (f"{_ends(worth)} ({worth.basis})", theme.muted, False)]
    if picture.contracts is not None:
        alone = f"{_ends(picture.contracts)} (contracts only)"
        items += [("╌ at the first price", theme.text, True), (alone, theme.muted, False)]
    hatched = f" · hatched: {GAP_WORDS}" if picture.gaps else ""
    items.append((f"axis does not start at 0{hatched}", theme.muted, False))
    for words, color, bold in items:
        width = sheet.text_width(words, WORDS, bold=bold)
        if x + width > box.right:
            return
        sheet.text(x, y, words, WORDS, color, bold=bold, va="center_baseline")
        x += width + sheet.px(7 if bold else 24)


def _ends(line: OpenInterestLine) -> str:
    first, last = line.ends
    change = format_percent_signed(100 * (last / first - 1)) if first > 0 else ""
    return f"{format_amount(first, line.unit)} to {format_amount(last, line.unit)} {line.unit} {change}".rstrip()


def _map(sheet: Canvas, picture: OpenInterestSpec, time: Timeline, above: Box, below: Box) -> list[Region]:
    page = Page(sheet.width, sheet.height)
    found = [page.region("panel", 0, above), page.region("panel", 1, below)]
    for key, start in enumerate(picture.starts_us.tolist()):
        left, right = max(time.x(start), time.left), min(time.x(start + picture.step_us), time.right)
        if left < right:
            found.append(page.region("bucket", key, Box(left, below.bottom, right - left, above.top - below.bottom)))
    return found
