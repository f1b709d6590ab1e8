"""All that can be said about one window, computed once; pages, pictures and tables only show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from liqcli.analysis.cascades import Cascade, MinuteSums
from liqcli.analysis.checklist import Checklist, build_checklist, build_window_checklist
from liqcli.analysis.clusters import Cluster, ClusterOptions
from liqcli.analysis.context import Context, build_context
from liqcli.analysis.cumulative import CumulativeSums
from liqcli.analysis.drawn_range import find_traded
from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.heavy_steps import HeavyStep
from liqcli.analysis.hours import HourTable
from liqcli.analysis.key_levels import find_key_levels, tag_clusters
from liqcli.analysis.price_bins import check_bucket
from liqcli.analysis.summary import LastPrice, PriceBand, WindowSummary, build_summary, find_last_price, rank_bands
from liqcli.analysis.thin_data import describe_shortage
from liqcli.core.coverage import common_gaps
from liqcli.core.intervals import Interval
from liqcli.core.market_data import OpenInterestSeries
from liqcli.core.model import SAMPLE_SOURCE, HeatmapGrid, PriceSeries
from liqcli.core.symbols import expiry_of
from liqcli.lake.market_series import read_market
from liqcli.lake.selection import Query, Selection, build_selection
from liqcli.lake.store import Lake
from liqcli.query.engine import Engine
from liqcli.query.scans import scan_last_prints, scan_totals, scan_trace
from liqcli.report.window_scans import scan_cascades, scan_clusters, scan_cumulative, scan_grid, scan_hours

LEVEL_HISTORY_US = 14 * 86_400 * 1_000_000  # so that the week before the window's week is whole


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """
    How the result is shown: what the cells mean and how they are coloured.

    Theme ``auto``: pages follow the reader, a picture alone is dark. ``size`` of a picture alone [px], None as it is
    designed.
    """

    by: str = "notional"
    palette: str = "liq"
    scale: str = "log"
    theme: str = "auto"
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class WindowResults:
    """
    Everything computed for one window.

    ``bands`` are single hot bins, ``clusters`` the bands that stand out from their surroundings;
    ``heavy_steps`` what is heavy outside of them; ``checklists`` has one
    entry a cluster, in their order. ``minutes`` is what the cascades stand out of, ``open_interest`` begins an hour
    before the window, None where it is not stored. ``too_little_data`` says how little the
    window holds where that is too little for clusters and cascades, which are then empty. ``damaged`` names files that
    were left out.
    """

    selection: Selection
    grid: HeatmapGrid
    summary: WindowSummary
    hours: HourTable
    prices: PriceSeries | None
    trace: dict[str, Any]
    bands: tuple[PriceBand, ...]
    clusters: tuple[Cluster, ...]
    heavy_steps: tuple[HeavyStep, ...]
    cascades: tuple[Cascade, ...]
    minutes: MinuteSums | None
    cumulative: CumulativeSums
    open_interest: OpenInterestSeries | None
    context: Context
    checklists: tuple[Checklist, ...]
    window_checklist: Checklist
    last: LastPrice
    candle_stand_in: str | None
    sample: bool
    view: ViewOptions
    options: GridOptions
    cluster_options: ClusterOptions
    too_little_data: str | None
    damaged: tuple[Path, ...] = field(default=())

    @property
    def last_price(self) -> float:
        """The last price known when the window ended. [quote]"""
        return self.last.price

    @property
    def gaps(self) -> list[Interval]:
        """Stretches of the window that were recorded on no exchange. [µs]"""
        return common_gaps(self.selection.coverage, self.selection.window)


def compute_results(
    lake: Lake, query: Query, options: GridOptions, view: ViewOptions, cluster_options: ClusterOptions | None = None
) -> WindowResults:
    """
    Run every analysis of a window.

    Raises
    ------
    UsageError, EmptyWindowError, DamagedError
        As :func:`liqcli.lake.selection.build_selection` and :func:`liqcli.analysis.heatmap.build_grid` say.
    """
    cluster_options = cluster_options or ClusterOptions()
    with Engine() as engine:
        selection = build_selection(engine, lake, query)
        window = selection.window
        check_bucket(options.bucket_us, window)
        summary = build_summary(scan_totals(engine))
        hours = scan_hours(engine, window, selection.coverage)
        exchanges = [e.exchange for e in summary.exchanges]
        symbols = _symbols_by_usd(summary, selection.symbols)
        market, damaged = read_market(engine, lake, symbols, exchanges, window, LEVEL_HISTORY_US)
        prices = market.prices_in(window)
        grid = scan_grid(engine, window, options, find_traded(prices))
        trace = scan_trace(engine, grid.bucket_us)
        last = find_last_price(market.candles.prices if market.candles else None, scan_last_prints(engine))
        last_price = last.price
        gaps = common_gaps(selection.coverage, window)
        cascades, minutes = scan_cascades(engine, window, gaps, market.followed)
        bounds = (grid.price_low, grid.price_high)
        cumulative = scan_cumulative(engine, grid, last_price, bounds)
        shortage = _describe_shortage(grid, options)
        scan = scan_clusters(engine, grid, last_price, cluster_options, bounds)
    clusters = scan.clusters
    if shortage is not None:
        clusters, cascades = (), ()
    elif scan.axis is not None:
        levels = find_key_levels(scan.axis, window, market.candles)
        clusters = tag_clusters(_name_cascades(clusters, cascades), levels, scan.axis)
    context = build_context(window, market, [(c.low, c.high) for c in clusters], cascades)
    approaches = zip(clusters, context.approaches, strict=True)
    return WindowResults(
        selection=selection,
        grid=grid,
        summary=summary,
        hours=hours,
        prices=prices,
        trace={"ts_us": trace.ts_us, "price": trace.price},
        bands=tuple(rank_bands(grid, last_price)),
        clusters=clusters,
        heavy_steps=scan.heavy_steps,
        cascades=cascades,
        minutes=minutes,
        cumulative=cumulative,
        open_interest=market.open_interest,
        context=context,
        checklists=tuple(build_checklist(c, last_price, context, a, window) for c, a in approaches),
        window_checklist=build_window_checklist(clusters, last_price, context, window),
        last=last,
        candle_stand_in=market.stand_in,
        sample=SAMPLE_SOURCE in summary.sources,
        view=view,
        options=options,
        cluster_options=cluster_options,
        too_little_data=shortage,
        damaged=tuple(dict.fromkeys((*selection.damaged, *damaged))),
    )


def _describe_shortage(grid: HeatmapGrid, options: GridOptions) -> str | None:
    """Say how little was selected; what only the axis leaves out was selected too."""
    events, usd = int(grid.events.sum()), int(grid.notional_e6.sum()) / 1e6
    if options.price_low is None and options.price_high is None:
        events, usd = events + grid.outside_events, usd + grid.outside_notional
    return describe_shortage(events, usd)


def _name_cascades(clusters: Sequence[Cluster], cascades: Sequence[Cascade]) -> tuple[Cluster, ...]:
    """Write into each cluster the ranks of the cascades whose prices reached it."""

    def struck(cluster: Cluster, cascade: Cascade) -> bool:
        reached = (cascade.price_from, cascade.price_to, cascade.extreme)
        return min(reached) < cluster.high and max(reached) >= cluster.low

    return tuple(replace(c, cascades=tuple(str(x.rank) for x in cascades if struck(c, x))) for c in clusters)


def _symbols_by_usd(summary: WindowSummary, symbols: Sequence[str]) -> list[str]:
    first = [s for e in summary.exchanges for s in e.symbols]
    return sorted(symbols, key=lambda s: (bool(expiry_of(s)), first.index(s) if s in first else len(first), s))
