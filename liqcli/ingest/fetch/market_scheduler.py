"""The desk: takes all symbols on together, has their batches asked, and is the only one that writes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from liqcli.ingest.fetch.market_requests import MarketBatch, MarketWindowResult, StaleAnswerDetector
from liqcli.ingest.fetch.request_runner import Clients
from liqcli.ingest.fetch.worker_pool import WorkerPool
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.sources.market_base import Memo

TITLE = "{} market"  # what progress calls a place

Result = TypeVar("Result")
Asking = Generator[MarketBatch, None, Result]  # yields what is to be asked for, and goes on when it has been answered


class MarketScheduler:
    """
    Hands out questions of many symbols at once; a symbol goes on as soon as its batch has been answered.

    ``lost`` says why places cannot be asked any more; ``mended`` are answers to windows that were asked for anew.
    """

    def __init__(self, lake: Lake, progress: Progress) -> None:
        self.lost: dict[str, str] = {}
        self.mended: list[MarketWindowResult] = []
        self._lake = lake
        self._progress = progress
        self._clients = Clients(progress, TITLE)
        self._crew: WorkerPool[MarketWindowResult] = WorkerPool(patient=True)
        self._memo: Memo = {}
        self._echoes = StaleAnswerDetector()
        self._open: dict[MarketBatch, int | None] = {}  # batch -> the symbol that waits for it; None: nobody

    def work(self, symbols: Sequence[Asking[Result]]) -> list[Result]:
        """Ask until every symbol is done; gives what came of each, in their order."""
        found: dict[int, Result] = {}
        try:
            for number in range(len(symbols)):
                self._go_on(symbols, number, found)
            for said in self._crew.listen():
                if said is None or not self._hear(said):
                    continue
                waits = self._open[said.batch]
                if waits is None:
                    self._mend(said)
                else:
                    self._go_on(symbols, waits, found)
                del self._open[said.batch]  # only now: until here an interrupt would still store it
        finally:  # when interrupted: what was answered is kept
            self._crew.stop()
            for said in self._crew.drain():
                if self._echoes.find(said) is None:
                    said.batch.take(said, self._lake)
            for batch in self._open:
                batch.store(self._lake)
            self._clients.close()
        return [found[number] for number in range(len(symbols))]

    def _go_on(self, symbols: Sequence[Asking[Result]], number: int, found: dict[int, Result]) -> None:
        """Let a symbol say what it wants next; the first window of a batch is asked for alone."""
        try:
            batch = next(symbols[number])
        except StopIteration as end:
            found[number] = end.value
        else:
            self._progress.plan(TITLE.format(batch.source.name), len(batch.windows))
            self._open[batch] = number
            self._ask(batch, 0)

    def _ask(self, batch: MarketBatch, number: int) -> None:
        question = batch.question(number, self._clients, self._memo)
        self._crew.put(batch.source.name, self._clients.workers(batch.source), question)

    def _hear(self, said: MarketWindowResult) -> bool:
        """Take an answer; says whether it was the last one of its batch."""
        batch = said.batch
        if (other := self._echoes.find(said)) is not None:
            batch.requests += said.requests
            self._make_sure(batch, said.number)
            if not other.sure:
                self._ask_anew(other)
            return False
        if batch.heard == 0:
            for number in range(1, len(batch.windows)):
                self._ask(batch, number)
        self._tell(said)
        batch.take(said, self._lake)
        return batch.done

    def _ask_anew(self, said: MarketWindowResult) -> None:
        """Ask again for a window that was taken already, maybe wrongly: what comes replaces what is stored."""
        batch = said.batch
        batch.store(self._lake)
        mending = MarketBatch(batch.source, batch.kind, batch.symbol, batch.interval, [said.window])
        self._open[mending] = None
        self._make_sure(mending, 0)

    def _make_sure(self, batch: MarketBatch, number: int) -> None:
        question = batch.confirmed_request(number, self._clients, self._memo)
        self._crew.put(batch.source.name, self._clients.workers(batch.source), question, alone=True)

    def _mend(self, said: MarketWindowResult) -> None:
        said.batch.store(self._lake)
        self.mended.append(said)

    def _tell(self, said: MarketWindowResult) -> None:
        place = said.batch.source.name
        if said.rows is not None and self._open[said.batch] is not None:
            self._progress.advance(TITLE.format(place), len(said.rows))
        if said.error:
            self._progress.fail(TITLE.format(place), said.error)
        if said.error and said.lost:
            self.lost.setdefault(place, said.error)
