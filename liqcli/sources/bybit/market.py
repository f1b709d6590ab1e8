"""Bybit perpetuals, official REST v5. No live endpoint was called; each fact states its evidence.

exchange: bybit
docs: GET /v5/market/kline and /v5/market/open-interest, read 2026-11-22 in a copy of Bybit's pages of 2026-07-01
    (documented)
gives: candles since listing, newest first, at most 1000 an answer, start and end inclusive (documented); open interest
    every 5 minutes since listing, newest first, at most 200 a page (documented). Windows of at most 200 snapshots are
    requested, so the cursor is never needed (it is percent-encoded already, and clients encode it twice)
limits: 600 requests in five seconds an address, else 403 for ten minutes (documented).
    retCode 10006 inside a 200 means busy (documented); a 403 of CloudFront means the country (recorded)
qty: linear volume is base coins, inverse volume USD and turnover base coins (documented). openInterest is the sum of
    both sides, singleOpenInterest one side, as other exchanges count (documented): the one side is stored; an answer
    that does not have it (as before 2026-07) is stored unchanged, and may be the sum of both (unproven); in one where
    some rows have it, the others are left out. Linear in base coins, inverse in USD (documented)
time: open time in ms as text; the first row may be an open candle and is left out
changed: singleOpenInterest appeared in the pages of 2026-07
"""

from __future__ import annotations

from typing import Any

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.core.model import Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.envelope import json_envelope
from liqcli.sources.market_base import (
    SNAPSHOT_US,
    AskCandles,
    AskOpenInterest,
    MarketSource,
    Memo,
    build_candles,
    build_open_interest,
    cut_bars,
    read_candle,
    rows_of,
)

CANDLES = 1000
ONE_SIDE = "singleOpenInterest"
SNAPSHOTS = 200
INTERVALS = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60",
    "2h": "120", "4h": "240", "6h": "360", "12h": "720", "1d": "D",
}  # fmt: skip
CATEGORIES = {"USDT": "linear", "USD": "inverse"}
BUSY = ("10006", "10018", "10016")
UNKNOWN = "10001"  # "params error"; the message names the symbol if it is unknown


def _is_unknown_symbol(code: str, text: str) -> bool:
    return code == UNKNOWN and "symbol" in text.lower()


decode = json_envelope(
    "0",
    busy=BUSY,
    code=lambda payload: payload["retCode"],
    message=("retMsg",),
    read=lambda payload: payload["result"],
    is_absent=_is_unknown_symbol,
)


def ask_candles(symbol: str, interval: str, window: Window, _memo: Memo) -> AskCandles:
    """Request one window of candles."""
    category = CATEGORIES.get(split_symbol(symbol)[1])
    if category is None:
        return None
    params = (
        ("category", category), ("symbol", symbol), ("interval", INTERVALS[interval]),
        ("start", str(window.start_us // 1000)), ("end", str(window.end_us // 1000 - 1)), ("limit", str(CANDLES)),
    )  # fmt: skip
    result = yield Request("/v5/market/kline", params)
    if result is None or result["list"] is None:
        return None
    volume = 6 if category == "inverse" else 5
    return build_candles((_candle(row, volume) for row in rows_of(result["list"])), window, interval)


def ask_open_interest(symbol: str, window: Window, _memo: Memo) -> AskOpenInterest:
    """Request one window of snapshots."""
    category = CATEGORIES.get(split_symbol(symbol)[1])
    if category is None:
        return None
    params = (
        ("category", category), ("symbol", symbol), ("intervalTime", "5min"),
        ("startTime", str(window.start_us // 1000)), ("endTime", str(window.end_us // 1000 - 1)),
        ("limit", str(SNAPSHOTS)),
    )  # fmt: skip
    result = yield Request("/v5/market/open-interest", params)
    if result is None or result["list"] is None:
        return None
    rows = rows_of(result["list"])
    one_side = [row for row in rows if row.get(ONE_SIDE)]  # beside them, rows without it would be twice as high
    return build_open_interest((_snapshot(row, category == "inverse") for row in one_side or rows), window)


def _candle(row: list[Any], volume: int) -> Candle:
    return read_candle(row[0], row[1:5], row[volume])


def _snapshot(row: dict[str, Any], inverse: bool) -> OpenInterest:
    amount = parse_number(row.get(ONE_SIDE) or row["openInterest"])
    ts_us = int(row["timestamp"]) * 1000
    return OpenInterest(ts_us, None, amount) if inverse else OpenInterest(ts_us, amount, None)


SOURCE = MarketSource(
    name="bybit",
    exchange="bybit",
    url="https://api.bybit.com",
    limits=(Limit(600, 5),),
    decode=decode,
    intervals=INTERVALS,
    cut_candles=lambda gap, step_us, _now: cut_bars(gap, step_us, CANDLES),
    ask_candles=ask_candles,
    cut_open_interest=lambda gap, _now: cut_bars(gap, SNAPSHOT_US, SNAPSHOTS),
    ask_open_interest=ask_open_interest,
)
