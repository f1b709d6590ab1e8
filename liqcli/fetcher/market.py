"""Fetching candles and open interest: one exchange a symbol, the next one when it refuses or does not list it.

Series of two exchanges are never mixed, so an exchange that cannot give a window hands it over as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from liqcli.errors import BlockedError, DamagedError, ExitCode, SourceError
from liqcli.fetcher.ask import drive
from liqcli.fetcher.crew import like_ctrl_c
from liqcli.fetcher.market_gaps import align_window, find_gaps
from liqcli.fetcher.progress import Progress
from liqcli.http import Client, UnreachableError
from liqcli.intervals import subtract_intervals, total_length
from liqcli.lake import Lake
from liqcli.market_data import INTERVAL_US, write_candles, write_open_interest
from liqcli.market_sources import MARKET_SOURCES, load_market_sources
from liqcli.market_sources.common import SNAPSHOT_US, MarketSource, Memo, StrayError
from liqcli.model import Window
from liqcli.timespan import now_us

KINDS = {"candles": "candles", "open-interest": "open_interest"}  # as a user writes it -> as the lake does
ROWS_IN_MEMORY = 20_000
NOTHING = Window(0, 0)

Say = Callable[[str], None]


@dataclass(slots=True)
class MarketRow:
    """
    What came of one kind and symbol, from the best exchange that was asked, at its ``places``.

    ``rows`` were stored by this run; ``answered`` of ``planned`` windows; ``lacking`` stretches stay open; the lake has
    all of ``whole``, the wanted window in whole steps, but the ``holes``; ``troubles`` say why, and what exchanges that
    were passed over said.
    """

    kind: str
    symbol: str
    exchange: str = ""
    requests: int = 0
    rows: int = 0
    planned: int = 0
    answered: int = 0
    lacking: int = 0
    usable: bool = False
    whole: Window = NOTHING
    holes: list[Window] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of the wanted window the lake holds, 0 to 1; all of it where nothing can be there yet."""
        return 1 - _length(self.holes) / max(1, self.whole.length_us)

    @property
    def result(self) -> str:
        """The row in a word: ok, partial, failed."""
        if self.usable:
            return "partial" if self.lacking else "ok"
        return "failed"


@dataclass(slots=True)
class _Run:
    """What one run keeps between symbols: connections, places that refused, sizes learnt."""

    lake: Lake
    progress: Progress
    interval: str
    again: bool
    clients: dict[str, Client] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    memo: Memo = field(default_factory=dict)
    before: list[Any] | None = None

    def pass_over(self, exchange: str, row: MarketRow) -> None:
        """Say why the next exchange is asked; who refuses altogether is named once, in the sum-up."""
        why = row.troubles[-1] if row.troubles else "incomplete"
        if why not in self.lost.values():
            self.progress.say(f"{exchange} {row.kind} {row.symbol}: {why}; asking on")

    def client(self, source: MarketSource) -> Client:
        if source.name not in self.clients:
            told = partial(self.progress.wait, f"{source.name} market")
            self.clients[source.name] = Client(source.name, source.url, source.limits, on_wait=told)
        return self.clients[source.name]


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
    chosen = [name for name in exchanges if name in MARKET_SOURCES] or list(MARKET_SOURCES)
    run = _Run(lake, progress or Progress(say), interval, again)
    try:
        with like_ctrl_c():
            return [_fetch_symbol(run, kind, symbol, window, chosen) for symbol in symbols for kind in kinds]
    finally:
        for client in run.clients.values():
            client.close()


def judge_market(rows: Sequence[MarketRow]) -> ExitCode:
    """0 all came, 6 some is missing, 3 nothing usable."""
    if rows and not any(row.usable for row in rows):
        return ExitCode.SOURCE
    return ExitCode.PARTIAL if any(row.result != "ok" for row in rows) else ExitCode.DONE


def _fetch_symbol(run: _Run, kind: str, symbol: str, window: Window, exchanges: Sequence[str]) -> MarketRow:
    step_us = INTERVAL_US[run.interval] if kind == "candles" else SNAPSHOT_US
    whole = align_window(KINDS[kind], window, step_us, now_us())
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
            found = _fetch_exchange(run, row, exchange, whole, step_us)
        except DamagedError as error:
            row.troubles.append(f"{exchange}: {error}")
            continue
        if not row.exchange or _length(found.holes) < _length(row.holes):
            row.exchange, row.places, row.lacking, row.holes = exchange, found.places, found.lacking, found.holes
        row.usable = row.holes != [whole]
        if row.usable and not found.lacking:
            break
        if exchange != exchanges[-1]:
            run.pass_over(exchange, row)
    return row


class _Found(NamedTuple):
    """What one exchange gave: the ``places`` that answered, stretches not answered, and what the lake still lacks."""

    places: list[str]
    lacking: int
    holes: list[Window]


def _fetch_exchange(run: _Run, row: MarketRow, exchange: str, whole: Window, step_us: int) -> _Found:
    """Ask the places of one exchange for what is lacking."""
    gaps = [gap.interval for gap in _list_wanted(run, row.kind, exchange, row.symbol, whole, step_us)]
    places: list[str] = []
    for source in load_market_sources(exchange):
        if gaps:
            answered = _ask_place(run, row, source, [Window(*gap) for gap in gaps], step_us)
            gaps = subtract_intervals(gaps, [window.interval for window in answered])
            places += [source.name] if answered and source.name not in places else []
    return _Found(places, len(gaps), _gaps(run, row.kind, exchange, row.symbol, whole, step_us))


def _ask_place(run: _Run, row: MarketRow, source: MarketSource, gaps: Sequence[Window], step_us: int) -> list[Window]:
    """Ask one place for all windows that it can give, store the answers; gives the windows that were answered."""
    if row.kind == "candles" and run.interval not in source.intervals:
        row.troubles.append(f"{source.name} has no candles of {run.interval}")
        return []
    now = now_us()
    if row.kind == "candles":
        windows = [w for gap in gaps for w in source.cut_candles(gap, step_us, now)]
    else:
        windows = [w for gap in gaps for w in source.cut_open_interest(gap, now)]
    windows = list(dict.fromkeys(windows))
    if windows and source.name in run.lost:
        row.troubles.append(run.lost[source.name])
        return []
    row.planned += len(windows)
    run.progress.plan(f"{source.name} market", len(windows))
    answered: list[Window] = []
    pending: list[Any] = []
    try:
        for window in windows:
            rows = _ask_window(run, row, source, window)
            if rows is None and source.is_archive and source.name not in run.lost:
                continue  # another day's file may be there
            if rows is None:
                break
            answered.append(window)
            run.progress.advance(f"{source.name} market", len(rows))
            pending += rows
            if len(pending) >= ROWS_IN_MEMORY:
                _store(run, row, source, pending)
                pending = []
    finally:  # also when interrupted: what was answered is kept
        _store(run, row, source, pending)
    row.answered += len(answered)
    return answered


def _ask_window(run: _Run, row: MarketRow, source: MarketSource, window: Window) -> list[Any] | None:
    """Ask for one window; None when it failed or is not there, with the reason in ``row.troubles``."""
    client = run.client(source)
    before = client.requests
    try:
        rows = _ask_rows(run, row, source, window, client)
        if rows is None:
            row.troubles.append(f"{source.name} does not list {row.symbol}, or not for {window.start:%Y-%m-%d}")
        return rows
    except SourceError as error:
        row.troubles.append(str(error))
        run.progress.fail(f"{source.name} market", str(error))
        if isinstance(error, BlockedError | UnreachableError):
            run.lost[source.name] = str(error)
        return None
    finally:
        row.requests += client.requests - before


def _ask_rows(run: _Run, row: MarketRow, source: MarketSource, window: Window, client: Client) -> list[Any] | None:
    """
    Ask for the rows of a window; an answer that looks as if it were to another question must come twice.

    So look rows of other times alone, and the very rows of the window before, which was another time or symbol.
    """

    def ask() -> tuple[list[Any] | None, bool]:
        asking: Any
        if row.kind == "candles":
            asking = source.ask_candles(row.symbol, run.interval, window, run.memo)
        else:
            asking = source.ask_open_interest(row.symbol, window, run.memo)
        try:
            rows: list[Any] | None = drive(asking, client, source.decode)
        except StrayError:
            return [], True
        return rows, bool(rows) and rows == run.before

    rows, odd = ask()
    if odd:
        rows, _ = ask()
    run.before = rows
    return rows


def _store(run: _Run, row: MarketRow, source: MarketSource, rows: Sequence[Any]) -> None:
    row.rows += len(rows)
    if not rows:
        return
    if row.kind == "candles":
        write_candles(run.lake, source.exchange, row.symbol, run.interval, source.exchange, rows)
    else:
        write_open_interest(run.lake, source.exchange, row.symbol, source.exchange, rows)


def _list_wanted(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    """What is to be asked for: what is lacking, or all of it again, in place of files that cannot be read."""
    if not run.again:
        return _gaps(run, kind, exchange, symbol, whole, step_us)
    from liqcli.fetcher.again import make_market_room

    interval = run.interval if kind == "candles" else ""
    make_market_room(run.lake, KINDS[kind], exchange, symbol, interval, whole, run.progress.say)
    return [whole] if whole.length_us else []


def _length(windows: Sequence[Window]) -> int:
    return total_length(window.interval for window in windows)


def _gaps(run: _Run, kind: str, exchange: str, symbol: str, whole: Window, step_us: int) -> list[Window]:
    interval = run.interval if kind == "candles" else ""
    return find_gaps(run.lake, KINDS[kind], exchange, symbol, interval, whole, step_us)
