"""Open interest in a strip of its own below the bars, with an axis."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from liqcli.charts.bars import WORDS
from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import OpenInterestLine
from liqcli.charts.ticks import nice_step
from liqcli.core.formatting import format_amount, format_axis, format_percent_signed

_HEAD, _EDGE = 20, 5  # space for the words above the line, and below it [px]
_EVERY = 16  # least distance of two labels [px]
_AXIS_SIZE = 11.5


def draw_interest(axes: Axes, sheet: Canvas, box: Box, interest: OpenInterestLine) -> None:
    """Draw the line between its smallest and largest value, the axis on the right, and what it shows."""
    low, high = float(np.nanmin(interest.values)), float(np.nanmax(interest.values))
    free = box.height - sheet.px(_HEAD + _EDGE)
    per_px = ((high - low) or 0.02 * high or 1.0) / free
    bottom = low - sheet.px(_EDGE) * per_px
    axes.set_ylim(bottom, bottom + box.height * per_px)
    _write_axis(axes, sheet, box, (low, high), bottom, per_px)
    axes.plot(
        interest.ts_us,
        interest.values,
        color=sheet.theme.interest,
        linewidth=sheet.points(1.6),
        solid_joinstyle="round",
        zorder=3.5,
        label="open interest",
    )
    _write_words(sheet, box, interest)


def _write_axis(axes: Axes, sheet: Canvas, box: Box, span: tuple[float, float], bottom: float, per_px: float) -> None:
    """Write round values at the lines they stand for; at most three."""
    low, high = span
    step = nice_step(max((high - low) / 2, sheet.px(_EVERY) * per_px))
    ticks = [k * step for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)]
    sheet.rule(axes, across=ticks)
    for tick in ticks:
        y = box.bottom + (tick - bottom) / per_px
        text = format_axis(tick, step, "USD")
        sheet.text(box.right + sheet.px(6), y, text, _AXIS_SIZE, sheet.theme.muted, va="center_baseline")


def _write_words(sheet: Canvas, box: Box, interest: OpenInterestLine) -> None:
    first, last = interest.ends
    change = f" {format_percent_signed(100 * (last / first - 1))}" if first > 0 else ""
    ends = f"{format_amount(first, interest.unit)} to {format_amount(last, interest.unit)} {interest.unit}{change}"
    x, y = box.left + sheet.px(8), box.top - sheet.px(_HEAD) / 2
    for words, color, bold in (
        ("━ open interest", sheet.theme.interest, True),
        (f"{ends} ({interest.basis})", sheet.theme.muted, False),
    ):
        width = sheet.text_width(words, WORDS, bold=bold)
        if x + width > box.right:
            return
        sheet.text(x, y, words, WORDS, color, bold=bold, va="center_baseline")
        x += width + sheet.px(7)
