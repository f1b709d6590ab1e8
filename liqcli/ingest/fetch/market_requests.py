"""Asking one place for windows of candles or open interest: what the threads do, and what the main thread keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from liqcli.core.errors import SourceError
from liqcli.core.formatting import format_time
from liqcli.core.model import Window
from liqcli.ingest.fetch.request_runner import Clients, is_lost, run_requests
from liqcli.ingest.fetch.worker_pool import Question
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.store import Lake
from liqcli.net.client import Client
from liqcli.sources.market_base import MarketSource, Memo, UnrequestedRowsError

ROWS_IN_MEMORY = 20_000
SURE_TRIES = 4


@dataclass(frozen=True, slots=True)
class MarketWindowResult:
    """
    What came of one window of a batch: rows, None for "no such thing", or what went wrong.

    ``print`` tells rows from others; they are ``sure`` when they were asked for alone.
    """

    batch: MarketBatch
    number: int
    rows: list[Any] | None = None
    requests: int = 0
    error: str | None = None
    lost: bool = False
    skipped: bool = False
    print: int | None = None
    sure: bool = False

    @property
    def window(self) -> Window:
        """The window that was asked for."""
        return self.batch.windows[self.number]

    @property
    def key(self) -> tuple[str, str, Window]:
        """What was asked for, whoever asked."""
        return self.batch.kind, self.batch.symbol, self.window


class StaleAnswerDetector:
    """
    Notices the very same rows as the answer to two questions: one of them was given the other's, from a stale cache.

    Which one cannot be told, for answers overtake each other; so both are asked again, with nothing else under way.
    """

    def __init__(self) -> None:
        self._owners: dict[int, MarketWindowResult] = {}

    def find(self, said: MarketWindowResult) -> MarketWindowResult | None:
        """Give who was told the same before and is not sure of it, or None; from now on this one was told it."""
        owner = self._owners.get(said.print or 0)
        if said.print is None or said.sure or owner is None or owner.key == said.key:
            if said.print is not None:
                self._owners[said.print] = said
            return None
        return owner


@dataclass(slots=True, eq=False)
class MarketBatch:
    """
    Windows of one kind and symbol that one place is asked for.

    The first is asked alone: it says whether the place has such a thing at all. A failure ends a batch, but not that of
    an archive, where another day's file may be there.
    """

    source: MarketSource
    kind: str
    symbol: str
    interval: str
    windows: Sequence[Window]
    answered: list[Window] = field(default_factory=list)
    troubles: list[tuple[int, str]] = field(default_factory=list)
    requests: int = 0
    rows: int = 0
    heard: int = 0
    ended: bool = False
    waiting: list[Any] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether every window has been heard of, or will not be asked for any more."""
        return self.heard == len(self.windows)

    def question(self, number: int, clients: Clients, memo: Memo) -> Question[MarketWindowResult]:
        """Give the question for a window."""
        return partial(_ask_window, self, number, clients, memo)

    def confirmed_request(self, number: int, clients: Clients, memo: Memo) -> Question[MarketWindowResult]:
        """Give the question for a window of which the answer was doubtful; it is to be asked alone."""
        return partial(_ask_until_sure, self, number, clients, memo)

    def take(self, said: MarketWindowResult, lake: Lake) -> None:
        """Add what came of a window; the main thread calls this."""
        self.heard += 1
        self.requests += said.requests
        if said.skipped:
            return
        if said.rows is not None:
            self.answered.append(said.window)
            self.waiting += said.rows
            if len(self.waiting) >= ROWS_IN_MEMORY:
                self.store(lake)
            return
        missing = (
            f"{self.source.name} does not list {self.symbol}, or not for {self.windows[said.number].start:%Y-%m-%d}"
        )
        self.troubles.append((said.number, said.error or missing))

    def store(self, lake: Lake) -> None:
        """Put into the lake what has come."""
        if not self.waiting:
            return
        exchange = self.source.exchange
        if self.kind == "candles":
            write_candles(lake, exchange, self.symbol, self.interval, exchange, self.waiting)
        else:
            write_open_interest(lake, exchange, self.symbol, exchange, self.waiting)
        self.rows += len(self.waiting)
        self.waiting = []

    def list_troubles(self) -> list[str]:
        """Say why windows are missing, in their order; behind the first failure nothing more was to be asked for."""
        found = [text for _number, text in sorted(self.troubles)]
        return found if self.source.is_archive else found[:1]


def _ask_window(
    batch: MarketBatch, number: int, clients: Clients, memo: Memo, left_alone: str | None
) -> MarketWindowResult:
    if left_alone:
        return MarketWindowResult(batch, number, error=left_alone, lost=True)
    if batch.ended:
        return MarketWindowResult(batch, number, skipped=True)
    client = clients.of(batch.source)
    before = client.requests
    try:
        rows = _ask_rows(batch, batch.windows[number], client, memo)
        mark = hash((batch.source.name, tuple(rows))) if rows else None
        said = MarketWindowResult(batch, number, rows, client.requests - before, print=mark)
    except SourceError as error:
        said = MarketWindowResult(batch, number, None, client.requests - before, str(error), is_lost(error))
    if said.lost or (said.rows is None and not batch.source.is_archive):
        batch.ended = True  # at once: the other threads are about to ask on
    return said


def _ask_until_sure(
    batch: MarketBatch, number: int, clients: Clients, memo: Memo, left_alone: str | None
) -> MarketWindowResult:
    """Ask until two answers in a row are the same."""
    said = _ask_window(batch, number, clients, memo, left_alone)
    requests = said.requests
    for _ in range(SURE_TRIES - 1):
        before, said = said, _ask_window(batch, number, clients, memo, left_alone)
        requests += said.requests
        if said.print == before.print:
            break
    return replace(said, requests=requests, sure=True)


def _ask_rows(batch: MarketBatch, window: Window, client: Client, memo: Memo) -> list[Any] | None:
    """
    Ask for the rows of a window.

    Where rows of other times alone come, they are believed to mean "nothing" when a place says the same each time (its
    contract is younger than the window), and never of a file, which is one day's or another's.
    """
    source = batch.source

    def ask() -> list[Any] | None:
        asking: Any
        if batch.kind == "candles":
            asking = source.ask_candles(batch.symbol, batch.interval, window, memo)
        else:
            asking = source.ask_open_interest(batch.symbol, window, memo)
        rows: list[Any] | None = run_requests(asking, client, source.decode)
        return rows

    strays = []
    for _ in range(SURE_TRIES):
        try:
            return ask()
        except UnrequestedRowsError as stray:
            strays.append(stray)
    if not source.is_archive and len({stray.print for stray in strays}) == 1:
        return []
    wanted = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    raise SourceError(f"{source.name}: of {batch.symbol} {wanted} came {strays[-1]} (asked {SURE_TRIES} times)")
