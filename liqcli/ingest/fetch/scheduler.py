"""Schedule the windows of many tasks: the main thread plans and writes, a few threads per source send requests."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

from liqcli.core.model import Window
from liqcli.ingest.fetch.request_runner import Clients, request_confirmed, request_window
from liqcli.ingest.fetch.tasks import Task, WindowResult
from liqcli.ingest.fetch.worker_pool import Work, WorkerPool
from liqcli.ingest.fetch.writer import Writer
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.sources.base import Endpoint

Job = Generator[Task, None, None]  # yields a task, and is resumed when the task is done


class Scheduler:
    """
    Runs many jobs at once; each continues as soon as its task is done.

    Parameters
    ----------
    flush_s : float
        Maximum time that answers stay in memory. [s]
    """

    def __init__(self, lake: Lake, progress: Progress, flush_s: float) -> None:
        self.lake = lake
        self.progress = progress
        self.clients = Clients(progress)
        self.writer = Writer(lake, progress, flush_s)
        self.pool = WorkerPool()
        self._owners: dict[int, WindowResult] = {}  # by fingerprint
        self._open: dict[Task, Job | None] = {}  # None for a window that is repeated after its task was done

    def put(self, source: Endpoint, work: Work, alone: bool = False) -> None:
        """Submit work to the threads of a source, as many as its rate limit supports."""
        self.pool.put(source.title, self.clients.workers(source), work, alone)

    def run(self, jobs: Sequence[Job]) -> None:
        """Run all jobs to their end; answered windows are stored also if the user interrupts."""
        with self.lake.keep_engine():
            self._run(jobs)

    def _run(self, jobs: Sequence[Job]) -> None:
        try:
            self._submit([task for job in jobs if (task := self._resume(job))])
            for result in self.pool.results():
                if isinstance(result, WindowResult):
                    self._accept(result)
                self.writer.flush_if_due()
        finally:
            self.pool.stop()
            for result in self.pool.drain():  # arrived during the last write
                if isinstance(result, WindowResult) and self._find_equal(result) is None:
                    self.writer.add(result)
            self.writer.flush()
            self.writer.write_rejected()

    def close(self) -> None:
        """Start no further requests and close all connections."""
        self.pool.stop()
        self.clients.close()

    def _resume(self, job: Job) -> Task | None:
        """Return the next task of a job, or None at its end."""
        task = next(job, None)
        if task is not None:
            self.progress.plan(task.source.title, len(task.windows))
            self._open[task] = job
        return task

    def _submit(self, tasks: Sequence[Task]) -> None:
        """Submit the windows of tasks, oldest first across symbols, because sources drop the oldest data first."""
        windows = [
            (window, number)
            for number, task in enumerate(tasks)
            for window in task.windows[: 1 if task.stops else None]
        ]
        for window, number in sorted(windows):
            self._request(tasks[number], window)

    def _request(self, task: Task, window: Window, confirm: bool = False) -> None:
        request = request_confirmed if confirm else request_window
        self.put(task.source, partial(request, task, window, self.clients), alone=confirm)

    def _accept(self, result: WindowResult) -> None:
        """Add a result, or repeat the request if another had the same answer; then go on with its job."""
        task = result.task
        if (other := self._find_equal(result)) is not None:
            task.target.row.requests += result.requests
            self._request(task, result.window, confirm=True)
            if not other.confirmed:
                self._repeat(other)
            return
        if task.stops and not task.finished:
            for window in task.windows[1:]:
                self._request(task, window)
        self.writer.add(result)
        if task.finished == len(task.windows):
            job = self._open.pop(task)
            if job and (following := self._resume(job)):
                self._submit([following])

    def _find_equal(self, result: WindowResult) -> WindowResult | None:
        """
        Return the result of another request with the same rows, so that one of them got the other's answer.

        Which one is wrong is unknown, because answers can overtake each other; both must be repeated.
        """
        fingerprint = result.answer.fingerprint if result.answer else None
        if fingerprint is None:
            return None
        owner = self._owners.get(fingerprint)
        if result.confirmed or owner is None or owner.key == result.key:
            self._owners[fingerprint] = result
            return None
        return owner

    def _repeat(self, result: WindowResult) -> None:
        """Repeat a request whose answer was accepted but may be wrong; the new rows replace the stored ones."""
        task = result.task
        self.writer.store(task)
        again = Task(task.target, task.exchange, task.source, [result.window], repeats=True)
        task.target.repeats.append(again)
        self._open[again] = None
        self._request(again, result.window, confirm=True)
