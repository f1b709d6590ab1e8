"""The price over the heat: candles or a line, in neutral tones so that hue stays with the liquidations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from liqcli.charts.picture import HeatmapPicture
from liqcli.charts.shapes import rectangles
from liqcli.charts.sheet import Box, Sheet
from liqcli.charts.view import View, clip_candles
from liqcli.formats import format_price
from liqcli.model import US_PER_S, PriceSeries

_MOST_CANDLES = 200
_LEAST_PX = 5.5  # a candle and the air beside it
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 10_080, 20_160, 43_200)
TAG_SIZE = 13.5


def thin_candles(prices: PriceSeries, most: int) -> PriceSeries:
    """
    Join candles into the shortest usual length that gives at most ``most`` of them over their span.

    Highs and lows are kept: joining never hides a wick.
    """
    if not len(prices.ts_us):
        return prices
    span_us = int(prices.ts_us[-1] - prices.ts_us[0]) + prices.step_us
    steps = [prices.step_us, *(minutes * 60 * US_PER_S for minutes in _MINUTES)]
    usable = [step for step in steps if step >= prices.step_us and step % prices.step_us == 0]
    step = next((step for step in usable if span_us / step <= most), usable[-1])
    _, first = np.unique(prices.ts_us // step, return_index=True)
    last = np.append(first[1:], len(prices.ts_us)) - 1
    return PriceSeries(
        prices.ts_us[first] // step * step,
        prices.open[first],
        np.maximum.reduceat(prices.high, first),
        np.minimum.reduceat(prices.low, first),
        prices.close[last],
        step,
        prices.basis,
    )


def fit_candles(picture: HeatmapPicture, sheet: Sheet, view: View) -> PriceSeries | None:
    """The candles to draw, or None where there are none in the window."""
    if picture.prices is None:
        return None
    inside = clip_candles(picture.prices, view.start_us, view.end_us)
    most = min(_MOST_CANDLES, int(view.heat.width / sheet.px(_LEAST_PX)))
    return thin_candles(inside, most) if len(inside.ts_us) else None


def draw_candles(axes: Axes, sheet: Sheet, view: View, candles: PriceSeries) -> None:
    """Draw wicks and bodies: light where price rose, dark where it fell."""
    theme = sheet.theme
    middle = candles.ts_us + candles.step_us / 2
    pixel_us = (view.end_us - view.start_us) / view.heat.width
    half = min(0.31 * candles.step_us, sheet.px(5) * pixel_us)
    pixel_price = (view.high - view.low) / view.heat.height
    low, high = np.minimum(candles.open, candles.close), np.maximum(candles.open, candles.close)
    flat = np.maximum(sheet.px(1) * pixel_price - (high - low), 0) / 2  # an unchanged price is a dash, not nothing
    low, high = low - flat, high + flat
    wicks = np.stack([np.column_stack([middle, candles.low]), np.column_stack([middle, candles.high])], axis=1)
    bodies = np.array(rectangles(middle - half, middle + half, low, high))
    rising = candles.close >= candles.open
    for chosen, color in ((rising, theme.candle_up), (~rising, theme.candle_down)):
        # Bodies lie under the cells, wicks run thinly over them: price stays readable where a burst covers it.
        for alpha, zorder in ((1.0, 2.4), (0.35, 5.0)):
            axes.add_collection(
                LineCollection(
                    list(wicks[chosen]),
                    colors=theme.candle_wick,
                    linewidths=sheet.points(1.0),
                    alpha=alpha,
                    zorder=zorder,
                ),
                autolim=False,
            )
        axes.add_collection(
            PolyCollection(
                list(bodies[chosen]),
                facecolors=color,
                edgecolors=theme.candle_wick,
                linewidths=sheet.points(0.8),
                zorder=2.5,
            ),
            autolim=False,
        )


def draw_trace(axes: Axes, sheet: Sheet, picture: HeatmapPicture) -> None:
    """Draw the price of the last event per bucket as a thin line with a rim against the cells, broken at gaps."""
    if picture.trace is None:
        return
    ts_us, price = _break_at_gaps(*picture.trace, picture.gaps)
    rim = [Stroke(linewidth=sheet.points(3.4), foreground=sheet.theme.halo, alpha=0.6), Normal()]
    # As with candles: the line proper lies under the cells, a breath of it over them.
    for alpha, effects, zorder in ((0.85, rim, 2.5), (0.3, [], 5.0)):
        axes.plot(
            ts_us,
            price,
            color=sheet.theme.text,
            linewidth=sheet.points(1.3),
            alpha=alpha,
            solid_joinstyle="round",
            path_effects=effects,
            zorder=zorder,
            label="price",
        )


def _break_at_gaps(
    ts_us: NDArray[np.int64], price: NDArray[np.float64], gaps: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = np.isfinite(price)
    times, prices = ts_us[known].astype(np.float64), price[known]
    places = np.unique(np.searchsorted(times, [start for start, _ in gaps]).astype(np.int64))
    inner = places[(places > 0) & (places < len(times))]
    return np.insert(times, inner, times[inner]), np.insert(prices, inner, np.nan)


def price_extents(picture: HeatmapPicture, view: View, candles: PriceSeries | None) -> NDArray[np.float64]:
    """Where price is drawn: time, lowest and highest [px], shape (n, 3)."""
    if candles is not None:
        rows = zip(candles.ts_us + candles.step_us / 2, candles.low, candles.high, strict=True)
    elif picture.trace is not None:
        rows = zip(*(picture.trace[i] for i in (0, 1, 1)), strict=True)
    else:
        return np.empty((0, 3))
    placed = [(view.x(ts), view.y(low), view.y(high)) for ts, low, high in rows if np.isfinite(low)]
    return np.array(placed, dtype=np.float64).reshape(-1, 3)


def draw_last_price(sheet: Sheet, panels: tuple[Axes, ...], price: float) -> None:
    """Draw the dashed line through all panels of price."""
    for axes in panels:
        axes.axhline(
            price,
            color=sheet.theme.text,
            linewidth=sheet.points(1.0),
            linestyle=(0, (5, 4)),
            alpha=0.8,
            zorder=7,
            label="last price",
        )


def draw_tag(sheet: Sheet, view: View, price: float) -> Box:
    """Print the last price on the axis; gives the box that other labels must leave alone."""
    text, y = format_price(price), view.y(price)
    height = sheet.px(23)
    box = Box(view.profile.right + sheet.px(3), y - height / 2, sheet.text_width(text, TAG_SIZE, bold=True), height)
    box = Box(box.left, box.bottom, box.width + sheet.px(14), height)
    sheet.pill(box, sheet.theme.tag)
    sheet.text(
        box.left + sheet.px(7),
        y,
        text,
        TAG_SIZE,
        sheet.theme.tag_text,
        bold=True,
        va="center_baseline",
    )
    return box
