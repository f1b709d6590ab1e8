"""
Collect answers and write them to the lake.

Ctrl-C can arrive between any two instructions, and what was collected is stored then. An answer is therefore added in
one step, its window together with all of its rows: a window without its rows would be an invisible gap.
"""

from __future__ import annotations

import time

from liqcli.core.errors import DamagedError
from liqcli.ingest.fetch.tasks import Task, WindowResult
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake

ROWS_IN_MEMORY = 100_000
WRITING_SHARE = 5  # wait at least this many times the duration of the last write, which rewrites whole files


class Writer:
    """
    Collects and stores results; their order does not matter. Main thread only.

    Parameters
    ----------
    flush_s : float
        Maximum time that answers stay in memory. [s]
    """

    def __init__(self, lake: Lake, progress: Progress, flush_s: float) -> None:
        self._lake = lake
        self._progress = progress
        self._flush_s = flush_s
        self._due_s = time.monotonic() + flush_s
        self._tasks: dict[Task, None] = {}
        self._rows = 0

    def add(self, result: WindowResult) -> None:
        """Add one result to its task."""
        task, answer = result.task, result.answer
        row, title = task.target.row, task.source.title
        self._tasks[task] = None
        task.finished += 1
        row.requests += result.requests
        if result.error:
            task.failures.append((result.window, result.error))
            self._progress.fail(title, result.error)
        if answer is None:
            return
        if answer.absent is not None:
            task.absences.append((result.window, answer.absent))
        if answer.absent is None or answer.unknown:
            task.answered.append(result.window)
            row.answered += not task.repeats
        task.rejected += answer.rejected
        task.pending.append(result)
        self._rows += len(answer.rows)
        row.cut += len(answer.cut)
        row.rejected += len(answer.rejected)
        row.skipped += answer.skipped
        if not task.repeats and (answer.absent is None or not task.stops):
            notional_e6 = task.target.kind.sum_notional_e6(answer.rows)
            self._progress.advance(title, len(answer.rows), None if notional_e6 is None else notional_e6 / 1e6)

    def flush_if_due(self) -> None:
        """Write everything if it has been in memory for some time, or if it is much."""
        began_s = time.monotonic()
        if began_s >= self._due_s or self.is_full():
            self.flush()
            ended_s = time.monotonic()
            self._due_s = ended_s + max(self._flush_s, WRITING_SHARE * (ended_s - began_s))

    def is_full(self) -> bool:
        """Return whether enough rows are in memory to write them now."""
        return self._rows >= ROWS_IN_MEMORY

    def flush(self) -> None:
        """Write all collected answers."""
        for task in self._tasks:
            self.store(task)
        self._rows = 0

    def store(self, task: Task) -> None:
        """Write the answers of a task; a damaged file affects only its own symbol."""
        kind, row = task.target.kind, task.target.row
        try:
            if task.pending and not task.damage:
                kind.store(self._lake, task, task.pending)
                for result in [] if task.repeats else task.pending:
                    rows = result.answer.rows if result.answer else []
                    row.rows += len(rows)
                    row.notional_e6 += kind.sum_notional_e6(rows) or 0
        except DamagedError as error:
            task.damage = str(error)
        task.pending.clear()

    def write_rejected(self) -> None:
        """Write the rejected rows of this run, one file per source and symbol."""
        for task in self._tasks:
            if task.rejected:
                names = dict.fromkeys([task.source.name, task.exchange])
                self._lake.write_rejected("-".join(["fetch", *names, task.target.row.symbol]), sorted(task.rejected))
