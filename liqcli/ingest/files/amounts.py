"""Liquidated quantity and USD of a generic row, from the amounts that it states; stated amounts must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from liqcli.core.instruments import Contract, Kind, read_contract
from liqcli.core.model import parse_number, shorten
from liqcli.core.symbols import add_quote, expiry_of, normalise_symbol, split_symbol
from liqcli.ingest.files.quantities import QuantityColumn, check_coins

KINDS: tuple[Kind, ...] = ("linear", "inverse")
AGREES = 0.02  # prices of one event differ less; a wrong unit is off by a factor of ten or more
# Kraken's linear contracts are one coin each. A contract size of 10 or more is USD if, read as coins, it would make one
# contract worth at least this much: for a size of 10 above 10,000 USD a coin; for a size of 100 never at 0.30 USD.
ABSURD_SIZE = 10
ABSURD_USD = 100_000
_WORDS = ("qty", "notional", "contracts", "contract_size")


class Amounts(NamedTuple):
    """Base coins, USD, contracts and contract size as stated; ``is_assumed`` if the contract kind is assumed."""

    qty: float
    notional: float
    contracts: float | None
    contract_size: float | None
    is_assumed: bool = False


@lru_cache(maxsize=20_000)
def find_contract(exchange: str, name: str, instrument: str | None, quote: str | None, is_fixed: bool) -> Contract:
    """
    Read the contract of a row from its symbol and, if present, its instrument.

    The instrument also states the contract kind and the expiry. With ``is_fixed`` the symbol is ``--symbol``, which
    must not store a dated contract as a perpetual.

    Raises
    ------
    ValueError
        A name cannot be read, or the two contradict each other.
    """
    contract = _read(exchange, name, quote)
    if instrument is None or instrument == name:
        return contract
    own = _read(exchange, instrument, quote)
    expiry, stated = expiry_of(own.symbol), expiry_of(contract.symbol)
    if expiry != stated and (stated or is_fixed):
        what = "--symbol" if is_fixed else "its symbol"
        raise ValueError(f"the instrument is {instrument} ({own.symbol}), but {what} is {contract.symbol}")
    symbol = f"{contract.symbol}-{expiry}" if expiry and not stated else contract.symbol
    return replace(own if own.kind else contract, symbol=symbol)


def _read(exchange: str, name: str, quote: str | None) -> Contract:
    if quote:
        symbol = normalise_symbol(name)
        name = name if split_symbol(symbol)[1] else add_quote(symbol, quote)
    return read_contract(exchange, name)


def measure(
    cells: Mapping[str, object],
    price: float,
    contract: Contract,
    exchange: str,
    name: str = "",
    doubted: QuantityColumn | None = None,
) -> Amounts:
    """
    Compute coins and USD of a row.

    Parameters
    ----------
    cells : mapping
        Those of ``qty``, ``notional``, ``contracts``, ``contract_size`` and ``contract_kind`` that the row states.
    price : float
        [quote]
    contract : Contract
        Contract read from its name.
    name : str
        Name of the contract in the file, for messages.
    doubted : QuantityColumn, optional
        Column used for ``qty``, unless the user states that it holds coins.

    Raises
    ------
    ValueError
        An amount is missing, has an unknown unit, or contradicts another; the message names the option to pass.
    """
    stated = {word: read_positive(cells, word) for word in _WORDS if cells.get(word) is not None}
    kind = find_kind(cells, contract)
    qty, notional = stated.get("qty"), stated.get("notional")
    if not contract.in_dollars and notional is None:
        raise ValueError(
            f"{contract.symbol} is not quoted in dollars: pass --columns notional=COLUMN with the USD value"
        )
    is_sized = "contracts" in stated and "contract_size" in stated
    if qty is not None and notional is None and doubted:
        check_coins(doubted, name, contract, kind, exchange, is_sized)
    found = [] if qty is None else [("price x qty", qty, price * qty)]
    is_assumed = is_sized and kind is None and qty is None and notional is None
    if is_sized:
        kind = kind or _guess_kind(stated, price, contract, exchange)
        found.append(_by_size(stated, price, kind))
    if notional is not None:
        if contract.in_dollars:
            _check_agreement("notional", notional, found)
        qty = notional / price if qty is None else qty
    elif not found:
        raise ValueError("neither qty, notional nor contracts with their size are given")
    else:
        _check_agreement(found[0][0], found[0][2], found[1:])
        qty, notional = found[0][1:]
    return Amounts(qty, notional, stated.get("contracts"), stated.get("contract_size"), is_assumed)


def read_positive(cells: Mapping[str, object], word: str) -> float:
    """
    Read a number above zero.

    Raises
    ------
    ValueError
        It is not a number above zero.
    """
    number = parse_number(cells.get(word))
    if number <= 0:
        raise ValueError(f"{word} must be above zero: {shorten(cells.get(word))}")
    return number


def find_kind(cells: Mapping[str, object], contract: Contract) -> Kind | None:
    """Read the contract kind; name and file must not contradict each other."""
    cell = cells.get("contract_kind")
    if cell is None:
        return contract.kind
    text = str(cell).strip().lower()
    if text == "quanto":
        raise ValueError(f"{contract.symbol} is a quanto contract, so its USD value is unknown")
    if text not in KINDS:
        raise ValueError(f"contract_kind is neither linear nor inverse: {shorten(cell)}")
    if contract.kind not in (None, text):
        raise ValueError(f"contract_kind is {text}, but {contract.symbol} is {contract.kind} by its name and exchange")
    return "inverse" if text == "inverse" else "linear"


def _guess_kind(stated: Mapping[str, float], price: float, contract: Contract, exchange: str) -> Kind:
    """Derive the contract kind from another amount of the row or from the contract size."""
    usd = stated.get("notional", price * stated["qty"] if "qty" in stated else None)
    if usd is not None:
        fitting = [kind for kind in KINDS if _agrees(_by_size(stated, price, kind)[2], usd)]
        if not fitting:
            raise ValueError(
                f"contracts x contract_size matches neither the coins nor the USD of the row ({usd:g} USD)"
            )
        return fitting[0]
    size = stated["contract_size"]
    if exchange == "kraken" and size >= ABSURD_SIZE and size * price >= ABSURD_USD:
        return "inverse"
    coins = "1 coin" if size == 1 else f"{size:g} coins"
    raise ValueError(
        f"{contract.symbol} on {exchange} may be linear ({coins} a contract) or inverse ({size:g} USD a "
        "contract): pass --columns contract_kind=:linear, contract_kind=:inverse or contract_kind=COLUMN"
    )


def _by_size(stated: Mapping[str, float], price: float, kind: Kind) -> tuple[str, float, float]:
    product = stated["contracts"] * stated["contract_size"]
    if kind == "inverse":
        return "contracts x contract_size", product / price, product
    return "price x contracts x contract_size", product, price * product


def _check_agreement(what: str, usd: float, found: list[tuple[str, float, float]]) -> None:
    for how, _qty, other in found:
        if not _agrees(usd, other):
            raise ValueError(f"{what} {usd:g} differs from {how} = {other:g}")


def _agrees(one: float, other: float) -> bool:
    return abs(one - other) <= max(AGREES * other, 0.01)
