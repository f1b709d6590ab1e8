"""
The heat map as text for a terminal: two cells a character, coloured half blocks, or shades without colour.

Empty cells keep the background of the terminal, whichever it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import clip_candles, time_span
from liqcli.charts.palettes import HeatNorm, find_palette
from liqcli.charts.price_range import price_span
from liqcli.charts.ticks import nice_step, round_ticks, time_ticks
from liqcli.core.choices import PaletteName, ScaleName
from liqcli.core.formatting import format_price, format_usd

ColourMode = Literal["truecolor", "256", "none"]
Pixels = NDArray[np.float64]

LEAST_COLUMNS, MOST_COLUMNS = 44, 160  # narrower is unreadable; wider than a screen's worth of buckets adds nothing
_LINES = 18  # of the heat
_SHADES = "░▒▓█"
_PRICE_LINE = (110, 110, 110)  # visible on black and on white
_TIME_LABEL = 12  # characters a time needs, with space


@dataclass(frozen=True, slots=True)
class _Frame:
    """The area of the heat: size in characters, price axis [quote], time axis [µs UTC]."""

    width: int
    lines: int
    low: float
    high: float
    start_us: int
    end_us: int

    def line_of(self, price: float) -> int:
        """Return the line of a price, 0 at the top."""
        return min(self.lines - 1, max(0, int((self.high - price) / (self.high - self.low) * self.lines)))

    def column_of(self, ts_us: int) -> int:
        """Return the column of a time."""
        return int((ts_us - self.start_us) * self.width // (self.end_us - self.start_us))


def draw_terminal_map(
    picture: HeatmapSpec,
    *,
    columns: int,
    colours: ColourMode = "truecolor",
    palette: PaletteName = "liq",
    scale: ScaleName = "log",
    lines: int = _LINES,
) -> str:
    """
    Draw cells, price, both axes, and the colour scale; lines have at most ``columns`` characters.

    Parameters
    ----------
    picture : HeatmapSpec
        As for :func:`liqcli.charts.draw_heatmap`; titles, labels, bands and gaps are left out.
    columns : int
        Width of the terminal; at least ``LEAST_COLUMNS``.
    colours : {"truecolor", "256", "none"}
        Escape codes that the terminal understands.
    """
    low, high = price_span(picture)
    step = nice_step((high - low) / max(lines // 4, 1))
    ticks, step = round_ticks(low, high, max(lines // 4, 1))
    labels = {_Frame(1, lines, low, high, 0, 1).line_of(tick): format_price(tick, step) for tick in ticks}
    last = None if picture.last_price is None else f"◄ {format_price(picture.last_price)} last"
    margin = max(map(len, [*(f"  {label}" for label in labels.values()), *([last] if last else [])])) + 1
    frame = _Frame(min(columns, MOST_COLUMNS) - margin, lines, low, high, *time_span(picture))
    half = 1 if colours == "none" else 2
    cells = _resample(picture, frame, lines * half)
    heat = _heat(cells, scale, palette, colours)
    path = _price_path(picture, frame, lines * half)
    last_line = None if picture.last_price is None else frame.line_of(picture.last_price)
    rows = []
    for line in range(lines):
        body = _draw_line(heat, path, line, half, dashed=line == last_line, colours=colours)
        label = f" {last}" if line == last_line and last else f"   {labels[line]}" if line in labels else ""
        rows.append(f"{body}{label}".rstrip())
    return "\n".join([*rows, *_time_axis(frame), _legend(cells, scale, palette, colours, picture.unit)])


def _resample(picture: HeatmapSpec, frame: _Frame, tall: int) -> Pixels:
    """
    Sum the cells into ``tall`` x ``width`` pixels, row 0 the highest price.

    Where pixels are smaller than cells, a cell fills the pixels of its span, each with its whole value.
    """
    grid = picture.grid
    values = np.asarray(picture.values, dtype=np.float64)
    rows = _spread(grid.price_edges[:-1], grid.price_edges[1:], frame.low, frame.high, tall)
    starts = grid.bucket_starts_us.astype(np.float64)
    columns = _spread(starts, starts + grid.bucket_us, frame.start_us, frame.end_us, frame.width)
    return (rows @ values @ columns.T)[::-1]


def _spread(lows: Pixels, highs: Pixels, low: float, high: float, count: int) -> Pixels:
    """Return which of ``count`` pixels of an axis show a cell, 0 or 1, shape (count, cells)."""
    size = (high - low) / count
    edges = low + np.arange(count + 1) * size
    if highs[0] - lows[0] >= size:  # by the centre of the pixel
        centres = edges[:-1] + size / 2
        return ((centres[:, None] >= lows) & (centres[:, None] < highs)).astype(np.float64)
    centres = (lows + highs) / 2  # by the centre of the cell, so that each counts once
    return ((centres >= edges[:-1, None]) & (centres < edges[1:, None])).astype(np.float64)


def _heat(cells: Pixels, scale: ScaleName, palette: PaletteName, colours: ColourMode) -> NDArray[Any]:
    """Return the colour of each pixel as (red, green, blue), or its shade from 1 to 4; -1 or 0 where it is empty."""
    place = HeatNorm(cells, scale).spread(cells)
    if colours == "none":
        return np.where(cells > 0, 1 + np.minimum((place * len(_SHADES)).astype(np.int64), len(_SHADES) - 1), 0)
    shades = np.round(255 * np.asarray(find_palette(palette, "dark")(place))[..., :3]).astype(np.int64)
    shades[cells <= 0] = -1
    return shades


def _price_path(picture: HeatmapSpec, frame: _Frame, tall: int) -> NDArray[np.int64]:
    """Return the pixel row of the price in each column; -1 where it is unknown or outside."""
    path = np.full(frame.width, -1, dtype=np.int64)
    if picture.prices is not None:
        candles = clip_candles(picture.prices, frame.start_us, frame.end_us)
        ts_us, price = candles.ts_us, candles.close
    elif picture.trace is not None:
        known = np.isfinite(picture.trace[1])
        ts_us, price = picture.trace[0][known], picture.trace[1][known]
    else:
        return path
    at = ((ts_us - frame.start_us) * frame.width // (frame.end_us - frame.start_us)).astype(np.int64)
    row = np.floor((frame.high - price) / (frame.high - frame.low) * tall).astype(np.int64)
    inside = (at >= 0) & (at < frame.width) & (row >= 0) & (row < tall)
    path[at[inside]] = row[inside]  # of several in a column, the last
    return path


def _draw_line(
    heat: NDArray[Any], path: NDArray[np.int64], line: int, half: int, *, dashed: bool, colours: ColourMode
) -> str:
    empty = "╌" if dashed else " "
    if colours == "none":
        return "".join(
            _SHADES[shade - 1] if shade else "·" if path[x] == line else empty for x, shade in enumerate(heat[line])
        )
    pieces, before = [], ""
    for x in range(heat.shape[1]):
        top, bottom = (_pixel(heat, path, line * half + k, x) for k in range(2))
        code, character = _half_block(top, bottom, empty, colours)
        if code != before:
            pieces.append(f"\x1b[0m{code}" if before else code)
            before = code
        pieces.append(character)
    return "".join([*pieces, "\x1b[0m" if before else ""])


def _pixel(heat: NDArray[Any], path: NDArray[np.int64], row: int, x: int) -> tuple[int, int, int] | None:
    if heat[row, x, 0] >= 0:
        red, green, blue = heat[row, x].tolist()
        return red, green, blue
    return _PRICE_LINE if path[x] == row else None


def _half_block(
    top: tuple[int, int, int] | None, bottom: tuple[int, int, int] | None, empty: str, colours: ColourMode
) -> tuple[str, str]:
    """Return the escape code and the character of two pixels."""
    if top and bottom:
        if top == bottom:
            return _code(38, top, colours), "█"
        return f"{_code(38, top, colours)}{_code(48, bottom, colours)}", "▀"
    if top:
        return _code(38, top, colours), "▀"
    return (_code(38, bottom, colours), "▄") if bottom else ("", empty)


def _code(ground: int, colour: tuple[int, int, int], colours: ColourMode) -> str:
    """Return the escape code of a colour; ``ground`` is 38 for the character, 48 for what is behind it."""
    if colours == "truecolor":
        return f"\x1b[{ground};2;{';'.join(map(str, colour))}m"
    return f"\x1b[{ground};5;{_nearest_of_256(colour)}m"


def _nearest_of_256(colour: tuple[int, int, int]) -> int:
    """Return the nearest colour of xterm's 6 x 6 x 6 cube (16 to 231), or grey (232 to 255)."""
    if max(colour) == min(colour):
        return 232 + min(23, max(0, round((colour[0] - 8) / 10)))
    levels = (0, 95, 135, 175, 215, 255)
    red, green, blue = (min(range(6), key=lambda k: abs(levels[k] - part)) for part in colour)
    return 16 + 36 * red + 6 * green + blue


def _time_axis(frame: _Frame) -> tuple[str, str]:
    """Return the line of marks and the line of times, in UTC."""
    marks, labels = ["─"] * frame.width, [" "] * (frame.width + 6)
    free = 0
    for tick in time_ticks(frame.start_us, frame.end_us, max(frame.width // _TIME_LABEL, 1)):
        column = frame.column_of(tick.ts_us)
        if column >= frame.width:
            continue
        marks[column] = "┴"
        first = max(column - len(tick.label) // 2, 0)
        if first >= free and first + len(tick.label) <= frame.width:
            labels[first : first + len(tick.label)] = tick.label
            free = first + len(tick.label) + 1
    return "".join(marks), f"{''.join(labels).rstrip()} UTC"


def _legend(cells: Pixels, scale: ScaleName, palette: PaletteName, colours: ColourMode, unit: str) -> str:
    """Return the colours from cold to hot, with the least and the largest value of a character's cell."""
    norm = HeatNorm(cells, scale)
    if colours == "none":
        bar = _SHADES
    else:
        shades = np.asarray(find_palette(palette, "dark")(np.linspace(0, 1, 16)))[:, :3]
        rgb = [tuple(np.round(255 * shade).astype(int).tolist()) for shade in shades]
        bar = "".join(f"{_code(38, colour, colours)}█" for colour in rgb) + "\x1b[0m"
    return f"{format_usd(norm.value_at(0.0))} {bar} {format_usd(norm.value_at(1.0))} {unit}"
