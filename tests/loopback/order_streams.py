"""Test servers of streams that carry liquidations by themselves: Bitget, Bitfinex, Backpack."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loopback.streams import Refusal, Session, StreamServer
from loopback.truth import Event

KINDS = {"usdt-futures": "USDT", "usdc-futures": "PERP", "coin-futures": "USD"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class BitgetStream(StreamServer):
    """
    ``{"instType", "topic"}`` without a symbol is every contract of a kind; a v2 channel name is refused with 30001. A
    connection that says nothing for ``idle_s`` (two minutes at Bitget) is closed; ``ping`` is answered with ``pong``.
    """

    def __init__(self, truth: Mapping[str, Sequence[Event]], size: str, idle_s: float = 120.0, **more: Any) -> None:
        super().__init__(truth, **more)
        self.size, self.idle_s = size, idle_s

    def hear(self, session: Session, data: str | bytes) -> None:
        if data == "ping":
            session.connection.send("pong")
            return
        asked = json.loads(data)
        for arg in asked.get("args", ()):
            if session.path != "/v3/ws/public" or arg.get("topic") != "liquidation" or "channel" in arg:
                said = f"instType:{arg.get('instType')} doesn't exist"
                raise Refusal({"event": "error", "arg": arg, "code": "30001", "msg": said})
            self.send(session, {"event": "subscribe", "arg": arg})
            ending = KINDS[arg["instType"]]
            for name in self.truth:
                if name.endswith(ending):
                    session.notes[name] = arg
                    self.subscribe(session, name)

    def tick(self, session: Session) -> None:
        if time.monotonic() - session.heard_s > self.idle_s:
            self.complaints.append("idle")
            session.connection.close(4000, "no ping")

    def frame(self, name: str, events: Sequence[Event]) -> object:
        kind = next(kind for kind, ending in KINDS.items() if name.endswith(ending))
        arg = {"instType": kind, "topic": "liquidation"}
        return {"action": "update", "arg": arg, "data": [self._row(name, e) for e in events], "ts": now_ms()}

    def _row(self, name: str, event: Event) -> dict[str, str]:
        """Side is that of the position; the amount is money."""
        coins = event.contracts * float(self.size)
        side = "buy" if event.position == "long" else "sell"
        amount = f"{coins * float(event.price):.12g}"
        return {"symbol": name, "side": side, "price": str(event.price), "amount": amount, "ts": str(event.ts_ms)}


class BitfinexStream(StreamServer):
    """
    One channel of everything: triggers (entry price), matches, spot margin. A snapshot first; ``hb`` when calm; a
    channel has a number that data messages start with, and flags add sequence and time behind them.
    """

    REPLAY = 8

    def open(self, session: Session) -> None:
        self.send(session, {"event": "info", "version": 2, "serverId": "x", "platform": {"status": 1}})

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        if asked.get("event") == "conf":
            session.notes["timed"] = bool(asked["flags"] & 32768)
            self.send(session, {"event": "conf", "status": "OK", "flags": asked["flags"]})
            return
        if session.path != "/ws/2" or asked.get("channel") != "status" or asked.get("key") != "liq:global":
            raise Refusal({"event": "error", "msg": "subscribe: invalid", "code": 10300})
        self.send(session, {"event": "subscribed", "channel": "status", "chanId": 907, "key": "liq:global"})
        with self._lock:
            past = self.past[-self.REPLAY :]
        rows = [row for name, event in past for row in _bitfinex_rows(name, event)]
        self.send(session, [907, rows, now_ms()])
        session.keys.add("*")

    def tick(self, session: Session) -> None:
        if time.monotonic() - session.pinged_s > 0.2:
            session.pinged_s = time.monotonic()
            self.send(session, [907, "hb", now_ms()])

    def frame(self, name: str, events: Sequence[Event]) -> object:
        return [907, [row for event in events for row in _bitfinex_rows(name, event)], now_ms()]


def _bitfinex_rows(name: str, event: Event) -> Iterator[list[Any]]:
    """A trigger, then its match; some of spot margin. Contracts of a truth are a thousandth of a coin."""
    amount = event.contracts / 1000 * (1 if event.position == "long" else -1)
    entry = float(event.price) * 1.1
    yield ["pos", event.ts_ms % 10**9, event.ts_ms - 9, None, name, amount, entry, None, 0, 1, None, None]
    yield ["pos", event.ts_ms % 10**9, event.ts_ms, None, name, amount, entry, None, 1, 1, None, float(event.price)]
    if event.contracts == 7:
        yield ["pos", 1, event.ts_ms, None, "tBTCUSD", amount, entry, None, 1, 1, None, 1.0]


class BackpackStream(StreamServer):
    """A stream a market; the bare name and unknown markets are invalid. Microseconds; one event a message."""

    def __init__(self, truth: Mapping[str, Sequence[Event]], markets: Sequence[str], **more: Any) -> None:
        super().__init__(truth, **more)
        self.markets = markets

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        for stream in asked.get("params", ()):
            kind, _, name = stream.partition(".")
            if asked.get("method") != "SUBSCRIBE" or kind != "liquidation" or name not in self.markets:
                raise Refusal({"id": None, "error": {"code": 4005, "message": f"Invalid stream: {stream}"}})
            self.subscribe(session, name)

    def send(self, session: Session, message: object) -> None:
        for part in message if isinstance(message, list) else [message]:
            super().send(session, part)

    def frame(self, name: str, events: Sequence[Event]) -> object:
        return [self._message(name, event) for event in events]

    def _message(self, name: str, event: Event) -> dict[str, Any]:
        side = "Ask" if event.position == "long" else "Bid"
        fields = {"q": str(event.contracts / 100), "p": str(event.price), "S": side, "s": name}
        times = {"E": now_ms() * 1000, "T": event.ts_ms * 1000}
        return {"stream": f"liquidation.{name}", "data": {"e": "liquidation", **fields, **times}}

    def get(self, path: str, params: Mapping[str, str]) -> object:
        if path != "/api/v1/markets":
            return None
        return [{"symbol": n, "marketType": "PERP" if n.endswith("PERP") else "SPOT"} for n in self.markets]


class ForceOrderStream(StreamServer):
    """
    Binance and Aster: one stream of all symbols, named in the path; the older path ``/ws/`` of Binance accepts
    connections and sends nothing. USD-M orders count coins, COIN-M ones (``BTCUSD_PERP``) contracts of 100 USD; the
    limit price lies beyond the average one; orders that were not filled come too.
    """

    PATHS = ("/market/stream?streams=!forceOrder@arr", "/ws/!forceOrder@arr")  # Binance, Aster

    def __init__(self, truth: Mapping[str, Sequence[Event]], path: str, **more: Any) -> None:
        super().__init__(truth, **more)
        self.path = path

    def open(self, session: Session) -> None:
        if session.path == self.path:
            session.keys.add("*")

    def hear(self, session: Session, data: str | bytes) -> None:
        self.complaints.append(f"unasked: {data!r}")

    def send(self, session: Session, message: object) -> None:
        for part in message if isinstance(message, list) else [message]:
            super().send(session, part)

    def frame(self, name: str, events: Sequence[Event]) -> object:
        orders = [self._order(name, event) for event in events]
        frames = [{"e": "forceOrder", "E": now_ms(), "o": order} for order in orders]
        if self.path == self.PATHS[1]:
            return frames
        return [{"stream": "!forceOrder@arr", "data": data} for data in frames]

    def _order(self, name: str, event: Event) -> dict[str, Any]:
        coin = name.endswith("_PERP")
        size = str(event.contracts if coin else event.contracts / 1000)
        long = event.position == "long"
        order = {"s": name, "S": "SELL" if long else "BUY", "o": "LIMIT", "f": "IOC", "q": size, "z": size, "l": size}
        order |= {"ap": str(event.price), "p": str(float(event.price) * (0.996 if long else 1.004))}
        return {**order, "X": "FILLED", "T": event.ts_ms, "ps": name, "st": 2 if coin else 1}


class BybitStream(StreamServer):
    """
    ``allLiquidation.{instrument}`` on a path for linear and one for inverse contracts; an unknown topic is refused by
    name; the side is that of the position; several events a message; ``{"op": "ping"}`` is answered.
    """

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        if asked.get("op") == "ping":
            self.send(session, {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "", "op": "ping"})
            return
        inverse = session.path == "/v5/public/inverse"
        answer = {"success": True, "ret_msg": "", "conn_id": "x", "req_id": asked.get("req_id", ""), "op": "subscribe"}
        if len(data) > 21_000:
            raise Refusal({**answer, "success": False, "ret_msg": "args size > 21000"})
        for topic in asked.get("args", ()):
            kind, _, name = topic.partition(".")
            if kind != "allLiquidation" or name not in self.truth or name.endswith("USD") != inverse:
                said = f"error:handler not found,topic:{topic}"
                raise Refusal({**answer, "success": False, "ret_msg": said})
            session.keys.add(name)
        self.send(session, answer)

    def get(self, path: str, params: Mapping[str, str]) -> object:
        """List contracts in pages of two; one of them is no longer traded."""
        if path != "/v5/market/instruments-info":
            return None
        own = [name for name in self.truth if name.endswith("USD") == (params["category"] == "inverse")]
        rows = [{"symbol": name, "status": "Trading"} for name in own] + [{"symbol": "OLDUSDT", "status": "Closed"}]
        start = int(params.get("cursor", 0))
        cursor = str(start + 2) if start + 2 < len(rows) else ""
        result = {"category": params["category"], "list": rows[start : start + 2], "nextPageCursor": cursor}
        return {"retCode": 0, "retMsg": "OK", "result": result}

    def frame(self, name: str, events: Sequence[Event]) -> object:
        data = [
            {
                "T": event.ts_ms,
                "s": name,
                "S": "Buy" if event.position == "long" else "Sell",
                "v": str(event.contracts if name.endswith("USD") else event.contracts / 1000),
                "p": str(event.price),
            }
            for event in events
        ]
        return {"topic": f"allLiquidation.{name}", "type": "snapshot", "ts": now_ms(), "data": data}
