"""Bitget as facts/sources.md 3.9 describes it: three days, newest first, 100 a page, a cursor, amount in money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event

POSITION_WORD = {"long": "buy", "short": "sell"}


class BitgetServer(Loopback):
    """``truth``: instrument -> events; ``size`` coins a contract there; ``listed`` whether it lists contracts."""

    def __init__(
        self, truth: dict[str, list[Event]], size: Decimal, now_ms: int, listed: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self.listed = listed
        self.rows = {
            name: [
                {
                    "symbol": name,
                    "side": POSITION_WORD[e.position],
                    "price": str(e.price),
                    "amount": str(e.contracts * size * e.price),
                    "ts": str(e.ts_ms),
                }
                for e in sorted(events, key=lambda e: -e.ts_ms)
                if e.ts_ms >= now_ms - 3 * 86_400_000
            ]
            for name, events in truth.items()
        }

    def answer(self, asked: Asked) -> Reply:
        category = asked.params.get("category")
        if category not in ("USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"):
            return json_reply({"code": "400172", "msg": "Parameter verification failed", "data": None}, 400)
        if asked.path == "/api/v3/market/instruments" and self.listed:
            mine = [n for n in self.rows if n.endswith("USDT") == (category == "USDT-FUTURES")]
            listed = [{"symbol": n, "category": category, "type": "perpetual"} for n in mine]
            return json_reply({"code": "00000", "msg": "success", "data": listed})
        if asked.path != "/api/v3/market/liquidations":
            return json_reply({"code": "40404", "msg": "Request URL NOT FOUND", "data": None}, 404)
        limit = int(asked.params.get("limit", "100"))
        if limit > 100:
            return json_reply({"code": "40020", "msg": "Parameter limit error", "data": None}, 400)
        rows = self.rows.get(asked.params["symbol"], [])
        start = int(asked.params.get("cursor", "c0")[1:])
        page = rows[start : start + limit]
        onward = f"c{start + limit}" if start + limit < len(rows) else None
        return json_reply({"code": "00000", "msg": "success", "data": {"list": page, "cursor": onward}})
