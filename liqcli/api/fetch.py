"""Fetch liquidations, candles and open interest: one path for the API, the commands and the daily run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liqcli.api.arguments import is_latest
from liqcli.core.choices import KINDS, NAMED_KINDS
from liqcli.core.errors import ExitCode, LakeError, LiqcliError, UsageError
from liqcli.core.model import Window

if TYPE_CHECKING:
    from liqcli.core.intervals import Interval
    from liqcli.ingest.fetch import FetchRow, FetchSummary
    from liqcli.ingest.progress import Progress
    from liqcli.lake.selection import Query
    from liqcli.lake.store import Lake as Store

LIQUIDATIONS, MARKET_KINDS = KINDS[:1], KINDS[1:]

ShowProgress = Callable[[], AbstractContextManager["Progress"]]
OnSummary = Callable[["FetchSummary"], None]


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """
    Parameters of a fetch.

    ``sources`` are sources of liquidations. ``named`` means that the user chose ``kinds``: then missing candles and
    open interest count in the exit code.
    """

    window: Window
    symbols: Sequence[str] = ()
    exchanges: Sequence[str] = ()
    sources: Sequence[str] = ()
    kinds: Sequence[str] = KINDS
    interval: str = "1m"
    again: bool = False
    named: bool = False
    wallets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FetchResult:
    """
    Result of a fetch.

    Attributes
    ----------
    liquidations : FetchSummary or None
        One row per source, exchange and symbol; None if liquidations were not requested.
    market_runs : tuple of FetchSummary
        One per run over the sources of candles and open interest; ``market`` joins their rows.
    failures : tuple of str
        Kinds that failed as a whole, with the reason.
    named : bool
        See :class:`FetchRequest`.
    """

    liquidations: FetchSummary | None
    market_runs: tuple[FetchSummary, ...] = ()
    failures: tuple[str, ...] = ()
    named: bool = False

    @property
    def rows(self) -> tuple[FetchRow, ...]:
        """Rows of liquidations."""
        return tuple(self.liquidations.rows) if self.liquidations else ()

    @property
    def market(self) -> tuple[FetchRow, ...]:
        """Rows of candles and open interest, one per kind and symbol."""
        return tuple(row for summary in self.market_runs for row in summary.rows)

    @property
    def unreached(self) -> bool:
        """True if no host could be reached, as without a network."""
        from liqcli.ingest.fetch.messages import is_unreached

        return is_unreached((*self.rows, *self.market))

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of ``liqcli fetch``. Market data that was not named does not change it."""
        if self.liquidations is None:
            return max((summary.exit_code for summary in self.market_runs), default=ExitCode.DONE)
        if self.named and not self.liquidations.exit_code and any(summary.exit_code for summary in self.market_runs):
            return ExitCode.PARTIAL
        return self.liquidations.exit_code

    def messages(self, notes: bool = True) -> list[tuple[str, bool]]:
        """
        List what is missing and why, each cause once, then what to do; without a network what to do comes first.

        Parameters
        ----------
        notes : bool
            Include what the sources cannot provide.

        Returns
        -------
        list of (str, bool)
            Message, and whether it is a warning.
        """
        from liqcli.ingest.fetch.messages import list_market_problems, list_notes, list_problems, suggest_next_step

        summary = self.liquidations
        problems = dict.fromkeys(list_problems(summary), True) if summary else {}
        for run in self.market_runs:
            for line, missing in list_market_problems(run.rows):  # an exchange that was skipped is no warning
                problems[line] = problems.get(line, False) or missing
        problems |= dict.fromkeys(self.failures, True)
        lines = list(problems.items())
        if notes and summary:  # without any data the notes are the reason
            lines += [(line, summary.exit_code == ExitCode.NO_DATA) for line in list_notes(summary)]
        advice = [(line, False) for line in suggest_next_step(problems)]
        return [*advice, *lines] if self.unreached else [*lines, *advice]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data as ``liqcli fetch --format json`` prints it; see ``docs/units.md#fetch``."""
        return {
            "liquidations": [_record(row) for row in self.rows],
            "market": [_market_record(row) for row in self.market],
        }


def fetch(
    store: Store, request: FetchRequest, show: ShowProgress, on_liquidations: OnSummary = lambda _summary: None
) -> FetchResult:
    """
    Fetch what is missing: liquidations first, then candles and open interest of the symbols found.

    Parameters
    ----------
    show : callable
        Returns a context manager that shows progress; entered once per kind of data.
    on_liquidations : callable
        Receives the summary of liquidations before market data is fetched.

    Raises
    ------
    UsageError
        An unknown name, or other kinds than liquidations of all symbols; nothing was requested.
    LakeError, DamagedError
        The lake cannot be written or read.
    """
    from liqcli.core.symbols import is_every
    from liqcli.ingest.fetch import DEFAULT_BASES, DEFAULT_SYMBOLS, spell_out

    if is_every(request.symbols) and (others := [kind for kind in request.kinds if kind not in LIQUIDATIONS]):
        raise UsageError(f"--kind {','.join(others)} needs symbols: --symbol all fetches only liquidations")

    summary, listed = None, []
    if "liquidations" in request.kinds:
        summary = fetch_kinds(store, request, LIQUIDATIONS, request.symbols, show)
        listed = [row.symbol for row in summary.rows if row.usable]
        on_liquidations(summary)
    symbols = spell_out(request.symbols or (DEFAULT_BASES if listed else DEFAULT_SYMBOLS), listed)
    market = tuple(
        fetch_kinds(store, request, kinds, symbols, show)
        for group in (MARKET_KINDS, NAMED_KINDS)
        if (kinds := [kind for kind in request.kinds if kind in group])
    )
    return FetchResult(summary, market, named=request.named)


def fetch_for_query(store: Store, query: Query, show: ShowProgress, previous: bool = False) -> FetchResult:
    """
    Fetch what the report of a query uses, including the candles before its window for key levels and indicators.

    Candles and open interest that cannot be fetched are listed in ``failures``: the report is written without them.

    Parameters
    ----------
    previous : bool
        Also fetch the liquidations of the window of the same length before.

    Raises
    ------
    UsageError
        The window ends at ``latest``, or the symbol is ``all``.
    """
    if is_latest(query.until):
        raise UsageError("--fetch cannot be combined with --until latest (the last stored event); use --until now")
    from liqcli.core.symbols import is_every
    from liqcli.core.times import resolve_window
    from liqcli.ingest.fetch import spell_out
    from liqcli.report.window_data import LEVEL_HISTORY_US

    if is_every((query.symbol,)):
        raise UsageError("a report is of one symbol; fetch all with liqcli fetch --symbol all, see liqcli overview")
    window = resolve_window(query.since, query.until, query.lookback, None)
    start_us = window.start_us - previous * window.length_us
    request = FetchRequest(Window(start_us, window.end_us), (query.symbol,), query.exchanges)
    summary = fetch_kinds(store, request, LIQUIDATIONS, request.symbols, show)
    symbols = spell_out(request.symbols, [row.symbol for row in summary.rows if row.usable])
    wider = Window(min(start_us, window.start_us - LEVEL_HISTORY_US), window.end_us)
    runs, failures = [], []
    for kind, span in (("candles", wider), ("open-interest", window)):
        try:
            run = fetch_kinds(store, FetchRequest(span, exchanges=request.exchanges), (kind,), symbols, show)
        except LakeError:
            raise
        except LiqcliError as error:
            failures.append(f"{kind}: {error}")
        else:
            runs.append(run)
    return FetchResult(summary, tuple(runs), tuple(failures))


def fetch_kinds(
    store: Store, request: FetchRequest, kinds: Sequence[str], symbols: Sequence[str], show: ShowProgress
) -> FetchSummary:
    """Fetch some kinds of a request; ``symbols`` need a quote, except for liquidations."""
    from liqcli.ingest.fetch import fetch as run_fetch

    with show() as progress:
        return run_fetch(
            store,
            request.window,
            symbols,
            request.sources,
            request.exchanges,
            progress.say,
            progress=progress,
            again=request.again,
            kinds=kinds,
            interval=request.interval,
            wallets=request.wallets,
        )


def show_lines(say: Callable[[str], None] = lambda _line: None) -> ShowProgress:
    """Show progress as lines of text."""
    from liqcli.ingest.progress import Progress

    return lambda: nullcontext(Progress(say))


def find_latest(store: Store, symbols: Sequence[str]) -> int | None:
    """Find the last stored liquidation of some symbols, or of the default ones. [µs UTC]"""
    from liqcli.core.symbols import is_every, match_symbols
    from liqcli.ingest.fetch import DEFAULT_SYMBOLS
    from liqcli.lake.status import build_status

    held = store.symbols()
    names = {name for symbol in symbols or DEFAULT_SYMBOLS for name in match_symbols(symbol, held)}
    if is_every(symbols):
        names = set(held)
    rows, _damaged = build_status(store)
    stored = (row.last_us for row in rows if row.symbol in names and row.kind == "liquidations")
    return max((last_us for last_us in stored if last_us is not None), default=None)


def _record(row: FetchRow) -> dict[str, Any]:
    from liqcli.ingest.fetch.messages import problems_of

    return {
        "source": row.source,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "events": row.events,
        "notional": round(row.notional, 6),
        "coverage": row.share,
        "covered": list(_intervals(row.covered)),
        "gaps": list(_intervals(row.holes)),
        "rejected": row.rejected,
        "result": row.result,
        "troubles": problems_of(row),
        "notes": list(row.notes),
    }


def _market_record(row: FetchRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "sources": list(row.sources),
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "rows": row.rows,
        "coverage": row.share,
        "gaps": list(_intervals(row.holes)),
        "result": row.result,
        "troubles": row.problems,
        "notes": list(row.notes),
    }


def _intervals(intervals: Sequence[Interval]) -> Iterator[dict[str, str]]:
    from liqcli.core.formatting import format_iso

    for start, end in intervals:
        yield {"start": format_iso(start), "end": format_iso(end)}
