"""Schedule requests for candles and open interest of all symbols. The only writer of this data."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from liqcli.ingest.fetch.market_requests import MarketBatch, MarketWindowResult
from liqcli.ingest.fetch.request_runner import Clients
from liqcli.ingest.fetch.worker_pool import WorkerPool
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.sources.market_base import Memo
from liqcli.sources.stale_answers import StaleAnswerDetector

TITLE = "{} market"  # name of a source in the progress

Result = TypeVar("Result")
Asking = Generator[MarketBatch, None, Result]  # yields a batch, and is resumed when the batch is done


class MarketScheduler:
    """
    Runs the batches of many symbols at once; each symbol continues as soon as its batch is done.

    Attributes
    ----------
    lost : dict
        Source -> why it cannot be used for the rest of the run.
    repeated : list of MarketWindowResult
        Results of requests that were repeated after their first answer had been accepted.
    """

    def __init__(self, lake: Lake, progress: Progress) -> None:
        self.lost: dict[str, str] = {}
        self.repeated: list[MarketWindowResult] = []
        self._lake = lake
        self._progress = progress
        self._clients = Clients(progress, TITLE)
        self._pool: WorkerPool[MarketWindowResult] = WorkerPool(only_trip_on_block=True)
        self._memo: Memo = {}
        self._detector: StaleAnswerDetector[MarketWindowResult] = StaleAnswerDetector()
        self._open: dict[MarketBatch, int | None] = {}  # batch -> number of the symbol that waits for it, if any

    def run(self, symbols: Sequence[Asking[Result]]) -> list[Result]:
        """Run all symbols to their end; return their results in the same order."""
        found: dict[int, Result] = {}
        try:
            for number in range(len(symbols)):
                self._resume(symbols, number, found)
            for result in self._pool.results():
                if result is None or not self._accept(result):
                    continue
                waiting = self._open[result.batch]
                if waiting is None:
                    result.batch.store(self._lake)
                    self.repeated.append(result)
                else:
                    self._resume(symbols, waiting, found)
                del self._open[result.batch]  # last, so that an interrupt before this line still stores the batch
        finally:  # on an interrupt, keep what was answered
            self._pool.stop()
            for result in self._pool.drain():
                if self._detector.find(result) is None:
                    result.batch.add(result, self._lake)
            for batch in self._open:
                batch.store(self._lake)
            self._clients.close()
        return [found[number] for number in range(len(symbols))]

    def _resume(self, symbols: Sequence[Asking[Result]], number: int, found: dict[int, Result]) -> None:
        """Resume a symbol and request the first window of its next batch."""
        try:
            batch = next(symbols[number])
        except StopIteration as end:
            found[number] = end.value
        else:
            self._progress.plan(TITLE.format(batch.source.name), len(batch.windows))
            self._open[batch] = number
            self._submit(batch, 0)

    def _submit(self, batch: MarketBatch, number: int) -> None:
        task = batch.request(number, self._clients, self._memo)
        self._pool.put(batch.source.name, self._clients.workers(batch.source), task)

    def _submit_confirmed(self, batch: MarketBatch, number: int) -> None:
        task = batch.confirmed_request(number, self._clients, self._memo)
        self._pool.put(batch.source.name, self._clients.workers(batch.source), task, alone=True)

    def _accept(self, result: MarketWindowResult) -> bool:
        """Add a result, or repeat the request if another had the same answer; return whether the batch is done."""
        batch = result.batch
        if (other := self._detector.find(result)) is not None:
            batch.requests += result.requests
            self._submit_confirmed(batch, result.number)
            if not other.confirmed:
                self._repeat(other)
            return False
        if batch.finished == 0:
            for number in range(1, len(batch.windows)):
                self._submit(batch, number)
        self._report(result)
        batch.add(result, self._lake)
        return batch.done

    def _repeat(self, result: MarketWindowResult) -> None:
        """Repeat a request whose answer was accepted but may be wrong; the new rows replace the stored ones."""
        batch = result.batch
        batch.store(self._lake)
        again = MarketBatch(batch.source, batch.kind, batch.symbol, batch.interval, [result.window])
        self._open[again] = None
        self._submit_confirmed(again, 0)

    def _report(self, result: MarketWindowResult) -> None:
        source = result.batch.source.name
        if result.rows is not None and self._open[result.batch] is not None:
            self._progress.advance(TITLE.format(source), len(result.rows))
        if result.error:
            self._progress.fail(TITLE.format(source), result.error)
        if result.error and result.lost:
            self.lost.setdefault(source, result.error)
