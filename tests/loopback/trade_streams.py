"""Test servers of streams of trades, where some are liquidations: Kraken, dYdX, Lighter, Extended."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from loopback.dydx import iso
from loopback.streams import Refusal, Session, StreamServer
from loopback.truth import Event

PER_CONTRACT = 1000  # a contract of a truth is a thousandth of a coin, or a thousand USD


def coins(event: Event) -> str:
    return str(event.contracts / PER_CONTRACT)


def taker_side(event: Event) -> str:
    return "sell" if event.position == "long" else "buy"


class KrakenStream(StreamServer):
    """
    ``trade`` for named products, ``trade_snapshot`` first; one unknown product and the whole subscription fails; no
    sign of life for ``idle_s`` (60 s at Kraken) closes. Forced trades are full or partial ones, among ordinary fills.
    """

    REPLAY = 6

    def __init__(self, truth: Mapping[str, Sequence[Event]], products: Sequence[str], **more: Any) -> None:
        super().__init__(truth, **more)
        self.products = products

    def open(self, session: Session) -> None:
        self.send(session, {"event": "info", "version": 1})

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        names = asked.get("product_ids", [])
        if session.path != "/ws/v1" or asked.get("feed") != "trade":
            raise Refusal({"event": "alert", "message": "Bad websocket message"})
        if not set(names) <= set(self.products):
            raise Refusal({"event": "error", "message": "Invalid product id"})
        self.send(session, {"event": "subscribed", "feed": "trade", "product_ids": names})
        for name in names:
            with self._lock:
                past = [event for held, event in self.past if held == name][-self.REPLAY :]
            trades = [trade for event in past[::-1] for trade in self._trades(name, event)]
            self.send(session, {"feed": "trade_snapshot", "product_id": name, "trades": trades})
            session.keys.add(name)

    def frame(self, name: str, events: Sequence[Event]) -> object:
        return [trade for event in events for trade in self._trades(name, event)]

    def send(self, session: Session, message: object) -> None:
        for part in message if isinstance(message, list) else [message]:  # a trade is a message
            super().send(session, part)

    def _trades(self, name: str, event: Event) -> list[dict[str, Any]]:
        size = event.contracts * PER_CONTRACT if name.startswith("PI") else float(coins(event))
        kind = "liquidation" if event.contracts == 1 else "partialLiquidation"
        trade = {"feed": "trade", "product_id": name, "side": taker_side(event), "seq": event.ts_ms % 10**6}
        trade |= {"time": event.ts_ms, "qty": size, "price": float(event.price)}
        uid = f"{name}-{event.ts_ms}"
        return [{**trade, "uid": uid, "type": kind}, {**trade, "uid": f"{uid}-f", "type": "fill"}]

    def get(self, path: str, params: Mapping[str, str]) -> object:
        if path != "/derivatives/api/v3/instruments":
            return None
        return {"result": "success", "instruments": [{"symbol": name.lower()} for name in self.products]}


class DydxStream(StreamServer):
    """A subscription a market, up to 32 a connection; ``subscribed`` holds the last trades; then batches or singles."""

    REPLAY = 6

    def __init__(self, truth: Mapping[str, Sequence[Event]], markets: Sequence[str], **more: Any) -> None:
        super().__init__(truth, **more)
        self.markets = markets

    def open(self, session: Session) -> None:
        self.send(session, {"type": "connected", "connection_id": "c", "message_id": 0})

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        name, channel = asked.get("id"), asked.get("channel")
        if session.path != "/v4/ws" or channel != "v4_trades" or name not in self.markets:
            said = f"Invalid subscription id for channel: ({channel}-{name})"
            raise Refusal({"type": "error", "message": said, "connection_id": "c", "channel": channel, "id": name})
        session.notes["count"] = session.notes.get("count", 0) + 1
        if session.notes["count"] > 32:
            raise Refusal({"type": "error", "message": "Per-connection subscription limit reached"})
        with self._lock:
            past = [event for held, event in self.past if held == name][-self.REPLAY :]
        contents = {"trades": [trade for event in past[::-1] for trade in self._trades(name, event)]}
        self.send(session, {"type": "subscribed", "channel": channel, "id": name, "contents": contents})
        session.keys.add(name)

    def frame(self, name: str, events: Sequence[Event]) -> object:
        message = {"type": "channel_data", "id": name, "channel": "v4_trades", "version": "2.1.0"}
        parts = [{"trades": self._trades(name, event)} for event in events]
        if len(parts) == 1:
            return {**message, "contents": parts[0]}
        return {**message, "type": "channel_batch_data", "contents": parts}

    def _trades(self, name: str, event: Event) -> list[dict[str, Any]]:
        trade = {"size": coins(event), "price": str(event.price), "side": taker_side(event).upper()}
        trade["createdAt"] = iso(event.ts_ms)
        uid = f"{name}-{event.ts_ms}"
        kinds = {f"{uid}-l": "LIMIT", f"{uid}-d": "DELEVERAGED", uid: "LIQUIDATED"}
        return [{**trade, "id": key, "type": kind} for key, kind in kinds.items()]

    def get(self, path: str, params: Mapping[str, str]) -> object:
        if path != "/v4/perpetualMarkets":
            return None
        return {"markets": {name: {"ticker": name, "status": "ACTIVE"} for name in self.markets}}


class LighterStream(StreamServer):
    """
    ``trade/{number}``, at most 100 a connection; the first message holds the last trades; ``liquidation_trades`` may be
    null. A ping every ``ping_s``; two without an answer end the connection.
    """

    REPLAY = 6

    def __init__(
        self, truth: Mapping[str, Sequence[Event]], numbers: Mapping[str, int], ping_s: float = 30.0, **more: Any
    ) -> None:
        super().__init__(truth, **more)
        self.numbers, self.ping_s = numbers, ping_s
        self.pongs = 0

    def open(self, session: Session) -> None:
        self.send(session, {"session_id": "s", "type": "connected"})

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        if asked.get("type") == "pong":
            session.pings, self.pongs = 0, self.pongs + 1
            return
        kind, _, number = str(asked.get("channel")).partition("/")
        names = [name for name, own in self.numbers.items() if str(own) == number]
        if session.path != "/stream" or asked.get("type") != "subscribe" or kind != "trade" or not names:
            raise Refusal({"error": {"code": 30005, "message": "Invalid Channel"}})
        session.notes["count"] = session.notes.get("count", 0) + 1
        if session.notes["count"] > 100:
            raise Refusal({"error": {"code": 30010, "message": "Too Many Subscriptions"}})
        (name,) = names
        with self._lock:
            past = [event for held, event in self.past if held == name][-self.REPLAY :]
        forced = [self._trade(name, event) for event in past[::-1]]
        history = {"trades": [self._ordinary(name)], "liquidation_trades": forced or None}
        self.send(session, {"channel": f"trade:{number}", "type": "subscribed/trade", **history})
        session.keys.add(name)

    def tick(self, session: Session) -> None:
        if time.monotonic() - session.pinged_s < self.ping_s:
            return
        if session.pings >= 2:
            self.complaints.append("no pong")
            session.connection.close(1000, "no pong")
            return
        session.pinged_s = time.monotonic()
        session.pings += 1
        self.send(session, {"type": "ping"})

    def frame(self, name: str, events: Sequence[Event]) -> object:
        forced = [self._trade(name, event) for event in events]
        others = {} if len(events) == 1 else {"trades": [self._ordinary(name)]}
        forced.append({**forced[0], "type": "deleverage", "trade_id": 1})
        return {
            "channel": f"trade:{self.numbers[name]}",
            "type": "update/trade",
            **others,
            "liquidation_trades": forced,
        }

    def _trade(self, name: str, event: Event) -> dict[str, Any]:
        """The maker of a short's liquidation sells: its ask."""
        short = event.position == "short"
        return {
            "trade_id": event.ts_ms * 1000 + event.contracts,
            "type": "liquidation",
            "market_id": self.numbers[name],
            "size": coins(event),
            "price": str(event.price),
            "usd_amount": f"{float(coins(event)) * float(event.price):.6f}",
            "is_maker_ask": short,
            "timestamp": event.ts_ms,
            "taker_position_size_before": f"-{coins(event)}" if short else coins(event),
        }

    def _ordinary(self, name: str) -> dict[str, Any]:
        return {"trade_id": 5, "type": "trade", "market_id": self.numbers[name], "size": "1", "price": "1"}

    def get(self, path: str, params: Mapping[str, str]) -> object:
        if path != "/api/v1/orderBooks":
            return None
        books = [{"symbol": name, "market_id": number, "status": "active"} for name, number in self.numbers.items()]
        return {"code": 200, "order_books": [*books, {"symbol": "ETH/USDC", "market_id": 2048, "status": "active"}]}


class ExtendedStream(StreamServer):
    """The path is the subscription: a market or, without one, all. ``seq`` 1 holds the last 50 trades."""

    PATH = "/stream.extended.exchange/v1/publicTrades"
    REPLAY = 50

    def open(self, session: Session) -> None:
        if not session.path.startswith(self.PATH):
            session.connection.close(1008, "not found")
            return
        if not session.connection.request or "User-Agent" not in session.connection.request.headers:
            self.complaints.append("no User-Agent")
        market = session.path.removeprefix(self.PATH).lstrip("/")
        with self._lock:
            past = [pair for pair in self.past if market in ("", pair[0])][-self.REPLAY :]
        trades = [trade for name, event in past for trade in self._trades(name, event)]
        session.notes["seq"] = 1
        self.send(session, {"ts": time.time_ns() // 10**6, "data": trades, "seq": 1})
        session.keys.add(market or "*")

    def hear(self, session: Session, data: str | bytes) -> None:
        self.complaints.append(f"unasked: {data!r}")

    def frame(self, name: str, events: Sequence[Event]) -> object:
        trades = [trade for event in events for trade in self._trades(name, event)]
        return {"ts": time.time_ns() // 10**6, "data": trades, "seq": events[0].ts_ms}

    def _trades(self, name: str, event: Event) -> list[dict[str, Any]]:
        trade = {"m": name, "S": taker_side(event).upper(), "T": event.ts_ms, "p": str(event.price), "q": coins(event)}
        kinds = ("TRADE", "DELEVERAGE", "LIQUIDATION")
        return [{**trade, "tT": kind, "i": event.ts_ms * 10 + n} for n, kind in enumerate(kinds)]
