"""
Test server of HTX's notification websockets: gzip frames, pings that must be answered, one wildcard topic.

Rules: a ping every ``ping_s`` (5 s at HTX) with a time as text, as was seen; after five without an answer it says
``close`` and ends the connection. A topic beside the wildcard is refused with 2014, an unknown one with 2011.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from loopback.streams import Refusal, Session, StreamServer
from loopback.truth import Event

PATHS = {"/linear-swap-notification": "-USDT", "/swap-notification": "-USD"}


class HtxStream(StreamServer):
    """``sizes``: contract -> coins, or USD of a coin-margined one."""

    def __init__(
        self, truth: Mapping[str, Sequence[Event]], sizes: Mapping[str, str], ping_s: float = 5.0, **more: Any
    ) -> None:
        super().__init__(truth, **more)
        self.sizes, self.ping_s = sizes, ping_s
        self.pongs = 0

    def encode(self, message: object) -> str | bytes:
        return gzip.compress(json.dumps(message).encode(), 1)

    def wrong_compression(self) -> str | bytes:
        return json.dumps({"op": "notify"})

    def hear(self, session: Session, data: str | bytes) -> None:
        asked = json.loads(data)
        if asked.get("op") == "pong":
            if asked.get("ts") not in session.notes:
                self.complaints.append(f"a pong for another ping: {asked}")
            session.pings, self.pongs = 0, self.pongs + 1
            return
        answer = {"op": "sub", "cid": asked.get("cid"), "topic": asked.get("topic"), "ts": _now_ms()}
        if asked.get("op") != "sub" or session.path not in PATHS:
            raise Refusal({**answer, "err-code": 2001, "err-msg": "Invalid operation"})
        topic = str(asked.get("topic"))
        name = topic.removeprefix("public.").removesuffix(".liquidation_orders")
        own = [code for code in self.sizes if code.endswith(PATHS[session.path])]
        if session.keys:
            raise Refusal({**answer, "err-code": 2014, "err-msg": "Repeated subscription"})
        if not topic.endswith(".liquidation_orders") or name not in ("*", *own):
            raise Refusal({**answer, "err-code": 2011, "err-msg": "Topic error"})
        self.send(session, {**answer, "err-code": 0})
        session.keys.update(own if name == "*" else [name])

    def tick(self, session: Session) -> None:
        if time.monotonic() - session.pinged_s < self.ping_s:
            return
        if session.pings >= 5:
            self.complaints.append("no pong")
            self.send(session, {"op": "close", "ts": _now_ms()})
            session.connection.close(1000, "Bye")
            return
        session.pinged_s = time.monotonic()
        session.pings += 1
        ts = str(_now_ms())
        session.notes[ts] = "sent"
        self.send(session, {"op": "ping", "ts": ts})

    def frame(self, name: str, events: Sequence[Event]) -> object:
        rows = [self._row(name, event) for event in events]
        return {"op": "notify", "topic": f"public.{name}.liquidation_orders", "ts": _now_ms(), "data": rows}

    def _row(self, name: str, event: Event) -> dict[str, Any]:
        usd = name.endswith("-USD")
        unit = float(self.sizes[name])
        coins = event.contracts * unit / float(event.price) if usd else event.contracts * unit
        return {
            "symbol": name.split("-")[0],
            "contract_code": name,
            "direction": "sell" if event.position == "long" else "buy",
            "offset": "close",
            "volume": event.contracts,
            "price": float(event.price),
            "created_at": event.ts_ms,
            "amount": float(f"{coins:.12g}"),
            **({} if usd else {"trade_turnover": float(f"{coins * float(event.price):.12g}")}),
        }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
