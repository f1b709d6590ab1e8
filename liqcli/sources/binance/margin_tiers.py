"""Margin brackets of Binance USD-M futures, from the public page behind the website. No live endpoint was called.

exchange: binance
docs: GET https://www.binance.com/bapi/futures/v1/friendly/future/common/brackets, as used by others (recorded
    2026-08-02); not an official API, no key, geo rules of the website apply
gives: the brackets of all contracts, floors and caps in USD, maintenance rate, deduction (cumFastMaintenanceAmount) and
    highest leverage; may lag behind new listings (recorded)
changed: nothing dated
"""

from __future__ import annotations

import contextlib
from typing import Any

from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import parse_number
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.envelope import json_envelope
from liqcli.sources.tiers_base import AskTiers, Tiers, TierSource, sort_tiers

PATH = "/bapi/futures/v1/friendly/future/common/brackets"
LIMITS = (Limit(10, 60),)

decode = json_envelope("000000")


def ask(_symbol: str) -> AskTiers:
    """Request the brackets of all contracts."""
    payload = yield Request(PATH)
    if not isinstance(payload, dict) or not isinstance(payload.get("brackets"), list):
        raise RefusalError("the answer has no list of brackets")
    found: Tiers = {}
    for contract in payload["brackets"]:
        symbol = str(contract["symbol"])
        with contextlib.suppress(RefusalError):  # one unusual contract must not cost the others
            found[symbol] = sort_tiers(symbol, [_tier(symbol, row) for row in contract["riskBrackets"]])
    return found


def _tier(symbol: str, row: dict[str, Any]) -> MarginTier:
    names = (
        "bracketNotionalFloor", "bracketMaintenanceMarginRate", "cumFastMaintenanceAmount", "maxOpenPosLeverage",
    )  # fmt: skip
    floor, rate, deduction, leverage = (parse_number(row[name]) for name in names)
    return MarginTier(symbol, floor, rate, deduction, leverage)


SOURCE = TierSource(name="binance", url="https://www.binance.com", limits=LIMITS, decode=decode, shared=True, ask=ask)
