"""The heat map: content, texts and hover map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from liqcli.analysis.clusters import Cluster
from liqcli.analysis.summary import cell_values
from liqcli.charts import draw_heatmap
from liqcli.charts.figure_spec import ClusterLabel, HeadlineNumber, HeatmapSpec
from liqcli.charts.heatmap import DESIGN
from liqcli.core.choices import ByName
from liqcli.core.durations import format_length
from liqcli.core.formatting import (
    format_count,
    format_counted,
    format_percent_signed,
    format_price,
    format_share,
    format_usd,
)
from liqcli.core.model import HeatmapGrid
from liqcli.core.symbols import split_symbol
from liqcli.report.figure import Figure, render_figure
from liqcli.report.hover_map import (
    Mark,
    PixelRegions,
    describe_bucket,
    describe_cascade,
    describe_events,
    format_bin_span,
    format_bucket_span,
)
from liqcli.report.open_interest_figure import build_line
from liqcli.report.results import ViewOptions, WindowResults
from liqcli.report.shared_captions import coverage_headline, list_limits, list_origin, list_price_kinds

MOST_CELLS = 500  # the hottest; about 150 bytes each in a page
HEAT = 0  # key of the region of the heat panel


def draw(results: WindowResults, view: ViewOptions) -> Figure:
    """Draw the heat map of a window; the same results give the same bytes."""
    drawn = draw_heatmap(
        build_spec(results, view.by),
        theme=view.figure_themes[0],
        palette=view.palette,
        scale=view.scale,
        position=results.selection.query.position,
        size=view.size or DESIGN,
    )
    return render_figure(drawn, describe(results), results, view.figure_themes[0])


def build_spec(results: WindowResults, by: ByName = "notional", grid: HeatmapGrid | None = None) -> HeatmapSpec:
    """Collect what the heat map shows; ``by`` is the quantity of the cells, ``grid`` replaces that of the window."""
    grid = grid or results.grid
    base, _quote = split_symbol(results.selection.symbols[0])
    new = results.against.new_ranks if results.against else ()
    return HeatmapSpec(
        title=f"{results.selection.label} liquidation heat map",
        subtitle=build_subtitle(results),
        headline=build_headline(results),
        grid=grid,
        values=cell_values(grid, by),
        unit={"notional": "USD", "count": "events", "qty": base}[by],
        gaps=results.gaps,
        prices=results.prices,
        trace=(results.trace.ts_us, results.trace.price) if results.prices is None else None,
        last_price=results.last_price,
        bands=[
            ClusterLabel(
                c.rank, c.low, c.high, c.notional, c.share, format_price(c.peak_price), "new" if c.rank in new else ""
            )
            for c in results.clusters
        ],
        cascades=[(c.start_us, c.end_us, c.rank) for c in results.cascades],
        interest=build_line(results),
        bounded=results.options.price_low is not None,
        sample=results.sample,
    )


def build_subtitle(results: WindowResults) -> str:
    """Write the line under the title: realized, exchanges, completeness, window and steps."""
    grid, options = results.grid, results.options
    quote = split_symbol(results.selection.symbols[0])[1] or "USD"
    parts = [
        *list_origin(results),
        f"{format_length(grid.bucket_us)} × {format_price(grid.bin.width, grid.bin.width)} {quote}",
    ]
    if options.price_low is not None and options.price_high is not None:
        inside = format_usd(results.summary.sums.notional - grid.outside_notional)
        bounds = f"{format_price(options.price_low)} to {format_price(options.price_high)}"
        parts.append(f"prices {bounds} only: {inside} of {format_usd(results.summary.sums.notional)} USD")
    return " · ".join([*parts, *list_price_kinds(results.summary.exchanges), *list_limits(results)])


def build_headline(results: WindowResults) -> tuple[HeadlineNumber, ...]:
    """Choose the headline numbers: events, USD, longs, shorts, coverage."""
    sums = results.summary.sums
    whole = sums.notional
    numbers = [
        HeadlineNumber(format_count(sums.events), "event" if sums.events == 1 else "events"),
        HeadlineNumber(f"{format_usd(whole)} USD", "liquidated"),
        HeadlineNumber(
            f"{format_usd(sums.long_notional)}  {format_share(sums.long_notional, whole)}", "longs, USD", "long"
        ),
        HeadlineNumber(
            f"{format_usd(sums.short_notional)}  {format_share(sums.short_notional, whole)}", "shorts, USD", "short"
        ),
    ]
    return (*numbers, *coverage_headline(results))


def describe(results: WindowResults) -> str:
    """Write the alt text."""
    sums = results.summary.sums
    clusters = "; too little data for clusters" if results.too_little_data else ""
    if results.clusters:
        first = results.clusters[0]
        low, high = format_price(first.low, first.step), format_price(first.high, first.step)
        clusters = f"; the largest cluster is {low} to {high} with {format_usd(first.notional)} USD"
    return (
        f"Heat map of realized {results.selection.label} liquidations by price and UTC time: "
        f"{format_counted(sums.events, 'event')}, {format_usd(sums.notional)} USD "
        f"({format_usd(sums.long_notional)} longs, {format_usd(sums.short_notional)} shorts){clusters}; "
        f"last price {format_price(results.last_price)}.{_describe_outside(results)}"
    )


def _describe_outside(results: WindowResults) -> str:
    grid = results.grid
    if not grid.outside_events or results.options.price_low is not None:
        return ""
    counted, usd = format_counted(grid.outside_events, "event"), format_usd(grid.outside_notional)
    return f" {counted} of {usd} USD lie{'s' * (grid.outside_events == 1)} outside the price axis."


def build_hover_map(results: WindowResults, figure: Figure) -> list[Mark]:
    """
    Build the rectangles that show values on hovering, the lowest layer first.

    Where marks overlap the last one counts: a bin in the profile; a cascade, else a bucket, in the bars; a cell, else a
    cluster, else a bucket, in the heat.
    """
    regions = PixelRegions(figure.regions, figure.width, figure.height)
    return [mark for mark in _iter_marks(results, regions) if mark.width > 0 and mark.height > 0]


def _iter_marks(results: WindowResults, regions: PixelRegions) -> Iterator[Mark]:
    grid = results.grid
    clusters = {c.rank: _cluster_text(c) for c in results.clusters}
    cascades = {c.rank: describe_cascade(c) for c in results.cascades}
    rows, columns = regions.find("bin"), regions.find("bucket")
    for key, region in rows.items():
        yield regions.mark("row", region, _row_text(grid, key))
    for key, region in columns.items():
        yield regions.mark("column", region, describe_bucket(grid, key, results.gaps))
    for rank, region in regions.find("cluster").items():
        if rank in clusters:
            yield regions.mark("band", region, clusters[rank], regions.find("panel")[HEAT])
    for row, column in find_hottest_cells(grid):
        if row in rows and column in columns:
            yield regions.mark("cell", rows[row], _cell_text(grid, row, column), columns[column])
    for rank, region in regions.find("label").items():
        if rank in clusters:
            yield regions.mark("label", region, clusters[rank])
    for rank, region in regions.find("cascade").items():
        if rank in cascades:
            yield regions.mark("burst", region, cascades[rank])


def find_hottest_cells(grid: HeatmapGrid, most: int = MOST_CELLS) -> list[tuple[int, int]]:
    """Return (row, column) of the cells with the most USD, sorted; ties go to the earlier, then the lower cell."""
    rows, columns = np.nonzero(grid.events)
    order = np.lexsort((rows, columns, -grid.notional_e6[rows, columns]))[:most]
    return sorted(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _row_text(grid: HeatmapGrid, row: int) -> str:
    long, short = int(grid.long_e6[row].sum()) / 1e6, int(grid.short_e6[row].sum()) / 1e6
    return f"{format_bin_span(grid, row)}\n{describe_events(long, short, int(grid.events[row].sum()))}"


def _cell_text(grid: HeatmapGrid, row: int, column: int) -> str:
    long, short = float(grid.long_notional[row, column]), float(grid.short_notional[row, column])
    text = describe_events(long, short, int(grid.events[row, column]))
    return f"{format_bucket_span(grid, column)}\n{format_bin_span(grid, row)}\n{text}"


def _cluster_text(cluster: Cluster) -> str:
    step, away = cluster.step, cluster.distance_pct
    band = f"{format_price(cluster.low, step)} – {format_price(cluster.high, step)}"
    distance = f", {format_percent_signed(away)} from the last price" if away is not None else ""
    return (
        f"Cluster {cluster.rank}: {band}, peak {format_price(cluster.peak_price)}{distance}\n"
        f"{format_usd(cluster.notional)} USD, {format_share(cluster.share, 1.0)} of the window\n"
        f"{describe_events(cluster.long_notional, cluster.short_notional, cluster.events)}"
    )
