"""
Live bars on a terminal, one a source; imported only there, since rich.progress is slow to load.

A live bar for the file that is being imported; imported on a terminal alone, since rich.progress is slow to load.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from liqcli.core.formatting import format_count
from liqcli.ingest.fetch.progress import Progress, SourceProgress
from liqcli.ingest.files.progress import ImportProgress

SHORTEST_WAIT_S = 1.0  # shorter pauses come and go faster than anybody reads


@dataclass(slots=True)
class BarState:
    """What stands beside a bar: how far it is, until when it waits and why, and what failed last."""

    tally: SourceProgress
    waits_until_s: float = 0.0
    why: str = ""
    trouble: str = ""

    @property
    def windows(self) -> str:
        """How many windows of how many; nothing as long as it is asked what it lists."""
        return f"{self.tally.done}/{self.tally.planned}" if self.tally.planned else ""

    def render(self, now_s: float) -> Text:
        """Write what the source does now."""
        if self.waits_until_s > now_s:
            return Text(f"waits {math.ceil(self.waits_until_s - now_s)} s: {self.why}", "yellow")
        if self.trouble:
            return Text(self.trouble, "red")
        return Text(self.tally.text if self.tally.planned else "")


class StateColumn(ProgressColumn):
    """The state of each source, cut off at the edge of the screen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(Column(ratio=1, no_wrap=True, overflow="ellipsis"))
        self._clock = clock

    def render(self, task: Task) -> Text:
        """Write the state of one source."""
        state: BarState = task.fields["state"]
        return state.render(self._clock())


class ProgressBars(Progress):
    """
    Shows a bar a source on stderr while it is entered, and removes them at the end.

    Lines said meanwhile, also by others on stderr, stand above the bars.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        screen = console or Console(stderr=True)
        super().__init__(lambda line: screen.print(line, markup=False, highlight=False, soft_wrap=True))
        self._clock = clock
        self._states: dict[str, BarState] = {}
        self._ids: dict[str, TaskID] = {}
        self._live = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state].windows}", justify="right"),
            StateColumn(clock),
            console=screen,
            transient=True,
            redirect_stdout=False,  # what stands on stdout are data, for somebody else
            expand=True,
        )

    def __enter__(self) -> ProgressBars:
        self._live.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def plan(self, name: str, windows: int) -> None:
        """Make the source's bar longer by so many windows; 0 shows one that only moves."""
        with self._lock:
            tally = self._tally(name)
            tally.planned += windows
            self._draw(name)

    def wait(self, name: str, why: str, seconds: float) -> None:
        """Count the pause down beside the bar."""
        if seconds >= SHORTEST_WAIT_S:
            with self._lock:
                state = self._state(name)
                state.waits_until_s, state.why = self._clock() + seconds, why
                self._draw(name)

    def fail(self, name: str, why: str) -> None:
        """Write the reason beside the bar."""
        with self._lock:
            self._state(name).trouble = why.removeprefix(f"{name}: ")
            self._draw(name)

    def _show(self, name: str, tally: SourceProgress) -> None:
        self._state(name).waits_until_s = 0.0
        self._draw(name)

    def _state(self, name: str) -> BarState:
        return self._states.setdefault(name, BarState(self._tally(name)))

    def _draw(self, name: str) -> None:
        state = self._state(name)
        if name not in self._ids:
            self._ids[name] = self._live.add_task(name, total=None, state=state)
        self._live.update(self._ids[name], completed=state.tally.done, total=state.tally.planned or None)


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
