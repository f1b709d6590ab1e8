"""Series: rows of an exchange at equal steps of time. What is missing follows from the stored rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_time
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.refetch import quarantine_files
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Kind, RowT, Scope, Target, Task, WindowResult
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, WindowAnswer
from liqcli.sources.market_base import MarketSource, Memo
from liqcli.sources.registry import MARKET_SOURCES, load_market_sources
from liqcli.sources.stale_answers import AskRows, request_rows


@dataclass(frozen=True)
class SeriesKind(Kind[MarketSource, RowT]):
    """
    Candles or snapshots of one exchange; the next exchange is tried if one does not have them.

    Attributes
    ----------
    folder, interval : str
        Folder in the lake, and name of the step in its paths (empty if there is only one).
    step_us, delay_us : int
        Length of a step; how long after its time a row may be missing.
    cut : callable
        Takes a source, a gap and the current time; returns windows, or why the source has no such series.
    request : callable
        Takes a source, symbol, window and memo; yields requests and returns rows, or None if the source does not have
        the symbol or file.
    write : callable
        Takes lake, exchange, symbol and rows.
    shortest_gap : int
        In steps; shorter gaps are not requested.
    """

    name: str
    folder: str
    interval: str
    step_us: int
    delay_us: int
    cut: Callable[[MarketSource, Window, int], Sequence[Window] | str]
    request: Callable[[MarketSource, str, Window, Memo], AskRows[RowT]]
    write: Callable[[Lake, str, str, Sequence[RowT]], None]
    shortest_gap: int = 1
    substitutes: bool = True

    def list_targets(self, scope: Scope) -> list[Target]:
        """List a target per symbol."""
        exchanges = tuple(name for name in scope.exchanges if name in MARKET_SOURCES) or tuple(MARKET_SOURCES)
        window = self.align(scope.window, now_us())
        return [Target(self, exchanges, window, FetchRow(self.name, symbol, window)) for symbol in scope.symbols]

    def align(self, window: Window, now_us: int) -> Window:
        """Widen a window to whole steps, without steps that cannot have data yet."""
        step = self.step_us
        latest = (now_us - self.delay_us) // step * step
        start = window.start_us // step * step
        return Window(start, max(start, min(-(-window.end_us // step) * step, latest)))

    def list_sources(self, exchange: str) -> Sequence[MarketSource]:
        """List the sources of an exchange in order of use."""
        return load_market_sources(exchange)

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Find the parts of an aligned window without stored rows of the exchange itself."""
        paths = [part.path(lake.root) for part in self._parts(exchange, symbol, window)]
        return find_gaps(paths, window, self.step_us, self.shortest_gap)

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files of the months that a window touches."""
        quarantine_files(lake, self._parts(exchange, symbol, window), say)

    def plan(self, source: MarketSource, _symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Cut gaps as the source does; one window may serve several gaps."""
        cuts = [self.cut(source, gap, now_us) for gap in missing]
        windows = [window for cut in cuts if not isinstance(cut, str) for window in cut]
        refusals = [cut for cut in cuts if isinstance(cut, str)]
        return Plan(tuple(dict.fromkeys(windows)), gaps=tuple(dict.fromkeys(refusals)))

    def stops(self, source: MarketSource) -> bool:
        """Archives may have the file of another day; a server that lacks a symbol lacks it for every window."""
        return not source.is_archive

    def ask(self, source: MarketSource, symbol: str, window: Window, memo: Memo) -> Ask[RowT]:
        """Request one window until the rows are those of that window."""
        name = f"{source.name}: {symbol} {format_time(window.start_us)} to {format_time(window.end_us)} UTC"
        rows = yield from request_rows(
            lambda: self.request(source, symbol, window, memo), name, accept_repeated=not source.is_archive
        )
        if rows is None:
            return WindowAnswer(absent=f"{source.name} does not list {symbol}, or not for {window.start:%Y-%m-%d}")
        return WindowAnswer(rows, fingerprint=hash((source.name, tuple(rows))) if rows else None)

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """Write the rows; they replace stored rows of the same time."""
        if rows := [row for result in results if result.answer for row in result.answer.rows]:
            self.write(lake, task.exchange, task.target.row.symbol, rows)

    def _parts(self, exchange: str, symbol: str, window: Window) -> list[Partition]:
        months = months_of(window) if window.length_us else []
        return [Partition(self.folder, exchange, symbol, month, exchange, self.interval) for month in months]


def find_gaps(paths: Iterable[Path], window: Window, step_us: int, shortest: int = 1) -> list[Window]:
    """
    Find the parts of an aligned window without stored rows, of at least ``shortest`` steps.

    Raises
    ------
    DamagedError
        A file cannot be read; a missing one has no rows.
    """
    import numpy as np

    first, last = window.start_us // step_us, window.end_us // step_us
    missing = np.ones(last - first, dtype=bool)
    for times in _read_times(paths):
        places = np.asarray(times, dtype=np.int64) // step_us - first
        missing[places[(places >= 0) & (places < last - first)]] = False
    edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    gaps = [(first + int(a), first + int(b)) for a, b in edges.reshape(-1, 2)]
    return [Window(a * step_us, b * step_us) for a, b in gaps if b - a >= shortest]


def _read_times(paths: Iterable[Path]) -> Iterator[list[int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in paths:
        try:
            with path.open("rb") as handle:
                yield pq.read_table(handle, columns=["ts"]).column("ts").cast(pa.int64()).to_pylist()
        except FileNotFoundError:
            continue
        except (pa.ArrowException, OSError, KeyError) as error:
            raise DamagedError(f"{path}: damaged or not Parquet ({error}); run liqcli verify") from error
