"""
Scan the selected events and analyze the columns, one function for each analysis.

An analysis takes typed columns and knows no engine. Where what to scan depends on an earlier scan, such as the width of
price bins on the prices, the steps are here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from liqcli.analysis.bursts import MinuteSums, find_bursts
from liqcli.analysis.cascade_thresholds import CascadeRule
from liqcli.analysis.cascades import Cascade, build_cascades
from liqcli.analysis.clusters import ClusterOptions, ClusterScan, check_same_events, find_clusters, set_active_buckets
from liqcli.analysis.cumulative import CumulativeSums, build_cumulative, choose_ring
from liqcli.analysis.heatmap import GridOptions, build_grid, plan_grid
from liqcli.analysis.hours import HourTable, build_hours, choose_steps
from liqcli.analysis.overview import LargestEvent, find_largest
from liqcli.analysis.price_axis import choose_fine_width
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.intervals import Interval
from liqcli.core.model import HeatmapGrid, PriceSeries, Window
from liqcli.query import scans
from liqcli.query.columns import LastPrintRows, Totals
from liqcli.query.file_details import FileDetails, sum_details
from liqcli.query.file_extremes import find_largest_events, find_last_prints
from liqcli.query.file_sums import FileSums
from liqcli.query.query_engine import QueryEngine


def scan_grid(
    engine: QueryEngine,
    window: Window,
    options: GridOptions,
    candles: PriceSeries | None = None,
    totals: Totals | None = None,
    sums: FileSums | None = None,
) -> HeatmapGrid:
    """
    Bin the events of a window over its full price x time grid; what ``totals`` and ``sums`` do not hold is scanned.

    Raises
    ------
    UsageError, EmptyWindowError
        See :func:`liqcli.analysis.heatmap.plan_grid`.
    ConservationError
        See :func:`liqcli.analysis.heatmap.build_grid`.
    """
    profile = sums.profile if sums else scans.scan_profile(engine)
    plan = plan_grid(profile, window, options, candles)
    axes = plan.bucket_us, plan.bin, plan.price_low, plan.price_high
    cells = (sums.sum_cells(*axes) if sums else None) or scans.scan_heatmap(engine, *axes)
    return build_grid(plan, cells, profile, totals or scans.scan_totals(engine))


def scan_details(sums: FileSums, window: Window, grid: HeatmapGrid) -> FileDetails | None:
    """Read the files of ``sums`` again for the analyses below; those without details scan the events themselves."""
    bounds = grid.price_low, grid.price_high
    prices = sums.profile.between(*bounds).price
    if not len(prices):
        return None
    return sum_details(sums, window, grid.bucket_us, choose_fine_width(float(prices[0]), float(prices[-1])), *bounds)


def scan_largest(engine: QueryEngine, sums: FileSums | None = None) -> LargestEvent:
    """Find the largest single event."""
    return find_largest((find_largest_events(sums) if sums else None) or scans.scan_largest(engine))


def scan_last_prints(engine: QueryEngine, sums: FileSums | None = None) -> LastPrintRows:
    """Find the last event of each price kind."""
    return (find_last_prints(sums) if sums else None) or scans.scan_last_prints(engine)


def scan_hours(
    engine: QueryEngine, window: Window, coverage: Sequence[ExchangeCoverage], details: FileDetails | None = None
) -> HourTable:
    """Sum the table ``liquidations`` by hour; see :func:`liqcli.analysis.hours.build_hours`."""
    steps = choose_steps(window)
    return build_hours(details.sum_hours(*steps) if details else scans.scan_hours(engine, *steps), window, coverage)


def scan_cumulative(
    engine: QueryEngine,
    grid: HeatmapGrid,
    last_price: float,
    price_range: tuple[float | None, float | None] = (None, None),
    details: FileDetails | None = None,
) -> CumulativeSums:
    """
    Sum the table ``liquidations`` by distance from the last price, over the prices of a grid.

    ``price_range`` is the requested range, which can start or end inside a bin; None: the range of the grid.

    Raises
    ------
    ConservationError
        The sums differ from the grid.
    """
    step = choose_ring(float(grid.price_edges[0]), float(grid.price_edges[-1]), last_price)
    asked = last_price, step, *_bounds(grid, price_range)
    return build_cumulative(
        details.sum_rings(*asked) if details else scans.scan_rings(engine, *asked), grid, last_price
    )


def scan_cascades(
    engine: QueryEngine,
    window: Window,
    gaps: Iterable[Interval],
    candles: PriceSeries | None,
    rule: CascadeRule | None = None,
    details: FileDetails | None = None,
) -> tuple[tuple[Cascade, ...], MinuteSums | None]:
    """
    Find the cascades of the table ``liquidations``, and the minutes they were found in.

    Parameters
    ----------
    window : Window
        Half-open. [UTC]
    gaps : iterable of (start, end)
        Intervals without data; their minutes stay out of the baseline. [µs UTC]
    candles : PriceSeries or None
        For the price afterwards.
    rule : CascadeRule or None
        None uses the defaults.

    Returns
    -------
    cascades, minutes
        By falling USD; minutes are None when there is no event.
    """
    minutes = details.minutes if details else scans.scan_minutes(engine)
    bursts = find_bursts(minutes, window, gaps, rule)
    if bursts is None:
        return (), None
    if not len(bursts.first_us):
        return (), bursts.sums
    printed = scans.scan_burst_prices(engine, bursts.first_us, bursts.last_us)
    return build_cascades(minutes, bursts, printed, candles, rule), bursts.sums


def scan_clusters(
    engine: QueryEngine,
    grid: HeatmapGrid,
    last_price: float | None,
    options: ClusterOptions | None = None,
    price_range: tuple[float | None, float | None] = (None, None),
    details: FileDetails | None = None,
) -> ClusterScan:
    """
    Find the clusters of the table ``liquidations``, the axis of the search, and heavy steps outside clusters.

    Parameters
    ----------
    grid : HeatmapGrid
        The drawn grid of the same events: counts and sums are checked against it, active buckets are its buckets.
    last_price : float or None
        Last known price. [quote]
    options : ClusterOptions or None
        None uses the defaults.
    price_range : (float or None, float or None)
        Events outside are ignored; None: the range of the grid's cells. [quote]
    details : FileDetails or None
        Those of :func:`scan_details` for the same grid, used unless recent events have more weight.

    Raises
    ------
    ConservationError
        The grid holds other events.
    """
    options = options or ClusterOptions()
    low, high = _bounds(grid, price_range)
    details = None if options.half_life_us else details
    extent = details.extent if details else scans.scan_extent(engine, low, high)
    check_same_events(extent, grid)
    if not extent.events:
        return ClusterScan()
    fine = choose_fine_width(extent.lowest, extent.highest)
    search = fine, low, high, extent.newest_us, options.half_life_us
    found = find_clusters(
        details.bins if details else scans.scan_cluster_bins(engine, *search), fine, grid, last_price, options
    )
    bands = [(max(c.low, low), min(c.high, high)) for c in found.clusters]
    counts = details.count_active(bands) if details else scans.scan_active_buckets(engine, bands, grid.bucket_us)
    return set_active_buckets(found, counts)


def _bounds(grid: HeatmapGrid, price_range: tuple[float | None, float | None]) -> tuple[float, float]:
    low, high = price_range
    return grid.price_low if low is None else low, grid.price_high if high is None else high
