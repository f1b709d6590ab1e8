"""
Assign each exchange and instant of a window to one source.

Sources that cover the same exchange and time are never added up: the better one counts, the other fills what it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.intervals import NO_INTERVALS, Interval, Intervals
from liqcli.core.model import Window
from liqcli.lake.fetch_log import COVERED, DOUBTFUL, FetchLog, build_coverage
from liqcli.lake.inventory import StoredFile, try_fetch_log
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SourceCandidate:
    """
    One source of one exchange and symbol in a window.

    ``covered`` are the intervals it is known to have recorded, empty without a fetch log [µs]; ``full`` is True if it
    has every liquidation, ``fill`` if it has fill prices; ``events`` is the number of its rows in the window's months,
    and ``rows`` the interval from the first to the last one of each file [µs]; ``doubtful`` the part of ``covered`` in
    which it may have missed events [µs].
    """

    source: str
    covered: Intervals
    full: bool
    fill: bool
    events: int
    rows: Intervals = NO_INTERVALS
    doubtful: Intervals = NO_INTERVALS


def rank_sources(views: Sequence[SourceCandidate]) -> list[SourceCandidate]:
    """Order sources by quality: complete before sampled, fills before other prices, more events, then name."""
    return sorted(views, key=lambda v: (not v.full, not v.fill, -v.events, v.source))


def divide_window(views: Sequence[SourceCandidate], window: Window) -> dict[str, Intervals]:
    """
    Assign every instant of the window to exactly one source.

    The best source gets the time it covers, the next one what remains. Then they get the time in which they may have
    missed events, and sources without a fetch log the time between their rows. The rest goes to the best source, so
    that no stray row of a single source is lost.

    Returns
    -------
    dict
        Source -> its intervals, sorted. [µs]
    """
    ranked = rank_sources(views)
    free = Intervals([window.interval])
    shares = {view.source: Intervals() for view in ranked}
    unlogged = [(view, view.rows) for view in ranked if not view.covered]
    sure = [(view, view.covered - view.doubtful) for view in ranked]
    doubtful = [(view, view.doubtful) for view in ranked]
    for view, intervals in [*sure, *doubtful, *unlogged]:
        mine = free & intervals
        shares[view.source] |= mine
        free -= mine
    if ranked:
        shares[ranked[0].source] |= free
    return shares


def list_assigned_intervals(
    partitions: Sequence[Partition], shares: Mapping[tuple[str, str], Mapping[str, Intervals]]
) -> list[tuple[Partition, Interval]]:
    """Pair each source's files with its intervals, one entry per file and interval."""
    return [
        (partition, interval)
        for partition in partitions
        for interval in shares.get((partition.exchange, partition.symbol), {}).get(partition.source, ())
    ]


def assigned_table(root: Path, assigned: Sequence[tuple[Partition, Interval]]) -> pa.Table:
    """Build the relation ``assigned`` of the queries: filename, exchange, symbol, start_us, end_us."""
    import pyarrow as pa

    return pa.table(
        {
            "filename": pa.array([str(p.path(root)) for p, _ in assigned], pa.string()),
            "exchange": pa.array([p.exchange for p, _ in assigned], pa.string()),
            "symbol": pa.array([p.symbol for p, _ in assigned], pa.string()),
            "start_us": pa.array([start for _, (start, _end) in assigned], pa.int64()),
            "end_us": pa.array([end for _, (_start, end) in assigned], pa.int64()),
        }
    )


Key = tuple[str, str]  # exchange, symbol
RECORDED = (*COVERED, *DOUBTFUL)  # rows count even where the recorder may have stopped in between


@dataclass(frozen=True, slots=True)
class ExcludedSource:
    """
    A source that was left out for some ``intervals`` [µs] it has data of, because others are better there.

    ``instead`` maps the sources that count there to their intervals.
    """

    exchange: str
    symbol: str
    source: str
    intervals: Intervals
    instead: Mapping[str, Intervals]

    @property
    def length_us(self) -> int:
        """Total time for which it was left out. [µs]"""
        return self.intervals.length


@dataclass(frozen=True, slots=True)
class SourceAssignment:
    """
    The assignment of a window to sources.

    ``shares`` maps exchange and symbol to source to its intervals [µs]; ``coverage`` has one entry per exchange and
    symbol that has rows or was requested, even if nothing happened; ``excluded`` are the sources left out; ``damaged``
    lists fetch logs that cannot be read, so that the coverage of their sources is unknown.
    """

    coverage: tuple[ExchangeCoverage, ...]
    shares: Mapping[Key, Mapping[str, Intervals]]
    excluded: tuple[ExcludedSource, ...]
    damaged: tuple[Path, ...] = ()


def assign_sources(
    lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], files: Sequence[StoredFile], window: Window
) -> SourceAssignment:
    """
    Assign each exchange and instant of a window to one source.

    Parameters
    ----------
    symbols, exchanges : sequence of str
        The request; no exchange means all.
    files : sequence of StoredFile
        Every readable file of these symbols and exchanges, of any time.
    window : Window
        Half-open. [UTC]
    """
    rows: dict[tuple[str, str, str], list[StoredFile]] = {}
    for held in files:
        rows.setdefault((held.partition.exchange, held.partition.symbol, held.partition.source), []).append(held)
    asked = [key for key in lake.list_fetch_logs() if key[1] in symbols and (not exchanges or key[0] in exchanges)]
    keys = sorted({*rows, *asked})
    coverage: list[ExchangeCoverage] = []
    shares: dict[Key, dict[str, Intervals]] = {}
    excluded: list[ExcludedSource] = []
    damaged: list[Path] = []
    for exchange, symbol in sorted({key[:2] for key in keys}):
        logs: dict[str, FetchLog] = {}
        for source in [s for e, y, s in keys if (e, y) == (exchange, symbol)]:
            logs[source], bad = try_fetch_log(lake, exchange, symbol, source)
            damaged += bad
        views = [
            build_source_candidate(source, log, rows.get((exchange, symbol, source), ()), window)
            for source, log in logs.items()
        ]
        active = [v for v in views if v.events or v.covered & [window.interval]]
        shares[exchange, symbol] = divide_window(active, window)
        excluded += find_excluded_sources((exchange, symbol), active, shares[exchange, symbol], rows, window)
        unlogged = [v.source for v in views if v.events and not v.covered]
        known = build_coverage(exchange, symbol, logs, window, unlogged)
        if known.intervals or known.unknown or any(v.events for v in views):
            coverage.append(known)
    return SourceAssignment(tuple(coverage), shares, tuple(excluded), tuple(damaged))


def build_source_candidate(source: str, log: FetchLog, mine: Sequence[StoredFile], window: Window) -> SourceCandidate:
    """Describe a source from all its rows: inside the window it may rightly have none."""
    inside = [h for h in mine if h.first_us < window.end_us and h.last_us >= window.start_us]
    return SourceCandidate(
        source,
        log.covered(RECORDED),
        full=any(h.full for h in mine),
        fill=any(h.fill for h in mine),
        events=sum(h.events for h in inside),
        rows=Intervals((h.first_us, h.last_us + 1) for h in inside),
        doubtful=log.covered(DOUBTFUL),
    )


def find_excluded_sources(
    key: Key,
    views: Sequence[SourceCandidate],
    shares: Mapping[str, Intervals],
    rows: Mapping[tuple[str, str, str], Sequence[StoredFile]],
    window: Window,
) -> list[ExcludedSource]:
    """Find sources with data of a time in which another one counts; without a log their rows define the time."""
    found = []
    for view in views:
        mine = rows.get((*key, view.source), ())
        recorded = view.covered or Intervals((h.first_us, h.last_us + 1) for h in mine)
        left = (recorded & [window.interval]) - shares.get(view.source, ())
        instead = {
            other.source: intervals
            for other in views
            if other is not view and (intervals := left & shares.get(other.source, ()))
        }
        if view.events and instead:
            found.append(ExcludedSource(*key, view.source, left, instead))
    return found
