"""Published liquidation totals of Gate perpetual futures, official REST. No live endpoint was called.

exchange: gate
docs: GET /api/v4/futures/{usdt|btc}/contract_stats, read 2026-11-22 in the copy of Gate's pages of 2025-11-30
    (documented)
gives: one row a minute with interval=1m, from a second on, at most limit rows (documented; that 100 are allowed, and
    that a minute without a liquidation has a row, is unproven), some 180 days (probed by others)
limits: 200 requests in 10 seconds an endpoint and address (documented), kept for all endpoints together
side: long_liq_ fields are liquidated longs, short_liq_ fields liquidated shorts (documented)
qty: long_liq_usd and short_liq_usd are USD (documented), and are stored as they are; long_liq_size and short_liq_size,
    in contracts, and long_liq_amount and short_liq_amount, in coins, are not used. At which price Gate converts to USD
    is unproven: a small constant difference from events at their fill price is possible
time: time in seconds (documented), taken as the start of its minute (unproven)
changed: nothing dated
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from liqcli.core.liquidation_totals import LiquidationTotal
from liqcli.core.model import US_PER_S, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US
from liqcli.sources.gate.liquidations import LIMITS, contract_request, decode
from liqcli.sources.gate.market import SETTLES
from liqcli.sources.market_base import Memo, rows_of
from liqcli.sources.totals_base import STEP_S, AskTotals, TotalsSource, build_totals

ROWS = 100


def ask(symbol: str, window: Window, memo: Memo) -> AskTotals:
    """Request one window of totals, after whether Gate lists the contract."""
    if not (yield from _ask_listed(symbol, memo)):
        return None
    base, quote = split_symbol(symbol)
    params = (
        ("contract", f"{base}_{quote}"), ("from", str(window.start_us // US_PER_S)), ("interval", "1m"),
        ("limit", str(ROWS)),
    )  # fmt: skip
    payload = yield Request(f"/api/v4/futures/{SETTLES[quote]}/contract_stats", params)
    return build_totals(map(parse_row, rows_of(payload)), window)


def parse_row(row: dict[str, Any]) -> LiquidationTotal:
    """
    Parse one minute.

    Raises
    ------
    RefusalError
        A field is missing: an unknown amount is not zero.
    """
    try:
        second, long_usd, short_usd = (parse_number(row[name]) for name in ("time", "long_liq_usd", "short_liq_usd"))
    except (KeyError, TypeError, ValueError) as error:
        raise RefusalError(f"a row without time, long_liq_usd or short_liq_usd ({error})") from error
    return LiquidationTotal(int(second) * US_PER_S, STEP_S, long_usd, short_usd, long_usd + short_usd)


def _ask_listed(symbol: str, memo: Memo) -> Generator[Request, Any, bool]:
    """Request once per run whether Gate lists a contract."""
    request = contract_request(symbol)
    if request is None:
        return False
    if symbol not in memo:
        memo[symbol] = float((yield request) is not None)
    return bool(memo[symbol])


SOURCE = TotalsSource(
    name="gate",
    url="https://api.gateio.ws",
    limits=LIMITS,
    decode=decode,
    quotes=tuple(SETTLES),
    steps=ROWS,
    retention_us=179 * DAY_US,
    ask=ask,
)
