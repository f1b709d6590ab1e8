"""Published liquidation totals of Kraken Futures perpetuals, official REST. No live endpoint was called.

exchange: kraken
docs: GET /api/charts/v1/analytics/{symbol}/liquidation-volume on futures.kraken.com, read 2026-11-30 (documented,
    https://docs.kraken.com/api-reference/analytics/market-analytics)
gives: one point a minute with interval=60, 2000 per response, then more is true (probed by others), from 2020-02-26 on
    for PI_XBTUSD (probed by others). A minute without liquidations has a point of 0 (recorded by others)
limits: no limit is stated (documented); shared with Kraken's liquidations, 120 requests per minute
side: none: each point is the total of longs and shorts (documented)
qty: the unit is documented nowhere, so the numbers are stored as published, by instrument, and taken as contracts: USD
    for PI_, coins for PF_ (unproven). For PI_ it agrees with what others recorded in 2026: the points of PI_XBTUSD and
    PI_ETHUSD are whole numbers up to the trade volume of the same time (231 of 231 on 2026-07-24). For PF_XBTUSD one
    point is known, 0.2208, which is no amount in USD
time: time in seconds (documented; recorded by others; other series have milliseconds, which are read as such), taken as
    the start of its minute (unproven)
changed: nothing dated
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from liqcli.core.liquidation_totals import LiquidationTotal
from liqcli.core.model import US_PER_S, Window
from liqcli.core.symbols import split_symbol
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, read_markets
from liqcli.sources.kraken.liquidations import LIMITS, LIST, decode, parse_market, spell_contracts
from liqcli.sources.kraken.scan import POINTS, ask_volumes
from liqcli.sources.market_base import Memo
from liqcli.sources.totals_base import STEP_S, AskTotals, TotalsSource, build_totals

_LISTED = ""  # key of the memo: the contracts are in it


def ask(symbol: str, window: Window, memo: Memo) -> AskTotals:
    """Request one window of totals for each perpetual of a symbol: PF_XBTUSD and PI_XBTUSD for BTCUSD."""
    base, quote = split_symbol(symbol)
    if quote != "USD":
        return None
    first_s, last_s = window.start_us // US_PER_S, window.end_us // US_PER_S - STEP_S
    totals: list[LiquidationTotal] = []
    has_series = False
    for market in (yield from _ask_markets(symbol, memo)):
        volumes = yield from ask_volumes(market, first_s, last_s)
        has_series = has_series or volumes is not None
        unit = "USD" if market.inverse else base
        totals += [
            LiquidationTotal(second * US_PER_S, STEP_S, None, None, None, market.instrument, unit, volume)
            for second, volume in (volumes or {}).items()
        ]
    return build_totals(totals, window) if has_series else None


def _ask_markets(symbol: str, memo: Memo) -> Generator[Request, Any, list[ListedContract]]:
    """Request once per run which contracts Kraken lists; return those of a symbol."""
    if _LISTED not in memo:
        listed = yield LIST
        raws = listed.get("instruments") if listed else spell_contracts([symbol])
        memo.update({market.instrument: 1.0 for market in read_markets(raws, parse_market)})
        if listed:
            memo[_LISTED] = 1.0
    markets = read_markets([{"symbol": name} for name in sorted(memo) if name != _LISTED], parse_market)
    return [market for market in markets if market.symbol == symbol and market.instrument.startswith("P")]


SOURCE = TotalsSource(
    name="kraken",
    url="https://futures.kraken.com",
    limits=LIMITS,
    decode=decode,
    quotes=("USD",),
    steps=POINTS,
    retention_us=None,
    ask=ask,
)
