"""HTX swaps, live: liquidation orders of all USDT-margined and of all coin-margined swaps.

exchange: htx
docs: https://www.htx.com/en-us/opend/newApiPages/ (Subscribe Liquidation Orders, no authentication), read 2026-11-29 in
    a copy of 2025-11-30; a frame of tardis-node's tests
gives: events while connected, from `public.*.liquidation_orders`: `*` is every contract (documented; accepted without
    a key on 2026-09-18, about 14 events per hour then, probed by others). For coin-margined swaps `*` is documented
    alike, and unproven
limits: one connection for USDT-margined and one for coin-margined swaps; every frame is gzip; the server sends
    {"op":"ping"} every 5 s and closes a connection that leaves five of them without {"op":"pong"}, with the same `ts`,
    a number (documented) or text (probed)
side: `direction` is the side of the order, `offset` always close: a sell closes a long (recorded)
price: `price`, the bankruptcy price (documented), so price_kind bankruptcy
qty: `amount` in base coins, `volume` in contracts (recorded: 227 contracts are 0.227 BTC, x 23350.5 = trade_turnover),
    so the row states its contract size; a coin-margined contract is 100 USD of BTC, 10 USD of others (documented)
time: `created_at`, milliseconds (recorded)
completeness: full: one order per row, no sampling stated (documented)
changed: no known changes
fixture: tests/sources/htx/test_htx_stream.py (recorded frames); no live connection was ever made
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation, parse_number
from liqcli.core.symbols import EVERY, split_symbol
from liqcli.sources.contracts import ListedContract
from liqcli.sources.htx.liquidations import parse_row
from liqcli.sources.stream_base import Channel, Frame, LiveSource, read_gzip, read_ms

TOPIC = "public.*.liquidation_orders"
_TOPIC_END = ".liquidation_orders"
_HELLO = json.dumps({"op": "sub", "cid": "liqcli", "topic": TOPIC, "business_type": "swap"})
_COIN_HELLO = json.dumps({"op": "sub", "cid": "liqcli", "topic": TOPIC})


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the connection of all USDT-margined swaps and that of all coin-margined ones, if wanted."""
    for path, hello, in_usd in (
        ("/linear-swap-notification", _HELLO, False),
        ("/swap-notification", _COIN_HELLO, True),
    ):
        own = tuple(s for s in symbols if s == EVERY or (split_symbol(s)[1] == "USD") == in_usd)
        if own:
            yield Channel(path, own, (hello,))


def read_frame(message: object) -> Frame:
    """Read events, a ping to answer, or the answer to the subscription of every contract."""
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {message!r}")
    kind, ts = message.get("op"), message.get("ts")
    if kind == "ping":
        if isinstance(ts, bool) or not isinstance(ts, int | str):
            raise ValueError(f"a ping without a time: {ts!r}")
        return Frame(reply=json.dumps({"op": "pong", "ts": ts}))
    if kind == "sub":
        code = message.get("err-code")
        if code in (0, "0"):
            return Frame(confirmed=(EVERY,))
        return Frame(refused={EVERY: f"refused: {code} {message.get('err-msg', 'no reason given')}"})
    if kind != "notify" or not str(message.get("topic", "")).endswith(_TOPIC_END):
        return Frame()
    events = message.get("data")
    rows: list[Any] = events if isinstance(events, list) else [events]
    return Frame(orders=tuple(rows), sent_us=read_ms(ts))


def parse_event(event: Mapping[str, Any]) -> Liquidation:
    """
    Parse one event as a liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid, the order does not close a position, or the contract is neither linear nor
        inverse.
    """
    try:
        name, offset = event["contract_code"], event.get("offset", "close")
        amount, volume = parse_number(event["amount"]), parse_number(event["volume"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a field is missing or of the wrong type: {error}") from None
    if not isinstance(name, str):
        raise ValueError(f"contract_code is not text: {name!r}")
    if offset != "close":
        raise ValueError(f"the order does not close a position: offset {offset!r}")
    if amount <= 0 or volume <= 0:
        raise ValueError(f"amount and volume must be above zero: {amount!r}, {volume!r}")
    contract = read_contract("htx", name)
    inverse = require_kind(contract, "htx", name) == "inverse"
    size = contract.face if inverse else float(Decimal(repr(amount)) / Decimal(repr(volume)))
    market = ListedContract("htx", contract.symbol, name, size, inverse)
    return parse_row(event, market)._replace(source=SOURCE.name)


def name_symbol(name: str) -> str:
    """Return the symbol of a contract."""
    return read_contract("htx", name).symbol


SOURCE = LiveSource(
    name="htx-live",
    url="wss://api.hbdm.com",
    quotes=("USDT", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=parse_event,
    name_symbol=name_symbol,
    name_keys=("contract_code",),
    decode=read_gzip,
    confirms=True,
    market_wide=True,
    twins=True,
)
