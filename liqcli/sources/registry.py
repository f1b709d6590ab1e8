"""
Registry of sources: history of liquidations, live streams, candles and open interest.

Each is one module, listed in a literal dict and imported when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from liqcli.core.errors import UsageError
from liqcli.core.known_sources import KnownSources
from liqcli.core.symbols import EXCHANGES, LIVE, nearest

if TYPE_CHECKING:
    from liqcli.sources.base import PositionSource, Source
    from liqcli.sources.market_base import MarketSource
    from liqcli.sources.stream_base import LiveSource
    from liqcli.sources.tiers_base import TierSource
    from liqcli.sources.totals_base import TotalsSource

# A name ends with "-live" if the exchange also has a history, so that the lake keeps the two apart.
LIVE_SOURCES = {
    "binance": "liqcli.sources.binance.stream",
    "bybit": "liqcli.sources.bybit.stream",
    "aster": "liqcli.sources.aster.stream",
    "okx-live": "liqcli.sources.okx.stream",
    "htx-live": "liqcli.sources.htx.stream",
    "bitget-live": "liqcli.sources.bitget.stream",
    "kraken-live": "liqcli.sources.kraken.stream",
    "bitfinex-live": "liqcli.sources.bitfinex.stream",
    "dydx-live": "liqcli.sources.dydx.stream",
    "lighter": "liqcli.sources.lighter.stream",
    "extended": "liqcli.sources.extended.stream",
    "backpack": "liqcli.sources.backpack.stream",
}
RECORDED_BY_DEFAULT = ("binance", "bybit", "aster")  # the largest exchanges without a history


# Exchanges that a recording polls: their REST answers are fuller than their stream.
POLLED = ("gate", "coinex", "poloniex")


def list_recorded() -> list[str]:
    """List the exchanges that have a stream to record."""
    return [name.removesuffix(LIVE) for name in LIVE_SOURCES]


def load_live_source(name: str) -> LiveSource:
    """
    Import the stream of an exchange.

    Raises
    ------
    UsageError
        Unknown exchange, or one without a stream; the message says whether ``liqcli fetch`` gets its history.
    """
    key = name.strip().lower().removesuffix(LIVE)
    if key not in list_recorded():
        available = [*list_recorded(), *POLLED]
        if key in EXCHANGES:
            history = f"; for its history: liqcli fetch --exchange {key}" if is_fetched(key) else ""
            raise UsageError(f"--exchange: {key} cannot be recorded live (available: {', '.join(available)}){history}")
        raise UsageError(f"unknown exchange {name!r}{nearest(key, available)}")
    module = LIVE_SOURCES[key] if key in LIVE_SOURCES else LIVE_SOURCES[key + LIVE]
    source: LiveSource = importlib.import_module(module).SOURCE
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
    Check and normalise the name of a source.

    Raises
    ------
    UsageError
        Unknown source (the nearest names are given), or one that can only be recorded.
    """
    key = name.strip().lower()
    if key in LIVE_SOURCES:
        exchange = key.removesuffix(LIVE)
        others = "its history" if exchange in SOURCES else "recordings by others"
        raise UsageError(
            f"{key} is a live stream: liqcli record --exchange {exchange}; "
            f"for {others}: liqcli fetch --exchange {exchange}"
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
        Unknown source; the nearest names are given.
    """
    source: Source = importlib.import_module(SOURCES[check_source(name)]).SOURCE
    return source


def is_fetched(exchange: str) -> bool:
    """Return whether any source has history of an exchange."""
    return any(exchange in load_source(name).exchanges for name in SOURCES)


# Exchange -> its sources in order of use; exchanges in the order in which they substitute for each other.
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
    """Import the sources of candles and open interest of an exchange."""
    entries = (place.split(":") for place in MARKET_SOURCES[exchange])
    return [getattr(importlib.import_module(module), name) for module, name in entries]


# Exchange -> the source of its margin tiers.
TIER_SOURCES = {
    "binance": "liqcli.sources.binance.margin_tiers",
    "aster": "liqcli.sources.aster.margin_tiers",
    "bybit": "liqcli.sources.bybit.margin_tiers",
    "okx": "liqcli.sources.okx.margin_tiers",
    "gate": "liqcli.sources.gate.margin_tiers",
    "hyperliquid": "liqcli.sources.hyperliquid.margin_tiers",
}


def load_tier_source(exchange: str) -> TierSource:
    """Import the source of margin tiers of an exchange."""
    source: TierSource = importlib.import_module(TIER_SOURCES[exchange]).SOURCE
    return source


# Exchange -> the source of the liquidation totals it publishes.
TOTALS_SOURCES = {
    "gate": "liqcli.sources.gate.liquidation_totals",
    "kraken": "liqcli.sources.kraken.liquidation_totals",
}


def load_totals_source(exchange: str) -> TotalsSource:
    """Import the source of published liquidation totals of an exchange."""
    source: TotalsSource = importlib.import_module(TOTALS_SOURCES[exchange]).SOURCE
    return source


# Exchange -> the source of open positions of its wallets.
POSITION_SOURCES = {
    "hyperliquid": "liqcli.sources.hyperliquid.positions",
}


def load_position_source(exchange: str) -> PositionSource:
    """Import the source of open positions of an exchange."""
    source: PositionSource = importlib.import_module(POSITION_SOURCES[exchange]).SOURCE
    return source


KNOWN_SOURCES = KnownSources(SOURCES, LIVE_SOURCES, MARKET_SOURCES, is_fetched, TOTALS_SOURCES)
