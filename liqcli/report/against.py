"""Compare a window with the one of the same length before it, loaded with the same options."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from liqcli.analysis.clusters import Cluster
from liqcli.analysis.overview_change import Change, compare_symbols
from liqcli.analysis.summary import WindowSummary, build_summary
from liqcli.analysis.window_change import BandChange, SumBand, WindowChange, compare_clusters
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.errors import DamagedError, EmptyWindowError
from liqcli.core.formatting import format_iso
from liqcli.core.model import Window
from liqcli.lake.selection import Query, build_selection, read_coverage
from liqcli.lake.store import Lake
from liqcli.query.open_engine import open_engine
from liqcli.query.scans import scan_extent
from liqcli.report.records import sums_record
from liqcli.report.results import WindowResults, compute_results
from liqcli.report.window_scans import scan_clusters

EVERY_CLUSTER = 1_000  # more than any window has


@dataclass(frozen=True, slots=True)
class _Previous:
    """The window before, as far as it is compared; ``results`` is None without events in the chosen prices."""

    summary: WindowSummary | None
    coverage: Sequence[ExchangeCoverage]
    damaged: Sequence[Path] = ()
    results: WindowResults | None = None


def add_previous(lake: Lake, results: WindowResults) -> WindowResults:
    """
    Return the results with the change since the window before; one without events is compared as empty.

    Raises
    ------
    UsageError
        The window before starts before 2015.
    """
    window = results.selection.window
    previous = Window(window.start_us - window.length_us, window.start_us)
    try:
        change = _compare(results, previous, _load(lake, results, previous))
    except DamagedError:
        sums = results.summary.sums
        unknown = Change(sums.notional, None, "files of the period before are damaged: liqcli verify names them")
        change = WindowChange(previous, unknown, sums)
    return results.with_change(change)


def build_against(results: WindowResults, found: WindowChange) -> dict[str, Any]:
    """Convert the change since the window before."""
    unknown = found.change.unknown
    before = None if found.before is None else sums_record(found.before)
    return {
        "start": format_iso(found.window.start_us),
        "end": format_iso(found.window.end_us),
        "unknown": unknown,
        "totals": {
            "now": sums_record(found.now),
            "before": before,
            "previous_notional": found.change.previous,
            "change": found.change.ratio,
        },
        "clusters": [_band_record(band) for band in found.bands],
        "command": _format_fetch(results, found) if unknown and not results.sample else None,
    }


def _band_record(band: BandChange) -> dict[str, Any]:
    return {**asdict(band), "change": band.ratio}


def _format_fetch(results: WindowResults, found: WindowChange) -> str:
    """Build the command that fetches both windows."""
    words = ["--since", format_iso(found.window.start_us), "--until", format_iso(results.selection.window.end_us)]
    return shlex.join(["liqcli", "fetch", "--symbol", results.selection.label, *words])


def _load(lake: Lake, results: WindowResults, window: Window) -> _Previous:
    """Load the window before with the options of the results."""
    asked = results.selection.query
    query = replace(asked, since=format_iso(window.start_us), until=format_iso(window.end_us))
    try:
        found = compute_results(lake, query, results.options, results.view, results.cluster_options)
    except EmptyWindowError:
        return _load_sums(lake, query)
    selection = found.selection
    return _Previous(found.summary, selection.coverage, selection.damaged, found)


def _load_sums(lake: Lake, query: Query) -> _Previous:
    """Load the sums of a window without events, or with none in the price range."""
    with open_engine(lake.engine, lake.root) as engine:
        try:
            selection = build_selection(engine, lake, query)
        except EmptyWindowError:
            return _Previous(None, *read_coverage(engine, lake, query))
        return _Previous(build_summary(selection.totals), selection.coverage, selection.damaged)


def _compare(results: WindowResults, window: Window, previous: _Previous) -> WindowChange:
    change = compare_symbols(results.summary, previous.summary, results.selection.coverage, previous.coverage)
    if damaged := [*results.selection.damaged, *previous.damaged]:
        change = Change(change.notional, None, f"damaged files are left out, such as {damaged[0].name}")
    now = results.summary.sums
    if change.unknown:
        return WindowChange(window, change, now)
    before = previous.results
    bands = compare_clusters(
        _find_all(results),
        _find_all(before) if before else (),
        results.cluster_options.max_clusters,
        _sum_in(before) if before else lambda _cluster: 0.0,
        _sum_in(results),
    )
    if before:
        before.data.engine.close()
    return WindowChange(window, change, now, previous.summary.sums if previous.summary else None, bands)


def _find_all(results: WindowResults) -> tuple[Cluster, ...]:
    """Find every cluster, also beyond the maximum number."""
    if results.too_little_data:
        return ()
    options = replace(results.cluster_options, max_clusters=EVERY_CLUSTER)
    grid = results.grid
    bounds = grid.price_low, grid.price_high
    return scan_clusters(results.data.engine, grid, results.last_price, options, bounds).clusters


def _sum_in(results: WindowResults) -> SumBand:
    """Sum the events of a window in the band of a cluster, inside the requested prices. [USD]"""
    low, high = results.options.price_low, results.options.price_high

    def sum_band(cluster: Cluster) -> float:
        bottom = cluster.low if low is None else max(cluster.low, low)
        top = cluster.high if high is None else min(cluster.high, high)
        return scan_extent(results.data.engine, bottom, top).notional_e6 / 1e6

    return sum_band
