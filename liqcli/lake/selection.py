"""Select the events of a query: symbols, window, files, and one source per exchange and instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.core.choices import PositionFilter, PriceName
from liqcli.core.coverage import ExchangeCoverage, overall_share
from liqcli.core.errors import DamagedError, EmptyWindowError
from liqcli.core.formatting import format_count, format_iso, format_time
from liqcli.core.model import Window
from liqcli.core.symbols import expiry_of, is_multiple, match_symbols, normalise_symbol, split_symbol
from liqcli.core.times import resolve_window
from liqcli.core.wording import describe_coverage
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
    symbols = match_symbols(query.symbol, lake.symbols())
    everything = lake.find("liquidations", symbols, exchanges=query.exchanges)
    try:
        selection = _select(engine, lake, query, has_history, symbols, everything)
    except DamagedError:  # in a page that the inventory did not read: find the file, use the others
        selection = _select(engine, lake, query, has_history, symbols, everything, thorough=True)
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


def _select(
    engine: Engine,
    lake: Lake,
    query: Query,
    has_history: Callable[[str], bool],
    symbols: Sequence[str],
    everything: Sequence[Partition],
    thorough: bool = False,
) -> Selection:
    if (query.until or "").strip().lower() == "latest":
        files, damaged = read_inventory(engine, lake, everything, thorough)
        if not files:
            raise _nothing_stored(query, lake, has_history)
        window = resolve_window(query.since, query.until, query.lookback, max(h.last_us for h in files))
    else:
        window = resolve_window(query.since, query.until, query.lookback, None)
        files, damaged = read_inventory(engine, lake, everything, thorough, window.end_us)
    known = {h.partition.symbol for h in files}
    symbols = [symbol for symbol in symbols if symbol in known] or symbols
    label = symbols[0] if len(symbols) == 1 else normalise_symbol(query.symbol)
    inside = [h for h in files if h.first_us < window.end_us and h.last_us >= window.start_us]
    assignment = assign_sources(lake, symbols, query.exchanges, files, window)
    events = _load(engine, lake, inside, assignment, window, query) if inside else 0
    if not events:
        if held := read_inventory(engine, lake, everything, thorough)[0]:
            raise _nothing_inside(query, held, window, assignment.coverage)
        raise _nothing_stored(query, lake, has_history)
    comparisons = compare_sources(engine, assignment.excluded, inside, query.position, query.min_usd)
    damaged = [*damaged, *assignment.damaged]
    market = None
    if query.price == "reported":
        engine.alias("liquidations", "reported")
    else:
        pairs = sorted({(h.partition.exchange, h.partition.symbol) for h in inside})
        market = move_to_market(engine, lake, pairs, window)
        damaged = [*damaged, *market.damaged]
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


def _nothing_stored(query: Query, lake: Lake, has_history: Callable[[str], bool]) -> EmptyWindowError:
    name = normalise_symbol(query.symbol)
    held = lake.symbols()
    elsewhere = sorted({p.exchange for p in lake.find("liquidations", match_symbols(query.symbol, held))})
    if elsewhere:
        what = f"it holds {name} on {', '.join(elsewhere)}"
    else:
        what = f"it holds {', '.join(held[:8])}{' …' if len(held) > 8 else ''}" if held else "it is empty"
    where = f" on {', '.join(query.exchanges)}" if query.exchanges else ""
    fetch_where = f" --exchange {','.join(query.exchanges)}" if query.exchanges else ""
    get = _advise(name, query.exchanges, lake, has_history, f"liqcli fetch --symbol {name}{fetch_where}")
    if expiry_of(name):
        get = "dated contracts are not fetched: liqcli import FILE, or liqcli record"
    return EmptyWindowError(
        f"no liquidations of {name}{where} in the lake {lake.root} ({what}); {get}",
        fact=f"no liquidations of {name}{where} in the lake ({what})",
    )


def _advise(name: str, exchanges: Sequence[str], lake: Lake, has_history: Callable[[str], bool], fetch: str) -> str:
    """Mention a contract on the same base that the lake holds; else how to get the requested one, if possible."""
    base = split_symbol(name)[0]
    held = sorted({(p.symbol, p.exchange) for p in lake.partitions() if not exchanges or p.exchange in exchanges})
    near = [pair for pair in held if split_symbol(pair[0])[0] == base] + [p for p in held if is_multiple(p[0], name)]
    siblings = [f"{symbol} on {exchange} is in the lake" for symbol, exchange in near]
    if exchanges and not any(map(has_history, exchanges)):
        hint = f"liqcli fetch has no source for {', '.join(exchanges)}; import a file (liqcli import FILE)"
    else:
        hint = f"to fetch it: {fetch}"
    return "; ".join([*siblings[:1], hint])


def _nothing_inside(
    query: Query, files: Sequence[StoredFile], window: Window, coverage: Sequence[ExchangeCoverage]
) -> EmptyWindowError:
    name = normalise_symbol(query.symbol)
    first = min(h.first_us for h in files)
    last = max(h.last_us for h in files)
    events = format_count(sum(h.events for h in files))
    narrowed = query.position != "both" or query.min_usd > 0
    filters = " that pass --position and --min-usd" if narrowed else ""
    share = overall_share(coverage)
    known = f" (coverage {describe_coverage(share, any(c.inferred for c in coverage))})" if coverage else ""
    span = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    where = f" --exchange {','.join(query.exchanges)}" if query.exchanges else ""
    fill = (
        f"to fill the window: liqcli fetch --symbol {name}{where} "
        f"--since {format_iso(window.start_us)} --until {format_iso(window.end_us)}"
    )
    if expiry_of(name):
        fill = "dated contracts are not fetched: liqcli import FILE, or liqcli record"
    advice = "a lower --min-usd or --position both selects more" if narrowed else fill
    fact = (
        f"no liquidations of {name}{filters} in {span}{known}; "
        f"the lake holds {events} events from {format_time(first)} to {format_time(last)} UTC"
    )
    return EmptyWindowError(f"{fact} (--until latest shows the last ones); {advice}", fact=fact)
