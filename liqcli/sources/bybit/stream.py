"""Bybit linear and inverse, live: every liquidation.

exchange: bybit
docs: https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation; read 2026-11-22
gives: events while connected, from `allLiquidation.{symbol}`; there is no history to fetch. `liqcli import` reads
    recorded messages (bybit-stream)
limits: one connection for linear and one for inverse contracts, one subscription per symbol, a ping every 20 s. Of
    many symbols 200 share a connection and a message, which may have 21,000 characters (from memory); all of them are
    listed by /v5/market/instruments-info (documented), requested at the start and kept
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
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.expiry import MONTH_CODES, expiry_date
from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation, Position, parse_number
from liqcli.core.symbols import EVERY, expiry_of, split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.bybit.market import decode
from liqcli.sources.contracts import ListedContract
from liqcli.sources.rows import build_liquidation
from liqcli.sources.stream_base import Channel, ContractList, Frame, LiveSource, read_ms

POSITION_OF_SIDE: dict[str, Position] = {"Buy": "long", "Sell": "short"}
TOPIC = "allLiquidation."
MOST_ALONE = 40  # symbols that are subscribed one by one
MOST_TOGETHER = 200  # symbols of one message and one connection


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
    """
    Yield one connection per kind of contract; symbols are subscribed one by one, so that a refusal affects one.

    Many symbols are subscribed together, on a connection for every 200 of them.
    """
    for path, is_inverse in (("/v5/public/linear", False), ("/v5/public/inverse", True)):
        own = tuple(symbol for symbol in symbols if (split_symbol(symbol)[1] == "USD") == is_inverse)
        if len(own) > MOST_ALONE:
            for start in range(0, len(own), MOST_TOGETHER):
                part = own[start : start + MOST_TOGETHER]
                topics = [TOPIC + name_instrument(symbol) for symbol in part]
                yield Channel(path, part, (json.dumps({"op": "subscribe", "args": topics}),))
        elif own:
            hello = tuple(
                json.dumps({"op": "subscribe", "req_id": symbol, "args": [TOPIC + name_instrument(symbol)]})
                for symbol in own
            )
            yield Channel(path, own, hello)


def read_frame(message: object) -> Frame:
    """Read events, or the answer to a subscription: ``req_id`` is its symbol, none means all of the connection."""
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {message!r}")
    if message.get("op") == "subscribe":
        symbol = str(message.get("req_id", "")) or EVERY
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


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all linear and inverse contracts that trade, page by page."""
    found: dict[str, ListedContract] = {}
    for category in ("linear", "inverse"):
        cursor = ""
        while True:
            params = (("category", category), ("limit", "1000"), *((("cursor", cursor),) if cursor else ()))
            result = yield Request("/v5/market/instruments-info", params)
            if not isinstance(result, dict) or not isinstance(result.get("list"), list):
                raise RefusalError("the answer is not a list of contracts")
            for raw in result["list"]:
                name = str(raw.get("symbol"))
                if raw.get("status", "Trading") == "Trading" and (symbol := _try_symbol(name)):
                    found[name] = ListedContract("bybit", symbol, name, 1.0, category == "inverse")
            onward = str(result.get("nextPageCursor") or "")
            if not onward or onward == cursor:
                break
            cursor = onward
    return found


def _try_symbol(name: str) -> str | None:
    """Return the symbol of a contract whose instrument follows from it; None for others."""
    try:
        symbol = name_symbol(name)
        return symbol if name_instrument(symbol) == name else None
    except (ValueError, LookupError):
        return None


SOURCE = LiveSource(
    name="bybit",
    url="wss://stream.bybit.com",
    quotes=("USDT", "USDC", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=parse_event,
    name_symbol=name_symbol,
    confirms=True,
    contract_list=ContractList(
        name="bybit", url="https://api.bybit.com", limits=(Limit(600, 5),), decode=decode, ask=ask_contracts
    ),
    ping=json.dumps({"op": "ping"}),
    twins=True,
)
