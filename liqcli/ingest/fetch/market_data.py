"""Fetching candles and open interest: one exchange a symbol, the next one when it refuses or does not list it.

Series of two exchanges are never mixed, so an exchange that cannot give a window hands it over as a whole.
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
    """What one run works with."""

    lake: Lake
    progress: Progress
    interval: str
    again: bool
    desk: MarketScheduler

    def skip_candidate(self, exchange: str, row: MarketRow) -> None:
        """Say why the next exchange is asked; who refuses altogether is named once, in the sum-up."""
        why = row.troubles[-1] if row.troubles else "incomplete"
        if why not in self.desk.lost.values():
            self.progress.say(f"{exchange} {row.kind} {row.symbol}: {why}; asking on")


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
    Get what the lake lacks of candles and open interest, and store it.

    Parameters
    ----------
    symbols : sequence of str
        Canonical, with their quote.
    kinds : sequence of str
        Of ``candles`` and ``open-interest``.
    exchanges : sequence of str
        Asked in this order, as far as they give such data; none: binance, bybit, okx, gate.
    interval : str
        Length of a candle, ``1m`` to ``1d``.
    progress : Progress, optional
        Is told how far each place is; none: lines go to ``say``.
    again : bool
        Ask also for what is stored; files that cannot be read are set aside first.

    Raises
    ------
    LakeError
        The lake cannot be written.
    KeyboardInterrupt
        Ctrl-C or SIGTERM; windows that were answered are stored.
    """
    check_perpetual(symbols)
    chosen = [name for name in exchanges if name in MARKET_SOURCES] or list(MARKET_SOURCES)
    progress = progress or Progress(say)
    desk = MarketScheduler(lake, progress)
    run = _Run(lake, progress, interval, again, desk)
    with raise_keyboard_interrupt():
        found = desk.work([_fetch_symbol(run, symbol, kinds, window, chosen) for symbol in dict.fromkeys(symbols)])
    rows = {(row.symbol, row.kind): row for symbol_rows in found for row in symbol_rows}
    for said in desk.mended:
        row = rows[said.batch.symbol, said.batch.kind]
        row.requests += said.requests
        if said.rows is None:
            row.lacking += 1
            row.troubles.append(f"{said.batch.source.name} told {row.symbol} what it told another: {said.error}")
    return list(rows.values())


def spell_out(words: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Turn words into symbols with a quote; a bare base means what was listed on it, else its USDT contract."""
    found: list[str] = []
    for word in map(normalise_symbol, words):
        on_base = [name for name in listed if split_symbol(name)[0] == word]
        found += [word] if split_symbol(word)[1] else on_base or [f"{word}USDT"]
    return list(dict.fromkeys(found))


def _fetch_symbol(
    run: _Run, symbol: str, kinds: Sequence[str], window: Window, exchanges: Sequence[str]
) -> Asking[list[MarketRow]]:
    """Get all kinds of a symbol, one after the other: what a place had to tell for the first, the next need not ask."""
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
        row.exchange, row.usable = exchange, True  # it is all there from before
        return row
    row.holes = [whole]
    for exchange in exchanges:
        try:
            found = yield from _fetch_exchange(run, row, exchange, whole, step_us)
        except DamagedError as error:
            row.troubles.append(f"{exchange}: {error}")
            continue
        if not row.exchange or length_of(found.holes) < length_of(row.holes):
            row.exchange, row.places, row.lacking, row.holes = exchange, found.places, found.lacking, found.holes
        row.usable = row.holes != [whole]
        if row.usable and not found.lacking:
            break
        if exchange != exchanges[-1]:
            run.skip_candidate(exchange, row)
    return row


class _Found(NamedTuple):
    """What one exchange gave: the ``places`` that answered, stretches not answered, and what the lake still lacks."""

    places: list[str]
    lacking: int
    holes: list[Window]


def _fetch_exchange(run: _Run, row: MarketRow, exchange: str, whole: Window, step_us: int) -> Asking[_Found]:
    """Ask the places of one exchange for what is lacking."""
    gaps = [gap.interval for gap in _list_wanted(run, row.kind, exchange, row.symbol, whole, step_us)]
    places: list[str] = []
    for source in load_market_sources(exchange):
        if gaps:
            answered = yield from _ask_place(run, row, source, [Window(*gap) for gap in gaps], step_us)
            gaps = subtract_intervals(gaps, [window.interval for window in answered])
            places += [source.name] if answered and source.name not in places else []
    return _Found(places, len(gaps), _gaps(run, row.kind, exchange, row.symbol, whole, step_us))


def _ask_place(
    run: _Run, row: MarketRow, source: MarketSource, gaps: Sequence[Window], step_us: int
) -> Asking[list[Window]]:
    """Ask one place for all windows that it can give, store the answers; gives the windows that were answered."""
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
    if source.name in run.desk.lost:
        row.troubles.append(run.desk.lost[source.name])
        return []
    row.planned += len(batch.windows)
    yield batch
    batch.store(run.lake)
    row.requests += batch.requests
    row.rows += batch.rows
    row.answered += len(batch.answered)
    row.troubles += batch.list_troubles()
    return batch.answered


def _list_wanted(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    """What is to be asked for: what is lacking, or all of it again, in place of files that cannot be read."""
    if not run.again:
        return _gaps(run, kind, exchange, symbol, whole, step_us)
    from liqcli.ingest.fetch.refetch import prepare_market_refetch

    interval = run.interval if kind == "candles" else ""
    prepare_market_refetch(run.lake, KINDS[kind], exchange, symbol, interval, whole, run.progress.say)
    return [whole] if whole.length_us else []


def _gaps(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    interval = run.interval if kind == "candles" else ""
    return find_gaps(run.lake, KINDS[kind], exchange, symbol, interval, whole, step_us)
