"""
Who speaks for which exchange when, and how much of a window that covers.

Which source counts where: two sources on the same exchange and time are never added together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.intervals import Interval, clip_intervals, merge_intervals, subtract_intervals, total_length
from liqcli.core.model import Window
from liqcli.lake.fetch_log import COVERED, FetchLog, build_coverage
from liqcli.lake.inventory import StoredFile, try_fetch_log
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SourceCandidate:
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


def rank_sources(views: Sequence[SourceCandidate]) -> list[SourceCandidate]:
    """Order sources by what they are worth: complete before sampled, fills before other prices, more events, name."""
    return sorted(views, key=lambda v: (not v.full, not v.fill, -v.events, v.source))


def divide_window(views: Sequence[SourceCandidate], window: Window) -> dict[str, list[Interval]]:
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


def list_assigned_intervals(
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


Key = tuple[str, str]  # exchange, symbol
CLAIMED = (*COVERED, "unknown")  # rows count also where it is not known whether the recorder ran all the time


@dataclass(frozen=True, slots=True)
class ExcludedSource:
    """
    A source that was left out in some ``stretches`` [µs] of which it tells, for others tell of them better.

    ``instead`` is who counts there, each with its own stretches.
    """

    exchange: str
    symbol: str
    source: str
    stretches: tuple[Interval, ...]
    instead: Mapping[str, Sequence[Interval]]

    @property
    def length_us(self) -> int:
        """How long it was left out. [µs]"""
        return total_length(self.stretches)


@dataclass(frozen=True, slots=True)
class SourceAssignment:
    """
    How a window is divided.

    ``shares`` exchange and symbol -> source -> its stretches [µs]; ``coverage`` one entry an exchange and symbol that
    has rows or was asked, also when it answered that nothing happened; ``leftovers`` are sources that do not count;
    ``damaged`` are window memories that cannot be read: what their sources cover is not known.
    """

    coverage: tuple[ExchangeCoverage, ...]
    shares: Mapping[Key, Mapping[str, Sequence[Interval]]]
    leftovers: tuple[ExcludedSource, ...]
    damaged: tuple[Path, ...] = ()


def assign_sources(
    lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], holdings: Sequence[StoredFile], window: Window
) -> SourceAssignment:
    """
    Give each exchange and instant of a window to one source.

    Parameters
    ----------
    symbols, exchanges : sequence of str
        What was asked for; no exchange means all.
    holdings : sequence of Holding
        Every readable file of these symbols and exchanges, of whatever time.
    window : Window
        Half-open. [UTC]
    """
    rows: dict[tuple[str, str, str], list[StoredFile]] = {}
    for held in holdings:
        rows.setdefault((held.partition.exchange, held.partition.symbol, held.partition.source), []).append(held)
    asked = [key for key in lake.remembered() if key[1] in symbols and (not exchanges or key[0] in exchanges)]
    speakers = sorted({*rows, *asked})
    coverage: list[ExchangeCoverage] = []
    shares: dict[Key, dict[str, list[Interval]]] = {}
    leftovers: list[ExcludedSource] = []
    damaged: list[Path] = []
    for exchange, symbol in sorted({speaker[:2] for speaker in speakers}):
        memories: dict[str, FetchLog] = {}
        for source in [s for e, y, s in speakers if (e, y) == (exchange, symbol)]:
            memories[source], bad = try_fetch_log(lake, exchange, symbol, source)
            damaged += bad
        views = [
            build_source_candidate(source, memory.covered(CLAIMED), rows.get((exchange, symbol, source), ()), window)
            for source, memory in memories.items()
        ]
        speaking = [v for v in views if v.events or clip_intervals(v.covered, window.interval)]
        shares[exchange, symbol] = divide_window(speaking, window)
        leftovers += find_excluded_sources((exchange, symbol), speaking, shares[exchange, symbol], rows, window)
        unlogged = [v.source for v in views if v.events and not v.covered]
        known = build_coverage(exchange, symbol, memories, window, unlogged)
        if known.intervals or known.unknown or any(v.events for v in views):
            coverage.append(known)
    return SourceAssignment(tuple(coverage), shares, tuple(leftovers), tuple(damaged))


def build_source_candidate(
    source: str, covered: Sequence[Interval], mine: Sequence[StoredFile], window: Window
) -> SourceCandidate:
    """How completely a source speaks is read from all its rows: in this window it may know that nothing happened."""
    inside = [h for h in mine if h.first_us < window.end_us and h.last_us >= window.start_us]
    return SourceCandidate(
        source,
        tuple(covered),
        full=any(h.full for h in mine),
        fill=any(h.fill for h in mine),
        events=sum(h.events for h in inside),
        rows=tuple((h.first_us, h.last_us + 1) for h in inside),
    )


def find_excluded_sources(
    key: Key,
    views: Sequence[SourceCandidate],
    shares: Mapping[str, Sequence[Interval]],
    rows: Mapping[tuple[str, str, str], Sequence[StoredFile]],
    window: Window,
) -> list[ExcludedSource]:
    """Find who tells of a time in which somebody else counts; of who never told when, the rows tell."""
    found = []
    for view in views:
        mine = rows.get((*key, view.source), ())
        told = view.covered or tuple((h.first_us, h.last_us + 1) for h in mine)
        left = subtract_intervals(clip_intervals(told, window.interval), shares.get(view.source, ()))
        instead = {
            other.source: stretches
            for other in views
            if other is not view and (stretches := _meet(left, shares.get(other.source, ())))
        }
        if view.events and instead:
            found.append(ExcludedSource(*key, view.source, tuple(left), instead))
    return found


def _meet(some: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    return [piece for other in others for piece in clip_intervals(some, other)]
