"""OKX perpetual swaps, official REST. No live endpoint was called; each fact states its evidence.

exchange: okx
docs: GET /api/v5/public/liquidation-orders; removed from OKX's documentation but answering on 2026-08-09 and 2026-09
    (probed by others); https://www.okx.com/docs-v5/
gives: the last 23.5 to 24 h (probed by others); 100 rows per page, newest first; after = rows older than that time
    (documented). Several rows may share the millisecond at the end of a page; they are requested again, so none is
    lost. For one user lists ended after 450 to 1000 rows, for another after 1525 (probed): if a list of 400 rows or
    more ends over an hour after the start of the retention, the time before it stays unknown. Recorded messages of the
    websocket channel liquidation-orders have the same rows (documented); `liqcli import` reads them (okx-stream)
limits: needs uly or instFamily, else 50015 (documented); 40 requests in 2 s per address (documented); the rate limit is
    code 50011 with HTTP 200 (documented)
side: posSide is the POSITION, side the order, a sell closes a long; if posSide is "net", side decides (documented). A
    row where the two disagree is rejected
price: bkPx, the bankruptcy price (documented), so price_kind bankruptcy
qty: sz in contracts, times ctVal x ctMult of /api/v5/public/instruments: base coins when linear, USD when inverse
    (BTC-USD-SWAP: 100 USD) (documented)
time: ts, milliseconds as text (recorded); events may arrive minutes late (documented); 15 min are allowed
completeness: sampled: OKX says that it "may not represent the total" (documented, for the websocket; for this REST
    answer unproven, so sampled is assumed)
changed: 2020 v3 table with type 3 long, 4 short; 2021 v5 flat rows; 2023 v5 rows with details, the only form read here
fixture: tests/sources/responses/okx
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from liqcli.core.instruments import Kind, read_contract, require_kind
from liqcli.core.model import US_PER_S, Liquidation, Position, Window, from_us, parse_number
from liqcli.core.times import now_us
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import HOUR_US, Answer, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Row, known_contract, pick_markets, read_markets, read_size
from liqcli.sources.envelope import json_envelope
from liqcli.sources.okx.paging import PageCursor, page_request, request_page
from liqcli.sources.rows import build_answer, build_liquidation, closed_position, multiply

CHANNEL = "liquidation-orders"  # of the websocket, with the rows of the REST answer
LIMITS = (
    Limit(40, 2, "/api/v5/public/liquidation-orders"),
    Limit(20, 2, "/api/v5/public/instruments"),
    Limit(20, 2, "/api/v5/market/"),
    Limit(10, 2, "/api/v5/rubik/"),
)
LONG = 400  # rows; lists were seen to end after 450 and more
RETENTION_US = int(23.5 * HOUR_US)
_BUSY = frozenset({"50001", "50004", "50011", "50013", "50026", "50040", "50061"})


decode = json_envelope("0", busy=_BUSY)


def list_request(kind: str = "SWAP") -> Request:
    """Build the request for all contracts of a kind and their sizes."""
    return Request("/api/v5/public/instruments", (("instType", kind),))


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a swap; without a contract kind the quote decides, without a multiplier it is 1."""
    name = str(raw["instId"])
    stated: Kind | None = raw.get("ctType") or None
    contract = known_contract("okx", name, stated) if name.endswith("-SWAP") else None
    value, times = read_size(raw.get("ctVal")), read_size(raw.get("ctMult") or 1)
    if contract is None:
        return None
    size = multiply(value, times) if value and times else None
    return ListedContract("okx", contract.symbol, name, size, inverse=contract.kind == "inverse")


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Parse one liquidation, an entry of ``details``.

    Raises
    ------
    ValueError
        A number is missing, posSide and side disagree, or the contract size is unknown.
    """
    return build_liquidation(
        market,
        ts_us=int(parse_number(raw["ts"])) * 1000,
        position=_read_position(raw),
        price=parse_number(raw["bkPx"]),
        price_kind="bankruptcy",
        contracts=parse_number(raw["sz"]),
        completeness="sampled",
        source="okx",
    )


def iter_orders(message: object) -> Iterator[tuple[str, Row]]:
    """
    Yield instrument and row of each liquidation in a message of ``liquidation-orders``, websocket or REST.

    Answers to subscriptions and messages of other channels contain none.

    Raises
    ------
    ValueError
        Not a message.
    """
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    channel = (message.get("arg") or {}).get("channel", CHANNEL)
    for entry in message.get("data") or () if channel == CHANNEL else ():
        for raw in entry["details"]:
            yield str(entry["instId"]), raw


def parse_order(order: tuple[str, Row], sizes: Mapping[str, float]) -> Liquidation:
    """
    Parse one order of :func:`iter_orders`.

    Parameters
    ----------
    sizes : mapping
        Instrument -> base coins (linear) or USD (inverse) per contract. Inverse contracts have a known size.

    Raises
    ------
    ValueError
        A number is missing, posSide and side disagree, or the contract size is unknown.
    """
    name, raw = order
    contract = read_contract("okx", name)
    inverse = require_kind(contract, "okx", name) == "inverse"
    size = sizes.get(name, contract.face)
    if size is None:
        raise ValueError(f"contract size of {name} is unknown; pass --contract-size {name}=SIZE")
    return parse_row(raw, ListedContract("okx", contract.symbol, name, size, inverse))


def _read_position(raw: Row) -> Position:
    by_order = closed_position(str(raw["side"]))
    stated = str(raw.get("posSide") or "net").lower()
    if stated not in (by_order, "net"):
        raise ValueError(f"side is unclear: side {raw['side']}, posSide {raw['posSide']}")
    return by_order


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    listed = yield list_request()
    return pick_markets(read_markets(listed, parse_market), wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    """Request a window; if it starts at the edge of the retention, include older rows that are still kept."""
    kept_us = now_us() - RETENTION_US
    edge = abs(window.start_us - kept_us) < 60 * US_PER_S
    cursor = PageCursor(market, 0 if edge else window.start_us // 1000, window.end_us // 1000)
    while cursor.after_ms > cursor.start_ms and not cursor.ended:
        cursor.add((yield from request_page(cursor)))
    near = Window(window.start_us - HOUR_US, window.end_us) if edge else window
    raws = [*cursor.raws, *cursor.timeless.values()]
    where = page_request(market, window.end_us // 1000).text
    answer = build_answer(raws, lambda raw: parse_row(raw, market), near, where, cursor.cut)
    if cursor.ended and cursor.after_ms * 1000 > max(window.start_us, kept_us + HOUR_US):
        yield from _doubt_end(cursor, window, answer)
    return answer


def _doubt_end(cursor: PageCursor, window: Window, answer: Answer) -> Generator[Request, Any, None]:
    """Mark as unknown what lies before the early end of a long list, which may have been truncated."""
    newer = PageCursor(cursor.market, window.end_us // 1000, now_us() // 1000)
    rows = len(cursor.raws)
    while rows < LONG and newer.after_ms > newer.start_ms and not newer.ended:
        newer.add((yield from request_page(newer)))
        rows = len(cursor.raws) + sum(parse_number(raw["ts"]) >= newer.start_ms for raw in newer.raws)
    if rows >= LONG:
        end_us = cursor.after_ms * 1000
        answer.unknown = [Window(window.start_us, end_us)]
        answer.absent = f"lists nothing before {from_us(end_us):%Y-%m-%d %H:%M} UTC; its list may be truncated"


SOURCE = Source(
    name="okx",
    exchanges=("okx",),
    url="https://www.okx.com",
    limits=LIMITS,
    window_us=6 * HOUR_US,
    grain_us=1000,
    retention_us=RETENTION_US,
    settle_us=900 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
)
