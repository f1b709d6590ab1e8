"""OKX swaps and futures, live: liquidation orders of the whole market.

exchange: okx
docs: websocket channel liquidation-orders, https://www.okx.com/docs-v5/, read 2026-11-22; the mapper and the messages
    of tardis-node's tests, read 2026-11-29
gives: events while connected, of all swaps in one subscription, and of all dated futures in another if any are asked
    for (documented; instId is refused with 60018, instFamily is ignored, probed). The first message after subscribing
    is a replay of older orders (seen by others): it is stored, but is no coverage
limits: one connection per kind of contract; a text "ping" in any 30 s without messages (documented), sent every 10 to
    20 s; 3 new connections per second, 480 subscriptions per hour (from memory)
side: `side` is the order, a sell closes a long; `posSide` is the POSITION (recorded). Rows where they disagree are
    rejected; with posSide "net" the order decides
price: `bkPx`, the bankruptcy price (recorded), so price_kind bankruptcy
qty: `sz` in contracts, times ctVal x ctMult of /api/v5/public/instruments, requested once and kept: base coins when
    linear, USD when inverse (recorded: 8.55 x 0.01 = 0.0855 BTC)
time: `ts`, milliseconds as text (recorded); events may arrive minutes late (documented)
completeness: sampled, at most one order per contract and second, which "may not represent the total" (documented), so
    totals are minimums. Equal events are one event
changed: 2023 the channel replaced those of each instrument
fixture: tests/sources/okx/test_okx_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation
from liqcli.core.symbols import EVERY, expiry_of
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, Row, read_markets, read_size
from liqcli.sources.okx.liquidations import CHANNEL, LIMITS, decode, list_request, parse_row
from liqcli.sources.rows import multiply
from liqcli.sources.stream_base import (
    Channel,
    ContractList,
    Contracts,
    Frame,
    LiveSource,
    pick_rows,
    read_json_or_pong,
    require_name,
)

PATH = "/ws/v5/public"


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the connection of all swaps, and that of all dated futures if any of these is wanted."""
    for kind, is_dated in (("SWAP", False), ("FUTURES", True)):
        own = tuple(symbol for symbol in symbols if symbol == EVERY or bool(expiry_of(symbol)) == is_dated)
        if own:
            hello = json.dumps({"op": "subscribe", "args": [{"channel": CHANNEL, "instType": kind}]})
            yield Channel(PATH, own, (hello,))


def read_frame(message: object) -> Frame:
    """Read events, or the answer to the subscription, which is for all symbols of the connection."""
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {message!r}")
    event = message.get("event")
    if event == "subscribe":
        return Frame(confirmed=(EVERY,))
    if event == "error":
        return Frame(refused={EVERY: f"refused: {message.get('code', '')} {message.get('msg', 'no reason given')}"})
    argument = message.get("arg")
    if event is not None or not isinstance(argument, dict) or argument.get("channel") != CHANNEL:
        return Frame()
    entries = pick_rows(message.get("data"), lambda _entry: True)
    return Frame(
        orders=tuple(
            {**raw, "instId": entry.get("instId")}
            for entry in entries
            for raw in pick_rows(entry.get("details", [None]), lambda _raw: True)
        )
    )


def parse_order(order: Mapping[str, Any], contracts: Contracts) -> Liquidation:
    """
    Parse one order.

    Raises
    ------
    ValueError
        A number is missing, posSide and side disagree, or the contract size is unknown.
    """
    name = require_name(order, "instId")
    try:
        return parse_row(order, contracts.get(name) or _name_contract(name))._replace(source=SOURCE.name)
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None


def name_symbol(name: str) -> str:
    """Return the symbol of an instrument."""
    return read_contract("okx", name).symbol


def _name_contract(name: str) -> ListedContract:
    """Parse an instrument that was listed after the list was requested: only inverse ones have a known size."""
    contract = read_contract("okx", name)
    inverse = require_kind(contract, "okx", name) == "inverse"
    return ListedContract("okx", contract.symbol, name, contract.face, inverse)


def parse_contract(raw: Row) -> ListedContract:
    """
    Parse an instrument, perpetual or dated.

    Raises
    ------
    ValueError
        It is neither linear nor inverse in dollars.
    """
    name = str(raw["instId"])
    contract = read_contract("okx", name)
    kind = raw.get("ctType") or require_kind(contract, "okx", name)
    if not contract.in_dollars or kind not in ("linear", "inverse"):
        raise ValueError(f"{name}: not quoted in dollars")
    value, times = read_size(raw.get("ctVal")), read_size(raw.get("ctMult") or 1)
    size = multiply(value, times) if value and times else None
    return ListedContract("okx", contract.symbol, name, size, kind == "inverse")


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all swaps, and all dated futures if any of these is wanted."""
    found = read_markets((yield list_request()), parse_contract)
    if any(symbol == EVERY or expiry_of(symbol) for symbol in symbols):
        found += read_markets((yield list_request("FUTURES")), parse_contract)
    return {contract.instrument: contract for contract in found}


def bind(contracts: Contracts) -> LiveSource:
    """Return the source that knows the sizes of contracts."""
    return replace(SOURCE, parse=partial(parse_order, contracts=contracts))


SOURCE = LiveSource(
    name="okx-live",
    url="wss://ws.okx.com:8443",
    quotes=("USDT", "USDC", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=partial(parse_order, contracts={}),
    name_symbol=name_symbol,
    name_keys=("instId",),
    decode=read_json_or_pong,
    confirms=True,
    replays=True,
    market_wide=True,
    contract_list=ContractList(name="okx", url="https://www.okx.com", limits=LIMITS, decode=decode, ask=ask_contracts),
    bind=bind,
    needs_list=True,
    ping="ping",
    ping_s=10.0,
)
