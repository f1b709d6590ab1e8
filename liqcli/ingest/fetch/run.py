"""One fetch from beginning to end. The main thread plans and writes; each source is asked by a few threads of its own.

Complete windows reach the lake every second or so and when the run is interrupted, so a run that is killed loses little
and a later run goes on from there.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.model import Window
from liqcli.core.symbols import normalise_symbol, split_symbol
from liqcli.core.times import cut_future, now_us
from liqcli.ingest.fetch.planner import Plan, plan_windows
from liqcli.ingest.fetch.request_runner import Clients, MarketListing, WindowResult, list_windows, resolve
from liqcli.ingest.fetch.source_selection import Pair, check_listed, check_perpetual, select_pairs
from liqcli.ingest.fetch.tasks import FetchSummary, FetchTask, sum_up
from liqcli.ingest.fetch.worker_pool import Question, WorkerPool, raise_keyboard_interrupt
from liqcli.ingest.fetch.writer import Writer
from liqcli.ingest.progress import Progress
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.store import Lake
from liqcli.sources.base import Source

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEFAULT_BASES = ("BTC", "ETH", "SOL")  # where no asked source lists one of those: Kraken, Deribit, dYdX quote in USD
FLUSH_S = 1.0
WRITING_SHARE = 5  # asking goes on so many times as long as the last writing took: large files are rewritten whole

Say = Callable[[str], None]
Planner = Callable[[Source, str, str], Plan]  # source, exchange, symbol


class _Run(NamedTuple):
    """What one fetch works with from beginning to end."""

    lake: Lake
    clients: Clients
    crew: WorkerPool[MarketListing | WindowResult]
    progress: Progress

    def put(self, source: Source, question: Question[MarketListing | WindowResult]) -> None:
        """Have a source asked, by as many threads as it may be."""
        self.crew.put(source.name, self.clients.workers(source), question)


def fetch(
    lake: Lake,
    window: Window,
    symbols: Sequence[str] = (),
    sources: Sequence[str] = (),
    exchanges: Sequence[str] = (),
    say: Say = lambda _line: None,
    flush_s: float = FLUSH_S,
    progress: Progress | None = None,
    again: bool = False,
) -> FetchSummary:
    """
    Get what the lake lacks of a window from the sources, and store it.

    Parameters
    ----------
    lake : Lake
        Where to store; its window memory says what is lacking.
    window : Window
        What is wanted. [UTC]
    symbols : sequence of str
        In any spelling; a bare base (``SOL``) means every contract on it. None: what is usual, as each source has it.
    sources, exchanges : sequence of str
        Names; none given means every source that needs no key.
    say : callable
        Takes lines of narration.
    flush_s : float
        At most so long are answers kept in memory. [s]
    progress : Progress, optional
        Is told how far each source is; none: lines go to ``say``.
    again : bool
        Ask also for what the lake believes complete; files that cannot be read are set aside first.

    Raises
    ------
    UsageError
        A name that nobody knows; nothing was asked for liquidations.
    LakeError, DamagedError
        The lake cannot be written or read.
    KeyboardInterrupt
        Ctrl-C or SIGTERM; complete windows are stored.
    """
    words = [normalise_symbol(text) for text in dict.fromkeys(symbols)] or list(DEFAULT_SYMBOLS)
    check_perpetual(words)
    pairs = select_pairs(sources, exchanges, window, words, say)
    progress = progress or Progress(say)
    past = cut_future(window, now_us())
    run = _Run(lake, Clients(progress), WorkerPool(), progress)
    try:
        with raise_keyboard_interrupt():
            plan = partial(_plan, lake, window, progress.say if again else None)
            jobs = _make_jobs(run, plan, pairs, words) if symbols else _make_usual_jobs(run, plan, pairs)
            _ask_all(run, jobs, flush_s)
    finally:
        run.crew.stop()
        run.clients.close()
    memories = (try_fetch_log(lake, job.exchange, job.symbol, job.source.name)[0] for job in jobs)
    return FetchSummary(window, tuple(sum_up(job, past, memory) for job, memory in zip(jobs, memories, strict=True)))


def _make_usual_jobs(run: _Run, plan: Planner, pairs: Sequence[Pair]) -> list[FetchTask]:
    """Plan what somebody wants who names no symbol: never an error, and each source's own contracts if need be."""
    try:
        return _make_jobs(run, plan, pairs, DEFAULT_SYMBOLS)
    except UsageError:  # a symbol that no source lists
        return _make_jobs(run, plan, pairs, DEFAULT_BASES, must_be_listed=False)


def _make_jobs(
    run: _Run, plan: Planner, pairs: Sequence[Pair], words: Sequence[str], must_be_listed: bool = True
) -> list[FetchTask]:
    """Plan each symbol; contracts are only looked up where something can be asked for."""
    jobs: list[FetchTask] = []
    open_words: dict[int, list[str]] = defaultdict(list)
    for number, (source, exchange) in enumerate(pairs):
        for word in words:
            planned = plan(source, exchange, word) if split_symbol(word)[1] else None
            if planned is None or planned.windows:
                open_words[number].append(word)
            else:
                jobs.append(_job(source, exchange, word, planned))
    for number in open_words:
        run.progress.plan(pairs[number][0].name, 0)
    resolved = _resolve_all(run, [(pairs[number], wanted) for number, wanted in open_words.items()])
    unlisted: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for answer in resolved:
        wanted = open_words[pairs.index((answer.source, answer.exchange))]
        jobs += _jobs_of(plan, answer, wanted, unlisted)
    failed = sum(answer.listing is None for answer in resolved)
    if must_be_listed:
        check_listed(unlisted, len(pairs), failed)
    for answer in resolved:
        if answer.error:
            run.progress.fail(answer.source.name, answer.error)
        if answer.listing is not None:
            sizes = {m.instrument: m.contract_size for m in answer.listing.markets.values() if m.contract_size}
            _write_contracts(run, answer.exchange, sizes)
    order = [(source.name, exchange) for source, exchange in pairs]
    return sorted(jobs, key=lambda job: (order.index((job.source.name, job.exchange)), _rank(job.symbol, words)))


def _jobs_of(
    plan: Planner, answer: MarketListing, wanted: Sequence[str], unlisted: dict[str, list[tuple[str, ...]]]
) -> Iterator[FetchTask]:
    markets = answer.listing.markets if answer.listing else {}
    first = True
    for word in wanted:
        symbols = [symbol for symbol in markets if symbol == word or split_symbol(symbol)[0] == word]
        for symbol in symbols or [word]:
            job = _job(answer.source, answer.exchange, symbol, plan(answer.source, answer.exchange, symbol))
            job.market = markets.get(symbol)
            job.requests = answer.requests if first else 0
            job.error = answer.error
            first = False
            if job.market is None:
                job.windows = ()
                if answer.listing is not None:
                    unlisted[word].append(answer.listing.names)
                    job.notes, job.gaps = [f"does not list {word}"], []
            yield job


def _job(source: Source, exchange: str, symbol: str, plan: Plan) -> FetchTask:
    notes, gaps = list(plan.notes), list(plan.gaps)
    return FetchTask(source, exchange, symbol, windows=plan.windows, notes=notes, gaps=gaps, damage=plan.damage)


def _write_contracts(run: _Run, exchange: str, sizes: Mapping[str, float]) -> None:
    """Remember contract sizes; a damaged list of them is only said: nothing that is fetched depends on it."""
    try:
        run.lake.write_contracts(exchange, sizes)
    except DamagedError as error:
        run.progress.say(str(error))


def _plan(lake: Lake, window: Window, again: Say | None, source: Source, exchange: str, symbol: str) -> Plan:
    """Plan what the lake lacks of a window; where ``again`` is told about it, all of the window."""
    missing = [window]
    if again is None:
        try:
            missing = lake.read_fetch_log(exchange, symbol, source.name).missing(window)
        except DamagedError as error:
            return Plan(damage=str(error))
    else:
        from liqcli.ingest.fetch.refetch import prepare_refetch

        prepare_refetch(lake, exchange, symbol, source.name, window, again)
    return plan_windows(source, missing, now_us())


def _rank(symbol: str, words: Sequence[str]) -> tuple[int, str]:
    base = split_symbol(symbol)[0]
    return (words.index(symbol) if symbol in words else words.index(base) if base in words else len(words)), symbol


def _resolve_all(run: _Run, asked: Sequence[tuple[Pair, Sequence[str]]]) -> list[MarketListing]:
    """Ask all sources at once which contracts they list."""
    for (source, exchange), wanted in asked:
        run.put(source, partial(resolve, source, exchange, wanted, run.clients))
    answers = [message for message in run.crew.listen() if isinstance(message, MarketListing)]
    return sorted(answers, key=lambda answer: (answer.source.name, answer.exchange))


def _ask_all(run: _Run, jobs: Sequence[FetchTask], flush_s: float) -> None:
    """Ask and write until all has been answered, or until the user has enough."""
    for job in jobs:
        if job.windows:
            run.progress.plan(job.source.name, len(job.windows))
    for source, question in list_windows(jobs, run.clients):
        run.put(source, question)
    writer = Writer(run.lake, jobs, run.progress)
    try:
        due_s = time.monotonic() + flush_s
        for message in run.crew.listen():
            if isinstance(message, WindowResult):
                writer.take(message)
            began_s = time.monotonic()
            if began_s >= due_s or writer.is_full():
                writer.flush()
                ended_s = time.monotonic()
                due_s = ended_s + max(flush_s, WRITING_SHARE * (ended_s - began_s))
    finally:
        run.crew.stop()
        for message in run.crew.drain():  # what came in while the last thing was written
            if isinstance(message, WindowResult):
                writer.take(message)
        writer.flush()
        writer.write_rejected()
