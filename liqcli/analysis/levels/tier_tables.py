"""Margin tiers with their origin: a snapshot of an exchange, or a default table where none is known."""

from __future__ import annotations

from dataclasses import dataclass

from liqcli.analysis.levels.tiers import MarginTiers, build_tiers
from liqcli.core.symbols import split_symbol


@dataclass(frozen=True, slots=True)
class TierTable:
    """Tiers of a contract, ``source`` in words, and the ``date`` of capture (ISO 8601), None for an assumed table."""

    tiers: MarginTiers
    source: str
    date: str | None


# The lower brackets of BTCUSDT, captured 2026-08-02 from the public bracket page of Binance.
_BINANCE_BTC = TierTable(
    build_tiers([0, 300e3, 800e3, 3e6], [0.004, 0.005, 0.0065, 0.01], [150, 100, 75, 50]),
    "default table: Binance BTCUSDT brackets",
    "2026-08-02",
)
# Table 56 of Hyperliquid, "tiered 40x", in recorded metadata.
_HYPERLIQUID_BTC = TierTable(
    build_tiers([0, 150e6], [0.0125, 0.025]), "default table: Hyperliquid margin table 56 (40x)", "2026-11-29"
)
_ASSUMED = TierTable(
    build_tiers([0], [0.005], [100]), "default table: a rate of 0.5 % and at most 100x are assumed", None
)


def default_tiers(exchange: str, symbol: str) -> TierTable:
    """Return the documented default table of a contract: real tiers of BTC, else an assumed rate of 0.5 %."""
    if split_symbol(symbol)[0] == "BTC":
        return _HYPERLIQUID_BTC if exchange == "hyperliquid" else _BINANCE_BTC
    return _ASSUMED
