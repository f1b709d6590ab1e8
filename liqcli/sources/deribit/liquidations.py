"""Deribit perpetuals, trades of the history host. No live endpoint was called; each fact states its evidence.

exchange: deribit
docs: GET /api/v2/public/get_last_trades_by_instrument[_and_time] and get_instruments on history.deribit.com, read
    2026-11-22 (documented, https://docs.deribit.com/); www.deribit.com serves only the last 24 h (documented)
gives: every trade since 2020, or 2018 according to others (probed); trades with a `liquidation` mark are kept. The
    first page of a window is requested by time, others by trade_seq. Pages are unsorted and contain a trade from just
    outside (probed); trade_seq has no holes (probed: 0 of 257,202), so a remaining hole is a cut. No dated futures
limits: count at most 1000 (documented), 10000 is accepted (probed by two projects); a smaller response is continued, a
    400 is repeated with 1000. 1.1 requests per second succeeded (probed), 20 are allowed elsewhere (unproven); liqcli
    sends 120 per minute. 10028 too_many_requests is the rate limit (documented)
side: direction is the TAKER's; liquidation T: the taker was liquidated, a sell closes a long; M: the maker, so the
    other side (recorded, 2 of 2); MT: both (documented): it closes a long and a short, so it becomes two rows
price: price, the fill (documented), so price_kind fill
qty: amount is USD for inverse contracts (BTC-PERPETUAL), base coins for linear ones (BTC_USDC-PERPETUAL) (documented);
    contracts exists since 2024 and is kept unchanged
time: timestamp, milliseconds (recorded). The mark comes about 60 min after the trade (probed by others, 94 of 94), so
    nothing younger than two hours is requested
completeness: full: every trade, each with its mark (probed by others)
changed: contracts since 2024; before 2020 unproven
fixture: tests/sources/responses/deribit
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from liqcli.core.instruments import Kind
from liqcli.core.intervals import Intervals
from liqcli.core.model import Liquidation, Window, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import BusyError, RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import HOUR_US, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Listing, Row, known_contract, pick_markets, read_markets
from liqcli.sources.envelope import decode_json
from liqcli.sources.paging import PAGE_TRIES
from liqcli.sources.rows import build_answer, build_liquidation, closed_position

PAGE = 10_000
SMALL_PAGE = 1_000  # documented maximum, for servers that refuse more
LEAK = 10  # rows outside the request that an answer may contain; requests are smaller by as many
_BUSY = frozenset({10028, 10040, 10041, 10047, 10066, 11051, 13028, 13888})
_PERPETUAL = re.compile(r"^[A-Z0-9]+(_USDC)?-PERPETUAL$")
_LIST = Request(
    "/api/v2/public/get_instruments", (("currency", "any"), ("kind", "future"), ("expired", "false")), absent=(400, 404)
)
_TRADES = "/api/v2/public/get_last_trades_by_instrument"


@dataclass(slots=True)
class InstrumentScan:
    """Trades read so far: time by trade_seq, and trades marked as liquidations by id."""

    market: ListedContract
    start_ms: int
    end_ms: int
    page: int = PAGE
    times: dict[int, int] = field(default_factory=dict)
    marked: dict[str, Row] = field(default_factory=dict)

    def add(self, trades: Iterable[Row]) -> None:
        """Add the trades of a page, in any order; repeats are harmless."""
        for raw in trades:
            self.times[int(raw["trade_seq"])] = int(raw["timestamp"])
            if raw.get("liquidation"):
                self.marked[str(raw["trade_id"])] = raw

    def holes(self) -> list[tuple[int, int]]:
        """List half-open ranges of trade_seq missing between the lowest and the highest."""
        return [(low + 1, high) for low, high in pairwise(sorted(self.times)) if high - low > 1]


def decode(body: bytes) -> object:
    """Decode an answer; errors have status 400 or 429, or come inside a 200."""
    payload = decode_json(body)
    if not isinstance(payload, dict):
        raise ValueError("an answer that is not an object")
    error = payload.get("error")
    if isinstance(error, dict):
        said = f"{error.get('code')} {error.get('message', '')}"
        raise BusyError(f"busy ({said})") if error.get("code") in _BUSY else RefusalError(said)
    if "result" not in payload:
        raise ValueError("an answer without a result")
    return payload["result"]


def page_request(scan: InstrumentScan, seqs: tuple[int, int] | None) -> Request:
    """Build the request for the trades numbered ``[low, high)``, or for the first ones of the window."""
    first, last = ("start_timestamp", "end_timestamp") if seqs is None else ("start_seq", "end_seq")
    low, high = (scan.start_ms, scan.end_ms) if seqs is None else (seqs[0], seqs[1] - 1)
    bounds = ((first, str(low)), (last, str(high)))
    params = (("instrument_name", scan.market.instrument), *bounds, ("count", str(scan.page)), ("sorting", "asc"))
    path = f"{_TRADES}_and_time" if seqs is None else _TRADES
    return Request(path, params, absent=(400,) if scan.page > SMALL_PAGE else ())


def parse_market(raw: Row) -> ListedContract | None:
    """Parse an instrument; None for dated futures and names that contradict the instrument type."""
    name = str(raw["instrument_name"])
    stated = {"reversed": "inverse", "linear": "linear", None: None}.get(raw.get("instrument_type"), "other")
    contract = known_contract("deribit", name, cast("Kind | None", stated)) if _PERPETUAL.match(name) else None
    return ListedContract("deribit", contract.symbol, name, 1.0, contract.kind == "inverse") if contract else None


def spell_markets(wanted: Sequence[str]) -> Listing:
    """Spell perpetuals without a request, for mirrors without a list: inverse BTC and ETH, any linear one."""
    names: list[str] = []
    for base, quote in map(split_symbol, wanted):
        names += [f"{base}-PERPETUAL"] if quote in ("USD", "") and base in ("BTC", "ETH") else []
        names += [f"{base}_USDC-PERPETUAL"] if quote in ("USDC", "") else []
    return pick_markets(read_markets([{"instrument_name": name} for name in names], parse_market), wanted)


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Read one marked trade; MT trades must be split by :func:`split_sides`.

    Raises
    ------
    ValueError
        A number is missing, the mark is neither T nor M, or the trade is of another instrument.
    """
    if raw["instrument_name"] != market.instrument:
        raise ValueError(f"trade of {raw['instrument_name']!r}, requested {market.instrument!r}")
    position, mark = closed_position(str(raw["direction"])), str(raw["liquidation"])
    if mark not in ("T", "M"):
        raise ValueError(f"unclear which side was liquidated: {mark!r}")
    if mark == "M":  # direction is the taker's; the maker was on the other side
        position = "short" if position == "long" else "long"
    amount = parse_number(raw["amount"])
    row = build_liquidation(
        market,
        ts_us=int(parse_number(raw["timestamp"])) * 1000,
        position=position,
        price=parse_number(raw["price"]),
        price_kind="fill",
        contracts=amount,
        completeness="full",
        source="deribit",
        event_id=str(raw["trade_id"]),
    )
    stated = raw.get("contracts")
    contracts = None if stated is None else parse_number(stated)
    return row._replace(contracts=contracts, contract_size=round(amount / contracts, 12) if contracts else None)


def split_sides(raw: Row) -> list[Row]:
    """Split a trade in which taker and maker were liquidated into two rows."""
    return [{**raw, "liquidation": mark} for mark in "TM"] if raw.get("liquidation") == "MT" else [raw]


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    listed = yield _LIST
    return spell_markets(wanted) if listed is None else pick_markets(read_markets(listed, parse_market), wanted)


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    scan = InstrumentScan(market, window.start_us // 1000, -(-window.end_us // 1000))
    more = yield from _ask_page(scan, None)
    if scan.times:
        yield from _ask_edges(scan, scan.page - LEAK if more else LEAK)
        yield from _ask_holes(scan)
    edges = [(scan.times[low - 1], scan.times[high]) for low, high in scan.holes()]
    cut = [Window(min(pair) * 1000, (max(pair) + 1) * 1000) for pair in edges]
    raws = [side for raw in scan.marked.values() for side in split_sides(raw)]
    return build_answer(raws, lambda raw: parse_row(raw, market), window, page_request(scan, None).text, cut)


def _ask_edges(scan: InstrumentScan, step: int) -> Generator[Request, Any, None]:
    """Read in both directions until a trade outside the window proves that nothing is missing."""
    while (first := min(scan.times)) > 1 and scan.times[first] >= scan.start_ms:
        yield from _ask_page(scan, (max(1, first - LEAK), first))
        if min(scan.times) == first:
            break
    while scan.times[last := max(scan.times)] < scan.end_ms:
        yield from _ask_page(scan, (last + 1, last + 1 + step))
        if max(scan.times) == last:
            break
        step = scan.page - LEAK


def _ask_holes(scan: InstrumentScan) -> Generator[Request, Any, None]:
    """Request the missing ranges, each until it yields no new trades."""
    lost: list[tuple[int, int]] = []
    while missing := Intervals(scan.holes()) - lost:
        low = missing[0][0]
        high = min(missing[0][1], low + scan.page - LEAK)
        known = len(scan.times)
        yield from _ask_page(scan, (low, high))
        if len(scan.times) == known:
            lost.append((low, high))


def _ask_page(scan: InstrumentScan, seqs: tuple[int, int] | None) -> Generator[Request, Any, bool]:
    """
    Read one page; return whether there are more.

    Answers that do not match are requested again. One without a trade of the request may be the answer to another
    request, so it must come twice.
    """
    doubtful: set[frozenset[str]] = set()
    for _ in range(PAGE_TRIES):
        result = yield page_request(scan, seqs)
        if result is None:
            scan.page = SMALL_PAGE
            result = yield page_request(scan, seqs)
        trades = result.get("trades") if isinstance(result, dict) else None
        if not isinstance(trades, list):
            raise RefusalError("the answer is not a list of trades")
        inside = _count_inside(scan, seqs, trades)
        if len(trades) - inside > LEAK or any(raw["instrument_name"] != scan.market.instrument for raw in trades):
            continue
        told = frozenset(str(raw["trade_id"]) for raw in trades)
        if inside or told in doubtful:
            scan.add(trades)
            return bool(result.get("has_more")) or len(trades) >= scan.page
        doubtful.add(told)
    raise RefusalError("the trades do not match the request")


def _count_inside(scan: InstrumentScan, seqs: tuple[int, int] | None, trades: Sequence[Row]) -> int:
    """Count the trades that belong to the request."""
    key, low, high = ("timestamp", scan.start_ms, scan.end_ms + 1) if seqs is None else ("trade_seq", *seqs)
    return sum(low <= int(raw[key]) < high for raw in trades)


SOURCE = Source(
    name="deribit",
    exchanges=("deribit",),
    url="https://history.deribit.com",
    limits=(Limit(120, 60, even=True),),
    window_us=12 * HOUR_US,
    grain_us=1000,
    retention_us=None,
    settle_us=0,
    delay_us=2 * HOUR_US,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    quotes=("USD", "USDC"),
)
