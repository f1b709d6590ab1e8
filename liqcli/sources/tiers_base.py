"""Interface of a source of margin tiers. Like other sources it yields requests and parses answers, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from liqcli.core.margin_tiers import MarginTier, find_tier_fault
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.base import Endpoint

Tiers = dict[str, tuple[MarginTier, ...]]
AskTiers = Generator[Request, Any, Tiers]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSource(Endpoint):
    """
    A source of margin tiers; it publishes only those of now.

    ``ask(symbol)`` returns tiers by symbol: those of all contracts if an answer contains them (``shared``).
    """

    ask: Callable[[str], AskTiers]

    @property
    def title(self) -> str:
        """Name in the progress, apart from other sources of the exchange."""
        return f"{self.name} margin tiers"


def sort_tiers(symbol: str, tiers: Iterable[MarginTier]) -> tuple[MarginTier, ...]:
    """
    Sort the tiers of a contract by size and check them.

    Raises
    ------
    RefusalError
        They are invalid; the message says why.
    """
    found = tuple(sorted(tiers, key=lambda tier: tier.floor))
    if fault := find_tier_fault(found):
        raise RefusalError(f"invalid margin tiers of {symbol}: {fault}")
    return found


def from_caps(
    symbol: str, rows: Iterable[tuple[float, float, float | None, float]], factor: float = 1.0
) -> tuple[MarginTier, ...]:
    """
    Build tiers from rows of (largest size, rate, deduction or None, highest leverage).

    A tier starts where the one below ends. Deductions that are not stated are computed, so that the maintenance margin
    has no step. ``factor`` converts sizes.
    """
    tiers: list[MarginTier] = []
    floor, below, cut = 0.0, 0.0, 0.0
    for cap, rate, deduction, leverage in sorted(rows):
        cut = cut + floor * (rate - below) if deduction is None else deduction
        tiers.append(MarginTier(symbol, floor, rate, cut if floor else 0.0, leverage))
        floor, below = cap * factor, rate
    return sort_tiers(symbol, tiers)
