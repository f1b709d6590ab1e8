"""
Parse contract names: their symbol, linear or inverse, and the unit their exchange counts in.

A linear contract counts coins: USD = price x coins. An inverse one counts USD: coins = USD / price. A quanto contract
settles in another coin than it is priced in, so its USD value is unknown and its rows are rejected. :data:`RULES` is
the table of docs/units.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from liqcli.core.errors import UsageError
from liqcli.core.expiry import cut_expiry
from liqcli.core.symbols import add_quote, check_symbol, expiry_of, normalise_symbol, split_symbol

Kind = Literal["linear", "inverse"]
# What an exchange's own amounts count: base coins; contracts (of coins, or of USD when inverse); quote money
Unit = Literal["base", "contracts", "quote"]

DOLLAR_COINS = (
    "FDUSD",
    "USDT",
    "USDC",
    "BUSD",
    "TUSD",
    "USDE",
)  # contracts quoted in them are linear on every exchange
OTHER_MONEY = ("BTC", "ETH", "EUR")
FACES = (1.0, 10.0, 100.0)  # USD per inverse contract, on all exchanges


@dataclass(frozen=True, slots=True)
class CountingRule:
    """
    The unit an exchange counts in.

    ``unit`` is that of its linear contracts. ``usd`` is the kind of its contracts in USD, None where only the name of
    the instrument determines it; where ``bases`` are given, contracts on other coins are quanto. ``faces`` are the USD
    of an inverse contract on BTC and on any other coin (1: amounts are USD), None when unknown.
    """

    unit: Unit
    usd: Kind | None
    faces: tuple[float, float] | None = None
    bases: tuple[str, ...] = ()


RULES: Mapping[str, CountingRule] = {
    "aster": CountingRule("base", None),
    "backpack": CountingRule("base", None),
    "binance": CountingRule("base", "inverse", (100.0, 10.0)),
    "bitfinex": CountingRule("base", None),
    "bitget": CountingRule("quote", "inverse"),
    "bitmex": CountingRule("contracts", "inverse", (1.0, 1.0), bases=("BTC",)),
    "bybit": CountingRule("base", "inverse", (1.0, 1.0)),
    "coinex": CountingRule("base", "inverse", (1.0, 1.0)),
    "deribit": CountingRule("base", "inverse", (1.0, 1.0)),
    "dydx": CountingRule("base", "linear"),
    "extended": CountingRule("base", "linear"),
    "ftx": CountingRule("base", "linear"),
    "gate": CountingRule("contracts", "inverse", (1.0, 1.0), bases=("BTC",)),
    "htx": CountingRule("contracts", "inverse", (100.0, 10.0)),
    "hyperliquid": CountingRule("base", "linear"),
    "kraken": CountingRule("base", None, (1.0, 1.0)),
    "lighter": CountingRule("base", "linear"),
    "okx": CountingRule("contracts", "inverse", (100.0, 10.0)),
    "pacifica": CountingRule("base", "linear"),
    "poloniex": CountingRule("contracts", "inverse"),
}


@dataclass(frozen=True, slots=True)
class Contract:
    """
    A parsed contract.

    ``kind`` and ``unit`` are None when neither name nor exchange determine them; ``face`` is the USD of an inverse
    contract.
    """

    symbol: str
    kind: Kind | None
    unit: Unit | None
    face: float | None = None

    @property
    def in_dollars(self) -> bool:
        """True if its price is in dollars, or in an unknown currency."""
        return split_symbol(self.symbol)[1] not in OTHER_MONEY


@lru_cache(maxsize=20_000)
def read_contract(exchange: str, name: str) -> Contract:
    """
    Parse the name of a contract of an exchange, in any spelling.

    Raises
    ------
    ValueError
        A quanto contract, an option, a spread, a spot market, or an unknown form.
    """
    text = name.strip().upper()
    try:
        symbol = check_symbol(_READERS.get(exchange, normalise_symbol)(text), name)
    except UsageError as error:
        raise ValueError(str(error)) from None
    rule = RULES.get(exchange)
    base, quote = split_symbol(symbol)
    if rule is None:
        return Contract(symbol, "linear" if quote in DOLLAR_COINS else None, None)
    kind = _kind_of(exchange, text, rule, base, quote)
    if kind == "inverse":
        face = rule.faces[base != "BTC"] if rule.faces else None
        return Contract(symbol, kind, rule.unit if rule.unit == "quote" else "contracts", face)
    return Contract(symbol, kind, rule.unit)


def _kind_of(exchange: str, text: str, rule: CountingRule, base: str, quote: str) -> Kind | None:
    if quote in DOLLAR_COINS or (exchange == "okx" and "USD_UM" in text):
        return "linear"
    if exchange == "kraken" and text[:3] in _KRAKEN_KINDS:
        return _KRAKEN_KINDS[text[:3]]
    if quote != "USD":
        if exchange == "bitmex" and not quote:
            raise ValueError(_quanto(text))
        return "linear" if not quote and rule.usd == "linear" else None
    if rule.bases and base not in rule.bases:
        raise ValueError(_quanto(text))
    return rule.usd


def find_kind(exchange: str, symbol: str) -> Kind:
    """Return whether contracts of a symbol are linear or inverse; linear where nothing says otherwise."""
    try:
        return read_contract(exchange, symbol).kind or "linear"
    except ValueError:
        return "linear"


def require_kind(contract: Contract, exchange: str, name: str) -> Kind:
    """
    Return the kind of a contract whose USD value depends on it.

    Raises
    ------
    ValueError
        Not quoted in dollars, or neither linear nor inverse by its name.
    """
    if not contract.in_dollars:
        raise ValueError(f"{name}: not quoted in dollars, so its USD value is unknown")
    if contract.kind is None:
        raise ValueError(f"{name}: the name does not say whether this {exchange} contract is linear or inverse")
    return contract.kind


_KRAKEN_KINDS: Mapping[str, Kind] = {"PI_": "inverse", "FI_": "inverse", "PF_": "linear", "FF_": "linear"}


def _quanto(name: str) -> str:
    return f"{name} is quanto (it settles in another coin than it prices), so its USD value is unknown"


def _read_bybit(name: str) -> str:
    """``BTCPERP`` and ``BTC-27MAR26`` are quoted in USDC."""
    symbol = normalise_symbol(name)
    if split_symbol(symbol)[1] or not (expiry_of(symbol) or name.endswith("PERP")):
        return symbol
    return add_quote(normalise_symbol(name.removesuffix("PERP")), "USDC")


def _read_dated_in_usd(name: str) -> str:
    """Deribit ``BTC-27MAR20``, HTX ``BTC200703`` and ``BTC_CQ``, BitMEX ``XBTM21``: in USD."""
    symbol = normalise_symbol(name)
    return add_quote(symbol, "USD") if expiry_of(symbol) and not split_symbol(symbol)[1] else symbol


def _read_bitget(name: str) -> str:
    """``BTCPERP`` is quoted in USDC; ``BTCUSDT_UMCBL``, ``BTCUSD_DMCBL`` and ``BTCPERP_CMCBL`` are older spellings."""
    stem, expiry = cut_expiry(name)
    stem = re.sub(r"_[UDC]MCBL$", "", stem)
    if stem.endswith("PERP") and not re.search(r"[-_]PERP$", stem):
        stem = f"{stem[:-4]}USDC"
    return normalise_symbol(f"{stem}-{expiry}" if expiry else stem)


def _read_ftx(name: str) -> str:
    """``BTC-PERP``, ``BTC-20210326``, ``BTC-0325``: in USD; without a year, the year in which the day is a Friday."""
    if match := re.fullmatch(r"([A-Z0-9]+)-(\d{2})(\d{2})", name):
        years = [y for y in (2021, 2022, 2023) if _is_friday(y, int(match[2]), int(match[3]))]
        if len(years) != 1:
            raise UsageError(f"{name}: the year of its expiry is unclear")
        return normalise_symbol(f"{match[1]}USD-{years[0] - 2000}{match[2]}{match[3]}")
    return _read_dated_in_usd(name)


def _is_friday(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).weekday() == 4
    except ValueError:
        return False


def _read_lighter(name: str) -> str:
    """Priced in USDC; some tools use market numbers as names, which do not contain the coin."""
    if name.isdigit():
        raise UsageError(f"lighter market number {name} does not identify the coin; pass --symbol NAME")
    symbol = normalise_symbol(name)
    return symbol if split_symbol(symbol)[1] else add_quote(symbol, "USDC")


def _read_okx(name: str) -> str:
    """``BTC-USD_UM-SWAP`` is linear and quoted in USD."""
    return normalise_symbol(name.replace("USD_UM", "USD"))


_READERS: Mapping[str, Callable[[str], str]] = {
    "bitget": _read_bitget,
    "bitmex": _read_dated_in_usd,
    "bybit": _read_bybit,
    "deribit": _read_dated_in_usd,
    "ftx": _read_ftx,
    "htx": _read_dated_in_usd,
    "lighter": _read_lighter,
    "okx": _read_okx,
}
