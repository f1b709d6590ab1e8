"""Lighter, live: every trade, of which the liquidations are kept.

exchange: lighter
docs: channel trade/{market} of wss://mainnet.zklighter.elliot.ai/stream, read 2026-11-29 in copies (and a message of
    tardis-node's tests): https://apidocs.lighter.xyz/docs/websocket-reference
gives: fills while connected; `subscribed/trade` holds the last 50 trades (measured by others), whose liquidations are
    stored but are no coverage. There is no history to fetch without an account
limits: 100 subscriptions per connection, 100 connections, 200 messages per minute (documented; 217 subscriptions at
    once delivered on one connection on 2026-09-13, probed by others, so they are sent without a pause, but connections
    are opened as far apart as the limit demands, since it may count all of them); the server
    sends {"type":"ping"} and expects {"type":"pong"} (seen in clients). Market numbers come from /api/v1/orderBooks,
    requested once and kept
side: the taker is the liquidated one (documented by a data provider); `is_maker_ask` true = the taker bought = a short
    was liquidated. Where `taker_position_size_before` is stated and disagrees, the row is rejected. Recorded: true with
    -0.01664
price: `price`, the fill (recorded: 0.01664 x 75602.8 = usd_amount), so price_kind fill
qty: `size` in coins (recorded); priced in USDC
time: `timestamp`, milliseconds (recorded)
completeness: full: rows of `liquidation_trades`, or of `trades` with type liquidation (unproven whether they occur
    there); type deleverage is not a liquidation and is left out
changed: `liquidation_trades` may be missing, null, or hold the only trades of a message (seen by others)
fixture: tests/sources/lighter/test_lighter_stream.py (a recorded row); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import Liquidation, Position, parse_number
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import build_liquidation
from liqcli.sources.stream_base import (
    Channel,
    ContractList,
    Contracts,
    Frame,
    LiveSource,
    pick_rows,
    require_object,
    split_channels,
)

MOST_SYMBOLS = 90  # per connection; 100 subscriptions are allowed
_PONG = json.dumps({"type": "pong"})


def list_channels(symbols: Sequence[str], contracts: Contracts) -> Iterator[Channel]:
    """Yield connections, with one subscription per symbol, by the number of its market."""
    numbers = {contract.symbol: number for number, contract in contracts.items()}

    def greet(symbol: str) -> tuple[str, ...]:
        return (json.dumps({"type": "subscribe", "channel": f"trade/{numbers[symbol]}"}),)

    yield from split_channels("/stream", [s for s in symbols if s in numbers], MOST_SYMBOLS, greet)


def read_frame(message: object, contracts: Contracts) -> Frame:
    """
    Read the liquidations of a message, or a ping to answer; the first message of a market confirms it.

    Raises
    ------
    ValueError
        Not an object, or an error.
    """
    fields = require_object(message)
    kind = fields.get("type")
    if kind == "ping":
        return Frame(reply=_PONG)
    if kind == "error" or "error" in fields:
        raise ValueError(f"error: {fields.get('error') or fields.get('message')}")
    if kind not in ("subscribed/trade", "update/trade"):
        return Frame()
    number = str(fields.get("channel", "")).replace("/", ":").partition(":")[2]
    found = [*pick_rows(fields.get("liquidation_trades"), lambda trade: trade.get("type") != "deleverage")]
    found += [t for t in pick_rows(fields.get("trades"), lambda t: t.get("type") == "liquidation") if t not in found]
    orders = tuple({**trade, "market": number} for trade in found)
    if kind == "subscribed/trade":
        known = contracts.get(number)
        return Frame(orders=orders, confirmed=(known.symbol,) if known else (), replayed=True)
    return Frame(orders=orders, alive=True)


def parse_trade(trade: Mapping[str, Any], contracts: Contracts) -> Liquidation:
    """
    Parse one liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid, the market is unknown, or the sides disagree.
    """
    contract = contracts.get(str(trade.get("market")))
    if contract is None:
        raise ValueError(f"unknown market number {trade.get('market')!r}")
    try:
        return build_liquidation(
            contract,
            ts_us=int(parse_number(trade["timestamp"])) * 1000,
            position=_read_position(trade),
            price=parse_number(trade["price"]),
            price_kind="fill",
            contracts=parse_number(trade["size"]),
            completeness="full",
            source=SOURCE.name,
            event_id=str(trade["trade_id"]),
        )._replace(contracts=None, contract_size=None)
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None


def _read_position(trade: Mapping[str, Any]) -> Position:
    """Return the position of the taker, who was liquidated."""
    bought = trade["is_maker_ask"]
    if not isinstance(bought, bool):
        raise ValueError(f"is_maker_ask is neither true nor false: {bought!r}")
    stated = trade.get("taker_position_size_before")
    size = 0.0 if stated in (None, "") else parse_number(stated)
    if size and (size < 0) != bought:
        raise ValueError(f"side is unclear: is_maker_ask {bought}, taker_position_size_before {stated}")
    return "short" if bought else "long"


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all perpetual markets, by their number; spot markets have a slash in their name."""
    answer = yield Request("/api/v1/orderBooks")
    if not isinstance(answer, dict) or not isinstance(answer.get("order_books"), list):
        raise RefusalError("the answer is not a list of order books")
    found: dict[str, ListedContract] = {}
    for raw in answer["order_books"]:
        name = str(raw["symbol"])
        if name.isalnum() and not name.isdigit() and raw.get("market_type", "perp") == "perp":
            symbol = read_contract("lighter", name).symbol
            found[str(raw["market_id"])] = ListedContract("lighter", symbol, name, 1.0)
    return found


def bind(contracts: Contracts) -> LiveSource:
    """Return the source that knows the numbers of markets."""
    return replace(
        SOURCE,
        channels=partial(list_channels, contracts=contracts),
        read=partial(read_frame, contracts=contracts),
        parse=partial(parse_trade, contracts=contracts),
    )


SOURCE = LiveSource(
    name="lighter",
    url="wss://mainnet.zklighter.elliot.ai",
    quotes=("USDC",),
    messages_per_min=200,
    channels=partial(list_channels, contracts={}),
    read=partial(read_frame, contracts={}),
    parse=partial(parse_trade, contracts={}),
    confirms=True,
    contract_list=ContractList(
        name="lighter",
        url="https://mainnet.zklighter.elliot.ai",
        limits=(Limit(60, 60),),
        decode=decode_json,
        ask=ask_contracts,
    ),
    bind=bind,
    needs_list=True,
)
