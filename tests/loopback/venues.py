"""Test servers of Gate, HTX, OKX and Tardis as documented: bounds, page sizes, order, units, errors."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from liqcli.core.times import now_us
from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import DAY_MS, Event

ORDER_OF = {"long": "sell", "short": "buy"}
MILLISECONDS = 10**12  # a time in seconds reaches this in the year 33658


class GateServer(Loopback):
    """
    Seconds, both bounds inside, at most an hour, at most 1000 rows (100 unless asked), newest first, no paging, 90 days
    deep; errors come with a label. USDT contracts of ``sizes`` coins; those in USD are inverse, of 1 USD.
    """

    PACE = (200, 10.0)
    BUSY = json_reply({"label": "TOO_MANY_REQUESTS", "message": "Request Rate limit Exceeded (107)"}, 429)
    BUSY_200 = json_reply({"label": "TOO_FAST", "message": "too many requests"})
    NO_200 = json_reply({"label": "SERVER_ERROR", "message": "cannot be served"})

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
                return _refuse("CONTRACT_NOT_FOUND", match[2])
            return json_reply(found[0])
        if not (match := re.fullmatch(r"/api/v4/futures/(usdt|btc)/liq_orders", asked.path)):
            return json_reply({"label": "NOT_FOUND", "message": "no such path"}, 404)
        last = int(asked.params.get("to", now_us() // 1_000_000))
        first = int(asked.params.get("from", last - 3600))
        limit, contract = int(asked.params.get("limit", "100")), asked.params.get("contract")
        if not 0 <= last - first <= 3600:
            return _refuse("INVALID_PARAM_VALUE", "range from/to must in 1 hour")
        if not 1 <= limit <= 1000 or last >= MILLISECONDS:
            return _refuse("INVALID_PARAM_VALUE", "limit, from or to")
        settled = {name for name in self.sizes if name.endswith({"usdt": "_USDT", "btc": "_USD"}[match[1]])}
        if contract is not None and contract not in settled:
            return _refuse("CONTRACT_NOT_FOUND", contract)
        first = max(first, now_us() // 1_000_000 - 90 * 86_400)
        names = settled if contract is None else [contract]
        rows = [row for name in names for row in self.rows.get(name, []) if first <= int(row["time"]) <= last]
        return json_reply(sorted(rows, key=lambda row: -row["time"])[:limit])

    def _contract(self, name: str) -> dict[str, Any]:
        kind = "direct" if name.endswith("_USDT") else "inverse"
        return {"name": name, "type": kind, "quanto_multiplier": self.sizes[name]}


def _refuse(label: str, message: str) -> Reply:
    return json_reply({"label": label, "message": message}, 400)


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
    """
    Milliseconds, both bounds inside, at most two hours, 90 days deep, 100 rows a page (10 unless asked), paged by id
    in either direction, errors inside a 200.
    """

    PACE = (240, 3.0)
    BUSY = json_reply({"status": "error", "err_code": 1032, "err_msg": "The number of access exceeded the limit"}, 429)
    BUSY_200 = json_reply({"status": "error", "err_code": 1032, "err_msg": "The number of access exceeded the limit"})
    NO_200 = json_reply({"code": 1030, "message": "Input error.", "data": None, "ts": 1})

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
        limit, direct = int(asked.params.get("limit", "10")), asked.params.get("direct", "prev")
        if not 0 <= end - start <= 7_200_000 or start < now_us() // 1000 - 90 * DAY_MS or start < MILLISECONDS:
            return json_reply({"code": 1067, "message": "start_time or end_time out of range", "data": None, "ts": 1})
        if not 1 <= limit <= 100 or direct not in ("next", "prev"):
            return json_reply({"code": 1030, "message": "Input error.", "data": None, "ts": 1})
        if (contract := asked.params.get("contract_code", asked.params.get("pair"))) not in self.sizes:
            return json_reply({"code": 1332, "message": "The contract doesn't exist.", "data": None, "ts": 1})
        rows = [row for row in self.rows.get(contract, []) if start <= int(row["liquidation_time"]) <= end]
        forward = direct == "next"
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
    """
    Newest first, 100 rows a page, ``after`` = strictly older, ``before`` = strictly newer, needs instType and uly or
    instFamily, about a day deep, errors inside a 200.
    """

    PACE = (40, 2.0)
    BUSY = json_reply({"code": "50011", "msg": "Too Many Requests", "data": []}, 429)
    BUSY_200 = json_reply({"code": "50011", "msg": "Too Many Requests", "data": []})
    NO_200 = json_reply({"code": "51000", "msg": "Parameter uly error", "data": []})

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
        if asked.params.get("instType") != "SWAP" or asked.params.get("state", "filled") != "filled":
            return json_reply({"code": "51000", "msg": "Parameter instType or state error", "data": []})
        if (family := asked.params.get("uly", asked.params.get("instFamily"))) is None:
            return json_reply({"code": "50015", "msg": "Either parameter uly or instFamily is required", "data": []})
        limit, name = int(asked.params.get("limit", "100")), f"{family}-SWAP"
        if name not in self.sizes or not 1 <= limit <= 100:
            return json_reply({"code": "51000", "msg": "Parameter uly or limit error", "data": []})
        after, before = int(asked.params.get("after", 10**15)), int(asked.params.get("before", self.oldest_ms - 1))
        events = [e for e in self.truth.get(name, []) if max(before, self.oldest_ms - 1) < e.ts_ms < after]
        details = [_okx_row(event) for event in sorted(events, key=lambda e: -e.ts_ms)[:limit]]
        data = [{"details": details, "instId": name, "instType": "SWAP", "uly": family}] if details else []
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
    """
    A packed CSV a day, cut by the time of receipt, there from 06:00 of the next day; the first of a month is free,
    other days want the key; whoever names no browser is refused. PERPETUALS has all contracts of an exchange id, in
    order of receipt; names with _PERP belong to binance-delivery.
    """

    KEY = "sesame-open"
    PACE = (60, 60.0)  # nothing is documented: what liqcli grants itself
    BUSY = json_reply({"code": 8, "message": "too many requests"}, 429)
    BUSY_200 = NO_200 = json_reply({"code": 8, "message": "something went wrong"})

    def __init__(self, truth: dict[str, list[Event]], delay_ms: int = 700, **options: Any) -> None:
        super().__init__(**options)
        self.files: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, events in truth.items():
            for event in sorted(events, key=lambda e: e.ts_ms):
                day = f"{datetime.fromtimestamp((event.ts_ms + delay_ms) // 1000, tz=UTC):%Y/%m/%d}"
                received = (event.ts_ms + delay_ms) * 1000
                self.files[name, day].append(
                    f"{self.venue_of(name)},{name},{event.ts_ms * 1000},{received},,{ORDER_OF[event.position]},"
                    f"{event.price},{event.contracts}"
                )

    def answer(self, asked: Asked) -> Reply:
        match = re.fullmatch(r"/v1/([\w-]+)/liquidations/(\d{4}/\d\d/(\d\d))/(\w+)\.csv\.gz", asked.path)
        if not asked.headers.get("User-Agent", "").startswith("Mozilla/"):
            return Reply(403, b"forbidden")
        if not match:
            return Reply(404, b"not found")
        venue, date, number, contract = match.groups()
        day = datetime.strptime(date, "%Y/%m/%d").replace(tzinfo=UTC)
        if day.timestamp() + 30 * 3600 > now_us() / 1e6:
            return Reply(404, b"not found")
        if number != "01" and asked.headers.get("Authorization") != f"Bearer {self.KEY}":
            return json_reply({"code": 1, "message": "needs an API key"}, 401)
        names = {name for name, _day in self.files if self.venue_of(name) == venue}
        wanted = names if contract == "PERPETUALS" else names & {contract}
        if not wanted:
            return Reply(404, b"not found")
        rows = sorted((line for name in wanted for line in self.files[name, date]), key=lambda line: line.split(",")[3])
        lines = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount", *rows]
        return Reply(200, gzip.compress("\n".join(lines).encode() + b"\n"), {"Content-Type": "application/gzip"})

    @staticmethod
    def venue_of(name: str) -> str:
        return "binance-delivery" if "_PERP" in name else "binance-futures"
