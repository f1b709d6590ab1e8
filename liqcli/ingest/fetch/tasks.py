"""What a fetch works on: kinds of data, a target per row of the summary, a task per source, a result per window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from liqcli.core.model import Rejected, Window
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.worker_pool import Outcome
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, Endpoint, WindowAnswer
from liqcli.sources.market_base import Memo

SourceT = TypeVar("SourceT", bound=Endpoint)
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is to fetch: ``interval`` is the length of candles, ``wallets`` the accounts to read positions of."""

    window: Window
    symbols: Sequence[str]
    sources: Sequence[str]
    exchanges: Sequence[str]
    interval: str
    again: bool
    wallets: tuple[str, ...] = ()


class Kind(ABC, Generic[SourceT, RowT]):
    """
    One kind of data.

    Attributes
    ----------
    name : str
        As a user writes it.
    substitutes : bool
        Whether one exchange's data replace those of another: then the next exchange is tried, for the whole window.
    """

    name: str
    substitutes: bool = False

    @abstractmethod
    def list_sources(self, exchange: str) -> Sequence[SourceT]:
        """List the sources of an exchange in order of use."""

    @abstractmethod
    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """
        Find the parts of a window to request.

        Raises
        ------
        DamagedError
            A stored file cannot be read.
        """

    def find_holes(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Find the parts of a window that the lake does not have; raises like :meth:`find_missing`."""
        return self.find_missing(lake, exchange, symbol, window)

    @abstractmethod
    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files before all of a window is fetched again."""

    @abstractmethod
    def plan(self, source: SourceT, symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Split missing parts into windows, one request or more each."""

    def stops(self, _source: SourceT) -> bool:
        """Return whether the first window shows if the source has the symbol, and a failure ends the task."""
        return False

    @abstractmethod
    def ask(self, source: SourceT, symbol: str, window: Window, memo: Memo) -> Ask[RowT]:
        """Yield the requests of a window and return its answer; ``memo`` is shared by the requests of a run."""

    @abstractmethod
    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """
        Write answers of a task; after an interrupt possibly the same ones again.

        Raises
        ------
        DamagedError
            A file to merge with cannot be read.
        """

    def list_rows(self, target: Target) -> list[FetchRow]:
        """Return the rows of a target for the summary, at the end of a run."""
        return [target.close()]

    def list_notes(self) -> list[str]:
        """List what answers contained beyond the targets, at the end of a run."""
        return []

    def sum_notional_e6(self, _rows: Sequence[RowT]) -> int | None:
        """Return the total of liquidated rows; None for other kinds. [1e-6 USD]"""
        return None


@dataclass(slots=True, eq=False)
class Target:
    """
    A row of the summary, the window to fetch for it, and exchanges to fetch from, in order of preference.

    ``repeats`` are tasks that repeat a request after its first answer had been accepted.
    """

    kind: Kind[Any, Any]
    exchanges: tuple[str, ...]
    window: Window
    row: FetchRow
    repeats: list[Task] = field(default_factory=list)

    def note_plan(self, plan: Plan) -> None:
        """Keep what cannot be requested."""
        self.row.notes += plan.notes
        self.row.troubles += plan.gaps
        self.row.error = self.row.error or plan.error

    def note_damage(self, exchange: str, damage: str) -> None:
        """Keep why an exchange's rows cannot be read or stored."""
        if self.kind.substitutes:
            self.row.troubles.append(f"{exchange}: {damage}")
        else:
            self.row.error, self.row.damaged = damage, True

    def note_task(self, task: Task) -> None:
        """Keep why windows of a task are missing: of many failures the first, or only what ended the task."""
        failures, absences = sorted(task.failures)[:1], sorted(task.absences)
        if not self.kind.substitutes:
            self.row.error = self.row.error or next((text for _window, text in failures), None)
            self.row.troubles += [text for _window, text in absences]
        else:
            self.row.troubles += [text for _window, text in sorted(failures + absences)[: 1 if task.stops else None]]

    def close(self) -> FetchRow:
        """Return the row at the end of the run."""
        row = self.row
        for task in self.repeats:
            if not task.answered:
                why = ", ".join(text for _window, text in [*task.failures, *task.absences])
                row.unanswered += 1
                row.troubles.append(f"{task.source.name} gave {row.symbol} the rows of another request: {why}")
        lacking = row.unanswered or not row.usable if self.kind.substitutes else row.error or row.troubles
        row.partial = bool(lacking or row.cut or row.rejected)
        return row


@dataclass(slots=True, eq=False)
class Task:
    """
    Windows of one target to request from one source. Only the main thread changes it, except for ``stopped``.

    Attributes
    ----------
    stops : bool
        Whether the first window is requested alone, and a failure ends the task.
    repeats : bool
        Whether it repeats a window after its first answer had been accepted.
    failures, absences : list of (Window, str)
        Why windows are missing: errors, and answers that the source cannot give.
    damage : str or None
        Why nothing can be stored.
    pending : list of WindowResult
        Answers that are not in the lake yet.
    """

    target: Target
    exchange: str
    source: Endpoint
    windows: Sequence[Window]
    stops: bool = False
    repeats: bool = False
    finished: int = 0
    stopped: bool = False
    answered: list[Window] = field(default_factory=list)
    failures: list[tuple[Window, str]] = field(default_factory=list)
    absences: list[tuple[Window, str]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    pending: list[WindowResult] = field(default_factory=list)
    damage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult(Outcome):
    """
    Answer of one window, or the error; neither if no request was sent because the task had ended.

    Attributes
    ----------
    asked_us : int
        Time of the request.
    confirmed : bool
        Whether the request was repeated alone until the answers agreed.
    """

    task: Task
    window: Window
    answer: WindowAnswer[Any] | None = None
    asked_us: int = 0
    requests: int = 0
    confirmed: bool = False

    @property
    def key(self) -> Hashable:
        """Identity of the request, independent of the task."""
        return self.task.target.kind.name, self.task.target.row.symbol, self.window
