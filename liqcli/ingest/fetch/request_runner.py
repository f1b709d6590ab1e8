"""
Asking: what the threads of the crew do. Nothing here writes; answers go back to the main thread.

Connections of one run: a client a source, made when it is first asked.
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
from liqcli.ingest.fetch.worker_pool import Question
from liqcli.ingest.progress import Progress
from liqcli.net.client import Client, RefusalError, Request, UnreachableError
from liqcli.net.rate_limit import count_workers
from liqcli.sources.base import Answer, Listing, Source
from liqcli.sources.market_base import MarketSource
from liqcli.sources.registry import load_source


class Clients:
    """Give each source its one client; ``title`` is what progress calls a source, with its name in braces."""

    def __init__(self, progress: Progress, title: str = "{}") -> None:
        self._progress = progress
        self._title = title
        self._open: dict[str, Client] = {}
        self._lock = threading.Lock()

    def of(self, source: Source | MarketSource) -> Client:
        """Give the client of a source."""
        with self._lock:
            if source.name not in self._open:
                key = source_key(source.name) if isinstance(source, Source) and not source.keyless else None
                told = partial(self._progress.wait, self._title.format(source.name))
                self._open[source.name] = Client(source.name, source.url, source.limits, key, told)
            return self._open[source.name]

    def workers(self, source: Source | MarketSource) -> int:
        """Say how many threads ask a source; one where answers are shared, so that none is asked for twice."""
        if isinstance(source, Source) and source.shared:
            return 1
        return count_workers(self.of(source).limits)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._open.values():
                client.close()


NOT_ASKED = "not asked any more after: "

Result = TypeVar("Result")
Told = dict[Request, Any]  # what was said before, of a source whose answers tell of all symbols


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window's answer, or what went wrong with it; ``asked_us`` is when the question left."""

    job: FetchTask
    window: Window
    answer: Answer | None
    asked_us: int
    requests: int = 0
    error: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class MarketListing:
    """What a source lists of the wanted symbols, or why it could not say."""

    source: Source
    exchange: str
    listing: Listing | None
    requests: int = 0
    error: str | None = None
    lost: bool = False


def run_requests(
    asking: Generator[Request, Any, Result],
    client: Client,
    decode: Callable[[bytes], object],
    told: Told | None = None,
) -> Result:
    """Run a source's questions over a connection; what was ``told`` before is not asked again."""
    request: Request | None = None
    try:
        request = next(asking)
        while True:
            said = told[request] if told and request in told else client.get(request, decode)
            if told is not None:
                told[request] = said
            request = asking.send(said)
    except StopIteration as end:
        result: Result = end.value
        return result
    except (RefusalError, LookupError, TypeError, ValueError, AttributeError) as error:
        path = request.path if request else ""
        reason = str(error) if isinstance(error, RefusalError) else f"not in the expected shape ({error!r})"
        raise SourceError(f"{client.source}: {path} answered 200, but {reason}") from error


def resolve(
    source: Source, exchange: str, words: Sequence[str], clients: Clients, left_alone: str | None
) -> MarketListing:
    """Ask a source which contracts the wanted symbols are; where it does not know their sizes, ask the exchange."""
    client = clients.of(source)
    before = client.requests
    listing: Listing | None = None
    try:
        if left_alone:
            raise SourceError(left_alone)
        listing = run_requests(source.ask_markets(exchange, words), client, source.decode)
        lender = source.sizes_from.get(exchange)
        if lender and listing.markets:
            other = load_source(lender)
            own = run_requests(other.ask_markets(exchange, list(listing.markets)), clients.of(other), other.decode)
            listing = _lend_sizes(listing, own)
        return MarketListing(source, exchange, listing, client.requests - before)
    except SourceError as error:
        lost = listing is None and is_lost(error)  # else it is the lender who cannot be asked
        return MarketListing(source, exchange, None, client.requests - before, str(error), lost)


def list_windows(jobs: Sequence[FetchTask], clients: Clients) -> Iterator[tuple[Source, Question[WindowResult]]]:
    """Give the question for each window: of all symbols the oldest first, since these are the first to be forgotten."""
    told: dict[str, Told] = defaultdict(dict)
    started_us = now_us()
    windows = [(window.start_us, number, window) for number, job in enumerate(jobs) for window in job.windows]
    for _start_us, number, window in sorted(windows):
        job = jobs[number]
        if job.source.shared:
            yield job.source, partial(_ask_shared, job, window, clients, told[job.source.name], started_us)
        else:
            yield job.source, partial(_ask_window, job, window, clients, None)


def is_lost(error: Exception) -> bool:
    """Whether an error means that a source cannot be asked at all."""
    return isinstance(error, BlockedError | UnreachableError)


def _ask_shared(
    job: FetchTask, window: Window, clients: Clients, told: Told, started_us: int, left_alone: str | None
) -> WindowResult:
    """Ask for a window, or take what was told before, which may be as old as the run."""
    return replace(_ask_window(job, window, clients, told, left_alone), asked_us=started_us)


def _ask_window(
    job: FetchTask, planned: Window, clients: Clients, told: Told | None, left_alone: str | None
) -> WindowResult:
    asked_us = now_us()
    if left_alone:
        return WindowResult(job, planned, None, asked_us, error=f"{NOT_ASKED}{left_alone}")
    window = clip_to_available(job.source, planned, asked_us)
    if window is None:
        absent = f"forgot {format_time(planned.start_us)} to {format_time(planned.end_us)} UTC before its turn came"
        return WindowResult(job, planned, Answer(absent=absent), asked_us)
    assert job.market is not None, "only resolved jobs are asked"  # noqa: S101
    client = clients.of(job.source)
    before = client.requests
    try:
        answer = run_requests(job.source.ask_window(job.market, window), client, job.source.decode, told)
        return WindowResult(job, window, answer, asked_us, client.requests - before)
    except SourceError as error:
        return WindowResult(job, window, None, asked_us, client.requests - before, str(error), is_lost(error))


def _lend_sizes(listing: Listing, own: Listing) -> Listing:
    return replace(
        listing,
        markets={
            symbol: replace(market, contract_size=own.markets[symbol].contract_size)
            if symbol in own.markets and own.markets[symbol].instrument == market.instrument
            else market
            for symbol, market in listing.markets.items()
        },
    )
