"""Where candles and open interest come from: one module a place, listed in one literal dict and imported when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liqcli.market_sources.common import MarketSource

# Exchange -> its places, the one to ask first in front; exchanges in the order in which they stand in for each other.
MARKET_SOURCES = {
    "binance": (
        "liqcli.market_sources.binance:SOURCE",
        "liqcli.market_sources.binance_vision:SOURCE",
        "liqcli.market_sources.binance:OLDER",
    ),
    "bybit": ("liqcli.market_sources.bybit:SOURCE",),
    "okx": ("liqcli.market_sources.okx:SOURCE",),
    "gate": ("liqcli.market_sources.gate:SOURCE",),
}


def load_market_sources(exchange: str) -> list[MarketSource]:
    """Import the places of an exchange."""
    places = (place.split(":") for place in MARKET_SOURCES[exchange])
    return [getattr(importlib.import_module(module), name) for module, name in places]
