"""CryptoHFTData: hourly files of liquidations of six venues. No live endpoint was called; facts say how they are known.

exchange: binance (USD-M), bybit, okx, bitget, kraken, aster
docs: https://www.cryptohftdata.com/docs and the Python package cryptohftdata 0.8.0, read 2026-11-22 (documented)
gives: GET /v1/download?file={venue}/{YYYY-MM-DD}/{HH}/{SYMBOL}_liquidations.parquet, an hour a file from 2025-06-28 on
    (documented for Binance and Kraken; others may begin later, unproven). GET /v1/symbols lists names (documented).
    404 = no events OR an hour that is missing (documented): such an hour stays unknown and is asked again
limits: 60 requests a minute without a key, 429 with Retry-After (documented); bursts can ban (seen by others)
side: order-like for all venues: SELL = a long was liquidated (documented)
price: Binance and Aster average_price, the fill (order where it is missing); Bybit, OKX, Bitget price, the bankruptcy
    price; Kraken price, the fill
qty: Binance and Aster filled_quantity, Bybit and Kraken PF_ quantity in coins; Bybit inverse and Kraken PI_ USD; OKX
    contracts x the size that OKX itself states; Bitget quote money as in its own feed (unproven here, so a row whose
    amount / price is no round quantity while the amount itself is round is refused). Numbers are text (documented)
time: trade_time, else event_time, milliseconds (documented). A row may stand in a later hour's file (documented for
    OKX): each window also reads the hour after it, and until that can be read the last hour is provisional
completeness: Bybit full; the others sampled, as their feeds send at most one a second (Kraken: unproven, so the weaker
    word)
changed: until 2026-08-19 a file is wrapped in a zstd frame, later not (documented); the first bytes decide
fixture: tests/sources/test_cryptohftdata.py (vectors of facts/sources.md section 1 in its columns)
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.body import Body
from liqcli.http import Request
from liqcli.model import US_PER_S, Completeness, Liquidation, PriceKind, Window, from_us, parse_number
from liqcli.pace import Limit
from liqcli.sources.asking import ask_twice, read_field, read_moment
from liqcli.sources.common import (
    DAY_US,
    HOUR_US,
    Answer,
    AskMarkets,
    AskWindow,
    Listing,
    Market,
    Row,
    Source,
    build_answer,
    closed_position,
    decode_json,
    multiply,
    pick_markets,
)
from liqcli.sources.tardis_csv import Contract, read_contract
from liqcli.symbols import split_symbol
from liqcli.timespan import now_us

if TYPE_CHECKING:
    from pyarrow import Table

FIRST_US = 1_751_068_800 * US_PER_S  # 2025-06-28
WANTED = (
    "event_time",
    "symbol",
    "side",
    "quantity",
    "price",
    "average_price",
    "order_status",
    "filled_quantity",
    "trade_time",
    "received_time",
)
NEEDED = frozenset({"event_time", "symbol", "side", "quantity", "price"})
_UNITS = {"received_time": "ns", "event_time": "ms", "trade_time": "ms"}
_FILLED = ("FILLED", "PARTIALLY_FILLED")
_ZSTD = b"\x28\xb5\x2f\xfd"
_DATED = re.compile(r"[-_]\d{6}$|-\d{1,2}[A-Z]{3}\d{2}|USD[FGHJKMNQUVXZ]\d{2}$")
_ROUND_DIGITS = 8  # a quantity has so few digits; a quotient that is none has 12


class Venue(NamedTuple):
    """A folder of files, the Tardis id whose names and units it shares, and what its price and completeness are."""

    folder: str
    names: str
    price_kind: PriceKind
    completeness: Completeness


VENUES: Mapping[str, Venue] = {
    "binance": Venue("binance_futures", "binance-futures", "fill", "sampled"),
    "bybit": Venue("bybit", "bybit", "bankruptcy", "full"),
    "okx": Venue("okx_futures", "okex-swap", "bankruptcy", "sampled"),
    "bitget": Venue("bitget_futures", "bitget-futures", "bankruptcy", "sampled"),
    "kraken": Venue("kraken_derivatives", "cryptofacilities", "fill", "sampled"),
    "aster": Venue("aster_futures", "aster-futures", "fill", "sampled"),
}


def decode(body: Body) -> object:
    """
    Decode a file (Parquet, or Parquet in a zstd frame) or the list of symbols (JSON).

    Raises
    ------
    ValueError
        Broken off, an error inside a 200, or something else altogether: worth asking again.
    """
    if body[:4] == b"PAR1" or body[:4] == _ZSTD:
        return _read_parquet(body)
    payload = decode_json(bytes(body))
    names = payload.get("symbols") if isinstance(payload, dict) else payload
    if not isinstance(names, list) or (not names and names is payload):
        raise ValueError(f"no file but {json.dumps(payload)[:100]}")
    return [read_field(name, "symbol") or name for name in names]


def _read_parquet(body: Body) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = pa.CompressedInputStream(pa.BufferReader(body), "zstd").read() if body[:4] == _ZSTD else body
        file = pq.ParquetFile(pa.BufferReader(data))
        if not set(file.schema_arrow.names) >= NEEDED:
            raise ValueError(f"no liquidations file: its columns are {', '.join(file.schema_arrow.names)[:100]}")
        table = file.read(columns=[name for name in WANTED if name in file.schema_arrow.names])
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"a broken Parquet file ({len(body)} bytes)") from error
    rows: list[Row] = _count_time(table).to_pylist()
    return rows


def _count_time(table: Table) -> Table:
    """Turn columns that are typed as times into the numbers that are documented."""
    import pyarrow as pa

    for place, column in enumerate(table.schema):
        if column.name in _UNITS and pa.types.is_timestamp(column.type):
            counted = table.column(place).cast(pa.timestamp(_UNITS[column.name], column.type.tz), safe=False)
            table = table.set_column(place, column.name, counted.cast(pa.int64()))
    return table


def read_instrument(exchange: str, name: str) -> Contract | None:
    """Read symbol and unit out of a file's name; None for a dated contract and for names that are none."""
    if _DATED.search(name):
        return None
    try:
        return read_contract(VENUES[exchange].names, name)
    except ValueError:
        return None


def spell(exchange: str, symbol: str) -> str | None:
    """Say under which name the perpetual of a symbol most likely stands, where no list can be had."""
    base, quote = split_symbol(symbol)
    if exchange == "okx":
        return f"{base}-{quote}-SWAP" if quote else None
    if exchange == "kraken":
        return f"PF_{'XBT' if base == 'BTC' else base}USD" if quote == "USD" else None
    if quote == "USDC" and exchange in ("bybit", "bitget"):
        return f"{base}PERP"
    return symbol if quote in ("USDT", "USDC") or (quote == "USD" and exchange in ("bybit", "bitget")) else None


def file_request(exchange: str, instrument: str, hour_us: int) -> Request:
    """What to ask for one hour."""
    hour = from_us(hour_us)
    name = f"{VENUES[exchange].folder}/{hour:%Y-%m-%d}/{hour:%H}/{instrument}_liquidations.parquet"
    return Request("/v1/download", (("file", name),), absent=(404,), file=True)


def parse_row(raw: Row, market: Market) -> Liquidation:
    """
    Read one row; ``market.instrument`` may name several contracts of one symbol, separated by commas.

    Raises
    ------
    ValueError
        Not filled, another contract, a unit that cannot be told, or a field that cannot be read.
    """
    venue = VENUES[market.exchange]
    instrument = str(raw["symbol"])
    contract = read_instrument(market.exchange, instrument)
    if contract is None or instrument not in market.instrument.split(","):
        raise ValueError(f"row of {instrument!r}, asked for {market.instrument!r}")
    price, kind, amount = _read_amount(raw, venue)
    if price <= 0 or amount <= 0:
        raise ValueError(f"price and quantity must be above zero: {price!r}, {amount!r}")
    size = market.contract_size if contract.unit in ("contracts", "inverse") else None
    if contract.unit in ("contracts", "inverse") and size is None:
        raise ValueError(f"contract size of {instrument} is unknown")
    if contract.unit == "quote":
        _check_quote(amount, price)
    usd = {"usd": amount, "quote": amount, "inverse": multiply(amount, size or 0)}.get(contract.unit)
    qty = multiply(amount, size or 1) if usd is None else usd / price
    return Liquidation(
        ts_us=int(parse_number(_first(raw, "trade_time", "event_time"))) * 1000,
        exchange=market.exchange,
        symbol=market.symbol,
        instrument=instrument,
        position=closed_position(str(raw["side"])),
        price=price,
        price_kind=kind,
        qty=qty,
        notional=multiply(qty, price) if usd is None else usd,
        contracts=amount if size else None,
        contract_size=size,
        completeness=venue.completeness,
        event_id=None,
        source="cryptohftdata",
    )


def _read_amount(raw: Row, venue: Venue) -> tuple[float, PriceKind, float]:
    """Give price, what it is, and the amount in the venue's unit; orders say how much of them was filled."""
    if venue.names not in ("binance-futures", "aster-futures"):
        return parse_number(raw["price"]), venue.price_kind, parse_number(_first(raw, "quantity", "filled_quantity"))
    status = _first(raw, "order_status")
    if status is not None and str(status).upper() not in _FILLED:
        raise ValueError(f"order status is {status!r}, not filled")
    average = parse_number(_first(raw, "average_price") or 0)
    filled = parse_number(_first(raw, "filled_quantity", "quantity"))
    return (average, "fill", filled) if average else (parse_number(raw["price"]), "order", filled)


def _first(raw: Row, *names: str) -> Any:  # noqa: ANN401 - a cell of any type
    return next((raw[name] for name in names if raw.get(name) not in (None, "")), None)


def _check_quote(amount: float, price: float) -> None:
    """Bitget counts money (13.70319 USDT at 0.1649 = 83.1 coins exactly); an amount in coins would not divide so."""
    if _digits(Decimal(repr(amount)) / Decimal(repr(price))) > _ROUND_DIGITS >= _digits(Decimal(repr(amount))):
        raise ValueError(f"unit is unclear: amount {amount!r} at {price!r} is no round quantity of coins")


def _digits(number: Decimal) -> int:
    return len(Decimal(f"{number:.11e}").normalize().as_tuple().digits)


def find_obstacle(window: Window) -> str | None:
    """Say why a window cannot be asked: the files begin on a day."""
    return None if window.end_us > FIRST_US else "its files begin on 2025-06-28"


def _ask_markets(exchange: str, wanted: Iterable[str]) -> AskMarkets:
    wanted = list(wanted)
    params = (("exchange", VENUES[exchange].folder), ("data_type", "liquidations"))
    names = yield Request("/v1/symbols", params, absent=(404,))
    if names is None:
        quoted = [w for word in wanted for w in ([word] if split_symbol(word)[1] else [f"{word}USDT", f"{word}USD"])]
        spelled = {symbol: name for symbol in quoted if (name := spell(exchange, symbol))}
        return Listing({symbol: Market(exchange, symbol, name, None) for symbol, name in spelled.items()})
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(str(name) for name in names):
        if contract := read_instrument(exchange, name):
            found[contract.symbol].append(name)
    return pick_markets((Market(exchange, symbol, ",".join(own), None) for symbol, own in found.items()), wanted)


def _ask_window(market: Market, window: Window) -> AskWindow:
    """Read the hours of a window and the one after it; rows before the window are late ones of hours read before."""
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
            raws = yield from ask_twice(request, fits, lambda rows: not rows or rows not in read)
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
    """Rows of another hour's file would stand twice, and this hour would pass for a quiet one."""
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
