"""Progress of fetches and imports on stderr: bars on a terminal, lines otherwise, nothing with ``--quiet``."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from liqcli.cli.output import STATE, say
from liqcli.core.formatting import format_count, format_duration
from liqcli.ingest.progress import Progress, SourceProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn, Task, TaskID
    from rich.text import Text

SHORTEST_WAIT_S = 1.0  # shorter waits end before anybody reads them


def show_progress() -> AbstractContextManager[Progress]:
    """Choose how to show progress; enter the result for the duration of the work."""
    if not STATE.quiet and is_live_terminal():
        return ProgressBars()
    return nullcontext(Progress(say))


def is_live_terminal() -> bool:
    """Return whether stderr is a terminal that can redraw lines; FORCE_COLOR does not make a file one."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


@dataclass(slots=True)
class BarState:
    """Text beside a bar: a count, what was received, a wait with its reason, the last error."""

    count: str = ""
    text: str = ""
    waits_until_s: float = 0.0
    why: str = ""
    error: str = ""
    is_file: bool = False

    def render(self, now_s: float, remaining_s: float | None) -> Text:
        """Render the wait, the error or the state, in this order."""
        from rich.text import Text

        if self.waits_until_s > now_s:
            return Text(f"waiting {math.ceil(self.waits_until_s - now_s)} s: {self.why}", "yellow")
        if self.error:
            return Text(self.error, "red")
        left = f", {format_duration(math.ceil(remaining_s) * 1_000_000)} left" if remaining_s else ""
        return Text(self.text + left)


class ProgressBars(Progress):
    """
    Shows a bar on stderr for each source of a fetch and for the current file of an import.

    Use it as a context manager: bars disappear at its end. Lines printed meanwhile on stderr appear above the bars.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        screen = console or Console(stderr=True)
        super().__init__(lambda line: screen.print(line, markup=False, highlight=False, soft_wrap=True))
        self._clock = clock
        self._states: dict[str, BarState] = {}
        self._ids: dict[str, TaskID] = {}
        name = Column(no_wrap=True, overflow="ellipsis", max_width=40)
        self._live = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state].count}", justify="right"),
            _state_column(clock),
            console=screen,
            transient=True,
            redirect_stdout=False,  # stdout carries data
            expand=True,
        )

    def __enter__(self) -> ProgressBars:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def wait(self, name: str, why: str, seconds: float) -> None:
        """Count down the wait beside the bar."""
        if seconds >= SHORTEST_WAIT_S:
            with self._lock:
                state = self._state(name)
                state.waits_until_s, state.why = self._clock() + seconds, why
                self._draw_source(name)

    def fail(self, name: str, why: str) -> None:
        """Show the error beside the bar."""
        with self._lock:
            self._state(name).error = why.removeprefix(f"{name}: ")
            self._draw_source(name)

    def read(self, name: str, share: float, rows: int) -> None:
        """Move the bar of a file; files without an update while they are read get none."""
        if rows:
            state = self._state(name)
            state.count, state.text, state.is_file = f"{share:.0%}", f"{format_count(rows)} rows", True
            self._draw(name, share, 1.0)

    def store(self, name: str, rows: int) -> None:
        """Turn the bar of a file into a moving one: the time to store its rows is unknown."""
        if name in self._ids:
            state = self._state(name)
            state.count, state.text = "", f"storing {format_count(rows)} rows"
            self._live.reset(self._ids[name], total=None)
            self._draw(name, 0.0, None)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Remove all bars, so that lines can be printed to stdout and stderr."""
        if self._ids:
            self._live.stop()
            for number in self._ids.values():
                self._live.remove_task(number)
            self._ids.clear()
            self._states.clear()
        yield

    def _show_plan(self, name: str) -> None:
        self._draw_source(name)

    def _show_advance(self, name: str, source: SourceProgress) -> None:
        self._state(name).waits_until_s = 0.0
        self._draw_source(name)

    def _state(self, name: str) -> BarState:
        return self._states.setdefault(name, BarState())

    def _draw_source(self, name: str) -> None:
        """Draw the bar of a source: without a count and moving while the contracts are requested."""
        source, state = self._source(name), self._state(name)
        state.count = f"{source.done}/{source.planned}" if source.planned else ""
        state.text = source.text if source.planned else ""
        self._draw(name, source.done, source.planned or None)

    def _draw(self, name: str, completed: float, total: float | None) -> None:
        if name not in self._ids:
            self._ids[name] = self._live.add_task(name, total=total, state=self._state(name))
            self._live.start()
        self._live.update(self._ids[name], completed=completed, total=total)


def _state_column(clock: Callable[[], float]) -> ProgressColumn:
    """Build the column of states; rich.progress is slow to import, so its subclass is defined when it is needed."""
    from rich.progress import ProgressColumn
    from rich.table import Column

    class StateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            state: BarState = task.fields["state"]
            return state.render(clock(), task.time_remaining if state.is_file else None)

    return StateColumn(Column(ratio=1, no_wrap=True, overflow="ellipsis"))
