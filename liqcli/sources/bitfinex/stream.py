"""Bitfinex perpetuals, live: the executions of liquidations of all symbols.

exchange: bitfinex
docs: channel status, key liq:global of wss://api-pub.bitfinex.com/ws/2, read 2026-11-29 (and messages of tardis-node's
    tests): https://docs.bitfinex.com/reference/ws-public-status
gives: events while connected. The first message is a snapshot (seen by others): it is stored, but is no coverage. Only
    F0:USTF0 contracts, no spot margin (tBTCUSD)
limits: one connection; "hb" messages every 15 s (documented)
side: sign of AMOUNT [5] is the POSITION, above 0 = a long was liquidated (documented)
price: PRICE_ACQUIRED [11], the execution (documented), so price_kind fill; BASE_PRICE [6] is the entry price of the
    position, which other tools publish as the price
qty: |AMOUNT| in base coins (documented); 1 UST counts as 1 USD
time: MTS, milliseconds (recorded); the message's own time, if asked for with flag 32768, gives the clock's difference
completeness: full: rows with IS_MATCH [8] = 1, the executions; those with 0 are the trigger of the same position and
    would count it twice. event_id is POS_ID, which several rows can share
changed: nothing dated; a trigger row of 2020 carried a PRICE_ACQUIRED (recorded)
fixture: tests/sources/bitfinex/test_bitfinex_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import Liquidation
from liqcli.core.symbols import EVERY
from liqcli.sources.bitfinex.liquidations import name_fields, parse_row
from liqcli.sources.contracts import ListedContract
from liqcli.sources.stream_base import Channel, Frame, LiveSource, read_ms, require_name, require_object

KEY = "liq:global"
_ENDING = "F0:USTF0"
_HELLO = (
    json.dumps({"event": "conf", "flags": 32768}),  # adds the exchange's time to each message
    json.dumps({"event": "subscribe", "channel": "status", "key": KEY}),
)


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the single connection, which delivers all symbols."""
    yield Channel("/ws/2", tuple(symbols), _HELLO)


def read_frame(message: object) -> Frame:
    """Read the executions in a message, or the answer to the subscription."""
    if isinstance(message, list):
        rows = message[1] if len(message) > 1 else None
        found = [name_fields(row) for row in rows] if isinstance(rows, list) else []
        kept = tuple(row for row in found if "unreadable" in row or _is_execution(row))
        return Frame(orders=kept, sent_us=read_ms(message[-1]) if len(message) > 2 else None)
    fields = require_object(message)
    if fields.get("event") == "subscribed" and fields.get("key") == KEY:
        return Frame(confirmed=(EVERY,))
    if fields.get("event") == "error":
        return Frame(refused={EVERY: f"refused: {fields.get('code', '')} {fields.get('msg', 'no reason given')}"})
    return Frame()


def _is_execution(row: Mapping[str, Any]) -> bool:
    """Return whether a row is of a perpetual, and not the trigger whose executions follow."""
    return row["is_match"] != 0 and str(row["symbol"]).endswith(_ENDING)


def parse_execution(row: Mapping[str, Any]) -> Liquidation:
    """
    Parse one execution.

    Raises
    ------
    ValueError
        A number is missing, the side is unclear, or the row is not an execution.
    """
    name = require_name(row, "symbol")
    liquidation = parse_row(row, ListedContract("bitfinex", name_symbol(name), name, 1.0))
    if liquidation is None:
        raise ValueError("the trigger of a liquidation, not its execution")
    return liquidation._replace(source=SOURCE.name)


def name_symbol(name: str) -> str:
    """Return the symbol of a contract."""
    return read_contract("bitfinex", name).symbol


SOURCE = LiveSource(
    name="bitfinex-live",
    url="wss://api-pub.bitfinex.com",
    quotes=("USDT",),
    channels=list_channels,
    read=read_frame,
    parse=parse_execution,
    name_symbol=name_symbol,
    confirms=True,
    replays=True,
    market_wide=True,
    twins=True,
)
