"""Test server of CoinEx as documented: pages by number, 100 rows, has_next, code 0, position side."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event


class CoinexServer(Loopback):
    """``truth``: market -> events of ``size`` coins a contract; times in ms, both inside, or none (``strict``)."""

    PACE = (150, 60.0)  # nothing is documented: what others did without trouble
    BUSY = json_reply({"code": 4213, "data": {}, "message": "Rate limit exceeded"}, 429)
    BUSY_200 = json_reply({"code": 4213, "data": {}, "message": "Rate limit exceeded"})
    NO_200 = json_reply({"code": 3639, "data": {}, "message": "Invalid Parameter"})

    def __init__(
        self,
        truth: dict[str, list[Event]],
        size: Decimal,
        listed: bool = True,
        rising: bool = False,
        strict: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.strict = strict
        self.listed = listed
        self.rows = {
            name: [
                {
                    "market": name,
                    "side": e.position,
                    "liq_price": str(e.price),
                    "liq_amount": str(e.contracts * size),
                    "bkr_price": str(e.price - 100),
                    "created_at": e.ts_ms,
                }
                for e in sorted(events, key=lambda e: e.ts_ms if rising else -e.ts_ms)
            ]
            for name, events in truth.items()
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/v2/futures/market" and self.listed:
            listed = [{"market": name, "contract_type": "linear", "quote_ccy": "USDT"} for name in self.rows]
            return json_reply({"code": 0, "data": [*listed, {"market": "BTCUSD", "contract_type": "inverse"}]})
        if asked.path != "/v2/futures/liquidation-history":
            return json_reply({"code": 3008, "message": "not found"}, 404)
        page, limit = int(asked.params.get("page", "1")), int(asked.params.get("limit", "10"))
        start, end = int(asked.params.get("start_time", "0")), int(asked.params.get("end_time", "9" * 15))
        if asked.params.get("market") not in self.rows or not 1 <= limit <= 100 or page < 1 or start > end:
            return self.NO_200
        start, end = start + self.strict, end - self.strict
        rows = [row for row in self.rows[asked.params["market"]] if start <= row["created_at"] <= end]
        shown = rows[(page - 1) * limit : page * limit]
        onward = {"has_next": page * limit < len(rows)}
        return json_reply({"code": 0, "data": shown, "pagination": onward, "message": "OK"})
