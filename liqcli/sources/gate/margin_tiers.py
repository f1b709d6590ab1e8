"""Risk limit tiers of Gate perpetual futures, official REST. No live endpoint was called.

exchange: gate
docs: GET /api/v4/futures/usdt/risk_limit_tiers, read 2026-11-29 in a copy of Gate's pages (documented)
gives: per contract risk_limit (largest value of the tier in USD), maintenance_rate, deduction, leverage_max
    (documented; checked: 20,000 x (.013 - .01) = 60, the deduction of a documented second tier)
changed: nothing dated
"""

from __future__ import annotations

from typing import Any

from liqcli.core.model import parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.request import Request
from liqcli.sources.gate.liquidations import LIMITS, decode
from liqcli.sources.market_base import read_optional, rows_of
from liqcli.sources.tiers_base import AskTiers, TierSource, from_caps


def ask(symbol: str) -> AskTiers:
    """Request the tiers of a contract that settles in USDT."""
    base, quote = split_symbol(symbol)
    if quote != "USDT":
        return {}
    params = (("contract", f"{base}_{quote}"),)
    payload = yield Request("/api/v4/futures/usdt/risk_limit_tiers", params, absent=(400, 404))
    rows = rows_of(payload or [])
    return {symbol: from_caps(symbol, map(_row, rows))} if rows else {}


def _row(row: dict[str, Any]) -> tuple[float, float, float | None, float]:
    cap, rate, leverage = (parse_number(row[name]) for name in ("risk_limit", "maintenance_rate", "leverage_max"))
    return cap, rate, read_optional(row.get("deduction")), leverage


SOURCE = TierSource(name="gate", url="https://api.gateio.ws", limits=LIMITS, decode=decode, ask=ask)
