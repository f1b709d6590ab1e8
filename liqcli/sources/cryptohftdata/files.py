"""Rows of CryptoHFTData's files: Parquet with the same columns for all exchanges, each in its own unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.core.instruments import Contract, read_contract, require_kind
from liqcli.core.model import Completeness, Liquidation, PriceKind, parse_number
from liqcli.core.symbols import expiry_of
from liqcli.net.response_body import Body
from liqcli.sources.contracts import ListedContract, Row
from liqcli.sources.envelope import decode_json
from liqcli.sources.rows import check_quote, closed_position, multiply
from liqcli.sources.stale_answers import read_field

if TYPE_CHECKING:
    from pyarrow import Table

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


class ArchiveFolder(NamedTuple):
    """A folder of files with its price kind and completeness."""

    folder: str
    price_kind: PriceKind
    completeness: Completeness


VENUES: Mapping[str, ArchiveFolder] = {
    "binance": ArchiveFolder("binance_futures", "fill", "sampled"),
    "bybit": ArchiveFolder("bybit", "bankruptcy", "full"),
    "okx": ArchiveFolder("okx_futures", "bankruptcy", "sampled"),
    "bitget": ArchiveFolder("bitget_futures", "bankruptcy", "sampled"),
    "kraken": ArchiveFolder("kraken_derivatives", "fill", "sampled"),
    "aster": ArchiveFolder("aster_futures", "fill", "sampled"),
}


def decode(body: Body) -> object:
    """
    Decode a file (Parquet, or Parquet in a zstd frame) or the list of symbols (JSON).

    Raises
    ------
    ValueError
        The body is truncated, an error inside a 200, or something else; the request is retried.
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
    """Convert columns of time type to the documented numbers."""
    import pyarrow as pa

    for place, column in enumerate(table.schema):
        if column.name in _UNITS and pa.types.is_timestamp(column.type):
            counted = table.column(place).cast(pa.timestamp(_UNITS[column.name], column.type.tz), safe=False)
            table = table.set_column(place, column.name, counted.cast(pa.int64()))
    return table


def read_instrument(exchange: str, name: str) -> Contract | None:
    """Parse symbol and unit from a file name; None for dated contracts and invalid names."""
    try:
        contract = read_contract(exchange, name)
        require_kind(contract, exchange, name)
    except ValueError:
        return None
    return None if expiry_of(contract.symbol) else contract


def parse_row(raw: Row, market: ListedContract) -> Liquidation:
    """
    Read one row; ``market.instrument`` may name several contracts of one symbol, separated by commas.

    Raises
    ------
    ValueError
        The order was not filled, the row is of another contract, or a unit or field cannot be read.
    """
    venue = VENUES[market.exchange]
    instrument = str(raw["symbol"])
    contract = read_instrument(market.exchange, instrument)
    if contract is None or instrument not in market.instrument.split(","):
        raise ValueError(f"row of {instrument!r}, requested {market.instrument!r}")
    price, kind, amount = _read_amount(raw, market.exchange)
    if price <= 0 or amount <= 0:
        raise ValueError(f"price and quantity must be above zero: {price!r}, {amount!r}")
    in_dollars = contract.unit == "quote" or contract.face == 1.0  # whether the amount is in USD
    size = market.contract_size if contract.unit == "contracts" and not in_dollars else None
    if contract.unit == "contracts" and not in_dollars and size is None:
        raise ValueError(f"contract size of {instrument} is unknown")
    if contract.unit == "quote":
        check_quote(amount, price)
    usd = amount if in_dollars else multiply(amount, size or 0) if contract.kind == "inverse" else None
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


def _read_amount(raw: Row, exchange: str) -> tuple[float, PriceKind, float]:
    """Return price, price kind and amount in the exchange's unit; of orders, the filled amount."""
    if exchange not in ("binance", "aster"):
        return (
            parse_number(raw["price"]),
            VENUES[exchange].price_kind,
            parse_number(_first(raw, "quantity", "filled_quantity")),
        )
    status = _first(raw, "order_status")
    if status is not None and str(status).upper() not in _FILLED:
        raise ValueError(f"order status is {status!r}, not filled")
    average = parse_number(_first(raw, "average_price") or 0)
    filled = parse_number(_first(raw, "filled_quantity", "quantity"))
    return (average, "fill", filled) if average else (parse_number(raw["price"]), "order", filled)


def _first(raw: Row, *names: str) -> Any:  # noqa: ANN401 - a cell of any type
    return next((raw[name] for name in names if raw.get(name) not in (None, "")), None)
