"""Interface of a source of candles and open interest. Like sources of liquidations, it yields requests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from liqcli.core.market_data import (
    INTERVAL_US,
    Candle,
    OpenInterest,
    find_candle_fault,
    find_open_interest_fault,
)
from liqcli.core.model import US_PER_S, Window, parse_number
from liqcli.core.times import now_us
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.base import Endpoint
from liqcli.sources.stale_answers import UnrequestedRowsError

MINUTE_US = 60 * US_PER_S
SNAPSHOT_US = 5 * MINUTE_US  # interval of stored open interest, which every exchange offers
Memo = dict[str, float]  # facts requested once per run: contract sizes
Timed = TypeVar("Timed", Candle, OpenInterest)
AskCandles = Generator[Request, Any, list[Candle] | None]
AskOpenInterest = Generator[Request, Any, list[OpenInterest] | None]


@dataclass(frozen=True, slots=True)
class MarketSource(Endpoint):
    """
    A source of candles and open interest.

    ``cut_candles(gap, step_us, now_us)`` and ``cut_open_interest(gap, now_us)`` split a gap into windows, one request
    each, without what the source no longer keeps. ``ask_candles`` and ``ask_open_interest`` return None if the contract
    is not listed or, for archives (``is_archive``), a file does not exist.
    """

    exchange: str
    intervals: Mapping[str, str]
    cut_candles: Callable[[Window, int, int], list[Window]]
    ask_candles: Callable[[str, str, Window, Memo], AskCandles]
    cut_open_interest: Callable[[Window, int], list[Window]]
    ask_open_interest: Callable[[str, Window, Memo], AskOpenInterest]
    is_archive: bool = False

    @property
    def title(self) -> str:
        """Name in the progress, apart from a source of liquidations of the same name."""
        return f"{self.name} market"


def cut_bars(gap: Window, step_us: int, bars: int, first_us: int = 0) -> list[Window]:
    """Split a gap into windows of at most ``bars`` steps, without the part before ``first_us``."""
    start = max(gap.start_us, -(-first_us // step_us) * step_us)
    return [
        Window(at, min(at + bars * step_us, gap.end_us)) for at in range(start, gap.end_us, bars * step_us)
    ]  # fmt: skip


def build_candles(rows: Iterable[Candle | None], window: Window, interval: str) -> list[Candle]:
    """
    Return the closed candles of a window in order of time, one per open time.

    Raises
    ------
    RefusalError
        A candle is invalid; the whole answer is discarded.
    UnrequestedRowsError
        All candles lie outside the window.
    """
    now, step_us = now_us(), INTERVAL_US[interval]
    kept: dict[int, Candle] = {}
    for row in _in_window([row for row in rows if row is not None], window):
        if row.ts_us + step_us <= now:
            if fault := find_candle_fault(row, now):
                raise RefusalError(f"invalid candle: {fault} ({row})")
            kept[row.ts_us] = row
    return [kept[ts] for ts in sorted(kept)]


def build_open_interest(rows: Iterable[OpenInterest], window: Window) -> list[OpenInterest]:
    """
    Return the snapshots of a window in order of time, one per instant (the last one counts).

    Raises
    ------
    RefusalError
        A snapshot is invalid; the whole answer is discarded.
    UnrequestedRowsError
        All snapshots lie outside the window.
    """
    now = now_us()
    kept: dict[int, OpenInterest] = {}
    for row in _in_window(list(rows), window):
        if fault := find_open_interest_fault(row, now):
            raise RefusalError(f"invalid open interest: {fault} ({row})")
        kept[row.ts_us] = row
    return [kept[ts] for ts in sorted(kept)]


def _in_window(rows: Sequence[Timed], window: Window) -> list[Timed]:
    kept = [row for row in rows if window.contains(row.ts_us)]
    if rows and not kept:
        raise UnrequestedRowsError(rows)
    return kept


def read_candle(ts_ms: object, prices: Sequence[object], volume: object, taker_buy: object = None) -> Candle:
    """Parse a candle: open time [ms], open, high, low, close, and volumes [base coin] or None."""
    opened, high, low, close = (parse_number(price) for price in prices)
    amount = None if volume is None else parse_number(volume)
    return Candle(int(parse_number(ts_ms)) * 1000, opened, high, low, close, amount, read_optional(taker_buy))


def read_optional(value: object) -> float | None:
    """Parse a number that may be missing."""
    return None if value is None or value == "" else parse_number(value)


def rows_of(payload: object) -> list[Any]:
    """
    Check that a payload is a list of rows.

    Raises
    ------
    RefusalError
        It is not a list.
    """
    if not isinstance(payload, list):
        raise RefusalError("the answer is not a list of rows")
    return payload
