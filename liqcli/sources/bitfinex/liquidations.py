"""Bitfinex perpetuals, official REST. No live endpoint was called; each fact states its evidence.

exchange: bitfinex
docs: GET /v2/liquidations/hist and /v2/conf/pub:list:pair:futures on api-pub.bitfinex.com, read 2026-11-22 in ccxt
    4.5.90 and in the messages of tardis-node's tests; https://docs.bitfinex.com/reference/rest-public-liquidations
gives: liquidations of all symbols in one list, without a filter, newest first with sort=-1 (documented), at most 500
    per response, about 78 h (probed by others); read by moving `end` back. The depth is unproven, so three days without
    a row of any symbol are unknown, not empty. Only F0:USTF0 contracts, no spot margin (tBTCUSD)
limits: 3 requests per minute (documented), 11010 "ratelimit: error" with 429 (documented). A response contains all
    symbols, so a run sends each request once for all of them. Whether `start` and `end` are inclusive is unproven: both
    are handled
side: sign of AMOUNT [5] is the POSITION, above 0 = a long was liquidated (documented). IS_MATCH is not a side
price: PRICE_ACQUIRED [11], the execution (documented), so price_kind fill; BASE_PRICE [6] is the entry price of the
    position, not a liquidation price. A match without PRICE_ACQUIRED is rejected
qty: |AMOUNT| in base coins (documented); 1 UST counts as 1 USD
time: MTS, milliseconds (recorded). 15 minutes are allowed for late rows (unproven)
completeness: full: rows with IS_MATCH [8] = 1, the executions (documented); those with 0 are the trigger of the same
    position, POS_ID [1], and would count it twice. event_id is POS_ID, which several rows can share
changed: nothing dated; a trigger row of 2020 carried a PRICE_ACQUIRED (recorded)
fixture: tests/sources/responses/bitfinex
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from liqcli.core.model import US_PER_S, Liquidation, Position, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, Answer, AskMarkets, AskWhole, AskWindow, Source, WholeAnswer
from liqcli.sources.contracts import ListedContract, Row, canonical, pick_markets, read_markets
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import build_answer, build_liquidation

LIMIT = 500
TRIES = 2  # attempts, with either kind of bound, to get an answer that advances and matches the request
SILENCE_US = 3 * DAY_US
FIELDS = {"pos_id": 1, "mts": 2, "symbol": 4, "amount": 5, "base_price": 6, "is_match": 8, "price_acquired": 11}
_BUSY = frozenset({11010, 20060})
_LIST = Request("/v2/conf/pub:list:pair:futures", absent=(404,))


@dataclass(slots=True)
class WindowScan:
    """Result of reading a window: rows of all symbols, and instants with more rows than an answer."""

    start_ms: int
    rows: list[Row] = field(default_factory=list)
    cut: list[Window] = field(default_factory=list)


def decode(body: bytes) -> object:
    """Decode an answer; an error is a list that starts with "error", whatever the status."""
    payload = decode_json(body)
    if not isinstance(payload, list):
        raise ValueError("an answer that is not a list")
    if payload[:1] == ["error"]:
        said = " ".join(str(part) for part in payload[1:])
        raise BusyError(f"busy ({said})") if payload[1:2] and payload[1] in _BUSY else RefusalError(said)
    return payload


def page_request(start_ms: int, before_ms: int, limit: int = LIMIT) -> Request:
    """Build the request for the newest rows of ``[start_ms, before_ms)``; both bounds are widened."""
    bounds = (("start", str(start_ms - 1)), ("end", str(before_ms)))
    return Request("/v2/liquidations/hist", (*bounds, ("limit", str(limit)), ("sort", "-1")))


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a contract; None if it is not settled in UST."""
    name = str(raw["pair"])
    symbol = canonical(f"t{name}")
    return ListedContract("bitfinex", symbol, f"t{name}", 1.0) if symbol and name.endswith("F0:USTF0") else None


def name_fields(raw: object) -> Row:
    """Convert a row, which may be wrapped in a list, to named fields; other values are passed on to be rejected."""
    inner = raw[0] if isinstance(raw, list) and len(raw) == 1 else raw
    if not isinstance(inner, list) or len(inner) <= max(FIELDS.values()) or inner[0] != "pos":
        return {"unreadable": raw}
    return {name: inner[place] for name, place in FIELDS.items()}


def parse_row(raw: Row, market: ListedContract) -> Liquidation | None:
    """
    Parse one row; None for the trigger of a liquidation, whose executions follow.

    Raises
    ------
    ValueError
        A number is missing, or the row is neither trigger nor match.
    """
    position = read_position(raw["amount"])
    if raw["is_match"] not in (0, 1):
        raise ValueError(f"neither trigger nor match: {raw['is_match']!r}")
    if not raw["is_match"]:
        return None
    return build_liquidation(
        market,
        ts_us=int(parse_number(raw["mts"])) * 1000,
        position=position,
        price=parse_number(raw["price_acquired"]),
        price_kind="fill",
        contracts=abs(parse_number(raw["amount"])),
        completeness="full",
        source="bitfinex",
        event_id=str(raw["pos_id"]),
    )


def read_position(amount: object) -> Position:
    """
    Return the liquidated position from the sign of the amount.

    Raises
    ------
    ValueError
        The amount is zero or not a number.
    """
    number = parse_number(amount)
    if number == 0:
        raise ValueError("amount is zero: side is unclear")
    return "long" if number > 0 else "short"


def find_silence(times_us: Sequence[int], window: Window) -> list[Window]:
    """Find intervals of three days or more without any liquidation of any symbol; the feed was down then."""
    edges = sorted([window.start_us, *(ts for ts in times_us if window.contains(ts)), window.end_us])
    return [Window(before, after) for before, after in pairwise(edges) if after - before >= SILENCE_US]


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    listed = yield _LIST
    names = listed[0] if listed else _spell(wanted)
    return pick_markets(read_markets([{"pair": name} for name in names], parse_market), wanted)


def _spell(wanted: Sequence[str]) -> list[str]:
    """Spell contract names without a request, for mirrors that do not list them."""
    return [f"{base}F0:USTF0" for base, quote in map(split_symbol, wanted) if quote in ("USDT", "")]


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    scan = yield from _scan_window(window)
    return _build_answer(scan, market, window)


def _ask_whole(markets: Mapping[str, ListedContract], window: Window) -> AskWhole:
    scan = yield from _scan_window(window)
    names = {market.instrument for market in markets.values()}
    others = {str(raw.get("symbol")) for raw in scan.rows} - names
    return WholeAnswer(
        {symbol: _build_answer(scan, market, window) for symbol, market in markets.items()},
        {name for name in others if name.endswith("F0:USTF0")},
    )


def _scan_window(window: Window) -> Generator[Request, Any, WindowScan]:
    scan = WindowScan(window.start_us // 1000)
    before_ms: int | None = -(-window.end_us // 1000)
    while before_ms is not None:
        before_ms = yield from _ask_page(scan, before_ms)
    return scan


def _build_answer(scan: WindowScan, market: ListedContract, window: Window) -> Answer:
    where = page_request(scan.start_ms, window.end_us // 1000).text
    own = [raw for raw in scan.rows if raw.get("symbol", market.instrument) == market.instrument]
    answer: Answer = build_answer(own, lambda raw: parse_row(raw, market), window, where, scan.cut)
    answer.unknown = find_silence([ms * 1000 for raw in scan.rows if (ms := _read_time(raw)) is not None], window)
    if answer.unknown:
        first = answer.unknown[0]
        answer.absent = f"no row of any symbol from {first.start:%Y-%m-%d %H:%M} to {first.end:%Y-%m-%d %H:%M}"
    return answer


def _ask_page(scan: WindowScan, before_ms: int) -> Generator[Request, Any, int | None]:
    """Read the newest rows before an instant; return the instant to continue from, or None at the end."""
    best: list[Row] = []
    full = LIMIT - 2 * TRIES
    inside = False  # whether `end` is known to be inclusive
    for strike, end_ms in enumerate((before_ms, before_ms - 1) * TRIES):
        limit = LIMIT - strike  # a different request, so that a cache does not repeat a wrong answer
        page = [name_fields(raw) for raw in (yield page_request(scan.start_ms, end_ms, limit))]
        times = [ms for raw in page if (ms := _read_time(raw)) is not None]
        if not all(scan.start_ms - 1 <= ms <= before_ms for ms in times):
            continue  # answer to another request
        if len(page) >= full and times == sorted(times) and times[0] < times[-1]:
            raise RefusalError("a full page that is not newest first")
        inside = inside or end_ms in times
        whole = inside or end_ms == before_ms  # otherwise an exclusive `end` would lose a millisecond
        oldest = min(times, default=scan.start_ms)
        if whole and len(page) < full:
            scan.rows += _pick(page, scan.start_ms - 1, before_ms)
            return None
        if whole and oldest + 1 < before_ms:
            scan.rows += _pick(page, oldest + 1, before_ms)  # its oldest millisecond may continue on the next page
            return oldest + 1
        best = page if end_ms == before_ms else best
    if not best:
        raise RefusalError("no row lies in the requested time")
    scan.rows += _pick(best, before_ms - 1, before_ms)
    scan.cut.append(Window((before_ms - 1) * 1000, before_ms * 1000))
    return before_ms - 1


def _pick(page: Sequence[Row], start_ms: int, before_ms: int) -> list[Row]:
    """Return the rows of ``[start_ms, before_ms)`` and rows whose time cannot be read."""
    return [raw for raw in page if (ms := _read_time(raw)) is None or start_ms <= ms < before_ms]


def _read_time(raw: Row) -> int | None:
    try:
        return int(parse_number(raw["mts"]))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


SOURCE = Source(
    name="bitfinex",
    exchanges=("bitfinex",),
    url="https://api-pub.bitfinex.com",
    limits=(Limit(3, 60),),
    window_us=7 * DAY_US,
    grain_us=60 * US_PER_S,
    retention_us=None,
    settle_us=900 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=("USDT",),
    shared=True,
    ask_whole=_ask_whole,
)
