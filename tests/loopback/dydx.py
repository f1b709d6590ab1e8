"""Test server of the dYdX indexer as documented: all trades, newest first, by time or height, 1000 per page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event

SIDE_OF = {"long": "SELL", "short": "BUY"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ts_ms % 1000:03d}Z"


class DydxServer(Loopback):
    """
    ``truth``: market -> liquidations, among ``others`` ordinary trades each; a block a second.

    ``size`` is coins a contract of the truth.
    """

    PACE = (100, 10.0)
    BUSY = json_reply({"errors": [{"msg": "Too many requests"}]}, 429)
    BUSY_200 = json_reply({"errors": [{"msg": "Too many requests"}]})
    NO_200 = json_reply({"errors": [{"msg": "createdBeforeOrAt must be a valid date"}]})

    def __init__(
        self,
        truth: dict[str, list[Event]],
        size: Decimal,
        others: int = 2,
        limit: int = 1000,
        listed: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.limit = limit
        self.listed = listed
        self.rows: dict[str, list[dict[str, Any]]] = {}
        for name, events in truth.items():
            trades = []
            for n, event in enumerate(sorted(events, key=lambda e: e.ts_ms)):
                for m in range(others + 1):
                    trades.append(
                        {
                            "id": f"{name}-{n}-{m}",
                            "side": SIDE_OF[event.position],
                            "size": str(event.contracts * size),
                            "price": str(event.price),
                            "type": ("LIQUIDATED", "LIMIT", "DELEVERAGED")[m],
                            "createdAt": iso(event.ts_ms),
                            "createdAtHeight": str(event.ts_ms // 1000),
                        }
                    )
            self.rows[name] = trades[::-1]

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/v4/perpetualMarkets" and self.listed:
            markets = {name: {"ticker": name, "status": "ACTIVE"} for name in self.rows}
            return json_reply({"markets": {**markets, "A,RAYDIUM,b-USD": {"ticker": "A,RAYDIUM,b-USD"}}})
        name = asked.path.removeprefix("/v4/trades/perpetualMarket/")
        if name not in self.rows:
            return json_reply({"errors": [{"msg": "not found"}]}, 404)
        limit = int(asked.params.get("limit", str(self.limit)))
        if not 1 <= limit <= self.limit:
            return json_reply({"errors": [{"msg": "limit must be a positive integer up to 1000"}]}, 400)
        rows = self.rows[name]
        if "createdBeforeOrAtHeight" in asked.params:
            rows = [r for r in rows if int(r["createdAtHeight"]) <= int(asked.params["createdBeforeOrAtHeight"])]
        if "createdBeforeOrAt" in asked.params:
            if not ISO.fullmatch(asked.params["createdBeforeOrAt"]):
                return self.NO_200._replace(status=400)
            rows = [r for r in rows if r["createdAt"] <= asked.params["createdBeforeOrAt"]]
        return json_reply({"trades": rows[:limit]})

    def kind_of(self, asked: Asked) -> str:
        return asked.path  # a trade does not say of which market it is
