"""Position tiers of OKX swaps, official REST. No live endpoint was called.

exchange: okx
docs: GET /api/v5/public/position-tiers, read 2026-11-29 in a copy of OKX's pages (documented)
gives: per family minSz and maxSz in contracts, mmr (on the whole position), maxLever (documented); contracts are
    converted to coins with ctVal x ctMult of /api/v5/public/instruments
changed: nothing dated
"""

from __future__ import annotations

from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.market_base import rows_of
from liqcli.sources.okx.market import decode
from liqcli.sources.tiers_base import AskTiers, TierSource, sort_tiers

LIMITS = (Limit(10, 2),)


def ask(symbol: str) -> AskTiers:
    """Request size and tiers of a linear swap."""
    base, quote = split_symbol(symbol)
    if quote not in ("USDT", "USDC"):
        return {}
    name = (("instType", "SWAP"), ("instId", f"{base}-{quote}-SWAP"))
    listed = rows_of((yield Request("/api/v5/public/instruments", name)) or [])
    if not listed:
        return {}
    size = parse_number(listed[0]["ctVal"]) * parse_number(listed[0].get("ctMult") or "1")
    params = (("instType", "SWAP"), ("tdMode", "isolated"), ("instFamily", f"{base}-{quote}"))
    rows = rows_of((yield Request("/api/v5/public/position-tiers", params)) or [])
    tiers = [(*(parse_number(row[key]) for key in ("minSz", "mmr", "maxLever")),) for row in rows]
    lowest = min((tier[0] for tier in tiers), default=0.0)  # OKX states 0 or the smallest order
    floors = (
        MarginTier(symbol, 0.0 if least == lowest else least * size, rate, 0.0, leverage, "base")
        for least, rate, leverage in tiers
    )
    return {symbol: sort_tiers(symbol, floors)}


SOURCE = TierSource(name="okx", url="https://www.okx.com", limits=LIMITS, decode=decode, ask=ask)
