"""What an import tells while it runs, and the plain way to show it: a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from liqcli.core.formatting import format_count
from liqcli.ingest.files.readers import ReadProgress

LINE_EVERY_S = 5.0
ROWS_A_LOOK = 2_000  # how often the clock is looked at: some twenty times a second

Row = TypeVar("Row")


class ImportProgress:
    """Takes what an import tells of one file after the other; this one says it in lines, every few seconds."""

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self.say = say
        self._said_s = time.monotonic()

    def watch(self, name: str, meter: ReadProgress, rows: Iterable[Row]) -> Iterator[Row]:
        """Hand the rows of a file on, and tell how far its reading is."""
        self.read(name, 0.0, 0)
        count = 0
        for count, row in enumerate(rows, 1):
            if count % ROWS_A_LOOK == 0:
                self.read(name, meter.share, count)
            yield row
        self.store(name, count)

    def read(self, name: str, share: float, rows: int) -> None:
        """Tell that so much of a file, 0 to 1, has been read."""
        if self._is_time():
            self.say(f"{name}: {share:.0%} read, {format_count(rows)} rows")

    def store(self, name: str, rows: int) -> None:
        """Tell that all rows of a file have been read, and are now put among what the lake holds."""
        if self._is_time():
            self.say(f"{name}: storing {format_count(rows)} rows")

    def aside(self) -> AbstractContextManager[None]:
        """Enter it to say lines that stay, on stdout too."""
        return nullcontext()

    def _is_time(self) -> bool:
        now = time.monotonic()
        if due := now - self._said_s >= LINE_EVERY_S:
            self._said_s = now
        return due
