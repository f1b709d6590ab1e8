"""Where liquidations come from: one module a source, listed in one literal dict and imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from liqcli.errors import UsageError
from liqcli.live_sources import LIVE_SOURCES
from liqcli.symbols import nearest

if TYPE_CHECKING:
    from liqcli.sources.common import Source

SOURCES = {
    "gate": "liqcli.sources.gate",
    "htx": "liqcli.sources.htx",
    "okx": "liqcli.sources.okx",
    "tardis": "liqcli.sources.tardis",
    "deribit": "liqcli.sources.deribit",
    "kraken": "liqcli.sources.kraken",
    "bitfinex": "liqcli.sources.bitfinex",
    "cryptohftdata": "liqcli.sources.cryptohftdata",
    "binance-vision": "liqcli.sources.binance_vision",
    "bitget": "liqcli.sources.bitget",
    "coinex": "liqcli.sources.coinex",
    "dydx": "liqcli.sources.dydx",
    "poloniex": "liqcli.sources.poloniex",
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
