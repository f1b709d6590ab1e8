"""Poloniex perpetual futures, official REST (v3). No live endpoint was called; each fact states its evidence.

exchange: poloniex
docs: GET /v3/market/liquidationOrder, https://api-docs.poloniex.com/v3/futures/api/market/get-liquidation-order, and
    /v3/market/allInstruments (documented, both read 2026-11-22)
gives: the depth is unproven, so a window counts as known only if an older liquidation of its symbol is still listed;
    100 rows at most, from sTime to eTime, oldest first (the documentation's sample). Rows have no id although paging is
    by one (from), so a window that fills a page is split in two instead
limits: none found; liqcli sends 120 requests per minute, evenly spaced
side: side is the ORDER, BUY or SELL: a sell closes a long. posSide is the POSITION, LONG or SHORT, or BOTH in one-way
    mode (documented; the sample's BUY rows are SHORT)
price: bkPx, the price of the order according to the documentation; its name and the sample (71,983 and 80,909 within
    ten seconds) indicate the bankruptcy price, so price_kind bankruptcy
qty: sz in contracts of ctVal coins, 0.001 BTC (documented). Inverse contracts are not requested
time: uTime, the time of the liquidation, milliseconds as text (documented). Whether sTime and eTime are inclusive is
    unproven: both are widened by a millisecond. Five minutes are allowed for late events (unproven)
completeness: sampled: the websocket sends at most one per second; nothing is stated for this endpoint, so sampled is
    assumed
changed: v1 and v2 were removed on 2024-11-30 (documented)
fixture: tests/sources/responses/poloniex
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

from liqcli.core.formatting import format_time
from liqcli.core.model import US_PER_S, Liquidation, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, canonical, pick_markets, read_markets, read_size
from liqcli.sources.envelope import json_envelope
from liqcli.sources.rows import build_answer, build_liquidation, closed_position
from liqcli.sources.stale_answers import are_all_inside, read_field, read_moment, request_until_fitting

LIMIT = 100
OLDER_US = 30 * DAY_US  # how far before a window an older liquidation is searched
QUOTES = ("USDT",)
_MS = 1000  # µs
_BUSY = ("too many", "too frequent", "frequency", "busy", "try again")


decode = json_envelope("200", busy={"429"}, busy_words=_BUSY)


def list_request() -> Request:
    """Build the request for all contracts and their sizes."""
    return Request("/v3/market/allInstruments")


def window_request(market: ListedContract, start_us: int, end_us: int, limit: int = LIMIT) -> Request:
    """Build the request for the half-open ``[start_us, end_us)``, widened to suit inclusive and exclusive bounds."""
    params = (
        ("symbol", market.instrument),
        ("sTime", str(start_us // _MS - 1)),
        ("eTime", str(-(-end_us // _MS))),
        ("limit", str(limit)),
    )
    return Request("/v3/market/liquidationOrder", params)


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a contract; None for inverse contracts and dated ones, which share the symbol of the perpetual."""
    name = str(raw["symbol"])
    symbol = canonical(name)
    if symbol is None or not name.endswith("_PERP") or str(raw["ctType"]) != "LINEAR":
        return None
    return (
        ListedContract("poloniex", symbol, name, read_size(raw.get("ctVal")))
        if split_symbol(symbol)[1] in QUOTES
        else None
    )


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Read one liquidation.

    Raises
    ------
    ValueError
        A number is missing, the sides disagree, the size is unknown, or the row is of another contract.
    """
    if not _is_of(raw, market):
        raise ValueError(f"row of {raw['symbol']!r}, requested {market.instrument!r}")
    position = closed_position(str(raw["side"]))
    stated = str(raw["posSide"]).lower()
    if stated not in (position, "both"):
        raise ValueError(f"side is unclear: side {raw['side']}, posSide {raw['posSide']}")
    return build_liquidation(
        market,
        ts_us=int(parse_number(raw["uTime"])) * _MS,
        position=position,
        price=parse_number(raw["bkPx"]),
        price_kind="bankruptcy",
        contracts=parse_number(raw["sz"]),
        completeness="sampled",
        source="poloniex",
    )


def _is_of(raw: object, market: ListedContract) -> bool:
    """Return whether a row is of a contract; the documented sample writes BTC_USDT_PERP without underscores."""
    name = read_field(raw, "symbol")
    return name is None or str(name).replace("_", "") == market.instrument.replace("_", "")


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    listed = yield list_request()
    return pick_markets(read_markets(listed, parse_market), wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    """Request a window and one older row: without an older one, the start of the window may have been dropped."""
    raws: list[Any] = []
    cut: list[Window] = []
    yield from _ask_part(market, window, raws, cut)
    where = window_request(market, *window.interval).text
    answer = build_answer(raws, lambda raw: parse_row(raw, market), window, where, cut)
    before = Window(window.start_us - OLDER_US, window.start_us)
    older = yield from _ask_rows(market, before, limit=1)
    if not older:
        first = min((row.ts_us for row in answer.rows), default=window.end_us)
        answer.unknown = [Window(window.start_us, first)] if first > window.start_us else []
        if answer.unknown:
            answer.absent = f"nothing before {format_time(first)} UTC is listed; it may have been dropped"
    return answer


def _ask_part(
    market: ListedContract, window: Window, raws: list[Any], cut: list[Window]
) -> Generator[Request, Any, None]:
    rows = yield from _ask_rows(market, window)
    middle = (window.start_us + window.end_us) // 2 // _MS * _MS
    if len(rows) >= LIMIT and middle > window.start_us:
        yield from _ask_part(market, Window(window.start_us, middle), raws, cut)
        yield from _ask_part(market, Window(middle, window.end_us), raws, cut)
        return
    raws += [raw for raw in rows if _is_inside(raw, window)]
    if len(rows) >= LIMIT:
        cut.append(window)


def _ask_rows(market: ListedContract, window: Window, limit: int = LIMIT) -> Generator[Request, Any, list[Any]]:
    fits = partial(_is_asked, market=market, window=window)
    rows = yield from request_until_fitting(window_request(market, *window.interval, limit), fits)
    if not isinstance(rows, list):
        raise RefusalError("the answer is not a list of liquidations")
    return rows


def _is_asked(rows: object, market: ListedContract, window: Window) -> bool:
    if not isinstance(rows, list):
        return True
    times = (read_moment(raw, "uTime") for raw in rows)
    inside = are_all_inside(times, window.start_us / _MS - 1, window.end_us / _MS)
    return inside and all(_is_of(raw, market) for raw in rows)


def _is_inside(raw: object, window: Window) -> bool:
    """Return whether a row is of a part; requests are wider than parts, so rows at an edge come twice."""
    ts_ms = read_moment(raw, "uTime")
    return ts_ms is None or window.contains(int(ts_ms) * _MS)


SOURCE = Source(
    name="poloniex",
    exchanges=("poloniex",),
    url="https://api.poloniex.com",
    limits=(Limit(120, 60, even=True),),
    window_us=DAY_US,
    grain_us=_MS,
    retention_us=None,
    settle_us=300 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    by_default=False,
    quotes=QUOTES,
)
