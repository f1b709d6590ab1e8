"""The trades of dYdX v4's public indexer. No live endpoint was called; each fact states its evidence.

exchange: dydx
docs: GET /v4/trades/perpetualMarket/{BTC-USD} of indexer.dydx.trade; v4-chain trades-controller.ts, read 2026-11-22
    (documented in that code)
gives: all trades, newest first, 1000 per page, created at or before a time or a block height (documented); liquidations
    are selected from them. The depth of the indexer is unproven: time more than an hour before its oldest trade stays
    unknown, not empty
limits: 100 requests in 10 s per address (from memory, unproven); liqcli sends half of that
side: side of the TAKER, the order that closes the position: SELL = a long was liquidated (recorded 2024-08-04)
price: price, the fill (documented), so price_kind fill
qty: size in coins (documented); priced in USD
time: createdAt, ISO 8601 with milliseconds (recorded). Five minutes are allowed for a late indexer (unproven)
completeness: full: one row per fill of kind LIQUIDATED; DELEVERAGED is not a liquidation and is left out (documented)
changed: nothing dated
fixture: tests/sources/responses/dydx
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from liqcli.core.model import US_PER_S, Liquidation, Window, from_us, parse_number, to_us
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import HOUR_US, Answer, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Listing, Row, canonical, pick_markets, read_markets
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import build_answer, build_liquidation, closed_position
from liqcli.sources.stale_answers import request_twice

LIMIT = 1000
KIND = "LIQUIDATED"
STALE_TRIES = 5


def decode(body: bytes) -> object:
    """Decode an answer; an error inside a 200 is retried if it reports overload."""
    payload = decode_json(body)
    if not isinstance(payload, dict):
        raise RefusalError("the answer is not an object")
    if "errors" in payload or "error" in payload:
        said = str(payload.get("errors") or payload.get("error"))
        if any(word in said.lower() for word in ("too many", "internal", "timeout", "unavailable", "rate")):
            raise BusyError(f"busy ({said})")
        raise RefusalError(said)
    return payload


def list_request() -> Request:
    """Build the request for all markets."""
    return Request("/v4/perpetualMarkets", absent=(404,))


def page_request(market: ListedContract, bound: tuple[str, str]) -> Request:
    """Build the request for the page of trades at or before a height or a time."""
    return Request(f"/v4/trades/perpetualMarket/{market.instrument}", (("limit", str(LIMIT)), bound))


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a market; None for names that are not plain contract names."""
    name = str(raw["ticker"])
    symbol = canonical(name)
    return ListedContract("dydx", symbol, name, 1.0) if symbol and name.endswith("-USD") else None


def parse_row(raw: Row, market: ListedContract) -> Liquidation | None:
    """
    Read one trade; None for ordinary trades and deleveraging.

    Raises
    ------
    ValueError
        A number is missing, or the side is unknown.
    """
    if str(raw["type"]).upper() != KIND:
        return None
    row = build_liquidation(
        market,
        ts_us=time_of(raw),
        position=closed_position(str(raw["side"])),
        price=parse_number(raw["price"]),
        price_kind="fill",
        contracts=parse_number(raw["size"]),
        completeness="full",
        source="dydx",
        event_id=str(raw["id"]),
    )
    return row._replace(contracts=None, contract_size=None)


def time_of(raw: Row) -> int:
    """Parse the time of a trade. [µs UTC]"""
    return to_us(datetime.fromisoformat(str(raw["createdAt"])))


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    answer = yield list_request()
    if answer is None:  # no list: trust the user
        bases = {f"{base}USD": base for base, quote in map(split_symbol, wanted) if quote in ("USD", "")}
        return Listing({symbol: ListedContract("dydx", symbol, f"{base}-USD", 1.0) for symbol, base in bases.items()})
    return pick_markets(read_markets(list(answer["markets"].values()), parse_market), wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    """
    Page from the window's end to its start: first by time, then by the height of the oldest trade.

    A block may continue on the next page, so its height is requested again; ids identify repeats.
    """
    seen: dict[str, Any] = {}
    cut: list[Window] = []
    bound = ("createdBeforeOrAt", from_us(window.end_us).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    ceiling: int | None = None
    stale, oldest_us = 0, window.end_us
    while True:
        # In a quiet market all trades may be older than the window; such an answer must come twice.
        answer = yield from request_twice(page_request(market, bound), lambda answer: _is_near(answer, window.start_us))
        page = answer.get("trades")
        if not isinstance(page, list):
            raise RefusalError("the answer is not a list of trades")
        fresh = {str(raw["id"]): raw for raw in page if str(raw["id"]) not in seen}
        beyond = any(_is_beyond(raw, ceiling, window.end_us) for raw in page)
        if beyond or (not fresh and page and len(page) >= LIMIT and not _one_block(page, ceiling)):
            stale += 1
            if stale >= STALE_TRIES:
                raise RefusalError(f"paging does not advance: unrequested trades were returned {STALE_TRIES} times")
            continue
        stale = 0
        seen |= fresh
        oldest_us = min([oldest_us, *(time_of(raw) for raw in page)])
        if len(page) < LIMIT or oldest_us < window.start_us:
            break
        height = min(int(raw["createdAtHeight"]) for raw in page)
        if height == ceiling:  # a block with more trades than a page: the rest cannot be requested
            cut.append(Window(oldest_us // 1000 * 1000, oldest_us // 1000 * 1000 + 1000))
            height -= 1
        ceiling = height
        bound = ("createdBeforeOrAtHeight", str(height))
    where = page_request(market, bound).text
    result = build_answer(list(seen.values()), lambda raw: parse_row(raw, market), window, where, cut)
    return _mark_unknown(result, window, oldest_us)


def _mark_unknown(answer: Answer, window: Window, oldest_us: int) -> Answer:
    """Mark as unknown what lies over an hour before the oldest trade; an hour without trades is normal."""
    if oldest_us > window.start_us + HOUR_US or (oldest_us == window.end_us and not answer.rows):
        end_us = min(oldest_us // 1000 * 1000, window.end_us)
        answer.unknown = [Window(window.start_us, end_us)]
        answer.absent = f"no trade before {from_us(end_us):%Y-%m-%d %H:%M} UTC: the indexer keeps no older ones"
    return answer


def _is_beyond(raw: Row, ceiling: int | None, end_us: int) -> bool:
    if ceiling is not None:
        return int(raw["createdAtHeight"]) > ceiling
    return time_of(raw) > end_us


def _is_near(answer: Row, start_us: int) -> bool:
    page = answer.get("trades")
    return not isinstance(page, list) or not page or any(time_of(raw) > start_us for raw in page)


def _one_block(page: Sequence[Row], ceiling: int | None) -> bool:
    return ceiling is not None and {int(raw["createdAtHeight"]) for raw in page} == {ceiling}


SOURCE = Source(
    name="dydx",
    exchanges=("dydx",),
    url="https://indexer.dydx.trade",
    limits=(Limit(50, 10),),
    window_us=6 * HOUR_US,
    grain_us=1000,
    retention_us=None,
    settle_us=300 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    by_default=False,
    quotes=("USD",),
)
