"""What lies over the picture on a page: places that show their numbers on hovering, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqcli.core.formatting import (
    format_count,
    format_duration,
    format_percent_signed,
    format_price,
    format_share,
    format_time,
    format_usd,
)

if TYPE_CHECKING:
    from liqcli.analysis.cascades import Cascade
    from liqcli.analysis.clusters import Cluster
    from liqcli.charts import Region
    from liqcli.core.intervals import Interval
    from liqcli.core.model import HeatmapGrid
    from liqcli.report.figure_registry import RenderedFigure
    from liqcli.report.results import WindowResults

MOST_CELLS = 800  # the hottest, about 150 bytes each; where a cell is not among them, its column answers
HEAT = 0
MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A rectangle over the picture [px from its upper left corner], and what it says when the pointer rests on it.

    ``kind`` is ``row``, ``column`` or ``cell`` of the grid, ``band`` or ``label`` of a cluster, ``burst`` of a cascade;
    ``flash`` and ``entry`` are a cascade in its own picture. ``key`` is the rank of a cluster or cascade.
    """

    kind: str
    key: int
    x: float
    y: float
    width: float
    height: float
    title: str


def build_marks(findings: WindowResults, poster: RenderedFigure) -> list[Mark]:
    """
    Say what each place of the heat map stands for, the lowest layer first.

    Where marks lie over each other the last one answers: in the profile that is a price step, in the bars a cascade or
    a time step, in the heat a cell, else the cluster, else the time step.
    """
    places = PixelRegions(poster)
    return [mark for mark in _iter_marks(findings, places) if mark.width > 0 and mark.height > 0]


def _iter_marks(findings: WindowResults, places: PixelRegions) -> Iterator[Mark]:
    grid = findings.grid
    clusters = {c.rank: _cluster_words(c) for c in findings.clusters}
    cascades = {c.rank: describe_cascade(c) for c in findings.cascades}
    rows, columns = places.find("bin"), places.find("bucket")
    for key, region in rows.items():
        yield places.mark("row", region, _row_words(grid, key))
    for key, region in columns.items():
        yield places.mark("column", region, describe_bucket(grid, key, findings.gaps))
    for rank, region in places.find("cluster").items():
        if rank in clusters:
            yield places.mark("band", region, clusters[rank], places.find("panel")[HEAT])
    for row, column in find_hottest_cells(grid):
        if row in rows and column in columns:
            yield places.mark("cell", rows[row], _cell_words(grid, row, column), columns[column])
    for rank, region in places.find("label").items():
        if rank in clusters:
            yield places.mark("label", region, clusters[rank])
    for rank, region in places.find("cascade").items():
        if rank in cascades:
            yield places.mark("burst", region, cascades[rank])


def find_hottest_cells(grid: HeatmapGrid, most: int = MOST_CELLS) -> list[tuple[int, int]]:
    """Give row and column of the cells with the most USD, by row and column; on a tie the earlier, then the lower."""
    import numpy as np

    rows, columns = np.nonzero(grid.events)
    order = np.lexsort((rows, columns, -grid.notional_e6[rows, columns]))[:most]
    return sorted(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def build_highlights(clusters: int, cascades: int) -> str:
    """Write the style rules that light a place up while its row in a table is pointed at, and the other way round."""
    pairs = [(f"#cluster-{k}", f"#band-{k}") for k in range(1, clusters + 1)]
    pairs += [(f"#cascade-{k}", f":is(#burst-{k},#flash-{k},#entry-{k})") for k in range(1, cascades + 1)]
    rules = (
        f"body:has({row}:is(:hover,:focus-within)) {place}{{opacity:1}}"
        f"body:has({place}:is(:hover,:focus)) {row}{{background:var(--mark)}}"
        for row, place in pairs
    )
    return "\n".join(rules)


class PixelRegions:
    """The regions of a picture, turned into pixels."""

    def __init__(self, poster: RenderedFigure) -> None:
        self._poster = poster

    def find(self, kind: str) -> dict[int, Region]:
        """Give the regions of a kind by their key."""
        return {r.key: r for r in self._poster.regions if r.kind == kind}

    def mark(self, kind: str, region: Region, title: str, clip: Region | None = None) -> Mark:
        """Make a mark of what a region shares with another; edges are rounded, so that neighbours meet exactly."""
        left, top, right, bottom = _corners(region)
        if clip is not None:
            a, b, c, d = _corners(clip)
            left, top, right, bottom = max(left, a), max(top, b), min(right, c), min(bottom, d)
        width, height = self._poster.width, self._poster.height
        x, y = _round(left * width), _round(top * height)
        return Mark(
            kind, region.key, x, y, _round(_round(right * width) - x), _round(_round(bottom * height) - y), title
        )


def _corners(region: Region) -> tuple[float, float, float, float]:
    return region.left, region.top, region.left + region.width, region.top + region.height


def _round(pixels: float) -> float:
    """Round to a tenth of a pixel: finer is not seen, and would make the page larger."""
    rounded = round(pixels + 1e-6, 1)  # an edge that two places compute differently is one edge
    return int(rounded) if rounded == int(rounded) else rounded


def describe_bucket(grid: HeatmapGrid, column: int, gaps: list[Interval]) -> str:
    """Say of a time step of the grid when it was and what was liquidated in it."""
    start = int(grid.bucket_starts_us[column])
    unheard = any(a < start + grid.bucket_us and start < b for a, b in gaps)
    long, short = int(grid.long_e6[:, column].sum()) / 1e6, int(grid.short_e6[:, column].sum()) / 1e6
    said = _sides(long, short, int(grid.events[:, column].sum()))
    return f"{_moment(grid, column)}\n{said}{'; not recorded, or not all of it' if unheard else ''}"


def _row_words(grid: HeatmapGrid, row: int) -> str:
    long, short = int(grid.long_e6[row].sum()) / 1e6, int(grid.short_e6[row].sum()) / 1e6
    return f"{_prices(grid, row)}\n{_sides(long, short, int(grid.events[row].sum()))}"


def _cell_words(grid: HeatmapGrid, row: int, column: int) -> str:
    long, short = float(grid.long_notional[row, column]), float(grid.short_notional[row, column])
    said = _sides(long, short, int(grid.events[row, column]))
    return f"{_moment(grid, column)}\n{_prices(grid, row)}\n{said}"


def _cluster_words(cluster: Cluster) -> str:
    step, away = cluster.step, cluster.distance_pct
    band = f"{format_price(cluster.low, step)} – {format_price(cluster.high, step)}"
    distance = f", {format_percent_signed(away)} from the last price" if away is not None else ""
    return (
        f"Cluster {cluster.rank}: {band}, peak {format_price(cluster.peak_price)}{distance}\n"
        f"{format_usd(cluster.notional)} USD, {format_share(cluster.share, 1.0)} of the window\n"
        f"{_sides(cluster.long_notional, cluster.short_notional, cluster.events)}"
    )


def describe_cascade(cascade: Cascade) -> str:
    """Say of a cascade when, how much, which side, and what price did."""
    length = format_duration(cascade.end_us - cascade.start_us)
    return (
        f"Cascade {cascade.rank}: {format_time(cascade.start_us, seconds=True)} UTC, {length}\n"
        f"{format_usd(cascade.notional)} USD, {format_share(cascade.position_share, 1.0)} {cascade.position}s, "
        f"{format_count(cascade.events)} events\n"
        f"price {format_price(cascade.price_from)} to {format_price(cascade.price_to)}"
    )


def _moment(grid: HeatmapGrid, column: int) -> str:
    start, seconds = int(grid.bucket_starts_us[column]), bool(grid.bucket_us % MINUTE_US)
    first, last = format_time(start, seconds), format_time(start + grid.bucket_us, seconds)
    return f"{first} – {last[11:] if last[:10] == first[:10] else last} UTC"


def _prices(grid: HeatmapGrid, row: int) -> str:
    low, high = float(grid.price_edges[row]), float(grid.price_edges[row + 1])
    return f"{format_price(low, grid.bin.width)} – {format_price(high, grid.bin.width)}"


def _sides(long: float, short: float, events: int) -> str:
    if not events:
        return "nothing liquidated"
    return f"{describe_sides(long, short)}, {format_count(events)} event{'s'[: events != 1]}"


def describe_sides(long: float, short: float) -> str:
    """Write two sums of USD in words."""
    return f"longs {format_usd(long)}, shorts {format_usd(short)} USD"
