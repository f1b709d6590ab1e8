"""Summary of a fetch: a row per kind and symbol, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field

from liqcli.core.errors import ExitCode
from liqcli.core.intervals import NO_INTERVALS, Intervals
from liqcli.core.model import Window


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
    holes: Intervals = NO_INTERVALS
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
    def covered(self) -> Intervals:
        """Parts of the window that the lake has."""
        return Intervals([self.window.interval]) - self.holes

    @property
    def usable(self) -> bool:
        """Return whether the lake has any part of the window, from this run or before; true for an empty window."""
        return bool(self.cut or self.covered or not self.window.length_us)

    @property
    def share(self) -> float:
        """Share of the window that the lake has, 0 to 1; 1 if no data can exist yet."""
        length = max(1, self.window.length_us)
        return (length - self.holes.length) / length

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
