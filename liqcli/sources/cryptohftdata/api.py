"""CryptoHFTData: hourly files of liquidations of six exchanges. No live endpoint called; each fact states its evidence.

exchange: binance (USD-M), bybit, okx, bitget, kraken, aster
docs: https://www.cryptohftdata.com/docs and the Python package cryptohftdata 0.8.0, read 2026-11-22 (documented)
gives: GET /v1/download?file={venue}/{YYYY-MM-DD}/{HH}/{SYMBOL}_liquidations.parquet, one file per hour from 2025-06-28
    on (documented for Binance and Kraken; others may begin later, unproven). GET /v1/symbols lists names (documented).
    404 = no events OR a missing hour (documented), so the hour stays unknown and is requested again
limits: 60 requests per minute without a key, 429 with Retry-After (documented); bursts can ban (seen by others)
side: order-like for all exchanges: SELL = a long was liquidated (documented)
price: Binance and Aster average_price, the fill (order where it is missing); Bybit, OKX, Bitget price, the bankruptcy
    price; Kraken price, the fill
qty: Binance and Aster filled_quantity, Bybit and Kraken PF_ quantity in coins; Bybit inverse and Kraken PI_ USD; OKX
    contracts x the size that OKX states; Bitget quote currency as in its own feed (unproven here, so rows with a round
    amount but without a round amount / price are rejected). Numbers are text (documented)
time: trade_time, else event_time, milliseconds (documented). A row may be in a later hour's file (documented for OKX):
    each window also reads the following hour; until that is available, the last hour is provisional
completeness: Bybit full; the others sampled, as their feeds send at most one per second (Kraken: unproven, so sampled
    is assumed)
changed: until 2026-08-19 files are wrapped in a zstd frame, later ones are not (documented); the first bytes decide
fixture: tests/sources/cryptohftdata/test_cryptohftdata_api.py (recorded events in its columns)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from liqcli.core.model import US_PER_S, Window, from_us
from liqcli.core.symbols import split_symbol
from liqcli.core.times import now_us
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import DAY_US, HOUR_US, Answer, AskMarkets, AskWindow, Source
from liqcli.sources.contracts import ListedContract, Listing, Row, pick_markets
from liqcli.sources.cryptohftdata.files import VENUES, decode, parse_row, read_instrument
from liqcli.sources.rows import build_answer
from liqcli.sources.stale_answers import read_field, read_moment, request_twice

FIRST_US = 1_751_068_800 * US_PER_S  # 2025-06-28


def spell(exchange: str, symbol: str) -> str | None:
    """Return the most likely name of the perpetual of a symbol, if there is no list."""
    base, quote = split_symbol(symbol)
    if exchange == "okx":
        return f"{base}-{quote}-SWAP" if quote else None
    if exchange == "kraken":
        return f"PF_{'XBT' if base == 'BTC' else base}USD" if quote == "USD" else None
    if quote == "USDC" and exchange in ("bybit", "bitget"):
        return f"{base}PERP"
    return symbol if quote in ("USDT", "USDC") or (quote == "USD" and exchange in ("bybit", "bitget")) else None


def file_request(exchange: str, instrument: str, hour_us: int) -> Request:
    """Build the request for one hour."""
    hour = from_us(hour_us)
    name = f"{VENUES[exchange].folder}/{hour:%Y-%m-%d}/{hour:%H}/{instrument}_liquidations.parquet"
    return Request("/v1/download", (("file", name),), absent=(404,), file=True)


def find_obstacle(window: Window) -> str | None:
    """Return why a window cannot be requested: it lies before the first file."""
    return None if window.end_us > FIRST_US else "its files begin on 2025-06-28"


def _ask_markets(exchange: str, wanted: Iterable[str]) -> AskMarkets:
    wanted = list(wanted)
    params = (("exchange", VENUES[exchange].folder), ("data_type", "liquidations"))
    names = yield Request("/v1/symbols", params, absent=(404,))
    if names is None:
        quoted = [w for word in wanted for w in ([word] if split_symbol(word)[1] else [f"{word}USDT", f"{word}USD"])]
        spelled = {symbol: name for symbol in quoted if (name := spell(exchange, symbol))}
        return Listing({symbol: ListedContract(exchange, symbol, name, None) for symbol, name in spelled.items()})
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(str(name) for name in names):
        if contract := read_instrument(exchange, name):
            found[contract.symbol].append(name)
    return pick_markets(
        (ListedContract(exchange, symbol, ",".join(own), None) for symbol, own in found.items()), wanted
    )


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    """Read the hours of a window and the next one; rows before the window are late rows of earlier hours."""
    hours = list(range(window.start_us, window.end_us, HOUR_US))
    after = [window.end_us] if window.end_us + HOUR_US <= now_us() else []
    near = Window(window.start_us - DAY_US, window.end_us)
    answer = Answer()
    missing: dict[int, str] = {}
    read: list[Any] = []
    for hour in [*hours, *after]:
        for instrument in market.instrument.split(","):
            request = file_request(market.exchange, instrument, hour)
            fits = partial(_is_of_hour, instrument=instrument, hour_us=hour)
            raws = yield from request_twice(request, fits, lambda rows: not rows or rows not in read, running=4)
            read.append(raws)
            if raws is None:
                missing.setdefault(hour, request.params[0][1])
                continue
            part = build_answer(raws, lambda raw: parse_row(raw, market), near, request.text)
            answer.rows += part.rows
            answer.rejected += part.rejected if hour in hours else []
    absent = [hour for hour in hours if hour in missing]
    answer.unknown = [Window(hour, hour + HOUR_US) for hour in absent]
    settled = {hour - HOUR_US for hour in [*hours, *after] if hour not in missing}
    answer.unsettled = [Window(hour, hour + HOUR_US) for hour in hours if hour not in settled]
    if absent:
        first = missing[absent[0]]
        answer.absent = f"{len(absent)} of {len(hours)} hours have no file (quiet, or not recorded), first {first}"
    return answer


def _is_of_hour(rows: Sequence[Row] | None, instrument: str, hour_us: int) -> bool:
    """Return whether rows are of this hour's file; others would count twice and leave this hour empty."""
    same = all(read_field(raw, "symbol") in (None, instrument) for raw in rows or ())
    received = [read_moment(raw, "received_time") for raw in rows or ()]
    return same and (not received or any(ns is None or hour_us <= ns / 1000 < hour_us + HOUR_US for ns in received))


SOURCE = Source(
    name="cryptohftdata",
    exchanges=tuple(VENUES),
    url="https://api.cryptohftdata.com",
    limits=(Limit(60, 60, even=True),),
    window_us=6 * HOUR_US,
    grain_us=HOUR_US,
    retention_us=None,
    settle_us=0,
    delay_us=600 * US_PER_S,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    mostly=("binance", "bybit"),  # the two largest, which publish no history themselves
    sizes_from={"okx": "okx"},
    find_obstacle=find_obstacle,
)
