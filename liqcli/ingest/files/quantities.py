"""Unit of a quantity column, asked for where the exchange itself does not count coins; sizes of contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from liqcli.core.errors import MixedSeriesError, UsageError
from liqcli.core.instruments import RULES, Contract, Kind
from liqcli.core.symbols import split_symbol

IN_COINS = "coins"  # suffix of a column in --columns: qty=sz:coins
_CLEAR_WORDS = frozenset({"base", "coin", "coins"})  # a column with one of these words in its name holds coins
# Columns in which exchanges state the size of an order, the filled one first. Named in messages, never used unasked.
OWN_NAMES = (
    "accumulated_fill_quantity", "executed_qty", "executedqty", "filled", "sz", "vol", "volume", "size", "z", "q", "v",
    "qty", "quantity", "original_quantity", "orig_qty", "origqty", "amount", "contracts",
)  # fmt: skip
# Exchanges without a source here whose amounts are contracts (KuCoin `size` in lots, MEXC `vol`).
_COUNT_CONTRACTS = frozenset({"kucoin", "mexc"})


class UnclearQuantityError(ValueError):
    """A quantity may count something else than coins; the message names the options that say which."""


class QuantityColumn(NamedTuple):
    """Column used for ``qty`` that the user does not state to hold coins; whether it was found by its name alone."""

    name: str
    is_guessed: bool = False


def check_coins(
    column: QuantityColumn, name: str, contract: Contract, kind: Kind | None, exchange: str, is_sized: bool
) -> None:
    """
    Check that a quantity column holds coins, by its name and by what the exchange counts.

    Parameters
    ----------
    name : str
        Name of the contract in the file, for the message.
    is_sized : bool
        Whether the row also states contracts and their size, which are then compared.

    Raises
    ------
    UnclearQuantityError
        It may hold contracts or USD.
    """
    words = set(re.split(r"[\W_]+", column.name.lower()))
    if words & _CLEAR_WORDS or (is_sized and kind):
        return
    rule = RULES.get(exchange)
    may_be_inverse = kind is None and (column.is_guessed or bool(rule and rule.faces))
    may_be_usd = may_be_inverse and (is_sized or split_symbol(contract.symbol)[1] == "USD")
    counts_else = exchange in _COUNT_CONTRACTS or contract.unit not in (None, "base")
    is_vague = column.name.strip().lower() != "qty" and (counts_else or may_be_usd)
    if is_vague or kind == "inverse" or (may_be_usd and is_sized):
        unit, option = _explain_unit(column.name, name, contract, kind, exchange)
        raise UnclearQuantityError(
            f"qty={column.name} is ambiguous: {exchange} {unit}. Pass --columns {option}; "
            f"if the column holds coins, qty={column.name}:{IN_COINS}"
        )


def _explain_unit(column: str, name: str, contract: Contract, kind: Kind | None, exchange: str) -> tuple[str, str]:
    """Return what an exchange counts, and the option for a column of it."""
    sized = f"contracts={column} with {_size_options(name)}"
    if contract.unit == "quote" or (kind == "inverse" and contract.face == 1):
        return f"states USD of '{name}', not coins", f"notional={column}"
    if kind == "inverse" and contract.face:
        return f"counts contracts of '{name}', not coins", f"contracts={column} ({contract.face:g} USD a contract)"
    if contract.unit == "contracts" or exchange in _COUNT_CONTRACTS:
        return f"counts contracts of '{name}', not coins", sized
    return f"may count coins, contracts or USD of '{name}'", f"notional={column} (USD) or {sized}"


def describe_missing_quantity(exchange: str | None, header: Sequence[str]) -> str:
    """Describe the options for a file whose quantity is not specified, those of the exchange's own unit first."""
    lower = {name.strip().lower(): name for name in reversed(header)}
    column = next((lower[name] for name in OWN_NAMES if name in lower), "COLUMN")
    contracts = f"contracts={column} with {_size_options('INSTRUMENT')}"
    rule = RULES.get(exchange or "")
    if exchange in _COUNT_CONTRACTS or (rule and rule.unit == "contracts"):
        ways = f"{contracts} ({exchange} counts contracts), qty={column}:{IN_COINS} or notional={column} (USD)"
    elif rule and rule.unit == "quote":
        ways = f"notional={column} ({exchange} states USD), qty={column}:{IN_COINS} or {contracts}"
    elif rule and knows_faces(exchange):
        ways = f"qty={column} (coins), contracts={column} (coin-margined contracts) or notional={column} (USD)"
    else:
        ways = f"qty={column} (coins), notional={column} (USD) or {contracts}"
    return f"quantity not specified: pass --columns {ways}"


def knows_faces(exchange: str | None) -> bool:
    """Return whether inverse contracts of an exchange have a known size, so that contracts alone may suffice."""
    rule = RULES.get(exchange or "")
    return exchange is None or bool(rule and rule.faces and rule.faces != (1.0, 1.0))


def ask_size(name: str) -> str:
    """Build the message for an unknown contract size."""
    return f"contract size of {name} is unknown: pass --contract-size {name}=SIZE or --columns contract_size=COLUMN"


def doubt_coins(exchange: str | None, columns: Mapping[str, str]) -> list[str]:
    """Note that a column named ``qty`` is read as coins although the exchange itself counts contracts or USD."""
    column = columns.get("qty", "")
    rule = RULES.get(exchange or "")
    if column.strip().lower() != "qty" or {"notional", "contracts"} & set(columns):
        return []
    if exchange in _COUNT_CONTRACTS or (rule and rule.unit == "contracts"):
        what, option = "contracts", f"contracts={column} with their size"
    elif rule and rule.unit == "quote":
        what, option = "USD", f"notional={column}"
    else:
        return []
    return [f"{column} is read as coins; {exchange} itself states {what}: if the column does too, --columns {option}"]


def _size_options(name: str) -> str:
    return f"contract_size=COLUMN, contract_size=:0.01 or --contract-size {name}=SIZE"


@dataclass(slots=True)
class ContractSizes:
    """
    Contract sizes that no column states: those of ``--contract-size``, a constant, or a known face value.

    A size is used for one contract only: a constant that reaches a second one would make its amounts wrong in silence.
    """

    given: Mapping[str, float] = field(default_factory=dict)
    used: dict[str, tuple[str, str, Kind | None]] = field(default_factory=dict)

    def find(self, names: Iterable[str], contract: Contract, exchange: str) -> float | None:
        """
        Find the size of a contract by its names in the file or its symbol; None if the user did not state it.

        Raises
        ------
        MixedSeriesError
            The name stands for contracts of two exchanges.
        """
        wanted = {name.strip().upper() for name in names} | {contract.symbol}
        for name, size in self.given.items():
            if name.strip().upper() in wanted:
                first = self.used.setdefault(name, (exchange, "", contract.kind))
                if first[0] != exchange:
                    raise MixedSeriesError(
                        f"--contract-size {name} would apply to rows of {first[0]} and {exchange}; "
                        "import the rows of each exchange separately"
                    )
                return size
        return None

    def check_constant(self, size: float, name: str, contract: Contract, exchange: str) -> None:
        """
        Check that ``contract_size=:SIZE`` applies to one contract, and does not contradict its known face value.

        Raises
        ------
        MixedSeriesError
            It would apply to another contract too; the whole file is rejected.
        """
        face = contract.face if contract.kind == "inverse" else None
        if face == size or (size == 1 and exchange not in _COUNT_CONTRACTS and contract.unit in (None, "base")):
            return
        advice = f"pass the size of each contract, as in --contract-size {name}=SIZE (repeatable)"
        if face and face != 1:
            raise MixedSeriesError(f"contract_size=:{size:g}, but {name} is {face:g} USD a contract; {advice}")
        base = split_symbol(contract.symbol)[0]
        first = self.used.setdefault("", (exchange, base, contract.kind))
        if first != (exchange, base, contract.kind):
            raise MixedSeriesError(
                f"contract_size=:{size:g} would apply to contracts on {first[1]} ({first[0]}) and to {name} "
                f"({exchange}); {advice}"
            )

    def unused(self) -> list[str]:
        """List the names of ``--contract-size`` that no row used."""
        return [name for name in self.given if name not in self.used]


def check_size_options(given: Mapping[str, float], columns: Mapping[str, str]) -> None:
    """
    Check that ``--contract-size`` fits the columns of a generic file.

    Raises
    ------
    UsageError
        There is no column of contracts, or a column states their size.
    """
    if given and "contracts" not in columns:
        raise UsageError("--contract-size applies to a column of contracts: pass --columns contracts=COLUMN")
    if given and "contract_size" in columns:
        raise UsageError(f"--contract-size cannot be combined with contract_size={columns['contract_size']}")
