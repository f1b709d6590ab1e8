"""
Writing: collects answers and puts complete windows into the lake, data first, memory after.

Ctrl-C can come between any two instructions, and what was taken is stored then. So an answer becomes pending in one
step, its windows together with all of their rows: a window without its rows would be a gap that nobody sees.
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
    """Takes what the threads heard, in any order: what comes of it is the same. Only the main thread uses it."""

    def __init__(self, lake: Lake, jobs: Sequence[FetchTask], progress: Progress) -> None:
        self._lake = lake
        self._jobs = jobs
        self._progress = progress
        self._rows = 0

    def take(self, heard: WindowResult) -> None:
        """Add one answer to its job."""
        job, answer = heard.job, heard.answer
        job.requests += heard.requests
        if heard.error:
            job.failures.append((heard.window, heard.error))
            self._progress.fail(job.source.name, heard.error)
        if answer is None:
            return
        ended = job.tails.pop(heard.window.start_us, None)
        before = [ended] if ended else []
        if answer.absent is not None:
            job.absences.append((heard.window, answer.absent))
            if not answer.unknown:
                job.pending.append(UnsavedWindows(before, [], Counter()))
                self._progress.advance(job.source.name, 0)
                return
        notional_e6 = sum(round(row.notional * 1e6) for row in answer.rows)
        job.answered.append(heard.window)
        job.events += len(answer.rows)
        job.notional_e6 += notional_e6
        job.skipped += answer.skipped
        job.cut += answer.cut
        job.rejected += answer.rejected
        tail = _find_tail(job, heard.window)
        unsettled = [*answer.unsettled, *([tail] if tail else [])]
        judged = assess_window(job.source, heard.window, answer.cut, heard.asked_us, answer.unknown, unsettled)
        counted = _count(judged, heard)
        job.tails |= {item.window.end_us: replace(item, status="complete") for item in counted if item.window == tail}
        fresh = UnsavedWindows([*before, *counted], [], Counter())
        for row in answer.rows:
            if job.source.union or any(item.window.contains(row.ts_us) for item in judged):
                fresh.rows.append(row)
            else:
                fresh.loose[row] += 1
        job.pending.append(fresh)
        self._rows += len(answer.rows)
        self._progress.advance(job.source.name, len(answer.rows), notional_e6 / 1e6)

    def is_full(self) -> bool:
        """Whether so much is waiting that it should be written now."""
        return self._rows >= ROWS_IN_MEMORY

    def flush(self) -> None:
        """Put everything that is waiting into the lake; a damaged file there costs its own symbol alone."""
        for job in self._jobs:
            try:
                if not job.damage:
                    self._store(job)
            except DamagedError as error:
                job.damage = str(error)
                job.events = job.notional_e6 = 0
            job.pending.clear()
        self._rows = 0

    def write_rejected(self) -> None:
        """Keep the refused rows of this run, a file a source and symbol."""
        for job in self._jobs:
            if job.rejected:
                names = [job.source.name] if job.source.name == job.exchange else [job.source.name, job.exchange]
                self._lake.write_rejected("-".join(["fetch", *names, job.symbol]), sorted(job.rejected))

    def _store(self, job: FetchTask) -> None:
        windows = [window for answer in job.pending for window in answer.windows]
        rows = [row for answer in job.pending for row in answer.rows]
        if windows:
            covered = FetchLog().remember(windows).windows  # neighbours joined: one write, not 24
            if job.source.union:
                self._add(job, rows, covered)
            else:
                self._lake.replace_window(job.exchange, job.symbol, job.source.name, covered, rows)
        loose: Counter[Liquidation] = Counter()
        for answer in job.pending:
            loose |= answer.loose  # two answers may both tell of it: twins are what one of them tells twice
        if loose:
            self._add(job, list(loose.elements()), [])

    def _add(self, job: FetchTask, rows: Sequence[Liquidation], covered: Sequence[CoveredWindow]) -> None:
        with Staging(self._lake) as staging:
            for row in rows:
                staging.add(row)
            staging.commit(most_copies=ALL_COPIES)
        with self._lake.locked():
            self._lake.remember(job.exchange, job.symbol, job.source.name, covered)


def _find_tail(job: FetchTask, window: Window) -> Window | None:
    """Give the last minutes of a window where late events of theirs stand in a window that is still to be heard of."""
    late_us, end_us = job.source.late_us, window.end_us
    heard = {w.start_us for w in job.answered} | {w.start_us for w, _ in job.absences}
    if not late_us or end_us in heard or all(w.start_us != end_us for w in job.windows):
        return None
    return Window(max(window.start_us, end_us - late_us), end_us)


def _count(judged: Sequence[CoveredWindow], heard: WindowResult) -> list[CoveredWindow]:
    """Put into each window how many events came in it."""
    rows = heard.answer.rows if heard.answer else []

    def events(window: Window) -> int:
        return sum(window.contains(row.ts_us) for row in rows)

    return [replace(item, events=events(item.window)) for item in judged]
