"""Request windows of candles or open interest from one source: work of the threads, state of the main thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from liqcli.core.errors import SourceError
from liqcli.core.formatting import format_time
from liqcli.core.model import Window
from liqcli.ingest.fetch.request_runner import Clients, is_lost, run_requests
from liqcli.ingest.fetch.worker_pool import Task
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.store import Lake
from liqcli.net.client import Client
from liqcli.sources.market_base import MarketSource, Memo
from liqcli.sources.stale_answers import request_rows, request_until_repeated

ROWS_IN_MEMORY = 20_000


@dataclass(frozen=True, slots=True)
class MarketWindowResult:
    """
    Result of one window of a batch.

    Attributes
    ----------
    rows : list or None
        None if the source does not have this contract or file, or on an error.
    error : str or None
    lost : bool
        Whether the source cannot be used for the rest of the run.
    skipped : bool
        Whether no request was sent, because an earlier window of the batch failed.
    fingerprint : int or None
        Hash of the rows, to find identical answers to different requests.
    confirmed : bool
        Whether the request was repeated alone until the answers agreed.
    """

    batch: MarketBatch
    number: int
    rows: list[Any] | None = None
    requests: int = 0
    error: str | None = None
    lost: bool = False
    skipped: bool = False
    fingerprint: int | None = None
    confirmed: bool = False

    @property
    def window(self) -> Window:
        """Requested window."""
        return self.batch.windows[self.number]

    @property
    def key(self) -> tuple[str, str, Window]:
        """Identity of the request, independent of the batch."""
        return self.batch.kind, self.batch.symbol, self.window


@dataclass(slots=True, eq=False)
class MarketBatch:
    """
    Windows of one kind and symbol to request from one source.

    The first window is requested alone, because it shows whether the source has such data at all. A failure ends the
    batch, except for archives, which may have the file of another day.
    """

    source: MarketSource
    kind: str
    symbol: str
    interval: str
    windows: Sequence[Window]
    answered: list[Window] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    requests: int = 0
    rows: int = 0
    finished: int = 0
    ended: bool = False
    unsaved: list[Any] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Return whether every window has a result."""
        return self.finished == len(self.windows)

    def request(self, number: int, clients: Clients, memo: Memo) -> Task[MarketWindowResult]:
        """Return the task that requests a window."""
        return partial(_request_window, self, number, clients, memo)

    def confirmed_request(self, number: int, clients: Clients, memo: Memo) -> Task[MarketWindowResult]:
        """Return the task that repeats a doubtful request; it must run alone."""
        return partial(_request_confirmed, self, number, clients, memo)

    def add(self, result: MarketWindowResult, lake: Lake) -> None:
        """Add the result of a window. Main thread only."""
        self.finished += 1
        self.requests += result.requests
        if result.skipped:
            return
        if result.rows is not None:
            self.answered.append(result.window)
            self.unsaved += result.rows
            if len(self.unsaved) >= ROWS_IN_MEMORY:
                self.store(lake)
            return
        start = self.windows[result.number].start
        missing = f"{self.source.name} does not list {self.symbol}, or not for {start:%Y-%m-%d}"
        self.problems.append((result.number, result.error or missing))

    def store(self, lake: Lake) -> None:
        """Write the received rows to the lake."""
        if not self.unsaved:
            return
        exchange = self.source.exchange
        if self.kind == "candles":
            write_candles(lake, exchange, self.symbol, self.interval, exchange, self.unsaved)
        else:
            write_open_interest(lake, exchange, self.symbol, exchange, self.unsaved)
        self.rows += len(self.unsaved)
        self.unsaved = []

    def list_problems(self) -> list[str]:
        """List why windows are missing, in order of time; only the first reason if the batch ended with it."""
        found = [text for _number, text in sorted(self.problems)]
        return found if self.source.is_archive else found[:1]


def _request_window(
    batch: MarketBatch, number: int, clients: Clients, memo: Memo, tripped: str | None
) -> MarketWindowResult:
    if tripped:
        return MarketWindowResult(batch, number, error=tripped, lost=True)
    if batch.ended:
        return MarketWindowResult(batch, number, skipped=True)
    client = clients.of(batch.source)
    before = client.requests
    try:
        rows = _request_rows(batch, batch.windows[number], client, memo)
        mark = hash((batch.source.name, tuple(rows))) if rows else None
        result = MarketWindowResult(batch, number, rows, client.requests - before, fingerprint=mark)
    except SourceError as error:
        result = MarketWindowResult(batch, number, None, client.requests - before, str(error), is_lost(error))
    if result.lost or (result.rows is None and not batch.source.is_archive):
        batch.ended = True  # in this thread, before others send further requests
    return result


def _request_confirmed(
    batch: MarketBatch, number: int, clients: Clients, memo: Memo, tripped: str | None
) -> MarketWindowResult:
    results = request_until_repeated(
        lambda: _request_window(batch, number, clients, memo, tripped), lambda result: result.fingerprint
    )
    return replace(results[-1], requests=sum(result.requests for result in results), confirmed=True)


def _request_rows(batch: MarketBatch, window: Window, client: Client, memo: Memo) -> list[Any] | None:
    source = batch.source

    def ask() -> list[Any] | None:
        requests: Any
        if batch.kind == "candles":
            requests = source.ask_candles(batch.symbol, batch.interval, window, memo)
        else:
            requests = source.ask_open_interest(batch.symbol, window, memo)
        rows: list[Any] | None = run_requests(requests, client, source.decode)
        return rows

    requested = f"{source.name}: {batch.symbol} {format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    return request_rows(ask, requested, accept_repeated=not source.is_archive)
