"""Record live streams of all exchanges at once; store every half minute and at the end.

Buffers are used only on the event loop; a thread stores the batches that it takes from them.
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
from liqcli.core.symbols import EVERY, is_every, normalise_symbol
from liqcli.core.times import now_us
from liqcli.ingest.stream import connection
from liqcli.ingest.stream.buffer import StreamBuffer, covered_s
from liqcli.ingest.stream.contracts import Plan, plan_recording
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.sources.registry import RECORDED_BY_DEFAULT, load_live_source
from liqcli.sources.stream_base import LiveSource

FLUSH_S = 30.0
LINE_EVERY = 10  # flushes between two lines of progress
ALL_COPIES = 2**31
MOST_REJECTED = 10_000  # kept; others are only counted

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """Result of one exchange and symbol: events, notional [USD], connected time [s], or an error."""

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
        """Result in one word: ok, partial (rows rejected or the connection failed), failed."""
        if not self.covered_s:
            return "failed"
        return "partial" if self.error or self.rejected else "ok"


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """Results of one recording; ``interrupted`` by Ctrl-C or SIGTERM."""

    rows: tuple[RecordRow, ...]
    interrupted: bool

    @property
    def exit_code(self) -> ExitCode:
        """130 interrupted, 3 no exchange connected, 6 some failed, otherwise 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if all(row.result == "failed" for row in self.rows):
            return ExitCode.SOURCE
        return ExitCode.PARTIAL if any(row.result != "ok" for row in self.rows) else ExitCode.DONE


class _Batch(NamedTuple):
    """Data of one connection to be stored."""

    source: LiveSource
    rows: list[Liquidation]
    claims: dict[str, list[Interval]]
    rejected: list[Rejected]


class _Recording:
    """State of one run: a buffer per connection, and the covered time of each symbol."""

    def __init__(self, lake: Lake, buffers: Sequence[StreamBuffer], say: Say, warn: Say) -> None:
        self.lake, self.buffers, self.say, self.warn = lake, buffers, say, warn
        self.covered: dict[tuple[str, str], list[Interval]] = {}
        self.rejected: dict[str, list[Rejected]] = {}
        self.rejected_count: dict[str, int] = {}
        self.errors: dict[int, str] = {}
        self.batches: list[_Batch] = []
        self.trouble: LiqcliError | None = None  # why the last flush failed

    async def run(self, seconds: float | None, flush_s: float) -> bool:
        """Record for a time, or until interrupted; return whether it was interrupted."""
        stop, ended = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # Windows, or not the main thread
                loop.add_signal_handler(number, stop.set)
        tasks = [asyncio.create_task(self._keep_connected(k, buffer)) for k, buffer in enumerate(self.buffers)]
        flushing: asyncio.Task[object] = asyncio.create_task(self._flush_on(flush_s, ended))
        waiting: asyncio.Task[object] = asyncio.create_task(stop.wait())
        all_ended: asyncio.Task[object] = asyncio.create_task(asyncio.wait(tasks))
        try:
            ends = {waiting, flushing, all_ended}
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, waiting, all_ended):
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

    async def _keep_connected(self, number: int, buffer: StreamBuffer) -> None:
        """Keep one connection open until the exchange refuses it or the recording ends."""
        while True:
            try:
                await connection.receive(buffer, self.say, self.warn)
            except SourceError as error:
                self.errors[number] = str(error)
                self.warn(str(error))
                return
            except Exception as error:
                buffer.record_disconnect(buffer.record_rejection(error))
                self.warn(f"{buffer.source.exchange}: {buffer.last_break}; reconnecting")
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
            if round_ % LINE_EVERY == 0:
                self.say(self.describe())

    async def flush(self, moment_us: int | None) -> None:
        """Take what can be stored on the event loop, and store it in a thread."""
        self.batches += [_Batch(buffer.source, *buffer.take_ready(moment_us)) for buffer in self.buffers]
        for buffer in self.buffers:
            if replayed := buffer.take_replayed():
                self.batches.append(_Batch(buffer.source, replayed, {}, []))
        before = self.trouble
        await asyncio.to_thread(self._store_batches)
        if self.trouble and not before and moment_us is not None:
            self.warn(f"{self.trouble}; recording continues, storing will be retried")

    def _store_batches(self) -> None:
        """Store the batches; those that fail are kept for the next flush."""
        batches, self.batches, self.trouble = self.batches, [], None
        for batch in batches:
            try:
                self._store(batch)
            except LiqcliError as error:
                self.batches.append(batch)
                self.trouble = error

    def describe(self) -> str:
        """Return a line of progress."""
        events = sum(sum(buffer.events.values()) for buffer in self.buffers)
        usd = sum(sum(buffer.notional.values()) for buffer in self.buffers)
        return f"recording: {format_count(events)} events, {format_usd(usd)} USD so far"

    def _store(self, batch: _Batch) -> None:
        """Store first the events, then the covered time; storing a batch twice changes nothing."""
        source, rows, claims, rejected = batch
        name = source.exchange
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
                self.lake.add_to_fetch_log(name, symbol, source.name, fresh)
        for symbol, parts in claims.items():
            self.covered.setdefault((name, symbol), []).extend(parts)

    def sum_up(self) -> tuple[RecordRow, ...]:
        """Build a row for every requested exchange and symbol."""
        return tuple(
            RecordRow(
                buffer.source.exchange,
                symbol,
                buffer.events.get(symbol, 0),
                buffer.notional.get(symbol, 0.0),
                covered_s(self.covered.get((buffer.source.exchange, symbol), [])),
                buffer.breaks,
                self.rejected_count.get(buffer.source.exchange, 0),
                self.errors.get(number) or buffer.refused.get(symbol) or buffer.failure or buffer.fault,
            )
            for number, buffer in enumerate(self.buffers)
            for symbol in buffer.symbols
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
    Record liquidations from live streams, with the connected time as coverage.

    Parameters
    ----------
    symbols : sequence of str
        In any spelling; a base alone (``SOL``) means its contract in each quote of the exchange, ``all`` every symbol.
    exchanges : sequence of str
        Names of recorded exchanges; default: :data:`liqcli.sources.registry.RECORDED_BY_DEFAULT`.
    seconds : float or None
        Duration. None: until Ctrl-C or SIGTERM.
    flush_s : float
        Interval between writes. A killed recording loses at most this much and does not cover it. [s]

    Raises
    ------
    UsageError
        Unknown name, or no stream for the symbols.
    LakeError
        The lake cannot be written; stored data are intact.
    """
    sources = [load_live_source(name) for name in dict.fromkeys(exchanges or RECORDED_BY_DEFAULT)]
    words = [EVERY] if is_every(symbols) else [normalise_symbol(text) for text in dict.fromkeys(symbols)]
    with lake.locked():  # fail now, not after the first half minute, if the lake is not writable
        pass
    plans, failed = _plan(lake, sources, words, warn)
    buffers = [StreamBuffer(plan.source, channel) for plan in plans for channel in plan.channels]
    if not buffers and not failed:
        raise UsageError(f"--symbol: no recorded exchange has contracts named {', '.join(words) or 'that'}")
    recording = _Recording(lake, buffers, say, warn)
    interrupted = asyncio.run(recording.run(seconds, flush_s)) if buffers else False
    return RecordSummary((*recording.sum_up(), *failed), interrupted)


def _plan(
    lake: Lake, sources: Sequence[LiveSource], words: Sequence[str], warn: Say
) -> tuple[list[Plan], list[RecordRow]]:
    """Plan what to record of each exchange, and list what cannot be recorded."""
    plans: list[Plan] = []
    failed: list[RecordRow] = []
    for source in sources:
        try:
            plan = plan_recording(lake, source, words, warn)
        except SourceError as error:
            warn(str(error))
            failed += [RecordRow(source.exchange, word, 0, 0.0, 0.0, 0, 0, str(error)) for word in words]
        else:
            plans.append(plan)
            failed += [RecordRow(source.exchange, s, 0, 0.0, 0.0, 0, 0, why) for s, why in plan.unlisted.items()]
    return plans, failed


def _count(rows: Sequence[Liquidation], symbol: str, window: Window) -> int:
    return sum(row.symbol == symbol and window.contains(row.ts_us) for row in rows)
