"""The price over the heat: candles or a line, in neutral tones because hues belong to liquidations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patheffects import AbstractPathEffect, Normal, Stroke
from numpy.typing import NDArray

from liqcli.charts.canvas import Box, Canvas, rectangles
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.free_space import FreeSpace
from liqcli.charts.heatmap_layout import HeatmapLayout, clip_candles
from liqcli.core.formatting import format_price
from liqcli.core.model import US_PER_S, PriceSeries

_MOST_CANDLES = 200
_LEAST_PX = 5.5  # width of a candle with its spacing
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 10_080, 20_160, 43_200)
_SILENCE = 0.04  # of the window; a solid line over a longer silence would suggest a known price
_BROAD_PX = 26  # wider candles are outlined, so that the heat behind them stays visible
TAG_SIZE = 13.5


def thin_candles(prices: PriceSeries, most: int) -> PriceSeries:
    """
    Join candles into the shortest standard length that gives at most ``most`` candles.

    Joining keeps highs and lows.
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


def fit_candles(picture: HeatmapSpec, sheet: Canvas, view: HeatmapLayout) -> PriceSeries | None:
    """Return the candles to draw, as wide as a bucket where there is space; None if the window has none."""
    if picture.prices is None:
        return None
    inside = clip_candles(picture.prices, view.time.start_us, view.time.end_us)
    most = min(_MOST_CANDLES, int(view.heat.width / sheet.px(_LEAST_PX)))
    if inside.step_us < picture.grid.bucket_us:
        most = min(most, -(-picture.grid.window.length_us // picture.grid.bucket_us))
    return thin_candles(inside, most) if len(inside.ts_us) else None


def draw_candles(axes: Axes, sheet: Canvas, view: HeatmapLayout, candles: PriceSeries) -> None:
    """Draw wicks and bodies: light where price rose, dark where it fell."""
    theme = sheet.theme
    middle = candles.ts_us + candles.step_us / 2
    broad = candles.step_us > sheet.px(_BROAD_PX) * view.time.us_per_px  # longer than a bucket: only an outline
    half = (0.46 if broad else 0.34) * candles.step_us
    pixel_price = (view.high - view.low) / view.heat.height
    low, high = np.minimum(candles.open, candles.close), np.maximum(candles.open, candles.close)
    flat = np.maximum(sheet.px(1) * pixel_price - (high - low), 0) / 2  # an unchanged price is drawn as a dash
    low, high = low - flat, high + flat
    wicks = np.stack([np.column_stack([middle, candles.low]), np.column_stack([middle, candles.high])], axis=1)
    bodies = np.array(rectangles(middle - half, middle + half, low, high))
    rising = candles.close >= candles.open
    for chosen, color in ((rising, theme.candle_up), (~rising, theme.candle_down)):
        # Bodies are below the cells and thin wicks above them, so that the price stays readable in a cascade.
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
                facecolors=to_rgba(color, 0.3 if broad else 1.0),
                edgecolors=theme.candle_wick,
                linewidths=sheet.points(0.8),
                zorder=2.5,
            ),
            autolim=False,
        )


def draw_trace(axes: Axes, sheet: Canvas, picture: HeatmapSpec) -> None:
    """Draw the price of the last event per bucket as a thin outlined line, broken at gaps."""
    if picture.trace is None:
        return
    line = cut_line(*picture.trace, picture.gaps, picture.grid.window.length_us)
    rim = [Stroke(linewidth=sheet.points(3.4), foreground=sheet.theme.halo, alpha=0.6), Normal()]
    draw_line(axes, sheet, line, rim, zorder=2.5, alpha=0.85)
    axes.add_collection(  # as with candles: the line is below the cells, with a faint copy above them
        LineCollection(line.runs, colors=sheet.theme.text, linewidths=sheet.points(1.3), alpha=0.3, zorder=5.0),
        autolim=False,
    )


@dataclass(frozen=True, slots=True)
class CutLine:
    """
    A price line in pieces of points (time [µs UTC], price [quote]), shape ``(n, 2)`` each.

    ``runs`` have a known price throughout; ``bridges`` connect two of them over a long time without events.
    """

    runs: list[NDArray[np.float64]]
    bridges: list[NDArray[np.float64]]


def cut_line(
    ts_us: NDArray[np.int64], price: NDArray[np.float64], gaps: Sequence[tuple[int, int]], length_us: int
) -> CutLine:
    """Cut the line of the last liquidation per bucket at gaps, and bridge long times without events."""
    known = np.isfinite(price)
    points = np.column_stack([ts_us[known], price[known]]).astype(np.float64)
    lost = np.zeros(max(len(points) - 1, 0), dtype=bool)
    places = np.searchsorted(points[:, 0], [start for start, _ in gaps])
    lost[[k - 1 for k in places.tolist() if 0 < k < len(points)]] = True
    silent = np.diff(points[:, 0]) > _SILENCE * length_us
    runs = np.split(points, np.flatnonzero(lost | silent) + 1) if len(points) else []
    return CutLine(runs, [points[k : k + 2] for k in np.flatnonzero(silent & ~lost).tolist()])


def draw_line(
    axes: Axes, sheet: Canvas, line: CutLine, effects: list[AbstractPathEffect], zorder: float, alpha: float
) -> None:
    """Draw a cut line: runs solid, bridges dotted, single points as dots."""
    style: dict[str, Any] = {"colors": sheet.theme.text, "linewidths": sheet.points(1.3)}
    style |= {"alpha": alpha, "zorder": zorder}
    axes.add_collection(
        LineCollection(line.runs, joinstyle="round", path_effects=effects, label="price", **style), autolim=False
    )
    style |= {"linewidths": sheet.points(1.0), "alpha": 0.45 * alpha}
    axes.add_collection(
        LineCollection(line.bridges, linestyles=[(0, (1, 4))], label="price unknown", **style), autolim=False
    )
    lonely = np.array([run[0] for run in line.runs if len(run) == 1]).reshape(-1, 2)
    dots: dict[str, Any] = {"color": sheet.theme.text, "alpha": alpha, "zorder": zorder, "linestyle": "none"}
    dots |= {"marker": "o", "markersize": sheet.points(3.5), "markeredgewidth": 0}
    axes.plot(*lonely.T, label="price dots", **dots)


def price_extents(picture: HeatmapSpec, candles: PriceSeries | None) -> NDArray[np.float64]:
    """Return time [µs UTC], lowest and highest price [quote] of the drawn candles or line, shape (n, 3)."""
    if candles is not None:
        return np.column_stack([candles.ts_us + candles.step_us / 2, candles.low, candles.high])
    if picture.trace is None:
        return np.empty((0, 3))
    rows = np.column_stack([picture.trace[0], picture.trace[1], picture.trace[1]]).astype(np.float64)
    return rows[np.isfinite(rows[:, 1])]


def cover_price(space: FreeSpace, view: HeatmapLayout, extents: NDArray[np.float64], step_us: int) -> None:
    """Mark the places of the candles or the line, so that labels avoid them."""
    x = view.time.left + (extents[:, 0] - view.time.start_us) / view.time.us_per_px
    half = max(0.31 * step_us / view.time.us_per_px, 3.0)
    low, high = (view.heat.bottom + (extents[:, k] - view.low) / view.per_px for k in (1, 2))
    space.cover(x - half, x + half, low - 2, high + 2, weight=1)


def draw_last_price(sheet: Canvas, panels: tuple[Axes, ...], price: float) -> None:
    """Draw the dashed line through all price panels; matplotlib clips it to their frames."""
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


def price_tag_text(price: float, span: tuple[float, float]) -> str:
    """Format the last price, with an arrow where it is outside the requested range."""
    arrow = "▼ " if price < span[0] else "▲ " if price > span[1] else ""
    return arrow + format_price(price)


def draw_tag(sheet: Canvas, view: HeatmapLayout, price: float) -> Box:
    """Write the last price on the axis; returns its box, which other labels must avoid."""
    height = sheet.px(23)
    text, y = price_tag_text(price, (view.low, view.high)), view.y(price)
    if not view.low <= price <= view.high:
        y = min(max(y, view.heat.bottom + height / 2), view.heat.top - height / 2)
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
