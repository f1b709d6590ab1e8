"""Gate perpetual futures, official REST. No live endpoint was called; each fact states its evidence.

exchange: gate
docs: GET /api/v4/futures/{usdt|btc}/candlesticks and /contract_stats, read 2026-11-22 in the copy of Gate's pages of
    2025-11-30 (documented)
gives: candles oldest first, at most 2000 an answer, from and to in seconds, no limit beside them (documented; that both
    are inclusive is unproven: a second more is requested), only the last 10,000 bars, else 400 "Candlestick too long
    ago" (recorded); open interest every 5 minutes from a second on, at most limit rows (documented; that 100 are
    allowed, and their order, is unproven), some 180 days (probed by others)
limits: 200 requests in 10 seconds an endpoint and address (documented), which is kept for all endpoints together,
    those of the liquidations too
qty: v and open_interest are contracts, times quanto_multiplier of the contract; open_interest_usd is USD (documented).
    Where the multiplier is not known, and for inverse contracts, coins are left unknown
time: open time in seconds; minutes without a trade may be missing (unproven)
changed: nothing dated
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from liqcli.core.market_data import INTERVAL_US, Candle, OpenInterest
from liqcli.core.model import US_PER_S, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US
from liqcli.sources.gate.liquidations import LIMITS, contract_request, decode, parse_market
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
from liqcli.sources.rows import multiply

CANDLES = 1999  # of 2000, for inclusive and exclusive bounds
KEPT_CANDLES = 9_990  # of 10,000, because the limit moves during the request
SNAPSHOTS = 100
KEPT_US = 179 * DAY_US
INTERVALS = {name: name for name in ("1m", "5m", "15m", "30m", "1h", "4h", "8h", "1d")}
SETTLES = {"USDT": "usdt", "USD": "btc"}
UNKNOWN_SIZE = 0.0


def ask_candles(symbol: str, interval: str, window: Window, memo: Memo) -> AskCandles:
    """Request one window of candles, after the contract size."""
    size = yield from _ask_size(symbol, memo)
    if size is None:
        return None
    first, last = window.start_us // US_PER_S, (window.end_us - INTERVAL_US[interval]) // US_PER_S + 1
    params = (
        ("contract", "_".join(split_symbol(symbol))), ("from", str(first)), ("to", str(last)),
        ("interval", INTERVALS[interval]),
    )  # fmt: skip
    payload = yield Request(f"/api/v4/futures/{_settle(symbol)}/candlesticks", params)
    return build_candles((_candle(row, size) for row in rows_of(payload)), window, interval)


def ask_open_interest(symbol: str, window: Window, memo: Memo) -> AskOpenInterest:
    """Request one window of snapshots, after the contract size."""
    size = yield from _ask_size(symbol, memo)
    if size is None:
        return None
    params = (
        ("contract", "_".join(split_symbol(symbol))), ("from", str(window.start_us // US_PER_S)),
        ("interval", "5m"), ("limit", str(SNAPSHOTS)),
    )  # fmt: skip
    payload = yield Request(f"/api/v4/futures/{_settle(symbol)}/contract_stats", params)
    return build_open_interest((_snapshot(row, size) for row in rows_of(payload)), window)


def _ask_size(symbol: str, memo: Memo) -> Generator[Request, Any, float | None]:
    """Request a contract's size once per run; None if Gate does not list the contract."""
    request = contract_request(symbol) if split_symbol(symbol)[1] in SETTLES else None
    if request is None:
        return None
    if symbol not in memo:
        raw = yield request
        if raw is None:
            return None
        market = parse_market(raw)
        known = market is not None and not market.inverse and market.contract_size
        memo[symbol] = known or UNKNOWN_SIZE
    return memo[symbol]


def _candle(row: dict[str, Any], size: float) -> Candle:
    volume = multiply(parse_number(row["v"]), size) if size and row.get("v") is not None else None
    return read_candle(parse_number(row["t"]) * 1000, [row[name] for name in ("o", "h", "l", "c")], volume)


def _snapshot(row: dict[str, Any], size: float) -> OpenInterest:
    contracts = read_optional(row.get("open_interest"))
    coins = multiply(contracts, size) if size and contracts is not None else None
    return OpenInterest(int(row["time"]) * US_PER_S, coins, read_optional(row.get("open_interest_usd")))


def _settle(symbol: str) -> str:
    return SETTLES[split_symbol(symbol)[1]]


SOURCE = MarketSource(
    name="gate",
    exchange="gate",
    url="https://api.gateio.ws",
    limits=LIMITS,
    decode=decode,
    intervals=INTERVALS,
    cut_candles=lambda gap, step_us, now: cut_bars(gap, step_us, CANDLES, now - KEPT_CANDLES * step_us),
    ask_candles=ask_candles,
    cut_open_interest=lambda gap, now: cut_bars(gap, SNAPSHOT_US, SNAPSHOTS, now - KEPT_US),
    ask_open_interest=ask_open_interest,
)
