"""
Find the clusters of a window: the price bands that stand out, ranked, with what happened in each.

Clusters are a property of the events: neither bins nor buckets of the drawn grid change them. One scan sums the events
in fine price bins; :mod:`liqcli.analysis.price_axis` chooses the axis of the search from these,
:mod:`liqcli.analysis.price_peaks` finds the bands on it, and this module sums each band and relates it to the last
price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul

import numpy as np

from liqcli.analysis.cluster_roles import describe_role
from liqcli.analysis.heatmap import ConservationError
from liqcli.analysis.heavy_steps import HeavyStep, find_heavy_steps
from liqcli.analysis.level_tag import LevelTag
from liqcli.analysis.price_axis import PriceAxis, build_axis
from liqcli.analysis.price_peaks import DEFAULT_MIN_SHARE, PeakBand, find_bands
from liqcli.analysis.thin_data import LEAST_CLUSTER_EVENTS, LEAST_USD
from liqcli.core.errors import UsageError
from liqcli.core.model import BinWidth, HeatmapGrid
from liqcli.query.columns import BinRows, PriceExtent

DEFAULT_MAX_CLUSTERS = 12


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """
    The definition of a cluster: least share of the window, maximum number, half-life of the weight [µs].

    ``least_events`` and ``least_usd`` [USD] are absolute minimums of a cluster.
    """

    min_share: float = DEFAULT_MIN_SHARE
    max_clusters: int = DEFAULT_MAX_CLUSTERS
    half_life_us: int | None = None
    least_events: int = LEAST_CLUSTER_EVENTS
    least_usd: float = LEAST_USD


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    One price band ``[low, high)`` [quote] that stands out; rank 1 holds the most USD.

    ``low`` and ``high`` are exact multiples of ``step`` that enclose its events, independent of the drawn bins.
    ``peak_price`` is the mean price of the step with the most USD; ``share`` its share of the window's USD;
    ``distance_pct`` the distance of ``peak_price`` from the last price [%]; ``side`` is ``above`` or ``below`` if the
    whole band lies there, else ``at price``. ``recent_share`` is its share of the weight in the search: with a
    half-life that of recent events, without one the share of the price range. ``key_levels`` is None when levels were
    not searched.
    """

    rank: int
    low: float
    high: float
    peak_price: float
    notional: float
    share: float
    events: int
    long_notional: float
    short_notional: float
    exchanges: tuple[str, ...]
    first_seen_us: int
    last_seen_us: int
    active_buckets: int
    distance_pct: float | None
    side: str
    recent_share: float
    step: float
    key_levels: tuple[LevelTag, ...] | None = None
    cascades: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """Description of the events in the band, by liquidated side and position; not a forecast."""
        return describe_role(self.side, self.long_notional, self.short_notional)


@dataclass(frozen=True, slots=True)
class ClusterScan:
    """Result of a search; ``axis`` is None without events."""

    clusters: tuple[Cluster, ...] = ()
    axis: PriceAxis | None = None
    heavy_steps: tuple[HeavyStep, ...] = ()


def check_options(min_share: float, max_clusters: int, half_life_us: int | None) -> ClusterOptions:
    """
    Check the cluster options of the command line.

    Raises
    ------
    UsageError
        ``--min-share`` outside 0 to 1, ``--max-clusters`` below 1, ``--half-life`` not positive.
    """
    if not 0 <= min_share <= 1:
        raise UsageError(f"--min-share: {min_share:g} must lie between 0 and 1, such as 0.02 for 2%")
    if max_clusters < 1:
        raise UsageError(f"--max-clusters: {max_clusters} must be at least 1")
    if half_life_us is not None and half_life_us <= 0:
        raise UsageError("--half-life: must be greater than 0, such as 6h")
    return ClusterOptions(min_share, max_clusters, half_life_us)


def check_same_events(extent: PriceExtent, grid: HeatmapGrid) -> None:
    """
    Check that a grid holds the events of the search.

    Raises
    ------
    ConservationError
        Their number or USD differ.
    """
    seen = extent.events, extent.notional_e6
    counted = int(grid.events.sum()), int(grid.notional_e6.sum())
    if seen != counted:
        raise ConservationError(
            f"clusters see {seen[0]} events of {seen[1]} millionths of a USD, the grid has {counted[0]} of "
            f"{counted[1]}: please report this bug"
        )


def find_clusters(
    bins: BinRows, fine: BinWidth, grid: HeatmapGrid, last_price: float | None, options: ClusterOptions
) -> ClusterScan:
    """
    Find the clusters of a window, the axis on which they were searched, and heavy steps outside them.

    Parameters
    ----------
    bins : BinRows
        The events per fine price bin and exchange, at least one row.
    fine : BinWidth
        Width of a fine bin. [quote]
    grid : HeatmapGrid
        The drawn grid of the same events.
    last_price : float or None
        Last known price. [quote]
    options : ClusterOptions
        Thresholds, number of clusters, half-life.

    Returns
    -------
    ClusterScan
        Clusters by falling USD, then nearer to the last price, then lower; each event is in at most one. Their
        ``active_buckets`` are 0, see :func:`set_active_buckets`.

    References
    ----------
    ``docs/clusters.md``; ``liqcli/query/sql/cluster_bins.sql``.
    """
    axis = _choose_axis(bins, fine)
    found = _find(bins, axis, grid, last_price, options)
    found.sort(key=lambda c: (-round(c.notional * 1e6), abs(c.distance_pct or 0.0), c.low))
    clusters = tuple(replace(c, rank=k) for k, c in enumerate(found[: options.max_clusters], start=1))
    taken = [(c.low, c.high) for c in found]
    return ClusterScan(clusters, axis, find_heavy_steps(bins, axis, taken, _window_usd(grid), last_price))


def set_active_buckets(scan: ClusterScan, counts: Sequence[int]) -> ClusterScan:
    """Return the scan with the number of active time buckets of each cluster, in their order."""
    pairs = zip(scan.clusters, counts, strict=True)
    return replace(scan, clusters=tuple(replace(cluster, active_buckets=count) for cluster, count in pairs))


def nearest_above(clusters: Sequence[Cluster]) -> Cluster | None:
    """Return the cluster above the last price with the nearest lower edge."""
    return min((c for c in clusters if c.side == "above"), key=lambda c: c.low, default=None)


def nearest_below(clusters: Sequence[Cluster]) -> Cluster | None:
    """Return the cluster below the last price with the nearest upper edge."""
    return max((c for c in clusters if c.side == "below"), key=lambda c: c.high, default=None)


def largest_above(clusters: Sequence[Cluster]) -> Cluster | None:
    """Return the best ranked cluster above the last price."""
    return min((c for c in clusters if c.side == "above"), key=lambda c: c.rank, default=None)


def largest_below(clusters: Sequence[Cluster]) -> Cluster | None:
    """Return the best ranked cluster below the last price."""
    return min((c for c in clusters if c.side == "below"), key=lambda c: c.rank, default=None)


def _choose_axis(bins: BinRows, fine: BinWidth) -> PriceAxis:
    numbers, starts = np.unique(bins.bin, return_index=True)
    usd_e6 = np.add.reduceat(bins.long_e6 + bins.short_e6, starts)
    return build_axis(fine, numbers, usd_e6, np.add.reduceat(bins.events, starts))


def _find(
    bins: BinRows, axis: PriceAxis, grid: HeatmapGrid, last_price: float | None, options: ClusterOptions
) -> list[Cluster]:
    places = axis.place(bins.bin)
    inside = (places >= 0) & (places < axis.n_steps)
    roots, recent = np.zeros(axis.n_steps, dtype=np.int64), np.zeros(axis.n_steps, dtype=np.int64)
    np.add.at(roots, places[inside], bins.roots[inside])
    np.add.at(recent, places[inside], bins.recent_e6[inside])
    totals = (_window_usd(grid), int(bins.recent_e6.sum()))
    found = []
    for band in find_bands(roots, recent, axis.widest, options.min_share, axis.widest_alone):
        # Rows are ordered by bin, so a band is a slice of them.
        start, end = np.searchsorted(places, [band.low, band.high]).tolist()
        rows = bins.take(slice(start, end))
        if _is_enough(rows, options):
            found.append(_build(rows, axis, band, last_price, totals))
    return found


def _is_enough(rows: BinRows, options: ClusterOptions) -> bool:
    """Check a band against the minimums; one that is mostly a single order is a large order, not a cluster."""
    usd = rows.usd
    alone = 2 * int(rows.largest_e6.max()) / 1e6 > usd
    return int(rows.events.sum()) >= options.least_events and usd >= options.least_usd and not alone


def _window_usd(grid: HeatmapGrid) -> float:
    return int(grid.notional_e6.sum()) / 1e6 + grid.outside_notional


def _build(
    rows: BinRows, axis: PriceAxis, band: PeakBand, last_price: float | None, totals: tuple[float, int]
) -> Cluster:
    low, high = axis.edge(band.low), axis.edge(band.high)
    peak = _find_peak(rows, axis, band.peak)
    return Cluster(
        rank=0,
        low=low,
        high=high,
        peak_price=peak,
        notional=rows.usd,
        share=rows.usd / totals[0],
        events=int(rows.events.sum()),
        long_notional=int(rows.long_e6.sum()) / 1e6,
        short_notional=int(rows.short_e6.sum()) / 1e6,
        exchanges=tuple(sorted(set(rows.exchange.tolist()))),
        first_seen_us=int(rows.first_us.min()),
        last_seen_us=int(rows.last_us.max()),
        active_buckets=0,
        distance_pct=100 * (peak / last_price - 1) if last_price else None,
        side=side_of(low, high, last_price),
        recent_share=int(rows.recent_e6.sum()) / totals[1],
        step=axis.step.width,
    )


def _find_peak(rows: BinRows, axis: PriceAxis, step: int) -> float:
    """Compute the USD-weighted mean price of a step, rounded to a fine bin; Python integers cannot overflow."""
    inside = axis.place(rows.bin) == step
    bins, usd_e6 = rows.bin[inside].tolist(), rows.recent_e6[inside].tolist()
    total = sum(usd_e6)
    return axis.fine.edge((2 * sum(map(mul, bins, usd_e6)) + total) // (2 * total))


def side_of(low: float, high: float, last_price: float | None) -> str:
    """Return the position of a price band: ``above``, ``below``, ``at price``; ``unknown`` without a last price."""
    if not last_price:
        return "unknown"
    return "above" if low > last_price else "below" if high <= last_price else "at price"
