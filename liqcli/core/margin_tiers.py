"""Margin tiers as exchanges publish them, one row per tier."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

TierUnit = Literal["quote", "base"]


class MarginTier(NamedTuple):
    """
    One tier of a contract.

    ``floor`` is the position size from which it applies, in ``unit``: value in the currency of the margin (``quote``),
    or base coins (``base``); ``rate`` the maintenance rate, 0 to 1; ``deduction`` in the currency of the margin;
    ``max_leverage`` the highest allowed.
    """

    symbol: str
    floor: float
    rate: float
    deduction: float
    max_leverage: float
    unit: TierUnit = "quote"


def find_tier_fault(tiers: Sequence[MarginTier]) -> str | None:
    """Describe why the tiers of one contract, by rising floor, are invalid, or return None if they are valid."""
    if not tiers or tiers[0].floor != 0:
        return "the first tier does not start at 0"
    for lower, upper in pairwise(tiers):
        if upper.floor <= lower.floor or upper.rate < lower.rate:
            return "floors and rates do not rise"
    for tier in tiers:
        if not 0 < tier.rate < 1 or tier.max_leverage <= 0 or tier.deduction < 0:
            return "a rate, leverage or deduction is out of range"
        if tier.rate * tier.max_leverage > 1:  # a rate in percent, for example
            return "a maintenance rate is above the initial margin"
    return None
