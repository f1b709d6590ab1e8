"""
Run the request generators of sources in worker threads, over one client per source.

Nothing here writes; results go back to the main thread.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from liqcli.core.environment import source_key
from liqcli.core.errors import BlockedError, SourceError
from liqcli.core.formatting import format_time
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.planner import clip_to_available
from liqcli.ingest.fetch.tasks import FetchTask
from liqcli.ingest.fetch.worker_pool import Task
from liqcli.ingest.progress import Progress
from liqcli.net.client import Client, RefusalError, Request, UnreachableError
from liqcli.net.rate_limit import count_workers
from liqcli.sources.base import Answer, Source
from liqcli.sources.contracts import Listing
from liqcli.sources.market_base import MarketSource
from liqcli.sources.registry import load_source


class Clients:
    """Clients of one run, one per source, created on first use; ``title`` formats a source's name for the progress."""

    def __init__(self, progress: Progress, title: str = "{}") -> None:
        self._progress = progress
        self._title = title
        self._open: dict[str, Client] = {}
        self._lock = threading.Lock()

    def of(self, source: Source | MarketSource) -> Client:
        """Return the client of a source."""
        with self._lock:
            if source.name not in self._open:
                key = source_key(source.name) if isinstance(source, Source) and not source.keyless else None
                on_wait = partial(self._progress.wait, self._title.format(source.name))
                self._open[source.name] = Client(source.name, source.url, source.limits, key, on_wait)
            return self._open[source.name]

    def workers(self, source: Source | MarketSource) -> int:
        """Return the number of threads for a source; 1 if symbols share answers, so that no request is sent twice."""
        if isinstance(source, Source) and source.shared:
            return 1
        return count_workers(self.of(source).limits)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._open.values():
                client.close()


NOT_ASKED = "no further requests after: "

Result = TypeVar("Result")
AnswerCache = dict[Request, Any]  # for sources whose answers contain all symbols


@dataclass(frozen=True, slots=True)
class WindowResult:
    """Answer of one window, or the error; ``asked_us`` is the time of the request."""

    task: FetchTask
    window: Window
    answer: Answer | None
    asked_us: int
    requests: int = 0
    error: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class MarketListing:
    """Contracts that a source lists for the wanted symbols, or the error."""

    source: Source
    exchange: str
    listing: Listing | None
    requests: int = 0
    error: str | None = None
    lost: bool = False


def run_requests(
    requests: Generator[Request, Any, Result],
    client: Client,
    decode: Callable[[bytes], object],
    cache: AnswerCache | None = None,
) -> Result:
    """
    Send the requests that a generator yields, and return its result.

    Parameters
    ----------
    cache : dict, optional
        Earlier answers by request; they are used and extended.

    Raises
    ------
    SourceError
        No answer, a refusal, or an answer of an unexpected shape.
    """
    request: Request | None = None
    try:
        request = next(requests)
        while True:
            answer = cache[request] if cache and request in cache else client.get(request, decode)
            if cache is not None:
                cache[request] = answer
            request = requests.send(answer)
    except StopIteration as end:
        result: Result = end.value
        return result
    except (RefusalError, LookupError, TypeError, ValueError, AttributeError) as error:
        path = request.path if request else ""
        reason = str(error) if isinstance(error, RefusalError) else f"not in the expected shape ({error!r})"
        raise SourceError(f"{client.source}: {path} answered 200, but {reason}") from error


def resolve(
    source: Source, exchange: str, words: Sequence[str], clients: Clients, tripped: str | None
) -> MarketListing:
    """Request the contracts of symbols, and their sizes from the exchange if the source does not state them."""
    client = clients.of(source)
    before = client.requests
    listing: Listing | None = None
    try:
        if tripped:
            raise SourceError(tripped)
        listing = run_requests(source.ask_markets(exchange, words), client, source.decode)
        size_source = source.sizes_from.get(exchange)
        if size_source and listing.markets:
            other = load_source(size_source)
            listed = run_requests(other.ask_markets(exchange, list(listing.markets)), clients.of(other), other.decode)
            listing = _add_sizes(listing, listed)
        return MarketListing(source, exchange, listing, client.requests - before)
    except SourceError as error:
        lost = listing is None and is_lost(error)  # otherwise the source of the sizes is unreachable
        return MarketListing(source, exchange, None, client.requests - before, str(error), lost)


def list_windows(tasks: Sequence[FetchTask], clients: Clients) -> Iterator[tuple[Source, Task[WindowResult]]]:
    """Yield a worker task per window, oldest first across symbols, because sources drop the oldest data first."""
    caches: dict[str, AnswerCache] = defaultdict(dict)
    started_us = now_us()
    windows = [(window.start_us, number, window) for number, task in enumerate(tasks) for window in task.windows]
    for _start_us, number, window in sorted(windows):
        task = tasks[number]
        if task.source.shared:
            yield task.source, partial(_request_shared, task, window, clients, caches[task.source.name], started_us)
        else:
            yield task.source, partial(_request_window, task, window, clients, None)


def is_lost(error: Exception) -> bool:
    """Return whether an error rules out further requests to a source in this run."""
    return isinstance(error, BlockedError | UnreachableError)


def _request_shared(
    task: FetchTask, window: Window, clients: Clients, cache: AnswerCache, started_us: int, tripped: str | None
) -> WindowResult:
    """Request a window, or use a cached answer, which may be as old as the run."""
    return replace(_request_window(task, window, clients, cache, tripped), asked_us=started_us)


def _request_window(
    task: FetchTask, planned: Window, clients: Clients, cache: AnswerCache | None, tripped: str | None
) -> WindowResult:
    asked_us = now_us()
    if tripped:
        return WindowResult(task, planned, None, asked_us, error=f"{NOT_ASKED}{tripped}")
    window = clip_to_available(task.source, planned, asked_us)
    if window is None:
        absent = f"dropped {format_time(planned.start_us)} to {format_time(planned.end_us)} UTC before it was requested"
        return WindowResult(task, planned, Answer(absent=absent), asked_us)
    assert task.market is not None, "windows belong to resolved tasks"  # noqa: S101
    client = clients.of(task.source)
    before = client.requests
    try:
        answer = run_requests(task.source.ask_window(task.market, window), client, task.source.decode, cache)
        return WindowResult(task, window, answer, asked_us, client.requests - before)
    except SourceError as error:
        return WindowResult(task, window, None, asked_us, client.requests - before, str(error), is_lost(error))


def _add_sizes(listing: Listing, own: Listing) -> Listing:
    return replace(
        listing,
        markets={
            symbol: replace(market, contract_size=own.markets[symbol].contract_size)
            if symbol in own.markets and own.markets[symbol].instrument == market.instrument
            else market
            for symbol, market in listing.markets.items()
        },
    )
