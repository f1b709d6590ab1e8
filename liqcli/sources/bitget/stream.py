"""Bitget perpetuals, live: liquidations of the whole market, unified account (v3).

exchange: bitget
docs: topic liquidation of wss://ws.bitget.com/v3/ws/public, https://www.bitget.com/api-doc/uta/websocket/public/,
    read 2026-11-29 in the mapper and the messages of tardis-node's tests
gives: events while connected, of all contracts in USDT, in USDC and in coins (recorded 2026-04-28). Somebody who
    subscribed each contract by name on 2026-09-18 got confirmations and no event in 22 minutes (probed), so silence is
    not a proof of calm
limits: one connection per kind of contract; a text "ping" every 30 s, sent every 10 to 20 s; 240 messages per hour
    (from memory)
side: `side` is the POSITION: buy = a long was liquidated (proved by others on the cascade of 2026-10-07)
price: `price`, about the bankruptcy price (seen by others), so price_kind bankruptcy
qty: `amount` is in the QUOTE currency (recorded: 13.70319 / 0.1649 = 83.1 coins), as for the REST answer; the same for
    coin-margined contracts is unproven, and rows that allow another reading are rejected
time: `ts`, milliseconds as text (recorded); messages came 10 to 20 s after their events (recorded)
completeness: sampled, at most one order per contract and second, so totals are minimums. Equal events are one event
changed: v2 has no such topic
fixture: tests/sources/bitget/test_bitget_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation
from liqcli.core.symbols import EVERY, split_symbol
from liqcli.sources.bitget.liquidations import parse_row
from liqcli.sources.contracts import ListedContract
from liqcli.sources.stream_base import (
    Channel,
    Frame,
    LiveSource,
    read_json_or_pong,
    read_ms,
    require_name,
    require_object,
)

TOPIC = "liquidation"
KINDS = {"USDT": "usdt-futures", "USDC": "usdc-futures", "USD": "coin-futures"}


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield one connection per kind of contract, which delivers all of them."""
    for quote, kind in KINDS.items():
        own = tuple(symbol for symbol in symbols if symbol == EVERY or split_symbol(symbol)[1] == quote)
        if own:
            hello = json.dumps({"op": "subscribe", "args": [{"instType": kind, "topic": TOPIC}]})
            yield Channel("/v3/ws/public", own, (hello,))


def read_frame(message: object) -> Frame:
    """Read events, or the answer to the subscription of all contracts of a kind."""
    fields = require_object(message)
    event = fields.get("event")
    if event == "subscribe":
        return Frame(confirmed=(EVERY,))
    if event == "error":
        return Frame(refused={EVERY: f"refused: {fields.get('code', '')} {fields.get('msg', 'no reason given')}"})
    argument = fields.get("arg")
    if not isinstance(argument, dict) or argument.get("topic") != TOPIC:
        return Frame()
    events = fields.get("data")
    rows: list[Any] = events if isinstance(events, list) else [events]
    return Frame(orders=tuple(rows), sent_us=read_ms(fields.get("ts")), replayed=fields.get("action") == "snapshot")


def parse_event(event: Mapping[str, Any]) -> Liquidation:
    """
    Parse one event as a liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid, the side is unknown, or the unit of the amount is unclear.
    """
    name = require_name(event, "symbol")
    contract = read_contract("bitget", name)
    inverse = require_kind(contract, "bitget", name) == "inverse"
    try:
        row = parse_row(event, ListedContract("bitget", contract.symbol, name, None, inverse))
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None
    return row._replace(source=SOURCE.name)


def name_symbol(name: str) -> str:
    """Return the symbol of a contract."""
    return read_contract("bitget", name).symbol


SOURCE = LiveSource(
    name="bitget-live",
    url="wss://ws.bitget.com",
    quotes=tuple(KINDS),
    channels=list_channels,
    read=read_frame,
    parse=parse_event,
    name_symbol=name_symbol,
    decode=read_json_or_pong,
    confirms=True,
    market_wide=True,
    ping="ping",
    ping_s=10.0,
    late_s=30.0,
)
