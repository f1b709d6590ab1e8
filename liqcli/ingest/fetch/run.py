"""Fetch what the lake does not have, and store it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence

from liqcli.core.errors import DamagedError
from liqcli.core.intervals import Intervals
from liqcli.core.model import Window
from liqcli.core.symbols import EVERY, normalise_symbol, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch.kinds import KINDS
from liqcli.ingest.fetch.scheduler import Job, Scheduler
from liqcli.ingest.fetch.source_selection import check_perpetual
from liqcli.ingest.fetch.summary import FetchSummary
from liqcli.ingest.fetch.tasks import Scope, Target, Task
from liqcli.ingest.fetch.worker_pool import raise_keyboard_interrupt
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake

FLUSH_S = 1.0
WHOLE_FLUSH_S = 30.0  # of all symbols, whose hundreds of files take longer to write than their requests

Say = Callable[[str], None]


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
    kinds: Sequence[str] = ("liquidations",),
    interval: str = "1m",
    wallets: Sequence[str] = (),
) -> FetchSummary:
    """
    Fetch the parts of a window [UTC] that the lake does not have, and store them.

    Answered windows are written about every second (of all symbols, every half minute) and when the run is interrupted.
    A killed run loses little, and a later run continues where it stopped.

    Parameters
    ----------
    symbols : sequence of str
        In any spelling. For liquidations a base alone (``SOL``) means every contract on it, ``all`` every contract of
        the sources that answer for all at once, and the default is BTCUSDT, ETHUSDT, SOLUSDT, or the contracts of each
        source on their bases; other kinds need symbols with a quote.
    sources : sequence of str
        Sources of liquidations. Default: every source that needs no key.
    exchanges : sequence of str
        For candles and open interest tried in this order, ignoring those without such data. Default: binance, bybit,
        okx, gate.
    say : callable
        Prints progress lines.
    flush_s : float
        Maximum time that answers stay in memory. [s]
    progress : Progress, optional
        Receives progress per source. Default: lines go to ``say``.
    again : bool
        Also fetch what is complete; damaged files are quarantined first.
    kinds : sequence of str
        Keys of :data:`~liqcli.ingest.fetch.kinds.KINDS`.
    interval : str
        Length of candles, ``1m`` to ``1d``.
    wallets : sequence of str
        Addresses to fetch positions of.

    Raises
    ------
    UsageError
        Unknown name; nothing was requested.
    LakeError, DamagedError
        The lake cannot be written or read.
    KeyboardInterrupt
        Ctrl-C or SIGTERM; answered windows are stored.
    """
    symbols = list(dict.fromkeys(map(normalise_symbol, symbols)))
    check_perpetual(symbols)
    scope = Scope(window, symbols, sources, exchanges, interval, again, tuple(wallets))
    whole = EVERY in symbols
    scheduler = Scheduler(lake, progress or Progress(say), max(flush_s, WHOLE_FLUSH_S) if whole else flush_s)
    try:
        with raise_keyboard_interrupt():
            # A symbol's kinds are fetched in turn: the second can use what the first learned about the contract.
            groups: dict[object, list[Target]] = {}
            for kind in kinds:
                for target in KINDS[kind](scope, scheduler):
                    groups.setdefault((target.row.symbol, target.exchanges, target.row.sources), []).append(target)
            scheduler.run([_fetch_targets(scheduler, targets, again) for targets in groups.values()])
    finally:
        scheduler.close()
    rows = tuple(row for targets in groups.values() for target in targets for row in target.kind.list_rows(target))
    kinds_used = dict.fromkeys(target.kind for targets in groups.values() for target in targets)
    notes = tuple(note for kind in kinds_used for note in kind.list_notes())
    return FetchSummary(window, rows, notes, whole)


def spell_out(words: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Add quotes to symbols; a base alone means its listed contracts, otherwise its USDT contract."""
    found: list[str] = []
    for word in map(normalise_symbol, words):
        on_base = [name for name in listed if split_symbol(name)[0] == word != name]  # not a base that failed
        found += [word] if split_symbol(word)[1] else on_base or [f"{word}USDT"]
    return list(dict.fromkeys(found))


def _fetch_targets(scheduler: Scheduler, targets: Sequence[Target], again: bool) -> Job:
    for target in targets:
        yield from _fetch_target(scheduler, target, again)


def _fetch_target(scheduler: Scheduler, target: Target, again: bool) -> Job:
    """Fetch a target from the first exchange that has all of it; series of two exchanges are never mixed."""
    kind, row = target.kind, target.row
    for exchange in () if again else target.exchanges:
        with contextlib.suppress(DamagedError):
            if not kind.find_missing(scheduler.lake, exchange, row.symbol, target.window):
                row.exchange = exchange
                return
    row.holes = whole = Intervals([row.window.interval])
    for exchange in target.exchanges:
        try:
            answered = yield from _fetch_exchange(scheduler, target, exchange, again)
        except DamagedError as error:
            target.note_damage(exchange, str(error))
            continue
        if answered and row.holes != whole:
            return
        if exchange != target.exchanges[-1]:
            why = row.troubles[-1] if row.troubles else "incomplete"
            if why not in scheduler.pool.tripped.values():  # the summary names unusable sources
                scheduler.progress.say(f"{exchange} {kind.name} {row.symbol}: {why}; trying the next exchange")


def _fetch_exchange(scheduler: Scheduler, target: Target, exchange: str, again: bool) -> Generator[Task, None, bool]:
    """Request what is missing from the sources of one exchange in turn; return whether all of it was answered."""
    kind, row, window, lake = target.kind, target.row, target.window, scheduler.lake
    if again:
        kind.prepare_refetch(lake, exchange, row.symbol, window, scheduler.progress.say)
        missing = Intervals([window.interval])
    else:
        missing = Intervals(gap.interval for gap in kind.find_missing(lake, exchange, row.symbol, window))
    sources: dict[str, None] = {}
    for source in kind.list_sources(exchange):
        if not missing:
            break
        plan = kind.plan(source, row.symbol, [Window(*gap) for gap in missing], now_us())
        target.note_plan(plan)
        if not plan.windows:
            continue
        if kind.substitutes and (tripped := scheduler.pool.tripped.get(source.title)):
            row.troubles.append(tripped)
            continue
        task = Task(target, exchange, source, plan.windows, kind.stops(source))
        row.planned += len(task.windows)
        yield task
        scheduler.writer.store(task)
        if task.damage:
            raise DamagedError(task.damage)
        target.note_task(task)
        missing -= [part.interval for part in task.answered]
        if task.answered:
            sources[source.name] = None
    holes = Intervals(hole.interval for hole in kind.find_holes(lake, exchange, row.symbol, row.window))
    if not row.exchange or holes.length < row.holes.length:
        row.exchange, row.holes, row.unanswered = exchange, holes, len(missing)
        row.sources = tuple(sources) if kind.substitutes else row.sources
    return not missing
