"""One recording from beginning to end: all exchanges at once, stored every half minute and at the end.

Buffers are touched only on the event loop; a thread stores what the loop hands over.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from liqcli.core.errors import ExitCode, LiqcliError, SourceError, UsageError
from liqcli.core.formatting import format_count, format_usd
from liqcli.core.intervals import Interval
from liqcli.core.model import Liquidation, Rejected, Window
from liqcli.core.symbols import normalise_symbol
from liqcli.core.times import now_us
from liqcli.ingest.stream import connection
from liqcli.ingest.stream.buffer import StreamBuffer, covered_s, list_symbols
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.sources.registry import LIVE_SOURCES, load_live_source
from liqcli.sources.stream_base import LiveSource

FLUSH_S = 30.0
TOLD_EVERY = 10  # flushes between two lines of progress
ALL_COPIES = 2**31
MOST_REJECTED = 10_000  # kept with their text; more are only counted

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """What came of one exchange and symbol: ``events``, ``notional`` [USD], ``covered_s`` listened to, or ``error``."""

    source: str
    symbol: str
    events: int
    notional: float
    covered_s: float
    breaks: int
    rejected: int
    error: str | None

    @property
    def result(self) -> str:
        """The row in a word: ok, partial (rows were refused, or the connection failed), failed."""
        if not self.covered_s:
            return "failed"
        return "partial" if self.error or self.rejected else "ok"


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """What one recording brought; ``interrupted`` by Ctrl-C or SIGTERM."""

    rows: tuple[RecordRow, ...]
    interrupted: bool

    @property
    def exit_code(self) -> ExitCode:
        """130 interrupted, 3 nothing was heard of anybody, 6 some failed, else 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if all(row.result == "failed" for row in self.rows):
            return ExitCode.SOURCE
        return ExitCode.PARTIAL if any(row.result != "ok" for row in self.rows) else ExitCode.DONE


class _Batch(NamedTuple):
    """What one connection handed over to be stored."""

    source: LiveSource
    rows: list[Liquidation]
    claims: dict[str, list[Interval]]
    rejected: list[Rejected]


class _Recording:
    """The state of one run: a tally a connection, and what is known of each symbol."""

    def __init__(self, lake: Lake, tallies: Sequence[StreamBuffer], say: Say, warn: Say) -> None:
        self.lake, self.tallies, self.say, self.warn = lake, tallies, say, warn
        self.covered: dict[tuple[str, str], list[Interval]] = {}
        self.rejected: dict[str, list[Rejected]] = {}
        self.rejected_count: dict[str, int] = {}
        self.errors: dict[int, str] = {}
        self.batches: list[_Batch] = []
        self.trouble: LiqcliError | None = None  # why the last round could not store everything

    async def run(self, seconds: float | None, flush_s: float) -> bool:
        """Listen for so long, or until interrupted; says whether it was."""
        stop, ended = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # Windows, or not the main thread
                loop.add_signal_handler(number, stop.set)
        tasks = [asyncio.create_task(self._listen(k, tally)) for k, tally in enumerate(self.tallies)]
        flushing: asyncio.Task[object] = asyncio.create_task(self._flush_on(flush_s, ended))
        waiting: asyncio.Task[object] = asyncio.create_task(stop.wait())
        everybody_left: asyncio.Task[object] = asyncio.create_task(asyncio.wait(tasks))
        try:
            ends = {waiting, flushing, everybody_left}
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, waiting, everybody_left):
                task.cancel()
            for k, left in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
                if isinstance(left, Exception):
                    self.errors.setdefault(k, f"stopped: {type(left).__name__}: {left}")
            ended.set()
            (flushed,) = await asyncio.gather(flushing, return_exceptions=True)  # not cancelled while it stores
            await self.flush(None)
        if isinstance(flushed, Exception):
            raise flushed
        if self.trouble:
            raise self.trouble
        return stop.is_set()

    async def _listen(self, number: int, tally: StreamBuffer) -> None:
        """Keep one connection going; only a refusal or the end of the recording ends it."""
        while True:
            try:
                await connection.listen(tally, self.say, self.warn)
            except SourceError as error:
                self.errors[number] = str(error)
                self.warn(str(error))
                return
            except Exception as error:
                tally.record_disconnect(tally.record_rejection(error))
                self.warn(f"{tally.source.name}: {tally.last_break}; reconnecting")
            await asyncio.sleep(connection.LONGEST_PAUSE_S)

    async def _flush_on(self, flush_s: float, ended: asyncio.Event) -> None:
        round_ = 0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), flush_s)
            if ended.is_set():
                return
            await self.flush(now_us())
            round_ += 1
            if round_ % TOLD_EVERY == 0:
                self.say(self.describe())

    async def flush(self, moment_us: int | None) -> None:
        """Hand over what can be stored, here on the event loop, and store it in a thread."""
        self.batches += [_Batch(tally.source, *tally.take_ready(moment_us)) for tally in self.tallies]
        before = self.trouble
        await asyncio.to_thread(self._store_batches)
        if self.trouble and not before and moment_us is not None:
            self.warn(f"{self.trouble}; recording goes on, and storing is retried")

    def _store_batches(self) -> None:
        """Store what was handed over; what cannot be stored now stays for the next round."""
        batches, self.batches, self.trouble = self.batches, [], None
        for batch in batches:
            try:
                self._store(batch)
            except LiqcliError as error:
                self.batches.append(batch)
                self.trouble = error

    def describe(self) -> str:
        """Say in a line what has come so far."""
        events = sum(sum(tally.events.values()) for tally in self.tallies)
        usd = sum(sum(tally.notional.values()) for tally in self.tallies)
        return f"recording: {format_count(events)} events, {format_usd(usd)} USD so far"

    def _store(self, batch: _Batch) -> None:
        """Store the events first, then the time that was covered; doing it twice changes nothing."""
        source, rows, claims, rejected = batch
        name = source.name
        if rows:
            with Staging(self.lake) as staging:
                for row in rows:
                    staging.add(row)
                staging.commit(ALL_COPIES if source.twins else 1)
        if rejected:
            kept = self.rejected.get(name, [])
            kept = kept + rejected[: MOST_REJECTED - len(kept)]
            self.lake.write_rejected(f"record-{name}", kept)
            self.rejected[name] = kept
            self.rejected_count[name] = self.rejected_count.get(name, 0) + len(rejected)
            batch.rejected.clear()
        moment_us = now_us()
        with self.lake.locked():
            for symbol, parts in claims.items():
                windows = [Window(*part) for part in parts]
                fresh = [CoveredWindow(w, "complete", _count(rows, symbol, w), moment_us) for w in windows]
                self.lake.add_to_fetch_log(name, symbol, name, fresh)
        for symbol, parts in claims.items():
            self.covered.setdefault((name, symbol), []).extend(parts)

    def sum_up(self) -> tuple[RecordRow, ...]:
        """A row for every exchange and symbol that was wanted."""
        return tuple(
            RecordRow(
                tally.source.name,
                symbol,
                tally.events.get(symbol, 0),
                tally.notional.get(symbol, 0.0),
                covered_s(self.covered.get((tally.source.name, symbol), [])),
                tally.breaks,
                self.rejected_count.get(tally.source.name, 0),
                self.errors.get(number) or tally.refused.get(symbol) or tally.failure or tally.fault,
            )
            for number, tally in enumerate(self.tallies)
            for symbol in tally.channel.symbols
        )


def record(
    lake: Lake,
    symbols: Sequence[str],
    exchanges: Sequence[str] = (),
    seconds: float | None = None,
    say: Say = lambda _line: None,
    warn: Say = lambda _line: None,
    flush_s: float = FLUSH_S,
) -> RecordSummary:
    """
    Listen to exchanges and store what they say, with the time that was listened to as coverage.

    Parameters
    ----------
    symbols : sequence of str
        In any spelling; a bare base (``SOL``) means its contract in each quote the exchange has.
    exchanges : sequence of str
        Names of :data:`liqcli.sources.registry.LIVE_SOURCES`; none: all of them.
    seconds : float or None
        How long; None: until Ctrl-C or SIGTERM.
    flush_s : float
        A killed recording loses at most so much, and does not claim to have it. [s]

    Raises
    ------
    UsageError
        An unknown name, or nothing to listen to.
    LakeError
        The lake cannot be written; what was stored before is intact.
    """
    sources = [load_live_source(name) for name in dict.fromkeys(exchanges or LIVE_SOURCES)]
    words = [normalise_symbol(text) for text in dict.fromkeys(symbols)]
    tallies = [
        StreamBuffer(source, channel)
        for source in sources
        for channel in source.channels(list(dict.fromkeys(list_symbols(source, words))))
        if channel.symbols
    ]
    if not tallies:
        raise UsageError(f"--symbol: no exchange that is recorded has contracts called {', '.join(words) or 'that'}")
    with lake.locked():  # an unwritable lake is told now, not after the first half minute
        pass
    recording = _Recording(lake, tallies, say, warn)
    interrupted = asyncio.run(recording.run(seconds, flush_s))
    return RecordSummary(recording.sum_up(), interrupted)


def _count(rows: Sequence[Liquidation], symbol: str, window: Window) -> int:
    return sum(row.symbol == symbol and window.contains(row.ts_us) for row in rows)
