"""The trades of dYdX v4, live, of which the liquidations are kept.

exchange: dydx
docs: channel v4_trades of wss://indexer.dydx.trade/v4/ws, https://docs.dydx.xyz/indexer-client/websockets, read
    2026-11-29 in the messages of tardis-node's tests
gives: fills while connected; `subscribed` holds the last trades, whose liquidations are stored but are no coverage
limits: up to 32 subscriptions per connection (from memory)
side: side of the TAKER, the order that closes the position: SELL = a long was liquidated (recorded 2024-08-04)
price: `price`, the fill (documented), so price_kind fill
qty: `size` in coins (documented); priced in USD
time: `createdAt`, ISO 8601 with milliseconds (recorded)
completeness: full: one row per fill of type LIQUIDATED, a repeated one has the same id; DELEVERAGED is not a
    liquidation and is left out (documented)
changed: the field `liquidation` was replaced by `type`; tools that test it see nothing
fixture: tests/sources/dydx/test_dydx_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import Liquidation
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, read_markets
from liqcli.sources.dydx.liquidations import KIND, decode, list_request, parse_market, parse_row
from liqcli.sources.stream_base import (
    Channel,
    ContractList,
    Frame,
    LiveSource,
    pick_rows,
    require_name,
    require_object,
    split_channels,
)

MOST_SYMBOLS = 32  # per connection
NAME = "v4_trades"


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield connections, with one subscription per symbol."""
    yield from split_channels("/v4/ws", symbols, MOST_SYMBOLS, _greet)


def _greet(symbol: str) -> tuple[str, ...]:
    market = f"{split_symbol(symbol)[0]}-USD"
    return (json.dumps({"type": "subscribe", "channel": NAME, "id": market}),)


def read_frame(message: object) -> Frame:
    """
    Read the liquidations among the trades of a message; its first one confirms the subscription.

    Raises
    ------
    ValueError
        Not an object, or an error that names no market.
    """
    fields = require_object(message)
    kind, market = fields.get("type"), fields.get("id")
    if kind == "error":
        said = str(fields.get("message", "no reason given"))
        if not isinstance(market, str):
            raise ValueError(f"error: {said}")
        return Frame(refused={name_symbol(market): f"{market} refused: {said}"})
    if fields.get("channel") != NAME or kind not in ("subscribed", "channel_data", "channel_batch_data"):
        return Frame()
    name = require_name(fields, "id")
    contents = fields.get("contents")
    parts = pick_rows(contents if isinstance(contents, list) else [contents], lambda _part: True)
    forced = tuple(
        {**trade, "ticker": name}
        for part in parts
        for trade in pick_rows(part.get("trades", [part]), lambda trade: str(trade.get("type")).upper() == KIND)
    )
    if kind == "subscribed":
        return Frame(orders=forced, confirmed=(name_symbol(name),), replayed=True)
    return Frame(orders=forced, alive=True)


def parse_trade(trade: Mapping[str, Any]) -> Liquidation:
    """
    Parse one liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid.
    """
    name = require_name(trade, "ticker")
    try:
        row = parse_row(trade, ListedContract("dydx", name_symbol(name), name, 1.0))
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None
    if row is None:
        raise ValueError(f"not a liquidation: {trade.get('type')!r}")
    return row._replace(source=SOURCE.name)


def name_symbol(name: str) -> str:
    """Return the symbol of a market."""
    return read_contract("dydx", name).symbol


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all markets."""
    answer = yield list_request()
    if answer is None:
        raise RefusalError("there is no list of markets")
    found = read_markets(list(answer["markets"].values()), parse_market)
    return {contract.instrument: contract for contract in found}


SOURCE = LiveSource(
    name="dydx-live",
    url="wss://indexer.dydx.trade",
    quotes=("USD",),
    channels=list_channels,
    read=read_frame,
    parse=parse_trade,
    name_symbol=name_symbol,
    name_keys=("ticker",),
    confirms=True,
    contract_list=ContractList(
        name="dydx", url="https://indexer.dydx.trade", limits=(Limit(50, 10),), decode=decode, ask=ask_contracts
    ),
)
