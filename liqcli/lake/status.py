"""Summarize the lake: one row per exchange, symbol, source and kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_duration, format_iso, format_time
from liqcli.core.intervals import NO_INTERVALS, Interval, Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.fetch_log import FetchLog
from liqcli.lake.inventory import StoredMarketFile, SummedFile, read_inventory, read_market_inventory, try_fetch_log
from liqcli.lake.partitions import KINDS, Partition
from liqcli.lake.positions import find_source, read_positions
from liqcli.lake.snapshots import POSITIONS, list_snapshots
from liqcli.lake.source_ranking import RECORDED, build_source_candidate, divide_window, find_excluded_sources
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine

Name = tuple[str, str, str]  # exchange, symbol, source
Known = dict[Name, FetchLog]


@dataclass(frozen=True, slots=True)
class StatusRow:
    """
    One exchange, symbol, source and kind of rows.

    ``first_us``, ``last_us`` [µs UTC], None when a source was requested and never had an event; ``notional`` [USD],
    None for candles and open interest; ``coverage`` is the covered share between the first and the last logged instant,
    None without a log or when some of it is unknown; ``counted`` is the share of its time in which it counts: for
    ``left_us`` [µs] the sources ``instead`` are better; ``size`` [bytes]; ``unconfirmed`` intervals are neither covered
    nor gaps.
    """

    exchange: str
    symbol: str
    source: str
    kind: str
    first_us: int | None
    last_us: int | None
    events: int
    notional: float | None
    coverage: float | None
    gaps: Intervals
    files: int
    size: int
    counted: float = 1.0
    left_us: int = 0
    instead: tuple[str, ...] = ()
    unconfirmed: Intervals = NO_INTERVALS


def build_status(lake: Lake) -> tuple[list[StatusRow], list[Path]]:
    """
    Summarize all files of the lake.

    Returns
    -------
    rows, damaged
        Rows by kind, exchange, symbol, source; and the files that cannot be read or do not belong to the lake.
    """
    rows: list[StatusRow] = []
    damaged: list[Path] = []
    with DuckDBEngine() as engine:
        for kind in KINDS:
            partitions = lake.partitions(kind)
            read = _read_liquidations if kind == "liquidations" else _read_market
            found, bad = read(engine, lake, partitions)
            rows += found
            damaged += [*bad, *lake.foreign_files(kind)]
    found, bad = _read_positions(lake)
    return [*rows, *found], [*damaged, *bad]


def status_record(row: StatusRow) -> dict[str, Any]:
    """Convert a row to plain values for ``liqcli status --format json``; keys of ``docs/units.md#status``."""
    return {
        "exchange": row.exchange,
        "symbol": row.symbol,
        "source": row.source,
        "kind": row.kind,
        "first": None if row.first_us is None else format_iso(row.first_us),
        "last": None if row.last_us is None else format_iso(row.last_us),
        "events": row.events,
        "notional": row.notional,
        "coverage": row.coverage,
        "gaps": _interval_records(row.gaps),
        "files": row.files,
        "bytes": row.size,
        "counted": row.counted,
        "unconfirmed": _interval_records(row.unconfirmed),
    }


def _interval_records(intervals: Sequence[Interval]) -> list[dict[str, Any]]:
    return [{"start": format_iso(a), "end": format_iso(b), "seconds": (b - a) / US_PER_S} for a, b in intervals]


def list_unconfirmed(rows: Sequence[StatusRow]) -> list[str]:
    """Describe the time in which a recorded stream was silent for longer than usual."""
    return [
        f"{row.exchange} {row.symbol}: {format_duration(row.unconfirmed.length)} of {row.source} unconfirmed, "
        f"last until {format_time(row.unconfirmed[-1][1])} UTC: connected, but silent for longer than usual"
        for row in rows
        if row.unconfirmed
    ]


def list_overlaps(rows: Sequence[StatusRow]) -> list[str]:
    """Describe the sources left out of reports: for how long, and which ones count instead."""
    return [
        f"{row.exchange} {row.symbol}: {row.source} is left out for {format_duration(row.left_us)} that "
        f"{' and '.join(row.instead)} cover{'s' * (len(row.instead) == 1)} better; they are never added up"
        for row in rows
        if row.left_us
    ]


def _read_liquidations(
    engine: DuckDBEngine, lake: Lake, partitions: Sequence[Partition]
) -> tuple[list[StatusRow], list[Path]]:
    try:
        files, damaged = read_inventory(engine, lake, partitions)
    except DamagedError:  # none of them can be read
        files, damaged = [], [p.path(lake.root) for p in partitions]
    damaged += [h.path for h in files if h.amountless]
    rows, unreadable = _join(lake, files, partitions)
    return rows, [*damaged, *unreadable]


def _join(
    lake: Lake, files: Sequence[SummedFile], partitions: Sequence[Partition]
) -> tuple[list[StatusRow], list[Path]]:
    """Combine files and fetch logs; with a damaged log the coverage is unknown."""
    filed = {(p.exchange, p.symbol, p.source) for p in partitions}
    groups: dict[Name, list[SummedFile]] = {key: [] for key in lake.list_fetch_logs() if key not in filed}
    for h in files:
        groups.setdefault((h.partition.exchange, h.partition.symbol, h.partition.source), []).append(h)
    rows: list[StatusRow] = []
    damaged: list[Path] = []
    known: Known = {}
    for (exchange, symbol, source), parts in sorted(groups.items()):
        log, bad = try_fetch_log(lake, exchange, symbol, source)
        damaged += bad
        known[exchange, symbol, source] = log
        present = log.covered(RECORDED)
        whole = (present[0][0], present[-1][1]) if present else (0, 0)
        is_known = bool(present) and not log.covered(("unknown",))
        rows.append(
            StatusRow(
                exchange, symbol, source, "liquidations",
                first_us=min((h.first_us for h in parts), default=None),
                last_us=max((h.last_us for h in parts), default=None),
                events=sum(h.events for h in parts),
                notional=sum(h.usd_e6 for h in parts) / 1e6,
                coverage=log.covered().length / (whole[1] - whole[0]) if is_known else None,
                gaps=Intervals([whole]) - present,
                files=len(parts),
                size=sum(h.path.stat().st_size for h in parts),
                unconfirmed=log.covered(("unconfirmed",)),
            )
        )  # fmt: skip
    return list(_weigh(rows, groups, known)), damaged


def _weigh(rows: Sequence[StatusRow], files: Mapping[Name, Sequence[SummedFile]], known: Known) -> Iterator[StatusRow]:
    """Set for how long each source counts, where several cover one exchange and symbol."""
    for key, group in groupby(rows, key=lambda row: (row.exchange, row.symbol)):
        mine = {row.source: row for row in group}
        recorded = {
            source: known[*key, source].covered(RECORDED)
            or Intervals((h.first_us, h.last_us + 1) for h in files[*key, source])
            for source in mine
        }
        edges = [edge for intervals in recorded.values() for interval in intervals for edge in interval]
        if len(mine) > 1 and edges:
            whole = Window(min(edges), max(edges))
            views = [build_source_candidate(source, known[*key, source], files[*key, source], whole) for source in mine]
            for left in find_excluded_sources(key, views, divide_window(views, whole), files, whole):
                share = 1 - left.length_us / recorded[left.source].length
                row = mine[left.source]
                mine[left.source] = replace(row, counted=share, left_us=left.length_us, instead=tuple(left.instead))
        yield from mine.values()


def _read_market(
    engine: DuckDBEngine, lake: Lake, partitions: Sequence[Partition]
) -> tuple[list[StatusRow], list[Path]]:
    groups: dict[tuple[str, str, str, str], list[StoredMarketFile]] = {}
    try:
        files, damaged = read_market_inventory(engine, lake, partitions)
    except DamagedError:
        return [], [p.path(lake.root) for p in partitions]
    for h in files:
        p = h.partition
        groups.setdefault((p.exchange, p.symbol, p.interval, p.source), []).append(h)
    rows = [
        StatusRow(
            exchange, symbol, source, f"candles {interval}" if interval else partitions[0].kind.replace("_", "-"),
            first_us=min(h.first_us for h in parts), last_us=max(h.last_us for h in parts),
            events=sum(h.rows for h in parts),
            notional=None, coverage=None, gaps=NO_INTERVALS, files=len(parts),
            size=sum(h.path.stat().st_size for h in parts),
        )
        for (exchange, symbol, interval, source), parts in sorted(groups.items())
    ]  # fmt: skip
    return rows, damaged


def _read_positions(lake: Lake) -> tuple[list[StatusRow], list[Path]]:
    """Read the snapshots of positions; ``first_us`` and ``last_us`` are their times, ``events`` counts positions."""
    groups: dict[Name, list[tuple[int, int, int]]] = {}
    damaged = []
    for file in list_snapshots(lake, POSITIONS):
        try:
            ts_us, positions = read_positions(file.path)
            size = file.path.stat().st_size
        except (DamagedError, FileNotFoundError):
            damaged.append(file.path)
            continue
        for symbol, count in Counter(row.symbol for row in positions).items():
            key = (file.exchange, symbol, find_source(file))
            # A file holds all symbols: each has its part of the size.
            groups.setdefault(key, []).append((ts_us, count, round(size * count / len(positions))))
    rows = [
        StatusRow(
            *key, "positions", min(ts for ts, _, _ in held), max(ts for ts, _, _ in held),
            events=sum(count for _, count, _ in held), notional=None, coverage=None, gaps=NO_INTERVALS, files=len(held),
            size=sum(size for _, _, size in held),
        )
        for key, held in sorted(groups.items())
    ]  # fmt: skip
    return rows, damaged
