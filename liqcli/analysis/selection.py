"""From the user's words to the events that count: symbols, window, files, one source an exchange and instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.analysis.claims import SourceView, divide_window, list_claims
from liqcli.analysis.coverage import ExchangeCoverage, build_coverage
from liqcli.engine import Engine
from liqcli.errors import DamagedError, EmptyWindowError, UsageError
from liqcli.formats import format_count, format_iso, format_time
from liqcli.intervals import Interval
from liqcli.lake import Lake, Partition
from liqcli.model import Window
from liqcli.symbols import match_symbols, normalise_symbol
from liqcli.timespan import resolve_window

LAKE_COLUMNS = ("ts", "position", "price", "price_kind", "qty", "notional", "completeness", "source")


@dataclass(frozen=True, slots=True)
class Query:
    """What a user asked for, in the user's words where they are not decided yet."""

    symbol: str
    lookback: str = "24h"
    since: str | None = None
    until: str | None = None
    exchanges: tuple[str, ...] = ()
    position: str = "both"
    min_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Selection:
    """
    The events that count, ready in the engine as table ``liquidations``.

    ``overlaps`` names what was left out because a better source covers the same exchange and time; ``damaged`` names
    files that could not be read.
    """

    label: str
    symbols: tuple[str, ...]
    window: Window
    query: Query
    coverage: tuple[ExchangeCoverage, ...]
    overlaps: tuple[str, ...] = ()
    damaged: tuple[Path, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Holding:
    """What one file holds; times in µs UTC, ``notional`` in USD."""

    partition: Partition
    first_us: int
    last_us: int
    events: int
    notional: float
    full: bool
    fill: bool


def read_holdings(
    engine: Engine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False
) -> tuple[list[Holding], list[Path]]:
    """
    Read first, last, count and USD of each file; ``thorough`` looks for damage in every page.

    Returns
    -------
    holdings, damaged
        One holding a readable file, in the order of ``partitions``; and the files that cannot be read.
    """
    if not partitions:
        return [], []
    by_name = {str(p.path(lake.root)): p for p in partitions}
    paths = [Path(name) for name in by_name]
    damaged = engine.open_files("stored", paths, LAKE_COLUMNS, thorough)
    try:
        columns = engine.run("holdings")
    except DamagedError:
        damaged = engine.open_files("stored", paths, LAKE_COLUMNS, thorough=True)
        columns = engine.run("holdings")
    rows = zip(*(columns[name].tolist() for name in columns), strict=True)
    holdings = [
        Holding(by_name[name], first, last, events, usd_e6 / 1e6, full > 0, fill > 0)
        for name, first, last, events, usd_e6, full, fill in rows
    ]
    return holdings, damaged


def build_selection(engine: Engine, lake: Lake, query: Query) -> Selection:
    """
    Decide the symbols, the window and which rows count, and load them as table ``liquidations``.

    Raises
    ------
    UsageError
        Unknown symbol or unreadable time.
    EmptyWindowError
        Nothing in the window; says what the lake holds and which fetch would fill it.
    DamagedError
        None of the files can be read.
    """
    symbols = match_symbols(query.symbol, lake.symbols())
    everything = lake.find("liquidations", symbols, exchanges=query.exchanges)
    try:
        return _select(engine, lake, query, symbols, everything, *read_holdings(engine, lake, everything))
    except DamagedError:  # in a page of a column that the holdings did not touch: find the file, use the others
        found = read_holdings(engine, lake, everything, thorough=True)
        return _select(engine, lake, query, symbols, everything, *found)


def _select(
    engine: Engine,
    lake: Lake,
    query: Query,
    symbols: Sequence[str],
    everything: Sequence[Partition],
    holdings: Sequence[Holding],
    damaged: Sequence[Path],
) -> Selection:
    label = symbols[0] if len(symbols) == 1 else normalise_symbol(query.symbol)
    latest = max((h.last_us for h in holdings), default=None)
    if latest is None and (query.until or "").strip().lower() == "latest":
        raise _nothing_stored(query, lake)
    window = resolve_window(query.since, query.until, query.lookback, latest)
    inside = [h for h in holdings if h.first_us < window.end_us and h.last_us >= window.start_us]
    coverage, shares, overlaps = _share_out(lake, everything, inside, window)
    if inside:
        _load(engine, lake, inside, shares, window, query)
    totals = engine.run("window_count")["events"].tolist() if inside else [0]
    if totals[0] == 0:
        raise _nothing_inside(query, label, holdings, window) if holdings else _nothing_stored(query, lake)
    return Selection(label, tuple(symbols), window, query, tuple(coverage), tuple(overlaps), tuple(damaged))


def _share_out(
    lake: Lake, everything: Sequence[Partition], inside: Sequence[Holding], window: Window
) -> tuple[list[ExchangeCoverage], dict[tuple[str, str], dict[str, list[Interval]]], list[str]]:
    coverage: list[ExchangeCoverage] = []
    shares: dict[tuple[str, str], dict[str, list[Interval]]] = {}
    overlaps: list[str] = []
    for exchange, symbol in sorted({(p.exchange, p.symbol) for p in everything}):
        sources = sorted({p.source for p in everything if (p.exchange, p.symbol) == (exchange, symbol)})
        memories = {source: lake.read_memory(exchange, symbol, source) for source in sources}
        views = []
        for source in sources:
            mine = [
                h
                for h in inside
                if (h.partition.exchange, h.partition.symbol, h.partition.source) == (exchange, symbol, source)
            ]
            views.append(
                SourceView(
                    source,
                    tuple(memories[source].covered()),
                    any(h.full for h in mine),
                    any(h.fill for h in mine),
                    sum(h.events for h in mine),
                )
            )
        speaking = [v for v in views if v.events or v.covered]
        shares[exchange, symbol] = divide_window(speaking, window)
        overlaps += _name_overlaps(exchange, symbol, [v for v in speaking if v.events], shares[exchange, symbol])
        coverage.append(build_coverage(exchange, symbol, memories, window))
    return [c for c in coverage if c.intervals or _has_rows(c, inside)], shares, overlaps


def _has_rows(coverage: ExchangeCoverage, inside: Sequence[Holding]) -> bool:
    return any((h.partition.exchange, h.partition.symbol) == (coverage.exchange, coverage.symbol) for h in inside)


def _name_overlaps(
    exchange: str, symbol: str, views: Sequence[SourceView], shares: dict[str, list[Interval]]
) -> list[str]:
    if len(views) < 2:
        return []
    used = [v.source for v in views if shares.get(v.source)]
    return [f"{exchange} {symbol}: {', '.join(sorted(v.source for v in views))} overlap; counted: {', '.join(used)}"]


def _load(
    engine: Engine,
    lake: Lake,
    inside: Sequence[Holding],
    shares: dict[tuple[str, str], dict[str, list[Interval]]],
    window: Window,
    query: Query,
) -> None:
    import pyarrow as pa

    claims = list_claims([h.partition for h in inside], shares)
    engine.register(
        "claims",
        pa.table(
            {
                "filename": pa.array([str(p.path(lake.root)) for p, _ in claims], pa.string()),
                "exchange": pa.array([p.exchange for p, _ in claims], pa.string()),
                "symbol": pa.array([p.symbol for p, _ in claims], pa.string()),
                "start_us": pa.array([i[0] for _, i in claims], pa.int64()),
                "end_us": pa.array([i[1] for _, i in claims], pa.int64()),
            }
        ),
    )
    engine.open_files("stored", [h.partition.path(lake.root) for h in inside], LAKE_COLUMNS)
    engine.create(
        "liquidations",
        "select_liquidations",
        {
            "start_us": window.start_us,
            "end_us": window.end_us,
            "position": query.position,
            "min_notional": query.min_usd,
        },
    )


def _nothing_stored(query: Query, lake: Lake) -> EmptyWindowError:
    name = normalise_symbol(query.symbol)
    held = lake.symbols()
    what = f"it holds {', '.join(held[:8])}{' …' if len(held) > 8 else ''}" if held else "it is empty"
    where = f" on {', '.join(query.exchanges)}" if query.exchanges else ""
    return EmptyWindowError(
        f"no liquidations of {name}{where} in the lake {lake.root} ({what}); to get some: liqcli fetch --symbol {name}"
    )


def _nothing_inside(query: Query, label: str, holdings: Sequence[Holding], window: Window) -> EmptyWindowError:
    first = min(h.first_us for h in holdings)
    last = max(h.last_us for h in holdings)
    events = format_count(sum(h.events for h in holdings))
    narrowed = query.position != "both" or query.min_usd > 0
    filters = " that pass --position and --min-usd" if narrowed else ""
    return EmptyWindowError(
        f"no liquidations of {label}{filters} in {format_time(window.start_us)} to {format_time(window.end_us)} UTC; "
        f"the lake holds {events} events from {format_time(first)} to {format_time(last)} UTC "
        f"(--until latest shows the last ones); to fill the window: liqcli fetch --symbol {label} "
        f"--since {format_iso(window.start_us)} --until {format_iso(window.end_us)}"
    )


def check_position(position: str) -> str:
    """
    Check ``--position``.

    Raises
    ------
    UsageError
        Neither long, short nor both.
    """
    if position not in ("long", "short", "both"):
        raise UsageError(f"--position: {position!r} is none of long, short, both")
    return position
