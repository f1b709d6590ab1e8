"""HTX (Huobi) swaps, official REST: v5 of USDT-margined ones, v3 of coin-margined ones. No live endpoint was called.

exchange: htx
docs: GET /v5/market/liquidation_orders, read 2026-11-22 in ccxt 4.5.90; /linear-swap-api/v3/swap_liquidation_orders
    where there is no v5, and /swap-api/v3/swap_liquidation_orders of coin-margined swaps, read 2026-11-22 in the copy
    of HTX's documentation of 2025-11-30 (documented); https://www.htx.com/en-us/opend/newApiPages/
gives: the last 90 days (documented); 100 rows per page in v5, not stated for v3; direct=next with from (from_id) = the
    highest id so far (documented). Whether the row of that id is repeated is unproven: rows are identified by id, and a
    page without a new id is the last
limits: windows of at most 2 h (documented); 240 requests in 3 s per address, shared (documented); errors come as HTTP
    200 with status "error" or a code other than 200 (documented). v1 of the path is offline, code 10000 (probed)
side: v5 position_side is the POSITION, side the order (recorded); v3 and websocket: direction is the order, a sell
    closes a long (recorded). with position_side "both" (one-way mode) the order decides (unproven)
price: v5 bankrupt_price, v3 price: the bankruptcy price (documented), so price_kind bankruptcy
qty: v5 amount is CONTRACTS (recorded), so base coins = trade_turnover / bankrupt_price; v3 and websocket: amount is
    base coins (recorded, 0.227 x 23350.5 = 5300.5635); volume is contracts in all. A coin-margined contract is 100 USD
    of BTC, 10 USD of others: 173 x 100 / 17102.9 = 1.01152 BTC (documented)
time: v5 liquidation_time, v3 created_at, milliseconds (recorded). Five minutes are allowed for late events (unproven)
completeness: full: one order per row, no sampling stated (documented)
changed: v1 removed; v3 renamed fields (2021), v5 again (2026): the fields of a row determine its version
fixture: tests/sources/responses/htx
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from liqcli.core.model import US_PER_S, Liquidation, Position, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, HOUR_US, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, known_contract, pick_markets, read_markets, read_size
from liqcli.sources.envelope import Payload, json_envelope
from liqcli.sources.rows import build_answer, build_liquidation, closed_position
from liqcli.sources.stale_answers import are_all_inside, read_field, read_moment, request_until_fitting

LIMIT = 100
_BUSY = frozenset({"429", "500", "502", "503", "504", "1000", "1001", "1003", "1004", "1032"})
_BUSY_WORDS = ("too many", "frequen", "system busy", "try again", "exceeded the limit")
_OFFLINE = "10000"
ROUND = 10  # pages shorter than requested have a round number of rows if there are more
_SAME = 1e-3  # tolerance between a row's turnover and volume x contract size; beyond it the size is outdated


def _read_code(payload: Payload) -> str:
    """Read the error code, which v3 and v5 name differently; 200 if there is none and the status is not an error."""
    code = str(payload.get("err_code") or payload.get("err-code") or payload.get("code") or 200)
    return "error" if code == "200" and payload.get("status") == "error" else code


decode = json_envelope(
    "200",
    busy=_BUSY,
    busy_words=_BUSY_WORDS,
    code=_read_code,
    message=("err_msg", "err-msg", "message", "msg"),
    is_absent=lambda code, _text: code == _OFFLINE,  # the path was removed
)


def list_request(inverse: bool) -> Request:
    """Build the request for all contracts and their sizes."""
    return Request("/swap-api/v1/swap_contract_info" if inverse else "/linear-swap-api/v1/swap_contract_info")


def page_request(market: ListedContract, window: Window, after_id: str | None, newer: bool = True) -> Request:
    """Build the request for a page; the end is inclusive here and cut off later, to suit either kind of bound."""
    bounds = (("start_time", str(window.start_us // 1000)), ("end_time", str(window.end_us // 1000)))
    if newer and not market.inverse:
        params = (("contract_code", market.instrument), *bounds, ("direct", "next"), ("limit", str(LIMIT)))
        further = () if after_id is None else (("from", after_id),)
        return Request("/v5/market/liquidation_orders", (*params, *further), absent=(404,))
    params = (("contract", market.instrument), ("trade_type", "0"), *bounds, ("direct", "next"))
    further = () if after_id is None else (("from_id", after_id),)
    family = "swap-api" if market.inverse else "linear-swap-api"
    return Request(f"/{family}/v3/swap_liquidation_orders", (*params, *further))


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a perpetual; None for other contracts."""
    name = str(raw["contract_code"])
    contract = known_contract("htx", name) if name.count("-") == 1 else None
    if contract is None:
        return None
    size = read_size(raw.get("contract_size"))
    return ListedContract("htx", contract.symbol, name, size, inverse=contract.kind == "inverse")


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Parse one liquidation in the form of v5, or of v3 and the websocket.

    Raises
    ------
    ValueError
        A number is missing, the sides disagree, the size is unknown, or the row is of another contract.
    """
    if raw["contract_code"] != market.instrument:
        raise ValueError(f"row of {raw['contract_code']!r}, requested {market.instrument!r}")
    newer = "bankrupt_price" in raw
    price = parse_number(raw["bankrupt_price" if newer else "price"])
    row = build_liquidation(
        market,
        ts_us=int(parse_number(raw["liquidation_time" if newer else "created_at"])) * 1000,
        position=_read_position(raw) if newer else closed_position(str(raw["direction"])),
        price=price,
        price_kind="bankruptcy",
        contracts=parse_number(raw["volume"]),
        completeness="full",
        source="htx",
        event_id=row_id(raw),
    )
    qty = parse_number(raw["trade_turnover"]) / price if newer else parse_number(raw["amount"])
    if abs(row.qty - qty) > _SAME * qty:  # the contract size was different then: use the row's own figures
        turnover = qty * price if market.inverse else parse_number(raw["trade_turnover"])
        return row._replace(qty=qty, notional=turnover, contract_size=None)
    return row


def row_id(raw: Row) -> str | None:
    """Return the id of a row, whose name depends on the version."""
    found = raw.get("id", raw.get("query_id"))
    return None if found is None else str(found)


def _read_position(raw: Row) -> Position:
    by_order = closed_position(str(raw["side"]))
    stated = str(raw["position_side"]).lower()
    if stated not in (by_order, "both"):
        raise ValueError(f"side is unclear: side {raw['side']}, position_side {raw['position_side']}")
    return by_order


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    quotes = {split_symbol(word)[1] for word in wanted}
    found: list[ListedContract] = []
    for inverse in (False, True):
        if quotes & {"", "USD"} if inverse else quotes - {"USD"}:
            listed = yield list_request(inverse)
            found += read_markets(listed, parse_market)
    return pick_markets(found, wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    seen: dict[str, Any] = {}
    nameless: list[Any] = []
    after_id: str | None = None
    newer = True
    while True:
        fits = partial(_is_asked, market=market, window=window, seen=seen, after_id=after_id)
        page = yield from request_until_fitting(
            page_request(market, window, after_id, newer), fits, "paging does not advance"
        )
        if page is None and newer and not seen:
            newer = False  # v5 is not available
            continue
        if not isinstance(page, list):
            raise RefusalError("the answer is not a list of orders")
        fresh = {found: raw for raw in page if (found := row_id(raw)) is not None and found not in seen}
        seen |= fresh
        nameless += [raw for raw in page if row_id(raw) is None]
        after_id = _highest(fresh)
        if after_id is None or (newer and not market.inverse and len(page) < LIMIT and len(page) % ROUND):
            break
    where = page_request(market, window, None, newer).text
    return build_answer([*seen.values(), *nameless], lambda raw: parse_row(raw, market), window, where)


def _highest(ids: Iterable[str]) -> str | None:
    """Return the id to continue from: the highest number, or the last id if ids are not numbers."""
    found = list(ids)
    return max(found, key=int) if found and all(one.isdecimal() for one in found) else next(iter(found[-1:]), None)


def _is_asked(
    rows: object, market: ListedContract, window: Window, seen: Mapping[str, Any], after_id: str | None
) -> bool:
    """Return whether rows are of this contract and time and, apart from the last known one, new."""
    if not isinstance(rows, list) or not rows:
        return True
    same = all(read_field(raw, "contract_code") in (None, market.instrument) for raw in rows)
    stale = all(row_id(raw) in seen for raw in rows) and [row_id(raw) for raw in rows] != [after_id]
    times = (read_moment(raw, "liquidation_time", "created_at") for raw in rows)
    inside = are_all_inside(times, window.start_us // 1000, window.end_us // 1000, leak=1000)
    return same and not stale and inside


SOURCE = Source(
    name="htx",
    exchanges=("htx",),
    url="https://api.hbdm.com",
    limits=(Limit(240, 3),),
    window_us=2 * HOUR_US,
    grain_us=1000,
    retention_us=90 * DAY_US - 60 * US_PER_S,  # a start older than 90 days on arrival is refused
    settle_us=300 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
)
