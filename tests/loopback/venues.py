"""Gate, HTX, OKX and Tardis as facts/sources.md describes them: bounds, page caps, order, units, errors."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Event

ORDER_OF = {"long": "sell", "short": "buy"}


class GateServer(Loopback):
    """Seconds, both bounds inside, at most an hour, at most 1000 rows, newest first, no paging, errors with a label."""

    def __init__(self, truth: dict[str, list[Event]], sizes: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.sizes = sizes
        self.rows = {name: [_gate_row(name, event, n) for n, event in enumerate(truth[name])] for name in truth}

    def answer(self, asked: Asked) -> Reply:
        if match := re.fullmatch(r"/api/v4/futures/(usdt|btc)/contracts(?:/(.+))?", asked.path):
            quote = {"usdt": "_USDT", "btc": "_USD"}[match[1]]
            listed = [self._contract(name) for name in self.sizes if name.endswith(quote)]
            if match[2] is None:
                return json_reply(listed)
            found = [contract for contract in listed if contract["name"] == match[2]]
            if not found:
                return json_reply({"label": "CONTRACT_NOT_FOUND", "message": match[2]}, 400)
            return json_reply(found[0])
        if asked.path != "/api/v4/futures/usdt/liq_orders":
            return json_reply({"label": "NOT_FOUND", "message": "no such path"}, 404)
        first, last = int(asked.params["from"]), int(asked.params["to"])
        limit = int(asked.params.get("limit", "100"))
        if last - first > 3600:
            return json_reply({"label": "INVALID_PARAM_VALUE", "message": "range from/to must in 1 hour"}, 400)
        if limit > 1000 or last < first:
            return json_reply({"label": "INVALID_PARAM_VALUE", "message": "limit"}, 400)
        rows = [row for row in self.rows.get(asked.params["contract"], []) if first <= int(row["time"]) <= last]
        return json_reply(sorted(rows, key=lambda row: -row["time"])[:limit])

    def _contract(self, name: str) -> dict[str, Any]:
        kind = "direct" if name.endswith("_USDT") else "inverse"
        return {"name": name, "type": kind, "quanto_multiplier": self.sizes[name]}


def _gate_row(contract: str, event: Event, number: int) -> dict[str, Any]:
    sign = 1 if event.position == "long" else -1
    left = number % 3
    size = sign * (event.contracts + left)
    row: dict[str, Any] = {
        "contract": contract,
        "size": size,
        "left": left,
        "fill_price": str(event.price),
        "order_price": "1",
        "time": event.ts_ms // 1000,
    }
    if number % 2:
        row |= {"size": str(size * 2), "order_size": str(-size), "left": str(left)}
    if event.ts_ms % 1000 or number % 5 == 0:
        row["time_ms"] = event.ts_ms
    return row


class HtxServer(Loopback):
    """Milliseconds, both bounds inside, at most two hours, 100 rows a page, paged by id, errors inside a 200."""

    def __init__(self, truth: dict[str, list[Event]], sizes: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.sizes = sizes
        self.rows = {
            name: [
                _htx_row(name, event, 150_000_000 + n, Decimal(sizes[name]))
                for n, event in enumerate(sorted(truth[name], key=lambda e: e.ts_ms))
            ]
            for name in truth
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/linear-swap-api/v1/swap_contract_info":
            listed = [{"contract_code": name, "contract_size": float(size)} for name, size in self.sizes.items()]
            listed.append({"contract_code": "BTC-USDT-261225", "contract_size": 0.001})
            return json_reply({"status": "ok", "data": listed, "ts": 1})
        if asked.path != "/v5/market/liquidation_orders":
            return json_reply({"status": "error", "err_code": 10000, "err_msg": "offline", "ts": 1})
        start, end = int(asked.params["start_time"]), int(asked.params["end_time"])
        limit = int(asked.params.get("limit", "10"))
        if end - start > 7_200_000 or limit > 100:
            return json_reply({"code": 1067, "message": "start_time or end_time out of range", "data": None, "ts": 1})
        rows = self.rows.get(asked.params["contract_code"], [])
        rows = [row for row in rows if start <= int(row["liquidation_time"]) <= end]
        forward = asked.params.get("direct", "prev") == "next"
        rows.sort(key=lambda row: int(row["id"]), reverse=not forward)
        if "from" in asked.params:
            after = int(asked.params["from"])
            rows = [row for row in rows if (int(row["id"]) > after if forward else int(row["id"]) < after)]
        return json_reply({"code": 200, "message": "Success", "data": rows[:limit], "ts": 1})


def _htx_row(contract: str, event: Event, number: int, size: Decimal) -> dict[str, Any]:
    return {
        "id": str(number),
        "contract_code": contract,
        "liquidation_time": str(event.ts_ms),
        "side": ORDER_OF[event.position],
        "position_side": event.position,
        "volume": str(event.contracts),
        "amount": str(event.contracts),
        "bankrupt_price": str(event.price),
        "trade_turnover": str(event.contracts * size * event.price),
    }


class OkxServer(Loopback):
    """Newest first, 100 rows a page, ``after`` = strictly older, needs uly, about a day deep, errors inside a 200."""

    def __init__(self, truth: dict[str, list[Event]], sizes: dict[str, str], now_ms: int, **options: Any) -> None:
        super().__init__(**options)
        self.sizes = sizes
        self.truth = truth
        self.oldest_ms = now_ms - 86_400_000

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/v5/public/instruments":
            listed = [
                {"instId": n, "ctVal": s, "ctMult": "1", "ctType": "inverse" if "-USD-" in n else "linear"}
                for n, s in self.sizes.items()
            ]
            return json_reply({"code": "0", "msg": "", "data": listed})
        if asked.path != "/api/v5/public/liquidation-orders":
            return json_reply({"code": "404", "msg": "Invalid request", "data": []}, 404)
        if "uly" not in asked.params and "instFamily" not in asked.params:
            return json_reply({"code": "50015", "msg": "Either parameter uly or instFamily is required", "data": []})
        name = asked.params["uly"] + "-SWAP"
        events = sorted(self.truth.get(name, []), key=lambda e: -e.ts_ms)
        events = [e for e in events if e.ts_ms >= self.oldest_ms]
        if "after" in asked.params:
            events = [e for e in events if e.ts_ms < int(asked.params["after"])]
        details = [_okx_row(event) for event in events[: min(100, int(asked.params.get("limit", "100")))]]
        data = [{"details": details, "instId": name, "instType": "SWAP", "uly": asked.params["uly"]}] if details else []
        return json_reply({"code": "0", "msg": "", "data": data})


def _okx_row(event: Event) -> dict[str, Any]:
    return {
        "bkLoss": "0",
        "bkPx": str(event.price),
        "ccy": "",
        "posSide": "net" if event.contracts == 7 else event.position,
        "side": ORDER_OF[event.position],
        "sz": str(event.contracts),
        "time": event.ts_ms,
        "ts": str(event.ts_ms),
    }


class TardisServer(Loopback):
    """A packed CSV a day, cut by the time of receipt; the first of a month is free, other days want the key."""

    KEY = "sesame-open"

    def __init__(self, truth: dict[str, list[Event]], delay_ms: int = 700, **options: Any) -> None:
        super().__init__(**options)
        self.files: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, events in truth.items():
            for event in sorted(events, key=lambda e: e.ts_ms):
                day = f"{datetime.fromtimestamp((event.ts_ms + delay_ms) // 1000, tz=UTC):%Y/%m/%d}"
                received = (event.ts_ms + delay_ms) * 1000
                self.files[name, day].append(
                    f"binance-futures,{name},{event.ts_ms * 1000},{received},,{ORDER_OF[event.position]},"
                    f"{event.price},{event.contracts}"
                )

    def answer(self, asked: Asked) -> Reply:
        match = re.fullmatch(r"/v1/binance-futures/liquidations/(\d{4}/\d\d/(\d\d))/(\w+)\.csv\.gz", asked.path)
        if not match:
            return Reply(404, b"not found")
        if match[2] != "01" and asked.headers.get("Authorization") != f"Bearer {self.KEY}":
            return json_reply({"code": 1, "message": "needs an API key"}, 401)
        if not any(name == match[3] for name, _day in self.files):
            return Reply(404, b"not found")
        lines = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount", *self.files[match[3], match[1]]]
        return Reply(200, gzip.compress("\n".join(lines).encode() + b"\n"), {"Content-Type": "application/gzip"})
