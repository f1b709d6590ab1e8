"""Small multiples: one panel per symbol on one time axis, with one USD colour scale for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from liqcli.charts.canvas import CAPTION_SIZE, Box, Canvas, own_style
from liqcli.charts.compact_layout import CAPTION, EDGE, FOOT, DrawnFigure, ValueAxis, list_axis, write_axis
from liqcli.charts.figure_spec import HeadlineNumber, Tone
from liqcli.charts.fonts import printable
from liqcli.charts.header import SAMPLE_MARK, draw_header, plan_header
from liqcli.charts.hit_regions import Page, Region
from liqcli.charts.legend import draw_color_scale
from liqcli.charts.palettes import HeatNorm, find_palette
from liqcli.charts.text_fit import cut
from liqcli.charts.themes import find_theme
from liqcli.charts.timeline import Timeline, draw_gaps, draw_time_axis
from liqcli.core.choices import PaletteName, ScaleName, ThemeName
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_price, format_usd
from liqcli.core.model import HeatmapGrid

WIDTH, PANEL, HEAD = 1600, 210, 180  # width; height of a panel with its caption; all that is not a panel [px]
# For phones, without a header, shown at half the size [px]: width, height of a panel, all that is not a panel
PORTRAIT_WIDTH, PORTRAIT_PANEL, PORTRAIT_FOOT = 800, 380, 190
_LEGEND = 34  # height of the colour scale below the time axis [px]
_SMALLEST, _LARGEST = 500, 8000


@dataclass(frozen=True, slots=True)
class ComparePanel:
    """
    One symbol: its cells, its price, and words with their tones.

    ``grid`` is None for a symbol without liquidations; ``price`` is a line of times [µs UTC] and prices [quote], NaN
    where it breaks.
    """

    name: str
    words: Sequence[tuple[str, Tone]]
    grid: HeatmapGrid | None = None
    price: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    gaps: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class CompareSpec:
    """Everything the picture shows; ``start_us`` and ``end_us`` are the window of all panels. [µs UTC]"""

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    start_us: int
    end_us: int
    panels: Sequence[ComparePanel]
    sample: bool = False


def draw_compare(
    picture: CompareSpec,
    *,
    theme: ThemeName = "dark",
    palette: PaletteName = "liq",
    scale: ScaleName = "log",
    size: tuple[int, int] | None = None,
    dpi: float = 100.0,
    portrait: bool = False,
) -> DrawnFigure:
    """
    Draw the panels below each other. Regions: panel (by place from the top, 1 is the first).

    ``portrait`` is the layout for phones, whose page shows title and totals; ``size`` is then not used.

    Raises
    ------
    UsageError
        Unknown theme, palette or scale, or a size too small or too large.
    """
    design = (WIDTH, HEAD + PANEL * len(picture.panels))
    if portrait:
        size = (PORTRAIT_WIDTH, PORTRAIT_FOOT + PORTRAIT_PANEL * len(picture.panels))
        design = (size[0] // 2, size[1] // 2)
    if size and not all(_SMALLEST <= side <= _LARGEST for side in size):
        raise UsageError(f"a picture of {size[0]} x {size[1]} px: {_SMALLEST} to {_LARGEST} px a side are possible")
    look = find_theme(theme, palette)
    with own_style():
        sheet = Canvas(size or design, dpi, look, find_palette(palette, look.name), design)
        regions = _compose(sheet, picture, scale, portrait)
    return DrawnFigure(sheet.figure, regions)


def _compose(sheet: Canvas, picture: CompareSpec, scale: ScaleName, tall: bool) -> list[Region]:
    px = sheet.px
    edge, right, lines = (px(4), px(62), 2) if tall else (px(EDGE), px(84), 1)
    top = float(sheet.height)
    if not tall:
        head = plan_header(sheet, picture)
        draw_header(sheet, picture, head)
        top -= head.height
    cells = [panel.grid.notional.ravel() for panel in picture.panels if panel.grid is not None]
    norm = HeatNorm(np.concatenate(cells) if cells else np.zeros(1), scale)
    time = Timeline(picture.start_us, picture.end_us, edge, sheet.width - edge - right)
    foot = px(FOOT + _LEGEND + (18 if tall else 0))
    step = (top - foot) / len(picture.panels)
    found: list[Region] = []
    drawn: list[Axes] = []
    page = Page(sheet.width, sheet.height)
    for place, panel in enumerate(picture.panels, start=1):
        caption = px(CAPTION + 18 * (lines - 1))
        box = Box(time.left, top - place * step + px(8), time.width, step - caption - px(8))
        _write_words(sheet, panel, box, edge, lines, picture.sample and tall and place == 1)
        drawn.append(_draw_panel(sheet, panel, box, norm))
        found.append(page.region("panel", place, box))
    draw_time_axis(sheet, time, foot, drawn)
    _write_legend(sheet, scale, norm, tall)
    for axes, panel in zip(drawn, picture.panels, strict=True):
        draw_gaps(axes, sheet, panel.gaps, time)
    return found


def _write_words(sheet: Canvas, panel: ComparePanel, box: Box, edge: float, lines: int, sample: bool) -> None:
    """Write the name and the numbers over a panel, as many as fit in the lines."""
    line = sheet.px(18)
    x, y = box.left, box.top + sheet.px(8) + (lines - 1) * line
    tones: list[tuple[str, Tone, float, bool]] = [(panel.name, "plain", 15, True)]
    tones += [(SAMPLE_MARK, "warn", CAPTION_SIZE, False)] if sample else []
    tones += [(words, tone, CAPTION_SIZE, False) for words, tone in panel.words]
    for words, tone, size, bold in tones:
        text = printable(words)
        if bold:  # the name comes first
            text = cut(text, sheet.width - edge - x, lambda t: sheet.text_width(t, 15, bold=True))
        width = sheet.text_width(text, size, bold)
        if x + width > sheet.width - edge:
            lines -= 1
            x, y = box.left, y - line
            if not lines:
                return
        color = sheet.theme.muted if tone == "plain" and not bold else sheet.theme.tone(tone)
        sheet.text(x, y, text, size, color, bold=bold)
        x += width + sheet.px(16)


def _draw_panel(sheet: Canvas, panel: ComparePanel, box: Box, norm: HeatNorm) -> Axes:
    axes = sheet.axes(box, panel.name)
    if panel.grid is None:
        axes.set_ylim(0, 1)
        sheet.text(
            box.left + box.width / 2, box.bottom + box.height / 2, "no liquidations in this window", CAPTION_SIZE,
            sheet.theme.muted, ha="center", va="center_baseline",
        )  # fmt: skip
        return axes
    grid = panel.grid
    low, high = _find_range(grid, panel)
    axis = ValueAxis(box, low, high)
    ticks, step = list_axis(sheet, axis, 36)
    write_axis(sheet, axes, axis, [(tick, format_price(tick, step)) for tick in ticks])
    colors = np.asarray(sheet.palette(norm.spread(grid.notional)), dtype=np.float64)
    colors[..., 3] = np.where(grid.notional > 0, 1.0, 0.0)
    times = np.append(grid.bucket_starts_us, grid.bucket_starts_us[-1] + grid.bucket_us).astype(np.float64)
    axes.pcolormesh(times, grid.price_edges, colors, zorder=2, antialiased=False)
    if panel.price is not None:
        for width, color in ((3.0, sheet.theme.halo), (1.3, sheet.theme.text)):
            axes.plot(*panel.price, color=color, linewidth=sheet.points(width), alpha=0.8, zorder=3)
    axes.set_ylim(low, high)
    return axes


def _find_range(grid: HeatmapGrid, panel: ComparePanel) -> tuple[float, float]:
    """Find the prices that a panel shows: all cells, and the price line. [quote]"""
    edges = grid.price_edges
    prices = [float(edges[0]), float(edges[-1])]
    if panel.price is not None and np.isfinite(panel.price[1]).any():
        prices += [float(np.nanmin(panel.price[1])), float(np.nanmax(panel.price[1]))]
    return min(prices), max(prices)


def _write_legend(sheet: Canvas, scale: ScaleName, norm: HeatNorm, tall: bool) -> None:
    """Draw the colour scale that all panels share, below the time axis."""
    px = sheet.px
    words = f"USD per cell, one {scale} scale for all panels, max {format_usd(norm.top)}"
    if tall:
        box = Box(px(4), px(4), sheet.width - px(8), px(34))
        sheet.caption(box, box.top + px(4), words)
    else:
        box = Box(sheet.width - px(EDGE + 84 + 420), px(4), px(420), px(34))
        room = Box(px(EDGE), box.bottom, box.left - px(EDGE + 20), box.height)
        sheet.caption(room, box.top - px(12), words)
    draw_color_scale(sheet, box, "USD", norm, box.right)
