"""The heat map as a small image without text: cells, price and profile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.colors import Colormap, to_rgb
from numpy.typing import NDArray

from liqcli.charts.field import FIELD_POWER
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import clip_candles, time_span
from liqcli.charts.palettes import HeatNorm, find_glow, find_palette
from liqcli.charts.png import pack_png
from liqcli.charts.price_range import price_span
from liqcli.charts.themes import Theme, find_theme
from liqcli.core.choices import PaletteName, ScaleName, ThemeName

WIDTH, HEIGHT, PROFILE = 720, 384, 104  # [px]; shown at half the size, so that it is sharp on dense screens
_LINE = 3  # thickness of the price line [px]
_CELL = 5  # minimum width and height of a cell [px]; finer cells are summed

Pixels = NDArray[np.float64]
Page = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Cells:
    """The grid in visible steps: ``values`` (n_bins, n_buckets), ``edges`` (n_bins + 1,), sums by bin."""

    values: Pixels
    edges: Pixels
    starts_us: NDArray[np.int64]
    long: Pixels
    short: Pixels


def draw_thumbnail(
    picture: HeatmapSpec, *, theme: ThemeName = "dark", palette: PaletteName = "liq", scale: ScaleName = "log"
) -> bytes:
    """
    Draw the heat map as PNG bytes, about ten times faster than the full one: pixels are looked up in the cells.

    Parameters
    ----------
    picture : HeatmapSpec
        As for :func:`liqcli.charts.draw_heatmap`; titles, labels and bands are left out.
    theme, palette, scale : str
        As there.
    """
    look = find_theme(theme, palette)
    width = WIDTH - PROFILE
    low, high = price_span(picture)
    prices = high - (np.arange(HEIGHT) + 0.5) * (high - low) / HEIGHT
    start_us, end_us = time_span(picture)
    times = start_us + (np.arange(width) + 0.5) * (end_us - start_us) / width
    cells = _coarsen(picture, width)
    rows = np.searchsorted(cells.edges, prices, side="right") - 1
    columns = np.searchsorted(cells.starts_us, times, side="right") - 1
    page = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    page[:] = _rgb(look.panel)
    _paint_heat(
        page[:, :width], cells.values, (rows, columns), scale, (find_palette(palette, theme), find_glow(palette, theme))
    )
    _paint_gaps(page[:, :width], picture, look, times)
    _paint_price(page[:, :width], picture, look, times, (low, high))
    _paint_profile(page[:, width:], cells, look, rows)
    if picture.last_price is not None:
        y = _to_rows(np.array([picture.last_price]), low, high)[0]
        page[y : y + 2, (np.arange(WIDTH) // 8) % 2 == 0] = _rgb(look.text)
    return pack_png(page)


def _paint_gaps(area: Page, picture: HeatmapSpec, look: Theme, times: Pixels) -> None:
    """Hatch the gaps."""
    stripes = (np.add.outer(np.arange(area.shape[0]), np.arange(area.shape[1])) % 14) < 2
    hatch = 0.72 * _rgb(look.gap) + 0.28 * _rgb(look.hatch)
    for start_us, end_us in picture.gaps:
        inside = (times >= start_us) & (times < end_us)
        area[:, inside] = _rgb(look.gap)
        area[stripes & inside] = hatch


def _paint_heat(
    area: Page,
    values: Pixels,
    where: tuple[NDArray[np.int64], NDArray[np.int64]],
    scale: ScaleName,
    palettes: tuple[Colormap, Colormap],
) -> None:
    """Colour each pixel by its cell, with the cumulative sums faintly behind."""
    rows, columns = where
    bins, buckets = values.shape
    known_rows, known_columns = (rows >= 0) & (rows < bins), (columns >= 0) & (columns < buckets)
    known = np.ix_(known_rows, known_columns)
    inside = np.ix_(rows[known_rows], columns[known_columns])
    shown = np.tile(area[0, 0].astype(np.float64), (bins, buckets, 1))
    so_far = np.cumsum(values, axis=1)
    strength = np.power(so_far / max(float(so_far.max()), 1e-12), FIELD_POWER)
    for cells, place, palette in zip(
        (so_far, values), (strength, HeatNorm(values, scale).spread(values)), reversed(palettes), strict=True
    ):
        colours = np.asarray(palette(place))
        weight = colours[..., 3:] * (cells > 0)[..., None]
        shown = (1 - weight) * shown + weight * 255 * colours[..., :3]
    area[known] = np.round(shown).astype(np.uint8)[inside]


def _paint_price(area: Page, picture: HeatmapSpec, look: Theme, times: Pixels, span: tuple[float, float]) -> None:
    """Draw closing or liquidation prices as a line with a dark edge."""
    if picture.prices is not None:
        candles = clip_candles(picture.prices, *time_span(picture))
        ts_us, price = candles.ts_us, candles.close
    elif picture.trace is not None:
        known = np.isfinite(picture.trace[1])
        ts_us, price = picture.trace[0][known], picture.trace[1][known]
    else:
        return
    if not len(ts_us):
        return
    y = _to_rows(np.interp(times, ts_us, price), *span)
    before = np.concatenate([y[:1], y[:-1]])
    shown = (times >= ts_us[0]) & (times <= ts_us[-1] + (times[1] - times[0]) * 2)
    for extra, colour in ((2, look.halo), (0, look.text)):
        for x in np.flatnonzero(shown):
            top, bottom = min(y[x], before[x]) - 1 - extra, max(y[x], before[x]) + _LINE - 1 + extra
            area[max(top, 0) : bottom, x] = _rgb(colour)


def _paint_profile(area: Page, cells: _Cells, look: Theme, rows: NDArray[np.int64]) -> None:
    """Stack longs and shorts by price."""
    area[:, :2] = _rgb(look.page)
    both = cells.long + cells.short
    top = float(both.max())
    if not top > 0:
        return
    reach = area.shape[1] - 10
    across = np.arange(area.shape[1]) - 6
    for y in np.flatnonzero((rows >= 0) & (rows < len(both))):
        split, end = reach * cells.long[rows[y]] / top, reach * both[rows[y]] / top
        area[y, (across >= 0) & (across < split)] = _rgb(look.long)
        area[y, (across >= max(split, 0)) & (across < end)] = _rgb(look.short)


def _coarsen(picture: HeatmapSpec, width: int) -> _Cells:
    """Sum neighbouring bins and buckets until a cell is large enough."""
    grid = picture.grid
    bins, buckets = picture.values.shape
    tall, wide = -(-bins * _CELL // HEIGHT), -(-buckets * _CELL // width)
    low, first = np.arange(0, bins, tall), np.arange(0, buckets, wide)
    values = np.add.reduceat(np.asarray(picture.values, dtype=np.float64), low, axis=0)
    return _Cells(
        np.add.reduceat(values, first, axis=1),
        np.append(grid.price_edges[low], grid.price_edges[-1]),
        grid.bucket_starts_us[first],
        np.add.reduceat(grid.long_notional.sum(axis=1), low),
        np.add.reduceat(grid.short_notional.sum(axis=1), low),
    )


@cache
def _rgb(colour: str) -> Pixels:
    """Convert a colour to three numbers up to 255; cached."""
    return np.round(255 * np.array(to_rgb(colour)))


def _to_rows(prices: Pixels, low: float, high: float) -> NDArray[np.int64]:
    y = (high - prices) / (high - low) * HEIGHT
    return np.clip(y, 0, HEIGHT - 2).astype(np.int64)
