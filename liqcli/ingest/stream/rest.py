"""
REST requests beside the streams: fill gaps after a break, and poll exchanges whose REST answers are fuller than their
stream. Both are ordinary fetches with the exchange's own source, which the lake keeps apart from the stream.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from liqcli.core.errors import LiqcliError
from liqcli.core.formatting import format_counted, format_duration, format_time
from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.core.symbols import EVERY, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.ingest.progress import Progress
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.contracts import ContractUpdate
from liqcli.ingest.stream.summary import FeedState, RecordRow
from liqcli.lake.fetch_log import FetchLog
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.store import Lake
from liqcli.sources.registry import POLLED, SOURCES, load_source

POLL_S: Mapping[str, float] = {**dict.fromkeys(POLLED, 60.0), "gate": 45.0}  # exchange -> interval
FILL_S = 60.0
REACH_US = 3 * 86_400 * US_PER_S  # older gaps are left to `liqcli fetch`
RECENT_US = 180 * US_PER_S  # what the stream covered so recently may not be in the lake yet
FIRST_US = 60 * US_PER_S  # a first request for less would find nothing
MOST_TRIES = 5
JOIN_S = 10.0

Say = Callable[[str], None]


class StoppableProgress(Progress):
    """Progress that prints nothing, and ends the fetch when told to; what was answered is stored."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def plan(self, name: str, windows: int) -> None:
        """Count planned windows, or end the fetch."""
        self._check()
        super().plan(name, windows)

    def advance(self, name: str, rows: int, notional: float | None = None) -> None:
        """Count an answered window, or end the fetch."""
        super().advance(name, rows, notional)
        self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt


class Repeated:
    """
    Runs something at an interval in a thread of its own, from now until :meth:`end`.

    The thread is a daemon: a request that hangs does not keep the program from ending, and the lake is safe.
    """

    def __init__(self, name: str, interval_s: float, job: GapFiller | Poller | ContractUpdate, warn: Say) -> None:
        self._stop, run = job.stop, job.run
        self._name, self._interval_s, self._run, self._warn = name, interval_s, run, warn
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"liqcli-{name}")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and wait a while for what is under way."""
        self._stop.set()
        self._thread.join(JOIN_S)
        if self._thread.is_alive():
            self._warn(f"{self._name}: a request was still running and is abandoned")

    def _work(self) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._run()
            except KeyboardInterrupt:
                return
            except Exception as error:  # a fault in our own code must not end it silently
                self._warn(f"{self._name}: unexpected {type(error).__name__}: {error}; retrying")
            self._stop.wait(max(0.0, self._interval_s - (time.monotonic() - started)))


# ------------------------------------------------------------------ gaps


@dataclass(slots=True)
class GapFiller:
    """Fills gaps of recorded streams from the history of their exchanges."""

    lake: Lake
    buffers: Sequence[StreamBuffer]
    say: Say
    warn: Say
    stop: threading.Event = field(default_factory=threading.Event)
    tries: dict[tuple[str, Interval], int] = field(default_factory=dict)

    @property
    def fillable(self) -> list[StreamBuffer]:
        """Buffers of exchanges with a history that needs no key."""
        return [b for b in self.buffers if b.source.exchange in SOURCES and load_source(b.source.exchange).keyless]

    def run(self) -> None:
        """Fill every gap that is old enough."""
        for buffer in self.fillable:
            for gap, symbols in self._find_gaps(buffer, now_us()).items():
                self._fill(buffer.source.exchange, gap, symbols)

    def _find_gaps(self, buffer: StreamBuffer, moment_us: int) -> dict[Interval, list[str]]:
        """Return the gaps to request now, oldest first, with their symbols: a break affects all symbols alike."""
        gaps: dict[Interval, list[str]] = {}
        for symbol in buffer.symbols:
            for gap in find_gaps(self.lake, buffer.source.exchange, symbol, buffer.source.name, moment_us):
                if self.tries.get((f"{buffer.source.exchange} {symbol}", gap), 0) < MOST_TRIES:
                    gaps.setdefault(gap, []).append(symbol)
        return dict(sorted(gaps.items()))

    def _fill(self, exchange: str, gap: Interval, symbols: Sequence[str]) -> None:
        what = f"{exchange}: gap of {format_duration(gap[1] - gap[0])} until {format_time(gap[1])} UTC"
        try:
            found = fetch(
                self.lake, Window(*gap), symbols, [exchange], [exchange], progress=StoppableProgress(self.stop)
            )
        except LiqcliError as error:
            problem: str | None = str(error)
        else:
            problem = next((text for row in found.rows for text in row.problems), None)
            events = sum(row.events for row in found.rows)
            if not problem and not all(row.holes for row in found.rows):
                self.say(f"{what} filled from the exchange's history: {format_counted(events, 'event')}")
        for symbol in symbols:
            key = (f"{exchange} {symbol}", gap)
            self.tries[key] = self.tries.get(key, 0) + 1
        if problem:
            left = MOST_TRIES - self.tries[f"{exchange} {symbols[0]}", gap]
            self.warn(f"{what} not filled: {problem}{'' if left else '; giving up'}")


def find_gaps(lake: Lake, exchange: str, symbol: str, stream: str, moment_us: int) -> Intervals:
    """
    Find what neither the stream nor the exchange's own source has, from the first recording on. [µs UTC]

    Answers that were too young to be complete are requested once more when they are old enough. Unconfirmed time is a
    gap here.
    """
    source = load_source(exchange)
    recorded, _ = try_fetch_log(lake, exchange, symbol, stream)
    if not recorded.windows:
        return Intervals()
    reach_us = min(REACH_US, source.retention_us or REACH_US)
    bounds = (max(recorded.windows[0].window.start_us, moment_us - reach_us), moment_us - RECENT_US)
    fetched, _ = try_fetch_log(lake, exchange, symbol, source.name)
    young = fetched.covered(("provisional",)) & [(moment_us - source.settle_us, moment_us)]
    return Intervals([bounds]) - recorded.covered() - fetched.covered(("complete", "cut")) - young


# ------------------------------------------------------------------ polling


def is_meant(symbol: str, words: Sequence[str]) -> bool:
    """Return whether a symbol is meant by one of the words: itself, its base, or ``EVERY``."""
    return any(word in (EVERY, symbol, split_symbol(symbol)[0]) for word in words)


@dataclass(slots=True)
class Poller:
    """
    Fetches one exchange again and again: a feed without a stream.

    Attributes
    ----------
    words : sequence of str
        Canonical symbols; a base alone means every contract on it, ``EVERY`` all.
    started_us : int
        Start of what is requested: where the last answers end if that is recent, otherwise a minute ago. [µs UTC]
    symbols : list of str
        Symbols of the contracts found.
    events, notional : dict
        By symbol, since the start.
    error : str or None
        Why the last request failed.
    failures : int
        Number of failed requests.
    """

    lake: Lake
    exchange: str
    words: Sequence[str]
    warn: Say
    started_us: int
    stop: threading.Event = field(default_factory=threading.Event)
    symbols: list[str] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    notional: dict[str, float] = field(default_factory=dict)
    rejected: int = 0
    last_event_us: int | None = None
    polled_us: int | None = None
    error: str | None = None
    failures: int = 0

    @classmethod
    def resume(cls, lake: Lake, exchange: str, words: Sequence[str], warn: Say) -> Poller:
        """Build a poller that starts where the last one ended."""
        ends = [0]
        for place, symbol, source in lake.list_fetch_logs():
            if place == source == exchange and is_meant(symbol, words):
                log, _ = try_fetch_log(lake, exchange, symbol, exchange)
                ends += [end_us for _, end_us in log.covered(("complete", "provisional"))[-1:]]
        moment_us = now_us()
        latest_us = max(ends)
        return cls(lake, exchange, words, warn, latest_us if latest_us > moment_us - REACH_US else moment_us - FIRST_US)

    def run(self) -> None:
        """Fetch everything since the start that is not complete."""
        window = Window(self.started_us, max(now_us(), self.started_us + 1))
        before = self.error
        try:
            found = fetch(
                self.lake, window, self.words, [self.exchange], [self.exchange], progress=StoppableProgress(self.stop)
            )
        except LiqcliError as error:
            self.error = str(error)
        else:
            self.error = next((text for row in found.rows for text in row.problems), None)
            self.symbols = list(dict.fromkeys([*self.symbols, *(row.symbol for row in found.rows if row.answered)]))
            self.rejected += sum(row.rejected for row in found.rows)
            self.polled_us = now_us()
            self._count()
        self.failures += self.error is not None
        if self.error and not before:
            self.warn(f"{self.exchange}: {self.error}; retrying every {POLL_S[self.exchange]:.0f} s")

    @property
    def state(self) -> FeedState:
        """What the feed does now."""
        doing = "stopped" if self.stop.is_set() else "polling" if self.polled_us else "connecting"
        events, usd = sum(self.events.values()), sum(self.notional.values())
        return FeedState(self.exchange, doing, events, usd, self.last_event_us, None, self.failures, self.error or "")

    def sum_up(self) -> Iterator[RecordRow]:
        """Yield a row per symbol; the words if nothing was ever answered."""
        for symbol in self.symbols or self.words:
            log, _ = try_fetch_log(self.lake, self.exchange, symbol, self.exchange)
            yield RecordRow(
                self.exchange,
                symbol,
                self.events.get(symbol, 0),
                self.notional.get(symbol, 0.0),
                self._covered_us(log) / US_PER_S,
                self.failures,
                self.rejected,
                self.error,
            )

    def _covered_us(self, log: FetchLog) -> int:
        return (log.covered() & [(self.started_us, now_us() + 1)]).length

    def _count(self) -> None:
        """Count the events since the start: answers overlap, so they cannot be added up."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        months = months_of(Window(self.started_us, now_us() + 1))
        for symbol in self.symbols:
            total, usd, last_us = 0, 0.0, self.last_event_us or 0
            for month in months:
                path = Partition("liquidations", self.exchange, symbol, month, self.exchange).path(self.lake.root)
                if not path.exists():
                    continue
                table = pq.read_table(path, columns=["ts", "notional"])
                table = table.filter(pc.greater_equal(table["ts"].cast("int64"), self.started_us))
                if table.num_rows:
                    total += table.num_rows
                    usd += pc.sum(table["notional"]).as_py()
                    last_us = max(last_us, pc.max(table["ts"].cast("int64")).as_py())
            self.events[symbol], self.notional[symbol] = total, usd
            self.last_event_us = last_us or None
