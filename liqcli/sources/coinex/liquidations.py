"""CoinEx perpetual futures, official REST (v2). No live endpoint was called; each fact states its evidence.

exchange: coinex
docs: GET /v2/futures/liquidation-history,
    https://docs.coinex.com/api/v2/futures/market/http/list-market-liquidation-history (documented, read in copies
    2026-11-22)
gives: at least nine months (paged by others to 2026-01-01 on 2026-09-28; deeper is unproven and not requested), 100
    rows per page (documented), paged by number while pagination.has_next; newest first (seen by others) or not
    (sample); both are accepted
limits: none found; liqcli sends 150 requests per minute, as others did without errors. start_time and end_time in
    milliseconds; whether they are inclusive is unproven, so requests are a millisecond wider on each side
side: side is the POSITION, long or short (documented)
price: liq_price, at which the liquidation is triggered (documented), so price_kind trigger; no fill is published.
    bkr_price, the bankruptcy price, is used only if liq_price is missing, with price_kind bankruptcy
qty: liq_amount in coins on linear markets (documented; the unit is unproven). Inverse markets are not requested
time: created_at, milliseconds (documented). Five minutes are allowed for late events (unproven)
completeness: full: no sampling stated (unproven)
changed: nothing dated
fixture: tests/sources/responses/coinex
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from liqcli.core.model import US_PER_S, Liquidation, Position, PriceKind, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, canonical, pick_markets, read_markets
from liqcli.sources.envelope import Payload, json_envelope
from liqcli.sources.paging import AskPage, Page, walk_pages
from liqcli.sources.rows import build_answer, multiply
from liqcli.sources.stale_answers import are_all_inside, read_moment

LIMIT = 100
QUOTES = ("USDT", "USDC")
_POSITIONS: dict[str, Position] = {"long": "long", "short": "short"}
_BUSY = frozenset({"429", "4001", "4002", "4003", "4213"})


def _read(payload: Payload) -> tuple[object, bool]:
    """Return the data, and whether there is a next page."""
    return payload.get("data"), bool((payload.get("pagination") or {}).get("has_next"))


decode = json_envelope("0", busy=_BUSY, busy_words=("too many", "busy"), message=("message",), read=_read)


def list_request() -> Request:
    """Build the request for all markets."""
    return Request("/v2/futures/market", absent=(400, 404))


def page_request(market: ListedContract, window: Window, page: int) -> Request:
    """Build the request for a page, counted from 1, widened to suit inclusive and exclusive bounds."""
    params = (
        ("market", market.instrument),
        ("start_time", str(window.start_us // 1000 - 1)),
        ("end_time", str(window.end_us // 1000)),
        ("page", str(page)),
        ("limit", str(LIMIT)),
    )
    return Request("/v2/futures/liquidation-history", params)


def parse_market(raw: Row) -> ListedContract | None:
    """Read a market; None for inverse ones."""
    name = str(raw["market"])
    symbol = canonical(name)
    if symbol is None or split_symbol(symbol)[1] not in QUOTES or raw.get("contract_type", "linear") != "linear":
        return None
    return ListedContract("coinex", symbol, name, None)


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Read one liquidation.

    Raises
    ------
    ValueError
        A number is missing or not above zero, the side is unknown, or the row is of another market.
    """
    if _name_of(raw) != market.instrument:
        raise ValueError(f"row of {raw['market']!r}, requested {market.instrument!r}")
    position = _POSITIONS.get(str(raw["side"]).lower())
    if position is None:
        raise ValueError(f"unknown side {raw['side']!r}")
    kind: PriceKind = "trigger" if raw.get("liq_price") not in (None, "", "0") else "bankruptcy"
    price = parse_number(raw["liq_price" if kind == "trigger" else "bkr_price"])
    amount = parse_number(raw["liq_amount"])
    if not (price > 0 and amount > 0):
        raise ValueError(f"price and amount must be above zero: {price!r}, {amount!r}")
    return Liquidation(
        ts_us=int(parse_number(raw["created_at"])) * 1000,
        exchange="coinex",
        symbol=market.symbol,
        instrument=market.instrument,
        position=position,
        price=price,
        price_kind=kind,
        qty=amount,
        notional=multiply(amount, price),
        contracts=None,
        contract_size=None,
        completeness="full",
        event_id=None,
        source="coinex",
    )


def _name_of(raw: Row) -> str:
    return str(raw.get("market")).strip()  # the documented sample has a blank before the name


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    answer = yield list_request()
    if answer is None:  # no list: trust the user
        markets = [
            ListedContract("coinex", symbol, symbol, None) for symbol in wanted if split_symbol(symbol)[1] in QUOTES
        ]
    else:
        markets = read_markets(answer[0], parse_market)
    return pick_markets(markets, wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    raws = yield from walk_pages(partial(_ask_page, market, window), partial(_is_asked, market=market, window=window))
    where = page_request(market, window, 1).text
    return build_answer(raws, lambda raw: parse_row(raw, market), window, where)


def _ask_page(market: ListedContract, window: Window, number: str | None) -> AskPage:
    rows, more = yield page_request(market, window, int(number or 1))
    if not isinstance(rows, list):
        raise RefusalError("the answer is not a list of liquidations")
    return Page(rows, str(int(number or 1) + 1) if more else None)


def _is_asked(page: Page, market: ListedContract, window: Window) -> bool:
    times = (read_moment(raw, "created_at") for raw in page.rows)
    mine = all(_name_of(raw) == market.instrument for raw in page.rows)
    inside = are_all_inside(times, window.start_us // 1000 - 1, window.end_us // 1000)
    return mine and inside and not (page.next_cursor and not page.rows)


SOURCE = Source(
    name="coinex",
    exchanges=("coinex",),
    url="https://api.coinex.com",
    limits=(Limit(150, 60, even=True),),
    window_us=DAY_US,
    grain_us=1000,
    retention_us=270 * DAY_US,
    settle_us=300 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=QUOTES,
)
