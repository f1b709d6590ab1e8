"""Rows of Tardis liquidation CSV files: one layout for all exchanges, with the units and prices of each exchange.

exchange: aster, binance, bitget, bitmex, bybit, deribit, dydx, ftx, htx, kraken, lighter, okx (bitfinex is rejected)
docs: https://docs.tardis.dev/downloadable-csv-files#liquidations, mappers of tardis-dev/tardis-node; read 2026-11-22
gives: one CSV per day and instrument (exchange, symbol, timestamp, local_timestamp, id, side, price, amount)
limits: none for files on disk
side: order side, normalised upstream: sell = a long was liquidated (tardis-node NORMALIZED_MAPPING_GUIDELINES.md)
price: the price in the exchange's feed, see VENUES: order (binance `p`), bankruptcy (bybit, okx, htx …), fill (deribit
    …)
qty: the exchange's unit: coins, USD of inverse contracts, contracts x contract size (okx, htx), quote currency (bitget)
time: `timestamp` [µs UTC], the exchange's own
completeness: as the exchange's websocket: binance, aster, okx, bitget at most one order per second; kraken without
    partial liquidations, which are the majority (tardis-node keeps only `liquidation`); the others all
changed: 2025-02-26 bybit moved from `liquidation` (at most one per second) to `allLiquidation` (all); same parser
fixture: tests/sources/tardis/test_tardis_files.py (rows written by hand after the messages of tardis-node's own tests)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from liqcli.core import instruments
from liqcli.core.instruments import Contract, require_kind
from liqcli.core.model import Completeness, Liquidation, Position, PriceKind, parse_number
from liqcli.sources.rows import check_quote

COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
POSITION_OF_SIDE: dict[str, Position] = {"sell": "long", "buy": "short"}
BYBIT_ALL_SINCE_US = 1_740_528_000_000_000  # 2025-02-26T00:00Z; the day before is mixed, so it counts as sampled
NEVER_US = 1 << 62


class TardisExchange(NamedTuple):
    """One Tardis exchange id: liqcli's name of the exchange, price kind, completeness."""

    exchange: str
    price_kind: PriceKind
    completeness: Completeness


def parse_row(row: Mapping[str, str], contract_sizes: Mapping[str, float], market: str | None = None) -> Liquidation:
    """
    Parse one CSV row as a liquidation.

    Parameters
    ----------
    row : mapping
        The columns of :data:`COLUMNS` (``local_timestamp`` and ``id`` may be missing or empty).
    contract_sizes : mapping
        Instrument -> base coins (linear) or USD (inverse) a contract, for OKX, HTX and BitMEX.
    market : str, optional
        Name of the contract, if the row has only a number (Lighter).

    Raises
    ------
    ValueError
        The row is invalid; the message is the reason.
    """
    venue_id, instrument = row["exchange"], row["symbol"]
    contract = read_contract(venue_id, market if market and is_numbered(row) else instrument)
    venue = VENUES[venue_id]
    position = POSITION_OF_SIDE.get(row["side"].strip().lower())
    if position is None:
        raise ValueError(f"side is neither buy nor sell: {row['side']!r}")
    ts_us = _parse_time(row["timestamp"])
    price = parse_number(row["price"])
    amount = parse_number(row["amount"])
    if price <= 0 or amount <= 0:
        raise ValueError(f"price and amount must be above zero: {price!r}, {amount!r}")
    size = find_size(contract, instrument, contract_sizes)
    qty, notional, contracts = _measure(contract, price, amount, size)
    since_us = full_since_us(venue_id)
    return Liquidation(
        ts_us=ts_us,
        exchange=venue.exchange,
        symbol=contract.symbol,
        instrument=instrument,
        position=position,
        price=price,
        price_kind=venue.price_kind,
        qty=qty,
        notional=notional,
        contracts=contracts,
        contract_size=size if contracts is not None else None,
        completeness="full" if ts_us >= since_us else "sampled",
        event_id=row.get("id") or None,
        source="tardis",
    )


@lru_cache(maxsize=20_000)
def read_contract(venue_id: str, instrument: str) -> Contract:
    """
    Parse symbol and unit from an exchange's instrument name.

    Raises
    ------
    ValueError
        Unknown exchange, a quanto contract, an option, a quote other than dollars, or an unreadable name.
    """
    if venue_id == "bitfinex-derivatives":
        raise ValueError("bitfinex rows of Tardis carry the position's entry price, not a liquidation price")
    if venue_id not in VENUES:
        raise ValueError(f"unknown Tardis exchange {venue_id!r}")
    exchange = VENUES[venue_id].exchange
    contract = instruments.read_contract(exchange, instrument)
    require_kind(contract, exchange, instrument)
    return contract


def is_measurable(venue_id: str, instrument: str, sizes: Mapping[str, float]) -> bool:
    """Return whether the USD value of a contract's rows is known: not quanto, and its contract size is stated."""
    try:
        find_size(read_contract(venue_id, instrument), instrument, sizes)
    except ValueError:
        return False
    return True


def is_numbered(row: Mapping[str, str]) -> bool:
    """Return whether a row has a number instead of a contract name, as tardis-node writes for Lighter."""
    return row.get("exchange") == "lighter" and str(row.get("symbol")).isdigit()


class NumberedMarket:
    """The single Lighter market of a file, which states only its number, under a name set by the user."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._number: str | None = None

    def name_of(self, row: Mapping[str, str]) -> str | None:
        """
        Return the name of a row's market; None if the row states it or the user does not.

        Raises
        ------
        ValueError
            The file contains another market.
        """
        if self._name is None or not is_numbered(row):
            return None
        self._number = self._number or row["symbol"]
        if row["symbol"] != self._number:
            raise ValueError(
                f"lighter market {row['symbol']}, but --symbol {self._name} is market {self._number}, the first of "
                "the file: import each market from its own file"
            )
        return self._name


def full_since_us(venue_id: str) -> int:
    """Return the time from which rows of an exchange are complete: always (0), never, or since a change. [µs UTC]"""
    if VENUES[venue_id].completeness != "full":
        return NEVER_US
    return BYBIT_ALL_SINCE_US if venue_id == "bybit" else 0


def find_size(contract: Contract, instrument: str, sizes: Mapping[str, float]) -> float:
    """
    Return the size of a contract [coins, or USD if inverse]; 1 for exchanges that do not count contracts.

    Raises
    ------
    ValueError
        It is neither known nor stated.
    """
    if contract.unit != "contracts":
        return 1.0
    size = sizes.get(instrument, contract.face)
    if size is None:
        raise ValueError(f"contract size of {instrument} is unknown; pass --contract-size {instrument}=SIZE")
    if size <= 0:
        raise ValueError(f"contract size of {instrument} must be above zero: {size!r}")
    return size


def _measure(contract: Contract, price: float, amount: float, size: float) -> tuple[float, float, float | None]:
    """Return base quantity, USD and contracts (None if the exchange does not count in contracts)."""
    if contract.unit == "base":
        return amount, price * amount, None
    if contract.unit == "quote":
        if contract.kind == "inverse":
            check_quote(amount, price)
        return amount / price, amount, None
    if contract.kind == "linear":
        return amount * size, price * (amount * size), amount
    return amount * size / price, amount * size, amount


def _parse_time(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"timestamp is not a whole number of microseconds: {text!r}")
    return int(text)


VENUES: dict[str, TardisExchange] = {
    "aster-futures": TardisExchange("aster", "order", "sampled"),
    "binance-delivery": TardisExchange("binance", "order", "sampled"),
    "binance-futures": TardisExchange("binance", "order", "sampled"),
    "bitget-futures": TardisExchange("bitget", "bankruptcy", "sampled"),
    "bitmex": TardisExchange("bitmex", "bankruptcy", "full"),
    "bybit": TardisExchange("bybit", "bankruptcy", "full"),
    "cryptofacilities": TardisExchange("kraken", "fill", "sampled"),  # no partial liquidations, see the header
    "deribit": TardisExchange("deribit", "fill", "full"),
    "dydx-v4": TardisExchange("dydx", "fill", "full"),
    "ftx": TardisExchange("ftx", "fill", "full"),
    "huobi-dm": TardisExchange("htx", "bankruptcy", "full"),
    "huobi-dm-linear-swap": TardisExchange("htx", "bankruptcy", "full"),
    "huobi-dm-swap": TardisExchange("htx", "bankruptcy", "full"),
    "lighter": TardisExchange("lighter", "fill", "full"),
    "okex-futures": TardisExchange("okx", "bankruptcy", "sampled"),
    "okex-swap": TardisExchange("okx", "bankruptcy", "sampled"),
}

# Tardis id -> liqcli's name; bitfinex is known, but its rows are rejected.
EXCHANGES: dict[str, str] = {
    **{name: venue.exchange for name, venue in VENUES.items()},
    "bitfinex-derivatives": "bitfinex",
}
