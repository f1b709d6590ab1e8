"""Test server of Poloniex as documented: by time, 100 rows, code 200, order side."""

from __future__ import annotations

from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event


class PoloniexServer(Loopback):
    """
    ``truth``: contract -> events, sizes in contracts; times in ms, both inside, or none (``strict``).

    ``kept_ms``: what is older than this moment is forgotten; ``plain``: rows name the contract without its lines.
    """

    PACE = (120, 60.0)  # nothing is documented
    BUSY = json_reply({"code": 429, "msg": "Too many requests"}, 429, {"Retry-After": "0"})
    BUSY_200 = json_reply({"code": 429, "msg": "Too many requests"})
    NO_200 = json_reply({"code": 11001, "msg": "Param error"})

    def __init__(
        self,
        truth: dict[str, list[Event]],
        sizes: dict[str, str],
        kept_ms: int = 0,
        strict: bool = False,
        plain: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.sizes = sizes
        self.strict = strict
        self.rows = {
            name: [
                {
                    "symbol": name.replace("_", "") if plain else name,
                    "posSide": "BOTH" if e.contracts == 7 else e.position.upper(),
                    "side": {"long": "SELL", "short": "BUY"}[e.position],
                    "sz": str(e.contracts),
                    "bkPx": f"{e.price:.18f}",
                    "uTime": str(e.ts_ms),
                }
                for e in sorted(events, key=lambda e: e.ts_ms)
                if e.ts_ms >= kept_ms
            ]
            for name, events in truth.items()
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/v3/market/allInstruments":
            listed = [
                {"symbol": name, "ctType": "INVERSE" if name.endswith("USD_PERP") else "LINEAR", "ctVal": size}
                for name, size in self.sizes.items()
            ]
            return json_reply({"code": 200, "data": listed, "msg": "Success"})
        if asked.path != "/v3/market/liquidationOrder":
            return json_reply({"code": 404, "msg": "Not found"}, 404)
        limit = int(asked.params.get("limit", "10"))
        start, end = int(asked.params.get("sTime", "0")), int(asked.params.get("eTime", "9" * 13))
        if asked.params.get("symbol") not in self.sizes or not 1 <= limit <= 100 or start > end:
            return self.NO_200
        start, end = start + self.strict, end - self.strict
        rows = [row for row in self.rows.get(asked.params["symbol"], []) if start <= int(row["uTime"]) <= end]
        return json_reply({"code": 200, "msg": "success", "data": rows[:limit]})
