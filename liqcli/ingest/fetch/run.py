"""Fetch liquidations: the main thread plans and writes, a few threads per source send requests.

Answered windows are written about every second and when the run is interrupted. A killed run loses little, and a later
run continues where it stopped.
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
from liqcli.ingest.fetch.worker_pool import Task, WorkerPool, raise_keyboard_interrupt
from liqcli.ingest.fetch.writer import Writer
from liqcli.ingest.progress import Progress
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.store import Lake
from liqcli.sources.base import Source

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEFAULT_BASES = ("BTC", "ETH", "SOL")  # if no source lists these symbols: Kraken, Deribit and dYdX quote in USD
FLUSH_S = 1.0
WRITING_SHARE = 5  # wait at least this many times the duration of the last write, which rewrites whole files

Say = Callable[[str], None]
Planner = Callable[[Source, str, str], Plan]  # source, exchange, symbol


class _Run(NamedTuple):
    """State of one run."""

    lake: Lake
    clients: Clients
    pool: WorkerPool[MarketListing | WindowResult]
    progress: Progress

    def put(self, source: Source, task: Task[MarketListing | WindowResult]) -> None:
        """Submit a task of a source, to as many threads as its rate limit supports."""
        self.pool.put(source.name, self.clients.workers(source), task)


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
    Fetch liquidations of a window that the lake does not have, and store them.

    Parameters
    ----------
    lake : Lake
        Lake to fill. Its fetch log determines what is missing.
    window : Window
        Window to fetch. [UTC]
    symbols : sequence of str
        In any spelling; a base alone (``SOL``) means every contract on it. Default: BTCUSDT, ETHUSDT, SOLUSDT, or the
        contracts of each source on their bases.
    sources, exchanges : sequence of str
        Names. Default: every source that needs no key.
    say : callable
        Prints progress lines.
    flush_s : float
        Maximum time that answers stay in memory. [s]
    progress : Progress, optional
        Receives progress per source. Default: lines go to ``say``.
    again : bool
        Also fetch what is complete; damaged files are quarantined first.

    Raises
    ------
    UsageError
        Unknown name; no liquidations were requested.
    LakeError, DamagedError
        The lake cannot be written or read.
    KeyboardInterrupt
        Ctrl-C or SIGTERM; answered windows are stored.
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
            tasks = _build_tasks(run, plan, pairs, words) if symbols else _build_default_tasks(run, plan, pairs)
            _request_all(run, tasks, flush_s)
    finally:
        run.pool.stop()
        run.clients.close()
    logs = (try_fetch_log(lake, task.exchange, task.symbol, task.source.name)[0] for task in tasks)
    return FetchSummary(window, tuple(sum_up(task, past, log) for task, log in zip(tasks, logs, strict=True)))


def _build_default_tasks(run: _Run, plan: Planner, pairs: Sequence[Pair]) -> list[FetchTask]:
    """Plan the default symbols, or each source's own contracts on their bases; never fails."""
    try:
        return _build_tasks(run, plan, pairs, DEFAULT_SYMBOLS)
    except UsageError:  # a symbol that no source lists
        return _build_tasks(run, plan, pairs, DEFAULT_BASES, must_be_listed=False)


def _build_tasks(
    run: _Run, plan: Planner, pairs: Sequence[Pair], words: Sequence[str], must_be_listed: bool = True
) -> list[FetchTask]:
    """Plan each symbol; contracts are looked up only if there is something to request."""
    tasks: list[FetchTask] = []
    open_words: dict[int, list[str]] = defaultdict(list)
    for number, (source, exchange) in enumerate(pairs):
        for word in words:
            planned = plan(source, exchange, word) if split_symbol(word)[1] else None
            if planned is None or planned.windows:
                open_words[number].append(word)
            else:
                tasks.append(_task(source, exchange, word, planned))
    for number in open_words:
        run.progress.plan(pairs[number][0].name, 0)
    resolved = _resolve_all(run, [(pairs[number], wanted) for number, wanted in open_words.items()])
    unlisted: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for answer in resolved:
        wanted = open_words[pairs.index((answer.source, answer.exchange))]
        tasks += _tasks_of(plan, answer, wanted, unlisted)
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
    return sorted(tasks, key=lambda task: (order.index((task.source.name, task.exchange)), _rank(task.symbol, words)))


def _tasks_of(
    plan: Planner, answer: MarketListing, wanted: Sequence[str], unlisted: dict[str, list[tuple[str, ...]]]
) -> Iterator[FetchTask]:
    markets = answer.listing.markets if answer.listing else {}
    first = True
    for word in wanted:
        symbols = [symbol for symbol in markets if symbol == word or split_symbol(symbol)[0] == word]
        for symbol in symbols or [word]:
            task = _task(answer.source, answer.exchange, symbol, plan(answer.source, answer.exchange, symbol))
            task.market = markets.get(symbol)
            task.requests = answer.requests if first else 0
            task.error = answer.error
            first = False
            if task.market is None:
                task.windows = ()
                if answer.listing is not None:
                    unlisted[word].append(answer.listing.names)
                    task.notes, task.gaps = [f"does not list {word}"], []
            yield task


def _task(source: Source, exchange: str, symbol: str, plan: Plan) -> FetchTask:
    notes, gaps = list(plan.notes), list(plan.gaps)
    return FetchTask(source, exchange, symbol, windows=plan.windows, notes=notes, gaps=gaps, damage=plan.damage)


def _write_contracts(run: _Run, exchange: str, sizes: Mapping[str, float]) -> None:
    """Store contract sizes; a damaged file of them is only reported, because no fetch depends on it."""
    try:
        run.lake.write_contracts(exchange, sizes)
    except DamagedError as error:
        run.progress.say(str(error))


def _plan(lake: Lake, window: Window, again: Say | None, source: Source, exchange: str, symbol: str) -> Plan:
    """Plan the missing parts of a window, or, with ``again``, all of it; ``again`` prints what is quarantined."""
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
    """Request the listed contracts of all sources at once."""
    for (source, exchange), wanted in asked:
        run.put(source, partial(resolve, source, exchange, wanted, run.clients))
    answers = [message for message in run.pool.results() if isinstance(message, MarketListing)]
    return sorted(answers, key=lambda answer: (answer.source.name, answer.exchange))


def _request_all(run: _Run, tasks: Sequence[FetchTask], flush_s: float) -> None:
    """Request and write until every window is answered or the user interrupts."""
    for planned in tasks:
        if planned.windows:
            run.progress.plan(planned.source.name, len(planned.windows))
    for source, task in list_windows(tasks, run.clients):
        run.put(source, task)
    writer = Writer(run.lake, tasks, run.progress)
    try:
        due_s = time.monotonic() + flush_s
        for message in run.pool.results():
            if isinstance(message, WindowResult):
                writer.add(message)
            began_s = time.monotonic()
            if began_s >= due_s or writer.is_full():
                writer.flush()
                ended_s = time.monotonic()
                due_s = ended_s + max(flush_s, WRITING_SHARE * (ended_s - began_s))
    finally:
        run.pool.stop()
        for message in run.pool.drain():  # arrived during the last write
            if isinstance(message, WindowResult):
                writer.add(message)
        writer.flush()
        writer.write_rejected()
