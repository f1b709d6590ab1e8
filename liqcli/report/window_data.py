"""
Load one window from the lake: the events that count, the candles and open interest around it, and the grid.

Everything that can fail because of the request or of the files fails here. :mod:`liqcli.report.results` analyzes what
was loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from liqcli.analysis.heatmap import GridOptions, choose_fine_axes
from liqcli.analysis.price_bins import check_bucket
from liqcli.analysis.summary import WindowSummary, build_summary
from liqcli.core.coverage import common_gaps
from liqcli.core.intervals import Intervals
from liqcli.core.market_data import MarketData
from liqcli.core.model import HeatmapGrid, PriceSeries, Window
from liqcli.core.symbols import expiry_of
from liqcli.lake.market_series import read_market
from liqcli.lake.selection import Query, Selection, build_selection
from liqcli.lake.store import Lake
from liqcli.lake.verify.against_totals import compare_window
from liqcli.lake.verify.compared_totals import ComparedTotals
from liqcli.query.columns import FineAxes
from liqcli.query.file_details import FileDetails
from liqcli.query.open_engine import open_engine
from liqcli.query.query_engine import QueryEngine
from liqcli.report.window_scans import scan_details, scan_grid
from liqcli.sources.registry import is_fetched

LEVEL_HISTORY_US = 14 * 86_400 * 1_000_000  # includes the whole week before the week of the window


@dataclass(frozen=True, eq=False)
class WindowData:
    """
    One window as loaded from the lake.

    ``engine`` holds the selected events as ``liquidations``: in memory, or in the files if they are very many or the
    engine is a cluster.
    ``damaged`` names files that were left out; ``totals`` compares the lake with what the exchanges publish.
    """

    engine: QueryEngine
    selection: Selection
    options: GridOptions
    summary: WindowSummary
    market: MarketData
    grid: HeatmapGrid
    damaged: tuple[Path, ...] = field(default=())
    totals: tuple[ComparedTotals, ...] = field(default=())

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the engine, so that computed results can be pickled, and the sums that they were computed from."""
        kept = {name: value for name, value in self.__dict__.items() if name != "details"}
        return {**kept, "engine": None, "selection": replace(self.selection, sums=None)}

    @cached_property
    def details(self) -> FileDetails | None:
        """Sums of a second pass over the files, for very many events; None if the events are in memory."""
        details = scan_details(self.selection.sums, self.window, self.grid) if self.selection.sums else None
        self.engine.check_watched()
        return details

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.selection.window

    @property
    def prices(self) -> PriceSeries | None:
        """The candles inside the window."""
        return self.market.prices_in(self.window)

    @property
    def gaps(self) -> Intervals:
        """Intervals of the window without data of any exchange. [µs]"""
        return common_gaps(self.selection.coverage, self.window)


def load_window(lake: Lake, query: Query, options: GridOptions) -> WindowData:
    """
    Select and load the events, read the market data, and build the grid.

    Raises
    ------
    UsageError, EmptyWindowError, DamagedError
        See :func:`liqcli.lake.selection.build_selection` and :func:`liqcli.analysis.heatmap.plan_grid`.
    """
    engine = open_engine(lake.engine, lake.root)
    try:
        return _load(engine, lake, query, options)
    except BaseException:
        engine.close()
        raise


def _load(engine: QueryEngine, lake: Lake, query: Query, options: GridOptions) -> WindowData:
    selection = build_selection(engine, lake, query, is_fetched, partial(_choose_axes, options))
    window = selection.window
    check_bucket(options.bucket_us, window)
    summary = build_summary(selection.totals)
    exchanges = [e.exchange for e in summary.exchanges]
    symbols = _sort_by_usd(selection.symbols, summary)
    market, damaged = read_market(engine.local, lake, symbols, exchanges, window, LEVEL_HISTORY_US)
    grid = scan_grid(engine, window, options, market.prices_in(window), selection.totals, selection.sums)
    return WindowData(
        engine, selection, options, summary, market, grid, tuple(dict.fromkeys((*selection.damaged, *damaged))),
        tuple(compare_window(lake, symbols, exchanges, window)),
    )  # fmt: skip


def _choose_axes(options: GridOptions, window: Window, lowest: float, highest: float) -> FineAxes:
    check_bucket(options.bucket_us, window)
    return choose_fine_axes(window, options, lowest, highest)


def _sort_by_usd(symbols: Sequence[str], summary: WindowSummary) -> list[str]:
    """Sort by falling USD, perpetuals before dated contracts."""
    order = [s for e in summary.exchanges for s in e.symbols]
    return sorted(symbols, key=lambda s: (bool(expiry_of(s)), order.index(s) if s in order else len(order), s))
