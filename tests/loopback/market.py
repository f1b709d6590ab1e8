"""Test servers of candles and open interest: documented order, bounds, page sizes and error bodies."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from liqcli.core.times import now_us
from loopback.server import Asked, Loopback, Reply, json_reply

MINUTE_MS = 60_000
FIVE_MS = 5 * MINUTE_MS
DAY_MS = 86_400_000
RESTRICTED = {"code": 0, "msg": "Service unavailable from a restricted location according to 'b. Eligibility'"}


class Bar(NamedTuple):
    ts_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal  # base coins


class Held(NamedTuple):
    ts_ms: int
    coins: Decimal
    usd: Decimal


def make_bar(symbol: str, ts_ms: int, step_ms: int = MINUTE_MS) -> Bar:
    """A bar that depends on symbol, time and length alone; volume in whole contracts of 0.001 coins."""
    n = ts_ms // step_ms
    base = Decimal(_tell(symbol) * 1000 + n % 997) / 10
    volume = Decimal(n % 89 * 7 % 64) / 1000
    return Bar(ts_ms, base, base + Decimal("1.5"), base - Decimal("0.5"), base + Decimal(n % 2), volume)


def make_held(symbol: str, ts_ms: int) -> Held:
    n = ts_ms // FIVE_MS
    return Held(ts_ms, Decimal(_tell(symbol) * 100 + n % 83) / 1000, Decimal(900_000 + n % 71))


def _tell(symbol: str) -> int:
    """A number that tells symbols apart."""
    return sum(map(ord, symbol)) % 89 + 1


def steps(first_ms: int, last_ms: int, step_ms: int) -> list[int]:
    """Every multiple of a step from first to last, both inside."""
    return list(range(-(-first_ms // step_ms) * step_ms, last_ms + 1, step_ms))


class MarketServer(Loopback):
    """What all have in common: the symbols they list, their clock, and a door that can be shut."""

    def __init__(self, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"), blocked: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.symbols = symbols
        self.blocked = blocked

    @property
    def now_ms(self) -> int:
        return now_us() // 1000

    def answer(self, asked: Asked) -> Reply:
        if self.blocked:
            return json_reply(RESTRICTED, self.blocked)
        return self.serve(asked.path, asked.params)

    def serve(self, path: str, params: dict[str, str]) -> Reply:
        raise NotImplementedError


class BinanceMarket(MarketServer):
    """Oldest first, both bounds inside, 1500 and 500 rows, snapshots of 30 days; the last candle is still open."""

    PACE = (240, 60.0)  # of 2400 a minute, ten each
    BUSY = json_reply({"code": -1003, "msg": "Too many requests"}, 429)
    BUSY_200 = NO_200 = json_reply({"code": -1003, "msg": "Too many requests"})

    def serve(self, path: str, params: dict[str, str]) -> Reply:
        if params["symbol"] not in self.symbols:
            return json_reply({"code": -1121, "msg": "Invalid symbol."}, 400)
        first, last, limit = int(params["startTime"]), int(params["endTime"]), int(params.get("limit", "500"))
        if first > last:
            return json_reply({"code": -1128, "msg": "Combination of optional parameters invalid."}, 400)
        if path == "/fapi/v1/klines" and 1 <= limit <= 1500:
            step = {"1m": MINUTE_MS, "1h": 60 * MINUTE_MS}.get(params["interval"], 0)
            if not step:
                return json_reply({"code": -1120, "msg": "Invalid interval."}, 400)
            times = steps(first, min(last, self.now_ms), step)[:limit]
            return json_reply([self._row(make_bar(params["symbol"], ts, step), step) for ts in times])
        if path == "/futures/data/openInterestHist" and 1 <= limit <= 500 and params["period"] == "5m":
            if first < self.now_ms - 30 * DAY_MS:
                return json_reply({"code": -1130, "msg": "parameter 'startTime' is invalid."}, 400)
            held = [make_held(params["symbol"], ts) for ts in steps(first, min(last, self.now_ms), FIVE_MS)[:limit]]
            return json_reply(
                [
                    {
                        "symbol": params["symbol"],
                        "sumOpenInterest": str(h.coins),
                        "sumOpenInterestValue": str(h.usd),
                        "timestamp": h.ts_ms,
                    }
                    for h in held
                ]
            )
        return json_reply({"code": -1130, "msg": "Data sent for parameter is not valid."}, 400)

    @staticmethod
    def _row(bar: Bar, step_ms: int) -> list[Any]:
        prices = [str(price) for price in bar[1:5]]
        return [bar.ts_ms, *prices, str(bar.volume), bar.ts_ms + step_ms - 1, "1", 9, str(bar.volume / 4), "0.5", "0"]


class BybitMarket(MarketServer):
    """Newest first, both bounds inside, the newest ``limit``; errors inside a 200; open interest of both sides."""

    PACE = (600, 5.0)
    BUSY = json_reply({"retCode": 10006, "retMsg": "Too many visits!", "result": {}}, 429)
    BUSY_200 = json_reply({"retCode": 10006, "retMsg": "Too many visits!", "result": {}})
    NO_200 = json_reply({"retCode": 10001, "retMsg": "params error: start is invalid", "result": {}})

    def serve(self, path: str, params: dict[str, str]) -> Reply:
        if params["symbol"] not in self.symbols or params["category"] != "linear":
            return self._reply(10001, "params error: Symbol Is Invalid", {})
        if path == "/v5/market/kline":
            limit = int(params.get("limit", "200"))
            if not 1 <= limit <= 1000 or params["interval"] != "1":
                return self._reply(10001, "params error: limit or interval is invalid", {})
            times = steps(int(params["start"]), min(int(params["end"]), self.now_ms), MINUTE_MS)[::-1][:limit]
            bars = [make_bar(params["symbol"], ts) for ts in times]
            rows = [[str(b.ts_ms), *(str(p) for p in b[1:5]), str(b.volume), "1"] for b in bars]
            return self._reply(0, "OK", {"list": rows})
        limit = int(params.get("limit", "50"))
        if path != "/v5/market/open-interest" or not 1 <= limit <= 200 or params["intervalTime"] != "5min":
            return self._reply(10001, "params error: limit or intervalTime is invalid", {})
        times = steps(int(params["startTime"]), min(int(params["endTime"]), self.now_ms), FIVE_MS)[::-1]
        held = [make_held(params["symbol"], ts) for ts in times[:limit]]
        rows = [
            {"openInterest": str(2 * h.coins), "singleOpenInterest": str(h.coins), "timestamp": str(h.ts_ms)}
            for h in held
        ]
        cursor = "lastid%3D1%26lasttime%3D1" if len(times) > limit else ""
        return self._reply(0, "OK", {"list": rows, "nextPageCursor": cursor})

    @staticmethod
    def _reply(code: int, said: str, result: dict[str, Any]) -> Reply:
        return json_reply({"retCode": code, "retMsg": said, "result": result, "retExtInfo": {}, "time": 1})


OKX_INTEREST = "/api/v5/rubik/stat/contracts/open-interest-history"


class OkxMarket(MarketServer):
    """Newest first, 100 rows, after/before and begin/end strict, the latest 1440 snapshots; errors inside a 200."""

    PACE = (10, 2.0)
    BUSY = json_reply({"code": "50011", "msg": "Too Many Requests", "data": []}, 429)
    BUSY_200 = json_reply({"code": "50011", "msg": "Too Many Requests", "data": []})
    NO_200 = json_reply({"code": "51000", "msg": "Parameter bar error", "data": []})

    def serve(self, path: str, params: dict[str, str]) -> Reply:
        symbol = params["instId"].removesuffix("-SWAP").replace("-", "")
        if symbol not in self.symbols:
            return json_reply({"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []})
        limit = int(params.get("limit", "100"))
        steps_of = {"/api/v5/market/history-candles": "bar", OKX_INTEREST: "period"}
        if path not in steps_of or not 1 <= limit <= 100 or params[steps_of[path]] not in ("1m", "5m"):
            return json_reply({"code": "51000", "msg": f"Parameter {steps_of.get(path)} error", "data": []})
        if path == "/api/v5/market/history-candles":
            last = min(int(params.get("after", "9" * 15)) - 1, self.now_ms)
            times = steps(last - 200 * MINUTE_MS, last, MINUTE_MS)[::-1][:limit]
            times = [ts for ts in times if ts > int(params.get("before", "0"))]
            bars = [make_bar(symbol, ts) for ts in times]
            rows = [
                [str(b.ts_ms), *(str(p) for p in b[1:5]), str(b.volume * 100), str(b.volume), "1", self._done(b)]
                for b in bars
            ]
            return json_reply({"code": "0", "msg": "", "data": rows})
        last = min(int(params.get("end", "9" * 15)) - 1, self.now_ms)
        first = max(int(params.get("begin", "0")) + 1, self.now_ms - 1440 * FIVE_MS)
        held = [make_held(symbol, ts) for ts in steps(first, last, FIVE_MS)[::-1][:limit]]
        return json_reply(
            {"code": "0", "msg": "", "data": [[str(h.ts_ms), "777", str(h.coins), str(h.usd)] for h in held]}
        )

    def _done(self, bar: Bar) -> str:
        return "0" if bar.ts_ms + MINUTE_MS > self.now_ms else "1"


class GateMarket(MarketServer):
    """Seconds, oldest first, both bounds inside, 2000 points of the last 10,000, contracts of 0.001 coins."""

    PACE = (200, 10.0)
    BUSY = json_reply({"label": "TOO_MANY_REQUESTS", "message": "Request Rate limit Exceeded (107)"}, 429)
    BUSY_200 = json_reply({"label": "TOO_FAST", "message": "too many requests"})
    NO_200 = json_reply({"label": "SERVER_ERROR", "message": "cannot be served"})

    def serve(self, path: str, params: dict[str, str]) -> Reply:
        if match := re.fullmatch(r"/api/v4/futures/usdt/contracts/(\w+)_(\w+)", path):
            if match[1] + match[2] not in self.symbols:
                return self._refuse("CONTRACT_NOT_FOUND", "no such contract")
            return json_reply({"name": f"{match[1]}_{match[2]}", "type": "direct", "quanto_multiplier": "0.001"})
        symbol = params["contract"].replace("_", "")
        if symbol not in self.symbols:
            return self._refuse("CONTRACT_NOT_FOUND", "no such contract")
        first = int(params["from"]) * 1000
        if path == "/api/v4/futures/usdt/candlesticks":
            last = int(params["to"]) * 1000
            if "limit" in params or params["interval"] != "1m":
                return self._refuse("INVALID_PARAM_VALUE", "limit conflicts with from and to")
            if (last - first) // MINUTE_MS + 1 > 2000:
                return self._refuse("INVALID_PARAM_VALUE", "Too many points")
            if first < self.now_ms - 10_000 * MINUTE_MS:
                return self._refuse(
                    "INVALID_PARAM_VALUE", "Candlestick too long ago. Maximum 10000 points recently are allowed"
                )
            bars = [make_bar(symbol, ts) for ts in steps(first, min(last, self.now_ms), MINUTE_MS)]
            rows = [
                {"t": b.ts_ms // 1000, "v": int(b.volume * 1000), "sum": "1"}
                | {name: str(price) for name, price in zip("ohlc", b[1:5], strict=True)}
                for b in bars
            ]
            return json_reply(rows)
        if not path.endswith("/contract_stats") or params["interval"] != "5m" or not 1 <= int(params["limit"]) <= 100:
            return self._refuse("INVALID_PARAM_VALUE", "interval or limit")
        first = max(first, self.now_ms - 180 * DAY_MS)
        held = [make_held(symbol, ts) for ts in steps(first, self.now_ms, FIVE_MS)[: int(params["limit"])]]
        return json_reply(
            [
                {"time": h.ts_ms // 1000, "open_interest": int(h.coins * 1000), "open_interest_usd": float(h.usd)}
                for h in held
            ]
        )

    @staticmethod
    def _refuse(label: str, message: str) -> Reply:
        return json_reply({"label": label, "message": message}, 400)


class VisionMarket(MarketServer):
    """A zip a day or month with its CHECKSUM; days up to yesterday; metrics that say every time twice."""

    PACE = (20, 2.0)  # nothing is documented: what liqcli grants itself
    BUSY = Reply(503, b"<Error><Code>SlowDown</Code></Error>")
    BUSY_200 = NO_200 = Reply(200, b"<Error><Code>InternalError</Code></Error>")

    def kind_of(self, asked: Asked) -> str:
        return asked.path.rpartition(".")[2]

    def __init__(self, *args: Any, wrong_checksums: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wrong_checksums = wrong_checksums
        self.missing: set[str] = set()  # days without a file

    def serve(self, path: str, _params: dict[str, str]) -> Reply:
        match = re.fullmatch(
            r"/data/futures/um/(daily|monthly)/(klines|metrics)/(\w+)/(?:1m/)?(\w+)-(1m|metrics)-(\d{4}-\d\d)(-\d\d)?\.zip(\.CHECKSUM)?",
            path,
        )
        if not match or match[3] != match[4] or match[3] not in self.symbols or bool(match[7]) != (match[1] == "daily"):
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        start = datetime.strptime(match[6] + (match[7] or "-01"), "%Y-%m-%d").replace(tzinfo=UTC)
        end = start.timestamp() + 86_400
        if match[1] == "monthly":
            end = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC).timestamp()
        first, last = int(start.timestamp()) * 1000, int(end) * 1000
        if last > self.now_ms // DAY_MS * DAY_MS or match[6] + (match[7] or "") in self.missing:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        body = self._klines(match[3], first, last) if match[2] == "klines" else self._metrics(match[3], first, last)
        if not match[8]:
            return Reply(200, body, {"Content-Type": "application/zip"})
        digest = hashlib.sha256(body).hexdigest()
        if self.wrong_checksums:
            self.wrong_checksums -= 1
            digest = "0" * 64
        return Reply(200, f"{digest}  {path.rsplit('/', 1)[1].removesuffix('.CHECKSUM')}\n".encode())

    @staticmethod
    def _klines(symbol: str, first: int, last: int) -> bytes:
        rows = [BinanceMarket._row(make_bar(symbol, ts), MINUTE_MS) for ts in steps(first, last - 1, MINUTE_MS)]
        header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,x,ignore"
        return _zip("\n".join([header, *(",".join(map(str, row)) for row in rows)]))

    @staticmethod
    def _metrics(symbol: str, first: int, last: int) -> bytes:
        lines = ["create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio"]
        for ts in steps(first, last - 1, FIVE_MS):
            held = make_held(symbol, ts)
            text = f"{datetime.fromtimestamp(ts // 1000, tz=UTC):%Y-%m-%d %H:%M:%S}"
            lines += [f"{text},{symbol},{held.coins},{held.usd},1.1"] * 2
        return _zip("\n".join(lines))


def _zip(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("data.csv"), text)
    return buffer.getvalue()
