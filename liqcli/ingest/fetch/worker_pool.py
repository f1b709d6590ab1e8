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
from typing import Generic, Protocol, TypeVar

FAILURES_IN_A_ROW = 3  # after these, no further requests go to a source in this run


class Outcome(Protocol):
    """Result of a task: an error, and whether it rules out further requests to the source."""

    @property
    def error(self) -> str | None:
        """Why there is no answer."""

    @property
    def lost(self) -> bool:
        """Return whether further requests to the source are pointless in this run."""


ResultT = TypeVar("ResultT", bound=Outcome)
# A task: sends requests and returns their result. If its source is tripped, it gets the reason and sends nothing.
Task = Callable[[str | None], ResultT]


@dataclass(slots=True)
class _SourceQueue(Generic[ResultT]):
    """Tasks of one source in order, and the state of its circuit breaker."""

    only_trip_on_block: bool
    tasks: deque[tuple[Task[ResultT], bool]] = field(default_factory=deque)  # with "runs alone"
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

    def record(self, outcome: ResultT, failures_before: int) -> None:
        """
        Count failures in a row.

        Failures of tasks that ran at the same time count once: only a task started after the last failure adds one.
        """
        if outcome.error is None:
            self.failures = 0
        elif outcome.lost:
            self.tripped = self.tripped or outcome.error
        elif failures_before == self.failures and not self.only_trip_on_block:
            self.failures += 1
            if self.failures >= FAILURES_IN_A_ROW:
                self.tripped = self.tripped or outcome.error


class WorkerPool(Generic[ResultT]):
    """
    Runs tasks of many sources at once, each with a few threads and a circuit breaker.

    The first task of a source runs alone, so that a source which blocks this network gets only one request.

    Parameters
    ----------
    only_trip_on_block : bool
        Trip the circuit breaker only if a result is ``lost``, not after several failures in a row.
    """

    def __init__(self, only_trip_on_block: bool = False) -> None:
        self._only_trip_on_block = only_trip_on_block
        self._queues: dict[str, _SourceQueue[ResultT]] = {}
        self._inbox: queue.SimpleQueue[ResultT | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._open = 0

    def put(self, source: str, workers: int, task: Task[ResultT], alone: bool = False) -> None:
        """
        Submit a task of a source, which is served by at most ``workers`` threads.

        A task that must run ``alone`` goes to the front of the queue.
        """
        own = self._queues.setdefault(source, _SourceQueue(self._only_trip_on_block))
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

    def results(self) -> Iterator[ResultT | None]:
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

    def stop(self) -> None:
        """Start no further tasks."""
        self._stopped = True
        for own in self._queues.values():
            with own.changed:
                own.changed.notify_all()

    def drain(self) -> Iterator[ResultT]:
        """Yield results that have arrived and were not yielded by :meth:`results`."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._inbox.get_nowait()
                if not isinstance(message, BaseException):
                    yield message

    def _work(self, own: _SourceQueue[ResultT]) -> None:
        while (taken := self._next(own)) is not None:
            task, failures = taken
            outcome: ResultT | BaseException
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

    def _next(self, own: _SourceQueue[ResultT]) -> tuple[Task[ResultT], int] | None:
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
