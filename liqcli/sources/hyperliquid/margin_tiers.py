"""Margin tables of Hyperliquid perpetuals, official API. No live endpoint was called.

exchange: hyperliquid
docs: POST /info {"type":"meta"} of api.hyperliquid.xyz, from recorded answers (2026-11-29)
gives: per coin marginTableId, per table lowerBound (value in USDC) and maxLeverage of each tier (recorded). Tables
    below 50 are not listed: one tier, the id is its highest leverage (documented in a client). The maintenance rate is
    half of the initial rate at the highest leverage of a tier (wiki); deductions are computed (no step in the margin)
limits: 1200 weights a minute; meta weighs 20, clearinghouseState 2 (documented in clients)
changed: nothing dated
"""

from __future__ import annotations

import json
from typing import Any

from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import parse_number
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.envelope import decode_json
from liqcli.sources.tiers_base import AskTiers, Tiers, TierSource, sort_tiers

URL, QUOTE = "https://api.hyperliquid.xyz", "USDC"
LIMITS = (Limit(1200, 60),)
UNLISTED = 50  # tables below are one tier


def request_info(kind: str, weight: float, **fields: str) -> Request:
    """Build the request for one kind of information."""
    return Request("/info", weight=weight, body=json.dumps({"type": kind, **fields}))


def ask(_symbol: str) -> AskTiers:
    """Request the margin tables of all coins."""
    meta = yield request_info("meta", 20)
    if not isinstance(meta, dict) or not isinstance(meta.get("universe"), list):
        raise RefusalError("the answer lists no coins")
    tables = {int(number): table["marginTiers"] for number, table in meta.get("marginTables") or []}
    found: Tiers = {}
    for coin in meta["universe"]:
        name = str(coin["name"]).upper()
        if coin.get("isDelisted") or not name.isalnum():
            continue
        table = int(coin["marginTableId"])
        rows = tables.get(table) or ([{"lowerBound": "0", "maxLeverage": table}] if table < UNLISTED else [])
        if rows:
            found[f"{name}{QUOTE}"] = sort_tiers(name, _read_tiers(f"{name}{QUOTE}", rows))
    return found


def _read_tiers(symbol: str, rows: list[dict[str, Any]]) -> list[MarginTier]:
    """Read the tiers of a table, with the deductions that make the maintenance margin continuous."""
    bounds = sorted((parse_number(row["lowerBound"]), parse_number(row["maxLeverage"])) for row in rows)
    tiers: list[MarginTier] = []
    deduction, below = 0.0, 0.0
    for floor, leverage in bounds:
        rate = 1 / (2 * leverage)
        deduction += floor * (rate - below)
        tiers.append(MarginTier(symbol, floor, rate, deduction, leverage))
        below = rate
    return tiers


SOURCE = TierSource(name="hyperliquid", url=URL, limits=LIMITS, decode=decode_json, shared=True, ask=ask)
