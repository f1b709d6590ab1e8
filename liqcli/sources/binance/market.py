"""Binance USD-M futures, official REST. No live endpoint was called; each fact states its evidence.

exchange: binance
docs: GET /fapi/v1/klines and /futures/data/openInterestHist, read 2026-11-22 (documented)
gives: candles since listing, oldest first, at most 1500 an answer, startTime and endTime inclusive (documented); open
    interest every 5 minutes, oldest first, at most 500, the last 30 days, an older startTime gets -1130 (documented)
limits: 2400 weight a minute and address, candles weigh 1, 2, 5 or 10 by the number requested; open interest
    1000 requests in five minutes (documented). 429 and 418 are waited out, 451 is a country (recorded); -1003 and the
    like inside a 200 mean busy (unproven)
qty: volume is base coins, sumOpenInterest base coins, sumOpenInterestValue USD (documented). Inverse contracts are
    on another host and are not requested here
time: open time in ms; the last candle may be open and is left out
changed: nothing dated
"""

from __future__ import annotations

from dataclasses import replace

from liqcli.core.market_data import INTERVAL_US, OpenInterest
from liqcli.core.model import Window
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US
from liqcli.sources.envelope import decode_json
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

LIMITS = (Limit(2400, 60, "/fapi/"), Limit(1000, 300, "/futures/data/"))
CANDLES = 1500
SNAPSHOTS = 500
KEPT_US = 30 * DAY_US - 3600 * 1_000_000  # an hour less, because the limit moves during the request
ARCHIVED_US = 35 * DAY_US  # older candles come from archive files
TAKER_BUY = 9  # index of the taker buy base volume in a kline (documented)
QUOTES = ("USDT", "USDC")
INTERVALS = {name: name for name in ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")}

# Temporary errors among "general server or network issues" (documented).
BUSY = (-1000, -1001, -1003, -1006, -1007, -1008, -1015, -1016)


def decode(body: bytes) -> object:
    """Decode an answer; an error is an object with a code, where a list is expected."""
    payload = decode_json(body)
    if isinstance(payload, dict) and "code" in payload:
        said = f"{payload['code']} {payload.get('msg', '')}"
        raise BusyError(f"busy ({said})") if payload["code"] in BUSY else RefusalError(said)
    return payload


def ask_candles(symbol: str, interval: str, window: Window, _memo: Memo) -> AskCandles:
    """Request one window of candles."""
    if split_symbol(symbol)[1] not in QUOTES:
        return None
    bars = min(CANDLES, window.length_us // INTERVAL_US[interval])
    params = _params(symbol, ("interval", interval), window, bars)
    payload = yield Request("/fapi/v1/klines", params, absent=(400,), weight=candle_weight(bars))
    if payload is None:  # -1121 "Invalid symbol." (recorded by others)
        return None
    rows = (read_candle(row[0], row[1:5], row[5], row[TAKER_BUY]) for row in rows_of(payload))
    return build_candles(rows, window, interval)


def ask_open_interest(symbol: str, window: Window, _memo: Memo) -> AskOpenInterest:
    """Request one window of snapshots."""
    if split_symbol(symbol)[1] not in QUOTES:
        return None
    params = _params(symbol, ("period", "5m"), window, SNAPSHOTS)
    payload = yield Request("/futures/data/openInterestHist", params, absent=(400,))
    if payload is None:
        return None
    rows = [
        OpenInterest(
            int(row["timestamp"]) * 1000,
            read_optional(row.get("sumOpenInterest")),
            read_optional(row.get("sumOpenInterestValue")),
        )
        for row in rows_of(payload)
    ]
    return build_open_interest(rows, window)


def candle_weight(bars: int) -> int:
    """Return the weight of a request for candles (documented)."""
    return 1 if bars < 100 else 2 if bars < 500 else 5 if bars <= 1000 else 10


def _params(symbol: str, step: tuple[str, str], window: Window, limit: int) -> tuple[tuple[str, str], ...]:
    """Build the parameters; Binance's bounds are inclusive, so the end is a millisecond earlier."""
    start, end = str(window.start_us // 1000), str(window.end_us // 1000 - 1)
    return ("symbol", symbol), step, ("startTime", start), ("endTime", end), ("limit", str(limit))


def _cut_older(gap: Window, step_us: int, now: int) -> list[Window]:
    end = min(gap.end_us, -(-(now - ARCHIVED_US) // step_us) * step_us)
    return cut_bars(Window(gap.start_us, max(gap.start_us, end)), step_us, CANDLES)


SOURCE = MarketSource(
    name="binance",
    exchange="binance",
    url="https://fapi.binance.com",
    limits=LIMITS,
    decode=decode,
    intervals=INTERVALS,
    cut_candles=lambda gap, step_us, now: cut_bars(gap, step_us, CANDLES, now - ARCHIVED_US),
    ask_candles=ask_candles,
    cut_open_interest=lambda gap, now: cut_bars(gap, SNAPSHOT_US, SNAPSHOTS, now - KEPT_US),
    ask_open_interest=ask_open_interest,
)
# Older candles that the archive does not have, or if the archive cannot be reached.
OLDER = replace(SOURCE, cut_candles=_cut_older, cut_open_interest=lambda _gap, _now: [])
