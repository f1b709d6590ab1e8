"""Maintenance-margin tiers: the rate that applies to a position of a given size, and its deduction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.core.margin_tiers import MarginTier, TierUnit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarginTiers:
    """
    Tiers of one contract, shape ``(n,)`` each, by rising size.

    ``floors`` are the sizes from which a tier applies, the first one 0; in ``unit``: value in the currency of the
    margin (``quote``: USD of a linear, coins of an inverse contract) or position size (``base``). ``rates`` are
    fractions. ``deductions`` [currency of the margin] make the maintenance margin continuous where an exchange charges
    each slice of a position at its own rate; they are 0 where the rate of the tier applies to the whole position.
    ``leverages`` are the highest allowed.
    """

    floors: Floats
    rates: Floats
    deductions: Floats
    leverages: Floats
    unit: TierUnit = "quote"

    @property
    def max_leverage(self) -> float:
        """Highest leverage of the smallest positions."""
        return float(self.leverages[0])

    def find(self, size: Floats | float) -> NDArray[np.intp]:
        """Return the tier of each size; a size on a floor belongs to the tier that starts there."""
        return np.searchsorted(self.floors, np.asarray(size, dtype=np.float64), side="right") - 1

    def maintenance(self, value: Floats | float, size: Floats | float | None = None) -> Floats:
        """
        Compute the maintenance margin of positions.

        Parameters
        ----------
        value : array or float
            Value in the currency of the margin.
        size : array or float, optional
            What the floors count; default the value.
        """
        value = np.asarray(value, dtype=np.float64)
        tier = self.find(value if size is None else size)
        return np.asarray(value * self.rates[tier] - self.deductions[tier])


def build_tiers(
    floors: Sequence[float],
    rates: Sequence[float],
    leverages: Sequence[float] | None = None,
    *,
    marginal: bool = True,
    unit: TierUnit = "quote",
) -> MarginTiers:
    """
    Build tiers from floors and rates.

    The deduction of a tier is that of the one below plus ``floor * (rate - rate below)``, so the maintenance margin has
    no step at a border. Binance publishes the same numbers as ``cum``, Bybit as ``mmDeduction``, Gate as ``deduction``.

    Parameters
    ----------
    floors, rates : sequences of n numbers
        Rising; the first floor must be 0.
    leverages : sequence of n numbers, optional
        Highest leverage; default ``1 / (2 * rate)``, the rule of Hyperliquid.
    marginal : bool
        False: the rate of a tier applies to the whole position (OKX), without deductions.

    Raises
    ------
    ValueError
        Not rising, not starting at 0, or rates outside 0 to 1.
    """
    floor, rate = np.asarray(floors, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    if len(floor) != len(rate) or not len(floor) or floor[0] != 0:
        raise ValueError("margin tiers: as many floors as rates are needed, the first floor 0")
    if (np.diff(floor) <= 0).any() or (np.diff(rate) < 0).any() or not ((rate > 0) & (rate < 1)).all():
        raise ValueError("margin tiers: floors must rise, rates must not fall and lie between 0 and 1")
    steps = floor[1:] * np.diff(rate) if marginal else np.zeros(len(floor) - 1)
    deductions = np.concatenate([[0.0], np.cumsum(steps)])
    most = 1 / (2 * rate) if leverages is None else np.asarray(leverages, dtype=np.float64)
    return MarginTiers(floor, rate, deductions, most, unit)


def read_tiers(rows: Sequence[MarginTier]) -> MarginTiers:
    """Build tiers from published rows of one contract, by rising floor, with the deductions as published."""
    floors, rates, deductions, leverages = (
        np.array([getattr(row, name) for row in rows], dtype=np.float64)
        for name in ("floor", "rate", "deduction", "max_leverage")
    )
    return MarginTiers(floors, rates, deductions, leverages, rows[0].unit)


def flat_tier(rate: float, deduction: float = 0.0) -> MarginTiers:
    """Build a single tier with a given deduction, for one position whose tier is known."""
    one = np.ones(1)
    return MarginTiers(0 * one, rate * one, deduction * one, one / (2 * rate))
