"""Asking: what runs in a source's own thread. Nothing here writes; answers go to the writer through a queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from liqcli.errors import BlockedError, LiqcliError, SourceError
from liqcli.fetcher.jobs import Clients, Job
from liqcli.fetcher.plan import clip_to_reach
from liqcli.http import Client, RefusalError, Request, UnreachableError
from liqcli.model import Window
from liqcli.sources import load_source
from liqcli.sources.common import Answer, Listing, Source
from liqcli.timespan import now_us

NOT_ASKED = "not asked any more after: "
FAILURES_IN_A_ROW = 3  # then a source is left alone for this run

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Heard:
    """One window's answer, or what went wrong with it; ``asked_us`` is when the question left."""

    job: Job
    window: Window | None
    answer: Answer | None
    asked_us: int
    requests: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a source lists of the wanted symbols, or why it could not say."""

    source: Source
    exchange: str
    listing: Listing | None
    requests: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A thread has ended; ``fault`` is an error that nobody foresaw."""

    fault: BaseException | None = None


Message = Heard | Resolved | Finished
Inbox = queue.SimpleQueue[Message]


def run_threads(inbox: Inbox, works: Iterable[Callable[[], None]]) -> int:
    """
    Start one thread a piece of work; each ends with a :class:`Finished`. Gives their number.

    They are daemons: a Ctrl-C does not wait for an answer that may take half a minute.
    """

    def guarded(work: Callable[[], None]) -> None:
        fault: BaseException | None = None
        try:
            work()
        except BaseException as error:  # handed to the main thread, which raises it
            fault = error
        inbox.put(Finished(fault))

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True, name="liqcli-ask") for work in works]
    for thread in threads:
        thread.start()
    return len(threads)


def drive(
    asking: Generator[Request, Any, Result],
    client: Client,
    decode: Callable[[bytes], object],
    told: dict[Request, Any] | None = None,
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


def resolve(source: Source, exchange: str, words: Sequence[str], clients: Clients) -> Resolved:
    """Ask a source which contracts the wanted symbols are; where it does not know their sizes, ask the exchange."""
    client = clients.of(source)
    before = client.requests
    try:
        listing = drive(source.ask_markets(exchange, words), client, source.decode)
        lender = source.sizes_from.get(exchange)
        if lender and listing.markets:
            other = load_source(lender)
            own = drive(other.ask_markets(exchange, list(listing.markets)), clients.of(other), other.decode)
            listing = _lend_sizes(listing, own)
        return Resolved(source, exchange, listing, client.requests - before)
    except LiqcliError as error:
        if not isinstance(error, SourceError):
            raise
        return Resolved(source, exchange, None, client.requests - before, str(error))


def ask_source(jobs: Sequence[Job], clients: Clients, inbox: Inbox, stop: threading.Event) -> None:
    """Ask one source for all windows of its jobs, oldest first, since the oldest are the first to be forgotten."""
    failures = 0
    last = ""
    told: dict[Request, Any] | None = {} if jobs and jobs[0].source.shared else None
    started_us = now_us()
    for job in jobs:
        for window in job.windows:
            if stop.is_set():
                return
            if failures >= FAILURES_IN_A_ROW:
                inbox.put(Heard(job, None, None, now_us(), 0, f"{NOT_ASKED}{last}"))
                break
            heard, lost = _ask_window(job, window, clients.of(job.source), told)
            if told is not None:  # it may be an answer of before
                heard = replace(heard, asked_us=started_us)
            failures = FAILURES_IN_A_ROW if lost else failures + 1 if heard.error else 0
            last = heard.error or last
            inbox.put(heard)


def _ask_window(job: Job, planned: Window, client: Client, told: dict[Request, Any] | None) -> tuple[Heard, bool]:
    """Ask for one window; the flag says that the source cannot be asked at all."""
    asked_us = now_us()
    before = client.requests
    window = clip_to_reach(job.source, planned, asked_us)
    if window is None:
        return Heard(job, None, None, asked_us, 0, "the source forgot a window before its turn came"), False
    assert job.market is not None, "only resolved jobs are asked"  # noqa: S101
    try:
        answer = drive(job.source.ask_window(job.market, window), client, job.source.decode, told)
        return Heard(job, window, answer, asked_us, client.requests - before), False
    except SourceError as error:
        lost = isinstance(error, BlockedError | UnreachableError)
        return Heard(job, window, None, asked_us, client.requests - before, str(error)), lost


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
