"""Open positions as a chain or an exchange publishes them, one row per account and contract."""

from __future__ import annotations

from typing import NamedTuple

from liqcli.core.model import Position


class OpenPosition(NamedTuple):
    """
    One open position.

    ``size`` in base coins, above zero; ``notional`` [USD]; ``entry_price`` and ``liquidation_price`` [quote], the
    latter None where no price liquidates the position; ``open_interest`` of one side of the contract at that time [base
    coins]. None where unknown.
    """

    symbol: str
    position: Position
    size: float
    notional: float | None
    entry_price: float
    liquidation_price: float | None
    leverage: float | None
    open_interest: float | None = None


def find_position_fault(row: OpenPosition) -> str | None:
    """Describe why a position is invalid, or return None if it is valid."""
    if row.size <= 0 or row.entry_price <= 0:
        return "size or entry price is not above zero"
    if row.notional is not None and row.notional <= 0:
        return "notional is not above zero"
    if row.leverage is not None and row.leverage <= 0:
        return "leverage is not above zero"
    return None
