"""Exchanges that publish liquidations only as they happen: one module each, listed in one literal dict."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from liqcli.errors import UsageError
from liqcli.symbols import EXCHANGES, nearest

if TYPE_CHECKING:
    from liqcli.live_sources.common import LiveSource

LIVE_SOURCES = {
    "binance": "liqcli.live_sources.binance",
    "bybit": "liqcli.live_sources.bybit",
    "aster": "liqcli.live_sources.aster",
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
