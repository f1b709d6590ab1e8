"""
Compute the price at which an exchange liquidates a position.

A position is liquidated where its equity falls to its maintenance margin. With ``s`` = +1 for a long and -1 for a
short, ``q`` the size, ``E`` the entry, ``W`` the margin, ``m`` the maintenance rate, ``d`` the deduction of its tier
and ``f`` the fee that the exchange adds to the rate, the equation and its solution are:

- linear: ``W + s q (P - E) = q P (m + f) - d``, so ``P = (W + d - s q E) / (q (m + f) - s q)``;
- linear, valued at entry: ``W + s q (P - E) = q E m - d``, so ``P = E - s (W - q E m + d) / q``;
- inverse, ``q`` in USD, ``W`` and ``d`` in coins: ``W + s q (1/E - 1/P) = q / P (m + f) - d``, so
  ``P = q (1 + s (m + f)) / (q / E + s (W + d))``.

The maintenance margin is the largest of the lines ``rate * value - deduction`` of all tiers. So the price is the
highest of the tiers' prices for a long and the lowest for a short: no tier has to be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.tiers import MarginTiers
from liqcli.core.model import Position

Floats = NDArray[np.float64]
Number = Floats | float
ContractKind = Literal["linear", "inverse"]
SMALL = 1e-9  # size of a position that is always in the first tier


@dataclass(frozen=True, slots=True)
class MarginRule:
    """
    How an exchange computes the maintenance margin.

    ``at_entry``: linear positions are valued at their entry, not at the mark price. ``fee``: taker fee that is added to
    the maintenance rate. ``source`` names the page and the date it was read.
    """

    source: str
    at_entry: bool = False
    fee: float = 0.0


# Exchange -> its rule. Exchanges that are not listed use that of Binance.
MARGIN_RULES = {
    "binance": MarginRule(
        "binance.com/en/support/faq b3c689c1f50a44cabb3a84e663b81d93, as replayed by freqtrade's tests (2026-11-22)"
    ),
    "aster": MarginRule("apollox-finance.zendesk.com 4404868544409: the formula of Binance (2026-11-29)"),
    "bybit": MarginRule(
        "bybit.com help 900000181046 and the UTA article of 2026-05-27: MM = q E m - d, so at entry (2026-11-29)",
        at_entry=True,
    ),
    "okx": MarginRule("OKX help, margin ratio with mmr + taker fee, tiers by contracts (2026-11-29)", fee=0.0005),
    "gate": MarginRule(
        "Gate support, (entry -+ margin / size) / (1 -+ (maintenance rate + taker fee)), fee 0.075 % (2026-11-30)",
        fee=0.00075,
    ),
    "hyperliquid": MarginRule(
        "Hyperliquid wiki, clearinghouse/liquidations.md 479c4594: P = price - s * available / size / (1 - l s),"
        " l = half of the initial rate at the highest leverage (2026-11-29)"
    ),
}


def find_rule(exchange: str) -> MarginRule:
    """Return the rule of an exchange, that of Binance where none is known."""
    return MARGIN_RULES.get(exchange, MARGIN_RULES["binance"])


def liquidation_price(
    entry: Number,
    leverage: Number,
    position: Position,
    tiers: MarginTiers,
    *,
    size: Number | None = None,
    contract: ContractKind = "linear",
    rule: MarginRule = MARGIN_RULES["binance"],
    balance: Number | None = None,
    extra_margin: Number = 0.0,
    other_maintenance: Number = 0.0,
    other_pnl: Number = 0.0,
) -> Floats:
    """
    Compute the price at which a position is liquidated.

    Isolated margin is ``value at entry / leverage + extra_margin``. Cross margin is ``balance - other_maintenance +
    other_pnl``; the leverage then plays no part.

    Parameters
    ----------
    entry, leverage : arrays or floats, broadcast against each other
        Average entry [quote], and the leverage of an isolated position.
    position : {"long", "short"}
        Side of the position.
    tiers : MarginTiers
        Tiers of the contract; see :func:`liqcli.analysis.levels.tiers.build_tiers`.
    size : array or float, optional
        Base coins, or USD of an inverse contract. Default: so small that the first tier applies.
    contract : {"linear", "inverse"}
        Inverse contracts have their margin in coins.
    rule : MarginRule
        See :data:`MARGIN_RULES`.
    balance : array or float, optional
        Wallet balance behind a cross position. [currency of the margin] Default: isolated margin.
    extra_margin, other_maintenance, other_pnl : arrays or floats
        Margin added to an isolated position; maintenance margin and unrealized profit of the other cross positions.

    Returns
    -------
    array of float64
        [quote]; NaN where no price liquidates the position (a long at 1x, an inverse short at 1x, a large balance).
    """
    sign = 1.0 if position == "long" else -1.0
    entry, leverage = np.asarray(entry, dtype=np.float64), np.asarray(leverage, dtype=np.float64)
    q = np.asarray(SMALL if size is None else size, dtype=np.float64)
    value = q * entry if contract == "linear" else q / entry  # in the currency of the margin, at entry
    margin = value / leverage + extra_margin if balance is None else balance - other_maintenance + other_pnl
    value, margin, entry, q = np.broadcast_arrays(value, margin, entry, q)
    rate, deduction = _applicable(tiers, value, q, at_entry=rule.at_entry and contract == "linear")
    value, margin, entry, q = (np.expand_dims(array, -1) for array in (value, margin, entry, q))
    with np.errstate(divide="ignore", invalid="ignore"):
        if contract == "inverse":
            coins = value + sign * (margin + deduction)  # at 0 or less no price liquidates a short
            prices = np.where(coins > 0, q * (1 + sign * (rate + rule.fee)) / coins, np.inf)
        elif rule.at_entry:
            prices = entry - sign * (margin - value * rate + deduction) / q
        else:
            prices = (margin + deduction - sign * value) / (q * (rate + rule.fee - sign))
    found = prices.max(axis=-1) if position == "long" else prices.min(axis=-1)
    return np.asarray(np.where((found > 0) & np.isfinite(found), found, np.nan))


def _applicable(tiers: MarginTiers, value: Floats, size: Floats, *, at_entry: bool) -> tuple[Floats, Floats]:
    """Return the rates and deductions that can apply, on a last axis: all tiers, or the one known from the size."""
    if tiers.unit == "base" or at_entry:
        tier = tiers.find(size if tiers.unit == "base" else value)[..., None]
        return tiers.rates[tier], tiers.deductions[tier]
    return tiers.rates, tiers.deductions
