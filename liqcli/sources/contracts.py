"""Contracts that a source lists: parse them and pick those that a user wants."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from liqcli.core.errors import UsageError
from liqcli.core.instruments import Contract, Kind, read_contract, require_kind
from liqcli.core.model import (
    parse_number,
)
from liqcli.core.symbols import EVERY, expiry_of, normalise_symbol, split_symbol

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListedContract:
    """
    A contract. ``contract_size`` is in base coins, or in USD if ``inverse``; None if unknown.

    ``siblings`` are further contracts of the same symbol, requested together (Kraken: PI_XBTUSD and PF_XBTUSD).
    """

    exchange: str
    symbol: str
    instrument: str
    contract_size: float | None
    inverse: bool = False
    siblings: tuple[ListedContract, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Contracts that a source lists: the requested ones by symbol, and all names, for suggestions."""

    markets: Mapping[str, ListedContract]
    names: tuple[str, ...] = ()


def pick_markets(markets: Iterable[ListedContract], wanted: Sequence[str]) -> Listing:
    """Select the requested contracts: a base alone (``SOL``) selects every contract on it, ``ALL`` every contract."""
    listed = {market.symbol: market for market in markets}
    chosen = {
        symbol: market
        for symbol, market in listed.items()
        if EVERY in wanted or symbol in wanted or split_symbol(symbol)[0] in wanted
    }
    return Listing(chosen, tuple(sorted(listed)))


def read_markets(listed: object, parse: Callable[[Row], ListedContract | None]) -> list[ListedContract]:
    """Parse a list of contracts; entries of another shape are skipped."""
    found: list[ListedContract] = []
    for raw in listed if isinstance(listed, list) else []:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            if market := parse(raw):
                found.append(market)
    return found


def canonical(instrument: str) -> str | None:
    """Return the symbol of an instrument, or None for a name that is not a plain contract name."""
    try:
        return normalise_symbol(instrument)
    except UsageError:
        return None


def known_contract(exchange: str, instrument: str, stated: Kind | None = None) -> Contract | None:
    """
    Parse the name of a perpetual; None for dated contracts, quanto contracts and other names.

    ``stated`` is the kind in the exchange's own list; a contract whose name contradicts it is not used.
    """
    try:
        contract = read_contract(exchange, instrument)
        kind = stated or require_kind(contract, exchange, instrument)
    except ValueError:
        return None
    if contract.kind not in (None, kind) or expiry_of(contract.symbol) or not contract.in_dollars:
        return None
    return replace(contract, kind=kind)


def read_size(value: object) -> float | None:
    """Parse a contract size; None if it is not a positive number."""
    try:
        size = parse_number(value)
    except (ValueError, TypeError):
        return None
    return size if size > 0 else None
