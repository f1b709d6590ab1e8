"""Result of a recording: one row per exchange and symbol, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass

from liqcli.core.errors import ExitCode


@dataclass(frozen=True, slots=True)
class RecordRow:
    """
    Result of one exchange and symbol.

    ``notional`` [USD]; ``covered_s`` connected time, and ``unconfirmed_s`` the part of the time in which the stream was
    silent for longer than usual, which is not in it [s]; ``lost`` events that could not be kept; ``error`` what went
    wrong; ``clock_offset_s`` this machine's clock less the exchange's [s].
    """

    source: str
    symbol: str
    events: int
    notional: float
    covered_s: float
    breaks: int
    rejected: int
    error: str | None
    unconfirmed_s: float = 0.0
    lost: int = 0
    clock_offset_s: float | None = None

    @property
    def result(self) -> str:
        """
        Result in one word: ok, partial, failed.

        Partial: events were rejected or lost, time is unconfirmed, or the connection failed. Failed: nothing covered.
        """
        if not self.covered_s:
            return "failed"
        return "partial" if self.error or self.rejected or self.lost or self.unconfirmed_s else "ok"


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """Results of one recording; ``interrupted`` by Ctrl-C or SIGTERM."""

    rows: tuple[RecordRow, ...]
    interrupted: bool

    @property
    def exit_code(self) -> ExitCode:
        """130 interrupted, 3 no exchange connected, 6 some failed, otherwise 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if all(row.result == "failed" for row in self.rows):
            return ExitCode.SOURCE
        return ExitCode.PARTIAL if any(row.result != "ok" for row in self.rows) else ExitCode.DONE
