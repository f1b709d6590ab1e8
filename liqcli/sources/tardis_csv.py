"""Rows of Tardis liquidation CSV files: one layout for all exchanges, but units and price are each venue's own.

exchange: aster, binance, bitget, bitmex, bybit, deribit, dydx, ftx, htx, kraken, lighter, okx (bitfinex is refused)
docs: https://docs.tardis.dev/downloadable-csv-files#liquidations, mappers of tardis-dev/tardis-node; read 2026-11-22
gives: a CSV a day and instrument (exchange, symbol, timestamp, local_timestamp, id, side, price, amount)
limits: none for files on disk
side: order side, made equal upstream: sell = a long was liquidated (tardis-node NORMALIZED_MAPPING_GUIDELINES.md)
price: what the venue's feed carries, see VENUES: order (binance `p`), bankruptcy (bybit, okx, htx …), fill (deribit …)
qty: the venue's unit: coins, USD of inverse contracts, contracts x contract size (okx, htx), quote money (bitget)
time: `timestamp` [µs UTC], the exchange's own
completeness: as the venue's websocket: binance, aster, okx, bitget at most one order a second; kraken without partial
    liquidations, which are most (tardis-node keeps `liquidation` alone); the others every one
changed: 2025-02-26 bybit moved from `liquidation` (one a second at most) to `allLiquidation` (all); same parser
fixture: tests/sources/test_tardis_csv.py (rows written by hand after the messages of tardis-node's own tests)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from liqcli.errors import UsageError
from liqcli.model import Completeness, Liquidation, Position, PriceKind, parse_number
from liqcli.symbols import check_name, normalise_symbol, split_symbol

COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
POSITION_OF_SIDE: dict[str, Position] = {"sell": "long", "buy": "short"}
BYBIT_ALL_SINCE_US = 1_740_528_000_000_000  # 2025-02-26T00:00Z; the day before is mixed, so it counts as sampled

# base: coins; usd: inverse, one unit is 1 USD; quote: money; contracts: coins a contract; inverse: USD a contract
Unit = Literal["base", "usd", "quote", "contracts", "inverse"]


class Contract(NamedTuple):
    """What an instrument's name says: canonical symbol, unit of ``amount``, and USD face value where it is fixed."""

    symbol: str
    unit: Unit
    face: float | None = None


class Venue(NamedTuple):
    """One Tardis exchange id: liqcli's name, what its price is, whether it is complete, how its names are read."""

    exchange: str
    price_kind: PriceKind
    completeness: Completeness
    read: Callable[[str], Contract]


def parse_row(row: Mapping[str, str], contract_sizes: Mapping[str, float]) -> Liquidation:
    """
    Turn one CSV row into a liquidation.

    Parameters
    ----------
    row : mapping
        The columns of :data:`COLUMNS` (``local_timestamp`` and ``id`` may be missing or empty).
    contract_sizes : mapping
        Instrument -> base coins (linear) or USD (inverse) a contract, for OKX, HTX and BitMEX.

    Raises
    ------
    ValueError
        The row cannot be read; the message says why.
    """
    venue_id, instrument = row["exchange"], row["symbol"]
    contract = read_contract(venue_id, instrument)
    venue = VENUES[venue_id]
    position = POSITION_OF_SIDE.get(row["side"].strip().lower())
    if position is None:
        raise ValueError(f"side is neither buy nor sell: {row['side']!r}")
    ts_us = _parse_time(row["timestamp"])
    price = parse_number(row["price"])
    amount = parse_number(row["amount"])
    if price <= 0 or amount <= 0:
        raise ValueError(f"price and amount must be above zero: {price!r}, {amount!r}")
    size = _find_size(contract, instrument, contract_sizes)
    qty, notional, contracts = _measure(contract.unit, price, amount, size)
    full = venue.completeness == "full" and (venue_id != "bybit" or ts_us >= BYBIT_ALL_SINCE_US)
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
        completeness="full" if full else "sampled",
        event_id=row.get("id") or None,
        source="tardis",
    )


@lru_cache(maxsize=20_000)
def read_contract(venue_id: str, instrument: str) -> Contract:
    """
    Read symbol and unit out of a venue's instrument name.

    Raises
    ------
    ValueError
        Unknown venue, an option, a quote that is no dollar, or a name that cannot be read.
    """
    if venue_id == "bitfinex-derivatives":
        raise ValueError("bitfinex rows of Tardis carry the position's entry price, not a liquidation price")
    if venue_id not in VENUES:
        raise ValueError(f"unknown Tardis exchange {venue_id!r}")
    try:
        contract = VENUES[venue_id].read(instrument)
        check_name(contract.symbol, "symbol", instrument)
    except UsageError as error:
        raise ValueError(str(error)) from None
    if split_symbol(contract.symbol)[1] in ("BTC", "ETH", "EUR"):
        raise ValueError(f"{instrument}: not quoted in dollars, so its USD value is unknown")
    return contract


def _find_size(contract: Contract, instrument: str, sizes: Mapping[str, float]) -> float:
    if contract.unit not in ("contracts", "inverse"):
        return 1.0
    size = sizes.get(instrument, contract.face)
    if size is None:
        raise ValueError(f"contract size of {instrument} is unknown; pass --contract-size {instrument}=SIZE")
    if size <= 0:
        raise ValueError(f"contract size of {instrument} must be above zero: {size!r}")
    return size


def _measure(unit: Unit, price: float, amount: float, size: float) -> tuple[float, float, float | None]:
    """Give base quantity, USD, and contracts (where the venue counts in them)."""
    if unit == "base":
        return amount, price * amount, None
    if unit == "quote":
        return amount / price, amount, None
    if unit == "contracts":
        return amount * size, price * (amount * size), amount
    return amount * size / price, amount * size, amount


def _parse_time(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"timestamp is not a whole number of microseconds: {text!r}")
    return int(text)


def _read_linear(instrument: str) -> Contract:
    """Binance and Aster: ``BTCUSDT``, ``BTCUSDT_250627``; amounts in coins."""
    return Contract(normalise_symbol(instrument), "base")


def _read_delivery(instrument: str) -> Contract:
    """Binance COIN-M: ``BTCUSD_PERP``, ``BTCUSD_200925``; contracts of 100 USD for BTC, 10 USD for the rest."""
    symbol = normalise_symbol(instrument)
    return Contract(symbol, "inverse", 100.0 if symbol == "BTCUSD" else 10.0)


_BYBIT_INVERSE = re.compile(r"^([A-Z0-9]+USD)([FGHJKMNQUVXZ]\d{2})?$")
_BYBIT_DATE = re.compile(r"-\d{1,2}[A-Z]{3}\d{2}$")


def _read_bybit(instrument: str) -> Contract:
    """Bybit: ``BTCUSDT`` coins, ``BTCPERP`` and ``BTC-27MAR26`` coins (USDC), ``BTCUSD`` and ``BTCUSDM24`` USD."""
    if match := _BYBIT_INVERSE.match(instrument):
        return Contract(match[1], "usd")
    name = _BYBIT_DATE.sub("", instrument.removesuffix("PERP"))
    return Contract(normalise_symbol(name) if split_symbol(name)[1] else name + "USDC", "base")


def _read_okx(instrument: str) -> Contract:
    """OKX: ``BTC-USDT-SWAP`` contracts of coins, ``BTC-USD-210326`` contracts of 100 USD (BTC) or 10 USD."""
    parts = instrument.split("-")
    if len(parts) != 3:
        raise ValueError(f"{instrument!r} is not an OKX swap or future")
    base, quote = parts[0], parts[1].removesuffix("_UM")
    if parts[1] == "USD":
        return Contract(base + quote, "inverse", 100.0 if base == "BTC" else 10.0)
    return Contract(base + quote, "contracts")


_HTX_COIN = re.compile(r"^([A-Z0-9]+?)(?:-USD|_(?:CW|NW|CQ|NQ)|\d{6})$")


def _read_htx(instrument: str) -> Contract:
    """HTX: ``BTC-USDT`` contracts of coins; ``BTC-USD``, ``BTC_CQ``, ``BTC201225`` contracts of 100 or 10 USD."""
    if match := _HTX_COIN.match(instrument):
        return Contract(match[1] + "USD", "inverse", 100.0 if match[1] == "BTC" else 10.0)
    return Contract(normalise_symbol(instrument), "contracts")


def _read_deribit(instrument: str) -> Contract:
    """Deribit: ``BTC-PERPETUAL`` and ``BTC-27MAR20`` in USD, ``SOL_USDC-PERPETUAL`` in coins; options are refused."""
    head, _, tail = instrument.partition("-")
    if "-" in tail:
        raise ValueError(f"{instrument} is an option or a spread, not a future")
    base, _, quote = head.partition("_")
    return Contract(base + quote, "base") if quote else Contract(base + "USD", "usd")


def _read_kraken(instrument: str) -> Contract:
    """Kraken: ``PI_``/``FI_`` in USD, ``PF_``/``FF_`` in coins."""
    kind = instrument[:3].upper()
    if kind not in ("PI_", "FI_", "PF_", "FF_"):
        raise ValueError(f"{instrument!r} is not a Kraken future (PI_, FI_, PF_, FF_)")
    return Contract(normalise_symbol(instrument), "usd" if kind in ("PI_", "FI_") else "base")


_BITMEX_INVERSE = re.compile(r"^XBT(USD|[FGHJKMNQUVXZ]\d{2})$")


def _read_bitmex(instrument: str) -> Contract:
    """BitMEX: ``XBTUSD`` and ``XBTM21`` in USD; ``…USDT`` contracts of coins; the rest settles in XBT (quanto)."""
    if _BITMEX_INVERSE.match(instrument):
        return Contract("BTCUSD", "usd")
    if instrument.endswith("USDT"):
        return Contract(normalise_symbol(instrument), "contracts")
    raise ValueError(f"{instrument} settles in another coin than it prices (quanto), so its USD value is unknown")


def _read_ftx(instrument: str) -> Contract:
    """FTX: ``BTC-PERP``, ``BTC-0325``; amounts in coins, priced in USD."""
    base, _, kind = instrument.partition("-")
    if not re.fullmatch(r"PERP|\d{4}|\d{8}", kind):
        raise ValueError(f"{instrument} is not a perpetual or plain future")
    return Contract(base + "USD", "base")


def _read_bitget(instrument: str) -> Contract:
    """Bitget: ``BTCUSDT``, ``BTCPERP`` (USDC); amounts in quote money (83.1 APE = 13.70319 USDT, facts 1)."""
    base = instrument.removesuffix("PERP")
    return Contract(base + "USDC" if base != instrument else normalise_symbol(instrument), "quote")


def _read_lighter(instrument: str) -> Contract:
    """Lighter: coins, priced in USDC; tardis-node names markets by number, which says no coin."""
    if instrument.isdigit():
        raise ValueError(f"lighter market number {instrument} does not say which coin it is")
    symbol = normalise_symbol(instrument)
    return Contract(symbol if split_symbol(symbol)[1] else symbol + "USDC", "base")


VENUES: dict[str, Venue] = {
    "aster-futures": Venue("aster", "order", "sampled", _read_linear),
    "binance-delivery": Venue("binance", "order", "sampled", _read_delivery),
    "binance-futures": Venue("binance", "order", "sampled", _read_linear),
    "bitget-futures": Venue("bitget", "bankruptcy", "sampled", _read_bitget),
    "bitmex": Venue("bitmex", "bankruptcy", "full", _read_bitmex),
    "bybit": Venue("bybit", "bankruptcy", "full", _read_bybit),
    "cryptofacilities": Venue("kraken", "fill", "sampled", _read_kraken),  # no partial liquidations, see the header
    "deribit": Venue("deribit", "fill", "full", _read_deribit),
    "dydx-v4": Venue("dydx", "fill", "full", _read_linear),
    "ftx": Venue("ftx", "fill", "full", _read_ftx),
    "huobi-dm": Venue("htx", "bankruptcy", "full", _read_htx),
    "huobi-dm-linear-swap": Venue("htx", "bankruptcy", "full", _read_htx),
    "huobi-dm-swap": Venue("htx", "bankruptcy", "full", _read_htx),
    "lighter": Venue("lighter", "fill", "full", _read_lighter),
    "okex-futures": Venue("okx", "bankruptcy", "sampled", _read_okx),
    "okex-swap": Venue("okx", "bankruptcy", "sampled", _read_okx),
}

# Tardis id -> liqcli's name; bitfinex is known, but each of its rows is refused.
EXCHANGES: dict[str, str] = {
    **{name: venue.exchange for name, venue in VENUES.items()},
    "bitfinex-derivatives": "bitfinex",
}
