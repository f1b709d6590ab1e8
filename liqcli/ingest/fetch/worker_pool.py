"""Worker pool: threads that send requests, a few per source. The main thread submits tasks and receives their results.

Threads never write to the lake. They are daemons, so that Ctrl-C does not wait for an answer that takes half a minute.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

FAILURES_IN_A_ROW = 3  # after these, no further requests go to a source in this run


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    Result of some work.

    Attributes
    ----------
    error : str or None
        Why there is no answer.
    lost : bool
        Whether the error rules out further requests to the source in this run.
    counts : bool
        Whether several errors in a row rule them out as well.
    """

    error: str | None = None
    lost: bool = False
    counts: bool = True


# Sends requests and returns their result. If its source is tripped, it gets the reason and sends nothing.
Work = Callable[[str | None], Outcome]


@dataclass(slots=True)
class _SourceQueue:
    """Tasks of one source in order, and the state of its circuit breaker."""

    tasks: deque[tuple[Work, bool]] = field(default_factory=deque)  # with "runs alone"
    changed: threading.Condition = field(default_factory=threading.Condition)
    threads: int = 0
    running: int = 0
    exclusive: bool = False  # whether a task that runs alone is under way
    answered: bool = False
    failures: int = 0
    tripped: str | None = None

    def is_ready(self) -> bool:
        """Return whether the next task can start now."""
        if not self.tasks or not self.running:
            return bool(self.tasks)
        return self.answered and not self.exclusive and not self.tasks[0][1]

    def record(self, outcome: Outcome, failures_before: int) -> None:
        """
        Count failures in a row.

        Failures of tasks that ran at the same time count once: only a task started after the last failure adds one.
        """
        if outcome.error is None:
            self.failures = 0
        elif outcome.lost:
            self.tripped = self.tripped or outcome.error
        elif failures_before == self.failures and outcome.counts:
            self.failures += 1
            if self.failures >= FAILURES_IN_A_ROW:
                self.tripped = self.tripped or outcome.error


class WorkerPool:
    """
    Runs tasks of many sources at once, each with a few threads and a circuit breaker.

    The first task of a source runs alone, so that a source which blocks this network gets only one request.
    """

    def __init__(self) -> None:
        self._queues: dict[str, _SourceQueue] = {}
        self._inbox: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._open = 0

    def put(self, source: str, workers: int, task: Work, alone: bool = False) -> None:
        """
        Submit a task of a source, which is served by at most ``workers`` threads.

        A task that must run ``alone`` goes to the front of the queue.
        """
        own = self._queues.setdefault(source, _SourceQueue())
        self._open += 1
        with own.changed:
            if alone:
                own.tasks.appendleft((task, True))
            else:
                own.tasks.append((task, False))
            if own.threads < min(workers, own.running + len(own.tasks)):
                own.threads += 1
                threading.Thread(target=self._work, args=(own,), daemon=True, name=f"liqcli-{source}").start()
            own.changed.notify()

    def results(self) -> Iterator[Outcome | None]:
        """
        Yield results as they arrive until all tasks are done, and None after each 0.2 s without a result.

        Raises
        ------
        BaseException
            An unexpected error of a thread.
        """
        while self._open:
            try:
                message = self._inbox.get(timeout=0.2)
            except queue.Empty:
                yield None
                continue
            self._open -= 1
            if isinstance(message, BaseException):
                raise message
            yield message

    @property
    def tripped(self) -> dict[str, str]:
        """Sources that get no further requests, and why."""
        return {name: own.tripped for name, own in self._queues.items() if own.tripped}

    def stop(self) -> None:
        """Start no further tasks."""
        self._stopped = True
        for own in self._queues.values():
            with own.changed:
                own.changed.notify_all()

    def drain(self) -> Iterator[Outcome]:
        """Yield results that have arrived and were not yielded by :meth:`results`."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._inbox.get_nowait()
                if not isinstance(message, BaseException):
                    yield message

    def _work(self, own: _SourceQueue) -> None:
        while (taken := self._next(own)) is not None:
            task, failures = taken
            outcome: Outcome | BaseException
            try:
                outcome = task(own.tripped)
            except BaseException as error:  # raised in the main thread
                outcome = error
            with own.changed:
                own.running -= 1
                own.exclusive = False
                own.answered = True
                if not isinstance(outcome, BaseException):
                    own.record(outcome, failures)
                own.changed.notify_all()
            self._inbox.put(outcome)

    def _next(self, own: _SourceQueue) -> tuple[Work, int] | None:
        """Wait for a task; return it with the number of failures before it, or None if the pool was stopped."""
        with own.changed:
            while not self._stopped and not own.is_ready():
                own.changed.wait()
            if self._stopped:
                return None
            task, own.exclusive = own.tasks.popleft()
            own.running += 1
            return task, own.failures


@contextlib.contextmanager
def raise_keyboard_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that answered windows are stored; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
