"""
Test server of OKX's public websocket: one subscription a kind of contract, a replay first, the text ping.

Rules: ``instId`` instead of ``instType`` is refused with 60018, ``instFamily`` is ignored; a connection that says
nothing for ``idle_s`` (30 s at OKX) is closed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from loopback.streams import Refusal, Session, StreamServer
from loopback.truth import Event

KINDS = ("SWAP", "FUTURES", "MARGIN", "OPTION")


class OkxStream(StreamServer):
    """``sizes``: instrument -> (ctVal, ctMult, ctType)."""

    REPLAY = 5

    def __init__(
        self,
        truth: Mapping[str, Sequence[Event]],
        sizes: Mapping[str, Sequence[str]],
        idle_s: float = 30.0,
        **more: Any,
    ) -> None:
        super().__init__(truth, **more)
        self.sizes, self.idle_s = sizes, idle_s

    def hear(self, session: Session, data: str | bytes) -> None:
        if session.path != "/ws/v5/public":
            raise Refusal({"event": "error", "code": "60012", "msg": f"no such path: {session.path}"}, close=True)
        if data == "ping":
            session.connection.send("pong")
            return
        asked = json.loads(data)
        if asked.get("op") != "subscribe":
            raise Refusal({"event": "error", "code": "60012", "msg": f"Invalid request: {data!r}"})
        for arg in asked["args"]:
            if arg.get("channel") != "liquidation-orders" or arg.get("instType") not in KINDS:
                raise Refusal({"event": "error", "code": "60018", "msg": f"Wrong URL or channel: {arg}", "connId": "a"})
            self.send(session, {"event": "subscribe", "arg": arg, "connId": "a4d3ae55"})
            dated = arg["instType"] == "FUTURES"
            for name in self.truth:
                if name.endswith("-SWAP") != dated:
                    session.notes["kind"] = arg["instType"]
                    session.keys.add(name)
            with self._lock:
                past = [pair for pair in self.past if pair[0] in session.keys][-self.REPLAY :]
            if past:  # one message with several instruments
                self.send(session, self._message(arg["instType"], past))

    def tick(self, session: Session) -> None:
        if time.monotonic() - session.heard_s > self.idle_s:
            self.complaints.append("idle")
            session.connection.close(4004, "No data received in 30s.")

    def frame(self, name: str, events: Sequence[Event]) -> object:
        return self._message("SWAP" if name.endswith("-SWAP") else "FUTURES", [(name, event) for event in events])

    def get(self, path: str, params: Mapping[str, str]) -> object:
        if path != "/api/v5/public/instruments" or params.get("instType") not in KINDS:
            return None
        return {"code": "0", "msg": "", "data": [self._list(name, params["instType"]) for name in self._of(params)]}

    def _of(self, params: Mapping[str, str]) -> list[str]:
        return [name for name in self.sizes if name.endswith("-SWAP") == (params["instType"] == "SWAP")]

    def _list(self, name: str, kind: str) -> dict[str, str]:
        value, times, contract = self.sizes[name]
        return {"instId": name, "instType": kind, "ctVal": value, "ctMult": times, "ctType": contract, "state": "live"}

    def _message(self, kind: str, pairs: Sequence[tuple[str, Event]]) -> dict[str, Any]:
        found: dict[str, list[Event]] = {}
        for name, event in pairs:
            found.setdefault(name, []).append(event)
        data = [
            {
                "details": [_detail(event) for event in events],
                "instFamily": name.rsplit("-", 1)[0],
                "instId": name,
                "instType": kind,
                "uly": name.rsplit("-", 1)[0],
            }
            for name, events in found.items()
        ]
        return {"arg": {"channel": "liquidation-orders", "instType": kind}, "data": data}


def _detail(event: Event) -> dict[str, str]:
    """A long is closed by a sell; in one-way mode posSide says nothing."""
    return {
        "bkLoss": "0",
        "bkPx": str(event.price),
        "ccy": "",
        "posSide": "net" if event.contracts == 7 else event.position,
        "side": "sell" if event.position == "long" else "buy",
        "sz": str(event.contracts),
        "ts": str(event.ts_ms),
    }
