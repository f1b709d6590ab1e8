"""Test server of Kraken Futures as documented: executions with a token, liquidated volume per minute."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from liqcli.core.model import Window
from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Rows, edge_times

MINUTE_MS = 60_000
STEPS = (60, 300, 900, 1800, 3600, 14_400, 43_200, 86_400, 604_800)
FORCED = ("Liquidation", "PartialLiquidation", "partialLiquidation", "partial liquidation", "CoveredLiquidation")
PLAIN = ("Limit", "IoC", "Post", "Market", "Stop", "Assignment", "Unwind")


class Fill(NamedTuple):
    ts_ms: int
    taker: str
    taker_type: str
    maker_type: str
    price: Decimal
    quantity: Decimal


def make_fills(window: Window, seed: int, number: int, inverse: bool) -> list[Fill]:
    """Plain fills all the time; forced ones in eight minutes, at the edges, and 380 of both in one burst; twins."""
    rng = random.Random(seed)
    start, end = window.start_us // 1000, window.end_us // 1000
    busy = [rng.randrange(start, end) // MINUTE_MS * MINUTE_MS for _ in range(8)]
    burst = (start + end) // 2
    plain = [rng.randrange(start - 600_000, end + 600_000) for _ in range(number)]
    plain += [burst + rng.randrange(90_000) for _ in range(220)]
    forced = [rng.choice(busy) + rng.randrange(MINUTE_MS) for _ in range(number // 10)]
    forced += [burst + rng.randrange(90_000) for _ in range(160)] + edge_times(window)
    fills = []
    for n, ts in enumerate([*plain, *forced]):
        taker_type, maker_type = rng.choice(PLAIN), "Post"
        if n >= len(plain):
            taker_type = rng.choice(FORCED)
            if rng.random() < 0.1:
                taker_type, maker_type = rng.choice([(taker_type, "Liquidation"), ("Limit", taker_type)])
        quantity = Decimal(rng.randrange(1, 9000)) / (1 if inverse else 10_000)
        fills.append(Fill(ts, rng.choice(["Buy", "Sell"]), taker_type, maker_type, _price(rng), quantity))
    return sorted([*fills, *rng.sample(fills[len(plain) :], 12)], key=lambda fill: fill.ts_ms)


def _price(rng: random.Random) -> Decimal:
    return Decimal(rng.randrange(850_000, 920_000)) / 10


def count_truth(books: dict[str, list[Fill]], window: Window) -> Rows:
    """What the lake must hold of one symbol: of PI_ contracts the quantity is USD, of PF_ ones it is coins."""
    found: Rows = Counter()
    for name, fills in books.items():
        for fill in fills:
            inverse = name.startswith("PI_")
            usd = fill.quantity if inverse else fill.quantity * fill.price
            coins = fill.quantity / fill.price if inverse else fill.quantity
            taker_was, maker_was = ("long", "short") if fill.taker == "Sell" else ("short", "long")
            if window.contains(fill.ts_ms * 1000):
                closed = [taker_was] * (fill.taker_type in FORCED) + [maker_was] * (fill.maker_type in FORCED)
                for position in closed:
                    found[(fill.ts_ms * 1000, position, fill.price, coins, usd)] += 1
    return found


class KrakenServer(Loopback):
    """
    ``since`` and ``before`` in ms (``since`` inside unless ``tight``, ``before`` outside), ``cap`` rows a page whatever
    is asked, a token that is good for the question that it was an answer to; the volume series names minutes by their
    beginning (or end: ``by_end``), in seconds.
    """

    PACE = (120, 60.0)  # no number is documented: what liqcli grants itself
    BUSY = json_reply({"result": "error", "error": "apiLimitExceeded", "serverTime": "2026-11-22T00:00:00Z"}, 429)
    BUSY_200 = json_reply({"result": "error", "error": "apiLimitExceeded", "serverTime": "2026-11-22T00:00:00Z"})
    NO_200 = json_reply({"result": "error", "error": "invalidArgument", "serverTime": "2026-11-22T00:00:00Z"})

    def __init__(
        self,
        truth: dict[str, list[Fill]],
        cap: int = 1000,
        points: int = 2000,
        tight: bool = False,
        by_end: bool = False,
        marked: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.cap, self.points, self.tight, self.by_end, self.marked = cap, points, tight, by_end, marked
        self.rows = {
            name: [_element(name, fill, n, marked) for n, fill in enumerate(fills)] for name, fills in truth.items()
        }
        self.volumes: dict[str, dict[int, Decimal]] = {name: defaultdict(Decimal) for name in truth}
        for name, fills in truth.items():
            for fill in fills:
                if fill.taker_type in FORCED or fill.maker_type in FORCED:
                    self.volumes[name][fill.ts_ms // MINUTE_MS * 60 + 60 * by_end] += fill.quantity

    def answer(self, asked: Asked) -> Reply:
        parts = asked.path.strip("/").split("/")
        if asked.path == "/derivatives/api/v3/instruments":
            names = [*self.rows, "FI_XBTUSD_261225", "PV_XRPXBT"]
            listed = [{"symbol": name, "tradeable": True, "contractSize": 1} for name in names]
            return json_reply({"result": "success", "instruments": listed, "serverTime": "2026-11-22T00:00:00Z"})
        if parts[:3] == ["api", "charts", "v1"] and parts[-1] == "liquidation-volume" and parts[4] in self.rows:
            return self._series(parts[4], asked)
        if parts[:4] == ["api", "history", "v3", "market"] and parts[-1] == "executions" and parts[4] in self.rows:
            return self._executions(parts[4], asked)
        return json_reply({"errors": [{"msg": "not found"}]}, 404)

    def kind_of(self, asked: Asked) -> str:
        """A series does not say of which contract it is; an execution does."""
        return "executions" if asked.path.endswith("/executions") else asked.path

    def _series(self, name: str, asked: Asked) -> Reply:
        since, until, step = (int(asked.params[key]) for key in ("since", "to", "interval"))
        if step != 60:
            said = "this loopback keeps minutes only" if step in STEPS else "interval: invalid"
            return json_reply({"errors": [{"msg": said}]}, 400)
        times = range(-(-since // 60) * 60, until + 1, 60)
        given = times[: self.points]
        data = [str(self.volumes[name].get(second, Decimal(0))) for second in given]
        series = {"timestamp": list(given), "data": data, "more": len(times) > len(given)}
        return json_reply({"result": series, "errors": []})

    def _executions(self, name: str, asked: Asked) -> Reply:
        since, before = int(asked.params["since"]), int(asked.params["before"])
        rows = [row for row in self.rows[name] if since + self.tight <= row["timestamp"] < before]
        if asked.params.get("sort") != "asc":
            rows.reverse()
        question = f"{name}.{since}.{before}.{asked.params.get('sort', 'desc')}"
        origin, _, place = asked.params.get("continuation_token", f"{question}.0").rpartition(".")
        if origin != question or asked.params.get("sort", "desc") not in ("asc", "desc"):
            return json_reply({"errors": [{"msg": "continuation_token or sort: invalid"}]}, 400)
        start, limit = int(place, 36), min(int(asked.params.get("count", "1000")), self.cap)
        page = rows[start : start + limit]
        body: dict[str, Any] = {"elements": page, "len": len(page)}
        headers = {"is-truncated": str(start + limit < len(rows)).lower()}
        if start + limit < len(rows):
            body["continuationToken"] = headers["Next-Continuation-Token"] = f"{question}.{_base36(start + limit)}"
        return json_reply(body, headers=headers)


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number] if number < 36 else _base36(number // 36) + digits[number % 36]


def _element(name: str, fill: Fill, number: int, marked: bool) -> dict[str, Any]:
    maker = "Buy" if fill.taker == "Sell" else "Sell"
    usd = fill.quantity if name.startswith("PI_") else fill.quantity * fill.price

    def order(direction: str, order_type: str) -> dict[str, Any]:
        shown = order_type if marked or order_type in PLAIN else "Limit"
        return {"uid": f"o{number}", "tradeable": name, "direction": direction, "quantity": "9", "orderType": shown}

    execution = {
        "uid": f"{name}-x{number}",
        "makerOrder": order(maker, fill.maker_type),
        "takerOrder": order(fill.taker, fill.taker_type),
        "timestamp": fill.ts_ms,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "markPrice": str(fill.price + 1),
        "limitFilled": False,
        "usdValue": f"{usd:.2f}",
    }
    event = {"Execution": {"execution": execution, "takerReducedQuantity": ""}}
    return {"uid": f"{name}-e{number}", "timestamp": fill.ts_ms, "event": event}
