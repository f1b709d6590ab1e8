"""Binance USD-M and COIN-M, live: every forced order in the market-wide stream.

exchange: binance
docs: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams; read 2026-11-22
gives: events while connected, from `!forceOrder@arr`; there is no history to fetch (the REST endpoint was removed in
    2021)
limits: one connection; the exchange closes it after 24 h, and liqcli reopens it
side: `S` is the order's side: SELL = a long was liquidated
price: `ap`, the average fill (price_kind fill); if it is missing or 0, the order's limit `p` (price_kind order)
qty: `z`, filled; coins on USD-M, contracts of 100 (BTC) or 10 USD on COIN-M (`st` 2 or a name like BTCUSD_PERP)
time: `T`, trade time [ms UTC]
completeness: sampled, at most one order per symbol and second, so totals are minimums
changed: 2026-04-23 only `/market/stream` sends events, not the older path; 2026-06-29 USD-M and COIN-M share a stream
fixture: tests/sources/binance/test_binance_stream.py (documented frames); no live connection was
    ever made
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from liqcli.sources.binance.force_orders import iter_orders, parse_order
from liqcli.sources.stream_base import Channel, Frame, LiveSource, read_ms


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the single connection, which delivers all symbols."""
    yield Channel("/market/stream?streams=!forceOrder@arr", tuple(symbols))


def read_frame(message: object) -> Frame:
    """
    Read the orders of a message and its time (``E``).

    Raises
    ------
    ValueError
        A ``forceOrder`` event without an order.
    """
    event = message.get("data", message) if isinstance(message, dict) else message
    fields = event if isinstance(event, dict) else {}
    orders = tuple(iter_orders(message))
    if not orders and fields.get("e") == "forceOrder":
        raise ValueError("a forceOrder event without an order")
    return Frame(orders=orders, sent_us=read_ms(fields.get("E")))


SOURCE = LiveSource(
    name="binance",
    url="wss://fstream.binance.com",
    quotes=("USDT", "USDC", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=parse_order,
    market_wide=True,
    patience_s=600.0,  # the stream has an order every few seconds: ten silent minutes mean that it is dead
)
