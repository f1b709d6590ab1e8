"""A treemap: one tile per symbol, its area the USD, its colour the side with more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.colors import to_hex, to_rgb

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.fonts import printable
from liqcli.core.formatting import format_share, format_usd

_GAP = 2  # between tiles [px]
_LEAST_AREA = 1600  # of a tile with a symbol of its own [px²]
_NAME_SIZES = (34, 28, 24, 20, 17, 14.5, 12.5, 11, 10)
_BAR = 5  # height of the bar that splits longs and shorts [px]
_FAINTEST, _STRONGEST = 0.06, 0.48  # share of the hue in a tile: evenly split, and one side alone


@dataclass(frozen=True, slots=True)
class Tile:
    """One symbol: its sums [USD]; ``brief`` is a name for small tiles. ``symbols`` counts those that a tile joins."""

    name: str
    long: float
    short: float
    brief: str = ""
    symbols: int = 1

    @property
    def usd(self) -> float:
        """Sum of both sides. [USD]"""
        return self.long + self.short


def lay_out_tiles(sizes: Sequence[float], box: Box) -> list[Box]:
    """
    Divide a box into one rectangle per size, in proportion, each as square as possible.

    Parameters
    ----------
    sizes : sequence of float
        Descending and positive.
    box : Box
        The area to divide. [px]

    Returns
    -------
    list of Box
        In the order of ``sizes``, from the upper left to the lower right.

    References
    ----------
    Bruls, Huizing, van Wijk (2000): Squarified treemaps.
    """
    found: list[Box] = []
    rest, left = box, sum(sizes)
    start = 0
    while start < len(sizes):
        per_px = left / (rest.width * rest.height)  # size of a square pixel
        side = min(rest.width, rest.height)
        end = start + 1
        while end < len(sizes) and _worst(sizes[start : end + 1], side, per_px) <= _worst(
            sizes[start:end], side, per_px
        ):
            end += 1
        row = sizes[start:end]
        found += _place_row(row, rest, sum(row) / left)
        rest, left, start = _cut_row(rest, sum(row) / left), left - sum(row), end
    return found


def _worst(row: Sequence[float], side: float, per_px: float) -> float:
    """Return the largest ratio of the sides of the tiles of a row along a side. [px]"""
    thick = sum(row) / per_px / side
    lengths = (size / per_px / thick for size in row)
    return max(max(length / thick, thick / length) for length in lengths)


def _place_row(row: Sequence[float], rest: Box, share: float) -> list[Box]:
    """Place a row along the shorter side: a column on the left of a wide box, a row at the top of a tall one."""
    found, used, whole = [], 0.0, sum(row)
    for size in row:
        part = size / whole
        if rest.width >= rest.height:
            height = rest.height * part
            found.append(Box(rest.left, rest.top - used - height, rest.width * share, height))
            used += height
        else:
            width, height = rest.width * part, rest.height * share
            found.append(Box(rest.left + used, rest.top - height, width, height))
            used += width
    return found


def _cut_row(rest: Box, share: float) -> Box:
    if rest.width >= rest.height:
        return Box(rest.left + rest.width * share, rest.bottom, rest.width * (1 - share), rest.height)
    return Box(rest.left, rest.bottom, rest.width, rest.height * (1 - share))


def join_small(sheet: Canvas, tiles: Sequence[Tile], box: Box) -> tuple[list[Tile], Tile | None]:
    """Keep the tiles that are large enough to read; the second value joins the others, if there are any."""
    whole = sum(tile.usd for tile in tiles)
    area = box.width * box.height / sheet.scale**2
    count = next((k for k, tile in enumerate(tiles) if tile.usd / whole * area < _LEAST_AREA), len(tiles))
    if count >= len(tiles) - 1:
        return list(tiles), None
    small = tiles[count:]
    sums = sum(tile.long for tile in small), sum(tile.short for tile in small)
    return list(tiles[:count]), Tile(f"{len(small)} others", *sums, symbols=len(small))


def draw_treemap(sheet: Canvas, box: Box, tiles: Sequence[Tile]) -> list[tuple[Tile, Box]]:
    """Draw the tiles, at least one, by falling USD, the joined ones last; returns them with their boxes. [px]"""
    shown, others = join_small(sheet, tiles, box)
    if others and shown:
        box, strip = _cut_strip(box, others.usd / (others.usd + sum(tile.usd for tile in shown)))
        placed = list(zip(shown, lay_out_tiles([tile.usd for tile in shown], box), strict=True))
        placed.append((others, strip))
    else:
        shown = shown or [others] if others else shown
        placed = list(zip(shown, lay_out_tiles([tile.usd for tile in shown], box), strict=True))
    for tile, place in placed:
        _draw_tile(sheet, tile, _shrink(place, sheet.px(_GAP) / 2))
    return placed


def _cut_strip(box: Box, share: float) -> tuple[Box, Box]:
    """Cut the part of the joined symbols off: on the right of a wide box, at the bottom of a tall one."""
    if box.width >= box.height:
        width = box.width * share
        return Box(box.left, box.bottom, box.width - width, box.height), Box(
            box.right - width, box.bottom, width, box.height
        )
    height = box.height * share
    return Box(box.left, box.bottom + height, box.width, box.height - height), Box(
        box.left, box.bottom, box.width, height
    )


def _draw_tile(sheet: Canvas, tile: Tile, box: Box) -> None:
    theme = sheet.theme
    share = tile.long / tile.usd
    hue = theme.long if share >= 0.5 else theme.short
    strength = _FAINTEST + (_STRONGEST - _FAINTEST) * abs(2 * share - 1) if tile.symbols == 1 else 0.0
    sheet.swatch(box, _mix(theme.band, hue, strength))
    bar = min(sheet.px(_BAR), box.height / 6)
    split = box.width * share
    sheet.swatch(Box(box.left, box.bottom, split, bar), theme.long)
    sheet.swatch(Box(box.left + split, box.bottom, box.width - split, bar), theme.short)
    _write_tile(sheet, tile, Box(box.left, box.bottom + bar, box.width, box.height - bar))


def _write_tile(sheet: Canvas, tile: Tile, box: Box) -> None:
    """Write the name as large as fits, then USD and side below it where there is space."""
    edge = sheet.px(5)
    room, tall = box.width - 2 * edge, box.height - sheet.px(4)
    names = [printable(name) for name in (tile.name, tile.brief) if name]
    fitting = [(name, size) for name in names for size in _NAME_SIZES if _fits(sheet, name, size, room, tall)]
    if not fitting:
        return
    name, size = fitting[0]
    y = box.top - sheet.px(4) - sheet.px(size)
    sheet.text(box.left + edge, y, name, size, sheet.theme.text, bold=True)
    side = "longs" if tile.long >= tile.short else "shorts"
    most = max(tile.long, tile.short)
    for words in (f"{format_usd(tile.usd)} USD", f"{format_share(most, tile.usd)} {side}"):
        small = max(10.0, min(15.0, size * 0.62))
        y -= sheet.px(small * 1.35)
        if y < box.bottom + sheet.px(4) or sheet.text_width(words, small) > room:
            return
        sheet.text(box.left + edge, y, words, small, sheet.theme.text)


def _fits(sheet: Canvas, name: str, size: float, room: float, tall: float) -> bool:
    """Return True if a name fits, without filling more of a large tile than it needs."""
    largest = max(0.16 * room / sheet.scale, _NAME_SIZES[-3])
    return size <= largest and sheet.px(size * 1.3) <= tall and sheet.text_width(name, size, bold=True) <= room


def _shrink(box: Box, by: float) -> Box:
    return Box(box.left + by, box.bottom + by, max(box.width - 2 * by, 0.5), max(box.height - 2 * by, 0.5))


def _mix(base: str, hue: str, strength: float) -> str:
    red, green, blue = ((1 - strength) * a + strength * b for a, b in zip(to_rgb(base), to_rgb(hue), strict=True))
    return str(to_hex((red, green, blue)))
