"""
Where liquidations come from: one module a source, listed in one literal dict and imported when it is used.

Where candles and open interest come from: one module a place, listed in one literal dict and imported when used.

Exchanges that publish liquidations only as they happen: one module each, listed in one literal dict.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from liqcli.core.errors import UsageError
from liqcli.core.known_sources import KnownSources
from liqcli.core.symbols import EXCHANGES, nearest

if TYPE_CHECKING:
    from liqcli.sources.base import Source
    from liqcli.sources.market_base import MarketSource
    from liqcli.sources.stream_base import LiveSource

LIVE_SOURCES = {
    "binance": "liqcli.sources.binance.stream",
    "bybit": "liqcli.sources.bybit.stream",
    "aster": "liqcli.sources.aster.stream",
}


def load_live_source(name: str) -> LiveSource:
    """
    Import the stream of an exchange.

    Raises
    ------
    UsageError
        No such exchange, or one that is not recorded because ``liqcli fetch`` gets what it published.
    """
    key = name.strip().lower()
    if key not in LIVE_SOURCES:
        if key in EXCHANGES:
            raise UsageError(
                f"--exchange: {key} is not recorded live ({', '.join(LIVE_SOURCES)} are); "
                f"what it keeps of its own history: liqcli fetch --exchange {key}"
            )
        raise UsageError(f"unknown exchange {name!r}{nearest(key, LIVE_SOURCES)}")
    source: LiveSource = importlib.import_module(LIVE_SOURCES[key]).SOURCE
    return source


SOURCES = {
    "gate": "liqcli.sources.gate.liquidations",
    "htx": "liqcli.sources.htx.liquidations",
    "okx": "liqcli.sources.okx.liquidations",
    "tardis": "liqcli.sources.tardis.api",
    "deribit": "liqcli.sources.deribit.liquidations",
    "kraken": "liqcli.sources.kraken.liquidations",
    "bitfinex": "liqcli.sources.bitfinex.liquidations",
    "cryptohftdata": "liqcli.sources.cryptohftdata.api",
    "binance-vision": "liqcli.sources.binance.archive",
    "bitget": "liqcli.sources.bitget.liquidations",
    "coinex": "liqcli.sources.coinex.liquidations",
    "dydx": "liqcli.sources.dydx.liquidations",
    "poloniex": "liqcli.sources.poloniex.liquidations",
}


def check_source(name: str) -> str:
    """
    Check the name of a source that a user wrote.

    Raises
    ------
    UsageError
        No such source, the nearest names are given; or one that can only be recorded.
    """
    key = name.strip().lower()
    if key in LIVE_SOURCES:
        raise UsageError(
            f"{key} publishes liquidations only as they happen: liqcli record --exchange {key}; "
            f"what others recorded of it: liqcli fetch --exchange {key}"
        )
    if key not in SOURCES:
        raise UsageError(f"unknown source {name!r}{nearest(key, SOURCES)}")
    return key


def load_source(name: str) -> Source:
    """
    Import a source.

    Raises
    ------
    UsageError
        No such source; the nearest names are given.
    """
    source: Source = importlib.import_module(SOURCES[check_source(name)]).SOURCE
    return source


def is_fetched(exchange: str) -> bool:
    """Whether any source has history of an exchange."""
    return any(exchange in load_source(name).exchanges for name in SOURCES)


# Exchange -> its places, the one to ask first in front; exchanges in the order in which they stand in for each other.
MARKET_SOURCES = {
    "binance": (
        "liqcli.sources.binance.market:SOURCE",
        "liqcli.sources.binance.archive_market:SOURCE",
        "liqcli.sources.binance.market:OLDER",
    ),
    "bybit": ("liqcli.sources.bybit.market:SOURCE",),
    "okx": ("liqcli.sources.okx.market:SOURCE",),
    "gate": ("liqcli.sources.gate.market:SOURCE",),
}


def load_market_sources(exchange: str) -> list[MarketSource]:
    """Import the places of an exchange."""
    places = (place.split(":") for place in MARKET_SOURCES[exchange])
    return [getattr(importlib.import_module(module), name) for module, name in places]


KNOWN_SOURCES = KnownSources(SOURCES, LIVE_SOURCES, MARKET_SOURCES, is_fetched)
