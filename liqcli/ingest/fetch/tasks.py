"""
What is asked for and what came of it: a job a source, exchange and symbol; rows of the summary.

What came of candles and open interest: a row a kind and symbol.
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
from liqcli.sources.base import ListedContract, Source


class UnsavedWindows(NamedTuple):
    """
    What one answer brought that is not in the lake yet: windows, and all of their rows.

    ``loose`` rows lie in time that the source said nothing else about: they are added, and nothing is replaced.
    """

    windows: list[CoveredWindow]
    rows: list[Liquidation]
    loose: Counter[Liquidation]


@dataclass(slots=True)
class FetchTask:
    """
    One symbol of one exchange from one source; the writer alone changes the tallies.

    ``error`` is why nothing could be asked, ``damage`` why nothing can be stored; ``failures`` and ``absences`` are why
    windows are missing. ``tails``, by their end [µs UTC], are the last minutes of answered windows while the window
    behind, in which late events of theirs may stand, is still to be heard of.
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
    What came of one source, exchange and symbol.

    ``events`` and ``notional`` [USD] were stored by this run; ``answered`` of ``planned`` windows; of the wanted window
    the lake now knows what is ``covered``, and lacks the ``holes``; ``cut`` windows could not be given in full;
    ``gaps`` say what a user can do something about, ``notes`` what not; ``damaged`` is a file of the lake.
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
        """Whether anything of the wanted time is in the lake, from now or before."""
        return bool(self.covered or self.cut)

    @property
    def share(self) -> float:
        """How much of the wanted window the lake knows, 0 to 1."""
        known, lacking = total_length(self.covered), total_length(self.holes)
        return known / (known + lacking)

    @property
    def partial(self) -> bool:
        """Whether something that could have come is missing."""
        return bool(self.error or self.gaps or self.cut or self.rejected)

    @property
    def result(self) -> str:
        """The row in a word: ok, partial, failed, or nothing (nothing to get, and nobody's fault)."""
        if self.partial:
            return "partial" if self.usable else "failed"
        return "ok" if self.usable else "nothing"


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """What one run brought, a row a source, exchange and symbol, in the order they were asked for."""

    window: Window
    rows: tuple[FetchRow, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 all came, 6 some is missing; nothing usable: 5 for damaged files, 3 for failures, 4 nobody's fault."""
        if not any(row.usable for row in self.rows):
            if any(row.damaged for row in self.rows):
                return ExitCode.DAMAGED
            return ExitCode.SOURCE if any(row.partial for row in self.rows) else ExitCode.NO_DATA
        return ExitCode.PARTIAL if any(row.partial for row in self.rows) else ExitCode.DONE


def sum_up(job: FetchTask, window: Window, memory: FetchLog) -> FetchRow:
    """Freeze the tallies of a job; ``memory`` is what the lake knows in the end, ``window`` what was wanted."""
    known = [] if job.damage else memory.covered(("complete", "provisional"))
    covered = clip_intervals(known, window.interval)
    return FetchRow(
        source=job.source.name,
        exchange=job.exchange,
        symbol=job.symbol,
        requests=job.requests,
        events=job.events,
        notional=job.notional_e6 / 1e6,
        planned=len(job.windows),
        answered=len(job.answered),
        covered=tuple(covered),
        holes=tuple(subtract_intervals([window.interval], covered)),
        cut=len(job.cut),
        rejected=len(job.rejected),
        skipped=job.skipped,
        gaps=(*job.gaps, *(text for _window, text in sorted(job.absences))),
        notes=tuple(job.notes),
        error=job.damage or job.error or next((text for _window, text in sorted(job.failures)), None),
        damaged=job.damage is not None,
    )


NOTHING = Window(0, 0)


@dataclass(slots=True)
class MarketRow:
    """
    What came of one kind and symbol, from the best exchange that was asked, at its ``places``.

    ``rows`` were stored by this run; ``answered`` of ``planned`` windows; ``lacking`` stretches stay open; the lake has
    all of ``whole``, the wanted window in whole steps, but the ``holes``; ``troubles`` say why, and what exchanges that
    were passed over said.
    """

    kind: str
    symbol: str
    exchange: str = ""
    requests: int = 0
    rows: int = 0
    planned: int = 0
    answered: int = 0
    lacking: int = 0
    usable: bool = False
    whole: Window = NOTHING
    holes: list[Window] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of the wanted window the lake holds, 0 to 1; all of it where nothing can be there yet."""
        return 1 - length_of(self.holes) / max(1, self.whole.length_us)

    @property
    def result(self) -> str:
        """The row in a word: ok, partial, failed."""
        if self.usable:
            return "partial" if self.lacking else "ok"
        return "failed"


def assess_market(rows: Sequence[MarketRow]) -> ExitCode:
    """0 all came, 6 some is missing, 3 nothing usable."""
    if rows and not any(row.usable for row in rows):
        return ExitCode.SOURCE
    return ExitCode.PARTIAL if any(row.result != "ok" for row in rows) else ExitCode.DONE


def length_of(windows: Sequence[Window]) -> int:
    """Add up the lengths. [µs]"""
    return total_length(window.interval for window in windows)
