"""Kraken Futures, live: every trade, of which the liquidations are kept.

exchange: kraken
docs: feed trade of wss://futures.kraken.com/ws/v1, read 2026-11-29 (and a message of tardis-node's tests):
    https://docs.kraken.com/exchange/api-reference/futures-websocket/trade
gives: fills while connected; a subscription starts with `trade_snapshot`, the last trades, whose liquidations are
    stored but are no coverage. There is no feed of liquidations alone ("invalid feed", probed)
limits: up to 150 symbols per connection (liqcli's own limit); a ping at least every 60 s (documented); 100 connections
    (from memory). Contracts come from /derivatives/api/v3/instruments, requested once and kept
side: `side` is the taker's order: a sell closes a long (documented; recorded)
price: `price`, the fill (documented), so price_kind fill
qty: `qty`: PF_ and FF_ in coins, PI_ and FI_ in USD (documented)
time: `time`, milliseconds (recorded)
completeness: full: each fill of type liquidation or partialLiquidation (documented), in any spelling. In one scan 38 of
    39 forced trades were partial ones (probed by others)
changed: partialLiquidation came later; tools that know only `liquidation` miss most events
fixture: tests/sources/kraken/test_kraken_stream.py (a recorded frame, others by hand); no live connection was ever
    made
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation, parse_number
from liqcli.core.symbols import EVERY, expiry_of
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, Row, read_markets
from liqcli.sources.kraken.liquidations import decode
from liqcli.sources.kraken.scan import is_forced
from liqcli.sources.rows import build_liquidation, closed_position
from liqcli.sources.stream_base import (
    Channel,
    ContractList,
    Contracts,
    Frame,
    LiveSource,
    pick_rows,
    require_name,
    require_object,
)

MOST_SYMBOLS = 150  # per connection
MOST_ALONE = 40  # symbols that are subscribed one by one, so that a refusal affects one
MOST_TOGETHER = 25  # symbols of one message


def list_channels(symbols: Sequence[str], contracts: Contracts) -> Iterator[Channel]:
    """
    Yield connections, with one subscription per symbol: of PF_XBTUSD and PI_XBTUSD for BTCUSD.

    Many symbols are subscribed 25 at a time.
    """
    products: dict[str, list[str]] = {}
    for name, contract in contracts.items():
        products.setdefault(contract.symbol, []).append(name)
    known = [symbol for symbol in symbols if symbol in products]
    together = MOST_TOGETHER if len(known) > MOST_ALONE else 1
    for start in range(0, len(known), MOST_SYMBOLS):
        part = tuple(known[start : start + MOST_SYMBOLS])
        groups = [part[first : first + together] for first in range(0, len(part), together)]
        names = [[name for symbol in group for name in products[symbol]] for group in groups]
        hello = tuple(json.dumps({"event": "subscribe", "feed": "trade", "product_ids": ids}) for ids in names)
        yield Channel("/ws/v1", part, hello)


def read_frame(message: object) -> Frame:
    """
    Read the liquidation in a trade, those of a snapshot, or the answer to a subscription.

    Raises
    ------
    ValueError
        Not an object, or an error that names no product.
    """
    fields = require_object(message)
    event, feed = fields.get("event"), fields.get("feed")
    if event in ("subscribed", "subscribed_failed") and feed == "trade":
        symbols = tuple(dict.fromkeys(name_symbol(name) for name in fields.get("product_ids", ())))
        if event == "subscribed":
            return Frame(confirmed=symbols)
        return Frame(refused={s: f"{s} refused: {fields.get('message', 'no reason given')}" for s in symbols})
    if event in ("error", "alert"):
        raise ValueError(f"{event}: {fields.get('message')}")
    if feed == "trade_snapshot":
        found = pick_rows(fields.get("trades"), lambda trade: is_forced(trade.get("type")))
        return Frame(orders=tuple({"product_id": fields.get("product_id"), **t} for t in found), replayed=True)
    if feed != "trade":
        return Frame()
    return Frame(orders=(fields,)) if is_forced(fields.get("type")) else Frame(alive=True)


def parse_trade(trade: Mapping[str, Any], contracts: Contracts) -> Liquidation:
    """
    Parse a forced trade.

    Raises
    ------
    ValueError
        A field is missing or invalid, or the contract is neither linear nor inverse.
    """
    name = require_name(trade, "product_id").upper()
    contract = contracts.get(name) or parse_contract({"symbol": name})
    try:
        return build_liquidation(
            contract,
            ts_us=int(parse_number(trade["time"])) * 1000,
            position=closed_position(str(trade["side"])),
            price=parse_number(trade["price"]),
            price_kind="fill",
            contracts=parse_number(trade["qty"]),
            completeness="full",
            source=SOURCE.name,
            event_id=str(trade["uid"]),
        )
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None


def name_symbol(name: str) -> str:
    """Return the symbol of a product."""
    return read_contract("kraken", name).symbol


def parse_contract(raw: Row) -> ListedContract:
    """
    Parse a product, perpetual or dated.

    Raises
    ------
    ValueError
        It is not a future in USD.
    """
    name = str(raw["symbol"]).upper()
    contract = read_contract("kraken", name)
    kind = require_kind(contract, "kraken", name)
    return ListedContract("kraken", contract.symbol, name, 1.0, inverse=kind == "inverse")


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all products; dated ones are used if any of these is wanted."""
    listed = yield Request("/derivatives/api/v3/instruments")
    found = read_markets(listed["instruments"], parse_contract)
    dated = any(symbol == EVERY or expiry_of(symbol) for symbol in symbols)
    return {contract.instrument: contract for contract in found if dated or not expiry_of(contract.symbol)}


def bind(contracts: Contracts) -> LiveSource:
    """Return the source that knows the products of symbols."""
    channels = partial(list_channels, contracts=contracts)
    return replace(SOURCE, channels=channels, parse=partial(parse_trade, contracts=contracts))


SOURCE = LiveSource(
    name="kraken-live",
    url="wss://futures.kraken.com",
    quotes=("USD",),
    channels=partial(list_channels, contracts={}),
    read=read_frame,
    parse=partial(parse_trade, contracts={}),
    name_symbol=name_symbol,
    name_keys=("product_id",),
    confirms=True,
    contract_list=ContractList(
        name="kraken",
        url="https://futures.kraken.com",
        limits=(Limit(120, 60, even=True),),
        decode=decode,
        ask=ask_contracts,
    ),
    bind=bind,
    needs_list=True,
)
