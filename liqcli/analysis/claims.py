"""Which source counts where: two sources on the same exchange and time are never added together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqcli.intervals import Interval, clip_intervals, merge_intervals, subtract_intervals
from liqcli.model import Window
from liqcli.partition import Partition

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SourceView:
    """
    One source's word on one exchange and symbol in a window.

    ``covered`` where it is known to have recorded, empty when it has no fetch log [µs]; ``full`` whether it sends every
    liquidation; ``fill`` whether it states fill prices; ``events`` how many rows it has in the window's months, and
    ``rows`` from the first to the last one of each file [µs].
    """

    source: str
    covered: tuple[Interval, ...]
    full: bool
    fill: bool
    events: int
    rows: tuple[Interval, ...] = ()


def rank_sources(views: Sequence[SourceView]) -> list[SourceView]:
    """Order sources by what they are worth: complete before sampled, fills before other prices, more events, name."""
    return sorted(views, key=lambda v: (not v.full, not v.fill, -v.events, v.source))


def divide_window(views: Sequence[SourceView], window: Window) -> dict[str, list[Interval]]:
    """
    Give every instant of the window to exactly one source.

    The better source takes what it covers, the next one what is left. Then sources without a fetch log take the time
    between their rows. What is left after that goes to the best, so that a stray row of a single source is never lost.

    Returns
    -------
    dict
        Source -> its stretches, sorted. [µs]
    """
    ranked = rank_sources(views)
    free: list[Interval] = [window.interval]
    shares: dict[str, list[Interval]] = {view.source: [] for view in ranked}
    unlogged = [(view, view.rows) for view in ranked if not view.covered]
    for view, stretches in [*((view, view.covered) for view in ranked), *unlogged]:
        mine = [piece for stretch in merge_intervals(stretches) for piece in clip_intervals(free, stretch)]
        shares[view.source] = merge_intervals([*shares[view.source], *mine])
        free = subtract_intervals(free, mine)
    if ranked:
        best = ranked[0].source
        shares[best] = merge_intervals([*shares[best], *free])
    return shares


def list_claims(
    partitions: Sequence[Partition], shares: Mapping[tuple[str, str], Mapping[str, Sequence[Interval]]]
) -> list[tuple[Partition, Interval]]:
    """Spread each source's stretches over its files: one row a file and stretch."""
    return [
        (partition, interval)
        for partition in partitions
        for interval in shares.get((partition.exchange, partition.symbol), {}).get(partition.source, ())
    ]


def claims_table(root: Path, claims: Sequence[tuple[Partition, Interval]]) -> pa.Table:
    """Return claims as the relation ``claims`` of the queries: filename, exchange, symbol, start_us, end_us."""
    import pyarrow as pa

    return pa.table(
        {
            "filename": pa.array([str(p.path(root)) for p, _ in claims], pa.string()),
            "exchange": pa.array([p.exchange for p, _ in claims], pa.string()),
            "symbol": pa.array([p.symbol for p, _ in claims], pa.string()),
            "start_us": pa.array([start for _, (start, _end) in claims], pa.int64()),
            "end_us": pa.array([end for _, (_start, end) in claims], pa.int64()),
        }
    )
