"""Aster, live: a stream in Binance's format.

exchange: aster
docs: https://github.com/asterdex/api-docs (aster-finance-futures-api), read 2026-11-22
gives: events while connected, from `!forceOrder@arr`; its history is not public
limits: one connection
side: `S` is the order's side: SELL = a long was liquidated
price: `ap`, the average fill (price_kind fill); if it is missing or 0, the order's limit `p` (price_kind order)
qty: `z`, filled [base coin]
time: `T`, trade time [ms UTC]
completeness: sampled, at most one order per symbol and second, so totals are minimums
changed: no known changes
fixture: tests/sources/aster/test_aster_stream.py (frames written by hand in Binance's form); no live connection was
    ever made
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.model import Liquidation
from liqcli.sources.binance.force_orders import parse_order
from liqcli.sources.binance.stream import read_frame
from liqcli.sources.stream_base import Channel, LiveSource


def list_channels(symbols: Sequence[str]) -> Iterator[Channel]:
    """Yield the single connection, which delivers all symbols."""
    yield Channel("/ws/!forceOrder@arr", tuple(symbols))


def parse_own_order(order: Mapping[str, Any]) -> Liquidation:
    """
    Parse one order as a liquidation.

    Raises
    ------
    ValueError
        The order was not filled, or a field is missing or invalid.
    """
    return parse_order(order, "aster")


SOURCE = LiveSource(
    name="aster",
    url="wss://fstream.asterdex.com",
    quotes=("USDT", "USDC", "USD"),
    channels=list_channels,
    read=read_frame,
    parse=parse_own_order,
    market_wide=True,
    patience_s=3600.0,  # fewer orders than on Binance: an hour without any order means a dead stream
)
