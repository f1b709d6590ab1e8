"""What the lake holds, one row an exchange, symbol, source and kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.analysis.holdings import Holding, MarketHolding, read_holdings, read_market_holdings, try_memory
from liqcli.engine import Engine
from liqcli.errors import DamagedError
from liqcli.formats import format_iso
from liqcli.intervals import Interval, subtract_intervals, total_length
from liqcli.lake import Lake
from liqcli.model import US_PER_S
from liqcli.partition import KINDS, Partition


@dataclass(frozen=True, slots=True)
class StatusRow:
    """
    One exchange, symbol, source and kind of rows.

    ``first_us``, ``last_us`` [µs UTC], None where a source was asked and never had an event; ``notional`` [USD], None
    for candles and open interest; ``coverage`` the covered share between the first and the last remembered instant,
    None when nothing is remembered; ``size`` [bytes].
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
    gaps: tuple[Interval, ...]
    files: int
    size: int


def build_status(lake: Lake) -> tuple[list[StatusRow], list[Path]]:
    """
    Read the whole lake's holdings.

    Returns
    -------
    rows, damaged
        Rows by kind, exchange, symbol, source; and the files that cannot be read or are none of the lake's.
    """
    rows: list[StatusRow] = []
    damaged: list[Path] = []
    with Engine() as engine:
        for kind in KINDS:
            partitions = lake.partitions(kind)
            read = _read_liquidations if kind == "liquidations" else _read_market
            found, bad = read(engine, lake, partitions)
            rows += found
            damaged += [*bad, *lake.strays(kind)]
    return rows, damaged


def status_record(row: StatusRow) -> dict[str, Any]:
    """One row as ``liqcli status --format json`` prints it; keys as in ``docs/units.md#status``."""
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
        "gaps": [{"start": format_iso(a), "end": format_iso(b), "seconds": (b - a) / US_PER_S} for a, b in row.gaps],
        "files": row.files,
        "bytes": row.size,
    }


def _read_liquidations(
    engine: Engine, lake: Lake, partitions: Sequence[Partition]
) -> tuple[list[StatusRow], list[Path]]:
    try:
        holdings, damaged = read_holdings(engine, lake, partitions)
    except DamagedError:  # not one of them can be read
        holdings, damaged = [], [p.path(lake.root) for p in partitions]
    rows, forgotten = _join(lake, holdings, partitions)
    return rows, [*damaged, *forgotten]


def _join(
    lake: Lake, holdings: Sequence[Holding], partitions: Sequence[Partition]
) -> tuple[list[StatusRow], list[Path]]:
    """Put together files and window memory; of a source whose memory is damaged the coverage is not known."""
    filed = {(p.exchange, p.symbol, p.source) for p in partitions}
    groups: dict[tuple[str, str, str], list[Holding]] = {key: [] for key in lake.remembered() if key not in filed}
    for h in holdings:
        groups.setdefault((h.partition.exchange, h.partition.symbol, h.partition.source), []).append(h)
    rows: list[StatusRow] = []
    damaged: list[Path] = []
    for (exchange, symbol, source), parts in sorted(groups.items()):
        memory, bad = try_memory(lake, exchange, symbol, source)
        damaged += bad
        covered = memory.covered()
        whole = (covered[0][0], covered[-1][1]) if covered else (0, 0)
        rows.append(
            StatusRow(
                exchange, symbol, source, "liquidations",
                first_us=min((h.first_us for h in parts), default=None),
                last_us=max((h.last_us for h in parts), default=None),
                events=sum(h.events for h in parts),
                notional=round(sum(h.notional for h in parts), 6),
                coverage=total_length(covered) / (whole[1] - whole[0]) if covered else None,
                gaps=tuple(subtract_intervals([whole], covered)),
                files=len(parts),
                size=sum(h.path.stat().st_size for h in parts),
            )
        )  # fmt: skip
    return rows, damaged


def _read_market(engine: Engine, lake: Lake, partitions: Sequence[Partition]) -> tuple[list[StatusRow], list[Path]]:
    groups: dict[tuple[str, str, str, str], list[MarketHolding]] = {}
    try:
        holdings, damaged = read_market_holdings(engine, lake, partitions)
    except DamagedError:
        return [], [p.path(lake.root) for p in partitions]
    for h in holdings:
        p = h.partition
        groups.setdefault((p.exchange, p.symbol, p.interval, p.source), []).append(h)
    rows = [
        StatusRow(
            exchange, symbol, source, f"candles {interval}" if interval else partitions[0].kind.replace("_", "-"),
            first_us=min(h.first_us for h in parts), last_us=max(h.last_us for h in parts),
            events=sum(h.rows for h in parts),
            notional=None, coverage=None, gaps=(), files=len(parts),
            size=sum(h.path.stat().st_size for h in parts),
        )
        for (exchange, symbol, interval, source), parts in sorted(groups.items())
    ]  # fmt: skip
    return rows, damaged
