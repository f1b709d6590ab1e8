"""Test server of Deribit's history host as documented: trades, a few of them with a liquidation mark."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any, NamedTuple

from liqcli.core.model import Window
from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import HOUR_MS, Rows, Truth, edge_times

# What the taker's direction and the mark say together (facts, section 2).
CLOSED = {
    ("sell", "T"): ["long"],
    ("buy", "T"): ["short"],
    ("sell", "M"): ["short"],
    ("buy", "M"): ["long"],
    ("sell", "MT"): ["long", "short"],
    ("buy", "MT"): ["long", "short"],
}


class Trade(NamedTuple):
    ts_ms: int
    direction: str
    mark: str
    price: Decimal
    amount: Decimal


def make_trades(window: Window, seed: int, number: int, inverse: bool) -> list[Trade]:
    """Trades from an hour before to an hour after a window, one in six marked; a burst in one second; twins."""
    rng = random.Random(seed)
    start, end = window.start_us // 1000, window.end_us // 1000
    times = [rng.randrange(start - HOUR_MS, end + HOUR_MS) for _ in range(number)]
    times += [(start + end) // 2 + rng.randrange(1000) for _ in range(number // 3)]
    trades = []
    for n, ts in enumerate([*times, *edge_times(window)]):
        marked = n >= len(times) or rng.random() < 0.16
        mark = rng.choice(["T", "T", "M", "M", "MT"]) if marked else ""
        amount = Decimal(rng.randrange(1, 900) * 10) if inverse else Decimal(rng.randrange(1, 900)) / 10
        trades.append(
            Trade(ts, rng.choice(["buy", "sell"]), mark, Decimal(rng.randrange(120_000, 130_000)) / 2, amount)
        )
    marked_trades = [trade for trade in trades if trade.mark]
    return sorted([*trades, *rng.sample(marked_trades, 9), *marked_trades[-2:]], key=lambda trade: trade.ts_ms)


def count_truth(trades: list[Trade], window: Window, inverse: bool) -> Rows:
    found: Rows = Counter()
    for trade in trades:
        if trade.mark and window.contains(trade.ts_ms * 1000):
            usd = trade.amount if inverse else trade.amount * trade.price
            coins = trade.amount / trade.price if inverse else trade.amount
            for position in CLOSED[(trade.direction, trade.mark)]:
                found[(trade.ts_ms * 1000, position, trade.price, coins, usd)] += 1
    return found


class DeribitServer(Loopback):
    """
    Both bounds inside, leaky by one at the lower one, unsorted, ``cap`` rows at most, marks an hour late.

    ``strict``: more than ``cap`` is refused with 400; else as many as the cap are given and ``has_more`` says so.
    """

    PACE = (20, 1.0)
    BUSY = json_reply({"jsonrpc": "2.0", "error": {"message": "too_many_requests", "code": 10028}}, 429)
    BUSY_200 = json_reply({"jsonrpc": "2.0", "error": {"message": "too_many_requests", "code": 10028}})
    NO_200 = json_reply({"jsonrpc": "2.0", "error": {"message": "Invalid params", "code": -32602}})

    def __init__(
        self, truth: dict[str, list[Trade]], now_ms: int, cap: int = 10_000, strict: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self.now_ms, self.cap, self.strict = now_ms, cap, strict
        self.rows = {name: [_row(name, t, 900 + n) for n, t in enumerate(trades)] for name, trades in truth.items()}

    def truth(self, window: Window, trades: dict[str, list[Trade]], symbols: dict[str, str]) -> Truth:
        return Truth(window, {s: count_truth(trades[i], window, "USDC" not in i) for i, s in symbols.items()})

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v2/public/")
        if path == "get_instruments":
            if asked.params.get("currency") not in ("any", "BTC", "ETH", "USDC"):
                return _error(-32602, "Invalid params", 400)
            names = [*self.rows, "BTC-25DEC26", "XRP_USDC-PERPETUAL"]
            return _result(
                [{"instrument_name": name, "kind": "future", "instrument_type": _kind(name)} for name in names]
            )
        if path not in ("get_last_trades_by_instrument", "get_last_trades_by_instrument_and_time"):
            return _error(-32601, "Method not found", 404)
        rows = self.rows.get(asked.params["instrument_name"])
        count = int(asked.params.get("count", "10"))
        sorting = asked.params.get("sorting", "default")
        if rows is None or (self.strict and count > self.cap) or sorting not in ("asc", "desc", "default"):
            return _error(-32602, "Invalid params", 400)
        key, names = ("trade_seq", ("start_seq", "end_seq"))
        if path.endswith("_time"):
            key, names = ("timestamp", ("start_timestamp", "end_timestamp"))
        low, high = (int(asked.params[name]) for name in names)
        if low > high or not 1 <= count <= 10_000:
            return _error(-32602, "Invalid params", 400)
        places = [n for n, row in enumerate(rows) if low <= row[key] <= high]
        if places and places[0] > 0:
            places = [places[0] - 1, *places]  # leaky: one trade from before
        limit = min(count, self.cap)
        chosen = places[:limit] if sorting == "asc" else places[-limit:]
        given = [self._shown(rows[n]) for n in chosen]
        random.Random(len(self.asked)).shuffle(given)
        return _result({"trades": given, "has_more": len(places) > limit})

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """The mark comes about an hour late."""
        hidden = row["timestamp"] > self.now_ms - HOUR_MS
        return {name: value for name, value in row.items() if not (hidden and name == "liquidation")}


def _row(name: str, trade: Trade, seq: int) -> dict[str, Any]:
    row = {
        "trade_seq": seq,
        "trade_id": f"{name[:3]}-{seq + 7_000_000}",
        "timestamp": trade.ts_ms,
        "tick_direction": 0,
        "price": float(trade.price),
        "mark_price": float(trade.price) + 1,
        "index_price": float(trade.price) + 2,
        "instrument_name": name,
        "direction": trade.direction,
        "amount": float(trade.amount),
    }
    if seq % 2:
        row["contracts"] = float(trade.amount / 10) if "USDC" not in name else float(trade.amount * 10)
    return row | ({"liquidation": trade.mark} if trade.mark else {})


def _kind(name: str) -> str:
    return "linear" if "USDC" in name else "reversed"


def _result(result: Any) -> Reply:
    return json_reply({"jsonrpc": "2.0", "result": result, "usIn": 1, "usOut": 2, "testnet": False})


def _error(code: int, message: str, status: int) -> Reply:
    return json_reply({"jsonrpc": "2.0", "error": {"message": message, "code": code}}, status)
