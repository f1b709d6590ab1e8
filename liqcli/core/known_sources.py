"""Names of the sources that liqcli has, for packages that must not import ``sources``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownSources:
    """
    Names of sources, by what they offer.

    Attributes
    ----------
    fetched, recorded, market, totals : collection of str
        Sources with a history of liquidations, with a live stream, exchanges with candles and open interest, exchanges
        that publish totals of liquidations.
    has_history : callable
        Takes an exchange; true if any source has its history of liquidations.
    """

    fetched: Collection[str] = ()
    recorded: Collection[str] = ()
    market: Collection[str] = ()
    has_history: Callable[[str], bool] = lambda _exchange: False
    totals: Collection[str] = ()
