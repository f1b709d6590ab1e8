"""Select the events of a query: symbols, window, files, and one source per exchange and instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.core.choices import PositionFilter, PriceName
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_count
from liqcli.core.model import Window
from liqcli.core.symbols import match_symbols, normalise_symbol
from liqcli.core.times import resolve_window
from liqcli.lake.empty_window import explain_absence, explain_empty_window
from liqcli.lake.inventory import LAKE_COLUMNS, StoredFile, read_inventory
from liqcli.lake.market_price import MarketPrices, move_to_market
from liqcli.lake.partitions import Partition
from liqcli.lake.source_comparison import Comparison, compare_sources
from liqcli.lake.source_ranking import SourceAssignment, assign_sources, assigned_table, list_assigned_intervals
from liqcli.lake.store import Lake
from liqcli.query.engine import Engine


@dataclass(frozen=True, slots=True)
class Query:
    """The request of a user, as typed where it is not resolved yet."""

    symbol: str
    lookback: str = "24h"
    since: str | None = None
    until: str | None = None
    exchanges: tuple[str, ...] = ()
    position: PositionFilter = "both"
    min_usd: float = 0.0
    price: PriceName = "reported"


@dataclass(frozen=True, slots=True)
class Selection:
    """
    The selected events, loaded into the engine as table ``liquidations``.

    ``comparisons`` are about sources left out because a better one covers the same exchange and time; ``damaged`` lists
    files that could not be read; ``market_prices`` describes the outcome where prices were moved.
    """

    label: str
    symbols: tuple[str, ...]
    window: Window
    query: Query
    coverage: tuple[ExchangeCoverage, ...]
    comparisons: tuple[Comparison, ...] = ()
    damaged: tuple[Path, ...] = field(default=())
    market_prices: MarketPrices | None = None


def build_selection(
    engine: Engine, lake: Lake, query: Query, has_history: Callable[[str], bool] = lambda _exchange: True
) -> Selection:
    """
    Resolve symbols, window and sources, and load the events as table ``liquidations``.

    Parameters
    ----------
    has_history : callable
        Takes an exchange; true if ``liqcli fetch`` can get its liquidations, so that it is suggested.

    Raises
    ------
    UsageError
        Unknown symbol or unreadable time.
    EmptyWindowError
        The window has no events; the message shows what the lake holds and which fetch would fill it.
    DamagedError
        None of the files can be read, or rows are invalid.
    """
    request = _resolve(query, lake)
    try:
        selection = _select(engine, lake, request, has_history)
    except DamagedError:  # in a page that the inventory did not read: find the file, use the others
        selection = _select(engine, lake, request, has_history, thorough=True)
    check_rows(engine, lake)
    return selection


def check_rows(engine: Engine, lake: Lake) -> None:
    """
    Check the rows of table ``reported``.

    Raises
    ------
    DamagedError
        Some are invalid.
    """
    if impossible := int(engine.run("window_count")["impossible"][0]):
        raise DamagedError(
            f"{format_count(impossible)} invalid row{'s'[: impossible != 1]} in {lake.root}: unknown position, price "
            "kind or completeness, or a price, quantity or USD that is not a positive number; "
            "liqcli verify names the files"
        )


@dataclass(frozen=True, slots=True)
class _Request:
    """A query with its symbol resolved: its canonical ``name``, the stored ``symbols`` that it means, their files."""

    query: Query
    name: str
    symbols: tuple[str, ...]
    partitions: tuple[Partition, ...]


def _resolve(query: Query, lake: Lake) -> _Request:
    stored = lake.partitions()
    symbols = match_symbols(query.symbol, {p.symbol for p in stored})
    files = (p for p in stored if p.symbol in symbols and (not query.exchanges or p.exchange in query.exchanges))
    return _Request(query, normalise_symbol(query.symbol), tuple(symbols), tuple(files))


def _select(
    engine: Engine, lake: Lake, request: _Request, has_history: Callable[[str], bool], thorough: bool = False
) -> Selection:
    query, name = request.query, request.name
    if (query.until or "").strip().lower() == "latest":
        files, damaged = read_inventory(engine, lake, request.partitions, thorough)
        if not files:
            raise explain_absence(lake, name, query.exchanges, has_history)
        window = resolve_window(query.since, query.until, query.lookback, max(h.last_us for h in files))
    else:
        window = resolve_window(query.since, query.until, query.lookback, None)
        files, damaged = read_inventory(engine, lake, request.partitions, thorough, window.end_us)
    known = {h.partition.symbol for h in files}
    symbols = [symbol for symbol in request.symbols if symbol in known] or request.symbols
    inside = [h for h in files if h.first_us < window.end_us and h.last_us >= window.start_us]
    assignment = assign_sources(lake, symbols, query.exchanges, files, window)
    events = _load(engine, lake, inside, assignment, window, query) if inside else 0
    if not events:
        if held := read_inventory(engine, lake, request.partitions, thorough)[0]:
            narrowed = query.position != "both" or query.min_usd > 0
            raise explain_empty_window(name, query.exchanges, narrowed, held, window, assignment.coverage)
        raise explain_absence(lake, name, query.exchanges, has_history)
    comparisons = compare_sources(engine, assignment.excluded, inside, query.position, query.min_usd)
    damaged = [*damaged, *assignment.damaged]
    market = None
    if query.price == "reported":
        engine.alias("liquidations", "reported")
    else:
        pairs = sorted({(h.partition.exchange, h.partition.symbol) for h in inside})
        market = move_to_market(engine, lake, pairs, window)
        damaged = [*damaged, *market.damaged]
    label = symbols[0] if len(symbols) == 1 else name
    return Selection(label, tuple(symbols), window, query, assignment.coverage, comparisons, tuple(damaged), market)


def _load(
    engine: Engine,
    lake: Lake,
    inside: Sequence[StoredFile],
    assignment: SourceAssignment,
    window: Window,
    query: Query,
) -> int:
    """Load the selected events as table ``reported``, with prices as stored; return their number."""
    engine.open_files("stored", [h.partition.path(lake.root) for h in inside], LAKE_COLUMNS)
    create_events(engine, lake, [h.partition for h in inside], assignment, window, query, "reported")
    return int(engine.run("window_count")["events"][0])


def create_events(
    engine: Engine,
    lake: Lake,
    partitions: Sequence[Partition],
    assignment: SourceAssignment,
    window: Window,
    query: Query,
    table: str,
) -> None:
    """Copy the events that count from the files open as ``stored``, which hold these partitions, into a table."""
    assigned = list_assigned_intervals(partitions, assignment.shares)
    engine.register("assigned", assigned_table(lake.root, assigned))
    engine.create(
        table,
        "select_liquidations",
        {
            "start_us": window.start_us,
            "end_us": window.end_us,
            "position": query.position,
            "min_notional": query.min_usd,
        },
    )
