"""Clusters that touch: found apart because each has a peak of its own, but one zone for a trader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from liqcli.analysis.clusters import Cluster


@dataclass(frozen=True, slots=True)
class Zone:
    """
    Neighbouring clusters from ``low`` to ``high`` [quote], in ``ranks`` from the lowest price up.

    ``notional`` [USD] and ``share`` (0 to 1) are those of the clusters, without the price step between two of them.
    """

    ranks: tuple[int, ...]
    low: float
    high: float
    step: float
    notional: float
    share: float


def join_clusters(clusters: Sequence[Cluster]) -> tuple[Zone, ...]:
    """Join clusters that are at most one price step of their search apart; the zone with the most USD first."""
    groups: list[list[Cluster]] = []
    for cluster in sorted(clusters, key=lambda c: c.low):
        if groups and cluster.low - groups[-1][-1].high <= 1.001 * cluster.step:
            groups[-1].append(cluster)
        else:
            groups.append([cluster])
    zones = (
        Zone(
            tuple(c.rank for c in group),
            group[0].low,
            group[-1].high,
            group[0].step,
            fsum(c.notional for c in group),
            fsum(c.share for c in group),  # the same on every version of Python, as sum is not
        )
        for group in groups
        if len(group) > 1
    )
    return tuple(sorted(zones, key=lambda zone: (-zone.notional, zone.low)))
