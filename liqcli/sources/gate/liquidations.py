"""Gate perpetual futures, official REST. No live endpoint was called; each fact states its evidence.

exchange: gate
docs: GET /api/v4/futures/{usdt|btc}/liq_orders, read 2026-11-22 in the copy of Gate's documentation of 2025-11-30
    (documented); https://www.gate.com/docs/developers/apiv4/
gives: about the last 90 days (probed by others 2026-09-08: 90 days answered, 95 days empty); newest first; no paging;
    at most 1000 rows per response (documented), so a full window is split in two, down to one second. Without
    `contract` the response has every contract of the settlement (documented as optional, not tried)
limits: to - from at most 3600 s, else 400 "range from/to must in 1 hour" (recorded); from and to are whole seconds,
    both inclusive (documented); 200 requests in 10 s per endpoint and address (documented), applied to all endpoints
    together
side: sign of size is the POSITION, above 0 = a long was liquidated; order_size has the other sign (recorded, 109 of
    109). The websocket's sign is the opposite one. A row whose two signs agree is rejected
price: fill_price, the average fill (documented), so price_kind fill; order_price, near bankruptcy, is not used
qty: executed contracts = |order_size| - |left|, times quanto_multiplier of the contract; order_size may be missing and
    is then -size; it may differ from size if only a part is closed (recorded). On btc settle one contract of an inverse
    market is 1 USD (unproven)
time: time in seconds (documented); time_ms if present and in the same second (seen by others). Five minutes are allowed
    for late events (unproven)
completeness: full: one order per row, no sampling stated (documented)
changed: nothing dated; older rows have no order_size, newer ones have time_ms; one parser reads all
fixture: tests/sources/responses/gate
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from liqcli.core.instruments import Kind
from liqcli.core.model import US_PER_S, Liquidation, Position, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, HOUR_US, Answer, AskMarkets, AskWhole, AskWindow, Source, WholeAnswer
from liqcli.sources.contracts import ListedContract, Row, known_contract, pick_markets, read_markets, read_size
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import build_answer, build_liquidation
from liqcli.sources.stale_answers import are_all_inside, has_duplicates, read_field, read_moment, request_until_fitting

LIMIT = 1000
LIMITS = (Limit(200, 10),)
_SETTLES = {"USDT": "usdt", "USD": "btc"}
_BUSY = frozenset({"SERVER_ERROR", "INTERNAL"})


def decode(body: bytes) -> object:
    """Decode an answer; errors have an HTTP status, but a label inside a 200 is an error too."""
    payload = decode_json(body)
    if isinstance(payload, dict) and "label" in payload:
        label = str(payload["label"])
        if label.startswith("TOO_") or label in _BUSY:
            raise BusyError(f"busy ({label})")
        raise RefusalError(f"{label} {payload.get('message', '')}")
    return payload


def contract_request(symbol: str) -> Request | None:
    """Build the request for the contract of a symbol; None if Gate has no such contracts."""
    base, quote = split_symbol(symbol)
    if quote not in _SETTLES:
        return None
    return Request(f"/api/v4/futures/{_SETTLES[quote]}/contracts/{base}_{quote}", absent=(400, 404))


def list_requests() -> list[Request]:
    """Build the request for all contracts."""
    return [Request(f"/api/v4/futures/{settle}/contracts", absent=(400, 404)) for settle in _SETTLES.values()]


def window_request(settle: str, contract: str | None, start_s: int, end_s: int) -> Request:
    """
    Build the request for the half-open seconds ``[start_s, end_s)`` of one contract, or of all with this settlement.

    Gate's bounds are inclusive.
    """
    params = (
        *([("contract", contract)] if contract else []),
        ("from", str(start_s)),
        ("to", str(end_s - 1)),
        ("limit", str(LIMIT)),
    )
    return Request(f"/api/v4/futures/{settle}/liq_orders", params)


def settle_of(market: ListedContract) -> str:
    """Return the settlement of a contract, which is part of the path."""
    return _SETTLES["USD" if market.inverse else "USDT"]


def parse_market(raw: Row) -> ListedContract | None:
    """Parse a contract; None for quanto contracts, whose size is unknown, and for names that are not symbols."""
    name = str(raw["name"])
    stated = {"inverse": "inverse", "direct": "linear"}.get(str(raw.get("type")))
    contract = known_contract("gate", name, cast("Kind | None", stated))
    if contract is None:
        return None
    inverse = contract.kind == "inverse"
    size = contract.face if inverse else read_size(raw.get("quanto_multiplier"))
    return ListedContract("gate", contract.symbol, name, size, inverse)


def parse_row(raw: Row, market: ListedContract) -> Liquidation | None:
    """
    Read one liquidation; None if nothing of the order was executed.

    Raises
    ------
    ValueError
        A number is missing, the two signs agree, or the row is of another contract.
    """
    if raw["contract"] != market.instrument:
        raise ValueError(f"row of {raw['contract']!r}, requested {market.instrument!r}")
    size = parse_number(raw["size"])
    order_size = -size if raw.get("order_size") is None else parse_number(raw["order_size"])
    if not size * order_size < 0:
        raise ValueError(f"side is unclear: size {size:g}, order_size {order_size:g}")
    position: Position = "long" if size > 0 else "short"
    executed = abs(order_size) - abs(parse_number(raw["left"]))
    if executed == 0:
        return None
    if executed < 0:
        raise ValueError(f"more left ({raw['left']}) than ordered ({order_size:g})")
    return build_liquidation(
        market,
        ts_us=parse_time(raw),
        position=position,
        price=parse_number(raw["fill_price"]),
        price_kind="fill",
        contracts=round(executed, 12),  # 4.2 - 0.1 contracts are 4.1, not 4.1000000000000005
        completeness="full",
        source="gate",
    )


def parse_time(raw: Row) -> int:
    """Parse the time, in milliseconds if stated and consistent with the second. [µs UTC]"""
    second = parse_number(raw["time"])
    millis = raw.get("time_ms")
    if millis is not None and int(parse_number(millis)) // 1000 == int(second):
        return int(parse_number(millis)) * 1000
    return round(second * US_PER_S)


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    found: list[ListedContract] = []
    complete = True
    for symbol in wanted:
        request = contract_request(symbol)
        raw = (yield request) if request else None
        markets = read_markets([raw], parse_market)
        complete = complete and bool(markets)
        found += markets
    if complete:
        return pick_markets(found, wanted)
    for request in list_requests():  # for a base alone or an unknown name, request the whole list
        listed = yield request
        found += read_markets(listed, parse_market)
    return pick_markets(found, wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    raws: list[Any] = []
    cut: list[Window] = []
    asked = settle_of(market), market.instrument
    yield from _ask_seconds(*asked, window.start_us // US_PER_S, window.end_us // US_PER_S, raws, cut)
    where = window_request(*asked, window.start_us // US_PER_S, window.end_us // US_PER_S).text
    answer: Answer = build_answer(raws, lambda raw: parse_row(raw, market), window, where, cut)
    return answer


def _ask_whole(markets: Mapping[str, ListedContract], window: Window) -> AskWhole:
    """Request all contracts of each settlement at once; a row counts only for its own settlement."""
    whole = WholeAnswer()
    start_s, end_s = window.start_us // US_PER_S, window.end_us // US_PER_S
    for settle in sorted({settle_of(market) for market in markets.values()}):
        raws: list[Any] = []
        cut: list[Window] = []
        yield from _ask_seconds(settle, None, start_s, end_s, raws, cut)
        where = window_request(settle, None, start_s, end_s).text
        named: defaultdict[str, list[Any]] = defaultdict(list)
        for raw in raws:
            named[str(read_field(raw, "contract"))].append(raw)
        for symbol, market in markets.items():
            if settle_of(market) == settle:
                own = named.pop(market.instrument, [])
                whole.answers[symbol] = build_answer(own, partial(parse_row, market=market), window, where, cut)
        whole.others.update(named)
    return whole


def _ask_seconds(
    settle: str, contract: str | None, start_s: int, end_s: int, raws: list[Any], cut: list[Window]
) -> Generator[Request, Any, None]:
    fits = partial(_is_asked, contract=contract, start_s=start_s, end_s=end_s)
    payload = yield from request_until_fitting(window_request(settle, contract, start_s, end_s), fits)
    if not isinstance(payload, list):
        raise RefusalError("the answer is not a list of orders")
    if len(payload) >= LIMIT and end_s - start_s > 1:
        middle = (start_s + end_s) // 2
        yield from _ask_seconds(settle, contract, start_s, middle, raws, cut)
        yield from _ask_seconds(settle, contract, middle, end_s, raws, cut)
        return
    raws += payload
    if len(payload) >= LIMIT:
        cut.append(Window(start_s * US_PER_S, end_s * US_PER_S))


def _is_asked(rows: object, contract: str | None, start_s: int, end_s: int) -> bool:
    """Return whether rows are of these seconds, give or take one, and of a named contract, without duplicates."""
    if not isinstance(rows, list):
        return True
    same = contract is None or all(read_field(raw, "contract") in (None, contract) for raw in rows)
    times = [read_moment(raw, "time") for raw in rows]
    return same and are_all_inside(times, start_s, end_s - 1, leak=1) and not has_duplicates(rows, times)


SOURCE = Source(
    name="gate",
    exchanges=("gate",),
    url="https://api.gateio.ws",
    limits=LIMITS,
    window_us=HOUR_US,
    grain_us=US_PER_S,
    retention_us=90 * DAY_US,
    settle_us=300 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    ask_whole=_ask_whole,
)
