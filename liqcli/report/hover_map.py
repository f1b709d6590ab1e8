"""
The hover map of a figure on a page: rectangles over the image that show values on hovering, without a script.

This module has the parts that all figures share; the module of each figure builds its map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqcli.core.formatting import format_count, format_duration, format_price, format_share, format_time, format_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.analysis.cascades import Cascade
    from liqcli.charts import Region
    from liqcli.core.intervals import Intervals
    from liqcli.core.model import HeatmapGrid

MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A rectangle over a figure, in pixels from the upper left corner, and the text it shows on hovering.

    ``kind`` is ``row``, ``column`` or ``cell`` of the grid, ``band`` or ``label`` of a cluster, ``burst`` of a cascade
    in the heat map, ``flash`` or ``entry`` of a cascade in the figure of cascades. ``key`` is the rank of the cluster
    or cascade.
    """

    kind: str
    key: int
    x: float
    y: float
    width: float
    height: float
    title: str


def build_highlights(clusters: int, cascades: int) -> str:
    """Write the CSS rules that highlight a mark while its table row is hovered, and the row while the mark is."""
    pairs = [(f"#cluster-{k}", f"#band-{k}") for k in range(1, clusters + 1)]
    pairs += [(f"#cascade-{k}", f":is(#burst-{k},#flash-{k},#entry-{k})") for k in range(1, cascades + 1)]
    rules = (
        f"body:has({row}:is(:hover,:focus-within)) {place}{{opacity:1}}"
        f"body:has({place}:is(:hover,:focus)) {row}{{background:var(--mark)}}"
        for row, place in pairs
    )
    return "\n".join(rules)


class PixelRegions:
    """The regions of a figure of ``width`` x ``height`` pixels."""

    def __init__(self, regions: Sequence[Region], width: int, height: int) -> None:
        self._regions = regions
        self._width, self._height = width, height

    def find(self, kind: str) -> dict[int, Region]:
        """Return the regions of one kind by key."""
        return {r.key: r for r in self._regions if r.kind == kind}

    def mark(self, kind: str, region: Region, title: str, clip: Region | None = None) -> Mark:
        """Build a mark from a region, clipped to another; edges are rounded so that neighbours meet exactly."""
        left, top, right, bottom = _corners(region)
        if clip is not None:
            a, b, c, d = _corners(clip)
            left, top, right, bottom = max(left, a), max(top, b), min(right, c), min(bottom, d)
        x, y = _round(left * self._width), _round(top * self._height)
        width, height = _round(right * self._width) - x, _round(bottom * self._height) - y
        return Mark(kind, region.key, x, y, _round(width), _round(height), title)


def _corners(region: Region) -> tuple[float, float, float, float]:
    return region.left, region.top, region.left + region.width, region.top + region.height


def _round(pixels: float) -> float:
    """Round to a tenth of a pixel; more digits would only make the page larger."""
    rounded = round(pixels + 1e-6, 1)  # one edge computed in two ways rounds to one value
    return int(rounded) if rounded == int(rounded) else rounded


def describe_bucket(grid: HeatmapGrid, column: int, gaps: Intervals) -> str:
    """Describe a column of the grid: its time, longs, shorts and events."""
    start = int(grid.bucket_starts_us[column])
    has_gap = any(a < start + grid.bucket_us and start < b for a, b in gaps)
    long, short = int(grid.long_e6[:, column].sum()) / 1e6, int(grid.short_e6[:, column].sum()) / 1e6
    text = describe_events(long, short, int(grid.events[:, column].sum()))
    return f"{format_bucket_span(grid, column)}\n{text}{'; partly or not recorded' if has_gap else ''}"


def describe_cascade(cascade: Cascade) -> str:
    """Describe a cascade: start, length, USD, side, events and prices."""
    length = format_duration(cascade.end_us - cascade.start_us)
    return (
        f"Cascade {cascade.rank}: {format_time(cascade.start_us, seconds=True)} UTC, {length}\n"
        f"{format_usd(cascade.notional)} USD, {format_share(cascade.position_share, 1.0)} {cascade.position}s, "
        f"{format_count(cascade.events)} events\n"
        f"price {format_price(cascade.price_from)} to {format_price(cascade.price_to)}"
    )


def format_bucket_span(grid: HeatmapGrid, column: int) -> str:
    """Format start and end of a column of the grid."""
    start, seconds = int(grid.bucket_starts_us[column]), bool(grid.bucket_us % MINUTE_US)
    first, last = format_time(start, seconds), format_time(start + grid.bucket_us, seconds)
    return f"{first} – {last[11:] if last[:10] == first[:10] else last} UTC"


def format_bin_span(grid: HeatmapGrid, row: int) -> str:
    """Format the price range of a row of the grid."""
    low, high = float(grid.price_edges[row]), float(grid.price_edges[row + 1])
    return f"{format_price(low, grid.bin.width)} – {format_price(high, grid.bin.width)}"


def describe_events(long: float, short: float, events: int) -> str:
    """Format the USD of longs and shorts, and the number of events."""
    if not events:
        return "nothing liquidated"
    return f"{describe_sides(long, short)}, {format_count(events)} event{'s'[: events != 1]}"


def describe_sides(long: float, short: float) -> str:
    """Format the USD of longs and shorts."""
    return f"longs {format_usd(long)}, shorts {format_usd(short)} USD"
