"""Backpack, live: the stream of liquidations.

exchange: backpack
docs: https://docs.backpack.exchange (Streams, Public, Liquidation), read 2026-11-29 in a copy of 2025-11-30
gives: events while connected, "for all liquidation types" (documented), from `liquidation.{market}`. The documentation
    names the stream `liquidation`, clients only accept it with a market, and on 2026-09-18 it was refused as an invalid
    stream (probed by others): whether it delivers is unproven
limits: one connection, one subscription per market; nothing confirms a subscription, so the coverage of a symbol starts
    with its first event on a connection
side: `S` is the side of the ORDER as in all its streams: Bid buys, which closes a short (unproven for this stream)
price: `p`; whether it is the fill is not stated, so price_kind order (unproven)
qty: `q` in coins (documented); priced in USDC
time: `T`, the engine's time, or else `E`; microseconds (documented)
completeness: full: no sampling stated (documented)
changed: 2024-01-16 times in microseconds
fixture: tests/sources/backpack/test_backpack_stream.py (documented frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import EARLIEST_US, Liquidation, Position, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import build_liquidation
from liqcli.sources.stream_base import (
    Channel,
    ContractList,
    Frame,
    LiveSource,
    require_name,
    require_object,
    split_channels,
)

TOPIC = "liquidation"
MOST_SYMBOLS = 100  # per connection; no limit is documented
_POSITION_OF_SIDE: dict[str, Position] = {"Bid": "short", "Ask": "long"}


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield connections, with one subscription per symbol, so that a refusal affects one."""
    yield from split_channels("/", symbols, MOST_SYMBOLS, _greet)


def _greet(symbol: str) -> tuple[str, ...]:
    return (json.dumps({"method": "SUBSCRIBE", "params": [f"{TOPIC}.{split_symbol(symbol)[0]}_USDC_PERP"]}),)


def read_frame(message: object) -> Frame:
    """
    Read an event, which also shows that its stream delivers.

    Raises
    ------
    ValueError
        Not an object, or a refusal, which does not say of which stream.
    """
    fields = require_object(message)
    if fields.get("error"):
        raise ValueError(f"refused: {fields['error']}")
    if str(fields.get("stream", "")).partition(".")[0] != TOPIC:
        return Frame()
    event = require_object(fields.get("data"))
    sent = event.get("E")
    name = event.get("s")
    return Frame(
        orders=(event,),
        confirmed=(name_symbol(name),) if isinstance(name, str) else (),
        sent_us=sent if isinstance(sent, int) and sent >= EARLIEST_US else None,
    )


def parse_event(event: Mapping[str, Any]) -> Liquidation:
    """
    Parse one event as a liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid, or the side is unknown.
    """
    name = require_name(event, "s")
    try:
        position = _POSITION_OF_SIDE.get(str(event["S"]))
        if position is None:
            raise ValueError(f"side is neither Bid nor Ask: {event['S']!r}")
        times = [int(parse_number(event[key])) for key in ("T", "E") if event.get(key) is not None]
        row = build_liquidation(
            ListedContract("backpack", name_symbol(name), name, 1.0),
            ts_us=next((ts for ts in times if ts >= EARLIEST_US), 0),
            position=position,
            price=parse_number(event["p"]),
            price_kind="order",
            contracts=parse_number(event["q"]),
            completeness="full",
            source=SOURCE.name,
        )
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None
    return row._replace(contracts=None, contract_size=None)


def name_symbol(name: str) -> str:
    """Return the symbol of a market: ``SOL_USDC_PERP`` -> ``SOLUSDC``."""
    return read_contract("backpack", name).symbol


def ask_contracts(symbols: Sequence[str]) -> Generator[Request, Any, dict[str, ListedContract]]:
    """Request all perpetual markets."""
    listed = yield Request("/api/v1/markets")
    if not isinstance(listed, list):
        raise RefusalError("the answer is not a list of markets")
    names = [str(raw["symbol"]) for raw in listed if str(raw["symbol"]).endswith("_USDC_PERP")]
    return {name: ListedContract("backpack", name_symbol(name), name, 1.0) for name in names}


SOURCE = LiveSource(
    name="backpack",
    url="wss://ws.backpack.exchange",
    quotes=("USDC",),
    channels=list_channels,
    read=read_frame,
    parse=parse_event,
    name_symbol=name_symbol,
    confirms=True,
    contract_list=ContractList(
        name="backpack",
        url="https://api.backpack.exchange",
        limits=(Limit(60, 60),),
        decode=decode_json,
        ask=ask_contracts,
    ),
    twins=True,
)
