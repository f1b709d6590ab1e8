"""Fetch missing data for all symbols. An unknown symbol or a failing source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqcli.api.fetch import LIQUIDATIONS, MARKET_KINDS, FetchRequest, ShowProgress, fetch_kinds
from liqcli.core.errors import LakeError, LiqcliError, UsageError
from liqcli.core.model import Window
from liqcli.core.settings import Settings
from liqcli.core.symbols import expiry_of
from liqcli.ingest.fetch.messages import list_market_problems, problems_of
from liqcli.ingest.fetch.source_selection import select_pairs
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.net.client import UNREACHED

if TYPE_CHECKING:
    from liqcli.ingest.fetch import FetchRow, FetchSummary

Say = Callable[[str], None]


@dataclass(slots=True)
class FetchOutcome:
    """
    Result of a fetch: rows for ``summary.json``, and problems as sentences.

    ``notes`` are about candles and open interest, which reports can do without.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fetch_day(lake: Lake, settings: Settings, window: Window, progress: Progress) -> FetchOutcome:
    """Fetch all symbols. Failures are noted, and raised only if the lake cannot be written."""
    exchanges = _fetchable(settings, progress.say)
    if settings.exchanges and not exchanges:
        return FetchOutcome()
    symbols = tuple(symbol for symbol in settings.symbols if not expiry_of(symbol))
    if not symbols:  # dated contracts are imported or recorded
        return FetchOutcome()
    run = _Run(lake, settings, symbols, window, exchanges, lambda: nullcontext(progress))
    try:
        run.fetch(symbols)
    except UsageError:  # an unknown symbol: fetch the others one by one
        for symbol in symbols:
            try:
                run.fetch([symbol])
            except UsageError as error:
                run.found.troubles.append(f"{symbol}: {error}")
    run.found.troubles = [*_list_troubles(run.found.rows), *run.found.troubles]
    run.fetch_market()
    _shorten_offline(run.found)
    return run.found


def _shorten_offline(found: FetchOutcome) -> None:
    """Replace a problem per source by one, if none could be reached, as without a network."""
    unreached = (any(UNREACHED in text for text in row["troubles"]) for row in found.rows)
    if len({row["source"] for row in found.rows}) > 1 and all(unreached):
        first = found.troubles[0].partition(": ")[2]
        found.troubles = [f"no source could be reached: is this machine online? The first: {first}"]
        found.notes = [text for text in found.notes if UNREACHED not in text]


@dataclass(frozen=True, slots=True)
class _Run:
    """The request and its result."""

    lake: Lake
    settings: Settings
    symbols: Sequence[str]
    window: Window
    exchanges: Sequence[str]
    show: ShowProgress
    found: FetchOutcome = field(default_factory=FetchOutcome)

    def fetch(self, symbols: Sequence[str]) -> None:
        """Fetch liquidations; raises for an unknown symbol."""
        try:
            request = FetchRequest(self.window, symbols, self.exchanges, self.settings.sources)
            summary = fetch_kinds(self.lake, request, LIQUIDATIONS, symbols, self.show)
        except (UsageError, LakeError):
            raise
        except LiqcliError as error:
            self.found.troubles.append(str(error))
        else:
            _note(self.found, summary)

    def fetch_market(self) -> None:
        """Fetch candles and open interest. Failures are only noted: a report without them says so."""
        from liqcli.ingest.fetch import spell_out

        symbols = spell_out(self.symbols, [row["symbol"] for row in self.found.rows])
        try:
            summary = fetch_kinds(self.lake, FetchRequest(self.window), MARKET_KINDS, symbols, self.show)
        except LakeError:
            raise
        except LiqcliError as error:
            self.found.notes.append(f"candles and open interest: {error}")
        else:
            self.found.notes += _list_missing(summary.rows)


def _list_missing(rows: Sequence[FetchRow]) -> list[str]:
    """List each reason once, with its subject."""
    lines = [line for line, missing in list_market_problems(rows) if missing]
    return [line if line.startswith(MARKET_KINDS) else f"candles and open interest: {line}" for line in lines]


def _fetchable(settings: Settings, say: Say) -> list[str]:
    """Leave out exchanges without history; their reports show recorded or imported data."""
    able = []
    for exchange in settings.exchanges:
        try:
            select_pairs(settings.sources, (exchange,))
        except UsageError as error:
            say(f"{error}; its reports show only what the lake holds")
        else:
            able.append(exchange)
    return able


def _note(found: FetchOutcome, summary: FetchSummary) -> None:
    for row in summary.rows:
        said = problems_of(row)
        found.rows.append(
            {
                "source": row.source,
                "exchange": row.exchange,
                "symbol": row.symbol,
                "result": row.result,
                "troubles": said,
                "messages": [*said, *row.notes],
            }
        )


def _list_troubles(rows: Sequence[dict[str, Any]]) -> list[str]:
    """List each problem once, with all its symbols."""
    struck: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for text in row["troubles"]:
            struck.setdefault((name_place(row), text), []).append(row["symbol"])
    return [f"{place} {', '.join(symbols)}: {text}" for (place, text), symbols in struck.items()]


def name_place(row: dict[str, Any]) -> str:
    """Return source and exchange of a row, or one name if they are equal."""
    return str(row["source"] if row["source"] == row["exchange"] else f"{row['source']} {row['exchange']}")
