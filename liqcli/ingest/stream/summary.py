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
class FeedState:
    """
    What an exchange does now, for a live view.

    ``state`` is ``live``, ``unproven`` (connected, no event yet), ``silent``, ``polling``, ``connecting``, ``refused``
    (connected, no symbol accepted) or ``stopped``; ``event_us`` time of receipt of the last event [µs UTC],
    ``delay_us`` how late it came [µs]; ``breaks`` of the connection, or failed requests; ``note`` what is wrong;
    ``offset_us`` this machine's clock less the exchange's, if known [µs].
    """

    exchange: str
    state: str
    events: int
    notional: float
    event_us: int | None
    delay_us: int | None
    breaks: int
    note: str = ""
    offset_us: int | None = None


_WORST_FIRST = ("stopped", "refused", "connecting", "silent", "unproven", "polling", "live")


def join_states(one: FeedState, two: FeedState) -> FeedState:
    """Join the states of two connections of one exchange: sums, the last event, and the worse state."""
    latest = max(one, two, key=lambda state: state.event_us or 0)
    worse = min(one, two, key=lambda state: _WORST_FIRST.index(state.state))
    return FeedState(
        one.exchange,
        worse.state,
        one.events + two.events,
        one.notional + two.notional,
        latest.event_us,
        latest.delay_us,
        one.breaks + two.breaks,
        worse.note or one.note or two.note,
        latest.offset_us,
    )


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
