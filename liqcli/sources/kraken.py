"""Kraken Futures perpetuals, history API. No live endpoint was called; each fact says how it is known.

exchange: kraken
docs: GET /api/history/v3/market/{tradeable}/executions, /api/charts/v1/analytics/{tradeable}/liquidation-volume and
    /derivatives/api/v3/instruments on futures.kraken.com, read 2026-11-22 (documented, https://docs.kraken.com/)
gives: every execution since 2021-05-27 (PI_XBTUSD), 2022-03-23 (PF_XBTUSD) (probed), 1000 a page with a continuation
    token (documented); forced ones are kept. The volume liquidated in each minute is asked first (since 2020, 2000
    points an answer, probed), and only minutes above zero or without a point are read, with one on either side
    (unproven: whether a point names its beginning or end)
limits: public calls cost nothing, no number is stated (documented); 120 a minute are sent. apiLimitExceeded or 429
side: takerOrder.direction is the ORDER: a Sell closes a long (documented); where makerOrder is the forced one, its
    direction counts in the same way (unproven), and where both are, there are two rows
price: price of the fill (documented), so price_kind fill
qty: PF_ and FF_ base coins, PI_ and FI_ USD (documented); usdValue, rounded to cents, only has to agree roughly
time: timestamp, milliseconds (recorded). 15 minutes are left for late points of the volume series (unproven)
completeness: full: each fill (documented). Whether recent rows are still marked is unproven (one probe saw marks of
    2022, one saw none in 1000 quiet rows): a minute with liquidated volume and no marked fill is unknown, not empty
changed: Liquidation, then PartialLiquidation, partialLiquidation or "partial liquidation" (recorded by others): any
    spelling counts, CoveredLiquidation too; Assignment and Unwind do not
fixture: tests/sources/responses/kraken
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from liqcli.http import RefusalError, Request
from liqcli.intervals import Interval, merge_intervals
from liqcli.model import US_PER_S, Liquidation, Window, parse_number
from liqcli.pace import Limit
from liqcli.sources.common import (
    DAY_US,
    Answer,
    AskMarkets,
    AskWindow,
    Market,
    Row,
    Source,
    build_answer,
    build_liquidation,
    canonical,
    closed_position,
    decode_json,
    pick_markets,
    read_markets,
)
from liqcli.symbols import split_symbol

COUNT = 1000
MINUTE_S = 60
JOIN_S = 300  # stretches nearer than this are read through: cheaper than one more question
SAME_QUESTION = 3  # how often an answer to something else is asked again
FORCED = frozenset({"liquidation", "partialliquidation", "coveredliquidation"})
_BUSY = re.compile(r"apiLimitExceeded|unavailable|timeout|too ?many|internal", re.IGNORECASE)
_CONTRACT = re.compile(r"^([PF])([FI])_([A-Z0-9]+)USD(_\d{6})?$")
_LIST = Request("/derivatives/api/v3/instruments", absent=(404,))
_INVERSE_BASES = ("BTC", "ETH", "LTC", "XRP", "BCH")


def decode(body: bytes) -> object:
    """Decode an answer; errors come with their status or inside a 200, as ``error`` or as ``errors``."""
    payload = decode_json(body)
    if not isinstance(payload, dict):
        raise ValueError("an answer that is no object")
    said = payload.get("errors") or (payload.get("error", "unknown") if payload.get("result") == "error" else None)
    if said:
        raise ValueError(f"busy ({said})") if _BUSY.search(str(said)) else RefusalError(str(said))
    return payload


def series_request(market: Market, start_s: int, end_s: int) -> Request:
    """What to ask for the volume liquidated in each minute."""
    params = (("since", str(start_s)), ("to", str(end_s)), ("interval", str(MINUTE_S)))
    return Request(f"/api/charts/v1/analytics/{market.instrument}/liquidation-volume", params, absent=(400, 404))


def page_request(market: Market, start_ms: int, end_ms: int, token: str | None) -> Request:
    """What to ask for a page of ``[start_ms, end_ms)``, a little wider: right for either kind of bound."""
    params = (("since", str(start_ms - 1)), ("before", str(end_ms)), ("sort", "asc"), ("count", str(COUNT)))
    further = () if token is None else (("continuation_token", token),)
    return Request(f"/api/history/v3/market/{market.instrument}/executions", (*params, *further))


def parse_market(raw: Row) -> Market | None:
    """Read a contract: PF_ and FF_ count coins, PI_ and FI_ dollars; None for anything else."""
    name = str(raw["symbol"]).upper()
    symbol, match = canonical(name), _CONTRACT.match(name)
    return Market("kraken", symbol, name, 1.0, inverse=match[2] == "I") if symbol and match else None


def join_siblings(markets: Sequence[Market]) -> list[Market]:
    """Put PI_XBTUSD beside PF_XBTUSD, for both are BTCUSD; dated contracts are left out."""
    found: dict[str, Market] = {}
    for market in sorted(markets, key=lambda market: market.instrument):
        if market.instrument.startswith("P"):
            first = found.setdefault(market.symbol, market)
            if first is not market:
                found[market.symbol] = replace(first, siblings=(*first.siblings, market))
    return list(found.values())


def iter_forced(element: Row) -> Generator[Row, None, None]:
    """Give a row for each side of an execution whose order was a liquidation."""
    execution = element["event"]["Execution"]["execution"]
    for name in ("takerOrder", "makerOrder"):
        order = execution.get(name) or {}
        if is_forced(order.get("orderType")):
            kept = {key: execution.get(key) for key in ("uid", "timestamp", "quantity", "price", "usdValue")}
            yield kept | {"tradeable": order.get("tradeable"), "direction": order.get("direction")}


def is_forced(order_type: object) -> bool:
    """Whether an order type is one of the spellings of a liquidation."""
    return re.sub(r"[^a-z]", "", str(order_type).lower()) in FORCED


def parse_row(raw: Row, market: Market) -> Liquidation:
    """
    Read a row of :func:`iter_forced`.

    Raises
    ------
    ValueError
        A number is missing, the row is of another contract, or its own USD value speaks against the unit.
    """
    if raw["tradeable"] not in (None, market.instrument):
        raise ValueError(f"row of {raw['tradeable']!r}, asked for {market.instrument!r}")
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
    listed = yield _LIST
    raws: Any = listed.get("instruments") if listed else _spell(wanted)
    return pick_markets(join_siblings(read_markets(raws, parse_market)), wanted)


def _spell(wanted: Sequence[str]) -> list[Row]:
    """Name contracts without asking, for a mirror that does not list them."""
    bases = [base for base, quote in map(split_symbol, wanted) if quote in ("USD", "")]
    names = [("PF", base) for base in bases] + [("PI", base) for base in bases if base in _INVERSE_BASES]
    return [{"symbol": f"{kind}_{'XBT' if base == 'BTC' else base}USD"} for kind, base in names]


def _ask_window(market: Market, window: Window) -> AskWindow:
    whole = Answer()
    for contract in (market, *market.siblings):
        fills, silent = yield from _ask_contract(contract, window)
        where = page_request(contract, window.start_us // 1000, window.end_us // 1000, None).text
        answer = build_answer(fills, partial(parse_row, market=contract), window, where)
        whole.rows += answer.rows
        whole.rejected += answer.rejected
        whole.unknown += silent
        if silent:
            times = f"{len(silent)} minutes, the first {silent[0].start:%Y-%m-%d %H:%M}"
            whole.absent = f"{contract.instrument}: liquidated volume, but no fill marked as a liquidation in {times}"
    return whole


def _ask_contract(market: Market, window: Window) -> Generator[Request, Any, tuple[list[Row], list[Window]]]:
    """Read the forced fills of one contract; gives also the minutes that should have some and do not."""
    start_s, end_s = window.start_us // US_PER_S, window.end_us // US_PER_S
    volumes = yield from _ask_volumes(market, start_s, end_s)
    fills: dict[str, Row] = {}
    for low, high in plan_stretches(volumes, start_s, end_s):
        yield from _ask_stretch(market, low * 1000, high * 1000, fills)
    times = sorted(int(raw["timestamp"]) // 1000 for raw in fills.values())
    silent = []
    for second in (second for second, volume in volumes.items() if volume and second < end_s):
        place = bisect_left(times, second - MINUTE_S)
        if not any(ts < second + 2 * MINUTE_S for ts in times[place : place + 1]):
            silent.append(Window(second * US_PER_S, (second + MINUTE_S) * US_PER_S))
    return list(fills.values()), silent


def plan_stretches(volumes: Mapping[int, float], start_s: int, end_s: int) -> list[Interval]:
    """Say which seconds to read: minutes with volume or without a point, one more on either side, neighbours joined."""
    minutes = [second for second in range(start_s, end_s + 1, MINUTE_S) if volumes.get(second, second < end_s)]
    joined = merge_intervals((second - MINUTE_S, second + 2 * MINUTE_S + JOIN_S) for second in minutes)
    return [(low, high - JOIN_S) for low, high in joined]


def _ask_volumes(market: Market, start_s: int, end_s: int) -> Generator[Request, Any, dict[int, float]]:
    """Ask for the volume liquidated in each minute, by its second; nothing where there is no such series."""
    volumes: dict[int, float] = {}
    strikes = 0
    while strikes < SAME_QUESTION:
        payload = yield series_request(market, max(volumes, default=start_s - MINUTE_S) + MINUTE_S, end_s)
        if payload is None:
            return {}
        result = payload.get("result")
        if isinstance(result, dict) and "timestamp" in result:
            points = read_points(result)
            fresh = {second for second in points if start_s <= second <= end_s} - volumes.keys()
            volumes |= {second: points[second] for second in fresh}
            if (fresh or not points) and not result.get("more"):
                return volumes
            strikes = -1 if fresh else strikes
        strikes += 1  # an answer to another question: ask again
    raise RefusalError("the answer is no volume series of the time that was asked for")


def read_points(result: Row) -> dict[int, float]:
    """Read a series; its times are seconds (documented), or milliseconds."""
    times = [int(parse_number(ts)) for ts in result["timestamp"]]
    seconds = [ts // 1000 if ts > 10**11 else ts for ts in times]
    return dict(zip(seconds, map(parse_number, result["data"]), strict=True))


def _ask_stretch(market: Market, start_ms: int, end_ms: int, fills: dict[str, Row]) -> Generator[Request, Any, None]:
    """Read the executions of ``[start_ms, end_ms)`` to the last page."""
    token: str | None = None
    seen: set[str] = set()
    strikes = 0
    while strikes < SAME_QUESTION:
        page = yield page_request(market, start_ms, end_ms, token)
        elements = page.get("elements")
        new = {str(raw["uid"]) for raw in elements or ()} - seen
        if not (new and _is_asked(market, elements, start_ms, end_ms)) and (elements or not (token or strikes)):
            strikes += 1  # an answer to another question, or the page before: ask again; nothing has to be said twice
            continue
        for raw in elements:
            fills |= {f"{raw['uid']} {n}": row for n, row in enumerate(iter_forced(raw))}
        seen |= new
        token, strikes = page.get("continuationToken"), 0
        if not elements or not token:
            return
    raise RefusalError("none of its executions is among those that were asked for, or its paging does not go on")


def _is_asked(market: Market, elements: Sequence[Row], start_ms: int, end_ms: int) -> bool:
    orders = [raw["event"]["Execution"]["execution"].get("takerOrder") or {} for raw in elements]
    same = all(order.get("tradeable") in (None, market.instrument) for order in orders)
    return same and all(start_ms - 1 <= int(raw["timestamp"]) <= end_ms for raw in elements)


SOURCE = Source(
    name="kraken",
    exchanges=("kraken",),
    url="https://futures.kraken.com",
    limits=(Limit(120, 60, even=True),),
    window_us=DAY_US,
    grain_us=MINUTE_S * US_PER_S,
    retention_us=None,
    settle_us=900 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=("USD",),
)
