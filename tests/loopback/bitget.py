"""Test server of Bitget as documented: three days, newest first, 100 per page, a cursor, amounts in quote currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event

POSITION_WORD = {"long": "buy", "short": "sell"}
CATEGORIES = ("USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")


class BitgetServer(Loopback):
    """
    ``truth``: instrument -> events; ``size`` coins a contract there; ``listed`` whether it lists contracts. A cursor is
    good for the question that it was an answer to. ``arriving`` so many rows of now come in before each answer.
    """

    PACE = (5, 1.0)
    BUSY = json_reply({"code": "429", "msg": "Too Many Requests", "data": None}, 429)
    BUSY_200 = json_reply({"code": "429", "msg": "Too Many Requests", "data": None})
    NO_200 = json_reply({"code": "40020", "msg": "Parameter symbol error", "data": None})

    def __init__(
        self,
        truth: dict[str, list[Event]],
        size: Decimal,
        now_ms: int,
        listed: bool = True,
        arriving: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.listed = listed
        self.now_ms, self.arriving, self.arrived = now_ms, arriving, 0
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
        if category not in CATEGORIES:
            return _refuse("400172", "Parameter verification failed")
        if asked.path == "/api/v3/market/instruments" and self.listed:
            mine = [n for n in self.rows if _category(n) == category]
            listed = [{"symbol": n, "category": category, "type": "perpetual"} for n in mine]
            return json_reply({"code": "00000", "msg": "success", "data": listed})
        if asked.path != "/api/v3/market/liquidations":
            return json_reply({"code": "40404", "msg": "Request URL NOT FOUND", "data": None}, 404)
        limit = int(asked.params.get("limit", "100"))
        if not 1 <= limit <= 100:
            return _refuse("40020", "Parameter limit error")
        symbol = asked.params.get("symbol")
        if symbol is not None and (symbol not in self.rows or _category(symbol) != category):
            return _refuse("40034", f"Parameter {symbol} does not exist")
        for _ in range(self.arriving):
            self.arrived += 1
            for name, rows in self.rows.items():
                rows.append(rows[0] | {"symbol": name, "ts": str(self.now_ms + self.arrived)})
        names = [symbol] if symbol else [n for n in self.rows if _category(n) == category]
        rows = sorted((row for name in names for row in self.rows[name]), key=lambda row: -int(row["ts"]))
        origin, _, place = asked.params.get("cursor", f"{category}.{symbol}.0").rpartition(".")
        if origin != f"{category}.{symbol}" or not place.isdecimal():
            return _refuse("40020", "Parameter cursor error")
        start = int(place)
        onward = f"{origin}.{start + limit}" if start + limit < len(rows) else None
        page = {"list": rows[start : start + limit], "cursor": onward}
        return json_reply({"code": "00000", "msg": "success", "data": page})


def _category(name: str) -> str:
    return CATEGORIES[0] if name.endswith("USDT") else CATEGORIES[1] if name.endswith("PERP") else CATEGORIES[2]


def _refuse(code: str, said: str) -> Reply:
    return json_reply({"code": code, "msg": said, "data": None}, 400)
