"""
Collect answers and write their windows to the lake: first the data, then the fetch log.

Ctrl-C can arrive between any two instructions, and what was collected is stored then. An answer is therefore added in
one step, its windows together with all of their rows: a window without its rows would be an invisible gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from liqcli.core.errors import DamagedError
from liqcli.core.model import Liquidation, Window
from liqcli.ingest.fetch.planner import assess_window
from liqcli.ingest.fetch.request_runner import WindowResult
from liqcli.ingest.fetch.tasks import FetchTask, UnsavedWindows
from liqcli.ingest.progress import Progress
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

ROWS_IN_MEMORY = 100_000
ALL_COPIES = 2**31


class Writer:
    """Collects and stores results; their order does not matter. Main thread only."""

    def __init__(self, lake: Lake, tasks: Sequence[FetchTask], progress: Progress) -> None:
        self._lake = lake
        self._tasks = tasks
        self._progress = progress
        self._rows = 0

    def add(self, result: WindowResult) -> None:
        """Add one result to its task."""
        task, answer = result.task, result.answer
        task.requests += result.requests
        if result.error:
            task.failures.append((result.window, result.error))
            self._progress.fail(task.source.name, result.error)
        if answer is None:
            return
        ended = task.tails.pop(result.window.start_us, None)
        before = [ended] if ended else []
        if answer.absent is not None:
            task.absences.append((result.window, answer.absent))
            if not answer.unknown:
                task.pending.append(UnsavedWindows(before, [], Counter()))
                self._progress.advance(task.source.name, 0)
                return
        notional_e6 = sum(round(row.notional * 1e6) for row in answer.rows)
        task.answered.append(result.window)
        task.events += len(answer.rows)
        task.notional_e6 += notional_e6
        task.skipped += answer.skipped
        task.cut += answer.cut
        task.rejected += answer.rejected
        tail = _find_tail(task, result.window)
        unsettled = [*answer.unsettled, *([tail] if tail else [])]
        assessed = assess_window(task.source, result.window, answer.cut, result.asked_us, answer.unknown, unsettled)
        counted = _count(assessed, result)
        task.tails |= {item.window.end_us: replace(item, status="complete") for item in counted if item.window == tail}
        fresh = UnsavedWindows([*before, *counted], [], Counter())
        for row in answer.rows:
            if task.source.union or any(item.window.contains(row.ts_us) for item in assessed):
                fresh.rows.append(row)
            else:
                fresh.loose[row] += 1
        task.pending.append(fresh)
        self._rows += len(answer.rows)
        self._progress.advance(task.source.name, len(answer.rows), notional_e6 / 1e6)

    def is_full(self) -> bool:
        """Return whether enough rows are in memory to write them now."""
        return self._rows >= ROWS_IN_MEMORY

    def flush(self) -> None:
        """Write all collected windows; a damaged file affects only its own symbol."""
        for task in self._tasks:
            try:
                if not task.damage:
                    self._store(task)
            except DamagedError as error:
                task.damage = str(error)
                task.events = task.notional_e6 = 0
            task.pending.clear()
        self._rows = 0

    def write_rejected(self) -> None:
        """Write the rejected rows of this run, one file per source and symbol."""
        for task in self._tasks:
            if task.rejected:
                names = [task.source.name] if task.source.name == task.exchange else [task.source.name, task.exchange]
                self._lake.write_rejected("-".join(["fetch", *names, task.symbol]), sorted(task.rejected))

    def _store(self, task: FetchTask) -> None:
        windows = [window for answer in task.pending for window in answer.windows]
        rows = [row for answer in task.pending for row in answer.rows]
        if windows:
            covered = FetchLog().add(windows).windows  # adjacent windows are merged into one write
            if task.source.union:
                self._add(task, rows, covered)
            else:
                self._lake.replace_window(task.exchange, task.symbol, task.source.name, covered, rows)
        loose: Counter[Liquidation] = Counter()
        for answer in task.pending:
            loose |= answer.loose  # overlapping answers repeat rows; only repeats within one answer are separate events
        if loose:
            self._add(task, list(loose.elements()), [])

    def _add(self, task: FetchTask, rows: Sequence[Liquidation], covered: Sequence[CoveredWindow]) -> None:
        with Staging(self._lake) as staging:
            for row in rows:
                staging.add(row)
            staging.commit(most_copies=ALL_COPIES)
        with self._lake.locked():
            self._lake.add_to_fetch_log(task.exchange, task.symbol, task.source.name, covered)


def _find_tail(task: FetchTask, window: Window) -> Window | None:
    """Return the last minutes of a window if their late events may be in the next window, which is not answered yet."""
    late_us, end_us = task.source.late_us, window.end_us
    answered = {w.start_us for w in task.answered} | {w.start_us for w, _ in task.absences}
    if not late_us or end_us in answered or all(w.start_us != end_us for w in task.windows):
        return None
    return Window(max(window.start_us, end_us - late_us), end_us)


def _count(assessed: Sequence[CoveredWindow], result: WindowResult) -> list[CoveredWindow]:
    """Set the number of events of each window."""
    rows = result.answer.rows if result.answer else []

    def events(window: Window) -> int:
        return sum(window.contains(row.ts_us) for row in rows)

    return [replace(item, events=events(item.window)) for item in assessed]
