"""Open positions of named wallets on Hyperliquid, official API. No live endpoint was called.

exchange: hyperliquid
docs: POST /info {"type":"clearinghouseState","user":address} and {"type":"metaAndAssetCtxs"} of api.hyperliquid.xyz;
    pages of clients and node providers, read 2026-11-30 (documented)
gives: per wallet assetPositions[].position with coin, szi (coins, below 0 for shorts), entryPx, positionValue [USD],
    liquidationPx (null: none), leverage.value (documented); per coin openInterest in coins, of one side (recorded).
    liquidationPx of a cross position holds while the other positions of the wallet stay as they are. Markets of other
    builders (HIP-3) are not requested
limits: see margin_tiers.py
changed: nothing dated
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liqcli.core.model import parse_number
from liqcli.core.positions import OpenPosition, find_position_fault
from liqcli.net.client import RefusalError
from liqcli.sources.base import AskPositions, PositionSource
from liqcli.sources.envelope import decode_json
from liqcli.sources.hyperliquid.margin_tiers import LIMITS, QUOTE, URL, request_info
from liqcli.sources.market_base import read_optional


def ask(wallets: Sequence[str]) -> AskPositions:
    """Request the positions of wallets, one after the other."""
    meta, contexts = yield request_info("metaAndAssetCtxs", 20)
    interest = {
        str(coin["name"]): read_optional(context.get("openInterest"))
        for coin, context in zip(meta["universe"], contexts, strict=True)
    }
    rows = []
    for wallet in wallets:
        state = yield request_info("clearinghouseState", 2, user=wallet)
        rows += [_read(held["position"], interest) for held in state["assetPositions"]]
    return rows


def _read(held: dict[str, Any], interest: dict[str, float | None]) -> OpenPosition:
    coin, size = str(held["coin"]), parse_number(held["szi"])
    row = OpenPosition(
        f"{coin.upper()}{QUOTE}",
        "long" if size > 0 else "short",
        abs(size),
        read_optional(held.get("positionValue")),
        parse_number(held["entryPx"]),
        read_optional(held.get("liquidationPx")),
        read_optional((held.get("leverage") or {}).get("value")),
        interest.get(coin),
    )
    if not row.symbol.isalnum() or (fault := find_position_fault(row)):
        raise RefusalError(f"invalid position: {fault if row.symbol.isalnum() else coin} ({held})")
    return row


SOURCE = PositionSource(name="hyperliquid", url=URL, limits=LIMITS, decode=decode_json, shared=True, ask=ask)
