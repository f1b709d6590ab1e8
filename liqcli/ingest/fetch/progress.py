"""What a fetch tells while it runs, and the plain way to show it: a line a source now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from liqcli.core.formatting import format_count, format_usd

LINE_EVERY_S = 5.0
WAIT_WORTH_A_LINE_S = 5.0


@dataclass(slots=True)
class SourceProgress:
    """How far one source is: ``rows`` came in ``done`` of ``planned`` windows; ``notional`` [USD] of liquidations."""

    planned: int = 0
    done: int = 0
    rows: int = 0
    notional: float | None = None

    @property
    def text(self) -> str:
        """What came so far, in words."""
        if self.notional is None:
            return f"{format_count(self.rows)} rows"
        return f"{format_count(self.rows)} events, {format_usd(self.notional)} USD"


class Progress:
    """
    Takes what a fetch tells while it runs, from any of its threads; this one says it in lines.

    A source is said when all that was planned is there, every few seconds in between, and when it has to wait for long.
    """

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self.say = say
        self.tallies: dict[str, SourceProgress] = {}
        self._said_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def plan(self, name: str, windows: int) -> None:
        """So many more windows are to be asked of a source; 0 says that it is being asked what it lists."""
        with self._lock:
            self._tally(name).planned += windows

    def advance(self, name: str, rows: int, notional: float | None = None) -> None:
        """One window more has been answered, with so many rows; ``notional`` [USD] for liquidations."""
        with self._lock:
            tally = self._tally(name)
            tally.done += 1
            tally.rows += rows
            if notional is not None:
                tally.notional = (tally.notional or 0.0) + notional
            self._show(name, tally)

    def wait(self, name: str, why: str, seconds: float) -> None:
        """Say that a source's next question leaves so much later. [s]"""
        if seconds >= WAIT_WORTH_A_LINE_S:
            self.say(f"{name}: waits {seconds:.0f} s ({why})")

    def fail(self, name: str, why: str) -> None:
        """Say that a source did not give a window; the sum-up tells it again, so lines leave it out."""

    def _tally(self, name: str) -> SourceProgress:
        return self.tallies.setdefault(name, SourceProgress())

    def _show(self, name: str, tally: SourceProgress) -> None:
        now = time.monotonic()
        if tally.done == tally.planned or now - self._said_s.setdefault(name, now) >= LINE_EVERY_S:
            self._said_s[name] = now
            self.say(f"{name}: {tally.done} of {tally.planned} windows, {tally.text}")
