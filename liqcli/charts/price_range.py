"""The range of the price axis, and labels for prices outside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout, clip_candles, time_span
from liqcli.core.formatting import format_counted, format_price, format_usd
from liqcli.core.price_reach import reach_candles

_MARGIN = 0.03  # of the price span, left free above and below
_FEWEST_BINS = 24  # a single bin would fill the panel
_MARK_SIZE, _MARK_HEIGHT = 12.5, 20
_LAST_STRETCH = 0.5  # of the axis; a last price further outside is an arrow at the edge if events are outside too


def price_span(picture: HeatmapSpec) -> tuple[float, float]:
    """
    Choose the price axis from bins, last price, and candles or line, with a margin. [quote]

    A spike of candles far outside everything else is cut off, because it would compress the heat; see
    :func:`find_prices_outside`. A requested price range is kept unchanged.
    """
    edges = picture.grid.price_edges
    low, high = float(edges[0]), float(edges[-1])
    if picture.bounded:
        return low, high
    cut = picture.grid.outside_events > 0  # the line of event prices then leaves the figure
    if picture.last_price is not None and not cut:
        low, high = min(low, picture.last_price), max(high, picture.last_price)
    if picture.prices is not None:
        candles = clip_candles(picture.prices, *time_span(picture))
        low, high = reach_candles(candles, low, high)
    elif picture.trace is not None and not cut:
        line = picture.trace[1][np.isfinite(picture.trace[1])]
        low, high = float(line.min(initial=low)), float(line.max(initial=high))
    if picture.last_price is not None and cut:
        spare = _LAST_STRETCH * (high - low)
        if low - spare <= picture.last_price <= high + spare:
            low, high = min(low, picture.last_price), max(high, picture.last_price)
    margin = max(_MARGIN * (high - low), (_FEWEST_BINS * picture.grid.bin.width - (high - low)) / 2)
    below = low - margin
    return (0.0 if below < 0 <= low else below), high + margin  # no margin below a price of 0


@dataclass(frozen=True, slots=True)
class PriceOutsideRange:
    """A time outside the axis, with its most distant price at ``ts_us``. [quote], [µs UTC]"""

    ts_us: float
    price: float
    way: Literal["up", "down"]


def find_prices_outside(prices: NDArray[np.float64], low: float, high: float) -> list[PriceOutsideRange]:
    """
    List the runs of candles, or of points on a line, that leave ``[low, high]``, each with its extreme.

    ``prices``, shape ``(n, 3)``: time [µs UTC], lowest and highest price [quote].
    """
    found = []
    ts_us, lows, highs = prices.T
    below: tuple[Literal["up", "down"], NDArray[np.bool_], NDArray[np.float64]] = ("down", lows < low, -lows)
    above: tuple[Literal["up", "down"], NDArray[np.bool_], NDArray[np.float64]] = ("up", highs > high, highs)
    for way, outside, far in (below, above):
        turns = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(np.int8)))
        for first, past in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True):
            k = first + int(np.argmax(far[first:past]))
            found.append(PriceOutsideRange(float(ts_us[k]), abs(float(far[k])), way))
    return found


def draw_outside(sheet: Canvas, view: HeatmapLayout, picture: HeatmapSpec) -> list[Box]:
    """Label the events outside the price axis at its edges; returns boxes that other labels must avoid."""
    if picture.bounded:
        return []  # the subtitle states it
    grid, boxes = picture.grid, []
    for outside, arrow, place, reach in ((grid.above, "▲", "above", "up"), (grid.below, "▼", "below", "down")):
        if outside.price is None:
            continue
        label = (
            f"{arrow} {format_counted(outside.events, 'event')} {place}, {reach} to {format_price(outside.price)}: "
            f"{format_usd(outside.notional)} USD"
        )
        height, edge = sheet.px(_MARK_HEIGHT), sheet.px(3)
        bottom = view.heat.top - height - edge if place == "above" else view.heat.bottom + edge
        width = sheet.text_width(label, _MARK_SIZE, bold=True) + sheet.px(10)
        box = Box(view.heat.left + edge, bottom, width, height)
        sheet.pill(box, sheet.theme.band)
        sheet.text(box.left + sheet.px(5), bottom + height / 2, label, _MARK_SIZE, bold=True, va="center_baseline")
        boxes.append(box)
    return boxes


def draw_prices_outside(
    sheet: Canvas, view: HeatmapLayout, escapes: Sequence[PriceOutsideRange], taken: Sequence[Box] = ()
) -> list[Box]:
    """
    Label the extreme prices outside the axis at its edges; returns boxes that other labels must avoid.

    Where labels would overlap, the most distant price is kept, and boxes in ``taken`` stay.
    """
    placed: list[tuple[PriceOutsideRange, Box, str]] = []
    for escape in sorted(escapes, key=lambda e: (-e.price if e.way == "up" else e.price, e.ts_us)):
        label = f"{'▲' if escape.way == 'up' else '▼'} {format_price(escape.price)}"
        box = _place(sheet, view, escape, label)
        if not any(box.touches(other) for other in (*taken, *(other for _, other, _ in placed))):
            placed.append((escape, box, label))
    for _, box, label in placed:
        sheet.pill(box, sheet.theme.band)
        y = box.bottom + box.height / 2
        sheet.text(box.left + sheet.px(5), y, label, _MARK_SIZE, bold=True, va="center_baseline")
    return [*taken, *(box for _, box, _ in placed)]


def _place(sheet: Canvas, view: HeatmapLayout, escape: PriceOutsideRange, label: str) -> Box:
    """Place the arrow at the candle, within the panel."""
    width, height = sheet.text_width(label, _MARK_SIZE, bold=True) + sheet.px(10), sheet.px(_MARK_HEIGHT)
    left = view.time.x(escape.ts_us) - sheet.px(5) - sheet.text_width("▲", _MARK_SIZE, bold=True) / 2
    left = min(max(left, view.heat.left + sheet.px(2)), view.heat.right - width - sheet.px(2))
    bottom = view.heat.top - height - sheet.px(3) if escape.way == "up" else view.heat.bottom + sheet.px(3)
    return Box(left, bottom, width, height)
