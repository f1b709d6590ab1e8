"""
Compare the clusters of a window with those of the window before: which are new, grown, shrunk or gone.

A row is one price band, and both of its sums are of the same band: all liquidations in it, now and before. Bands of two
windows never have the same edges, so the sums of two overlapping clusters would compare different prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from liqcli.analysis.clusters import Cluster
from liqcli.analysis.overview_change import Change
from liqcli.analysis.summary import Sums
from liqcli.core.model import Window

Status = Literal["new", "grown", "shrunk", "unchanged", "gone"]
SumBand = Callable[[Cluster], float]  # USD of a window in the band of a cluster
SAME = 0.05  # a smaller relative change is neither growth nor decline


@dataclass(frozen=True, slots=True)
class BandChange:
    """
    One price band ``[low, high)`` [quote] in two windows; ``rank`` is that of its cluster now, None if it is gone.

    ``notional`` and ``previous`` are the sums of all liquidations in the band, now and before. [USD]
    """

    status: Status
    rank: int | None
    low: float
    high: float
    step: float
    notional: float
    previous: float

    @property
    def ratio(self) -> float | None:
        """The relative change: 0.35 is 35% more; None when nothing was before."""
        return self.notional / self.previous - 1 if self.previous else None


@dataclass(frozen=True, slots=True)
class WindowChange:
    """
    What changed since the window before.

    Parameters
    ----------
    window : Window
        The window before, of the same length. [UTC]
    change : Change
        Of the total; its ``unknown`` says why the windows cannot be compared.
    now, before : Sums or None
        The totals; ``before`` is None without events.
    bands : tuple of BandChange
        The clusters of now by rank, then those that are gone by falling USD; empty where the change is unknown.
    """

    window: Window
    change: Change
    now: Sums
    before: Sums | None = None
    bands: tuple[BandChange, ...] = ()

    @property
    def new_ranks(self) -> tuple[int, ...]:
        """Ranks of the clusters that are new."""
        return tuple(band.rank for band in self.bands if band.status == "new" and band.rank is not None)


def compare_clusters(
    now: Sequence[Cluster], before: Sequence[Cluster], most: int, sum_before: SumBand, sum_now: SumBand
) -> tuple[BandChange, ...]:
    """
    Compare the ``most`` best clusters of each window with all of the other, by overlap of their price bands.

    Parameters
    ----------
    now, before : sequence of Cluster
        Every cluster of each window, by rank: one below the ``most`` best is not gone.
    sum_before, sum_now : callable
        Sum all liquidations of a window in the band of a cluster of the other one. [USD]
    """
    rows = []
    for cluster in now[:most]:
        previous = sum_before(cluster)
        status = _judge(cluster.notional, previous) if _find_overlap(cluster, before) else "new"
        rows.append(_build(status, cluster.rank, cluster, cluster.notional, previous))
    gone = [cluster for cluster in before[:most] if not _find_overlap(cluster, now)]
    return (*rows, *(_build("gone", None, cluster, sum_now(cluster), cluster.notional) for cluster in gone))


def _find_overlap(cluster: Cluster, others: Sequence[Cluster]) -> bool:
    return any(cluster.low < other.high and other.low < cluster.high for other in others)


def _judge(notional: float, previous: float) -> Status:
    if abs(notional - previous) < SAME * previous:
        return "unchanged"
    return "grown" if notional > previous else "shrunk"


def _build(status: Status, rank: int | None, cluster: Cluster, notional: float, previous: float) -> BandChange:
    return BandChange(status, rank, cluster.low, cluster.high, cluster.step, notional, previous)
