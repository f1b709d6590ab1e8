"""Clusters: the price bands of a window that matter, ranked, each with what happened in it.

Where the bands lie is decided by :mod:`liqcli.analysis.profile_peaks`; this module asks the engine for the profile,
adds up each band, and says how it lies to the last price. Clusters are cut along the bins of the grid, so that picture,
profile and table show the same edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.cluster_roles import describe_role
from liqcli.analysis.cluster_rows import Row, find_rows, first_bin, profile_params
from liqcli.analysis.heatmap import ConservationError
from liqcli.analysis.profile_peaks import DEFAULT_MIN_SHARE
from liqcli.engine import Engine
from liqcli.errors import UsageError
from liqcli.formats import format_iso
from liqcli.model import BinWidth, HeatmapGrid

if TYPE_CHECKING:
    from liqcli.analysis.key_levels import LevelTag

Columns = Mapping[str, NDArray[Any]]

DEFAULT_MAX_CLUSTERS = 12


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What makes a cluster: least share of the window, how many at the most, half-life of the weight [µs]."""

    min_share: float = DEFAULT_MIN_SHARE
    max_clusters: int = DEFAULT_MAX_CLUSTERS
    half_life_us: int | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    One hot price band ``[low, high)`` [quote]; rank 1 holds the most USD.

    ``peak_price`` is the middle of its hottest bin; ``share`` its part of all the window's USD; ``distance_pct`` how
    far ``peak_price`` lies from the last price [%]; ``side`` whether the whole band lies ``above`` or ``below`` the
    last price or holds it (``at price``). ``recent_share`` is its part of the weight the search saw: with a half-life
    that of recent events, without one what the share is of the drawn price range. ``key_levels`` is None where nobody
    looked for levels.
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
    key_levels: tuple[LevelTag, ...] | None = None
    cascades: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """What happened in the band, by the side that was closed and the place; not a forecast."""
        return describe_role(self.side, self.long_notional, self.short_notional)


def check_options(min_share: float, max_clusters: int, half_life_us: int | None) -> ClusterOptions:
    """
    Check what the flags say.

    Raises
    ------
    UsageError
        ``--min-share`` outside 0 to 1, ``--max-clusters`` below 1, ``--half-life`` not positive.
    """
    if not 0 <= min_share <= 1:
        raise UsageError(f"--min-share: {min_share:g} must lie between 0 and 1, such as 0.02 for 2 %")
    if max_clusters < 1:
        raise UsageError(f"--max-clusters: {max_clusters} must be at least 1")
    if half_life_us is not None and half_life_us <= 0:
        raise UsageError("--half-life: must be greater than 0, such as 6h")
    return ClusterOptions(min_share, max_clusters, half_life_us)


def build_clusters(
    engine: Engine,
    grid: HeatmapGrid,
    last_price: float | None,
    options: ClusterOptions | None = None,
    price_range: tuple[float | None, float | None] = (None, None),
) -> tuple[Cluster, ...]:
    """
    Find the clusters of the table ``liquidations`` along the bins of its grid; each event is in one at the most.

    Ranked by USD, then nearer to the last price, then lower price. ``price_range`` is the one that the grid was asked
    for (None: the range of its cells); a grid of other events raises ConservationError.

    References
    ----------
    ``docs/clusters.md``; ``liqcli/sql/cluster_bins.sql``, ``liqcli/sql/clusters.sql``.
    """
    options = options or ClusterOptions()
    if not grid.events.any():
        return ()
    bins = engine.run("cluster_bins", profile_params(grid, options.half_life_us, price_range))
    _check_same_events(bins, grid)
    rows = find_rows(bins, grid, options.min_share)
    if not rows:
        return ()
    sums = _add_up(engine, bins, rows, grid)
    totals = (int(grid.notional_e6.sum()) / 1e6 + grid.outside_notional, int(bins["weight_e6"].sum()))
    found = [_build(sums, k, band, grid, last_price, totals) for k, band in enumerate(rows)]
    found.sort(key=lambda c: (-round(c.notional * 1e6), abs(c.distance_pct or 0.0), c.low))
    return tuple(replace(cluster, rank=rank) for rank, cluster in enumerate(found[: options.max_clusters], start=1))


def nearest_above(clusters: Sequence[Cluster]) -> Cluster | None:
    """Give the cluster above the last price whose lower edge is nearest to it."""
    return min((c for c in clusters if c.side == "above"), key=lambda c: c.low, default=None)


def nearest_below(clusters: Sequence[Cluster]) -> Cluster | None:
    """Give the cluster below the last price whose upper edge is nearest to it."""
    return max((c for c in clusters if c.side == "below"), key=lambda c: c.high, default=None)


def largest_above(clusters: Sequence[Cluster]) -> Cluster | None:
    """Give the best ranked cluster above the last price."""
    return min((c for c in clusters if c.side == "above"), key=lambda c: c.rank, default=None)


def largest_below(clusters: Sequence[Cluster]) -> Cluster | None:
    """Give the best ranked cluster below the last price."""
    return min((c for c in clusters if c.side == "below"), key=lambda c: c.rank, default=None)


def cluster_record(cluster: Cluster) -> dict[str, Any]:
    """Write a cluster as plain values; keys of ``docs/units.md#json``."""
    return {
        "rank": cluster.rank,
        "low": cluster.low,
        "high": cluster.high,
        "peak_price": cluster.peak_price,
        "notional": cluster.notional,
        "share": cluster.share,
        "events": cluster.events,
        "long_notional": cluster.long_notional,
        "short_notional": cluster.short_notional,
        "exchanges": list(cluster.exchanges),
        "first_seen": format_iso(cluster.first_seen_us),
        "last_seen": format_iso(cluster.last_seen_us),
        "active_buckets": cluster.active_buckets,
        "distance_pct": cluster.distance_pct,
        "key_levels": None if cluster.key_levels is None else [level.record() for level in cluster.key_levels],
        "role": cluster.role,
        "side": cluster.side,
        "recent_share": cluster.recent_share,
        "cascades": list(cluster.cascades),
    }


def _check_same_events(bins: Columns, grid: HeatmapGrid) -> None:
    seen, counted = int(bins["events"].sum()), int(grid.events.sum())
    if seen != counted:
        raise ConservationError(f"clusters see {seen} events, the grid has {counted}: please report this bug")


def _add_up(engine: Engine, bins: Columns, rows: Sequence[Row], grid: HeatmapGrid) -> Columns:
    import pyarrow as pa

    first = first_bin(grid)
    engine.register("cluster_bins", pa.table({name: pa.array(column.tolist()) for name, column in bins.items()}))
    edges = {
        "band": range(len(rows)),
        "low_bin": (first + row.low for row in rows),
        "high_bin": (first + row.high for row in rows),
    }
    engine.register(
        "cluster_bands", pa.table({name: pa.array(list(places), pa.int64()) for name, places in edges.items()})
    )
    return engine.run("clusters")


def _build(
    sums: Columns,
    k: int,
    row: Row,
    grid: HeatmapGrid,
    last_price: float | None,
    totals: tuple[float, int],
) -> Cluster:
    mine = sums["band"] == k
    low, high = float(grid.price_edges[row.low]), float(grid.price_edges[row.high])
    middle = BinWidth(grid.bin.num, 2 * grid.bin.den)  # one correctly rounded division: no 95725.00000000001
    peak = middle.edge(2 * (first_bin(grid) + row.peak) + 1)

    def usd(rows: NDArray[np.bool_]) -> float:
        return int(sums["notional_e6"][rows].sum()) / 1e6

    return Cluster(
        rank=0,
        low=low,
        high=high,
        peak_price=peak,
        notional=usd(mine),
        share=usd(mine) / totals[0],
        events=int(sums["events"][mine].sum()),
        long_notional=usd(mine & (sums["position"] == "long")),
        short_notional=usd(mine & (sums["position"] == "short")),
        exchanges=tuple(sorted(set(sums["exchange"][mine].tolist()))),
        first_seen_us=int(sums["first_us"][mine].min()),
        last_seen_us=int(sums["last_us"][mine].max()),
        active_buckets=int((grid.events[row.low : row.high].sum(axis=0) > 0).sum()),
        distance_pct=100 * (peak / last_price - 1) if last_price else None,
        side=side_of(low, high, last_price),
        recent_share=int(sums["weight_e6"][mine].sum()) / totals[1],
    )


def side_of(low: float, high: float, last_price: float | None) -> str:
    """Say where a whole price band lies: ``above``, ``below`` or ``at price``; ``unknown`` without a last price."""
    if not last_price:
        return "unknown"
    return "above" if low > last_price else "below" if high <= last_price else "at price"
