"""The crew: threads that ask, a few a source. The main thread hands out questions and hears what came of them.

Threads never write, and they are daemons: a Ctrl-C does not wait for an answer that may take half a minute.
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

FAILURES_IN_A_ROW = 3  # then a source is left alone for this run


class Outcome(Protocol):
    """What came of a question: an error, and whether it means that the source cannot be asked at all."""

    @property
    def error(self) -> str | None:
        """Why nothing came."""

    @property
    def lost(self) -> bool:
        """Whether the source's other questions need not be tried now."""


ResultT = TypeVar("ResultT", bound=Outcome)
# A question: asks and gives what came; told why its source is left alone, it gives that without asking.
Question = Callable[[str | None], ResultT]


@dataclass(slots=True)
class _SourceQueue(Generic[ResultT]):
    """The questions to one source, in their order, and how it is doing."""

    patient: bool  # whether only being lost is a reason to leave the source alone
    questions: deque[tuple[Question[ResultT], bool]] = field(default_factory=deque)  # and whether it wants to be alone
    changed: threading.Condition = field(default_factory=threading.Condition)
    threads: int = 0
    asking: int = 0
    quiet: bool = False  # whether one is asked that wants to be alone
    heard: bool = False
    failures: int = 0
    left_alone: str | None = None

    def is_ready(self) -> bool:
        """Whether the next question can be asked now."""
        if not self.questions or not self.asking:
            return bool(self.questions)
        return self.heard and not self.quiet and not self.questions[0][1]

    def judge(self, outcome: ResultT, failures_before: int) -> None:
        """
        Count failures in a row.

        Those of questions that were under way together are one: what counts is a failure that was begun after the last.
        """
        if outcome.error is None:
            self.failures = 0
        elif outcome.lost:
            self.left_alone = self.left_alone or outcome.error
        elif failures_before == self.failures and not self.patient:
            self.failures += 1
            if self.failures >= FAILURES_IN_A_ROW:
                self.left_alone = self.left_alone or outcome.error


class WorkerPool(Generic[ResultT]):
    """
    Asks many sources at once, each with a few threads.

    The first question of a source goes alone: a source that refuses this network hears of us once.
    """

    def __init__(self, patient: bool = False) -> None:
        self._patient = patient
        self._lanes: dict[str, _SourceQueue[ResultT]] = {}
        self._inbox: queue.SimpleQueue[ResultT | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._open = 0

    def put(self, source: str, workers: int, question: Question[ResultT], alone: bool = False) -> None:
        """
        Add a question to those that a source is asked; ``workers`` ask it at once.

        One that wants to be ``alone`` comes next, and is asked while the source is asked nothing else.
        """
        lane = self._lanes.setdefault(source, _SourceQueue(self._patient))
        self._open += 1
        with lane.changed:
            if alone:
                lane.questions.appendleft((question, True))
            else:
                lane.questions.append((question, False))
            if lane.threads < min(workers, lane.asking + len(lane.questions)):
                lane.threads += 1
                threading.Thread(target=self._work, args=(lane,), daemon=True, name=f"liqcli-{source}").start()
            lane.changed.notify()

    def listen(self) -> Iterator[ResultT | None]:
        """
        Give what came, as it comes, until every question has been answered; None now and then, so that time is noticed.

        Raises
        ------
        BaseException
            Whatever a thread did not foresee.
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
        """Let nothing more be asked."""
        self._stopped = True
        for lane in self._lanes.values():
            with lane.changed:
                lane.changed.notify_all()

    def drain(self) -> Iterator[ResultT]:
        """Give what has come and was not listened to."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._inbox.get_nowait()
                if not isinstance(message, BaseException):
                    yield message

    def _work(self, lane: _SourceQueue[ResultT]) -> None:
        while (taken := self._next(lane)) is not None:
            question, failures = taken
            outcome: ResultT | BaseException
            try:
                outcome = question(lane.left_alone)
            except BaseException as error:  # handed to the main thread, which raises it
                outcome = error
            with lane.changed:
                lane.asking -= 1
                lane.quiet = False
                lane.heard = True
                if not isinstance(outcome, BaseException):
                    lane.judge(outcome, failures)
                lane.changed.notify_all()
            self._inbox.put(outcome)

    def _next(self, lane: _SourceQueue[ResultT]) -> tuple[Question[ResultT], int] | None:
        """Wait for a question, and give it with the failures before it; None when there will be none."""
        with lane.changed:
            while not self._stopped and not lane.is_ready():
                lane.changed.wait()
            if self._stopped:
                return None
            question, lane.quiet = lane.questions.popleft()
            lane.asking += 1
            return question, lane.failures


@contextlib.contextmanager
def raise_keyboard_interrupt() -> Iterator[None]:
    """Let SIGTERM store what is complete too, as Ctrl-C does; only the main thread may say so."""
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
