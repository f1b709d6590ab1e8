"""Tardis.dev daily files of liquidations of many exchanges. No live endpoint was called; each fact states its evidence.

exchange: binance, aster, bybit, okx, htx, deribit, bitmex, ftx, bitget, dydx (others: download the file and import it)
docs: https://docs.tardis.dev/downloadable-csv-files, read 2026-11-22 (documented)
gives: GET /v1/{exchange}/liquidations/YYYY/MM/DD/{SYMBOL}.csv.gz on datasets.tardis.dev, one file per day from 2019 on;
    PERPETUALS.csv.gz has all perpetuals of the day (documented), which --symbol all reads;
    the first day of each month is free, other days need LIQCLI_KEY_TARDIS (documented); published about 06:00 UTC of
    the next day (documented). 404 = no such file, which is not the same as no liquidations
limits: none stated; liqcli sends 60 requests per minute. Some clients receive 403 without a User-Agent (probed by
    others)
side: order-like for all exchanges: sell = a long was liquidated (documented)
price: as in each exchange's feed: Binance order, OKX, Bybit, HTX bankruptcy, Deribit, dYdX, FTX fill
qty: in each exchange's own unit; contract sizes of OKX and HTX are requested from those exchanges
time: timestamp, microseconds of the exchange (documented). A file is cut by local_timestamp (documented), so an event
    just before midnight may be in the next day's file: days are added to each other and never replaced, and the file
    after the last requested day is also read, if available
completeness: as the exchange's websocket: Bybit (from 2025-02-26), HTX, Deribit full, Binance and OKX sampled
    (documented)
changed: 2025-02-26 Bybit's stream sends all liquidations instead of one per second; before 2020-05-14 Binance's data is
    faulty
fixture: tests/sources/responses/tardis
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from liqcli.core.environment import source_key
from liqcli.core.model import Liquidation, Window
from liqcli.core.symbols import EVERY, expiry_of, split_symbol
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.net.response_body import Body, as_file
from liqcli.sources.base import (
    DAY_US,
    HOUR_US,
    Answer,
    AskMarkets,
    AskWhole,
    AskWindow,
    Source,
    WholeAnswer,
    WholeFiles,
)
from liqcli.sources.contracts import ListedContract, Listing, Row
from liqcli.sources.rows import build_answer
from liqcli.sources.stale_answers import are_all_inside, read_field, read_moment, request_until_fitting
from liqcli.sources.tardis.files import is_measurable, parse_row

Spelling = tuple[str, str]
WHOLE = "PERPETUALS"  # instead of a contract: all perpetuals of the exchange
COLUMNS = ("exchange", "symbol", "timestamp", "side", "price", "amount")


def decode(body: Body) -> list[Row]:
    """
    Decode a file, compressed once, twice (by the transport too) or not at all.

    Raises
    ------
    ValueError
        The file is truncated or not such a CSV (an HTML page); the request is retried.
    """
    data = body
    try:
        while data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=as_file(data)) as packed:
                data = packed.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"a broken gzip file ({len(body)} bytes)") from error
    text = str(data, "utf-8")
    if body[:2] != b"\x1f\x8b" and not text.strip():
        raise ValueError("an empty body")
    if not text.strip():
        return []  # Tardis publishes an empty file for a day without events
    reader = csv.DictReader(io.StringIO(text))
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        kind = "an HTML page" if text.lstrip().startswith("<") else "something else"
        raise ValueError(f"{kind} instead of a liquidations CSV")
    return list(reader)


def spell(exchange: str, symbol: str) -> Spelling | None:
    """Return Tardis's exchange id and name of the perpetual of a symbol; None if unknown."""
    base, quote = split_symbol(symbol)
    writer = _SPELLINGS.get(exchange)
    return writer(base, quote) if writer and base and quote and not expiry_of(symbol) else None


def day_request(venue: str, instrument: str, window: Window) -> Request:
    """Build the request for one day."""
    path = f"/v1/{venue}/liquidations/{window.start:%Y/%m/%d}/{instrument}.csv.gz"
    return Request(path, absent=(404,), packed=True, file=True)


def find_obstacle(window: Window) -> str | None:
    """Return why a day cannot be requested: all but the first of a month need a key."""
    if window.start.day == 1 or source_key("tardis"):
        return None
    return "needs a key in LIQCLI_KEY_TARDIS (without one, Tardis gives the first day of each month)"


def _xbt(base: str) -> str:
    return "XBT" if base == "BTC" else base


def _spell_okx(base: str, quote: str) -> Spelling:
    return "okex-swap", f"{base}-{quote}-SWAP"


def _spell_binance(base: str, quote: str) -> Spelling:
    return ("binance-delivery", f"{base}USD_PERP") if quote == "USD" else ("binance-futures", base + quote)


def _spell_htx(base: str, quote: str) -> Spelling:
    return ("huobi-dm-swap" if quote == "USD" else "huobi-dm-linear-swap"), f"{base}-{quote}"


def _spell_deribit(base: str, quote: str) -> Spelling | None:
    if quote not in ("USD", "USDC"):
        return None
    return "deribit", f"{base}-PERPETUAL" if quote == "USD" else f"{base}_USDC-PERPETUAL"


def _spell_bitmex(base: str, quote: str) -> Spelling:
    return "bitmex", _xbt(base) + quote


def _perp_of_usdc(venue: str) -> Callable[[str, str], Spelling]:
    return lambda base, quote: (venue, f"{base}PERP" if quote == "USDC" else base + quote)


_SPELLINGS: Mapping[str, Callable[[str, str], Spelling | None]] = {
    "binance": _spell_binance,
    "aster": lambda base, quote: ("aster-futures", base + quote),
    "bybit": _perp_of_usdc("bybit"),
    "okx": _spell_okx,
    "htx": _spell_htx,
    "deribit": _spell_deribit,
    "bitmex": _spell_bitmex,
    "ftx": lambda base, quote: ("ftx", f"{base}-PERP") if quote == "USD" else None,
    "bitget": _perp_of_usdc("bitget-futures"),
    "dydx": lambda base, quote: ("dydx-v4", f"{base}-USD") if quote == "USD" else None,
}


def name_whole(exchange: str, symbol: str) -> str | None:
    """Return Tardis's exchange id whose file of all perpetuals has the rows of a symbol; None if unknown."""
    pair = spell(exchange, symbol)
    return pair[0] if pair else None


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    """Spell file names without a request; any symbol that can be spelled counts as listed, even without a file."""
    yield from ()
    names = [
        symbol for word in wanted for symbol in ([word] if split_symbol(word)[1] else [f"{word}USDT", f"{word}USD"])
    ]
    spelled = {symbol: pair for symbol in names if (pair := spell(exchange, symbol))}
    return Listing({symbol: ListedContract(exchange, symbol, pair[1], None) for symbol, pair in spelled.items()})


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    pair = spell(market.exchange, market.symbol)
    assert pair is not None, "a market that _ask_markets gave"  # noqa: S101
    request = day_request(*pair, window)
    raws = yield from request_until_fitting(request, partial(_is_asked, market=market, day_us=window.start_us))
    if raws is None:
        return _find_no_file(window, request)
    sizes = {} if market.contract_size is None else {market.instrument: market.contract_size}

    def parse(raw: Row) -> Liquidation:
        return _read_row(raw, market, sizes)

    return build_answer(raws, parse, _near(window), request.path)


def _ask_whole(venue: str, sizes: Mapping[str, float], window: Window) -> AskWhole:
    """Request the file of all perpetuals; rows of contracts without a known USD value are left out and named."""
    request = day_request(venue, WHOLE, window)
    raws = yield from request_until_fitting(request, partial(_is_whole, venue=venue, day_us=window.start_us))
    if raws is None:
        return WholeAnswer({EVERY: _find_no_file(window, request)})
    names = {name for raw in raws if isinstance(name := read_field(raw, "symbol"), str)}
    others = {name for name in names if not is_measurable(venue, name, sizes)}

    def parse(raw: Row) -> Liquidation:
        _check_columns(raw)
        return parse_row(raw, sizes)

    kept = [raw for raw in raws if read_field(raw, "symbol") not in others]
    return WholeAnswer({EVERY: build_answer(kept, parse, _near(window), request.path)}, others)


def _find_no_file(window: Window, request: Request) -> Answer:
    tail = window.length_us < DAY_US  # of an unrequested day
    return Answer(unknown=[window]) if tail else Answer(absent=f"no file {request.path}")


def _near(window: Window) -> Window:
    """Return the times of rows that are kept: files are cut by the time of receipt."""
    return Window(window.start_us - DAY_US, window.start_us + 2 * DAY_US)


def _is_asked(rows: Sequence[Row] | None, market: ListedContract, day_us: int) -> bool:
    """
    Return whether a file is empty or holds rows of the contract, all received or all liquidated on the day.

    Rows liquidated on the day and received after it are in the next day's file.
    """
    if not rows:
        return True
    same = any(str(read_field(raw, "symbol")).upper() == market.instrument for raw in rows)
    return same and _is_of_day(rows, day_us)


def _is_whole(rows: Sequence[Row] | None, venue: str, day_us: int) -> bool:
    """Return whether a file is empty or holds rows of the exchange and day."""
    return not rows or (any(read_field(raw, "exchange") == venue for raw in rows) and _is_of_day(rows, day_us))


def _is_of_day(rows: Sequence[Row], day_us: int) -> bool:
    times = ([read_moment(raw, name) for raw in rows] for name in ("local_timestamp", "timestamp") if name in rows[0])
    return any(are_all_inside(own, day_us, day_us + DAY_US) for own in times)


def _read_row(raw: Mapping[str, Any], market: ListedContract, sizes: Mapping[str, float]) -> Liquidation:
    _check_columns(raw)
    row = parse_row(raw, sizes)
    if (row.exchange, row.symbol) != (market.exchange, market.symbol):
        raise ValueError(f"row of {row.exchange} {row.symbol}, requested {market.exchange} {market.symbol}")
    return row


def _check_columns(raw: Mapping[str, Any]) -> None:
    if None in raw or None in raw.values():
        raise ValueError("wrong number of columns")


def _list_venues(exchange: str) -> list[str]:
    """List Tardis's ids of an exchange's perpetuals."""
    writer = _SPELLINGS[exchange]
    pairs = (writer("BTC", quote) for quote in ("USDT", "USD"))
    return list(dict.fromkeys(pair[0] for pair in pairs if pair))


SOURCE = Source(
    name="tardis",
    exchanges=tuple(_SPELLINGS),
    url="https://datasets.tardis.dev",
    limits=(Limit(60, 60, even=True),),
    window_us=DAY_US,
    grain_us=DAY_US,
    retention_us=None,
    settle_us=0,
    delay_us=6 * HOUR_US,
    late_us=HOUR_US // 4,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    whole_files=WholeFiles(_list_venues, name_whole, _ask_whole),
    union=True,
    keyless=False,
    sizes_from={"okx": "okx", "htx": "htx"},
    find_obstacle=find_obstacle,
)
