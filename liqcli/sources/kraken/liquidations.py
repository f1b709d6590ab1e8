"""Kraken Futures perpetuals, history API. No live endpoint was called; each fact states its evidence.

exchange: kraken
docs: GET /api/history/v3/market/{tradeable}/executions, /api/charts/v1/analytics/{tradeable}/liquidation-volume and
    /derivatives/api/v3/instruments on futures.kraken.com, read 2026-11-22 (documented, https://docs.kraken.com/)
gives: every execution since 2021-05-27 (PI_XBTUSD), 2022-03-23 (PF_XBTUSD) (probed), 1000 per page with a continuation
    token (documented); forced ones are kept. The volume liquidated in each minute is requested first (since 2020, 2000
    points per response, probed), and only minutes above zero or without a point are read, with one minute on either
    side (unproven: whether a point marks the start or the end of its minute); pages extend to later minutes, which are
    not read twice
limits: public calls cost nothing, no limit is stated (documented); liqcli sends 120 per minute. apiLimitExceeded or 429
side: takerOrder.direction is the ORDER: a Sell closes a long (documented); if makerOrder is the forced one, its
    direction counts in the same way (unproven); if both are, there are two rows
price: price of the fill (documented), so price_kind fill
qty: PF_ and FF_ base coins, PI_ and FI_ USD (documented); usdValue, rounded to cents, must agree roughly
time: timestamp, milliseconds (recorded). 15 minutes are allowed for late points of the volume series (unproven)
completeness: full: each fill (documented). Whether recent rows are still marked is unproven (one probe found marks in
    2022, another found none in 1000 quiet rows): a minute with liquidated volume and no marked fill is unknown, not
    empty
changed: Liquidation, then PartialLiquidation, partialLiquidation or "partial liquidation" (recorded by others): any
    spelling counts, CoveredLiquidation too; Assignment and Unwind do not
fixture: tests/sources/responses/kraken
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from liqcli.core.model import US_PER_S, Liquidation, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, Answer, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, known_contract, pick_markets, read_markets
from liqcli.sources.envelope import decode_json
from liqcli.sources.kraken.scan import MINUTE_S, page_request, request_contract
from liqcli.sources.rows import build_answer, build_liquidation, closed_position

_BUSY = re.compile(r"apiLimitExceeded|unavailable|timeout|too ?many|internal", re.IGNORECASE)
_CONTRACT = re.compile(r"^[PF][FI]_[A-Z0-9]+USD(_\d{6})?$")
LIST = Request("/derivatives/api/v3/instruments", absent=(404,))
LIMITS = (Limit(120, 60, even=True),)
_INVERSE_BASES = ("BTC", "ETH", "LTC", "XRP", "BCH")


def decode(body: bytes) -> object:
    """Decode an answer; errors have an HTTP status or come inside a 200, as ``error`` or ``errors``."""
    payload = decode_json(body)
    if not isinstance(payload, dict):
        raise ValueError("an answer that is not an object")
    said = payload.get("errors") or (payload.get("error", "unknown") if payload.get("result") == "error" else None)
    if said:
        text = _join_errors(said)
        raise BusyError(f"busy ({text})") if _BUSY.search(text) else RefusalError(text)
    return payload


def _join_errors(said: object) -> str:
    """Join errors of the analytics API (severity, error_class, type, msg, value, field), or return the one text."""
    errors = said if isinstance(said, list) else [said]
    keys = ("error_class", "type", "msg", "field")
    return "; ".join(
        " ".join(str(error[key]) for key in keys if error.get(key)) if isinstance(error, dict) else str(error)
        for error in errors
    )


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a perpetual: PF_ counts coins, PI_ dollars; None for other contracts."""
    name = str(raw["symbol"]).upper()
    contract = known_contract("kraken", name) if _CONTRACT.match(name) else None
    return (
        ListedContract("kraken", contract.symbol, name, 1.0, inverse=contract.kind == "inverse") if contract else None
    )


def join_siblings(markets: Sequence[ListedContract]) -> list[ListedContract]:
    """Join contracts of one symbol, such as PI_XBTUSD and PF_XBTUSD (BTCUSD); drop dated contracts."""
    found: dict[str, ListedContract] = {}
    for market in sorted(markets, key=lambda market: market.instrument):
        if market.instrument.startswith("P"):
            first = found.setdefault(market.symbol, market)
            if first is not market:
                found[market.symbol] = replace(first, siblings=(*first.siblings, market))
    return list(found.values())


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Parse a row of :func:`iter_forced`.

    Raises
    ------
    ValueError
        A number is missing, the row is of another contract, or its USD value contradicts the unit.
    """
    if raw["tradeable"] not in (None, market.instrument):
        raise ValueError(f"row of {raw['tradeable']!r}, requested {market.instrument!r}")
    row = build_liquidation(
        market,
        ts_us=int(parse_number(raw["timestamp"])) * 1000,
        position=closed_position(str(raw["direction"])),
        price=parse_number(raw["price"]),
        price_kind="fill",
        contracts=parse_number(raw["quantity"]),
        completeness="full",
        source="kraken",
        event_id=None if raw.get("uid") is None else str(raw["uid"]),
    )
    if raw.get("usdValue") is not None:
        usd = parse_number(raw["usdValue"])
        if max(usd, row.notional) > 2 * min(usd, row.notional) + 0.02:
            raise ValueError(f"unit is unclear: {row.notional:.6g} USD, but usdValue is {usd:.6g}")
    return row


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    listed = yield LIST
    raws: Any = listed.get("instruments") if listed else spell_contracts(wanted)
    return pick_markets(join_siblings(read_markets(raws, parse_market)), wanted)


def spell_contracts(wanted: Sequence[str]) -> list[Row]:
    """Spell contract names without a request, for mirrors that do not list them."""
    bases = [base for base, quote in map(split_symbol, wanted) if quote in ("USD", "")]
    names = [("PF", base) for base in bases] + [("PI", base) for base in bases if base in _INVERSE_BASES]
    return [{"symbol": f"{kind}_{'XBT' if base == 'BTC' else base}USD"} for kind, base in names]


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    whole = Answer()
    for contract in (market, *market.siblings):
        fills, silent = yield from request_contract(contract, window)
        where = page_request(contract, window.start_us // 1000, window.end_us // 1000, None).text
        answer = build_answer(fills, partial(parse_row, market=contract), window, where)
        whole.rows += answer.rows
        whole.rejected += answer.rejected
        whole.unknown += silent
        if silent:
            times = f"{len(silent)} minutes, the first {silent[0].start:%Y-%m-%d %H:%M}"
            whole.absent = f"{contract.instrument}: liquidated volume, but no fill marked as a liquidation in {times}"
    return whole


SOURCE = Source(
    name="kraken",
    exchanges=("kraken",),
    url="https://futures.kraken.com",
    limits=LIMITS,
    window_us=DAY_US,
    grain_us=MINUTE_S * US_PER_S,
    retention_us=None,
    settle_us=900 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=("USD",),
)
