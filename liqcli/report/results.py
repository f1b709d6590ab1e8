"""
The results of one window: each analysis runs when its result is first used.

An output therefore computes only what it shows: a table of cascades searches no clusters, a CSV file no cascades.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.analysis.bursts import MinuteSums
from liqcli.analysis.cascades import Cascade, add_cascades
from liqcli.analysis.checklist import Checklist, build_checklist, build_window_checklist
from liqcli.analysis.clusters import Cluster, ClusterOptions, ClusterScan
from liqcli.analysis.context import Context, build_context
from liqcli.analysis.cumulative import CumulativeSums
from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.heavy_steps import HeavyStep
from liqcli.analysis.hours import HourTable
from liqcli.analysis.key_levels import find_key_levels, tag_clusters
from liqcli.analysis.overview import LargestEvent
from liqcli.analysis.summary import LastPrice, PriceBand, WindowSummary, find_last_price, rank_bands
from liqcli.analysis.thin_data import describe_shortage
from liqcli.analysis.window_change import WindowChange
from liqcli.core.choices import (
    DEFAULT_SECTIONS,
    FIGURE_THEMES,
    ByName,
    PaletteName,
    ScaleName,
    SectionName,
    ThemeChoice,
    ThemeName,
)
from liqcli.core.intervals import Intervals
from liqcli.core.market_data import OpenInterestSeries
from liqcli.core.model import SAMPLE_SOURCE, HeatmapGrid, PriceSeries
from liqcli.lake.selection import Query, Selection
from liqcli.lake.store import Lake
from liqcli.query.columns import TraceRows
from liqcli.query.scans import scan_trace
from liqcli.report.window_data import WindowData, load_window
from liqcli.report.window_scans import (
    scan_cascades,
    scan_clusters,
    scan_cumulative,
    scan_grid,
    scan_hours,
    scan_largest,
    scan_last_prints,
)

if TYPE_CHECKING:
    from liqcli.report.level_score import LevelScore
    from liqcli.report.levels_data import LevelsData


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """
    Display options: the quantity of the cells, and the style of the figures.

    Theme ``auto`` follows the reader's system on a page and is dark elsewhere. ``size`` is that of a single figure
    [px]; None is its designed size. ``sections`` are those of a page.
    """

    by: ByName = "notional"
    palette: PaletteName = "liq"
    scale: ScaleName = "log"
    theme: ThemeChoice = "auto"
    size: tuple[int, int] | None = None
    sections: tuple[SectionName, ...] = DEFAULT_SECTIONS

    @property
    def figure_themes(self) -> tuple[ThemeName, ...]:
        """Themes of the figures of a page; where only one fits, it is the first."""
        return FIGURE_THEMES if self.theme == "auto" else (self.theme,)


@dataclass(frozen=True, eq=False)
class WindowResults:
    """
    The loaded window, and the analyses of it, computed on first use.

    ``levels`` are the estimated levels where they were requested, or the reason why there are none; they belong to no
    other result. ``levels_score`` is the score of such levels in the last month, if there is one. ``against`` is what
    changed since the window before, where it was requested.
    """

    data: WindowData
    view: ViewOptions
    cluster_options: ClusterOptions
    levels: LevelsData | str | None = None
    levels_score: LevelScore | None = None
    against: WindowChange | None = None

    def with_view(self, view: ViewOptions) -> WindowResults:
        """Return the same results in another view, with everything that is already computed."""
        other = copy.copy(self)
        object.__setattr__(other, "view", view)
        return other

    def with_change(self, change: WindowChange) -> WindowResults:
        """Return the same results with the change since the window before, and with everything already computed."""
        other = copy.copy(self)
        object.__setattr__(other, "against", change)
        return other

    def compute_all(self) -> WindowResults:
        """Run every analysis now and release the events; the results can then be pickled. Returns ``self``."""
        for name, attribute in vars(WindowResults).items():
            if isinstance(attribute, cached_property):
                getattr(self, name)
        self.data.engine.close()
        return self

    @property
    def selection(self) -> Selection:
        """Symbols, window, coverage and sources."""
        return self.data.selection

    @property
    def options(self) -> GridOptions:
        """The grid as requested."""
        return self.data.options

    @property
    def summary(self) -> WindowSummary:
        """Sums of the window, whole and per exchange."""
        return self.data.summary

    @property
    def grid(self) -> HeatmapGrid:
        """The full price x time grid."""
        return self.data.grid

    @cached_property
    def portrait_grid(self) -> HeatmapGrid:
        """The grid of the portrait picture: coarser steps where none are requested."""
        return scan_grid(self.data.engine, self.data.window, self.options.fit((800, 1100)), self.prices)

    @property
    def prices(self) -> PriceSeries | None:
        """The candles inside the window."""
        return self.data.prices

    @property
    def open_interest(self) -> OpenInterestSeries | None:
        """Open interest from one hour before the window on; None where it is not stored."""
        return self.data.market.open_interest

    @property
    def candle_stand_in(self) -> str | None:
        """The series that replaces missing candles of the symbols, if any."""
        return self.data.market.substitution

    @property
    def gaps(self) -> Intervals:
        """Intervals of the window without data of any exchange. [µs]"""
        return self.data.gaps

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files that were left out."""
        return self.data.damaged

    @property
    def sample(self) -> bool:
        """True for the synthetic sample."""
        return SAMPLE_SOURCE in self.summary.sources

    @cached_property
    def largest(self) -> LargestEvent:
        """The largest single event."""
        return scan_largest(self.data.engine, self.selection.sums)

    @cached_property
    def hours(self) -> HourTable:
        """Sums by hour."""
        return scan_hours(self.data.engine, self.data.window, self.selection.coverage, self.data.details)

    @cached_property
    def trace(self) -> TraceRows:
        """Time and price of the last event per bucket. [µs UTC], [quote]"""
        return scan_trace(self.data.engine, self.grid.bucket_us)

    @cached_property
    def last(self) -> LastPrice:
        """The last price known when the window ended, and its source."""
        candles = self.data.market.candles
        prints = scan_last_prints(self.data.engine, self.selection.sums)
        return find_last_price(candles.prices if candles else None, prints)

    @property
    def last_price(self) -> float:
        """The last price known when the window ended. [quote]"""
        return self.last.price

    @cached_property
    def bands(self) -> tuple[PriceBand, ...]:
        """Single price bins with the most USD, by rank."""
        return tuple(rank_bands(self.grid, self.last_price))

    @cached_property
    def cumulative(self) -> CumulativeSums:
        """Sums by distance from the last price."""
        return scan_cumulative(self.data.engine, self.grid, self.last_price, self._price_range, self.data.details)

    @cached_property
    def too_little_data(self) -> str | None:
        """Description of the window's data if it is too little for clusters and cascades, which are then empty."""
        grid, options = self.grid, self.options
        events, usd = int(grid.events.sum()), int(grid.notional_e6.sum()) / 1e6
        if options.price_low is None and options.price_high is None:  # the axis alone leaves these out
            events, usd = events + grid.outside_events, usd + grid.outside_notional
        return describe_shortage(events, usd)

    @cached_property
    def _cascade_scan(self) -> tuple[tuple[Cascade, ...], MinuteSums | None]:
        data = self.data
        return scan_cascades(data.engine, data.window, self.gaps, data.market.followed, details=data.details)

    @property
    def minutes(self) -> MinuteSums | None:
        """USD per minute, and the thresholds of a cascade."""
        return self._cascade_scan[1]

    @property
    def cascades(self) -> tuple[Cascade, ...]:
        """Bursts of liquidations, by rank."""
        return () if self.too_little_data else self._cascade_scan[0]

    @cached_property
    def _cluster_scan(self) -> ClusterScan:
        data, bounds = self.data, self._price_range
        return scan_clusters(data.engine, self.grid, self.last_price, self.cluster_options, bounds, data.details)

    @property
    def heavy_steps(self) -> tuple[HeavyStep, ...]:
        """Price steps with a large share of the USD that are not part of a cluster."""
        return self._cluster_scan.heavy_steps

    @cached_property
    def clusters(self) -> tuple[Cluster, ...]:
        """Price bands that stand out from their surroundings, by rank, with key levels and cascades."""
        scan = self._cluster_scan
        if self.too_little_data:
            return ()
        if scan.axis is None:
            return scan.clusters
        levels = find_key_levels(scan.axis, self.data.window, self.data.market.candles)
        return tag_clusters(add_cascades(scan.clusters, self.cascades), levels, scan.axis)

    @cached_property
    def context(self) -> Context:
        """The market around the window, with an approach per cluster and a change of open interest per cascade."""
        bands = [(c.low, c.high) for c in self.clusters]
        return build_context(self.data.window, self.data.market, bands, self.cascades)

    @cached_property
    def checklists(self) -> tuple[Checklist, ...]:
        """The trade checklist of each cluster, in the order of ``clusters``."""
        pairs = zip(self.clusters, self.context.approaches, strict=True)
        return tuple(build_checklist(c, self.last_price, self.context, a, self.data.window) for c, a in pairs)

    @cached_property
    def window_checklist(self) -> Checklist:
        """The trade checklist of the whole window."""
        return build_window_checklist(self.clusters, self.last_price, self.context, self.data.window)

    @property
    def _price_range(self) -> tuple[float, float]:
        return self.grid.price_low, self.grid.price_high


def compute_results(
    lake: Lake,
    query: Query,
    options: GridOptions,
    view: ViewOptions,
    cluster_options: ClusterOptions | None = None,
    with_levels: bool = False,
) -> WindowResults:
    """
    Load a window; its analyses run when they are used. Estimated levels are computed now, ``with_levels``.

    Raises the errors of :func:`liqcli.report.window_data.load_window`.
    """
    data = load_window(lake, query, options.fit(view.size))
    if not with_levels:
        return WindowResults(data, view, cluster_options or ClusterOptions())
    from liqcli.report.window_levels import load_window_levels  # only where asked for: slow to import

    levels, score = load_window_levels(lake, data.selection)
    return WindowResults(data, view, cluster_options or ClusterOptions(), levels, score)
