"""Risk limits of Bybit perpetuals, official REST v5. No live endpoint was called.

exchange: bybit
docs: GET /v5/market/risk-limit, read 2026-11-29 in a copy of Bybit's pages (documented)
gives: per contract riskLimitValue (largest value of the tier in USD, linear), maintenanceMargin (fraction),
    mmDeduction (empty for the lowest tier), maxLeverage (documented)
changed: nothing dated
"""

from __future__ import annotations

from typing import Any

from liqcli.core.model import parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.bybit.market import decode
from liqcli.sources.market_base import read_optional, rows_of
from liqcli.sources.tiers_base import AskTiers, TierSource, from_caps


def ask(symbol: str) -> AskTiers:
    """Request the risk limits of a contract that settles in USDT."""
    if split_symbol(symbol)[1] != "USDT":
        return {}
    result = yield Request("/v5/market/risk-limit", (("category", "linear"), ("symbol", symbol)))
    rows = rows_of(result["list"]) if result and result.get("list") else []
    return {symbol: from_caps(symbol, map(_row, rows))} if rows else {}


def _row(row: dict[str, Any]) -> tuple[float, float, float | None, float]:
    cap, rate, leverage = (parse_number(row[name]) for name in ("riskLimitValue", "maintenanceMargin", "maxLeverage"))
    return cap, rate, read_optional(row.get("mmDeduction")), leverage


SOURCE = TierSource(name="bybit", url="https://api.bybit.com", limits=(Limit(600, 5),), decode=decode, ask=ask)
