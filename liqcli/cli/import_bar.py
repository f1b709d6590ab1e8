"""A live bar for the file that is being imported; imported on a terminal alone, since rich.progress is slow to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from liqcli.formats import format_count
from liqcli.import_progress import ImportProgress


class ImportBar(ImportProgress):
    """Shows on stderr how far a file is, from its first few thousand rows on; nothing is left of it at the end."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        name = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._live = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}", justify="right"),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # what stands on stdout are data, for somebody else
            expand=True,
        )
        self._id: TaskID | None = None

    def __enter__(self) -> ImportBar:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._remove()

    def read(self, name: str, share: float, rows: int) -> None:
        """Draw the bar this far; a file that is read in no time gets none."""
        if rows:
            self._draw(name, share, f"{share:.0%}, {format_count(rows)} rows")

    def store(self, name: str, rows: int) -> None:
        """Let the bar only move: how long storing takes depends on what the lake holds."""
        if self._id is not None:
            self._draw(name, None, f"storing {format_count(rows)} rows")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away, for lines that stay."""
        self._remove()
        yield

    def _draw(self, name: str, share: float | None, state: str) -> None:
        if self._id is None:
            self._id = self._live.add_task(name, total=1.0, state=state)
            self._live.start()
        if share is None:
            self._live.reset(self._id, total=None)
        self._live.update(self._id, completed=share or 0.0, state=state)

    def _remove(self) -> None:
        if self._id is not None:
            self._live.stop()
            self._live.remove_task(self._id)
            self._id = None
