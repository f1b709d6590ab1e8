"""What a fetch works on (a target per row of the summary, a task per source, a result per window), and its summary."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import ExitCode
from liqcli.core.intervals import Interval, subtract_intervals, total_length
from liqcli.core.model import Rejected, Window
from liqcli.ingest.fetch.worker_pool import Outcome
from liqcli.sources.base import Endpoint, WindowAnswer

if TYPE_CHECKING:
    from liqcli.ingest.fetch.kinds.base import Kind
    from liqcli.ingest.fetch.planner import Plan


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is to fetch; ``interval`` is the length of candles, ``again`` includes what is complete."""

    window: Window
    symbols: Sequence[str]
    sources: Sequence[str]
    exchanges: Sequence[str]
    interval: str
    again: bool


@dataclass(slots=True)
class FetchRow:
    """
    Result of one kind and symbol, from one exchange or from the best of several.

    Attributes
    ----------
    window : Window
        Requested window, without the future; of candles and open interest in whole steps.
    exchange, sources : str, tuple of str
        The best exchange, and its sources that answered; for liquidations the one that was asked.
    requests : int
        To all sources and exchanges.
    rows, notional_e6 : int
        Stored by this run; ``notional_e6`` of liquidations. [1e-6 USD]
    planned, answered : int
        Number of windows.
    unanswered : int
        Number of stretches that no source of the exchange answered.
    cut : int
        Number of windows with more rows than the source returns.
    skipped : int
        Number of rows without an execution.
    holes : list of interval
        Parts of the window that the lake does not have of the exchange.
    troubles, notes : list of str
        Why available data are missing and why other exchanges were skipped; limits of the sources.
    error : str or None
        The first failure, if no other exchange is tried.
    damaged : bool
        Whether a file of the lake is damaged.
    partial : bool
        Whether available data are missing.
    """

    kind: str
    symbol: str
    window: Window
    exchange: str = ""
    sources: tuple[str, ...] = ()
    requests: int = 0
    rows: int = 0
    notional_e6: int = 0
    planned: int = 0
    answered: int = 0
    unanswered: int = 0
    cut: int = 0
    rejected: int = 0
    skipped: int = 0
    holes: list[Interval] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    damaged: bool = False
    partial: bool = False

    @property
    def source(self) -> str:
        """Sources joined by +; the exchange if none was asked."""
        return "+".join(self.sources) or self.exchange

    @property
    def problems(self) -> list[str]:
        """The error and the troubles, each text once."""
        return list(dict.fromkeys([*([self.error] if self.error else []), *self.troubles]))

    @property
    def events(self) -> int:
        """Rows of liquidations."""
        return self.rows

    @property
    def notional(self) -> float:
        """Liquidated USD stored by this run."""
        return self.notional_e6 / 1e6

    @property
    def covered(self) -> list[Interval]:
        """Parts of the window that the lake has."""
        return subtract_intervals([self.window.interval], self.holes)

    @property
    def usable(self) -> bool:
        """Return whether the lake has any part of the window, from this run or before; true for an empty window."""
        return bool(self.cut or self.covered or not self.window.length_us)

    @property
    def share(self) -> float:
        """Share of the window that the lake has, 0 to 1; 1 if no data can exist yet."""
        length = max(1, self.window.length_us)
        return (length - total_length(self.holes)) / length

    @property
    def result(self) -> str:
        """Result in one word: ok, partial, failed, or nothing (the source has no data)."""
        if self.partial:
            return "partial" if self.usable else "failed"
        return "ok" if self.usable else "nothing"


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """
    Results of one run, one row per target, in the order of the request.

    ``notes`` are about whole sources; ``whole`` means that every listed symbol was requested.
    """

    window: Window
    rows: tuple[FetchRow, ...]
    notes: tuple[str, ...] = ()
    whole: bool = False

    @property
    def shown(self) -> tuple[FetchRow, ...]:
        """Rows to show: all, or of a whole market those with new events or problems."""
        return tuple(row for row in self.rows if not self.whole or row.rows or row.partial)

    @property
    def exit_code(self) -> ExitCode:
        """0 complete, 6 partial; without usable data 5 (damaged files), 3 (failures) or 4 (sources have no data)."""
        if self.rows and not any(row.usable for row in self.rows):
            if any(row.damaged for row in self.rows):
                return ExitCode.DAMAGED
            return ExitCode.SOURCE if any(row.partial for row in self.rows) else ExitCode.NO_DATA
        return ExitCode.PARTIAL if any(row.partial for row in self.rows) else ExitCode.DONE


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
