"""The results of the whole market in one window, computed in one pass over all symbols."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from liqcli.analysis.hours import build_hours, choose_steps
from liqcli.analysis.overview import Overview, build_overview
from liqcli.analysis.overview_cascades import build_market_cascades
from liqcli.core.coverage import common_gaps
from liqcli.core.intervals import Intervals
from liqcli.core.model import SAMPLE_SOURCE
from liqcli.lake.invalid_rows import InvalidSymbol
from liqcli.lake.overview_selection import OverviewSelection, select_all
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.query import scans
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.results import ViewOptions


@dataclass(frozen=True, eq=False)
class OverviewResults:
    """The selection, the analysis of it, and how it is shown; plain values without the engine."""

    selection: OverviewSelection
    overview: Overview
    view: ViewOptions

    def with_view(self, view: ViewOptions) -> OverviewResults:
        """Return the same results in another view."""
        return replace(self, view=view)

    @cached_property
    def gaps(self) -> Intervals:
        """Intervals of the window in which nothing was recorded on any exchange. [µs]"""
        return common_gaps(self.selection.coverage, self.selection.window)

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files that were left out."""
        return self.selection.damaged

    @property
    def left_out(self) -> tuple[InvalidSymbol, ...]:
        """Symbols that were left out because of invalid rows."""
        return self.selection.left_out

    @property
    def sample(self) -> bool:
        """True for the synthetic sample."""
        return SAMPLE_SOURCE in self.overview.summary.sources


def compute_overview(lake: Lake, query: Query, view: ViewOptions) -> OverviewResults:
    """
    Load the events of every symbol and analyze them.

    Raises
    ------
    UsageError, EmptyWindowError, DamagedError
        See :func:`liqcli.lake.overview_selection.select_all`.
    """
    with DuckDBEngine() as engine:
        selection = select_all(engine, lake, query)
        window, coverage = selection.window, selection.coverage
        overview = build_overview(
            selection.symbols,
            selection.totals,
            selection.previous_totals,
            scans.scan_largest(engine),
            build_market_cascades(scans.scan_symbol_minutes(engine), window, coverage),
            build_hours(scans.scan_hours(engine, *choose_steps(window)), window, coverage),
            coverage,
            selection.previous_coverage,
        )
    return OverviewResults(selection, overview, view)
