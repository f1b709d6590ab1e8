"""Select the events of a query: symbols, window, files, and one source per exchange and instant."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from liqcli.core.choices import PositionFilter, PriceName
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.model import Window
from liqcli.core.symbols import match_symbols, normalise_symbol
from liqcli.core.times import resolve_window
from liqcli.lake.empty_window import explain_absence, explain_empty_window
from liqcli.lake.event_selection import check_rows, fit_memory, open_events, sum_events
from liqcli.lake.inventory import StoredFile, read_extents
from liqcli.lake.market_price import MarketPrices, move_to_market
from liqcli.lake.partitions import Partition
from liqcli.lake.source_comparison import Comparison, compare_sources
from liqcli.lake.source_ranking import SourceAssignment, assign_sources
from liqcli.lake.store import Lake
from liqcli.query.columns import FineAxes, Totals
from liqcli.query.file_sums import FileSums
from liqcli.query.query_engine import QueryEngine
from liqcli.query.scans import scan_totals


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


@dataclass(frozen=True, eq=False, slots=True)
class Selection:
    """
    The selected events, open in the engine as ``liquidations``.

    ``totals`` are their sums; ``comparisons`` are about sources left out because a better one covers the same exchange
    and time; ``damaged`` lists files that could not be read; ``market_prices`` describes the outcome where prices were
    moved. ``sums`` are those of one pass over the files of very many events, where it was possible.
    """

    label: str
    symbols: tuple[str, ...]
    window: Window
    query: Query
    coverage: tuple[ExchangeCoverage, ...]
    totals: Totals
    comparisons: tuple[Comparison, ...] = ()
    damaged: tuple[Path, ...] = field(default=())
    market_prices: MarketPrices | None = None
    sums: FileSums | None = None


def build_selection(
    engine: QueryEngine,
    lake: Lake,
    query: Query,
    has_history: Callable[[str], bool] = lambda _exchange: True,
    choose: Callable[[Window, float, float], FineAxes] | None = None,
) -> Selection:
    """
    Resolve symbols, window and sources, open the events as ``liquidations``, and sum them.

    Parameters
    ----------
    has_history : callable
        Takes an exchange; true if ``liqcli fetch`` can get its liquidations, so that it is suggested.
    choose : callable, optional
        Takes the window and the ends of the prices [quote], returns the axes of ``sums``; without it there are none.

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
        selection = _select(engine, lake, request, has_history, choose)
    except DamagedError:  # in a page that the inventory did not read: find the file, use the others
        selection = _select(engine, lake, request, has_history, choose, thorough=True)
    check_rows(selection.totals, lake)
    if query.price == "reported":
        return selection
    pairs = sorted(set(zip(selection.totals.exchange.tolist(), selection.totals.symbol.tolist(), strict=True)))
    market = move_to_market(engine, lake, pairs, selection.window)
    damaged = (*selection.damaged, *market.damaged)
    return replace(selection, totals=scan_totals(engine), damaged=damaged, market_prices=market)


def read_coverage(
    engine: QueryEngine, lake: Lake, query: Query
) -> tuple[tuple[ExchangeCoverage, ...], tuple[Path, ...]]:
    """Return the coverage of a window with a fixed end, also of one without events, and the damaged files."""
    request = _resolve(query, lake)
    window = resolve_window(query.since, query.until, query.lookback, None)
    files, damaged = read_extents(engine.local, lake, request.partitions, end_us=window.end_us)
    assignment = assign_sources(lake, _known_symbols(request, files), query.exchanges, files, window)
    return assignment.coverage, (*damaged, *assignment.damaged)


@dataclass(frozen=True, slots=True)
class _Request:
    """A query with its symbol resolved: its canonical ``name``, the stored ``symbols`` that it means, their files."""

    query: Query
    name: str
    symbols: tuple[str, ...]
    partitions: tuple[Partition, ...]


def _resolve(query: Query, lake: Lake) -> _Request:
    symbols: list[str] = []
    with contextlib.suppress(UsageError):
        symbols = match_symbols(query.symbol, lake.named_symbols())
    stored = lake.partitions(symbols=symbols)
    if not symbols or {p.symbol for p in stored} != set(symbols):  # nothing, or a folder is empty
        symbols = match_symbols(query.symbol, lake.symbols())
    files = (p for p in stored if p.symbol in symbols and (not query.exchanges or p.exchange in query.exchanges))
    return _Request(query, normalise_symbol(query.symbol), tuple(symbols), tuple(files))


def _select(
    engine: QueryEngine,
    lake: Lake,
    request: _Request,
    has_history: Callable[[str], bool],
    choose: Callable[[Window, float, float], FineAxes] | None,
    thorough: bool = False,
) -> Selection:
    query, name = request.query, request.name
    if (query.until or "").strip().lower() == "latest":
        files, damaged = read_extents(engine.local, lake, request.partitions, thorough)
        if not files:
            raise explain_absence(lake, name, query.exchanges, has_history)
        window = resolve_window(query.since, query.until, query.lookback, max(h.last_us for h in files))
    else:
        window = resolve_window(query.since, query.until, query.lookback, None)
        files, damaged = read_extents(engine.local, lake, request.partitions, thorough, window.end_us)
    symbols = _known_symbols(request, files)
    inside = [h for h in files if h.first_us < window.end_us and h.last_us >= window.start_us]
    assignment = assign_sources(lake, symbols, query.exchanges, files, window)
    totals, sums = _load(engine, lake, inside, assignment, window, query, choose) if inside else (None, None)
    if totals is None or not len(totals.events):
        if held := read_extents(engine.local, lake, request.partitions, thorough)[0]:
            narrowed = query.position != "both" or query.min_usd > 0
            raise explain_empty_window(name, query.exchanges, narrowed, held, window, assignment.coverage)
        raise explain_absence(lake, name, query.exchanges, has_history)
    comparisons = compare_sources(engine, assignment.excluded, inside, query.position, query.min_usd)
    damaged = [*damaged, *assignment.damaged]
    label = symbols[0] if len(symbols) == 1 else name
    return Selection(
        label, tuple(symbols), window, query, assignment.coverage, totals, comparisons, tuple(damaged), sums=sums
    )


def _known_symbols(request: _Request, files: Sequence[StoredFile]) -> Sequence[str]:
    known = {h.partition.symbol for h in files}
    return [symbol for symbol in request.symbols if symbol in known] or request.symbols


def _load(
    engine: QueryEngine,
    lake: Lake,
    inside: Sequence[StoredFile],
    assignment: SourceAssignment,
    window: Window,
    query: Query,
    choose: Callable[[Window, float, float], FineAxes] | None,
) -> tuple[Totals, FileSums | None]:
    """
    Open the selected events as ``reported``, with prices as stored, and sum them.

    Very many, or those on a cluster, are not loaded: memory then does not grow with the number of events, and every
    scan reads the columns that it needs.
    """
    filters = (query.position, query.min_usd)
    loads = not engine.is_remote and fit_memory(inside)
    view = open_events(engine, lake, inside, assignment, window, filters, watch=not loads)
    (engine.load if loads else engine.alias)("reported", view)
    engine.alias("liquidations", "reported")
    if loads or choose is None or engine.is_remote or query.price != "reported":
        return scan_totals(engine), None
    sums = sum_events(inside, assignment, window, filters, partial(choose, window))
    engine.check_watched()
    return (sums.totals, sums) if sums else (scan_totals(engine), None)
