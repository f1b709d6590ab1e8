"""Binance forced orders as websocket recorders store them: ``forceOrder`` frames as JSON lines, and two CSV layouts.

exchange: binance
docs: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams; read 2026-11-22
gives: the recorded orders, one per message or row
limits: none for files on disk
side: `S` is the order's side: SELL = a long was liquidated
price: `ap`, the average fill (price_kind fill); if it is missing or 0, the order's limit `p` (price_kind order)
qty: `z`, filled; coins on USD-M, contracts of 100 (BTC) or 10 USD on COIN-M (`st` 2 or a name like BTCUSD_PERP)
time: `T`, trade time [ms UTC]; recorded CSVs also as text with an offset
completeness: sampled, at most one order per symbol and second; so a repeated row comes from the recorder and is dropped
changed: 2026-06-29 both hosts push USD-M and COIN-M orders, distinguished by `st`; one parser for all
fixture: tests/sources/binance/test_binance_force_orders.py (documented frames, rows written by hand)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from liqcli.core.instruments import read_contract, require_kind
from liqcli.core.model import Liquidation, Position, parse_number, to_us
from liqcli.core.symbols import split_symbol

POSITION_OF_SIDE: dict[str, Position] = {"SELL": "long", "BUY": "short"}
KEPT_STATUSES = ("FILLED", "PARTIALLY_FILLED")
CSV_HEADER = ("Symbol", "Side", "Order Type", "Time in Force", "Quantity", "Price", "Average Price", "Order Status")
CSV_WIDTH = 12

_BLANKS = ("", "none", "null")  # missing averages, as recorders write them
_WRAPPERS = ("data", "message", "payload", "msg")
# Field names of the stream and of the former REST endpoint.
_SPELLINGS = {
    "s": ("s", "symbol"),
    "S": ("S", "side"),
    "p": ("p", "price"),
    "ap": ("ap", "averagePrice", "avgPrice"),
    "X": ("X", "status"),
    "z": ("z", "executedQty"),
    "T": ("T", "time"),
}


def iter_orders(message: object) -> Iterator[Mapping[str, Any]]:
    """
    Yield the orders in a decoded message: combined-stream wrapper, event, order, or a list of these.

    Answers to subscriptions and events of other streams contain no orders.
    """
    if isinstance(message, list):
        for item in message:
            yield from iter_orders(item)
    elif isinstance(message, dict):
        if message.get("e", "forceOrder") != "forceOrder":
            return
        if isinstance(message.get("o"), dict):
            yield message["o"]
            return
        for key in _WRAPPERS:
            if isinstance(message.get(key), dict | list):
                yield from iter_orders(message[key])
                return
        if ("S" in message and "s" in message) or ("side" in message and "symbol" in message):
            yield message


def parse_order(order: Mapping[str, Any], exchange: str = "binance") -> Liquidation:
    """
    Parse one order of Binance, or of an exchange with the same format, as a liquidation.

    Raises
    ------
    ValueError
        The order was not filled, or a field is missing or invalid; the message names it.
    """
    fields = {name: _pick(order, names) for name, names in _SPELLINGS.items()}
    status = fields["X"]
    if status not in KEPT_STATUSES:
        raise ValueError(f"order status is {status!r}, not filled")
    position = POSITION_OF_SIDE.get(str(fields["S"]).upper())
    if position is None:
        raise ValueError(f"side is neither BUY nor SELL: {fields['S']!r}")
    if not isinstance(fields["s"], str):
        raise ValueError(f"symbol is missing or not a text: {fields['s']!r}")
    instrument = fields["s"].upper()
    symbol, face = _read_instrument(exchange, instrument, str(order.get("st", "")) == "2")
    average = 0.0 if str(fields["ap"]).strip().lower() in _BLANKS else parse_number(fields["ap"])
    price = average or parse_number(fields["p"])
    filled = parse_number(fields["z"])
    if price <= 0 or filled <= 0:
        raise ValueError(f"price and filled quantity must be above zero: {price!r}, {filled!r}")
    return Liquidation(
        ts_us=_parse_time(fields["T"]),
        exchange=exchange,
        symbol=symbol,
        instrument=instrument,
        position=position,
        price=price,
        price_kind="fill" if average else "order",
        qty=filled * face / price if face else filled,
        notional=filled * face if face else price * filled,
        contracts=filled if face else None,
        contract_size=face,
        completeness="sampled",
        event_id=None,
        source=exchange,
    )


def parse_recorded_row(cells: Sequence[str], symbol_is_cut: bool) -> Liquidation:
    """
    Parse one row of a recorded CSV as a liquidation.

    Parameters
    ----------
    cells : sequence of str
        Symbol, side, order type, time in force, quantity, price, average price, status, last filled, filled, and then
        either event time and trade time, or trade time and a USD size that is not used (its unit varies).
    symbol_is_cut : bool
        Whether the file has no header: ``LRC`` means LRCUSDT, and the trade time is the last but one column.

    Raises
    ------
    ValueError
        Wrong number of columns or an invalid field.
    """
    if len(cells) != CSV_WIDTH:
        raise ValueError(f"{len(cells)} columns instead of {CSV_WIDTH}: symbol cannot be determined")
    name = cells[0].strip().upper()
    if symbol_is_cut and "_" not in name and split_symbol(name)[1] not in ("USDT", "USDC", "FDUSD", "BUSD"):
        name += "USDT"
    trade_time = cells[10] if symbol_is_cut else cells[11]
    return parse_order(
        {"s": name, "S": cells[1], "p": cells[5], "ap": cells[6], "X": cells[7], "z": cells[9], "T": trade_time}
    )


def _pick(order: Mapping[str, Any], names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a JSON value
    for name in names:
        if name in order:
            return order[name]
    return None


@lru_cache(maxsize=20_000)
def _read_instrument(exchange: str, instrument: str, coin_margined: bool) -> tuple[str, float | None]:
    """Return the symbol, and the face value of a COIN-M contract in USD (None for USD-M)."""
    contract = read_contract(exchange, instrument)
    if coin_margined and contract.kind != "inverse":
        raise ValueError(f"{instrument}: COIN-M according to st, USD-M according to its name")
    return contract.symbol, contract.face if require_kind(contract, exchange, instrument) == "inverse" else None


def _parse_time(cell: object) -> int:
    text = str(cell).strip()
    if text.isascii() and text.isdigit():
        return int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"trade time cannot be read: {text[:60]!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"trade time has no offset, so its zone is unknown: {text!r}")
    return to_us(moment)
