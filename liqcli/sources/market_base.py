"""What a place of candles and open interest is made of. As a source of liquidations it asks with generators."""

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
from liqcli.net.client import RefusalError, Request
from liqcli.net.rate_limit import Limit
from liqcli.sources.stale_answers import UnrequestedRowsError

MINUTE_US = 60 * US_PER_S
DAY_US = 86_400 * US_PER_S
SNAPSHOT_US = 5 * MINUTE_US  # open interest is kept every five minutes, as every exchange gives it
Memo = dict[str, float]  # what a place had to learn once (a contract's size), for the rest of the run
Timed = TypeVar("Timed", Candle, OpenInterest)
AskCandles = Generator[Request, Any, list[Candle] | None]
AskOpenInterest = Generator[Request, Any, list[OpenInterest] | None]


@dataclass(frozen=True, slots=True)
class MarketSource:
    """
    A place where candles and open interest come from.

    ``cut_candles(gap, step_us, now_us)`` and ``cut_open_interest(gap, now_us)`` give the windows to ask for, each one
    question, and leave out what the place no longer keeps. The generators that ask give None for "there is no such
    thing here": the contract is not listed, or (``is_archive``) this one file is not there.
    """

    name: str
    exchange: str
    url: str
    limits: tuple[Limit, ...]
    decode: Callable[[bytes], object]
    intervals: Mapping[str, str]
    cut_candles: Callable[[Window, int, int], list[Window]]
    ask_candles: Callable[[str, str, Window, Memo], AskCandles]
    cut_open_interest: Callable[[Window, int], list[Window]]
    ask_open_interest: Callable[[str, Window, Memo], AskOpenInterest]
    is_archive: bool = False


def cut_bars(gap: Window, step_us: int, bars: int, first_us: int = 0) -> list[Window]:
    """Cut a gap into windows of at most ``bars`` steps, without what lies before ``first_us``."""
    start = max(gap.start_us, -(-first_us // step_us) * step_us)
    return [
        Window(at, min(at + bars * step_us, gap.end_us)) for at in range(start, gap.end_us, bars * step_us)
    ]  # fmt: skip


def build_candles(rows: Iterable[Candle | None], window: Window, interval: str) -> list[Candle]:
    """
    Keep the closed candles of a window, in order of time, one an open time.

    Raises
    ------
    RefusalError
        A candle cannot be true: none of the answer is used.
    StrayError
        All candles are of other times.
    """
    now, step_us = now_us(), INTERVAL_US[interval]
    kept: dict[int, Candle] = {}
    for row in _in_window([row for row in rows if row is not None], window):
        if row.ts_us + step_us <= now:
            if fault := find_candle_fault(row, now):
                raise RefusalError(f"a candle cannot be true: {fault} ({row})")
            kept[row.ts_us] = row
    return [kept[ts] for ts in sorted(kept)]


def build_open_interest(rows: Iterable[OpenInterest], window: Window) -> list[OpenInterest]:
    """
    Keep the snapshots of a window, in order of time, one an instant (the last one said counts).

    Raises
    ------
    RefusalError
        A snapshot cannot be true: none of the answer is used.
    StrayError
        All snapshots are of other times.
    """
    now = now_us()
    kept: dict[int, OpenInterest] = {}
    for row in _in_window(list(rows), window):
        if fault := find_open_interest_fault(row, now):
            raise RefusalError(f"open interest cannot be true: {fault} ({row})")
        kept[row.ts_us] = row
    return [kept[ts] for ts in sorted(kept)]


def _in_window(rows: Sequence[Timed], window: Window) -> list[Timed]:
    kept = [row for row in rows if window.contains(row.ts_us)]
    if rows and not kept:
        raise UnrequestedRowsError(rows)
    return kept


def read_candle(ts_ms: object, prices: Sequence[object], volume: object, taker_buy: object = None) -> Candle:
    """Read a candle: open time [ms], prices in the order open, high, low, close, amounts [base coin] or None."""
    opened, high, low, close = (parse_number(price) for price in prices)
    amount = None if volume is None else parse_number(volume)
    return Candle(int(parse_number(ts_ms)) * 1000, opened, high, low, close, amount, read_optional(taker_buy))


def read_optional(value: object) -> float | None:
    """Read a number that may be missing."""
    return None if value is None or value == "" else parse_number(value)


def rows_of(payload: object) -> list[Any]:
    """
    Take a list of rows.

    Raises
    ------
    RefusalError
        Not a list.
    """
    if not isinstance(payload, list):
        raise RefusalError("the answer is no list of rows")
    return payload
