"""Interface of a source of published liquidation totals. Like other sources it yields requests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from liqcli.core.liquidation_totals import LiquidationTotal, find_total_fault
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.base import Endpoint
from liqcli.sources.market_base import Memo
from liqcli.sources.stale_answers import UnrequestedRowsError

STEP_S = 60
STEP_US = STEP_S * US_PER_S
AskTotals = Generator[Request, Any, list[LiquidationTotal] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsSource(Endpoint):
    """
    A source of the exchange of the same name, with one total a minute.

    Attributes
    ----------
    quotes : tuple of str
        Quotes of its symbols.
    steps : int
        Largest number of minutes in a window.
    retention_us : int or None
        How far back it answers [µs]; None without a known limit.
    ask : callable
        Takes symbol, window and memo; returns the totals, or None if the exchange does not list the symbol.
    """

    quotes: tuple[str, ...]
    steps: int
    retention_us: int | None
    ask: Callable[[str, Window, Memo], AskTotals]

    @property
    def title(self) -> str:
        """Name in the progress, apart from other sources of the exchange."""
        return f"{self.name} totals"


def build_totals(rows: Iterable[LiquidationTotal], window: Window) -> list[LiquidationTotal]:
    """
    Return the totals of a window in order of time, one per minute and instrument (the last one counts).

    Raises
    ------
    RefusalError
        A total is invalid; the whole answer is discarded.
    UnrequestedRowsError
        All totals lie outside the window.
    """
    now, given = now_us(), list(rows)
    kept: dict[tuple[int, str], LiquidationTotal] = {}
    for row in given:
        if window.contains(row.ts_us):
            if fault := find_total_fault(row, now):
                raise RefusalError(f"invalid liquidation total: {fault} ({row})")
            kept[row.ts_us, row.instrument or ""] = row
    if given and not kept:
        raise UnrequestedRowsError(given)
    return [kept[key] for key in sorted(kept)]
