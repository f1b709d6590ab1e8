"""Bybit linear and inverse, live: every liquidation.

exchange: bybit
docs: https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation; read 2026-11-22
gives: events while connected, from `allLiquidation.{symbol}`; there is no history to fetch. `liqcli import` reads
    recorded messages (bybit-stream)
limits: one connection for linear and one for inverse contracts, one subscription per symbol, a ping every 20 s
side: `S` is the position's side: Buy = a long was liquidated
price: `p`, the bankruptcy price (price_kind bankruptcy)
qty: `v`; base coins on linear, USD on inverse contracts
time: `T` [ms UTC]
completeness: full; pushed every 500 ms, several events per message
changed: 2025-02 `allLiquidation` replaced `liquidation`, which sent one order per second
fixture: tests/sources/bybit/test_bybit_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.expiry import MONTH_CODES, expiry_date
from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation, Position, parse_number
from liqcli.core.symbols import expiry_of, split_symbol
from liqcli.sources.contracts import ListedContract
from liqcli.sources.rows import build_liquidation
from liqcli.sources.stream_base import Channel, Frame, LiveSource, read_ms

POSITION_OF_SIDE: dict[str, Position] = {"Buy": "long", "Sell": "short"}
TOPIC = "allLiquidation."


def name_instrument(symbol: str) -> str:
    """Return the instrument of a symbol: ``BTCUSDT``, ``BTCUSD``, ``BTCPERP`` (USDC), dated ``BTCUSDT-26DEC25``."""
    base, quote = split_symbol(symbol)
    day = expiry_date(expiry_of(symbol))
    if day is None:
        return f"{base}PERP" if quote == "USDC" else symbol
    if quote == "USD":
        return f"{base}USD{MONTH_CODES[day.month - 1]}{day:%y}"
    return f"{base}{'' if quote == 'USDC' else quote}-{day.day}{day:%b%y}".upper()


def name_symbol(instrument: str) -> str:
    """Return the symbol of an instrument."""
    return read_contract("bybit", instrument).symbol


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield one connection per kind of contract; symbols are subscribed one by one, so that a refusal affects one."""
    for path, is_inverse in (("/v5/public/linear", False), ("/v5/public/inverse", True)):
        own = tuple(symbol for symbol in symbols if (split_symbol(symbol)[1] == "USD") == is_inverse)
        if own:
            hello = tuple(
                json.dumps({"op": "subscribe", "req_id": symbol, "args": [TOPIC + name_instrument(symbol)]})
                for symbol in own
            )
            yield Channel(path, own, hello)


def read_frame(message: object) -> Frame:
    """Read events, or the answer to a subscription (``req_id`` is its symbol)."""
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {message!r}")
    if message.get("op") == "subscribe":
        symbol = str(message.get("req_id", ""))
        if message.get("success"):
            return Frame(confirmed=(symbol,))
        return Frame(refused={symbol: f"{symbol} refused: {message.get('ret_msg', 'no reason given')}"})
    if not str(message.get("topic", "")).startswith(TOPIC):
        return Frame()
    events = message.get("data")
    rows: list[Any] = events if isinstance(events, list) else [events]
    return Frame(orders=tuple(rows), sent_us=read_ms(message.get("ts")))


def parse_event(event: Mapping[str, Any]) -> Liquidation:
    """
    Parse one event as a liquidation.

    Raises
    ------
    ValueError
        The side is unknown, or a field is missing or invalid.
    """
    try:
        instrument, side, time = event["s"], str(event["S"]), event["T"]
        price, size = parse_number(event["p"]), parse_number(event["v"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"a field is missing or of the wrong type: {error}") from None
    if not isinstance(instrument, str):
        raise ValueError(f"symbol is not text: {instrument!r}")
    ts_us = read_ms(int(time) if isinstance(time, str) else time)
    if ts_us is None:
        raise ValueError(f"not a time in milliseconds: {str(time)[:60]!r}")
    position = POSITION_OF_SIDE.get(side)
    if position is None:
        raise ValueError(f"side is neither Buy nor Sell: {side[:60]!r}")
    contract = read_contract("bybit", instrument)
    inverse = require_kind(contract, "bybit", instrument) == "inverse"
    market = ListedContract("bybit", contract.symbol, instrument, 1.0, inverse)
    return build_liquidation(
        market,
        ts_us=ts_us,
        position=position,
        price=price,
        price_kind="bankruptcy",
        contracts=size,
        completeness="full",
        source="bybit",
    )


SOURCE = LiveSource(
    name="bybit",
    url="wss://stream.bybit.com",
    quotes=("USDT", "USDC", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=parse_event,
    name_symbol=name_symbol,
    confirms=True,
    ping=json.dumps({"op": "ping"}),
    twins=True,
)
