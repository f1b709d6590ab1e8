"""Bitget perpetual futures, official REST of the unified account (v3). No live endpoint was called.

exchange: bitget
docs: GET /api/v3/market/liquidations, https://www.bitget.com/api-doc/uta/public/Get-Liquidations, read 2026-11-22
    (documented, in copies of it)
gives: the last 3 days, "may be delayed" (documented); 100 rows per page, newest first (seen by others), requests have
    no time parameters, so each window is reached by paging back from now with the cursor of the previous page (opaque,
    or a count of rows or pages: unproven)
limits: 5 requests per second and address (documented)
side: side is the POSITION: buy = a long was liquidated (proved by others on the cascade of 2026-10-07)
price: price, about the bankruptcy price (seen by others), so price_kind bankruptcy
qty: amount is in the QUOTE currency: 13.70319 / 0.1649 = 83.1 coins exactly (recorded); so coins = amount / price.
    Whether this also holds for COIN-FUTURES (USD) is unproven: rows that allow another reading (1000 at 62978.5 is not
    a round number of coins, so 1000 may be coins or contracts) are rejected
time: ts, milliseconds as text (recorded). Fifteen minutes are allowed for delayed rows (unproven)
completeness: sampled: the websocket sends at most one per second; nothing is stated for this endpoint, so sampled is
    assumed
changed: added 2026-06-25 (seen by others); v2 has no such data
fixture: tests/sources/responses/bitget
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from liqcli.core.model import US_PER_S, Liquidation, Position, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import HOUR_US, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, known_contract, pick_markets, read_markets
from liqcli.sources.envelope import json_envelope
from liqcli.sources.paging import AskPage, Page, walk_pages
from liqcli.sources.rows import build_answer, check_quote

LIMIT = 100
_POSITIONS: dict[str, Position] = {"buy": "long", "sell": "short"}
_CATEGORIES = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES", "USD": "COIN-FUTURES"}
_BUSY = frozenset({"429", "30007", "40010", "40015", "40200", "40725", "45001"})


decode = json_envelope("00000", busy=_BUSY, busy_words=("too many",))


def list_request(quote: str) -> Request:
    """Build the request for the contracts of a quote currency."""
    return Request("/api/v3/market/instruments", (("category", _CATEGORIES[quote]),), absent=(400, 404))


def page_request(market: ListedContract, cursor: str | None) -> Request:
    """Build the request for a page; the cursor comes from the page before."""
    params = (
        ("category", _CATEGORIES[split_symbol(market.symbol)[1]]),
        ("symbol", market.instrument),
        ("limit", str(LIMIT)),
    )
    return Request("/api/v3/market/liquidations", params if cursor is None else (*params, ("cursor", cursor)))


def parse_market(raw: Row) -> ListedContract | None:
    """Read a perpetual; None for anything else."""
    name = str(raw["symbol"])
    contract = known_contract("bitget", name) if str(raw.get("type", "perpetual")) == "perpetual" else None
    if contract is None or split_symbol(contract.symbol)[1] not in _CATEGORIES:
        return None
    return ListedContract("bitget", contract.symbol, name, None, inverse=contract.kind == "inverse")


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Read one liquidation.

    Raises
    ------
    ValueError
        A number is missing or not above zero, the side is unknown, or the row is of another contract.
    """
    if raw["symbol"] != market.instrument:
        raise ValueError(f"row of {raw['symbol']!r}, requested {market.instrument!r}")
    position = _POSITIONS.get(str(raw["side"]).lower())
    if position is None:
        raise ValueError(f"unknown side {raw['side']!r}")
    price, amount = parse_number(raw["price"]), parse_number(raw["amount"])
    if not (price > 0 and amount > 0):
        raise ValueError(f"price and amount must be above zero: {price!r}, {amount!r}")
    if market.inverse:
        check_quote(amount, price)
    try:
        qty = float(Decimal(str(raw["amount"])) / Decimal(str(raw["price"])))
    except InvalidOperation:
        qty = amount / price
    return Liquidation(
        ts_us=int(parse_number(raw["ts"])) * 1000,
        exchange="bitget",
        symbol=market.symbol,
        instrument=market.instrument,
        position=position,
        price=price,
        price_kind="bankruptcy",
        qty=qty,
        notional=amount,
        contracts=None,
        contract_size=None,
        completeness="sampled",
        event_id=None,
        source="bitget",
    )


def _spell(symbol: str) -> ListedContract:
    base, quote = split_symbol(symbol)
    return ListedContract("bitget", symbol, f"{base}PERP" if quote == "USDC" else symbol, None, inverse=quote == "USD")


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    found: list[ListedContract] = []
    quotes = {split_symbol(symbol)[1] for symbol in wanted}
    for quote in [q for q in _CATEGORIES if q in quotes or "" in quotes]:
        listed = yield list_request(quote)
        if listed is None:  # no list: trust the user
            found += [_spell(symbol) for symbol in wanted if split_symbol(symbol)[1] == quote]
        else:
            found += read_markets(listed, parse_market)
    return pick_markets(found, wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    """Page back from now to the window's start."""
    raws = yield from walk_pages(
        partial(_ask_page, market),
        lambda page: all(raw.get("symbol") == market.instrument for raw in page.rows),
        _is_newer,
        lambda rows: _reaches(rows, window.start_us),
    )
    where = page_request(market, None).text
    return build_answer(raws, lambda raw: parse_row(raw, market), window, where)


def _ask_page(market: ListedContract, cursor: str | None) -> AskPage:
    data = yield page_request(market, cursor)
    if not isinstance(data, dict) or not isinstance(data.get("list") or [], list):
        raise RefusalError("the answer is not a list of liquidations")
    rows, onward = data.get("list") or [], data.get("cursor")
    last = onward in (None, "") or (str(onward) == cursor and len(rows) < LIMIT)
    return Page(rows, None if last else str(onward))


def _is_newer(page: Sequence[Any], before: Sequence[Any]) -> bool:
    """Return whether a page starts with a row newer than the last row of the page before."""
    first, last = _time_of(page[0]), _time_of(before[-1]) if before else None
    return first is not None and last is not None and first > last


def _reaches(page: Sequence[Any], start_us: int) -> bool:
    """Return whether a page, newest first, ends before an instant; false for a page in another order."""
    times = [_time_of(raw) for raw in page]
    known = [ts for ts in times if ts is not None]
    return known == sorted(known, reverse=True) and bool(known) and known[-1] * 1000 < start_us


def _time_of(raw: Row) -> int | None:
    try:
        return int(parse_number(raw["ts"]))
    except (KeyError, ValueError, TypeError):
        return None


SOURCE = Source(
    name="bitget",
    exchanges=("bitget",),
    url="https://api.bitget.com",
    limits=(Limit(5, 1),),
    window_us=1000 * HOUR_US,
    grain_us=1000,
    retention_us=int(71.5 * HOUR_US),
    settle_us=900 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=tuple(_CATEGORIES),
)
