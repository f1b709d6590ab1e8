"""OKX perpetual swaps, official REST. No live endpoint was called; each fact states its evidence.

exchange: okx
docs: GET /api/v5/market/history-candles, /api/v5/market/candles and /api/v5/rubik/stat/contracts/open-interest-history,
    read 2026-11-22 in copies of OKX's pages (documented)
gives: candles since 2020 or so, newest first, 100 an answer (newer pages say 300), after = strictly older (documented);
    where the history lags behind (unproven), the newest come from market/candles, which has the last 1440;
    open interest every 5 minutes, the latest 1440 (five days), at most 100, begin = newer, end = older (documented).
    That both bounds are strict is unproven: windows hold 99 snapshots, so one too many does no harm
limits: candles 20 in two seconds, open interest 10 in two seconds an address (documented).
    50011 inside a 200 means busy (recorded), 51001 an unknown instrument (documented)
qty: volCcy is base coins of a derivative, vol contracts (documented); oiCcy base coins, oiUsd USD (documented)
time: open time in ms as text; confirm 0 = the candle is still open, left out (documented). Bars of 6 hours and more
    open at UTC+8 unless "utc" is added (documented)
changed: nothing dated
"""

from __future__ import annotations

from typing import Any

from liqcli.core.market_data import INTERVAL_US, Candle, OpenInterest
from liqcli.core.model import Window
from liqcli.core.symbols import split_symbol
from liqcli.core.times import now_us
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
    read_optional,
    rows_of,
)
from liqcli.sources.okx.liquidations import LIMITS
from liqcli.sources.stale_answers import UnrequestedRowsError

CANDLES = 100
NEWEST = 1440  # candles in the list of recent ones
SNAPSHOTS = 99
KEPT_SNAPSHOTS = 1438  # of 1440, because the limit moves during the request
INTERVALS = {
    "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H",
    "2h": "2H", "4h": "4H", "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc",
}  # fmt: skip
QUOTES = ("USDT", "USDC", "USD")
BUSY = ("50011", "50013", "50001", "50026")
UNKNOWN = ("51001", "51000", "51014")


decode = json_envelope("0", busy=BUSY, is_absent=lambda code, _text: code in UNKNOWN)


def ask_candles(symbol: str, interval: str, window: Window, _memo: Memo) -> AskCandles:
    """Request the 100 candles before the end of a window, and the newest ones separately if the history lags."""
    base, quote = split_symbol(symbol)
    if quote not in QUOTES:
        return None
    params = (
        ("instId", f"{base}-{quote}-SWAP"), ("bar", INTERVALS[interval]),
        ("after", str(window.end_us // 1000)), ("limit", str(CANDLES)),
    )  # fmt: skip
    payload = yield Request("/api/v5/market/history-candles", params)
    if payload is None:
        return None
    rows, step_us = rows_of(payload), INTERVAL_US[interval]
    newest_us = max((int(row[0]) * 1000 for row in rows), default=0)
    if newest_us >= window.end_us:  # answer to another request, even if some rows lie in the window
        raise UnrequestedRowsError([read_candle(row[0], row[1:5], row[6]) for row in rows])
    if newest_us + step_us < window.end_us and window.end_us > now_us() - NEWEST * step_us:
        rows = rows + rows_of((yield Request("/api/v5/market/candles", params, absent=(404,))) or [])
    return build_candles((_candle(row) for row in rows), window, interval)


def ask_open_interest(symbol: str, window: Window, _memo: Memo) -> AskOpenInterest:
    """Request one window of snapshots."""
    base, quote = split_symbol(symbol)
    if quote not in QUOTES:
        return None
    params = (
        ("instId", f"{base}-{quote}-SWAP"), ("period", "5m"),
        ("begin", str(window.start_us // 1000 - 1)), ("end", str(window.end_us // 1000)), ("limit", "100"),
    )  # fmt: skip
    payload = yield Request("/api/v5/rubik/stat/contracts/open-interest-history", params)
    if payload is None:
        return None
    rows = [OpenInterest(int(r[0]) * 1000, read_optional(r[2]), read_optional(r[3])) for r in rows_of(payload)]
    return build_open_interest(rows, window)


def _candle(row: list[Any]) -> Candle | None:
    return None if str(row[8]) == "0" else read_candle(row[0], row[1:5], row[6])


SOURCE = MarketSource(
    name="okx",
    exchange="okx",
    url="https://www.okx.com",
    limits=LIMITS,
    decode=decode,
    intervals=INTERVALS,
    cut_candles=lambda gap, step_us, _now: cut_bars(gap, step_us, CANDLES),
    ask_candles=ask_candles,
    cut_open_interest=lambda gap, now: cut_bars(gap, SNAPSHOT_US, SNAPSHOTS, now - KEPT_SNAPSHOTS * SNAPSHOT_US),
    ask_open_interest=ask_open_interest,
)
