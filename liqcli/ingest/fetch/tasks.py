"""
Tasks of a fetch and rows of its summary.

Liquidations have one task and one row per source, exchange and symbol; candles and open interest one row per kind and
symbol.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from liqcli.core.errors import ExitCode
from liqcli.core.intervals import Interval, clip_intervals, subtract_intervals, total_length
from liqcli.core.model import Liquidation, Rejected, Window
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.sources.base import Source
from liqcli.sources.contracts import ListedContract


class UnsavedWindows(NamedTuple):
    """
    Windows of one answer that are not in the lake yet, with all of their rows.

    ``loose`` rows lie outside the covered windows: they are added without replacing anything.
    """

    windows: list[CoveredWindow]
    rows: list[Liquidation]
    loose: Counter[Liquidation]


@dataclass(slots=True)
class FetchTask:
    """
    One symbol of one exchange from one source. Only the writer changes it after planning.

    Attributes
    ----------
    error : str or None
        Why no request could be sent.
    damage : str or None
        Why nothing can be stored.
    failures, absences : list of (Window, str)
        Why windows are missing: errors, and answers that the source cannot give.
    notes, gaps : list of str
        Limits of the source, and limits that the user can change.
    tails : dict
        End [µs UTC] -> last minutes of an answered window whose late events may be in the next window's answer, until
        that answer arrives.
    """

    source: Source
    exchange: str
    symbol: str
    market: ListedContract | None = None
    windows: tuple[Window, ...] = ()
    notes: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    error: str | None = None
    damage: str | None = None
    failures: list[tuple[Window, str]] = field(default_factory=list)
    absences: list[tuple[Window, str]] = field(default_factory=list)
    requests: int = 0
    events: int = 0
    notional_e6: int = 0
    skipped: int = 0
    answered: list[Window] = field(default_factory=list)
    cut: list[Window] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    pending: list[UnsavedWindows] = field(default_factory=list)
    tails: dict[int, CoveredWindow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchRow:
    """
    Result of one source, exchange and symbol.

    Attributes
    ----------
    events, notional : int, float
        Stored by this run. [USD]
    planned, answered : int
        Number of windows.
    covered, holes : tuple of interval
        Parts of the requested window that the lake now covers, and the rest.
    cut : int
        Number of windows with more events than the source returns.
    gaps, notes : tuple of str
        Problems that the user can solve, and limits of the source.
    damaged : bool
        Return whether a file of the lake is damaged.
    """

    source: str
    exchange: str
    symbol: str
    requests: int
    events: int
    notional: float
    planned: int
    answered: int
    covered: tuple[Interval, ...]
    holes: tuple[Interval, ...]
    cut: int
    rejected: int
    skipped: int
    gaps: tuple[str, ...]
    notes: tuple[str, ...]
    error: str | None
    damaged: bool = False

    @property
    def usable(self) -> bool:
        """Return whether the lake covers any part of the window, from this run or before."""
        return bool(self.covered or self.cut)

    @property
    def share(self) -> float:
        """Share of the window that the lake covers, 0 to 1."""
        known, missing = total_length(self.covered), total_length(self.holes)
        return known / (known + missing)

    @property
    def partial(self) -> bool:
        """Return whether available data are missing."""
        return bool(self.error or self.gaps or self.cut or self.rejected)

    @property
    def result(self) -> str:
        """Result in one word: ok, partial, failed, or nothing (the source has no data)."""
        if self.partial:
            return "partial" if self.usable else "failed"
        return "ok" if self.usable else "nothing"


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """Results of one run, one row per source, exchange and symbol, in the order of the request."""

    window: Window
    rows: tuple[FetchRow, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 complete, 6 partial; without usable data 5 (damaged files), 3 (failures) or 4 (sources have no data)."""
        if not any(row.usable for row in self.rows):
            if any(row.damaged for row in self.rows):
                return ExitCode.DAMAGED
            return ExitCode.SOURCE if any(row.partial for row in self.rows) else ExitCode.NO_DATA
        return ExitCode.PARTIAL if any(row.partial for row in self.rows) else ExitCode.DONE


def sum_up(task: FetchTask, window: Window, log: FetchLog) -> FetchRow:
    """Build the summary row of a task from the requested window and the fetch log after the run."""
    known = [] if task.damage else log.covered(("complete", "provisional"))
    covered = clip_intervals(known, window.interval)
    return FetchRow(
        source=task.source.name,
        exchange=task.exchange,
        symbol=task.symbol,
        requests=task.requests,
        events=task.events,
        notional=task.notional_e6 / 1e6,
        planned=len(task.windows),
        answered=len(task.answered),
        covered=tuple(covered),
        holes=tuple(subtract_intervals([window.interval], covered)),
        cut=len(task.cut),
        rejected=len(task.rejected),
        skipped=task.skipped,
        gaps=(*task.gaps, *(text for _window, text in sorted(task.absences))),
        notes=tuple(task.notes),
        error=task.damage or task.error or next((text for _window, text in sorted(task.failures)), None),
        damaged=task.damage is not None,
    )


NOTHING = Window(0, 0)


@dataclass(slots=True)
class MarketRow:
    """
    Result of one kind and symbol, from the best exchange tried.

    Attributes
    ----------
    places : list of str
        Sources of the exchange that answered.
    rows : int
        Stored by this run.
    planned, answered : int
        Number of windows.
    missing : int
        Number of stretches without an answer.
    whole : Window
        Requested window in whole steps.
    holes : list of Window
        Parts of it that the lake does not have.
    troubles : list of str
        Why parts are missing, and why other exchanges were skipped.
    """

    kind: str
    symbol: str
    exchange: str = ""
    requests: int = 0
    rows: int = 0
    planned: int = 0
    answered: int = 0
    missing: int = 0
    usable: bool = False
    whole: Window = NOTHING
    holes: list[Window] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Share of the window that the lake has, 0 to 1; 1 if no data can exist yet."""
        return 1 - length_of(self.holes) / max(1, self.whole.length_us)

    @property
    def result(self) -> str:
        """Result in one word: ok, partial or failed."""
        if self.usable:
            return "partial" if self.missing else "ok"
        return "failed"


def assess_market(rows: Sequence[MarketRow]) -> ExitCode:
    """0 complete, 6 partial, 3 nothing usable."""
    if rows and not any(row.usable for row in rows):
        return ExitCode.SOURCE
    return ExitCode.PARTIAL if any(row.result != "ok" for row in rows) else ExitCode.DONE


def length_of(windows: Sequence[Window]) -> int:
    """Total length of windows. [µs]"""
    return total_length(window.interval for window in windows)
