"""Progress of a fetch or an import: the interface that both report to, and its plain form, a line every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from liqcli.core.formatting import format_count, format_usd

if TYPE_CHECKING:
    from liqcli.ingest.files.readers import ReadProgress

LINE_EVERY_S = 5.0
LONG_WAIT_S = 5.0  # shorter waits get no line
ROWS_PER_UPDATE = 2_000  # rows of a file between two updates, about twenty a second

Row = TypeVar("Row")


@dataclass(slots=True)
class SourceProgress:
    """Progress of one source: windows planned and done, rows received, ``notional`` [USD] of liquidations."""

    planned: int = 0
    done: int = 0
    rows: int = 0
    notional: float | None = None

    @property
    def text(self) -> str:
        """Rows received so far, as text."""
        if self.notional is None:
            return f"{format_count(self.rows)} rows"
        return f"{format_count(self.rows)} events, {format_usd(self.notional)} USD"


class Progress:
    """
    Receives the progress of a fetch (per source) or an import (per file) and prints it as lines.

    Safe to call from several threads. Subclasses show progress in other ways.

    Parameters
    ----------
    say : callable
        Prints a line that stays.
    """

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self.say = say
        self.sources: dict[str, SourceProgress] = {}
        self._printed_s: dict[str, float] = {}
        self._lock = threading.Lock()
        self._file_printed_s = time.monotonic()

    def plan(self, name: str, windows: int) -> None:
        """Add windows to be requested from a source; 0 while its contracts are requested."""
        with self._lock:
            self._source(name).planned += windows
            self._show_plan(name)

    def advance(self, name: str, rows: int, notional: float | None = None) -> None:
        """Count one answered window with its rows; ``notional`` [USD] for liquidations."""
        with self._lock:
            source = self._source(name)
            source.done += 1
            source.rows += rows
            if notional is not None:
                source.notional = (source.notional or 0.0) + notional
            self._show_advance(name, source)

    def wait(self, name: str, why: str, seconds: float) -> None:
        """Report that the next request to a source is delayed. [s]"""
        if seconds >= LONG_WAIT_S:
            self.say(f"{name}: waiting {seconds:.0f} s ({why})")

    def fail(self, name: str, why: str) -> None:
        """Report a failed window; not printed as a line, because the summary repeats it."""

    def watch(self, name: str, meter: ReadProgress, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on the rows, or blocks of rows, of a file and report how far it has been read."""
        self.read(name, 0.0, 0)
        count = shown = 0
        for row in rows:
            count += getattr(row, "num_rows", 1)
            if count - shown >= ROWS_PER_UPDATE:
                self.read(name, meter.share, count)
                shown = count
            yield row
        self.store(name, count)

    def read(self, name: str, share: float, rows: int) -> None:
        """Report the share of a file that has been read, 0 to 1, and its rows so far."""
        if self._is_line_due():
            self.say(f"{name}: {share:.0%} read, {format_count(rows)} rows")

    def store(self, name: str, rows: int) -> None:
        """Report that a file has been read and its rows are being stored."""
        if self._is_line_due():
            self.say(f"{name}: storing {format_count(rows)} rows")

    def aside(self) -> AbstractContextManager[None]:
        """Return a context in which lines can be printed to stdout and stderr."""
        return nullcontext()

    def _source(self, name: str) -> SourceProgress:
        return self.sources.setdefault(name, SourceProgress())

    def _show_plan(self, name: str) -> None:
        """Show that windows were planned."""

    def _show_advance(self, name: str, source: SourceProgress) -> None:
        now = time.monotonic()
        if source.done == source.planned or now - self._printed_s.setdefault(name, now) >= LINE_EVERY_S:
            self._printed_s[name] = now
            self.say(f"{name}: {source.done} of {source.planned} windows, {source.text}")

    def _is_line_due(self) -> bool:
        now = time.monotonic()
        if due := now - self._file_printed_s >= LINE_EVERY_S:
            self._file_printed_s = now
        return due
