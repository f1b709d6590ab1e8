"""Record live streams of all exchanges at once; buffers are used only on the event loop, threads store."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from liqcli.core.errors import LakeError, SourceError, UsageError
from liqcli.core.formatting import format_count, format_counted, format_usd
from liqcli.core.model import US_PER_S
from liqcli.core.symbols import EVERY, is_every, normalise_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch import DEFAULT_SYMBOLS
from liqcli.ingest.stream import connection
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.contracts import UPDATE_S, ContractUpdate, Plan, follow_listings, plan_recording
from liqcli.ingest.stream.knowledge import read_knowledge
from liqcli.ingest.stream.rest import FILL_S, POLL_S, GapFiller, Poller, Repeated
from liqcli.ingest.stream.storage import MERGE_S, RecordStore
from liqcli.ingest.stream.summary import FeedState, RecordRow, RecordSummary, join_states
from liqcli.lake.segment_intake import take_in_leftovers
from liqcli.lake.store import Lake
from liqcli.sources.contracts import ListedContract
from liqcli.sources.registry import RECORDED_BY_DEFAULT, load_live_source
from liqcli.sources.stream_base import LiveSource

TICK_S = 1.0
LINE_EVERY_S = 300.0  # between two lines of progress
SLOW_S = 10.0  # a write to the segment that takes longer is reported

Say = Callable[[str], None]
Show = Callable[[Sequence[FeedState]], None]


class _Recording:
    """State of one run: a buffer per connection, the store that they share, and exchanges that are polled."""

    def __init__(
        self, store: RecordStore, pollers: Sequence[Poller], update: ContractUpdate, say: Say, warn: Say, show: Show
    ) -> None:
        self.store, self.buffers, self.pollers, self.update = store, store.buffers, pollers, update
        self.say, self.warn, self.show = say, warn, show
        self.errors: dict[int, str] = {}
        self.paces: defaultdict[str, connection.Pace] = defaultdict(connection.Pace)
        self._was_troubled = self._has_lost = False

    async def run(self, seconds: float | None, tick_s: float) -> bool:
        """Record for a time, or until interrupted; return whether it was interrupted."""
        stop, ended = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # Windows, or not the main thread
                loop.add_signal_handler(number, stop.set)
        filler = GapFiller(self.store.lake, self.buffers, self.say, self.warn)
        repeated = [Repeated(poller.exchange, POLL_S[poller.exchange], poller, self.warn) for poller in self.pollers]
        repeated += [Repeated("gaps", FILL_S, filler, self.warn)] if filler.fillable else []
        repeated += [Repeated("contracts", UPDATE_S, self.update, self.warn)] if self.update.needed else []
        for each in repeated:
            each.start()
        tasks = self._tasks = [asyncio.create_task(self._keep_connected(*item)) for item in enumerate(self.buffers)]
        self.update.subscribe = lambda *what: loop.call_soon_threadsafe(self._follow_listings, *what)
        ticking: asyncio.Task[object] = asyncio.create_task(self._tick_on(tick_s, ended))
        merging: asyncio.Task[object] = asyncio.create_task(self._merge_on(tick_s, ended))
        waiting: asyncio.Task[object] = asyncio.create_task(stop.wait())
        ending = stop.wait() if self.pollers else asyncio.wait(tasks)
        all_ended: asyncio.Task[object] = asyncio.create_task(ending)
        try:
            ends = {waiting, ticking, merging, all_ended}
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, waiting, all_ended):
                task.cancel()
            for k, left in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
                if isinstance(left, Exception):
                    self.errors.setdefault(k, f"stopped: {type(left).__name__}: {left}")
            for each in repeated:
                await asyncio.to_thread(each.end)
            ended.set()
            results = await asyncio.gather(ticking, merging, return_exceptions=True)  # not cancelled while they store
            await asyncio.to_thread(self.store.finish, now_us())
        for result in results:
            if isinstance(result, Exception):
                raise result
        return stop.is_set()

    async def _keep_connected(self, number: int, buffer: StreamBuffer) -> None:
        """Keep one connection open until the exchange refuses it or the recording ends."""
        pace = self.paces[buffer.source.exchange]
        while True:
            try:
                await connection.receive(buffer, self.say, self.warn, pace)
            except SourceError as error:
                self.errors[number] = str(error)
                self.warn(str(error))
                return
            except Exception as error:
                buffer.record_disconnect(buffer.record_rejection(error))
                self.warn(f"{buffer.source.exchange}: {buffer.last_break}; reconnecting")
            await asyncio.sleep(connection.LONGEST_PAUSE_S)

    def _follow_listings(self, plan: Plan, listed: Mapping[str, ListedContract]) -> None:
        """Record what an exchange lists now, on open connections where possible."""
        for channel in follow_listings(plan, self.buffers, listed, now_us()):
            self.buffers.append(StreamBuffer(plan.source, channel))
            number = len(self.buffers) - 1
            self._tasks.append(asyncio.create_task(self._keep_connected(number, self.buffers[number])))

    async def _tick_on(self, tick_s: float, ended: asyncio.Event) -> None:
        """Write to the segment about every second, in a thread: a slow disk must not stop the connections."""
        loop = asyncio.get_running_loop()
        line_s, started = LINE_EVERY_S, loop.time()
        writing: asyncio.Task[None] | None = None
        since = started
        while not await _ends_within(ended, tick_s):
            self.store.collect(now_us())
            if writing is None:
                self.store.prepare(now_us())
                since, writing = loop.time(), asyncio.create_task(asyncio.to_thread(self.store.flush))
            await asyncio.wait([writing], timeout=tick_s)
            if writing.done():
                writing = writing.result()
            self._report_trouble(loop.time() - since > SLOW_S)
            self.show(self.list_states())
            if loop.time() - started >= line_s:
                line_s += LINE_EVERY_S
                self.say(self.describe())
        if writing is not None:
            await writing

    async def _merge_on(self, tick_s: float, ended: asyncio.Event) -> None:
        while not await _ends_within(ended, tick_s):
            if self.store.has_closed:
                await asyncio.to_thread(self.store.merge, now_us())

    def _report_trouble(self, is_slow: bool) -> None:
        """Warn when storing starts to fail, is slow or loses events, and say when it works again."""
        lost = sum(self.store.lost.values())
        trouble: object = self.store.trouble or (f"{self.store.lake.root}: the disk is slow" if is_slow else None)
        if trouble and not self._was_troubled:
            self.warn(f"{trouble}; recording continues, storing will be retried")
        elif self._was_troubled and not trouble:
            self.say(
                f"storing works again; {format_counted(lost, 'event')} lost so far" if lost else "storing works again"
            )
        if lost and not self._has_lost:
            self._has_lost = True
            self.warn("too much waits for the disk: events are dropped, and their time becomes a gap")
        self._was_troubled = trouble is not None

    def describe(self) -> str:
        """Return a line of progress."""
        states = self.list_states()
        events, usd = sum(state.events for state in states), sum(state.notional for state in states)
        doing = ", ".join(f"{state.exchange} {state.state}" for state in states)
        return f"recording: {format_count(events)} events, {format_usd(usd)} USD so far; {doing}"

    def list_states(self) -> list[FeedState]:
        """List what each exchange does now; of several connections the one that is worst off."""
        found: dict[str, FeedState] = {}
        for number, buffer in enumerate(self.buffers):
            error = self.errors.get(number)
            state = FeedState(
                buffer.source.exchange,
                "stopped" if error else buffer.state,
                sum(buffer.events.values()),
                sum(buffer.notional.values()),
                buffer.event_us,
                buffer.delay_us if buffer.event_us else None,
                buffer.breaks,
                error or buffer.failure or buffer.fault or buffer.describe_refused() or "",
                buffer.clock.offset_us,
            )
            other = found.get(state.exchange)
            found[state.exchange] = join_states(other, state) if other else state
        return [*found.values(), *(poller.state for poller in self.pollers)]

    def sum_up(self) -> tuple[RecordRow, ...]:
        """Build a row for every requested exchange and symbol."""
        rejected: Counter[str] = Counter()
        for buffer in self.buffers:
            rejected[buffer.source.exchange] += buffer.rejections
        return tuple(
            RecordRow(
                buffer.source.exchange,
                symbol,
                buffer.events.get(symbol, 0),
                buffer.notional.get(symbol, 0.0),
                buffer.coverage.covered_us(symbol) / US_PER_S,
                buffer.breaks,
                rejected[buffer.source.exchange],
                self.errors.get(number) or _find_error(buffer, symbol),
                buffer.coverage.unconfirmed_us(symbol) / US_PER_S,
                self.store.lost.get(number, 0),
                None if (offset_us := buffer.clock.offset_us) is None else offset_us / US_PER_S,
            )
            for number, buffer in enumerate(self.buffers)
            for symbol in buffer.symbols
        ) + tuple(row for poller in self.pollers for row in poller.sum_up())


def _find_error(buffer: StreamBuffer, symbol: str) -> str | None:
    if why := buffer.refused.get(symbol) or buffer.failure or buffer.fault:
        return why
    if buffer.coverage.is_doubted and buffer.coverage.unconfirmed_us(symbol):
        return "connected, but no event arrived: it is unconfirmed that the stream delivers"
    if buffer.source.late_s and buffer.opened_us and not buffer.coverage.covered_us(symbol):
        return f"too short: events may arrive {buffer.source.late_s:.0f} s late, so nothing is covered yet"
    return None


async def _ends_within(ended: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)
    return ended.is_set()


def record(
    lake: Lake,
    symbols: Sequence[str],
    exchanges: Sequence[str] = (),
    seconds: float | None = None,
    say: Say = lambda _line: None,
    warn: Say = lambda _line: None,
    tick_s: float = TICK_S,
    merge_s: float = MERGE_S,
    show: Show = lambda _states: None,
) -> RecordSummary:
    """
    Record liquidations from live streams, with the connected time as coverage.

    Gaps after a break are filled from the exchange's history, where it has one. Exchanges with fuller REST answers
    (:data:`~liqcli.ingest.stream.rest.POLL_S`) are polled instead.

    Parameters
    ----------
    symbols : sequence of str
        In any spelling; a base alone (``SOL``) means its contract in each quote of the exchange, ``all`` every symbol.
        None: all where one stream has every symbol, elsewhere :data:`liqcli.ingest.fetch.DEFAULT_SYMBOLS`.
    exchanges : sequence of str
        Names of recorded exchanges; default: :data:`liqcli.sources.registry.RECORDED_BY_DEFAULT`.
    seconds : float or None
        Duration. None: until Ctrl-C or SIGTERM.
    tick_s : float
        Interval between writes to the segment. A killed recording loses at most this much and does not cover it. [s]
    merge_s : float
        Interval between merges of the segment into the month files. [s]
    show : callable
        Receives what each exchange does, about every second.

    Raises
    ------
    UsageError
        Unknown name, or no stream for the symbols.
    LakeError
        The lake cannot be written; stored data are intact.
    """
    names = list(dict.fromkeys(name.strip().lower() for name in exchanges or RECORDED_BY_DEFAULT))
    sources = [load_live_source(name) for name in names if name not in POLL_S]
    words = [EVERY] if is_every(symbols) else [normalise_symbol(text) for text in dict.fromkeys(symbols)]
    for line in take_in_leftovers(lake, now_us()):
        say(line)
    with lake.locked():  # fail now, not after the first second, if the lake is not writable
        pass
    plans, failed = _plan(lake, sources, words, warn)
    pollers = [Poller.resume(lake, name, words or DEFAULT_SYMBOLS, warn) for name in names if name in POLL_S]
    buffers = [StreamBuffer(plan.source, channel) for plan in plans for channel in plan.channels]
    if not buffers and not failed and not pollers:
        raise UsageError(f"--symbol: no recorded exchange has contracts named {', '.join(words) or 'that'}")
    read_knowledge(lake, buffers)
    interrupted = False
    with RecordStore(lake, buffers, merge_s) as store:
        recording = _Recording(store, pollers, ContractUpdate(lake, plans, warn), say, warn, show)
        if buffers or pollers:
            interrupted = asyncio.run(recording.run(seconds, tick_s))
        if trouble := store.describe_trouble():
            raise LakeError(trouble)
    return RecordSummary((*recording.sum_up(), *failed), interrupted)


def _plan(
    lake: Lake, sources: Sequence[LiveSource], words: Sequence[str], warn: Say
) -> tuple[list[Plan], list[RecordRow]]:
    """Plan what to record of each exchange, and list what cannot be recorded."""
    plans: list[Plan] = []
    failed: list[RecordRow] = []
    for source in sources:
        wanted = words or ((EVERY,) if source.market_wide else DEFAULT_SYMBOLS)
        try:
            plan = plan_recording(lake, source, wanted, warn)
        except SourceError as error:
            warn(str(error))
            failed += [RecordRow(source.exchange, word, 0, 0.0, 0.0, 0, 0, str(error)) for word in wanted]
        else:
            plans.append(plan)
            failed += [RecordRow(source.exchange, s, 0, 0.0, 0.0, 0, 0, why) for s, why in plan.unlisted.items()]
    return plans, failed
