"""The price as a line in its own panel, for figures about other data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.compact_layout import ValueAxis, list_axis, write_axis
from liqcli.charts.figure_spec import CascadeMark, CascadesSpec
from liqcli.charts.heatmap_layout import clip_candles
from liqcli.charts.price import CutLine, cut_line, draw_line, thin_candles
from liqcli.core.formatting import format_price

_MOST_POINTS = 600


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A price line in pieces, its range [quote] and its caption."""

    line: CutLine
    low: float
    high: float
    words: str


def build_price_line(picture: CascadesSpec) -> PriceLine | None:
    """Build the line from closes of candles, else from liquidation prices; None without either."""
    if picture.prices is not None:
        inside = clip_candles(picture.prices, picture.start_us, picture.end_us)
        if len(inside.ts_us) > 1:
            candles = thin_candles(inside, _MOST_POINTS)
            times = np.append(candles.ts_us, candles.ts_us[-1] + candles.step_us).astype(np.float64)
            points = np.column_stack([times, np.insert(candles.close, 0, candles.open[0])])
            return _measure(CutLine([points], []), f"price: closes of the {candles.basis}")
    if picture.trace is None or not np.isfinite(picture.trace[1]).any():
        return None
    line = cut_line(*picture.trace, picture.gaps, picture.end_us - picture.start_us)
    return _measure(line, "price: line of the last liquidation per bucket")


def _measure(line: CutLine, words: str) -> PriceLine:
    prices = np.concatenate([run[:, 1] for run in line.runs])
    return PriceLine(line, float(prices.min()), float(prices.max()), words)


def plan_axis(sheet: Canvas, line: PriceLine, box: Box) -> tuple[ValueAxis, list[tuple[float, str]]]:
    """Fit the price axis to the line, and choose its labels."""
    margin = 0.08 * (line.high - line.low) or 0.001 * line.high
    axis = ValueAxis(box, max(line.low - margin, 0.0), line.high + margin)
    ticks, step = list_axis(sheet, axis, 36)
    return axis, [(tick, format_price(tick, step)) for tick in ticks]


def draw_price_line(
    axes: Axes,
    sheet: Canvas,
    line: PriceLine,
    axis: ValueAxis,
    labels: list[tuple[float, str]],
    bursts: list[CascadeMark],
) -> None:
    """Draw the line, and over it each cascade from its first to its last price in the hue of its side."""
    write_axis(sheet, axes, axis, labels)
    draw_line(axes, sheet, line.line, [], zorder=4, alpha=0.85)
    moves = [[(b.start_us, b.price_from), (b.end_us, b.price_to)] for b in bursts]
    hues = [sheet.theme.long if b.position == "long" else sheet.theme.short for b in bursts]
    axes.add_collection(
        LineCollection(moves, colors=hues, linewidths=sheet.points(3.0), capstyle="round", zorder=5, label="moves"),
        autolim=False,
    )
