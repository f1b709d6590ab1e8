"""
Select the events of every symbol of the lake, in a window and in the one before it.

Files, sources and rows are chosen as for one symbol, by the same functions, in one pass over all symbols: the sums of
the overview equal those of the symbols' own reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.errors import DamagedError, EmptyWindowError
from liqcli.core.formatting import format_counted, format_time
from liqcli.core.model import Window
from liqcli.core.times import resolve_window
from liqcli.lake.event_selection import check_rows, open_events
from liqcli.lake.invalid_rows import InvalidSymbol, count_invalid, explain_invalid
from liqcli.lake.inventory import StoredFile, read_extents
from liqcli.lake.partitions import Partition
from liqcli.lake.selection import Query
from liqcli.lake.source_comparison import Comparison, compare_sources
from liqcli.lake.source_ranking import SourceAssignment, assign_sources
from liqcli.lake.store import Lake
from liqcli.query.columns import Totals
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_totals


@dataclass(frozen=True, slots=True)
class OverviewSelection:
    """
    The events of a window of all symbols, loaded into the engine as table ``liquidations``.

    ``symbols`` are all of the lake, also those without events; ``previous`` is the window of the same length before,
    with its sums ``previous_totals`` and its ``previous_coverage``. ``comparisons`` and ``damaged`` as in
    :class:`liqcli.lake.selection.Selection`. ``left_out`` are symbols with invalid rows, in either window.
    """

    symbols: tuple[str, ...]
    window: Window
    previous: Window
    query: Query
    coverage: tuple[ExchangeCoverage, ...]
    previous_coverage: tuple[ExchangeCoverage, ...]
    totals: Totals
    previous_totals: Totals
    comparisons: tuple[Comparison, ...] = ()
    damaged: tuple[Path, ...] = ()
    left_out: tuple[InvalidSymbol, ...] = ()


def select_all(engine: DuckDBEngine, lake: Lake, query: Query) -> OverviewSelection:
    """
    Resolve the window and the sources, and load the events of all symbols as table ``liquidations``.

    Parameters
    ----------
    query : Query
        Its symbol and price are ignored.

    Raises
    ------
    UsageError
        An unreadable time.
    EmptyWindowError
        The window has no events; the message shows what the lake holds.
    DamagedError
        None of the files can be read, or every symbol has invalid rows.
    """
    everything = [p for p in lake.partitions() if not query.exchanges or p.exchange in query.exchanges]
    if not everything:
        raise _nothing_stored(lake, query)
    latest_us = None
    if (query.until or "").strip().lower() == "latest":
        latest_us = max(h.last_us for h in read_extents(engine, lake, everything)[0])
    window = resolve_window(query.since, query.until, query.lookback, latest_us)
    previous = Window(window.start_us - window.length_us, window.start_us)
    logged = [key[1] for key in lake.list_fetch_logs() if not query.exchanges or key[0] in query.exchanges]
    symbols = sorted({*(p.symbol for p in everything), *logged})
    before = _load_window(engine, lake, query, everything, symbols, previous, "earlier")
    now = _load_window(engine, lake, query, everything, symbols, window, "selected")
    left_out: list[InvalidSymbol] = []
    if invalid := sorted({*count_invalid(now.totals), *count_invalid(before.totals)}):
        if not set(now.totals.symbol) - set(invalid):
            check_rows(now.totals, lake)  # nothing would be left
        left_out = explain_invalid(lake, everything, invalid)
        everything = [p for p in everything if p.symbol not in invalid]
        symbols = [symbol for symbol in symbols if symbol not in invalid]
        before = _load_window(engine, lake, query, everything, symbols, previous, "earlier")
        now = _load_window(engine, lake, query, everything, symbols, window, "selected")
    if not len(now.totals.events):
        raise _nothing_inside(engine, lake, query, everything, window)
    comparisons = compare_sources(engine, now.assignment.excluded, now.inside, query.position, query.min_usd)
    return OverviewSelection(
        tuple(symbols),
        window,
        previous,
        query,
        now.assignment.coverage,
        before.assignment.coverage,
        now.totals,
        before.totals,
        comparisons,
        tuple(dict.fromkeys((*now.damaged, *before.damaged))),
        tuple(left_out),
    )


@dataclass(frozen=True, slots=True)
class _Loaded:
    assignment: SourceAssignment
    inside: list[StoredFile]
    totals: Totals
    damaged: list[Path]


def _load_window(
    engine: DuckDBEngine,
    lake: Lake,
    query: Query,
    everything: Sequence[Partition],
    symbols: Sequence[str],
    window: Window,
    table: str,
) -> _Loaded:
    """Load the events of a window as a table, named ``liquidations`` too, as a report of this window selects them."""
    try:
        return _copy_events(engine, lake, query, everything, symbols, window, table)
    except DamagedError:  # in a page that the inventory did not read: find the file, use the others
        return _copy_events(engine, lake, query, everything, symbols, window, table, thorough=True)


def _copy_events(
    engine: DuckDBEngine,
    lake: Lake,
    query: Query,
    everything: Sequence[Partition],
    symbols: Sequence[str],
    window: Window,
    table: str,
    thorough: bool = False,
) -> _Loaded:
    files, damaged = read_extents(engine, lake, everything, thorough, window.end_us)
    assignment = assign_sources(lake, symbols, query.exchanges, files, window)
    inside = [h for h in files if h.first_us < window.end_us and h.last_us >= window.start_us]
    if inside:
        engine.load(table, open_events(engine, lake, inside, assignment, window, (query.position, query.min_usd)))
        engine.alias("liquidations", table)
    totals = scan_totals(engine) if inside else Totals.empty()
    return _Loaded(assignment, inside, totals, [*damaged, *assignment.damaged])


def _nothing_stored(lake: Lake, query: Query) -> EmptyWindowError:
    where = f" of {', '.join(query.exchanges)}" if query.exchanges else ""
    held = lake.exchanges()
    what = f"it holds {', '.join(held)}" if held else "it is empty; start with: liqcli fetch, or liqcli import FILE"
    fact = f"no liquidations{where} in the lake {lake.root}"
    return EmptyWindowError(f"{fact} ({what})", fact=fact)


def _nothing_inside(
    engine: DuckDBEngine, lake: Lake, query: Query, everything: Sequence[Partition], window: Window
) -> EmptyWindowError:
    files, _damaged = read_extents(engine, lake, everything)
    span = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    narrowed = query.position != "both" or query.min_usd > 0
    filters = " that pass --position and --min-usd" if narrowed else ""
    held = format_counted(sum(h.events for h in files), "event")
    first, last = min(h.first_us for h in files), max(h.last_us for h in files)
    fact = (
        f"no liquidations of any symbol{filters} in {span}; the lake holds {held} from {format_time(first)} to "
        f"{format_time(last)} UTC"
    )
    return EmptyWindowError(f"{fact} (--until latest shows the last ones; liqcli fetch gets new ones)", fact=fact)
