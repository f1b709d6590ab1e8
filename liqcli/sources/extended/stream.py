"""Extended (Starknet), live: every trade, of which the liquidations are kept.

exchange: extended
docs: https://api.docs.extended.exchange (Trades stream), read 2026-11-29 in a copy
gives: fills while connected, of one market or, without a market in the path, of all (documented). `seq` 1 replays the
    last 50 trades, however old (seen by others): their liquidations are stored but are no coverage. The REST twin has
    50 rows
limits: one connection; the URL is the subscription and nothing confirms it, so coverage starts with the first trade;
    the server pings every 15 s (documented)
side: `S` is the TAKER's order: SELL closes a long (documented; that the taker is the liquidated one is unproven)
price: `p`, the fill (documented), so price_kind fill
qty: `q` in coins (documented); priced in USD
time: `T`, milliseconds (documented)
completeness: full: one row per fill of type `tT` LIQUIDATION (documented); DELEVERAGE is not a liquidation and is left
    out
changed: no known changes
fixture: tests/sources/extended/test_extended_stream.py (documented frames); no live connection was ever made
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import Liquidation, parse_number
from liqcli.core.symbols import EVERY, split_symbol
from liqcli.sources.contracts import ListedContract
from liqcli.sources.rows import build_liquidation, closed_position
from liqcli.sources.stream_base import Channel, Frame, LiveSource, pick_rows, read_ms, require_name, require_object

PATH = "/stream.extended.exchange/v1/publicTrades"


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the connection of all markets, or of the only wanted one."""
    one = f"/{split_symbol(symbols[0])[0]}-USD" if len(symbols) == 1 and symbols[0] != EVERY else ""
    yield Channel(PATH + one, tuple(symbols))


def read_frame(message: object) -> Frame:
    """
    Read the liquidations among trades; the first ones show that the stream delivers.

    Raises
    ------
    ValueError
        Not an object, or no trades in it.
    """
    fields = require_object(message)
    trades = fields.get("data")
    if not isinstance(trades, list):
        raise ValueError(f"no trades: {fields.get('error', trades)!r}")
    forced = tuple(pick_rows(trades, lambda trade: str(trade.get("tT")).upper() == "LIQUIDATION"))
    return Frame(
        orders=forced,
        confirmed=(EVERY,),
        sent_us=read_ms(fields.get("ts")),
        replayed=fields.get("seq") == 1,
        alive=bool(trades),
    )


def parse_trade(trade: Mapping[str, Any]) -> Liquidation:
    """
    Parse one liquidation.

    Raises
    ------
    ValueError
        A field is missing or invalid.
    """
    name = require_name(trade, "m")
    try:
        row = build_liquidation(
            ListedContract("extended", name_symbol(name), name, 1.0),
            ts_us=int(parse_number(trade["T"])) * 1000,
            position=closed_position(str(trade["S"])),
            price=parse_number(trade["p"]),
            price_kind="fill",
            contracts=parse_number(trade["q"]),
            completeness="full",
            source=SOURCE.name,
            event_id=str(trade["i"]),
        )
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None
    return row._replace(contracts=None, contract_size=None)


def name_symbol(name: str) -> str:
    """Return the symbol of a market: ``BTC-USD`` -> ``BTCUSD``."""
    return read_contract("extended", name).symbol


SOURCE = LiveSource(
    name="extended",
    url="wss://api.starknet.extended.exchange",
    quotes=("USD",),
    channels=list_channels,
    read=read_frame,
    parse=parse_trade,
    name_symbol=name_symbol,
    name_keys=("m",),
    confirms=True,
    market_wide=True,
)
