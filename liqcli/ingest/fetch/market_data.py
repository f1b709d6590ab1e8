"""Fetch candles and open interest: per symbol from one exchange, or the next one if it refuses or does not list it.

Series of two exchanges are never mixed, so the next exchange gets a request for the whole window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from liqcli.core.errors import DamagedError
from liqcli.core.intervals import subtract_intervals
from liqcli.core.market_data import INTERVAL_US
from liqcli.core.model import Window
from liqcli.core.symbols import normalise_symbol, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch.market_requests import MarketBatch
from liqcli.ingest.fetch.market_scheduler import Asking, MarketScheduler
from liqcli.ingest.fetch.planner import align_window_to_step, find_gaps
from liqcli.ingest.fetch.source_selection import check_perpetual
from liqcli.ingest.fetch.tasks import MarketRow, length_of
from liqcli.ingest.fetch.worker_pool import raise_keyboard_interrupt
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.sources.market_base import SNAPSHOT_US, MarketSource
from liqcli.sources.registry import MARKET_SOURCES, load_market_sources

KINDS = {"candles": "candles", "open-interest": "open_interest"}  # as a user writes it -> as the lake does

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Run:
    """State of one run."""

    lake: Lake
    progress: Progress
    interval: str
    again: bool
    scheduler: MarketScheduler

    def skip_candidate(self, exchange: str, row: MarketRow) -> None:
        """Print why the next exchange is tried, except for sources that the summary names as unusable."""
        why = row.troubles[-1] if row.troubles else "incomplete"
        if why not in self.scheduler.lost.values():
            self.progress.say(f"{exchange} {row.kind} {row.symbol}: {why}; trying the next exchange")


def fetch_market(
    lake: Lake,
    window: Window,
    symbols: Sequence[str],
    kinds: Sequence[str],
    exchanges: Sequence[str] = (),
    interval: str = "1m",
    say: Say = lambda _line: None,
    progress: Progress | None = None,
    again: bool = False,
) -> list[MarketRow]:
    """
    Fetch candles and open interest that the lake does not have, and store them.

    Parameters
    ----------
    symbols : sequence of str
        Canonical symbols with a quote.
    kinds : sequence of str
        ``candles``, ``open-interest`` or both.
    exchanges : sequence of str
        Tried in this order, ignoring those without such data. Default: binance, bybit, okx, gate.
    interval : str
        Length of candles, ``1m`` to ``1d``.
    progress : Progress, optional
        Receives progress per source. Default: lines go to ``say``.
    again : bool
        Also fetch what is stored; damaged files are quarantined first.

    Raises
    ------
    LakeError
        The lake cannot be written.
    KeyboardInterrupt
        Ctrl-C or SIGTERM; answered windows are stored.
    """
    check_perpetual(symbols)
    chosen = [name for name in exchanges if name in MARKET_SOURCES] or list(MARKET_SOURCES)
    progress = progress or Progress(say)
    scheduler = MarketScheduler(lake, progress)
    run = _Run(lake, progress, interval, again, scheduler)
    with raise_keyboard_interrupt():
        found = scheduler.run([_fetch_symbol(run, symbol, kinds, window, chosen) for symbol in dict.fromkeys(symbols)])
    rows = {(row.symbol, row.kind): row for symbol_rows in found for row in symbol_rows}
    for result in scheduler.repeated:
        row = rows[result.batch.symbol, result.batch.kind]
        row.requests += result.requests
        if result.rows is None:
            row.missing += 1
            row.troubles.append(
                f"{result.batch.source.name} gave {row.symbol} the rows of another request: {result.error}"
            )
    return list(rows.values())


def spell_out(words: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Add quotes to symbols; a base alone means its listed contracts, otherwise its USDT contract."""
    found: list[str] = []
    for word in map(normalise_symbol, words):
        on_base = [name for name in listed if split_symbol(name)[0] == word]
        found += [word] if split_symbol(word)[1] else on_base or [f"{word}USDT"]
    return list(dict.fromkeys(found))


def _fetch_symbol(
    run: _Run, symbol: str, kinds: Sequence[str], window: Window, exchanges: Sequence[str]
) -> Asking[list[MarketRow]]:
    """Fetch all kinds of a symbol in turn, so that the second can use what the first learned about the contract."""
    rows = []
    for kind in kinds:
        rows.append((yield from _fetch_kind(run, kind, symbol, window, exchanges)))
    return rows


def _fetch_kind(run: _Run, kind: str, symbol: str, window: Window, exchanges: Sequence[str]) -> Asking[MarketRow]:
    step_us = INTERVAL_US[run.interval] if kind == "candles" else SNAPSHOT_US
    whole = align_window_to_step(KINDS[kind], window, step_us, now_us())
    row = MarketRow(kind, symbol, whole=whole)
    for exchange in () if run.again else exchanges:
        try:
            if whole.length_us and _gaps(run, kind, exchange, symbol, whole, step_us):
                continue
        except DamagedError:
            continue
        row.exchange, row.usable = exchange, True  # already complete
        return row
    row.holes = [whole]
    for exchange in exchanges:
        try:
            found = yield from _fetch_exchange(run, row, exchange, whole, step_us)
        except DamagedError as error:
            row.troubles.append(f"{exchange}: {error}")
            continue
        if not row.exchange or length_of(found.holes) < length_of(row.holes):
            row.exchange, row.places, row.missing, row.holes = exchange, found.places, found.missing, found.holes
        row.usable = row.holes != [whole]
        if row.usable and not found.missing:
            break
        if exchange != exchanges[-1]:
            run.skip_candidate(exchange, row)
    return row


class _Found(NamedTuple):
    """Result of one exchange: sources that answered, number of unanswered stretches, gaps left in the lake."""

    places: list[str]
    missing: int
    holes: list[Window]


def _fetch_exchange(run: _Run, row: MarketRow, exchange: str, whole: Window, step_us: int) -> Asking[_Found]:
    """Request the gaps from the sources of one exchange in turn."""
    gaps = [gap.interval for gap in _list_wanted(run, row.kind, exchange, row.symbol, whole, step_us)]
    places: list[str] = []
    for source in load_market_sources(exchange):
        if gaps:
            answered = yield from _fetch_from(run, row, source, [Window(*gap) for gap in gaps], step_us)
            gaps = subtract_intervals(gaps, [window.interval for window in answered])
            places += [source.name] if answered and source.name not in places else []
    return _Found(places, len(gaps), _gaps(run, row.kind, exchange, row.symbol, whole, step_us))


def _fetch_from(
    run: _Run, row: MarketRow, source: MarketSource, gaps: Sequence[Window], step_us: int
) -> Asking[list[Window]]:
    """Request all windows that a source can answer and store the rows; return the answered windows."""
    if row.kind == "candles" and run.interval not in source.intervals:
        row.troubles.append(f"{source.name} has no candles of {run.interval}")
        return []
    now = now_us()
    if row.kind == "candles":
        windows = [w for gap in gaps for w in source.cut_candles(gap, step_us, now)]
    else:
        windows = [w for gap in gaps for w in source.cut_open_interest(gap, now)]
    batch = MarketBatch(source, row.kind, row.symbol, run.interval, list(dict.fromkeys(windows)))
    if not windows:
        return []
    if source.name in run.scheduler.lost:
        row.troubles.append(run.scheduler.lost[source.name])
        return []
    row.planned += len(batch.windows)
    yield batch
    batch.store(run.lake)
    row.requests += batch.requests
    row.rows += batch.rows
    row.answered += len(batch.answered)
    row.troubles += batch.list_problems()
    return batch.answered


def _list_wanted(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    """List the windows to request: the gaps, or everything if damaged files are to be replaced."""
    if not run.again:
        return _gaps(run, kind, exchange, symbol, whole, step_us)
    from liqcli.ingest.fetch.refetch import prepare_market_refetch

    interval = run.interval if kind == "candles" else ""
    prepare_market_refetch(run.lake, KINDS[kind], exchange, symbol, interval, whole, run.progress.say)
    return [whole] if whole.length_us else []


def _gaps(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    interval = run.interval if kind == "candles" else ""
    return find_gaps(run.lake, KINDS[kind], exchange, symbol, interval, whole, step_us)
