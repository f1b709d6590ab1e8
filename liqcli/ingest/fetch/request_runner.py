"""
Run the request generators of sources in worker threads, over one client per source.

Nothing here writes; results go back to the main thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from liqcli.core.environment import source_key
from liqcli.core.errors import BlockedError, SourceError
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.tasks import Task, WindowResult
from liqcli.ingest.progress import Progress
from liqcli.net.client import Client, RefusalError, UnreachableError
from liqcli.net.rate_limit import count_workers
from liqcli.net.request import Request
from liqcli.sources.base import Endpoint
from liqcli.sources.market_base import Memo
from liqcli.sources.stale_answers import request_until_repeated

Result = TypeVar("Result")


class SharedFailureError(SourceError):
    """The request that several symbols share failed for an earlier one."""


class Clients:
    """
    Clients of one run, one per source, created on first use, and what its requests share.

    Attributes
    ----------
    memo : dict
        Facts that are requested once per run.
    started_us : int
        Start of the run; an answer that several symbols share may be as old.
    """

    def __init__(self, progress: Progress) -> None:
        self.memo: Memo = {}
        self.started_us = now_us()
        self._progress = progress
        self._open: dict[str, Client] = {}
        self._lock = threading.Lock()

    def of(self, source: Endpoint) -> Client:
        """Return the client of a source."""
        with self._lock:
            if source.title not in self._open:
                key = None if source.keyless else source_key(source.name)
                on_wait = partial(self._progress.wait, source.title)
                self._open[source.title] = Client(source.name, source.url, source.limits, key, on_wait)
            return self._open[source.title]

    def workers(self, source: Endpoint) -> int:
        """Return the number of threads for a source; 1 if symbols share answers, so that no request is sent twice."""
        return 1 if source.shared else count_workers(self.of(source).limits)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._open.values():
                client.close()


def run_requests(
    requests: Generator[Request, Any, Result],
    client: Client,
    decode: Callable[[bytes], object],
) -> Result:
    """
    Send the requests that a generator yields, and return its result.

    Raises
    ------
    SourceError
        No answer, a refusal, or an answer of an unexpected shape.
    """
    request: Request | None = None
    try:
        request = next(requests)
        while True:
            request = requests.send(client.get(request, decode))
    except StopIteration as end:
        result: Result = end.value
        return result
    except (RefusalError, LookupError, TypeError, ValueError, AttributeError) as error:
        path = request.path if request else ""
        reason = str(error) if isinstance(error, RefusalError) else f"not in the expected shape ({error!r})"
        raise SourceError(f"{client.source}: {path} answered 200, but {reason}") from error


def request_window(task: Task, window: Window, clients: Clients, tripped: str | None) -> WindowResult:
    """Request one window of a task; ``tripped`` is why no further request may go to its source."""
    source, kind, symbol = task.source, task.target.kind, task.target.row.symbol
    asked_us = clients.started_us if source.shared else now_us()
    result = WindowResult(task=task, window=window, asked_us=asked_us, counts=not task.stops)
    if tripped:
        return replace(result, error=tripped, lost=True)
    if task.stopped:
        return result
    client = clients.of(source)
    before = client.requests
    try:
        requests = kind.ask(source, symbol, window, clients.memo)
        result = replace(result, answer=run_requests(requests, client, source.decode))
    except SourceError as error:
        counts = result.counts and not isinstance(error, SharedFailureError)
        result = replace(result, error=str(error), lost=is_lost(error), counts=counts)
    if task.stops and (result.answer is None or result.answer.absent is not None):
        task.stopped = True  # in this thread, before others send further requests
    return replace(result, requests=client.requests - before)


def request_confirmed(task: Task, window: Window, clients: Clients, tripped: str | None) -> WindowResult:
    """Repeat a doubtful request until two answers in a row are equal; it must run alone."""
    results = request_until_repeated(
        lambda: request_window(task, window, clients, tripped),
        lambda result: result.answer.fingerprint if result.answer else None,
    )
    return replace(results[-1], requests=sum(result.requests for result in results), confirmed=True)


def is_lost(error: Exception) -> bool:
    """Return whether an error rules out further requests to a source in this run."""
    return isinstance(error, BlockedError | UnreachableError)
